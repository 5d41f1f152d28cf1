//! Schemas: required fields, `allOf` and recursion.

use serde_json::{Value, json};

use crate::{assert_contains, assert_error, generate_body, object, reference};

#[test]
fn required_field_must_be_a_property() {
    let request = json!({"type": "object", "required": ["b"], "properties": {"a": {}}});
    assert_error(
        generate_body(request, json!({}), json!({})),
        &["type `Operation0Request`: requires `b`, which it does not have"],
    );
    let response = json!({"type": "object", "x-always": ["b"], "properties": {"a": {}}});
    assert_error(
        generate_body(json!({}), response, json!({})),
        &["type `Operation0Response`: requires `b`, which it does not have"],
    );
}

/// Returns the Rust type of a required request field with this schema.
fn field_type(schema: Value, schemas: Value) -> String {
    let request = json!({"type": "object", "required": ["s"], "properties": {"s": schema}});
    let code = generate_body(request, json!({}), schemas).unwrap();
    let (_, rest) = code.split_once("pub struct Operation0Request {").unwrap();
    let (_, rest) = rest.split_once("pub s: ").unwrap();
    rest.split([',', '\n']).next().unwrap().to_owned()
}

#[test]
fn all_of_keeps_the_type_of_its_parts() {
    let schemas = json!({
        "Text": {"type": "string"},
        "Sort": {"type": "string", "enum": ["asc", "desc"]},
        "Tags": {"type": "array", "items": {"type": "string"}},
        "Either": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "Thing": object(json!({"a": {"type": "string"}})),
    });
    let words = json!({"description": "Words."});
    for (parts, expected) in [
        (json!([reference("Text"), words]), "String"),
        (json!([words, reference("Text")]), "String"),
        (json!([reference("Text"), {"maxLength": 5}]), "String"),
        (json!([{"type": "integer"}, {"minimum": 1}]), "i64"),
        (json!([{"type": "number"}, {"type": "integer"}]), "i64"),
        (json!([{"type": "boolean"}, words]), "bool"),
        (json!([reference("Tags"), words]), "Vec<String>"),
        (json!([reference("Sort"), words]), "Sort"),
        (
            json!([reference("Sort"), {"type": "string"}, words]),
            "Operation0RequestS",
        ),
        (json!([reference("Either"), words]), "Either"),
        (json!([reference("Thing"), words]), "Operation0RequestS"),
        (
            json!([{"allOf": [reference("Text"), words]}, words]),
            "String",
        ),
        (json!([words, words]), "crate::JsonObject"),
    ] {
        let schema = json!({"allOf": parts});
        assert_eq!(field_type(schema, schemas.clone()), expected, "{parts}");
    }
    let beside = json!({"allOf": [words], "type": "string"});
    assert_eq!(field_type(beside, schemas), "String");
}

#[test]
fn keywords_that_contradict_the_type_are_reported() {
    for (schema, expected) in [
        (
            json!({"type": "boolean", "properties": {"a": {}}}),
            "type: expected `object` beside properties, found `boolean`",
        ),
        (
            json!({"type": "array", "items": {}, "properties": {"a": {}}}),
            "type: expected `object` beside properties, found `array`",
        ),
        (
            json!({"type": "number", "enum": ["one", "two"]}),
            "type: expected `string` beside an enum of strings, found `number`",
        ),
    ] {
        let schemas = json!({"Thing": schema});
        let response = object(json!({"a": reference("Thing")}));
        assert_error(
            generate_body(json!({}), response, schemas),
            &["POST /things: ", expected],
        );
    }
}

#[test]
fn contradictory_all_of_is_reported() {
    let schemas = json!({"Text": {"type": "string"}});
    for part in [object(json!({"a": {}})), json!({"type": "integer"})] {
        let request = object(json!({"s": {"allOf": [reference("Text"), part]}}));
        assert_error(
            generate_body(request, json!({}), schemas.clone()),
            &[
                "POST /things: request body.s: allOf: cannot be a",
                "and a",
                "at the same time",
            ],
        );
    }
}

// --- recursion ---

#[test]
fn maps_and_lists_of_themselves_are_types() {
    for (schemas, expected) in [
        (
            json!({"J": {"type": "object", "additionalProperties": reference("J")}}),
            "crate::JsonObject".to_owned(),
        ),
        (
            json!({"J": {"type": "array", "items": reference("J")}}),
            "Vec<serde_json::Value>".to_owned(),
        ),
        (
            json!({
                "J": {"type": "array", "items": reference("K")},
                "K": {"type": "object", "additionalProperties": {"allOf": [reference("J")]}},
            }),
            "Vec<crate::JsonObject>".to_owned(),
        ),
    ] {
        let code = generate_body(json!({}), object(json!({"j": reference("J")})), schemas).unwrap();
        assert_contains(&code, &[&format!("pub j: {expected}")]);
    }
    let through_object =
        json!({"J": {"type": "array", "items": object(json!({"j": reference("J")}))}});
    generate_body(
        json!({}),
        object(json!({"j": reference("J")})),
        through_object,
    )
    .unwrap();
    let named = json!({
        "J": {"type": "array", "items": reference("S")},
        "S": object(json!({"j": reference("J")})),
    });
    let code = generate_body(json!({}), object(json!({"j": reference("J")})), named).unwrap();
    assert_contains(&code, &["pub j: Vec<S>"]);
}

#[test]
fn schemas_that_only_reference_themselves_are_reported() {
    for schemas in [
        json!({"J": {"allOf": [reference("J")]}}),
        json!({"J": {"allOf": [reference("K")]}, "K": {"oneOf": [reference("J")]}}),
    ] {
        assert_error(
            generate_body(json!({}), object(json!({"j": reference("J")})), schemas),
            &["POST /things: #/components/schemas/J: the schema is only a reference to itself"],
        );
    }
    let cycle = json!({"J": {"allOf": [reference("J"), object(json!({"a": {}}))]}});
    assert_error(
        generate_body(json!({}), object(json!({"j": reference("J")})), cycle),
        &["POST /things: #/components/schemas/J: ", "levels deep"],
    );
}

#[test]
fn deep_and_wide_schemas_are_reported() {
    let chain = (0..5_000).map(|index| {
        let next = object(json!({"next": reference(&format!("S{}", index + 1))}));
        (format!("S{index}"), next)
    });
    let last = (String::from("S5000"), json!({"type": "string"}));
    let schemas = Value::Object(chain.chain([last]).collect());
    assert_error(
        generate_body(json!({}), reference("S0"), schemas),
        &["POST /things: ", "more than 64 levels deep"],
    );
    // Each schema is twice the next one.
    let doubles = (0..30).map(|index| {
        let next = reference(&format!("S{}", index + 1));
        (format!("S{index}"), json!({"allOf": [next, next]}))
    });
    let last = (
        String::from("S30"),
        object(json!({"a": {"type": "string"}})),
    );
    let schemas = Value::Object(doubles.chain([last]).collect());
    assert_error(
        generate_body(json!({}), reference("S0"), schemas),
        &["POST /things: ", "expands to more than"],
    );
}

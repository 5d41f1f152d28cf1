//! The names of types, fields, setters and variants.

use serde_json::json;

use crate::{assert_contains, assert_error, generate_body, object, reference};

#[test]
fn different_schemas_with_one_rust_name_are_reported_with_both_places() {
    let both = json!({
        "OddThing": object(json!({"alpha": {"type": "string"}})),
        "odd_thing": object(json!({"beta": {"type": "string"}})),
    });
    let response = object(json!({"a": reference("OddThing"), "b": reference("odd_thing")}));
    let result = generate_body(json!({}), response, both);
    assert_error(
        result,
        &[
            "POST /things: #/components/schemas/odd_thing: `OddThing` already names a different schema",
            "at #/components/schemas/OddThing",
        ],
    );
    // An `x-name`, and the name of a body.
    let given = json!({
        "A": {"type": "object", "x-name": "Same", "properties": {"a": {"type": "string"}}},
        "Same": object(json!({"b": {"type": "string"}})),
    });
    let response = object(json!({"a": reference("A"), "b": reference("Same")}));
    let result = generate_body(json!({}), response, given);
    assert_error(
        result,
        &[
            "#/components/schemas/Same: `Same` already",
            "#/components/schemas/A",
        ],
    );
    let body = json!({"Operation0Response": object(json!({"b": {"type": "string"}}))});
    let response = object(json!({"b": reference("Operation0Response")}));
    let result = generate_body(json!({}), response, body);
    assert_error(
        result,
        &["response: `Operation0Response` already names a different schema"],
    );
}

#[test]
fn property_schema_does_not_get_the_type_of_a_component_of_its_name() {
    let schemas = json!({
        "A": object(json!({"part": object(json!({"x": {"type": "string"}}))})),
        "Part": object(json!({"y": {"type": "string"}})),
    });
    let inner = json!({"$ref": "#/components/schemas/A/properties/part"});
    let response = object(json!({"a": inner, "b": reference("Part")}));
    assert_error(
        generate_body(json!({}), response, schemas),
        &["`Part` already names a different schema, at #/components/schemas/A/properties/part"],
    );
}

#[test]
fn equal_schemas_share_a_rust_name() {
    let thing = object(json!({"alpha": {"type": "string"}, "next": reference("OddThing")}));
    let other = object(json!({"alpha": {"type": "string"}, "next": reference("odd_thing")}));
    let response = object(json!({"a": reference("OddThing"), "b": reference("odd_thing")}));
    let schemas = json!({"OddThing": thing, "odd_thing": other});
    let code = generate_body(json!({}), response, schemas).unwrap();
    assert_eq!(code.matches("pub struct OddThing").count(), 1);
    assert_contains(
        &code,
        &[
            "pub a: Option<Box<OddThing>>",
            "pub b: Option<Box<OddThing>>",
        ],
    );
}

#[test]
fn request_variant_does_not_replace_a_schema_of_its_name() {
    let schemas = json!({
        "Part": object(json!({"a": {"type": "string"}})),
        "PartInput": object(json!({"b": {"type": "string"}})),
    });
    let request = object(json!({"a": reference("Part"), "b": reference("PartInput")}));
    assert_error(
        generate_body(request, reference("Part"), schemas),
        &["schema `PartInput`: the name is that of the request variant of the schema `Part`"],
    );
}

#[test]
fn builders_do_not_have_the_name_of_a_type() {
    let schemas = json!({
        "Part": object(json!({"a": {"type": "string"}})),
        "PartBuilder": object(json!({"b": {"type": "string"}})),
    });
    let response = reference("PartBuilder");
    assert_error(
        generate_body(reference("Part"), response, schemas),
        &["POST /things: type `PartBuilder`: is also the name of a request builder"],
    );
    let schemas = json!({"Operation0": object(json!({"b": {"type": "string"}}))});
    assert_error(
        generate_body(json!({}), reference("Operation0"), schemas),
        &["POST /things: the builder `Operation0` has the name of a type"],
    );
}

#[test]
fn schemas_named_like_our_types_are_types_of_their_own() {
    for name in [
        "Secret",
        "Value",
        "Map",
        "BTreeMap",
        "DateTime",
        "JsonObject",
        "List",
        "Patch",
    ] {
        let schemas = json!({(name): object(json!({"label": {"type": "string"}}))});
        let response = object(json!({
            "one": reference(name),
            "many": {"type": "array", "items": reference(name)},
            "any": {},
            "key": {"type": "string", "format": "secret"},
        }));
        let code = generate_body(reference(name), response, schemas).unwrap();
        assert_contains(
            &code,
            &[
                &format!("pub one: Option<{name}>"),
                &format!("pub many: Vec<{name}>"),
                &format!("pub struct {name} {{"),
                "pub label: Option<String>",
                "pub any: Option<serde_json::Value>",
                "pub key: Option<crate::Secret>",
                &format!("{name}Input, M>"),
            ],
        );
    }
}

#[test]
fn schemas_named_like_types_of_rust_are_reported() {
    for name in [
        "Option", "String", "Vec", "Box", "Result", "Default", "Error", "Self", "Response",
    ] {
        let schemas = json!({(name): object(json!({"label": {"type": "string"}}))});
        let expected = format!(
            "POST /things: #/components/schemas/{name}: the type name `{name}` is reserved"
        );
        let response = object(json!({"a": reference(name)}));
        assert_error(generate_body(json!({}), response, schemas), &[&expected]);
        // `x-name` resolves it.
        let schemas = json!({(name): {"x-name": "Thing", "properties": {"a": {"type": "string"}}}});
        let response = object(json!({"a": reference(name)}));
        generate_body(json!({}), response, schemas).unwrap();
    }
    for (name, problem) in [
        ("1st", "is not a valid Rust type name"),
        ("%", "is not a valid Rust"),
    ] {
        let schemas = json!({(name): object(json!({"label": {"type": "string"}}))});
        let response = object(json!({"a": {"$ref": format!("#/components/schemas/{name}")}}));
        assert_error(generate_body(json!({}), response, schemas), &[problem]);
    }
    let schemas = json!({"A": {"x-name": "HTTPThing", "properties": {"a": {"type": "string"}}}});
    let response = object(json!({"a": reference("A")}));
    assert_error(
        generate_body(json!({}), response, schemas),
        &["`HTTPThing` is not in upper camel case; expected `HttpThing`"],
    );
}

#[test]
fn names_with_single_letters_are_generated() {
    let inline = json!({"a_b_test": object(json!({"a_b_test": {"type": "string"}}))});
    let code = generate_body(json!({}), object(inline), json!({})).unwrap();
    assert_contains(&code, &["pub a_b_test: Option<Operation0ResponseAbTest>"]);
    let schemas = json!({"x_y_z": object(json!({"a": {"type": "string"}}))});
    let code = generate_body(json!({}), object(json!({"a": reference("x_y_z")})), schemas).unwrap();
    assert_contains(&code, &["pub a: Option<Xyz>"]);
}

#[test]
fn values_with_one_variant_are_reported() {
    for values in [
        json!(["asc", "ASC", "desc"]),
        json!(["a-b", "a_b"]),
        json!(["", "%"]),
    ] {
        let response = object(json!({"sort": {"type": "string", "enum": values}}));
        assert_error(
            generate_body(json!({}), response, json!({})),
            &[
                "POST /things: type `Operation0ResponseSort`: the values `",
                "both map to the Rust name",
            ],
        );
    }
}

#[test]
fn any_value_of_a_discriminator_becomes_a_variant() {
    let variant = |value: &str, field: &str| {
        object(json!({"date": {"type": "string", "enum": [value]}, (field): {"type": "string"}}))
    };
    let union = json!({"oneOf": [variant("2024-01-01", "a"), variant("self", "b")]});
    let code = generate_body(json!({}), object(json!({"u": union})), json!({})).unwrap();
    assert_contains(&code, &["X20240101(Box<", "Self_(Box<"]);
    let union = json!({"oneOf": [variant("a-b", "a"), variant("a_b", "b")]});
    assert_error(
        generate_body(json!({}), object(json!({"u": union})), json!({})),
        &["the values `a-b` and `a_b` both map to the Rust name `AB` of a variant"],
    );
}

#[test]
fn fields_that_collide_in_rust_are_reported() {
    for (fields, expected) in [
        (
            json!({"userId": {}, "user_id": {}}),
            "`userId` and `user_id` both map to the Rust name `user_id` of a field",
        ),
        (json!({"extra": {}}), "the field name `extra` is reserved"),
        (
            json!({"problem": {}}),
            "the field name `problem` is reserved",
        ),
        (
            json!({"build": {}, "build_": {}}),
            "both map to the Rust name",
        ),
        (
            json!({"a": {"type": "string", "x-clear": "null"}, "clear_a": {"type": "string"}}),
            "`a` and `clear_a` both map to the Rust name `clear_a` of a setter",
        ),
        (
            json!({"a": {"type": "array", "items": {"type": "string"}}, "maybe_a": {"type": "string"}}),
            "`a` and `maybe_a` both map to the Rust name `maybe_a` of a setter",
        ),
    ] {
        let result = generate_body(object(fields), json!({}), json!({}));
        assert_error(
            result,
            &["POST /things: type `Operation0Request`: ", expected],
        );
    }
    // Only the builder of a request has these names.
    let response = object(json!({"problem": {}, "build": {}}));
    generate_body(json!({}), response, json!({})).unwrap();
}

//! Runs small documents through lower, select and generate.

#![allow(clippy::unwrap_used)]

use portkey_admin_codegen::{
    Manifest, Patched, Source, generate,
    lower::{self, Direction, Lowered},
    select,
    select::Areas,
};
use serde_json::{Value, json};

/// Returns a document with one operation, its request and response schemas, and these components.
fn patched_document(request: Value, response: Value, schemas: Value) -> Patched {
    let document = json!({
        "openapi": "3.0.3",
        "info": {"version": "1"},
        "paths": {"/things/{id}": {"put": {
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "x-portkey-api-key", "in": "header", "schema": {"type": "string"}},
                {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema": request}}},
            "responses": {"200": {"content": {"application/json": {"schema": response}}}},
        }}},
        "components": {"schemas": schemas},
    });
    let manifest = Manifest::parse(&Source {
        name: "operations.yaml".into(),
        text: "PUT /things/{id}: {id: update_thing, summary: Changes a thing., plane: control, \
               area: things, retry: idempotent, status: works, evidence: {by: document}}"
            .into(),
    })
    .unwrap();
    manifest.check("operations.yaml", &document).unwrap();
    Patched {
        document,
        manifest,
        path_outcomes: Vec::new(),
    }
}

fn lower_document(request: Value, response: Value, schemas: Value) -> Lowered {
    lower::lower(&patched_document(request, response, schemas)).unwrap()
}

/// Generates the code of these areas as one formatted file with nested modules.
fn formatted_code(patched: &Patched, areas: &Areas) -> portkey_admin_codegen::Result<String> {
    let tokens = generate::tokens(patched, &lower::lower(patched)?, areas)?;
    let code = prettyplease::unparse(&syn::parse2(tokens).unwrap());
    Ok(code.replace("crate::things::", ""))
}

fn component<'a>(lowered: &'a Lowered, name: &str) -> &'a Value {
    &lowered.document["components"]["schemas"][name]
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

#[test]
fn requests_stay_strict_and_responses_become_tolerant() {
    let thing = json!({
        "type": "object",
        "required": ["name", "size"],
        "x-always": ["name"],
        "properties": {"name": {"type": "string"}, "size": {"type": "integer", "minimum": 1, "default": 5}},
    });
    let lowered = lower_document(
        reference("Thing"),
        reference("Thing"),
        json!({"Thing": thing}),
    );
    assert_eq!(lowered.directions["Thing"], Direction::Response);
    assert_eq!(lowered.directions["ThingInput"], Direction::Request);
    assert_eq!(component(&lowered, "Thing")["required"], json!(["name"]));
    assert_eq!(
        component(&lowered, "ThingInput")["required"],
        json!(["name", "size"])
    );
    let size = &component(&lowered, "Thing")["properties"]["size"];
    assert_eq!(size, &json!({"type": "integer"}), "no default, no bound");
}

#[test]
fn read_only_fields_are_not_in_requests() {
    let thing = json!({"type": "object", "required": ["seen", "size"], "properties": {
        "size": {"type": "integer"},
        "seen": {"type": "boolean", "readOnly": true},
    }});
    let lowered = lower_document(
        reference("Thing"),
        reference("Thing"),
        json!({"Thing": thing}),
    );
    let fields = |name: &str| {
        let fields = component(&lowered, name)["properties"].as_object();
        fields.unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(fields("Thing"), ["size", "seen"]);
    assert_eq!(fields("ThingInput"), ["size"]);
    assert_eq!(
        component(&lowered, "ThingInput")["required"],
        json!(["size"])
    );
}

#[test]
fn list_of_a_response_union_keeps_mismatched_items() {
    let items = json!({"type": "array", "items": reference("Thing")});
    let response = json!({"x-name": "Things", "oneOf": [items, {"type": "string"}]});
    let thing = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let patched = patched_document(json!({"type": "object"}), response, json!({"Thing": thing}));
    let code = formatted_code(&patched, &Areas::from(["things".into()])).unwrap();
    assert!(code.contains("List(crate::List<Thing>)"), "{code}");
    assert!(code.contains("impl From<&str> for Things"), "{code}");
}

#[test]
fn api_key_header_is_not_a_parameter() {
    let lowered = lower_document(
        json!({"type": "object"}),
        json!({"type": "object"}),
        json!({}),
    );
    let parameters = lowered.document["paths"]["/things/{id}"]["put"]["parameters"]
        .as_array()
        .unwrap();
    let names: Vec<_> = parameters
        .iter()
        .map(|parameter| &parameter["name"])
        .collect();
    assert_eq!(names, ["id", "tag"]);
}

#[test]
fn empty_object_response_has_no_content() {
    let lowered = lower_document(
        json!({"type": "object"}),
        json!({"type": "object"}),
        json!({}),
    );
    let response = &lowered.document["paths"]["/things/{id}"]["put"]["responses"]["200"];
    assert!(response.get("content").is_none());
}

#[test]
fn all_of_is_merged_to_one_object() {
    let response = json!({"allOf": [
        reference("Base"),
        {"type": "object", "required": ["b"], "properties": {"b": {"type": "boolean"}}},
    ]});
    let base = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let lowered = lower_document(json!({"type": "object"}), response, json!({"Base": base}));
    let fields = component(&lowered, "UpdateThingResponse")["properties"]
        .as_object()
        .unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn unions_with_distinct_kinds_or_a_discriminator_are_typed() {
    let text_part =
        json!({"type": "object", "properties": {"kind": {"type": "string", "enum": ["text"]}}});
    let file_part =
        json!({"type": "object", "properties": {"kind": {"type": "string", "enum": ["file"]}}});
    let like = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let response = json!({"type": "object", "properties": {
        "by_kind": {"x-name": "ByKind", "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "by_tag": {"x-name": "ByTag", "oneOf": [reference("TextPart"), reference("FilePart")]},
        "raw": {"oneOf": [like, {"type": "object", "properties": {"b": {"type": "string"}}}]},
        "nullable": {"oneOf": [{"type": "string"}, {"type": "null"}]},
    }});
    let lowered = lower_document(
        json!({"type": "object"}),
        response,
        json!({"TextPart": text_part, "FilePart": file_part}),
    );
    let fields = &component(&lowered, "UpdateThingResponse")["properties"];
    assert_eq!(fields["by_kind"], reference("ByKind"));
    assert_eq!(fields["by_tag"], reference("ByTag"));
    let raw = component(&lowered, "UpdateThingResponseRaw");
    assert_eq!(fields["raw"], reference("UpdateThingResponseRaw"));
    assert_eq!(raw["x-raw"], true);
    assert_eq!(
        fields["nullable"],
        json!({"type": "string", "nullable": true})
    );
    let tagged = &component(&lowered, "ByTag")["x-tagged"];
    assert_eq!(tagged["member"], "kind");
    assert_eq!(
        tagged["variants"][1],
        json!({"value": "file", "schema": reference("FilePart")})
    );
}

/// Returns a union of two indistinguishable objects, a list and a string.
fn undiscriminated_union() -> (Value, Value) {
    let like = |field: &str| json!({"type": "object", "properties": {field: {"type": "string"}}});
    let union = json!({"anyOf": [
        reference("One"),
        reference("Other"),
        {"type": "array", "items": {"type": "integer"}},
        {"type": "string"},
    ]});
    (
        reference("Either"),
        json!({"Either": union, "One": like("a"), "Other": like("b")}),
    )
}

#[test]
fn union_without_discriminator_is_raw_json_with_views() {
    let (either, schemas) = undiscriminated_union();
    let patched = patched_document(json!({"type": "object"}), either, schemas);
    let code = formatted_code(&patched, &Areas::from(["things".into()])).unwrap();
    // Macro arguments are not formatted.
    let words: Vec<&str> = code.split_whitespace().collect();
    let code = words.join(" ").replace("crate ::things::", "");
    for part in [
        "raw_json!",
        "as_one One",
        "as_other Other",
        "as_integer_list Vec",
        "as_text String",
    ] {
        assert!(code.contains(part), "{part}: {code}");
    }
}

#[test]
fn raw_request_union_converts_from_each_variant_and_the_response() {
    let (either, schemas) = undiscriminated_union();
    let patched = patched_document(either.clone(), either, schemas);
    let code = formatted_code(&patched, &Areas::from(["things".into()])).unwrap();
    for kind in [
        "OneInput",
        "OtherInput",
        "Vec<i64>",
        "String",
        "&str",
        "Either",
    ] {
        assert!(
            code.contains(&format!("impl From<{kind}> for EitherInput")),
            "{kind}: {code}"
        );
    }
    assert!(!code.contains("impl From<Value> for EitherInput"), "{code}");
}

#[test]
fn union_of_required_constraints_is_a_struct() {
    let response = json!({
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    });
    let lowered = lower_document(json!({"type": "object"}), response, json!({}));
    let fields = component(&lowered, "UpdateThingResponse")["properties"].as_object();
    assert_eq!(fields.unwrap().len(), 2);
}

#[test]
fn name_of_two_different_schemas_is_rejected() {
    let response = json!({"type": "object", "properties": {
        "a": {"type": "string", "enum": ["x", "y"], "x-name": "Same"},
        "b": {"type": "string", "enum": ["x", "z"], "x-name": "Same"},
    }});
    let error = lower::lower(&patched_document(
        json!({"type": "object"}),
        response,
        json!({}),
    ))
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`Same` already names a different schema"),
        "{error}"
    );
    assert!(error.location().starts_with("PUT /things/{id}"), "{error}");
}

#[test]
fn derived_type_name_is_reported() {
    let response = json!({"type": "object", "properties": {"state": {"type": "string", "enum": ["on", "off"]}}});
    let lowered = lower_document(json!({"type": "object"}), response, json!({}));
    assert_eq!(lowered.derived.len(), 1);
    assert_eq!(lowered.derived[0].name, "UpdateThingResponseState");
    let error = lower::check_type_names(&lowered).unwrap_err();
    assert!(error.to_string().contains("add an `x-name`"), "{error}");
}

#[test]
fn recursive_schema_is_boxed() {
    let node = json!({"type": "object", "properties": {
        "children": {"type": "array", "items": reference("Node")},
        "parent": reference("Node"),
    }});
    let patched = patched_document(
        json!({"type": "object"}),
        reference("Node"),
        json!({"Node": node}),
    );
    let code = formatted_code(&patched, &Areas::from(["things".into()])).unwrap();
    assert!(code.contains("pub parent: Option<Box<Node>>"), "{code}");
}

#[test]
fn clearable_field_is_a_patch() {
    let request = json!({"type": "object", "properties": {"note": {"type": "string", "x-clear": "empty-string"}}});
    let areas = Areas::from(["things".into()]);
    let code = formatted_code(&patched_document(request, json!({}), json!({})), &areas).unwrap();
    assert!(code.contains("pub note: crate::Patch<String>"), "{code}");
    assert!(code.contains("pub fn clear_note(mut self)"), "{code}");

    let request =
        json!({"type": "object", "properties": {"note": {"type": "string", "x-clear": "zero"}}});
    let error =
        formatted_code(&patched_document(request, json!({}), json!({})), &areas).unwrap_err();
    assert!(error.to_string().contains("x-clear of `note`"), "{error}");
}

#[test]
fn operations_and_types_of_other_areas_are_dropped() {
    let lowered = lower_document(
        json!({"type": "object"}),
        reference("Thing"),
        json!({
            "Thing": {"type": "object", "properties": {"a": {"type": "string"}}},
        }),
    );
    let none = select::select(&lowered, &Areas::new()).unwrap();
    assert_eq!(none.document["paths"], json!({}));
    assert_eq!(none.document["components"]["schemas"], json!({}));
    assert!(none.directions.is_empty());
}

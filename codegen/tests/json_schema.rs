//! OpenAPI 3.0 schemas become JSON Schema 2020-12 schemas that check the same values.

#![allow(clippy::unwrap_used)]

use portkey_admin_codegen::json_schema::{DIALECT, bundle, bundle_object, convert};
use serde_json::{Value, json};

#[test]
fn nullable_is_added_to_a_plain_type() {
    assert_eq!(
        convert(&json!({"type": "string", "nullable": true, "maxLength": 3})),
        json!({"type": ["string", "null"], "maxLength": 3})
    );
    assert_eq!(
        convert(&json!({"type": "string", "nullable": false})),
        json!({"type": "string"})
    );
}

#[test]
fn nullable_beside_an_enum_or_a_combination_becomes_a_branch() {
    assert_eq!(
        convert(&json!({"type": "string", "enum": ["a"], "nullable": true})),
        json!({"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]})
    );
    assert_eq!(
        convert(&json!({"nullable": true, "allOf": [{"type": "object"}]})),
        json!({"anyOf": [{"allOf": [{"type": "object"}]}, {"type": "null"}]})
    );
}

#[test]
fn nullable_alone_allows_everything() {
    assert_eq!(convert(&json!({"nullable": true})), json!({}));
}

#[test]
fn a_reference_drops_its_siblings_except_nullable() {
    assert_eq!(
        convert(&json!({"$ref": "#/components/schemas/A", "type": "string", "minLength": 9})),
        json!({"$ref": "#/$defs/A"})
    );
    assert_eq!(
        convert(&json!({"$ref": "#/components/schemas/A", "nullable": true})),
        json!({"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]})
    );
}

#[test]
fn boolean_exclusive_bounds_become_numbers() {
    assert_eq!(
        convert(
            &json!({"minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false})
        ),
        json!({"exclusiveMinimum": 1, "maximum": 9})
    );
}

#[test]
fn integer_formats_become_ranges_that_bounds_narrow() {
    assert_eq!(
        convert(&json!({"type": "integer", "format": "int32", "minimum": 0})),
        json!({"type": "integer", "minimum": 0, "maximum": i32::MAX})
    );
    assert_eq!(
        convert(&json!({"type": "integer", "format": "int64"})),
        json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX})
    );
}

#[test]
fn known_formats_are_lower_cased_and_others_dropped() {
    assert_eq!(
        convert(&json!({"format": "UUID"})),
        json!({"format": "uuid"})
    );
    assert_eq!(
        convert(&json!({"format": "date-time"})),
        json!({"format": "date-time"})
    );
    assert_eq!(convert(&json!({"format": "binary"})), json!({}));
}

#[test]
fn keywords_that_validate_nothing_are_dropped() {
    let schema = json!({
        "type": "object", "example": {"$ref": "#/nowhere"}, "default": 1, "x-clear": "null", "readOnly": true,
        "discriminator": {"propertyName": "type"}, "deprecated": true, "required": true
    });
    assert_eq!(convert(&schema), json!({"type": "object"}));
}

#[test]
fn properties_named_like_keywords_are_converted() {
    let schema = json!({"properties": {
        "nullable": {"type": "boolean"}, "example": {"type": "string"}, "format": {"type": "string"},
        "$ref": {"type": "string", "nullable": true}, "not": {"type": "boolean"}
    }});
    let expected = json!({"properties": {
        "nullable": {"type": "boolean"}, "example": {"type": "string"}, "format": {"type": "string"},
        "$ref": {"type": ["string", "null"]}, "not": {"type": "boolean"}
    }});
    assert_eq!(convert(&schema), expected);
}

#[test]
fn nested_schemas_are_converted_everywhere() {
    let inner = json!({"type": "string", "nullable": true});
    let outer = json!({
        "items": inner, "not": inner, "additionalProperties": inner,
        "allOf": [inner], "anyOf": [inner], "oneOf": [inner], "properties": {"a": inner}
    });
    let text = convert(&outer).to_string();
    assert!(!text.contains("nullable"), "{text}");
    assert_eq!(text.matches(r#"["string","null"]"#).count(), 7, "{text}");
    assert_eq!(
        convert(&json!({"additionalProperties": false})),
        json!({"additionalProperties": false})
    );
}

fn document() -> Value {
    json!({
        "components": {"schemas": {
            "Tree": {"type": "object", "properties": {"left": {"$ref": "#/components/schemas/Tree"},
                "leaf": {"$ref": "#/components/schemas/Leaf"}}},
            "Leaf": {"type": "integer", "nullable": true},
            "Unused": {"type": "string"}
        }},
        "paths": {"/a b": {"get": {"schema": {"type": "boolean"}}}}
    })
}

#[test]
fn a_bundle_contains_only_reachable_schemas() {
    let bundle = bundle(&document(), &json!({"$ref": "#/components/schemas/Tree"})).unwrap();
    assert_eq!(bundle["$schema"], DIALECT);
    assert_eq!(bundle["$ref"], "#/$defs/Tree");
    let names: Vec<&String> = bundle["$defs"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["Leaf", "Tree"]);
    assert_eq!(
        bundle["$defs"]["Leaf"],
        json!({"type": ["integer", "null"]})
    );
    assert_eq!(
        bundle["$defs"]["Tree"]["properties"]["left"],
        json!({"$ref": "#/$defs/Tree"})
    );
}

#[test]
fn a_reference_outside_components_gets_its_own_definition() {
    let bundle = bundle(&document(), &json!({"$ref": "#/paths/~1a b/get/schema"})).unwrap();
    let name = bundle["$ref"]
        .as_str()
        .unwrap()
        .strip_prefix("#/$defs/")
        .unwrap();
    assert_eq!(bundle["$defs"][name], json!({"type": "boolean"}));
}

#[test]
fn errors_name_the_unresolved_reference() {
    let missing = json!({"items": {"$ref": "#/components/schemas/Missing"}});
    let error = bundle(&document(), &missing).unwrap_err();
    assert_eq!(error.location(), "#/components/schemas/Missing");
    let outside = bundle(&document(), &json!({"$ref": "other.yaml#/A"})).unwrap_err();
    assert_eq!(outside.location(), "other.yaml#/A");
}

#[test]
fn an_object_bundle_requires_the_required_fields() {
    let parts = [
        ("query", json!({"type": "object"}), true),
        ("body", json!({"$ref": "#/components/schemas/Leaf"}), false),
    ];
    let bundle = bundle_object(&document(), &parts).unwrap();
    assert_eq!(bundle["required"], json!(["query"]));
    assert_eq!(
        bundle["properties"]["body"],
        json!({"$ref": "#/$defs/Leaf"})
    );
    assert_eq!(bundle["$defs"]["Leaf"]["type"], json!(["integer", "null"]));
}

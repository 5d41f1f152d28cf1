//! OpenAPI 3.1 is converted to 3.0.

use portkey_admin_codegen::{distil, document};
use serde_json::{Value, json};

use crate::error_for;

/// Distils one schema of an OpenAPI 3.1 document.
fn schema_from_3_1(schema: Value) -> portkey_admin_codegen::Result<Value> {
    let document = json!({
        "openapi": "3.1.0",
        "paths": {},
        "components": {"schemas": {"S": schema, "T": {"type": "string"}}},
    });
    let document = distil::distil(&document)?;
    assert_eq!(document["openapi"], "3.0.3");
    assert_eq!(distil::distil(&document)?, document);
    Ok(document["components"]["schemas"]["S"].clone())
}

#[test]
fn openapi_3_1_is_converted_where_3_0_has_an_equivalent() {
    let reference = json!({"$ref": "#/components/schemas/T"});
    for (from, expected) in [
        (
            json!({"type": ["string", "null"]}),
            json!({"type": "string", "nullable": true}),
        ),
        (json!({"type": ["string"]}), json!({"type": "string"})),
        (
            json!({"type": "null"}),
            json!({"nullable": true, "enum": [null]}),
        ),
        (
            json!({"type": ["integer", "number"]}),
            json!({"type": "number"}),
        ),
        (
            json!({"type": ["string", "array", "null"], "minLength": 1, "items": {"const": 1}}),
            json!({"nullable": true, "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"enum": [1]}},
            ]}),
        ),
        (
            json!({"const": "a", "type": "string"}),
            json!({"type": "string", "enum": ["a"]}),
        ),
        (
            json!({"const": null}),
            json!({"nullable": true, "enum": [null]}),
        ),
        (
            json!({"oneOf": [reference, {"type": "null"}]}),
            json!({"nullable": true, "oneOf": [reference]}),
        ),
        (
            json!({"$ref": "#/components/schemas/T", "maxLength": 3, "description": "Prose."}),
            json!({"maxLength": 3, "allOf": [reference]}),
        ),
        (
            json!({"$ref": "#/components/schemas/T", "description": "Prose."}),
            reference.clone(),
        ),
        (
            json!({"exclusiveMinimum": 1, "maximum": 5, "exclusiveMaximum": 9}),
            json!({"minimum": 1, "exclusiveMinimum": true, "maximum": 5}),
        ),
        (json!({"items": true}), json!({"items": {}})),
        (
            json!({"properties": {"a": false}}),
            json!({"properties": {"a": {"not": {}}}}),
        ),
        (
            json!({"type": "string", "contentEncoding": "base64"}),
            json!({"type": "string", "format": "byte"}),
        ),
        (
            json!({"type": "string", "contentMediaType": "image/png"}),
            json!({"type": "string", "format": "binary"}),
        ),
        (
            json!({"properties": {"if": {"type": ["null", "boolean"]}}}),
            json!({"properties": {"if": {"type": "boolean", "nullable": true}}}),
        ),
    ] {
        assert_eq!(schema_from_3_1(from.clone()).unwrap(), expected, "{from}");
    }
}

#[test]
fn the_rest_of_openapi_3_1_is_rejected_by_name() {
    for keyword in [
        "if",
        "prefixItems",
        "patternProperties",
        "$defs",
        "unevaluatedProperties",
    ] {
        let schema = json!({"properties": {"a": {(keyword): {}}}});
        let error = schema_from_3_1(schema).unwrap_err().to_string();
        let location = document::child_path("$.components.schemas.S.properties.a", keyword);
        let expected =
            format!("{location}: `{keyword}` of OpenAPI 3.1 has no equivalent in OpenAPI 3.0");
        assert_eq!(error, expected);
    }
    for (schema, expected) in [
        (
            json!({"contentEncoding": "base32"}),
            "contentEncoding: \"base32\"",
        ),
        (
            json!({"type": ["string", "array"], "anyOf": [{}]}),
            "type: several types beside `anyOf`",
        ),
    ] {
        let error = schema_from_3_1(schema).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for text in ["webhooks: {}", "components: {pathItems: {}}"] {
        let error = error_for(&format!("openapi: 3.1.0\npaths: {{}}\n{text}"));
        assert!(
            error.contains("has no equivalent in OpenAPI 3.0"),
            "{error}"
        );
    }
}

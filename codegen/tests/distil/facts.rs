//! The facts of every kind of object are kept, in canonical order, and prose is dropped.

use portkey_admin_codegen::{distil, document};
use serde_json::{Map, Value, json};

use crate::{canonical_yaml, distilled, schema, with_schema};

/// Reverses the key order of every map.
fn reverse_keys(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let reversed = map.iter().rev();
            Value::Object(
                reversed
                    .map(|(k, v)| (k.clone(), reverse_keys(v)))
                    .collect(),
            )
        }
        Value::Array(list) => Value::Array(list.iter().map(reverse_keys).collect()),
        other => other.clone(),
    }
}

/// A document with every kind of object in OpenAPI 3.0, and prose wherever it is allowed.
const EVERYTHING: &str = r##"
x-top: dropped
openapi: 3.0.3
info:
  title: Prose
  description: Prose
  version: "1.10"
  termsOfService: https://example.com/terms
  contact: {name: Prose}
  license: {name: MIT, url: https://example.com}
externalDocs: {url: https://example.com}
tags:
  - {name: Zebras, description: Prose, x-page: a}
  - {name: Ants, externalDocs: {url: https://example.com}}
servers:
  - url: https://{region}.example.com/v1
    description: Prose
    variables:
      region: {default: eu, enum: [us, eu], description: Prose}
security:
  - second: [b, a]
    first: []
paths:
  x-group: {title: dropped}
  /things/{id}:
    summary: Prose
    description: Prose
    servers: [{url: https://other.example.com, description: Prose}]
    parameters:
      - $ref: "#/components/parameters/Id"
    trace: {responses: {}}
    post:
      summary: Prose
      description: Prose
      operationId: createThing
      deprecated: true
      tags: [Zebras, Ants]
      externalDocs: {url: https://example.com}
      x-code-samples: [{lang: python, source: print()}]
      security: []
      parameters:
        - name: q
          in: query
          description: Prose
          required: false
          example: one
          examples: {a: {value: one}}
          style: form
          explode: true
          schema: {type: string, example: one}
        - {name: filter, in: query, content: {application/json: {schema: {type: object}}}}
      requestBody:
        description: Prose
        required: true
        content:
          multipart/form-data:
            example: {}
            schema: {$ref: "#/components/schemas/Thing"}
            encoding:
              file: {contentType: image/png, headers: {X-A: {schema: {type: string}}}}
          application/json: {schema: {type: object}, examples: {a: {value: {}}}}
      responses:
        default: {$ref: "#/components/responses/Problem"}
        201:
          description: Prose
          headers:
            x-request-id: {description: Prose, example: one, schema: {type: string}}
          content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}
          links:
            Next: {operationId: createThing, description: Prose, parameters: {b: 1, a: 2}}
        204:
        x-note: Prose
      callbacks:
        done:
          x-a: Prose
          "{$request.body#/url}": {post: {summary: Prose, responses: {200: {description: Prose}}}}
    get: {responses: {200: {description: Prose}}}
  /a: {get: {description: Prose}}
components:
  x-c: 1
  examples: {Thing: {value: Prose}}
  schemas:
    Thing:
      title: Prose
      discriminator: {propertyName: kind, mapping: {b: Thing, a: "#/components/schemas/Thing"}}
      xml: {name: Prose}
  parameters:
    Id: {name: id, in: path, required: true, schema: {type: string}, description: Prose}
  headers: {H: {description: Prose, schema: {type: integer}}}
  requestBodies: {B: {description: Prose, content: {}}}
  responses: {Problem: {description: Prose}}
  securitySchemes:
    key: {type: apiKey, name: x-api-key, in: header, description: Prose}
    oauth:
      type: oauth2
      flows: {implicit: {authorizationUrl: https://example.com, scopes: {write: Prose, read: Prose}}}
"##;

#[test]
fn every_kind_of_object_keeps_facts_and_drops_prose() {
    let distilled = distilled(EVERYTHING);
    let text = distil::to_yaml(&distilled).unwrap();
    assert!(!text.contains("Prose"), "{text}");
    assert!(!text.contains("dropped"), "{text}");
    assert_eq!(distilled["info"], json!({"version": "1.10"}));
    assert_eq!(
        distilled["tags"],
        json!([{"name": "Zebras"}, {"name": "Ants"}])
    );
    assert_eq!(
        distilled["servers"],
        json!([{
            "url": "https://{region}.example.com/v1",
            "variables": {"region": {"enum": ["us", "eu"], "default": "eu"}},
        }])
    );
    assert_eq!(
        distilled["security"],
        json!([{"first": [], "second": ["b", "a"]}])
    );
    let components = &distilled["components"];
    assert!(components.get("examples").is_none());
    assert_eq!(
        components["securitySchemes"]["oauth"]["flows"]["implicit"]["scopes"],
        json!({"read": "", "write": ""})
    );
    assert_eq!(
        components["schemas"]["Thing"]["discriminator"],
        json!({"propertyName": "kind", "mapping": {"a": "#/components/schemas/Thing", "b": "Thing"}})
    );
}

#[test]
fn an_operation_keeps_its_facts() {
    let distilled = distilled(EVERYTHING);
    let item = &distilled["paths"]["/things/{id}"];
    assert_eq!(
        item["parameters"],
        json!([{"$ref": "#/components/parameters/Id"}])
    );
    assert_eq!(
        item["servers"],
        json!([{"url": "https://other.example.com"}])
    );
    assert_eq!(
        item["post"],
        json!({
            "operationId": "createThing",
            "deprecated": true,
            "tags": ["Zebras", "Ants"],
            "security": [],
            "parameters": [
                {
                    "name": "q", "in": "query", "required": false, "style": "form",
                    "explode": true, "schema": {"type": "string"},
                },
                {
                    "name": "filter", "in": "query",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
            ],
            "requestBody": {
                "required": true,
                "content": {
                    "application/json": {"schema": {"type": "object"}},
                    "multipart/form-data": {
                        "schema": {"$ref": "#/components/schemas/Thing"},
                        "encoding": {"file": {
                            "contentType": "image/png",
                            "headers": {"X-A": {"schema": {"type": "string"}}},
                        }},
                    },
                },
            },
            "responses": {
                "201": {
                    "headers": {"x-request-id": {"schema": {"type": "string"}}},
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}},
                    },
                    "links": {"Next": {"operationId": "createThing", "parameters": {"a": 2, "b": 1}}},
                },
                "204": {},
                "default": {"$ref": "#/components/responses/Problem"},
            },
            "callbacks": {"done": {"{$request.body#/url}": {"post": {"responses": {"200": {}}}}}},
        })
    );
}

#[test]
fn properties_named_like_keywords_are_kept() {
    let names = [
        "description",
        "title",
        "summary",
        "example",
        "examples",
        "default",
        "externalDocs",
        "x-something",
        "properties",
        "$ref",
        "enum",
    ];
    let properties: Map<String, Value> = names
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                json!({"type": "string", "description": "Prose"}),
            )
        })
        .collect();
    let kept = schema(json!({"type": "object", "properties": properties, "title": "Prose"}));
    let kept_properties = kept["properties"].as_object().unwrap();
    assert_eq!(kept_properties.len(), names.len());
    for name in names {
        assert_eq!(kept_properties[name], json!({"type": "string"}), "{name}");
    }
    assert!(kept.get("title").is_none());
}

#[test]
fn components_named_like_keywords_are_kept() {
    let document = json!({
        "openapi": "3.0.0",
        "paths": {"/description": {"get": {"responses": {}}}},
        "components": {"schemas": {
            "description": {"type": "string"},
            "x-thing": {"type": "string"},
        }},
    });
    let distilled = distil::distil(&document).unwrap();
    assert_eq!(distilled["components"], document["components"]);
    assert_eq!(distilled["paths"], document["paths"]);
}

#[test]
fn every_schema_keyword_that_states_a_fact_is_kept() {
    let facts = json!({
        "$ref": "#/components/schemas/S2", "type": "object", "format": "f", "nullable": true,
        "deprecated": true, "readOnly": true, "writeOnly": false, "enum": ["b", "a", null],
        "const": 1, "default": {"title": "kept"}, "multipleOf": 0.01, "minimum": 0,
        "exclusiveMinimum": true, "maximum": 1e308, "exclusiveMaximum": false, "minLength": 1,
        "maxLength": 2, "pattern": "^a b$", "minItems": 0, "maxItems": 9, "uniqueItems": true,
        "minProperties": 1, "maxProperties": 2, "required": ["a"],
        "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"},
        "items": {"type": "string"}, "allOf": [{"type": "string"}], "oneOf": [{}],
        "anyOf": [{"enum": ["x"]}], "not": {"type": "null"},
        "discriminator": {"propertyName": "a"},
    });
    let mut input = facts.clone();
    for prose in [
        "title",
        "description",
        "example",
        "externalDocs",
        "xml",
        "x-a",
        "unheardOf",
    ] {
        input[prose] = json!("Prose");
    }
    let mut document = with_schema(input);
    document["components"]["schemas"]["S2"] = json!({});
    let distilled = distil::distil(&document).unwrap();
    assert_eq!(distilled["components"]["schemas"]["S"], facts);
}

#[test]
fn values_that_look_like_prose_are_kept_unchanged() {
    let kept = schema(json!({"default": {"description": "a default", "x-a": [{"title": 1}]}}));
    assert_eq!(
        kept,
        json!({"default": {"description": "a default", "x-a": [{"title": 1}]}})
    );
}

#[test]
fn null_is_kept_in_default_and_enum_and_dropped_elsewhere() {
    let kept = schema(json!({
        "default": null, "enum": ["a", null], "items": null, "type": null, "properties": {"a": null},
    }));
    assert_eq!(
        kept,
        json!({"enum": ["a", null], "default": null, "properties": {"a": {}}})
    );
}

#[test]
fn enum_values_keep_their_order_without_duplicates() {
    let kept = schema(json!({"enum": ["b", "a", "b", 1, 1.0, "1", null, null, "a"]}));
    assert_eq!(kept, json!({"enum": ["b", "a", 1, 1.0, "1", null]}));
}

#[test]
fn required_is_sorted_and_deduplicated() {
    assert_eq!(
        schema(json!({"required": ["b", "a", "b"]})),
        json!({"required": ["a", "b"]})
    );
    assert_eq!(schema(json!({"required": []})), json!({}));
    assert_eq!(schema(json!({"required": true})), json!({}));
}

#[test]
fn additional_properties_can_be_a_boolean_or_a_schema() {
    for kept in [
        json!(true),
        json!(false),
        json!({}),
        json!({"type": "string"}),
    ] {
        let input = json!({"additionalProperties": kept});
        assert_eq!(schema(input.clone()), input);
    }
}

#[test]
fn nullable_beside_a_reference_is_kept() {
    let input = json!({"properties": {"a": {"$ref": "#/components/schemas/S", "nullable": true}}});
    assert_eq!(schema(input.clone()), input);
}

#[test]
fn lists_keep_their_order() {
    let input = json!({
        "oneOf": [{"type": "string"}, {"type": "array"}, {"type": "boolean"}],
    });
    assert_eq!(schema(input.clone()), input);
}

#[test]
fn key_order_does_not_change_the_result() {
    let document = document::parse("input.yaml", EVERYTHING).unwrap();
    let reversed = reverse_keys(&document);
    assert_ne!(reversed.to_string(), document.to_string());
    assert_eq!(canonical_yaml(&reversed), canonical_yaml(&document));
}

#[test]
fn keys_are_in_canonical_order() {
    let distilled = distilled(EVERYTHING);
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(
        keys(&distilled),
        [
            "openapi",
            "info",
            "servers",
            "security",
            "tags",
            "paths",
            "components"
        ]
    );
    assert_eq!(keys(&distilled["paths"]), ["/a", "/things/{id}"]);
    assert_eq!(
        keys(&distilled["paths"]["/things/{id}"]),
        ["servers", "parameters", "get", "post", "trace"]
    );
}

#[test]
fn distilling_twice_yields_the_same_bytes() {
    let once = canonical_yaml(&document::parse("input.yaml", EVERYTHING).unwrap());
    let twice = canonical_yaml(&document::parse("once.yaml", &once).unwrap());
    assert_eq!(once, twice);
}

#[test]
fn prose_does_not_change_the_result() {
    let document = document::parse("input.yaml", EVERYTHING).unwrap();
    let reworded = document::parse("input.yaml", &EVERYTHING.replace("Prose", "Other")).unwrap();
    assert_ne!(document, reworded);
    assert_eq!(canonical_yaml(&document), canonical_yaml(&reworded));
}

#[test]
fn property_named_like_a_reference_is_kept() {
    let property = json!({"properties": {"$ref": {"type": "string"}}});
    assert_eq!(schema(property.clone()), property);
}

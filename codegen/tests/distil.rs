//! What `distil` keeps, drops, sorts and rejects.
#![allow(clippy::unwrap_used)]

use portkey_admin_codegen::{distil, document};
use serde_json::{Map, Value, json};

/// Parses and distils a YAML document.
fn distilled(text: &str) -> Value {
    distil::distil(&document::parse("input.yaml", text).unwrap()).unwrap()
}

/// Returns the error of parsing or distilling a YAML document.
fn error_for(text: &str) -> String {
    document::parse("input.yaml", text)
        .and_then(|document| distil::distil(&document))
        .unwrap_err()
        .to_string()
}

/// Returns a document with one schema, named `S`.
fn with_schema(schema: Value) -> Value {
    json!({"openapi": "3.0.0", "paths": {}, "components": {"schemas": {"S": schema}}})
}

/// Distils one schema.
fn schema(schema: Value) -> Value {
    distil::distil(&with_schema(schema)).unwrap()["components"]["schemas"]["S"].clone()
}

/// Returns the canonical YAML of a document.
fn canonical_yaml(document: &Value) -> String {
    distil::to_yaml(&distil::distil(document).unwrap()).unwrap()
}

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
fn unusual_strings_and_numbers_round_trip() {
    let strings = [
        "",
        " ",
        "on",
        "off",
        "yes",
        "no",
        "y",
        "n",
        "true",
        "false",
        "null",
        "~",
        "1",
        "1.0",
        "1e3",
        "0x1f",
        "0o17",
        "017",
        "1_000",
        "+1",
        "-1",
        ".5",
        ".inf",
        "-.inf",
        ".nan",
        "NaN",
        "2025-01-01",
        "2025-01-01T00:00:00Z",
        "12:30:45",
        "- a",
        "a: b",
        "a #b",
        "# a",
        "[a]",
        "{a}",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "?",
        "? a",
        ":",
        "-",
        "---",
        "...",
        "<<",
        "=",
        "a\nb",
        "a\n",
        "\na",
        " a",
        "a ",
        "\ta",
        "a\tb",
        "a\r\nb",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "\u{1f600}",
        "é",
        "'",
        "\"",
        "\\",
        "\\n",
        "^[a-z]+(\\.[a-z]+)*$",
        "'a' \"b\"",
    ];
    let numbers = json!([
        0,
        -0.0,
        1.0,
        10.0,
        0.1,
        1e308,
        -1e308,
        5e-324,
        1e21,
        9_007_199_254_740_993_i64,
        i64::MAX,
        i64::MIN,
        u64::MAX,
        1e16,
        123_456_789.123_456_79,
    ]);
    // As a key, `<<` is a merge key, which the parser always resolves.
    let names = strings.iter().filter(|name| **name != "<<");
    let keys: Map<String, Value> = names.map(|name| ((*name).into(), json!({}))).collect();
    let mut document = with_schema(json!({"properties": keys, "default": strings[..]}));
    document["components"]["schemas"]["N"] = json!({"default": numbers});
    let distilled = distil::distil(&document).unwrap();
    let text = distil::to_yaml(&distilled).unwrap();
    let back = document::parse("text", &text).unwrap();
    assert_eq!(back, distilled);
    assert_eq!(distil::to_yaml(&back).unwrap(), text);
}

#[test]
fn long_strings_round_trip() {
    let long = "word ".repeat(100);
    let distilled = distil::distil(&with_schema(json!({"pattern": long}))).unwrap();
    let text = distil::to_yaml(&distilled).unwrap();
    assert_eq!(document::parse("text", &text).unwrap(), distilled);
}

#[test]
fn non_string_keys_become_strings() {
    let distilled = distilled(
        "openapi: 3.0.0\npaths: {/a: {get: {responses: {200: {}, 0x10: {}, 4.0: {}, ~: {}, on: {}}}}}",
    );
    let responses = distilled["paths"]["/a"]["get"]["responses"]
        .as_object()
        .unwrap();
    let keys: Vec<&str> = responses.keys().map(String::as_str).collect();
    assert_eq!(keys, ["0x10", "200", "4.0", "on", "~"]);
}

#[test]
fn underindented_closing_bracket_is_accepted() {
    let distilled = distilled(
        "
openapi: 3.0.0
paths: {}
components:
  schemas:
    S:
      type: object
      properties:
        kind:
          type: string
          enum: [
            one,
            two
        ]
        after:
          type: string
",
    );
    let properties = &distilled["components"]["schemas"]["S"]["properties"];
    assert_eq!(properties["kind"]["enum"], json!(["one", "two"]));
    assert_eq!(properties["after"], json!({"type": "string"}));
}

#[test]
fn anchors_and_merge_keys_are_resolved() {
    let distilled = distilled(
        "
openapi: 3.0.0
x-shared:
  - &page {name: page, in: query, required: false}
  - &text {schema: {type: string}}
paths:
  /a:
    get:
      parameters:
        - *page
        - {<<: *page, name: size}
        - {<<: [*page, *text], name: q}
",
    );
    assert_eq!(
        distilled["paths"]["/a"]["get"]["parameters"],
        json!([
            {"name": "page", "in": "query", "required": false},
            {"name": "size", "in": "query", "required": false},
            {"name": "q", "in": "query", "required": false, "schema": {"type": "string"}},
        ])
    );
}

#[test]
fn json_escapes_are_decoded() {
    let text = "\u{feff}{\"openapi\": \"3.0.1\",\n\t\"paths\": {}, \"components\": {\"schemas\": \
                {\"S\": {\"default\": \"\\ud83d\\ude00 \\/\", \"maximum\": 18446744073709551615}}}}";
    assert_eq!(
        distilled(text)["components"]["schemas"]["S"],
        json!({"default": "\u{1f600} /", "maximum": u64::MAX})
    );
}

#[test]
fn missing_and_duplicate_operation_ids_are_accepted() {
    let document = json!({
        "openapi": "3.0.0",
        "paths": {"/a": {
            "get": {"operationId": "same"}, "post": {"operationId": "same"}, "delete": {},
        }},
    });
    assert_eq!(
        document::operations(&distil::distil(&document).unwrap()).count(),
        3
    );
}

#[test]
fn percent_encoded_references_are_resolved() {
    let document = json!({
        "openapi": "3.0.0",
        "paths": {
            "/a/{id}": {"get": {"parameters": [{"name": "id", "in": "path"}]}},
            "/b/{id}": {"get": {"parameters": [
                {"$ref": "#/paths/~1a~1%7Bid%7D/get/parameters/0"},
                {"$ref": "#/components/parameters/100%"},
            ]}},
        },
        "components": {"parameters": {"100%": {"name": "c", "in": "query"}}},
    });
    assert_eq!(distil::distil(&document).unwrap(), document);
}

#[test]
fn recursive_schemas_are_accepted() {
    let input = json!({
        "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/S"}}},
    });
    assert_eq!(schema(input.clone())["properties"], input["properties"]);
}

#[test]
fn invalid_yaml_is_rejected_with_line_and_column() {
    let error = error_for("openapi: 3.0.0\npaths:\n  /a: [1, 2\n  /b: {}\n");
    assert!(error.starts_with("input.yaml:4:"), "{error}");
    assert!(
        !error.contains("at line 4"),
        "line and column are repeated: {error}"
    );
}

#[test]
fn invalid_json_is_rejected_with_line_and_column() {
    let error = error_for("{\"openapi\": \"3.0.0\",\n \"paths\": {\"/a\": [}}");
    assert!(error.starts_with("input.yaml:2:"), "{error}");
}

#[test]
fn duplicate_keys_are_rejected() {
    for text in [
        "openapi: 3.0.0\npaths:\n  /a: {}\n  /a: {}\n",
        "{\"openapi\": \"3.0.0\",\n \"paths\": {\"/a\": {}, \"/a\": {}}}",
    ] {
        let error = error_for(text);
        assert!(error.starts_with("input.yaml:"), "{error}");
        assert!(error.contains("duplicate key `/a`"), "{error}");
    }
}

#[test]
fn non_finite_numbers_are_rejected() {
    for number in [".nan", ".inf", "-.inf"] {
        let error = error_for(&format!("openapi: 3.0.0\nx-a: {number}\npaths: {{}}\n"));
        assert!(error.starts_with("input.yaml:2:"), "{error}");
    }
}

#[test]
fn deep_and_repeated_text_is_rejected() {
    for part in ["[", "{a: ", "- ", "{\"a\": ", "? "] {
        let text = part.repeat(1_000);
        assert!(document::parse("input.yaml", &text).is_err(), "{part}");
    }
    let closed = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert!(document::parse("input.yaml", &closed).is_err());
    // Each list is twice the one before it.
    let lists = (1..40).map(|index| format!("a{index}: &a{index} [*a{0}, *a{0}]\n", index - 1));
    let text = format!("a0: &a0 [x]\n{}", lists.collect::<String>());
    let error = document::parse("input.yaml", &text)
        .unwrap_err()
        .to_string();
    assert!(error.contains("limit"), "{error}");
}

#[test]
fn merge_key_without_a_map_is_rejected() {
    let error = error_for("openapi: 3.0.0\npaths:\n  <<: 1\n");
    assert!(error.contains("merge key"), "{error}");
}

#[test]
fn errors_name_the_json_path() {
    let operation = |text: &str| format!("openapi: 3.0.0\npaths: {{/a: {{get: {text}}}}}");
    let schema =
        |text: &str| format!("openapi: 3.0.0\npaths: {{}}\ncomponents: {{schemas: {{S: {text}}}}}");
    let cases: &[(&str, &str)] = &[
        ("", "$: expected a map, found null"),
        ("just text", "$: expected a map, found a string"),
        ("[1]", "$: expected a map, found a list"),
        ("swagger: '2.0'\npaths: {}", "$.openapi: missing"),
        (
            "openapi: 3.2.0\npaths: {}",
            "$.openapi: expected OpenAPI version 3.0.x or 3.1.x, found \"3.2.0\"",
        ),
        (
            "openapi: 3.0\npaths: {}",
            "$.openapi: expected OpenAPI version 3.0.x or 3.1.x, found 3.0",
        ),
        (
            "openapi: 3.0.x\npaths: {}",
            "$.openapi: expected OpenAPI version 3.0.x or 3.1.x",
        ),
        ("openapi: 3.0.0", "$.paths: missing"),
        (
            "openapi: 3.0.0\npaths:",
            "$.paths: expected a map, found null",
        ),
        (
            "openapi: 3.0.0\npaths: [/a]",
            "$.paths: expected a map, found a list",
        ),
        (
            "openapi: 3.0.0\npaths: {a/b: {}}",
            "$.paths['a/b']: expected a path that starts with `/`",
        ),
        (
            "openapi: 3.0.0\npaths: {/a: }",
            "$.paths['/a']: expected a map, found null",
        ),
        (
            "openapi: 3.0.0\npaths: {/it's: 1}",
            "$.paths['/it\\'s']: expected a map, found a number",
        ),
        (
            &operation("text"),
            "$.paths['/a'].get: expected a map, found a string",
        ),
        (
            &operation("~"),
            "$.paths['/a'].get: expected a map, found null",
        ),
        (
            &operation("[]"),
            "$.paths['/a'].get: expected a map, found a list",
        ),
        (
            &operation("{parameters: {}}"),
            "$.paths['/a'].get.parameters: expected a list, found a map",
        ),
        (
            &operation("{parameters: [1]}"),
            "$.paths['/a'].get.parameters[0]: expected a map",
        ),
        (
            &operation("{operationId: [a]}"),
            "$.paths['/a'].get.operationId: expected a string, found a list",
        ),
        (
            &operation("{responses: {200: ok}}"),
            "$.paths['/a'].get.responses['200']: expected a map",
        ),
        (
            &schema("{required: [1]}"),
            "$.components.schemas.S.required[0]: expected a string, found a number",
        ),
        (
            &schema("{required: [a, null]}"),
            "$.components.schemas.S.required[1]: expected a string, found null",
        ),
        (
            &schema("{properties: [a]}"),
            "$.components.schemas.S.properties: expected a map",
        ),
        (
            &schema("{type: {a: b}}"),
            "$.components.schemas.S.type: expected a string, found a map",
        ),
        (
            &schema("{additionalProperties: a}"),
            "$.components.schemas.S.additionalProperties: expected a map",
        ),
        (
            &schema("{$ref: 1}"),
            "$.components.schemas.S['$ref']: expected a string",
        ),
    ];
    for (text, expected) in cases {
        let error = error_for(text);
        assert!(
            error.starts_with(expected),
            "{text}\n  gave  {error}\n  not   {expected}"
        );
    }
}

#[test]
fn invalid_references_are_rejected_with_location_and_target() {
    let error_for_reference = |reference: &str| {
        let items = json!({"items": {"$ref": reference}});
        distil::distil(&with_schema(items)).unwrap_err().to_string()
    };
    let location = "$.components.schemas.S.items['$ref']";
    assert_eq!(
        error_for_reference("#/components/schemas/None"),
        format!("{location}: `#/components/schemas/None`: reference target not found")
    );
    for external in ["other.yaml#/S", "https://example.com/s.json", "S"] {
        assert_eq!(
            error_for_reference(external),
            format!("{location}: `{external}`: only local references (`#/…`) are supported")
        );
    }
}

#[test]
fn references_to_dropped_extensions_are_rejected() {
    let document = json!({
        "openapi": "3.0.0",
        "x-shared": {"S": {"type": "string"}},
        "paths": {},
        "components": {"schemas": {"S": {"$ref": "#/x-shared/S"}}},
    });
    let error = distil::distil(&document).unwrap_err().to_string();
    assert!(
        error.contains("`#/x-shared/S`: reference target not found"),
        "{error}"
    );
}

#[test]
fn reference_cycles_are_rejected() {
    let error = error_for(
        r##"
openapi: 3.0.0
paths: {}
components:
  schemas:
    A: {$ref: "#/components/schemas/B"}
    B: {$ref: "#/components/schemas/A"}
"##,
    );
    let expected = "$.components.schemas.A['$ref']: `#/components/schemas/B`: reference chain";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn dangling_discriminator_mappings_are_rejected() {
    let discriminator = json!({"propertyName": "a", "mapping": {"x": "#/components/schemas/None"}});
    let error = distil::distil(&with_schema(json!({"discriminator": discriminator})))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("$.components.schemas.S.discriminator.mapping.x: `#/components"),
        "{error}"
    );
}

#[test]
fn unquoted_version_is_kept_as_it_is_written() {
    for (text, expected) in [("1.10", "1.10"), ("2.0", "2.0"), ("7", "7"), ("1e3", "1e3")] {
        let yaml = format!("openapi: 3.0.0\ninfo: {{version: {text}}}\npaths: {{}}");
        let document = distilled(&yaml);
        assert_eq!(document["info"]["version"], expected, "{text}");
        assert_eq!(distilled(&canonical_yaml(&document)), document, "{text}");
    }
    let json = r#"{"openapi": "3.0.0", "info": {"version": 1.10}, "paths": {}}"#;
    assert_eq!(distilled(json)["info"]["version"], "1.10");
}

#[test]
fn strings_and_booleans_without_the_right_quotes_are_converted_or_rejected() {
    let parameter = |text: &str| {
        format!("openapi: 3.0.0\npaths: {{/a: {{get: {{parameters: [{{{text}}}]}}}}}}")
    };
    let document = distilled(&parameter("name: 7, in: query, required: 'true'"));
    assert_eq!(
        document["paths"]["/a"]["get"]["parameters"][0],
        json!({"name": "7", "in": "query", "required": true})
    );
    for (text, expected) in [
        ("name: 1.10", ".name: expected a string, found a number"),
        ("name: true", ".name: expected a string, found a boolean"),
        (
            "required: 'yes'",
            ".required: expected a boolean, found a string",
        ),
        ("explode: 1", ".explode: expected a boolean, found a number"),
    ] {
        let error = error_for(&parameter(text));
        assert_eq!(error, format!("$.paths['/a'].get.parameters[0]{expected}"));
    }
}

#[test]
fn integers_beyond_64_bits_are_numbers() {
    for number in [
        "-9223372036854776000",
        "18446744073709552000",
        "170141183460469231731687303715884105727",
        "340282366920938463463374607431768211455",
        "1000000000000000000000000000000000000000000",
    ] {
        let text = format!(
            "openapi: 3.0.0\npaths: {{}}\ncomponents: {{schemas: {{S: {{minimum: {number}}}}}}}"
        );
        let document = distilled(&text);
        let minimum = &document["components"]["schemas"]["S"]["minimum"];
        assert_eq!(minimum.as_f64(), Some(number.parse().unwrap()), "{number}");
        assert_eq!(distilled(&canonical_yaml(&document)), document, "{number}");
    }
}

#[test]
fn references_are_rejected_where_openapi_3_0_has_none() {
    let content = |text: &str| format!("{{responses: {{200: {{content: {text}}}}}}}");
    for (location, operation, reference) in [
        ("", "{$ref: x.yml}".to_owned(), "x.yml"),
        (
            "",
            "{$ref: '#/paths/~1b/get'}".to_owned(),
            "#/paths/~1b/get",
        ),
        (
            ".responses['200'].content['application/json']",
            content("{application/json: {$ref: m.yml}}"),
            "m.yml",
        ),
        (
            ".servers[0]",
            "{servers: [{$ref: s.yml}]}".to_owned(),
            "s.yml",
        ),
        (
            ".responses['200'].content.a.schema.discriminator",
            content("{a: {schema: {discriminator: {$ref: d.yml}}}}"),
            "d.yml",
        ),
    ] {
        let text =
            format!("openapi: 3.0.0\npaths: {{/a: {{get: {operation}}}, /b: {{get: {{}}}}}}");
        let reason = match reference.starts_with('#') {
            true => "OpenAPI 3.0 does not allow a reference here",
            false => "only local references (`#/…`) are supported",
        };
        assert_eq!(
            error_for(&text),
            format!("$.paths['/a'].get{location}['$ref']: `{reference}`: {reason}")
        );
    }
    let map = error_for("openapi: 3.0.0\npaths: {/a: {get: {responses: {$ref: r.yml}}}}");
    assert_eq!(
        map,
        "$.paths['/a'].get.responses['$ref']: expected a map, found a string"
    );
}

#[test]
fn property_named_like_a_reference_is_kept() {
    let property = json!({"properties": {"$ref": {"type": "string"}}});
    assert_eq!(schema(property.clone()), property);
}

// --- OpenAPI 3.1 ---

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

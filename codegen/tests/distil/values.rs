//! Values, keys and references as YAML and JSON spell them.

use portkey_admin_codegen::{distil, document};
use serde_json::{Map, Value, json};

use crate::{canonical_yaml, distilled, error_for, schema, with_schema};

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

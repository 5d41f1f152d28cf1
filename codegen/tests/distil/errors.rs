//! Documents that are rejected, with the location of the problem.

use portkey_admin_codegen::{distil, document};
use serde_json::json;

use crate::{error_for, with_schema};

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
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Input {
        Document(String),
        Operation(String),
        Schema(String),
    }
    #[derive(serde::Deserialize)]
    struct Case {
        #[serde(flatten)]
        input: Input,
        error: String,
    }
    let cases: Vec<Case> = serde_norway::from_str(include_str!("errors.yaml")).unwrap();
    assert_eq!(cases.len(), 26);
    for case in cases {
        let text = match case.input {
            Input::Document(text) => text,
            Input::Operation(text) => format!("openapi: 3.0.0\npaths: {{/a: {{get: {text}}}}}"),
            Input::Schema(text) => {
                format!("openapi: 3.0.0\npaths: {{}}\ncomponents: {{schemas: {{S: {text}}}}}")
            }
        };
        let (error, expected) = (error_for(&text), case.error);
        assert!(
            error.starts_with(&expected),
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

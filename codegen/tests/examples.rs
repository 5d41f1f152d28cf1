//! Generates the examples of small documents.

#![allow(clippy::unwrap_used)]

use portkey_admin_codegen::{Manifest, Patched, Result, Source, generate};
use serde_json::{Value, json};

/// Returns a document whose operation `POST /things/{thingId}` has this body and `x-example`.
fn patched(body: &Value, example: Value) -> Patched {
    let document = json!({
        "openapi": "3.0.3",
        "info": {"version": "1"},
        "paths": {"/things/{thingId}": {"post": {
            "parameters": [
                {"name": "thingId", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "tag", "in": "query", "schema": {"type": "string"}},
                {"name": "from", "in": "query", "required": true, "schema": {"type": "string", "format": "date-time"}},
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema": body}}},
            "responses": {"200": {"description": ""}},
            "x-example": example,
        }}},
        "components": {"schemas": {
            "Text": {"type": "object", "required": ["kind", "text"], "properties": {
                "kind": {"type": "string", "enum": ["text"]}, "text": {"type": "string"},
            }},
            "Image": {"type": "object", "required": ["kind", "url"], "properties": {
                "kind": {"type": "string", "enum": ["image"]}, "url": {"type": "string"},
            }},
        }},
    });
    let manifest = Manifest::parse(&Source {
        name: "operations.yaml".into(),
        text:
            "POST /things/{thingId}: {id: create_thing, summary: Creates a thing., plane: control, \
               area: things, retry: never, status: works, evidence: {by: document}}"
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

/// Returns the body of the example in one line.
fn example(body: Value, example: Value) -> Result<String> {
    let patched = patched(&body, example);
    let files = generate::generate(&patched, &patched.manifest.areas())?;
    let file = |name: &str| &files.iter().find(|file| file.name == name).unwrap().code;
    let code = file("examples.rs");
    let docs = file("things.rs");
    for line in code.lines().skip(1).take_while(|line| *line != "}") {
        assert!(docs.contains(line.trim()), "`{line}` is not in the docs");
    }
    let (_, call) = code.split_once("client\n").unwrap();
    let (call, _) = call.split_once("Ok(())").unwrap();
    Ok(call.split_whitespace().collect())
}

fn body() -> Value {
    let text = json!({"type": "string"});
    let part = json!({"oneOf": [{"$ref": "#/components/schemas/Text"}, {"$ref": "#/components/schemas/Image"}]});
    json!({"type": "object", "required": ["name", "size", "count"], "properties": {
        "name": text, "note": text, "size": {"type": "string", "enum": ["small", "large"]},
        "count": {"type": "integer"}, "limits": {"type": "object"},
        "parts": {"type": "array", "items": part},
    }})
}

#[test]
fn required_values_are_samples_by_name_and_type() {
    let code = example(body(), Value::Null).unwrap();
    assert_eq!(
        code,
        ".create_thing(\"thing_id\").from(SystemTime::now()-Duration::from_secs(86_400)).body(\
         CreateThingRequest::builder().count(1).name(\"Research\")\
         .size(CreateThingRequestSize::Small),).send().await?;"
    );
}

#[test]
fn given_values_are_written_as_rust() {
    let given = json!({
        "parameters": {"thingId": "blue", "tag": "new"},
        "body": {
            "name": "A \"name\"", "size": "large", "count": 3, "limits": {"a": 1, "b": {"c": [2, "x"]}},
            "parts": [{"kind": "image", "url": "https://example.com"}, {"kind": "text"}],
        },
    });
    let code = example(body(), given).unwrap();
    for part in [
        ".create_thing(\"blue\").tag(\"new\")",
        ".count(3)",
        ".limits(json!({\"a\":1,\"b\":{\"c\":[2,\"x\"]}}))",
        ".name(\"A\\\"name\\\"\")",
        "Image::builder().url(\"https://example.com\").build()?",
        "Text::builder().text(\"text\").build()?",
        ".size(CreateThingRequestSize::Large)",
    ] {
        assert!(code.contains(part), "{part} is not in {code}");
    }
}

#[test]
fn a_body_without_required_fields_sets_the_name() {
    let text = json!({"type": "string"});
    let body = json!({"type": "object", "properties": {"name": text, "note": text}});
    let code = example(body, Value::Null).unwrap();
    assert!(
        code.contains("CreateThingRequest::builder().name(\"Newname\")"),
        "{code}"
    );
}

#[test]
fn an_example_that_does_not_fit_is_an_error() {
    let cases = [
        (
            json!({"query": {}}),
            "expected `parameters` or `body`, found `query`",
        ),
        (
            json!({"parameters": {"other": 1}}),
            "`other` is not a parameter",
        ),
        (
            json!({"body": {"other": 1}}),
            "`other` is not a field of `CreateThingRequest`",
        ),
        (
            json!({"body": {"count": "one"}}),
            "`count`: expected a value of the declared type, found \"one\"",
        ),
        (
            json!({"body": {"size": "huge"}}),
            "`size`: expected a value of `CreateThingRequestSize`, found \"huge\"",
        ),
        (
            json!({"body": {"parts": [{"kind": "sound"}]}}),
            "`parts`: expected a variant of `CreateThingRequestPartsItem`, found {\"kind\":\"sound\"}",
        ),
        (json!({"body": []}), "`body`: expected an object, found []"),
    ];
    for (given, expected) in cases {
        let error = example(body(), given).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("POST /things/{{thingId}}: x-example: {expected}")
        );
    }
}

#[test]
fn long_json_is_on_several_lines() {
    let limits = json!({"first": "a".repeat(40), "second": {"third": "b".repeat(40)}});
    let given = json!({"body": {"name": "A", "limits": {"all": limits, "none": {}}}});
    let patched = patched(&body(), given);
    let files = generate::generate(&patched, &patched.manifest.areas()).unwrap();
    let docs = files.iter().find(|file| file.name == "things.rs").unwrap();
    let lines: Vec<_> = docs.code.lines().map(str::trim_start).collect();
    let first = lines
        .iter()
        .position(|line| line.contains("json!({"))
        .unwrap();
    let expected = [
        "///             .limits(json!({",
        r#"///                 "all": {"#,
        &format!(r#"///                     "first": "{}","#, "a".repeat(40)),
        r#"///                     "second": {"#,
        &format!(
            r#"///                         "third": "{}""#,
            "b".repeat(40)
        ),
        "///                     }",
        "///                 },",
        r#"///                 "none": {}"#,
    ];
    assert_eq!(lines[first..first + expected.len()], expected);
}

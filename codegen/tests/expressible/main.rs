//! Every operation is generated correctly, or reported with the reason.

#![allow(clippy::unwrap_used)]

mod names;
mod operations;
mod parameters;
mod types;

use portkey_admin_codegen::{Manifest, Patched, Result, Source, document, generate, lower};
use serde_json::{Value, json};

/// Returns a patched document with these paths and schemas. The ids of the operations are
/// `operation_0`, `operation_1`, … unless there is an `operationId`.
fn patched(paths: Value, schemas: Value) -> Patched {
    let document = json!({
        "openapi": "3.0.3",
        "info": {"version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    });
    let mut entries = serde_json::Map::new();
    for (index, (path, method, operation)) in document::operations(&document).enumerate() {
        let id = operation["operationId"].as_str().map(str::to_owned);
        let entry = json!({
            "id": id.unwrap_or_else(|| format!("operation_{index}")),
            "summary": "S.",
            "plane": "control",
            "area": "things",
            "retry": "safe",
            "status": "works",
            "evidence": {"by": "document"},
        });
        let key = format!("{} {path}", method.to_uppercase());
        entries.insert(key, entry);
    }
    let manifest = Manifest::parse(&Source {
        name: "operations.yaml".into(),
        text: Value::Object(entries).to_string(),
    });
    Patched {
        document,
        manifest: manifest.unwrap(),
        path_outcomes: Vec::new(),
    }
}

/// Generates the code, without the module path of its types.
fn generate(paths: Value, schemas: Value) -> Result<String> {
    let patched = patched(paths, schemas);
    let lowered = lower::lower(&patched)?;
    let tokens = generate::tokens(&patched, &lowered, &patched.manifest.areas())?;
    let code = prettyplease::unparse(&syn::parse2(tokens).unwrap());
    Ok(code.replace("crate::things::", ""))
}

/// Returns the code of one operation with a request body and a response.
fn generate_body(request: Value, response: Value, schemas: Value) -> Result<String> {
    let body = |schema: Value| json!({"content": {"application/json": {"schema": schema}}});
    let operation = json!({"requestBody": body(request), "responses": {"200": body(response)}});
    generate(json!({"/things": {"post": operation}}), schemas)
}

fn path_parameter(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

/// Checks that a text contains these parts, regardless of white space and trailing commas.
#[track_caller]
fn assert_contains(text: &str, parts: &[&str]) {
    let squash = |text: &str| {
        let text = text.replace([' ', '\n'], "");
        text.replace(",}", "}")
            .replace(",]", "]")
            .replace(",)", ")")
    };
    let squashed = squash(text);
    for part in parts {
        assert!(
            squashed.contains(&squash(part)),
            "`{part}` is not in\n{text}"
        );
    }
}

#[track_caller]
fn assert_error(result: Result<String>, parts: &[&str]) {
    assert_contains(&result.unwrap_err().to_string(), parts);
}

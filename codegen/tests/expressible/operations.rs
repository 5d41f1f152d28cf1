//! Bodies, media types, ids and areas of operations.

use portkey_admin_codegen::{Manifest, Result, Source, generate as generator, lower};
use serde_json::json;

use crate::{assert_contains, assert_error, generate, object, patched, path_parameter};

#[test]
fn every_operation_that_cannot_be_generated_is_reported() {
    let cookie =
        json!({"parameters": [{"name": "a", "in": "cookie", "schema": {"type": "string"}}]});
    let form = json!({"requestBody": {"content": {"text/plain": {}}}});
    let paths = json!({
        "/a": {"get": cookie},
        "/b": {"get": {}, "post": form},
        "/c/{id}": {"get": {"parameters": []}},
    });
    let error = generate(paths, json!({})).unwrap_err();
    let lines: Vec<String> = error.split().map(|error| error.to_string()).collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for key in ["GET /a: ", "POST /b: ", "GET /c/{id}: "] {
        assert!(lines.iter().any(|line| line.starts_with(key)), "{lines:#?}");
    }
}

/// Returns the code or the error of an operation with these media types of body and response.
fn with_media_types(request: Option<&str>, response: Option<&str>) -> Result<String> {
    let content = |kind: &str| json!({"content": {(kind): {"schema": object(json!({"a": {"type": "string"}}))}}});
    let mut operation = json!({"responses": {"200": {}}});
    if let Some(kind) = request {
        operation["requestBody"] = content(kind);
        operation["requestBody"]["required"] = json!(true);
    }
    if let Some(kind) = response {
        operation["responses"]["200"] = content(kind);
    }
    generate(json!({"/things": {"post": operation}}), json!({}))
}

#[test]
fn bodies_that_are_not_json_are_reported() {
    for kind in [
        "application/x-www-form-urlencoded",
        "application/jsonl",
        "application/json-seq",
        "application/merge-patch+json",
        "text/plain",
    ] {
        assert_error(
            with_media_types(Some(kind), None),
            &[&format!(
                "POST /things: request body: expected `application/json`, found `{kind}`"
            )],
        );
    }
    for kind in [
        "application/jsonl",
        "application/json-seq",
        "text/csv",
        "application/octet-stream",
    ] {
        assert_error(
            with_media_types(None, Some(kind)),
            &[&format!(
                "POST /things: response: expected JSON, found `{kind}`"
            )],
        );
    }
}

#[test]
fn json_media_types_are_accepted() {
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
    ] {
        let code = with_media_types(Some(kind), Some(kind)).unwrap();
        assert_contains(
            &code,
            &["Result<Operation0Response, crate::Error>", "pub fn body"],
        );
    }
    let code = with_media_types(None, Some("application/problem+json")).unwrap();
    assert_contains(&code, &["Result<Operation0Response, crate::Error>"]);
}

#[test]
fn body_without_a_schema_is_any_json() {
    let body = json!({"required": true, "content": {"application/json": {}}});
    let operation = json!({"requestBody": body, "responses": {"200": {}}});
    let code = generate(json!({"/things": {"post": operation}}), json!({})).unwrap();
    assert_contains(
        &code,
        &["pub fn body(mut self, value: impl Into<serde_json::Value>)"],
    );
}

// --- operations ---

#[test]
fn ids_must_be_rust_names() {
    for id in [
        "getThing",
        "get-thing",
        "type",
        "2nd",
        "get__thing",
        "_get",
        "",
    ] {
        let paths = json!({"/things": {"get": {"operationId": id}}});
        assert_error(
            generate(paths, json!({})),
            &["GET /things: ", "is not a Rust name in snake case"],
        );
    }
}

#[test]
fn ids_with_one_builder_are_reported() {
    let paths = json!({
        "/a": {"get": {"operationId": "get_a1"}},
        "/b": {"get": {"operationId": "get_a_1"}},
    });
    assert_error(
        generate(paths, json!({})),
        &["GET /b: the ids `get_a1` and `get_a_1` both map to the Rust type `GetA1`"],
    );
}

#[test]
fn modules_must_be_rust_names() {
    for (area, path, expected) in [
        (
            "my-area",
            "/things",
            "`my-area` is not a valid name of a module",
        ),
        (
            "types",
            "/things",
            "`types` is not a valid name of a module",
        ),
        (
            "gateway",
            "/v1.1/things",
            "`v1.1` is not a valid name of a module",
        ),
        ("gateway", "/{id}", "`` is not a valid name of a module"),
    ] {
        let parameters = match path {
            "/{id}" => json!([path_parameter("id")]),
            _ => json!([]),
        };
        let mut patched = patched(
            json!({(path): {"get": {"parameters": parameters}}}),
            json!({}),
        );
        let entry = json!({(format!("GET {path}")): {
            "id": "get", "summary": "S.", "plane": "control", "area": area, "retry": "safe",
            "status": "works", "evidence": {"by": "document"},
        }});
        patched.manifest = Manifest::parse(&Source {
            name: "m".into(),
            text: entry.to_string(),
        })
        .unwrap();
        let lowered = lower::lower(&patched).unwrap();
        let error = generator::tokens(&patched, &lowered, &patched.manifest.areas()).unwrap_err();
        assert_eq!(error.to_string(), format!("GET {path}: {expected}"));
    }
}

#[test]
fn document_without_a_version_is_generated() {
    let mut patched = patched(json!({"/things": {"get": {}}}), json!({}));
    for info in [json!({}), json!({"version": null}), json!({"version": 1.1})] {
        patched.document["info"] = info;
        let lowered = lower::lower(&patched).unwrap();
        generator::tokens(&patched, &lowered, &patched.manifest.areas()).unwrap();
    }
}

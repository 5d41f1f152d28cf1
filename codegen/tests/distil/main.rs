//! What `distil` keeps, drops, sorts and rejects.
#![allow(clippy::unwrap_used)]

mod errors;
mod facts;
mod openapi_3_1;
mod values;

use portkey_admin_codegen::{distil, document};
use serde_json::{Value, json};

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

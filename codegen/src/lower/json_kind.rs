//! The JSON kind of a schema.

use serde_json::Value;

/// Returns the JSON kind of a schema, if it has only one.
pub(super) fn json_kind(schema: &Value) -> Option<&'static str> {
    match schema["type"].as_str() {
        Some("string") => Some("string"),
        Some("integer" | "number") => Some("number"),
        Some("boolean") => Some("boolean"),
        Some("array") => Some("array"),
        Some("object") => Some("object"),
        _ if schema.get("properties").is_some() => Some("object"),
        _ if schema.get("items").is_some() => Some("array"),
        _ if is_string_union(schema) => Some("string"),
        _ => None,
    }
}

fn is_string_union(schema: &Value) -> bool {
    ["oneOf", "anyOf"].iter().any(|keyword| {
        schema[keyword]
            .as_array()
            .is_some_and(|variants| variants.iter().all(|variant| variant["type"] == "string"))
    })
}

//! The vendored document, `openapi/portkey.yaml`, is complete, free of prose and canonical.
#![allow(clippy::unwrap_used)]

use portkey_admin_codegen::{distil, document};
use serde_json::Value;

/// Returns the text of the file.
fn vendored_text() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/portkey.yaml");
    std::fs::read_to_string(path).unwrap()
}

/// Returns the parsed document.
fn vendored() -> Value {
    document::parse("openapi/portkey.yaml", &vendored_text()).unwrap()
}

/// Keywords whose value is a map from names to objects.
const NAME_MAPS: [&str; 16] = [
    "callbacks",
    "content",
    "encoding",
    "headers",
    "links",
    "mapping",
    "parameters",
    "paths",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "scopes",
    "securitySchemes",
    "variables",
    "examples",
];

/// Keywords whose value is data, not structure.
const DATA: [&str; 5] = ["const", "default", "enum", "required", "security"];

/// Collects the keywords in `value` with their locations; keys that are names are skipped.
fn collect_keywords(value: &Value, location: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let location = document::child_path(location, key);
                found.push((key.clone(), location.clone()));
                match value.as_object() {
                    _ if DATA.contains(&key.as_str()) => {}
                    Some(named) if NAME_MAPS.contains(&key.as_str()) => {
                        for (name, value) in named {
                            collect_keywords(value, &document::child_path(&location, name), found);
                        }
                    }
                    _ => collect_keywords(value, &location, found),
                }
            }
        }
        Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| {
            collect_keywords(value, &format!("{location}[{index}]"), found)
        }),
        _ => {}
    }
}

/// Collects the strings in `value` with their locations.
fn collect_strings<'a>(value: &'a Value, location: &str, found: &mut Vec<(String, &'a str)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            collect_strings(value, &document::child_path(location, key), found)
        }),
        Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| {
            collect_strings(value, &format!("{location}[{index}]"), found)
        }),
        Value::String(text) => found.push((location.to_owned(), text)),
        _ => {}
    }
}

#[test]
fn every_operation_is_present() {
    let document = vendored();
    assert_eq!(document["paths"].as_object().unwrap().len(), 144);
    let operations: Vec<&Value> = document::operations(&document).map(|(_, _, o)| o).collect();
    assert_eq!(operations.len(), 231);
    let unnamed = operations.iter().filter(|o| o.get("operationId").is_none());
    assert_eq!(unnamed.count(), 83);
}

#[test]
fn no_prose_keyword_is_left() {
    let mut found = Vec::new();
    collect_keywords(&vendored(), "$", &mut found);
    assert!(found.len() > 10_000, "found only {} keywords", found.len());
    let prose = [
        "contact",
        "description",
        "example",
        "examples",
        "externalDocs",
        "license",
        "summary",
        "termsOfService",
        "title",
    ];
    let left: Vec<_> = found
        .iter()
        .filter(|(key, _)| prose.contains(&key.as_str()) || key.starts_with("x-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn properties_named_like_prose_are_kept() {
    let text = vendored_text();
    for name in ["description", "title", "summary"] {
        let entry = format!(" {name}:\n");
        assert!(text.contains(&entry), "no property is named `{name}`");
    }
}

#[test]
fn no_string_is_a_sentence() {
    let document = vendored();
    let mut found = Vec::new();
    collect_strings(&document, "$", &mut found);
    assert!(found.len() > 5_000, "found only {} strings", found.len());
    // Tags are names of two or three words; no other string contains a space.
    let left: Vec<_> = found
        .iter()
        .filter(|(location, text)| {
            let longest = if location.contains(".tags[") { 40 } else { 0 };
            text.contains(char::is_whitespace)
                && text.len() > longest
                && !location.ends_with(".pattern")
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn distilling_again_yields_the_same_bytes() {
    let again = distil::to_yaml(&distil::distil(&vendored()).unwrap()).unwrap();
    // `assert_eq` would print the whole document twice.
    assert!(
        again == vendored_text(),
        "openapi/portkey.yaml is not what the distiller writes"
    );
}

#[test]
fn every_reference_resolves() {
    let document = vendored();
    let mut found = Vec::new();
    collect_strings(&document, "$", &mut found);
    let references: Vec<_> = found
        .iter()
        .filter(|(location, _)| location.ends_with("['$ref']"))
        .collect();
    assert!(
        references.len() > 1_000,
        "only {} references",
        references.len()
    );
    for (location, reference) in references {
        let target = document::lookup(&document, reference).unwrap();
        assert!(document::resolve(&document, target).is_ok(), "{location}");
    }
}

//! References (`#/components/schemas/User`) in an OpenAPI document.

use std::collections::{BTreeSet, HashMap};

use portkey_admin_codegen::document;
use serde_json::Value;

/// Returns the pointers that can be reached from `roots`. `references` holds the pointers in the
/// value at each pointer.
pub fn transitive_references(
    roots: BTreeSet<String>,
    document: &Value,
    references: &mut HashMap<String, BTreeSet<String>>,
) -> BTreeSet<String> {
    let mut open: Vec<String> = roots.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(pointer) = open.pop() {
        if !found.insert(pointer.clone()) {
            continue;
        }
        let more = references.entry(pointer).or_insert_with_key(|pointer| {
            let mut more = BTreeSet::new();
            if let Ok(value) = document::lookup(document, pointer) {
                collect_references(value, &mut more);
            }
            more
        });
        open.extend(more.iter().cloned());
    }
    found
}

/// Collects the pointer of every reference in a value.
pub fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                found.insert(reference.to_owned());
            }
            map.values()
                .for_each(|value| collect_references(value, found));
        }
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect_references(value, found)),
        _ => {}
    }
}

//! Select: keeps the operations of the chosen areas (Cargo features) and the types that they use.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    Result,
    lower::{EVENT_KEY, Lowered, collect_components},
};

/// The areas to generate.
pub type Areas = BTreeSet<String>;

/// The area that every streaming operation also needs, whichever area it belongs to.
const STREAMING_AREA: &str = "gateway";

/// Keeps the operations of the given areas and the components that are reachable from them.
///
/// The document is already lowered, so a type does not depend on the selection: the public API of
/// one area is a subset of the public API of all areas.
pub fn select(lowered: &Lowered, areas: &Areas) -> Result<Lowered> {
    let mut selected = lowered.clone();
    keep_operations(&mut selected.document["paths"], areas);
    let mut reachable = BTreeSet::new();
    collect_components(
        &selected.document,
        &selected.document["paths"],
        &mut reachable,
    );
    for name in also_in(&lowered.document, |area| areas.contains(area)) {
        reachable.insert(name.to_owned());
        let schema = &lowered.document["components"]["schemas"][name];
        collect_components(&lowered.document, schema, &mut reachable);
    }
    if let Some(schemas) = selected.document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| reachable.contains(name));
    }
    selected
        .directions
        .retain(|name, _| reachable.contains(name));
    Ok(selected)
}

/// Returns the types that handwritten code of an area uses (`x-also-in`).
pub(crate) fn also_in(document: &Value, is_area: impl Fn(&str) -> bool) -> Vec<&str> {
    let schemas = document["components"]["schemas"].as_object();
    let is_used = |schema: &Value| {
        let areas = schema["x-also-in"].as_array().into_iter().flatten();
        areas.filter_map(Value::as_str).any(&is_area)
    };
    schemas
        .into_iter()
        .flatten()
        .filter(|(_, schema)| is_used(schema))
        .map(|(name, _)| name.as_str())
        .collect()
}

fn keep_operations(paths: &mut Value, areas: &Areas) {
    let Some(paths) = paths.as_object_mut() else {
        return;
    };
    for item in paths.values_mut() {
        if let Some(item) = item.as_object_mut() {
            item.retain(|_, operation| {
                operation["tags"][0]
                    .as_str()
                    .is_some_and(|area| areas.contains(area))
            });
            if !areas.contains(STREAMING_AREA) {
                let operations = item.values_mut().filter_map(Value::as_object_mut);
                operations.for_each(|operation| drop(operation.remove(EVENT_KEY)));
            }
        }
    }
    paths.retain(|_, item| item.as_object().is_some_and(|item| !item.is_empty()));
}

//! Moves an operation from one path item to another.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::{Result, document};

/// Removes an operation from its path item and returns it with a copy of the fields that the item
/// shares between operations (parameters, servers). An item without operations is removed.
pub(super) fn take_operation(
    document: &mut Value,
    path: &str,
    method: &str,
) -> (Map<String, Value>, Map<String, Value>) {
    let item = document
        .pointer_mut(&item_pointer(path))
        .and_then(Value::as_object_mut);
    let Some(item) = item else {
        return Default::default();
    };
    let operation = match item.shift_remove(method) {
        Some(Value::Object(operation)) => operation,
        _ => Map::new(),
    };
    let mut shared = item.clone();
    shared.retain(|name, _| !document::METHODS.contains(&name.as_str()));
    if shared.len() == item.len() {
        remove_item(document, path);
    }
    (operation, shared)
}

pub(super) fn remove_item(document: &mut Value, path: &str) {
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        paths.shift_remove(path);
    }
}

/// Inserts an operation into a path item, which is created if it does not exist.
pub(super) fn put_operation(
    document: &mut Value,
    path: &str,
    method: &str,
    mut operation: Map<String, Value>,
    shared: &Map<String, Value>,
) {
    let existing = document
        .pointer(&item_pointer(path))
        .and_then(Value::as_object);
    let mut item = existing.cloned().unwrap_or_else(|| shared.clone());
    inherit_shared(document, &item, &mut operation, shared);
    item.insert(method.to_owned(), Value::Object(operation));
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        // An existing item keeps its position.
        paths.insert(path.to_owned(), Value::Object(item));
    }
}

/// Copies shared fields of the old path item to the operation, unless the new item has the same.
fn inherit_shared(
    document: &Value,
    item: &Map<String, Value>,
    operation: &mut Map<String, Value>,
    shared: &Map<String, Value>,
) {
    for parameter in parameters(shared) {
        let mut own = parameters(operation).iter();
        let known = parameters(item).contains(parameter)
            || own.any(|own| same_parameter(document, own, parameter));
        if !known {
            declare_parameter(document, operation, parameter.clone());
        }
    }
    if let Some(servers) = shared.get("servers")
        && item.get("servers") != Some(servers)
    {
        operation
            .entry("servers")
            .or_insert_with(|| servers.clone());
    }
}

fn item_pointer(path: &str) -> String {
    format!("/paths/{}", document::pointer_segment(path))
}

fn parameters(holder: &Map<String, Value>) -> &[Value] {
    holder
        .get("parameters")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Declares a parameter; it replaces a parameter with the same `name` and `in`.
pub(super) fn declare_parameter(
    document: &Value,
    operation: &mut Map<String, Value>,
    parameter: Value,
) {
    let list = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Value::Array(list) = list {
        list.retain(|other| !same_parameter(document, other, &parameter));
        list.push(parameter);
    }
}

/// Renames declared path parameters. A `$ref` is replaced by a renamed copy, because other
/// operations use the shared declaration.
pub(super) fn rename_parameters(
    document: &Value,
    holder: &mut Map<String, Value>,
    names: &HashMap<String, String>,
) -> Result<()> {
    let Some(Value::Array(list)) = holder.get_mut("parameters") else {
        return Ok(());
    };
    for parameter in list {
        let mut declaration = document::resolve(document, parameter)?.clone();
        let new = declaration["name"]
            .as_str()
            .and_then(|name| names.get(name));
        if let Some(new) = new
            && declaration["in"] == "path"
            && declaration["name"] != new.as_str()
        {
            declaration["name"] = json!(new);
            *parameter = declaration;
        }
    }
    Ok(())
}

/// Returns whether two declarations have the same `name` and `in`.
fn same_parameter(document: &Value, parameter: &Value, other: &Value) -> bool {
    let key = |parameter| {
        let declaration = document::resolve(document, parameter).ok()?;
        Some((
            declaration.get("name")?.as_str()?,
            declaration.get("in")?.as_str()?,
        ))
    };
    key(parameter).is_some_and(|parameter| key(other) == Some(parameter))
}

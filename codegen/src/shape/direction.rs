//! What is sent, what is received: one schema that serves both becomes two.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::Result;

/// How a component is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Only in requests: strict.
    Sent,
    /// Only in answers: tolerant.
    Received,
    /// In both, because it has no members (an enum, a union of plain kinds).
    Both,
}

const PREFIX: &str = "#/components/schemas/";

/// Splits every component with members that is both sent and received (`Foo`, `FooInput`), makes
/// what is received tolerant, and says how each component is used.
pub fn split(document: &mut Value) -> Result<BTreeMap<String, Direction>> {
    let (sent, received) = reach(document);
    let twofold: BTreeSet<String> = sent
        .intersection(&received)
        .filter(|name| has_members(document, name))
        .cloned()
        .collect();
    add_inputs(document, &sent, &twofold);
    let mut directions = BTreeMap::new();
    for name in sent.union(&received) {
        let direction = match (sent.contains(name), received.contains(name)) {
            _ if twofold.contains(name) => {
                directions.insert(input_name(name), Direction::Sent);
                Direction::Received
            }
            (true, true) => Direction::Both,
            (true, false) => Direction::Sent,
            _ => Direction::Received,
        };
        directions.insert(name.clone(), direction);
    }
    loosen(document, &directions);
    Ok(directions)
}

fn input_name(name: &str) -> String {
    format!("{name}Input")
}

/// The components reachable from what is sent, and from what is received.
fn reach(document: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
    for (_, _, operation) in crate::document::operations(document) {
        collect(document, &operation["parameters"], &mut sent);
        collect(document, &operation["requestBody"], &mut sent);
        collect(document, &operation["responses"], &mut received);
        collect(document, &operation[super::EVENT], &mut received);
    }
    (sent, received)
}

/// Adds every component that `value` refers to, directly or not.
pub fn collect(document: &Value, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = map
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|text| text.strip_prefix(PREFIX))
                && found.insert(name.to_owned())
            {
                collect(document, &document["components"]["schemas"][name], found);
            }
            map.values()
                .for_each(|value| collect(document, value, found));
        }
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect(document, value, found)),
        _ => {}
    }
}

/// Whether a component is a struct, or a union or list that reaches one.
fn has_members(document: &Value, name: &str) -> bool {
    let mut reached = BTreeSet::from([name.to_owned()]);
    let schemas = &document["components"]["schemas"];
    collect(document, &schemas[name], &mut reached);
    reached
        .iter()
        .any(|name| schemas[name].get("properties").is_some())
}

/// Copies each twofold component under its input name and points everything that is sent there.
fn add_inputs(document: &mut Value, sent: &BTreeSet<String>, twofold: &BTreeSet<String>) {
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        for name in sent {
            let mut schema = schemas[name].clone();
            redirect(&mut schema, twofold);
            remove_read_only(&mut schema);
            let target = if twofold.contains(name) {
                input_name(name)
            } else {
                name.clone()
            };
            schemas.insert(target, schema);
        }
    }
    let operations = document["paths"].as_object_mut().into_iter().flatten();
    for operation in operations.flat_map(|(_, item)| {
        item.as_object_mut()
            .into_iter()
            .flatten()
            .map(|(_, value)| value)
    }) {
        redirect(&mut operation["parameters"], twofold);
        if let Some(body) = operation.get_mut("requestBody") {
            redirect(body, twofold);
        }
    }
}

/// What only the service sets (`readOnly`) is never sent.
fn remove_read_only(schema: &mut Value) {
    let names = schema["x-read-only"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.retain(|name, _| !names.contains_key(name));
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| !name.as_str().is_some_and(|name| names.contains_key(name)));
    }
}

fn redirect(value: &mut Value, twofold: &BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            let name = map
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|text| text.strip_prefix(PREFIX))
                .map(str::to_owned);
            if let Some(name) = name.filter(|name| twofold.contains(name)) {
                map.insert(
                    "$ref".into(),
                    json!(format!("{PREFIX}{}", input_name(&name))),
                );
            }
            map.values_mut().for_each(|value| redirect(value, twofold));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| redirect(value, twofold)),
        _ => {}
    }
}

/// An optional list or map of a request is left out, or sent empty: `null` makes the type an option.
fn tell_absent_from_empty(schema: &mut Value) {
    let required: Vec<String> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| Some(name.as_str()?.to_owned()))
        .collect();
    for (name, property) in schema["properties"].as_object_mut().into_iter().flatten() {
        if !required.contains(name) && (property["type"] == "array" || property["type"] == "object")
        {
            property["nullable"] = json!(true);
        }
    }
}

/// In an answer only the fields that every recording has are required.
fn loosen(document: &mut Value, directions: &BTreeMap<String, Direction>) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    schemas.retain(|name, _| directions.contains_key(name));
    for (name, schema) in schemas {
        let always = schema.as_object_mut().and_then(|schema| {
            schema.remove("x-read-only");
            schema.remove("x-always")
        });
        if schema.get("properties").is_none() {
            continue;
        }
        if directions.get(name) == Some(&Direction::Received) {
            schema["required"] = always.unwrap_or_else(|| json!([]));
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("additionalProperties");
            }
        } else {
            tell_absent_from_empty(schema);
        }
    }
}

//! Splits schemas that are used in requests and responses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::error::Problems;
use crate::{Error, Result};

/// The use of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Only in requests: strict.
    Request,
    /// Only in responses: tolerant.
    Response,
    /// In both, because it contains no struct (an enum, a union of primitives).
    Both,
}

const PREFIX: &str = "#/components/schemas/";

/// Splits every component with fields that is used in both directions (`Foo`, `FooInput`), relaxes
/// the response types, and returns the direction of each component.
pub fn split(document: &mut Value) -> Result<BTreeMap<String, Direction>> {
    let (in_requests, in_responses) = reachable_components(document);
    let in_both: BTreeSet<String> = in_requests
        .intersection(&in_responses)
        .filter(|name| contains_struct(document, name))
        .cloned()
        .collect();
    check_input_names(document, &in_both)?;
    add_request_variants(document, &in_requests, &in_both);
    let mut directions = BTreeMap::new();
    for name in in_requests.union(&in_responses) {
        let direction = match (in_requests.contains(name), in_responses.contains(name)) {
            _ if in_both.contains(name) => {
                directions.insert(input_name(name), Direction::Request);
                Direction::Response
            }
            (true, true) => Direction::Both,
            (true, false) => Direction::Request,
            _ => Direction::Response,
        };
        directions.insert(name.clone(), direction);
    }
    relax_responses(document, &directions);
    mark_deserialized(document, &directions)?;
    Ok(directions)
}

/// Marks the components that request types with `x-deserialize` contain, and allows additional
/// fields in them, so that no field is lost.
fn mark_deserialized(document: &mut Value, directions: &BTreeMap<String, Direction>) -> Result<()> {
    let mut marked = BTreeSet::new();
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
    {
        if schema["x-deserialize"] == true {
            marked.insert(name.clone());
            collect_components(document, schema, &mut marked);
        }
    }
    let is_response = |name: &&String| directions.get(*name) == Some(&Direction::Response);
    if let Some(name) = marked.iter().find(is_response) {
        return Err(Error::new(
            format!("schema `{name}`"),
            "a type with `x-deserialize` must not be used in responses",
        ));
    }
    for name in marked {
        let schema = &mut document["components"]["schemas"][&name];
        if directions.get(&name) == Some(&Direction::Request) {
            schema["x-deserialize"] = json!(true);
            if schema.get("properties").is_some() {
                schema["additionalProperties"] = json!({});
            }
        }
    }
    Ok(())
}

/// Checks that no component has the name of the request variant of another one.
fn check_input_names(document: &Value, in_both: &BTreeSet<String>) -> Result<()> {
    let schemas = &document["components"]["schemas"];
    let taken = in_both
        .iter()
        .filter(|name| schemas.get(input_name(name)).is_some());
    Problems::collect(taken.map(|name| {
        let problem = format!(
            "the name is that of the request variant of the schema `{name}`; add an `x-name`"
        );
        Err::<(), _>(Error::new(
            format!("schema `{}`", input_name(name)),
            problem,
        ))
    }))?;
    Ok(())
}

fn input_name(name: &str) -> String {
    format!("{name}Input")
}

/// Returns the components that requests reach and those that responses reach.
fn reachable_components(document: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut in_requests, mut in_responses) = (BTreeSet::new(), BTreeSet::new());
    for (_, _, operation) in crate::document::operations(document) {
        collect_components(document, &operation["parameters"], &mut in_requests);
        collect_components(document, &operation["requestBody"], &mut in_requests);
        collect_components(document, &operation["responses"], &mut in_responses);
        collect_components(document, &operation[super::EVENT_KEY], &mut in_responses);
    }
    (in_requests, in_responses)
}

/// Adds every component that `value` references, directly or indirectly.
pub fn collect_components(document: &Value, value: &Value, found: &mut BTreeSet<String>) {
    let mut pending = vec![value];
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(map) => {
                let name = map
                    .get("$ref")
                    .and_then(Value::as_str)
                    .and_then(|text| text.strip_prefix(PREFIX));
                if let Some(name) = name
                    && found.insert(name.to_owned())
                {
                    pending.push(&document["components"]["schemas"][name]);
                }
                pending.extend(map.values());
            }
            Value::Array(list) => pending.extend(list),
            _ => {}
        }
    }
}

/// Returns whether a component is a struct, or references one.
fn contains_struct(document: &Value, name: &str) -> bool {
    let mut reached = BTreeSet::from([name.to_owned()]);
    let schemas = &document["components"]["schemas"];
    collect_components(document, &schemas[name], &mut reached);
    reached
        .iter()
        .any(|name| schemas[name].get("properties").is_some())
}

/// Copies each component that is used in both directions to its input name and redirects requests
/// to it.
fn add_request_variants(
    document: &mut Value,
    in_requests: &BTreeSet<String>,
    in_both: &BTreeSet<String>,
) {
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        for name in in_requests {
            // A schema that could not be lowered is absent.
            let Some(mut schema) = schemas.get(name).cloned() else {
                continue;
            };
            rewrite_references(&mut schema, in_both);
            remove_read_only(&mut schema);
            let target = if in_both.contains(name) {
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
        rewrite_references(&mut operation["parameters"], in_both);
        if let Some(body) = operation.get_mut("requestBody") {
            rewrite_references(body, in_both);
        }
    }
}

/// Removes `readOnly` fields, which only the service sets.
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

fn rewrite_references(value: &mut Value, in_both: &BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            let name = map
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|text| text.strip_prefix(PREFIX))
                .map(str::to_owned);
            if let Some(name) = name.filter(|name| in_both.contains(name)) {
                map.insert(
                    "$ref".into(),
                    json!(format!("{PREFIX}{}", input_name(&name))),
                );
            }
            map.values_mut()
                .for_each(|value| rewrite_references(value, in_both));
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| rewrite_references(value, in_both)),
        _ => {}
    }
}

/// Makes optional lists and maps of a request nullable, so that absent and empty values differ.
fn make_optional_collections_nullable(schema: &mut Value) {
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

/// Limits the required fields of a response to those that every recording has (`x-always`).
fn relax_responses(document: &mut Value, directions: &BTreeMap<String, Direction>) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    schemas.retain(|name, _| directions.contains_key(name));
    for (name, schema) in schemas {
        let always_present = schema.as_object_mut().and_then(|schema| {
            schema.remove("x-read-only");
            schema.remove("x-always")
        });
        if schema.get("properties").is_none() {
            continue;
        }
        if directions.get(name) == Some(&Direction::Response) {
            schema["required"] = always_present.unwrap_or_else(|| json!([]));
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("additionalProperties");
            }
        } else {
            make_optional_collections_nullable(schema);
        }
    }
}

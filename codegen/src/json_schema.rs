//! Converts OpenAPI 3.0 schemas to JSON Schema 2020-12, for request checks.
//!
//! The two dialects differ in a few keywords: `nullable`, boolean `exclusiveMinimum`, keywords
//! beside a `$ref`, and the path of shared schemas. Keywords that validate nothing (`default`,
//! `example`, `discriminator`, `x-…`) are dropped.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{Error, Result};

/// The dialect of the generated schemas.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The prefix of references to shared schemas in an OpenAPI document.
const COMPONENTS: &str = "#/components/schemas/";

/// Keywords that mean the same in both dialects and contain no schema.
const SHARED_KEYWORDS: [&str; 11] = [
    "enum",
    "multipleOf",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "const",
];

/// Keywords with a list of schemas.
const COMBINATORS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// The formats that JSON Schema 2020-12 defines; others describe a representation and validate
/// nothing.
const FORMATS: [&str; 15] = [
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "uuid",
    "regex",
];

/// Converts `schema` of `document` to a complete JSON Schema, with every shared schema that it
/// references in `$defs`.
pub fn bundle(document: &Value, schema: &Value) -> Result<Value> {
    let root = convert(schema);
    let definitions = definitions(document, schema)?;
    Ok(assemble(root, definitions))
}

/// Returns a JSON Schema for an object with these fields: name, OpenAPI schema, whether it is
/// required.
///
/// One compiled schema can then check the parameters and the body of a request together.
pub fn bundle_object(document: &Value, fields: &[(&str, Value, bool)]) -> Result<Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema, is_required) in fields {
        properties.insert((*name).to_owned(), schema.clone());
        if *is_required {
            required.push(json!(name));
        }
    }
    bundle(
        document,
        &json!({"type": "object", "properties": properties, "required": required}),
    )
}

/// Converts an OpenAPI 3.0 schema; its references point to `#/$defs/`.
pub fn convert(schema: &Value) -> Value {
    let Some(source) = schema.as_object() else {
        // Booleans, as in `additionalProperties: true`, mean the same in both dialects.
        return if schema.is_boolean() {
            schema.clone()
        } else {
            json!({})
        };
    };
    let nullable = source.get("nullable") == Some(&Value::Bool(true));
    if let Some(reference) = source.get("$ref").and_then(Value::as_str) {
        return with_null(json!({"$ref": definition_reference(reference)}), nullable);
    }
    let mut target = Map::new();
    copy_type(source, &mut target);
    for key in SHARED_KEYWORDS {
        if let Some(value) = source.get(key) {
            target.insert(key.to_owned(), value.clone());
        }
    }
    copy_required(source, &mut target);
    copy_format(source, &mut target);
    copy_bound(source, &mut target, "minimum", "exclusiveMinimum");
    copy_bound(source, &mut target, "maximum", "exclusiveMaximum");
    copy_subschemas(source, &mut target);
    with_null(Value::Object(target), nullable)
}

/// Allows `null`: in `type` if that is the only constraint, otherwise in another branch.
fn with_null(schema: Value, nullable: bool) -> Value {
    if !nullable {
        return schema;
    }
    let plain = schema["type"].is_string()
        && !["enum", "const", "not"]
            .iter()
            .chain(&COMBINATORS)
            .any(|key| schema.get(*key).is_some());
    match schema {
        Value::Object(mut target) if plain => {
            let kind = target["type"].clone();
            target.insert("type".to_owned(), json!([kind, "null"]));
            Value::Object(target)
        }
        Value::Object(target) if target.is_empty() => Value::Object(target),
        other => json!({"anyOf": [other, {"type": "null"}]}),
    }
}

fn copy_type(source: &Map<String, Value>, target: &mut Map<String, Value>) {
    if let Some(kind) = source
        .get("type")
        .filter(|kind| kind.is_string() || kind.is_array())
    {
        target.insert("type".to_owned(), kind.clone());
    }
}

/// Copies `required`. A boolean, as in old drafts of JSON Schema, validates nothing and is dropped.
fn copy_required(source: &Map<String, Value>, target: &mut Map<String, Value>) {
    if let Some(names) = source.get("required").filter(|names| names.is_array()) {
        target.insert("required".to_owned(), names.clone());
    }
}

fn copy_format(source: &Map<String, Value>, target: &mut Map<String, Value>) {
    let Some(format) = source.get("format").and_then(Value::as_str) else {
        return;
    };
    let format = format.to_ascii_lowercase();
    match format.as_str() {
        "int32" => copy_range(target, json!(i32::MIN), json!(i32::MAX)),
        "int64" => copy_range(target, json!(i64::MIN), json!(i64::MAX)),
        known if FORMATS.contains(&known) => {
            target.insert("format".to_owned(), json!(known));
        }
        _ => {}
    }
}

/// Sets the range of an integer format; bounds of the schema itself replace it afterwards.
fn copy_range(target: &mut Map<String, Value>, minimum: Value, maximum: Value) {
    target.insert("minimum".to_owned(), minimum);
    target.insert("maximum".to_owned(), maximum);
}

/// Copies a bound. `exclusiveMinimum` is a boolean beside `minimum` in 3.0 and the bound in
/// 2020-12.
fn copy_bound(
    source: &Map<String, Value>,
    target: &mut Map<String, Value>,
    bound: &str,
    exclusive: &str,
) {
    let limit = source.get(bound).filter(|limit| limit.is_number());
    match (limit, source.get(exclusive)) {
        (Some(limit), Some(Value::Bool(true))) => {
            target.insert(exclusive.to_owned(), limit.clone());
        }
        (limit, other) => {
            if let Some(limit) = limit {
                target.insert(bound.to_owned(), limit.clone());
            }
            if let Some(number) = other.filter(|other| other.is_number()) {
                target.insert(exclusive.to_owned(), number.clone());
            }
        }
    }
}

fn copy_subschemas(source: &Map<String, Value>, target: &mut Map<String, Value>) {
    for key in ["items", "not", "additionalProperties"] {
        if let Some(schema) = source.get(key) {
            target.insert(key.to_owned(), convert(schema));
        }
    }
    for key in COMBINATORS {
        if let Some(schemas) = source.get(key).and_then(Value::as_array) {
            target.insert(key.to_owned(), schemas.iter().map(convert).collect());
        }
    }
    if let Some(properties) = source.get("properties").and_then(Value::as_object) {
        let converted = properties
            .iter()
            .map(|(name, schema)| (name.clone(), convert(schema)));
        target.insert("properties".to_owned(), Value::Object(converted.collect()));
    }
}

fn assemble(root: Value, definitions: Map<String, Value>) -> Value {
    let mut bundle = Map::new();
    bundle.insert("$schema".to_owned(), json!(DIALECT));
    match root {
        Value::Object(root) => bundle.extend(root),
        // A root of `false` rejects everything; `true` needs no keyword.
        Value::Bool(false) => {
            bundle.insert("not".to_owned(), json!({}));
        }
        _ => {}
    }
    if !definitions.is_empty() {
        bundle.insert("$defs".to_owned(), Value::Object(definitions));
    }
    Value::Object(bundle)
}

/// Converts the shared schemas that `schema` references, by their name in `$defs`.
fn definitions(document: &Value, schema: &Value) -> Result<Map<String, Value>> {
    let mut definitions = Map::new();
    let mut pending = BTreeSet::new();
    collect_references(schema, &mut pending);
    while let Some(reference) = pending.pop_first() {
        let name = definition_name(&reference);
        if definitions.contains_key(&name) {
            continue;
        }
        let target = lookup(document, &reference)?;
        collect_references(target, &mut pending);
        definitions.insert(name, convert(target));
    }
    definitions.sort_keys();
    Ok(definitions)
}

fn lookup<'a>(document: &'a Value, reference: &str) -> Result<&'a Value> {
    let pointer = reference
        .strip_prefix('#')
        .ok_or_else(|| Error::new(reference, "only local references (`#/…`) are supported"))?;
    document
        .pointer(pointer)
        .ok_or_else(|| Error::new(reference, "reference target not found"))
}

/// Collects the references that [`convert`] visits; a property or an example named `$ref` is not
/// one.
fn collect_references(schema: &Value, found: &mut BTreeSet<String>) {
    let Some(source) = schema.as_object() else {
        return;
    };
    if let Some(reference) = source.get("$ref").and_then(Value::as_str) {
        found.insert(reference.to_owned());
        return;
    }
    for key in ["items", "not", "additionalProperties"] {
        if let Some(schema) = source.get(key) {
            collect_references(schema, found);
        }
    }
    for key in COMBINATORS {
        for schema in source
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            collect_references(schema, found);
        }
    }
    for schema in source
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::values)
    {
        collect_references(schema, found);
    }
}

fn definition_reference(reference: &str) -> String {
    format!("#/$defs/{}", definition_name(reference))
}

/// Returns the name of a component; other references are spelled out, with unusual bytes as `_XX`.
fn definition_name(reference: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    match reference.strip_prefix(COMPONENTS) {
        Some(name) if name.bytes().all(|byte| plain(byte) || byte == b'_') => name.to_owned(),
        _ => reference
            .bytes()
            .map(|byte| {
                if plain(byte) {
                    char::from(byte).to_string()
                } else {
                    format!("_{byte:02X}")
                }
            })
            .collect(),
    }
}

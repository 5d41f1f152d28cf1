//! Converts schemas of OpenAPI 3.1 to 3.0, where a mechanical equivalent exists.

use serde_json::{Map, Value, json};

use super::{SCHEMA, describe_kind};
use crate::{Error, Result, document::child_path};

/// Keywords of JSON Schema 2020-12 that OpenAPI 3.0 cannot express.
const UNSUPPORTED: [&str; 22] = [
    "$id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$defs",
    "$vocabulary",
    "if",
    "then",
    "else",
    "prefixItems",
    "contains",
    "minContains",
    "maxContains",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
    "additionalItems",
];

/// Keywords that apply to values of one type.
const TYPE_KEYWORDS: [(&[&str], &[&str]); 4] = [
    (
        &["string"],
        &[
            "minLength",
            "maxLength",
            "pattern",
            "contentEncoding",
            "contentMediaType",
        ],
    ),
    (
        &["integer", "number"],
        &[
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        ],
    ),
    (
        &["array"],
        &["items", "minItems", "maxItems", "uniqueItems"],
    ),
    (
        &["object"],
        &[
            "properties",
            "required",
            "additionalProperties",
            "minProperties",
            "maxProperties",
        ],
    ),
];

/// Converts a schema, without the schemas in it.
///
/// # Errors
///
/// Fails with the JSON path of a keyword that OpenAPI 3.0 cannot express.
pub(super) fn convert_schema(location: &str, schema: &Value) -> Result<Map<String, Value>> {
    let mut schema = match schema {
        Value::Bool(true) => Map::new(),
        Value::Bool(false) => Map::from_iter([("not".to_owned(), json!({}))]),
        Value::Object(schema) => schema.clone(),
        other => {
            return Err(Error::new(
                location,
                format!(
                    "expected a map or a boolean, found {}",
                    describe_kind(other)
                ),
            ));
        }
    };
    check_supported(location, schema.keys(), &UNSUPPORTED)?;
    convert_reference(&mut schema);
    convert_content(location, &mut schema)?;
    if let Some(value) = schema.remove("const") {
        if value.is_null() {
            schema.insert("nullable".to_owned(), json!(true));
        }
        schema.insert("enum".to_owned(), json!([value]));
    }
    convert_type(location, &mut schema)?;
    remove_null_branches(&mut schema);
    convert_bound(&mut schema, "minimum", "exclusiveMinimum", f64::gt);
    convert_bound(&mut schema, "maximum", "exclusiveMaximum", f64::lt);
    Ok(schema)
}

/// Checks that none of the keys is unsupported.
pub(super) fn check_supported<'a>(
    location: &str,
    mut keys: impl Iterator<Item = &'a String>,
    unsupported: &[&str],
) -> Result<()> {
    match keys.find(|key| unsupported.contains(&key.as_str())) {
        Some(key) => Err(Error::new(
            child_path(location, key),
            format!("`{key}` of OpenAPI 3.1 has no equivalent in OpenAPI 3.0"),
        )),
        None => Ok(()),
    }
}

/// Moves a `$ref` into `allOf` if other facts are beside it, which OpenAPI 3.0 ignores.
fn convert_reference(schema: &mut Map<String, Value>) {
    let is_fact = |key: &String| {
        SCHEMA
            .iter()
            .any(|(known, _)| *known != "$ref" && known == key)
    };
    if !schema.contains_key("$ref") || !schema.keys().any(is_fact) {
        return;
    }
    if let Some(reference) = schema.remove("$ref") {
        let branches = schema.entry("allOf").or_insert_with(|| json!([]));
        if let Value::Array(branches) = branches {
            branches.insert(0, json!({"$ref": reference}));
        }
    }
}

/// Converts encoded strings to the formats `byte` (Base64) and `binary`.
fn convert_content(location: &str, schema: &mut Map<String, Value>) -> Result<()> {
    let encoding = schema.remove("contentEncoding");
    let media_type = schema.remove("contentMediaType");
    let format = match (&encoding, &media_type) {
        (None, None) => return Ok(()),
        (None, Some(_)) => "binary",
        (Some(encoding), _) if encoding == "base64" => "byte",
        (Some(encoding), _) => {
            return Err(Error::new(
                child_path(location, "contentEncoding"),
                format!("{encoding} of OpenAPI 3.1 has no equivalent in OpenAPI 3.0"),
            ));
        }
    };
    schema.entry("format").or_insert_with(|| json!(format));
    Ok(())
}

/// Converts a list of types: `null` becomes `nullable`, several other types become `anyOf`.
fn convert_type(location: &str, schema: &mut Map<String, Value>) -> Result<()> {
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.clone(),
        Some(Value::String(only)) if only == "null" => vec![json!("null")],
        _ => return Ok(()),
    };
    schema.remove("type");
    let (nulls, mut types): (Vec<_>, Vec<_>) = types.into_iter().partition(|name| name == "null");
    if !nulls.is_empty() {
        schema.insert("nullable".to_owned(), json!(true));
    }
    // Every integer is a number.
    if types.iter().any(|name| name == "number") {
        types.retain(|name| name != "integer");
    }
    types.dedup();
    match types.as_slice() {
        [] if !nulls.is_empty() => {
            schema.insert("enum".to_owned(), json!([null]));
        }
        [] => {}
        [only] => {
            schema.insert("type".to_owned(), only.clone());
        }
        _ if schema.contains_key("anyOf") => {
            return Err(Error::new(
                child_path(location, "type"),
                "several types beside `anyOf` have no equivalent in OpenAPI 3.0",
            ));
        }
        _ => {
            let branches = types.iter().map(|name| type_branch(schema, name)).collect();
            for (_, keywords) in TYPE_KEYWORDS {
                schema.retain(|key, _| !keywords.contains(&key.as_str()));
            }
            schema.insert("anyOf".to_owned(), Value::Array(branches));
        }
    }
    Ok(())
}

/// Returns the schema of one of several types, with the keywords that apply to it.
fn type_branch(schema: &Map<String, Value>, name: &Value) -> Value {
    let mut branch = json!({"type": name});
    let keywords = TYPE_KEYWORDS
        .iter()
        .find(|(names, _)| names.iter().any(|known| name == known));
    for keyword in keywords.into_iter().flat_map(|(_, keywords)| *keywords) {
        if let Some(value) = schema.get(*keyword) {
            branch[*keyword] = value.clone();
        }
    }
    branch
}

/// Replaces the branch `{type: null}` of a union with `nullable`.
fn remove_null_branches(schema: &mut Map<String, Value>) {
    for keyword in ["oneOf", "anyOf"] {
        let Some(Value::Array(branches)) = schema.get_mut(keyword) else {
            continue;
        };
        let is_null =
            |branch: &Value| branch["type"] == "null" || branch["type"] == json!(["null"]);
        let count = branches.len();
        if branches.iter().all(is_null) {
            continue;
        }
        branches.retain(|branch| !is_null(branch));
        if branches.len() < count {
            schema.insert("nullable".to_owned(), json!(true));
        }
    }
}

/// Converts a numeric `exclusiveMinimum`, which is a boolean beside `minimum` in OpenAPI 3.0.
fn convert_bound(
    schema: &mut Map<String, Value>,
    bound: &str,
    exclusive: &str,
    is_stricter: fn(&f64, &f64) -> bool,
) {
    let Some(limit) = schema
        .get(exclusive)
        .filter(|limit| limit.is_number())
        .cloned()
    else {
        return;
    };
    let inclusive = schema.get(bound).and_then(Value::as_f64);
    let is_weaker = inclusive
        .zip(limit.as_f64())
        .is_some_and(|(inclusive, limit)| is_stricter(&inclusive, &limit));
    if is_weaker {
        schema.remove(exclusive);
    } else {
        schema.insert(bound.to_owned(), limit);
        schema.insert(exclusive.to_owned(), json!(true));
    }
}

//! An OpenAPI document as JSON: parsing, traversal and references.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::{Error, Result};

/// The methods of a path item, in canonical order.
pub const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The number of references that are followed before a chain counts as a cycle.
const MAX_REFERENCE_HOPS: usize = 64;

/// The number of levels of maps and lists in a document. The parsers have the same limit; the stages
/// that recurse over a document rely on it.
pub const MAX_DEPTH: usize = 128;

/// Returns whether a value has more than `limit` levels of maps and lists.
pub fn is_deeper_than(value: &Value, limit: usize) -> bool {
    let below = |value| match limit.checked_sub(1) {
        Some(limit) => is_deeper_than(value, limit),
        None => true,
    };
    match value {
        Value::Object(fields) => limit == 0 || fields.values().any(below),
        Value::Array(items) => limit == 0 || items.iter().any(below),
        _ => false,
    }
}

/// Parses YAML (or JSON) into a JSON value.
///
/// Keys such as `200` become strings, merge keys (`<<`) are resolved, and a duplicate key is an
/// error, because one of the two values would be lost. `name` is the file name in errors, which
/// include line and column.
pub fn parse(name: &str, text: &str) -> Result<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // JSON has escapes that YAML lacks (surrogate pairs), so it gets its own parser. Text that is
    // not valid JSON may still be a YAML map in braces.
    let parsed = text
        .trim_start()
        .starts_with('{')
        .then(|| serde_json::from_str::<StrictValue>(text).ok())
        .flatten();
    let mut value = match parsed {
        Some(StrictValue(value)) => value,
        None => serde_norway::from_str(text)
            .map(|StrictValue(value)| value)
            .map_err(|error| with_position(name, &error))?,
    };
    if value.get("openapi").is_some() && value["info"]["version"].is_number() {
        restore_version(text, &mut value);
    }
    Ok(value)
}

/// Replaces a numeric `info.version` with its text: `1.10` is not the version `1.1`.
fn restore_version(text: &str, document: &mut Value) {
    #[derive(serde::Deserialize)]
    struct Head {
        info: Info,
    }
    #[derive(serde::Deserialize)]
    struct Info {
        version: String,
    }
    if let Ok(head) = serde_norway::from_str::<Head>(text) {
        document["info"]["version"] = Value::String(head.info.version);
    }
}

/// Moves line and column from the end of the message to the location, where editors find them.
fn with_position(name: &str, error: &serde_norway::Error) -> Error {
    let message = error.to_string();
    match error.location() {
        Some(at) => {
            let position = format!(" at line {} column {}", at.line(), at.column());
            Error::new(
                format!("{name}:{}:{}", at.line(), at.column()),
                message.replacen(&position, "", 1),
            )
        }
        None => Error::new(name, message),
    }
}

/// A JSON value, parsed without losing duplicate keys.
struct StrictValue(Value);

impl<'de> Deserialize<'de> for StrictValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer
            .deserialize_any(StrictValueVisitor)
            .map(StrictValue)
    }
}

struct StrictValueVisitor;

impl<'de> Visitor<'de> for StrictValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map, a list, a string, a number, a boolean or null")
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    /// Converts an integer beyond 64 bits, which JSON parsers read as a float as well.
    fn visit_i128<E: serde::de::Error>(self, value: i128) -> std::result::Result<Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> std::result::Result<Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("expected a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(StrictValue(value)) = seq.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("duplicate key `{key}`")));
            }
            let StrictValue(value) = access.next_value()?;
            map.insert(key, value);
        }
        resolve_merge_key(map)
            .map(Value::Object)
            .map_err(A::Error::custom)
    }
}

/// Resolves a merge key: the maps under `<<` supply the keys that `map` does not have.
fn resolve_merge_key(
    mut map: Map<String, Value>,
) -> std::result::Result<Map<String, Value>, &'static str> {
    let bases = match map.shift_remove("<<") {
        None => return Ok(map),
        Some(Value::Array(bases)) => bases,
        Some(base) => vec![base],
    };
    for base in bases {
        let Value::Object(base) = base else {
            return Err("expected a map or a list of maps for the merge key `<<`");
        };
        for (key, value) in base {
            map.entry(key).or_insert(value);
        }
    }
    Ok(map)
}

/// Returns every operation of a document: path, method (lower case), operation object.
pub fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| {
                item.get(method)
                    .map(|operation| (path.as_str(), *method, operation))
            })
        })
}

/// Escapes a key (`~` and `/`) for use in a JSON pointer.
pub fn pointer_segment(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Returns the JSON path of `key` in the map at `location` (`$.paths` + `/users` →
/// `$.paths['/users']`).
pub fn child_path(location: &str, key: &str) -> String {
    let mut chars = key.chars();
    let is_plain = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain {
        format!("{location}.{key}")
    } else {
        format!(
            "{location}['{}']",
            key.replace('\\', "\\\\").replace('\'', "\\'")
        )
    }
}

/// Follows a chain of local `$ref`s (`#/…`) in `document`; other values are returned unchanged.
pub fn resolve<'a>(document: &'a Value, value: &'a Value) -> Result<&'a Value> {
    let mut current = value;
    for _ in 0..MAX_REFERENCE_HOPS {
        let Some(reference) = current.get("$ref").and_then(Value::as_str) else {
            return Ok(current);
        };
        current = lookup(document, reference)?;
    }
    Err(Error::new(value["$ref"].to_string(), "reference cycle"))
}

/// Returns the target of a reference (`#/components/schemas/User`), which may be a reference
/// itself.
pub fn lookup<'a>(document: &'a Value, reference: &str) -> Result<&'a Value> {
    let fragment = reference
        .strip_prefix('#')
        .ok_or_else(|| Error::new(reference, "only local references (`#/…`) are supported"))?;
    document
        .pointer(&percent_decode(fragment))
        .ok_or_else(|| Error::new(reference, "reference target not found"))
}

/// Decodes the percent-encoding of a URL fragment (`%7Bid%7D` → `{id}`).
///
/// Bytes that are not encoded are kept, so a pointer that was never encoded also works.
fn percent_decode(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let encoded = (first == b'%').then(|| tail.get(..2)).flatten();
        let decoded = encoded
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| fragment.to_owned())
}

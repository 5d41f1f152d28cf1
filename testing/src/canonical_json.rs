//! Comparison of JSON up to the normalisations that decoding and encoding may apply.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Number, Value};

/// Whether a value may be encoded in the normal form of its type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Conversions {
    /// `1` → `true`, `"12"` → `12`, `"ws-admin"` → `"admin"`, a secret → `"[redacted]"`.
    Allowed,
    /// The value must already be in its normal form.
    Refused,
}

/// Returns the path and values of the first difference between `sent` and `encoded`, or `None` if
/// they are equal up to the normalisations.
///
/// As the value of a field, `null`, an empty list and an empty object are equal to an absent field.
/// Numbers are compared by value and timestamps by instant.
pub fn difference(sent: &Value, encoded: &Value, conversions: Conversions) -> Option<String> {
    match (sent, encoded) {
        (Value::Object(sent), Value::Object(encoded)) => fields(sent, encoded, conversions),
        (Value::Array(sent), Value::Array(encoded)) if sent.len() == encoded.len() => sent
            .iter()
            .zip(encoded)
            .enumerate()
            .find_map(|(index, (sent, encoded))| {
                difference(sent, encoded, conversions).map(|problem| format!("[{index}]{problem}"))
            }),
        _ if is_equal(sent, encoded) => None,
        _ if conversions == Conversions::Allowed && is_converted(sent, encoded) => None,
        _ => Some(format!(": {sent} became {encoded}")),
    }
}

fn fields(
    sent: &Map<String, Value>,
    encoded: &Map<String, Value>,
    conversions: Conversions,
) -> Option<String> {
    let added = encoded.keys().filter(|name| !sent.contains_key(*name));
    sent.keys().chain(added).find_map(|name| {
        let value = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or_default();
        let (sent, encoded) = (value(sent), value(encoded));
        if is_blank(&sent) && is_blank(&encoded) {
            return None;
        }
        difference(&sent, &encoded, conversions).map(|problem| format!(".{name}{problem}"))
    })
}

/// Whether a value cannot be distinguished from an absent field. This includes objects that contain
/// only such values.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_blank),
        _ => false,
    }
}

fn is_equal(sent: &Value, encoded: &Value) -> bool {
    match (sent, encoded) {
        (Value::Number(sent), Value::Number(encoded)) => is_equal_number(sent, encoded),
        (Value::String(sent), Value::String(encoded)) => {
            sent == encoded || instant(sent).is_some_and(|time| Some(time) == instant(encoded))
        }
        _ => sent == encoded,
    }
}

fn is_converted(sent: &Value, encoded: &Value) -> bool {
    match (sent, encoded) {
        (_, Value::Bool(encoded)) => boolean(sent) == Some(*encoded),
        (Value::String(sent), Value::Number(encoded)) => {
            number(sent).is_some_and(|sent| is_equal_number(&sent, encoded))
        }
        (Value::String(sent), Value::String(encoded)) => {
            encoded == "[redacted]" || sent.strip_prefix("ws-") == Some(encoded)
        }
        (_, Value::String(encoded)) => encoded == "[redacted]",
        _ => false,
    }
}

fn boolean(sent: &Value) -> Option<bool> {
    match sent {
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        Value::String(string) => match string.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn number(string: &str) -> Option<Number> {
    let integer = string.parse::<i64>().ok().map(Number::from);
    integer.or_else(|| Number::from_f64(string.parse().ok()?))
}

/// Compares integers as integers, because not every integer is representable as a float.
fn is_equal_number(one: &Number, other: &Number) -> bool {
    let integer = |number: &Number| {
        let signed = number.as_i64().map(i128::from);
        signed.or_else(|| number.as_u64().map(i128::from))
    };
    match (integer(one), integer(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.as_f64() == other.as_f64(),
        (Some(integer), None) => is_exactly(other, integer),
        (None, Some(integer)) => is_exactly(one, integer),
    }
}

fn is_exactly(float: &Number, integer: i128) -> bool {
    // Up to 2^53 every integer is representable as a float; beyond, a float may equal several.
    integer.abs() <= 1 << 53 && float.as_f64() == Some(integer as f64)
}

fn instant(string: &str) -> Option<DateTime<Utc>> {
    let without_zone = || {
        let string = string.replacen('T', " ", 1);
        NaiveDateTime::parse_from_str(&string, "%Y-%m-%d %H:%M:%S%.f").ok()
    };
    DateTime::parse_from_rfc3339(string)
        .map(Into::into)
        .ok()
        .or_else(|| without_zone().map(|time| time.and_utc()))
}

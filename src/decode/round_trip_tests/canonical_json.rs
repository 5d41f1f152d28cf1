//! The normalisations that decoding and encoding may do, and no others.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Number, Value};

/// Whether a value may come back in the normal form of its type.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each test file uses one of them")]
pub enum Conversions {
    /// `1` → `true`, `"12"` → `12`, a secret → `"[redacted]"`.
    Allowed,
    /// The value is in its normal form already.
    Refused,
}

/// Where `encoded` is not what was `sent`, up to the normalisations; `None` where it is.
///
/// `null`, absent, the empty list and the empty object are the same as a member; numbers are
/// compared by value and timestamps by instant.
pub fn difference(sent: &Value, encoded: &Value, conversions: Conversions) -> Option<String> {
    match (sent, encoded) {
        (Value::Object(sent), Value::Object(encoded)) => members(sent, encoded, conversions),
        (Value::Array(sent), Value::Array(encoded)) if sent.len() == encoded.len() => sent
            .iter()
            .zip(encoded)
            .enumerate()
            .find_map(|(index, (sent, encoded))| {
                difference(sent, encoded, conversions).map(|problem| format!("[{index}]{problem}"))
            }),
        _ if same(sent, encoded) => None,
        _ if conversions == Conversions::Allowed && converted(sent, encoded) => None,
        _ => Some(format!(": {sent} became {encoded}")),
    }
}

fn members(
    sent: &Map<String, Value>,
    encoded: &Map<String, Value>,
    conversions: Conversions,
) -> Option<String> {
    let missing = encoded.keys().filter(|name| !sent.contains_key(*name));
    sent.keys().chain(missing).find_map(|name| {
        let of = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or_default();
        let (sent, encoded) = (of(sent), of(encoded));
        if is_blank(&sent) && is_blank(&encoded) {
            return None;
        }
        difference(&sent, &encoded, conversions).map(|problem| format!(".{name}{problem}"))
    })
}

/// What a type cannot tell from a member that is not there; an object of nothing else is one too.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_blank),
        _ => false,
    }
}

fn same(sent: &Value, encoded: &Value) -> bool {
    match (sent, encoded) {
        (Value::Number(sent), Value::Number(encoded)) => same_number(sent, encoded),
        (Value::String(sent), Value::String(encoded)) => {
            sent == encoded || instant(sent).is_some_and(|time| Some(time) == instant(encoded))
        }
        _ => sent == encoded,
    }
}

fn converted(sent: &Value, encoded: &Value) -> bool {
    match (sent, encoded) {
        (_, Value::Bool(encoded)) => boolean(sent) == Some(*encoded),
        (Value::String(sent), Value::Number(encoded)) => {
            number(sent).is_some_and(|sent| same_number(&sent, encoded))
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
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn number(text: &str) -> Option<Number> {
    let integer = text.parse::<i64>().ok().map(Number::from);
    integer.or_else(|| Number::from_f64(text.parse().ok()?))
}

/// Integers are compared as such: not every one of them is a float.
fn same_number(one: &Number, other: &Number) -> bool {
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
    // Up to 2^53 every integer is a float; beyond, a float may stand for several.
    integer.abs() <= 1 << 53 && float.as_f64() == Some(integer as f64)
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let older = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok();
    DateTime::parse_from_rfc3339(text)
        .map(Into::into)
        .ok()
        .or_else(|| older().map(|time| time.and_utc()))
}

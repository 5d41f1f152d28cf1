//! Lenient decoding: what the service sends for a boolean, a number, a list.
//!
//! Booleans were recorded as `0`, `1`, `"true"`, `"false"` and `null`; integers as `10.0`; numbers as
//! text; lists and maps as `null`. A value that fits none of these is an error that says what it was.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// A boolean that may be missing; `""` and `null` are missing.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    optional(deserializer, boolean_of, "a boolean")
}

/// A boolean that is always there.
#[allow(dead_code, reason = "not every set of features has one")]
pub(crate) fn boolean_always<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    always(boolean(deserializer)?, "a boolean")
}

/// An integer that may be missing.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    optional(deserializer, integer_of, "an integer")
}

/// An integer that is always there.
#[allow(dead_code, reason = "not every set of features has one")]
pub(crate) fn integer_always<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    always(integer(deserializer)?, "an integer")
}

/// A number that may be missing.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    optional(deserializer, number_of, "a number")
}

/// A number that is always there.
#[allow(dead_code, reason = "not every set of features has one")]
pub(crate) fn number_always<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    always(number(deserializer)?, "a number")
}

/// A list or a map; `null` is an empty one.
pub(crate) fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

fn optional<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: fn(&Value) -> Option<T>,
    expected: &str,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if value.is_null() || value == "" {
        return Ok(None);
    }
    match read(&value) {
        Some(found) => Ok(Some(found)),
        None => Err(D::Error::custom(format_args!(
            "expected {expected}, found {}",
            kind(&value)
        ))),
    }
}

fn always<T, E: serde::de::Error>(value: Option<T>, expected: &str) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format_args!("expected {expected}, found null")))
}

fn boolean_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => match number.as_f64()? {
            0.0 => Some(false),
            1.0 => Some(true),
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

fn integer_of(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.parse().ok().or_else(|| whole(text.parse().ok()?)),
        _ => None,
    }
}

/// A float without a fraction, in the range in which floats are exact.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation, reason = "whole and in range")]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The kind of a value; never the value itself, which may be anything.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn booleans_come_in_many_forms() {
        for (value, expected) in [
            (json!(0), Some(false)),
            (json!(1), Some(true)),
            (json!("true"), Some(true)),
            (json!("false"), Some(false)),
            (json!(""), None),
            (json!(null), None),
            (json!(true), Some(true)),
        ] {
            assert_eq!(boolean(value.clone()).unwrap(), expected, "{value}");
        }
        assert!(boolean(json!(2)).is_err());
        assert!(boolean_always(json!(null)).is_err());
    }

    #[test]
    fn numbers_come_as_floats_and_text() {
        assert_eq!(integer(json!(10.0)).unwrap(), Some(10));
        assert_eq!(integer(json!("12")).unwrap(), Some(12));
        assert_eq!(number(json!("1.5")).unwrap(), Some(1.5));
        assert!(integer(json!(1.5)).is_err());
        assert!(integer_always(json!(null)).is_err());
    }

    #[test]
    fn null_is_an_empty_list() {
        assert_eq!(
            or_empty::<_, Vec<i64>>(json!(null)).unwrap(),
            Vec::<i64>::new()
        );
    }
}

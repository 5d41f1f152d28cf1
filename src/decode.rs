//! Lenient decoding, shared by all responses.
//!
//! The service was observed to send `null` for anything that is not set; `0`, `1`, `"true"` and
//! `""` for booleans; `10.0` for integers; numbers as strings; and fields that are not part of the
//! schema. A value is therefore decoded as its type where possible. A value of another type leaves
//! its field empty and is stored unchanged in `extra`, next to the unknown fields. A list or a map
//! contains the items that match its type; the mismatched items are stored in `extra`, by index or
//! key, and so are items that cannot be decoded because a required field is missing (`odd_items`).
//! Decoding fails only if a required field outside an item is missing or mismatched. Every valid
//! JSON document is accepted, even if `serde_json` rejects it ([`crate::json`]). Nothing is lost: encoding
//! returns what was decoded, apart from the normal form of booleans, numbers and timestamps, and
//! with `null` and empty lists and maps treated as absent.
//!
//! The implementations are written out rather than derived because serde's `flatten` buffers every
//! object twice.
//!
//! Decoding code is generic over the deserializer and is instantiated only for the types that a
//! program decodes. Futures and streams in this crate therefore yield raw bodies, which the calling
//! generic function decodes: a future of the response type would compile the decoding of every
//! operation into the crate and enlarge its rlib, whether it is used or not.

mod error_path;
mod list;
mod map;
mod object;
mod odd_items;
mod raw;
pub(crate) mod request;
#[cfg(test)]
pub(crate) mod round_trip_tests;
mod scalar;
mod union;

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{JsonObject, error::DecodeError, json};

pub use list::List;
pub use map::Map;
pub(crate) use object::{
    FieldReader, FieldWriter, Object, decode_fields, decode_object, deserialize, field_value,
    present, required, response_object, retain_field,
};
pub(crate) use odd_items::retaining_odd_items;
pub(crate) use raw::{debug_without_values, decode_raw, raw, raw_json, response_raw_json};
pub(crate) use request::request_object;
pub(crate) use scalar::{Scalar, decode_scalar, response_scalar};
pub(crate) use union::{
    Union, decode_as_union, decode_union, decode_variant, response_tagged_union, response_union,
    retain_variant,
};

/// The result of decoding a JSON value as `T`.
#[derive(Debug)]
pub enum Decoded<T> {
    /// The value matches the type.
    Complete(T),
    /// A list or a map, and its mismatched items by index or key. Boxed to keep the enum small.
    Partial(Box<(T, serde_json::Map<String, Value>)>),
    /// `null`.
    Null,
    /// A value of another type.
    Mismatch(Value),
}

impl<T> Decoded<T> {
    /// Applies a function to the decoded value.
    pub(crate) fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Decoded<U> {
        match self {
            Self::Complete(value) => Decoded::Complete(wrap(value)),
            Self::Partial(partial) => Decoded::Partial(Box::new((wrap(partial.0), partial.1))),
            Self::Null => Decoded::Null,
            Self::Mismatch(other) => Decoded::Mismatch(other),
        }
    }
}

/// A type that occurs in responses.
pub trait LenientDecode: Sized {
    /// Decodes a value. Fails if the JSON is malformed, or a required field is missing or
    /// mismatched.
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error>;

    /// Names the JSON type of this type, for error messages.
    fn expected() -> &'static str {
        "an object"
    }

    /// Returns the value to store in `extra` for a value that is not of this type.
    fn retain_mismatch(other: Value) -> Value {
        other
    }

    /// Returns the value that `null` represents as an item of a list, if it is a valid item.
    fn from_null() -> Option<Self> {
        None
    }

    /// Returns the empty value if it is represented by another type: an empty list for a map, or
    /// vice versa.
    fn from_empty(_: &Value) -> Option<Self> {
        None
    }

    /// Whether the value is omitted when it is encoded.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Decodes a complete body. The error contains the JSON path.
///
/// A body that cannot be decoded is normalised and decoded a second time, retaining odd items.
/// UTF-8 is validated once for the whole body instead of per string.
pub(crate) fn from_slice<T: LenientDecode>(body: &[u8]) -> Result<T, DecodeError> {
    let body = json::without_byte_order_mark(body);
    let text = str::from_utf8(body).map_err(|_| error_path::invalid_utf8(body))?;
    let error = match json::has_long_integer(text) {
        true => None,
        false => match from_json(text) {
            Ok(value) => return Ok(value),
            Err(error) => Some(error),
        },
    };
    let Some(normalised) = json::normalise(text) else {
        let decoded = error.map_or_else(|| from_json(text), Err);
        return decoded.map_err(|error| error_path::with_path(text, error));
    };
    retaining_odd_items(|| from_json(&normalised)).map_err(|error| {
        let error = error_path::with_path(&normalised, error);
        match normalised {
            Cow::Borrowed(_) => error,
            Cow::Owned(_) => error.without_position(),
        }
    })
}

fn from_json<T: LenientDecode>(json: &str) -> Result<T, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(json);
    let mut decoded = T::decode(&mut json);
    // Trailing data is reported only if the value itself is valid.
    if let Err(error) = json.end()
        && decoded.is_ok()
    {
        decoded = Err(error);
    }
    match decoded {
        // Handled separately because every further step would copy the value.
        Ok(Decoded::Complete(value)) => Ok(value),
        decoded => decoded.and_then(require_complete),
    }
}

/// Returns the complete value. Partial, null and mismatched values are errors.
pub(crate) fn require_complete<T: LenientDecode, E: serde::de::Error>(
    decoded: Decoded<T>,
) -> Result<T, E> {
    match decoded {
        Decoded::Complete(value) => Ok(value),
        Decoded::Partial(..) => Err(E::custom("found an item of another type")),
        Decoded::Null => Err(E::custom(format_args!(
            "expected {}, found null",
            T::expected()
        ))),
        Decoded::Mismatch(value) => T::from_empty(&value).ok_or_else(|| {
            let (expected, found) = (T::expected(), json_type(&value));
            E::custom(format_args!("expected {expected}, found {found}"))
        }),
    }
}

/// Returns an item of a list or a map as its type, or its JSON if it does not match.
fn item_or_mismatch<T: LenientDecode + Serialize, E: serde::de::Error>(
    decoded: Decoded<T>,
) -> Result<Result<T, Value>, E> {
    Ok(match decoded {
        Decoded::Complete(value) => Ok(value),
        Decoded::Partial(partial) => {
            let value = serde_json::to_value(partial.0).map_err(E::custom)?;
            Err(merge_mismatched_items(value, &partial.1))
        }
        Decoded::Null => T::from_null().ok_or(Value::Null),
        Decoded::Mismatch(other) => Err(T::retain_mismatch(other)),
    })
}

/// Reinserts the mismatched items of a list or a map; returns any other value unchanged.
fn merge_mismatched_items(
    value: Value,
    mismatched_items: &serde_json::Map<String, Value>,
) -> Value {
    match value {
        Value::Array(items) => list::merge_mismatched_items(items, mismatched_items),
        Value::Object(mut entries) => {
            for (name, mismatch) in mismatched_items {
                entries.entry(name).or_insert_with(|| mismatch.clone());
            }
            entries.into()
        }
        other => other,
    }
}

/// Names the JSON type of a value, for messages that must not contain the value itself.
pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl LenientDecode for Value {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        Ok(match Self::deserialize(deserializer)? {
            Self::Null => Decoded::Null,
            value => Decoded::Complete(value),
        })
    }

    fn expected() -> &'static str {
        "a JSON value"
    }

    fn from_null() -> Option<Self> {
        Some(Self::Null)
    }
}

impl LenientDecode for serde_json::Map<String, Value> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Object(map) => Decoded::Complete(map),
            Value::Null => Decoded::Null,
            other => Decoded::Mismatch(other),
        })
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl LenientDecode for JsonObject {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        serde_json::Map::decode(deserializer).map(|decoded| decoded.map(Into::into))
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: LenientDecode> LenientDecode for Box<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        T::decode(deserializer).map(|decoded| decoded.map(Self::new))
    }

    fn expected() -> &'static str {
        T::expected()
    }

    fn retain_mismatch(other: Value) -> Value {
        T::retain_mismatch(other)
    }
}

/// For items only: a list may contain `null` if its item type is nullable.
impl<T: LenientDecode> LenientDecode for Option<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        T::decode(deserializer).map(|decoded| decoded.map(Some))
    }

    fn expected() -> &'static str {
        T::expected()
    }

    fn retain_mismatch(other: Value) -> Value {
        T::retain_mismatch(other)
    }

    fn from_null() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: LenientDecode + Serialize> LenientDecode for Vec<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        deserializer.deserialize_any(list::ListVisitor::new())
    }

    fn expected() -> &'static str {
        "an array"
    }

    fn retain_mismatch(other: Value) -> Value {
        match other {
            Value::Array(items) => items.into_iter().map(T::retain_mismatch).collect(),
            other => T::retain_mismatch(other),
        }
    }

    fn from_empty(other: &Value) -> Option<Self> {
        let is_empty = other.as_object().is_some_and(serde_json::Map::is_empty);
        is_empty.then(Self::default)
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: LenientDecode + Serialize> LenientDecode for BTreeMap<String, T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        deserializer.deserialize_any(map::MapVisitor::new())
    }

    fn retain_mismatch(other: Value) -> Value {
        match other {
            Value::Object(entries) => entries
                .into_iter()
                .map(|(name, value)| (name, T::retain_mismatch(value)))
                .collect(),
            other => T::retain_mismatch(other),
        }
    }

    fn from_empty(other: &Value) -> Option<Self> {
        let is_empty = other.as_array().is_some_and(Vec::is_empty);
        is_empty.then(Self::default)
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

#[cfg(test)]
mod tests;

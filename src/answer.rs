//! Tolerant decoding, once for every answer.
//!
//! What the service was seen to send: `null` for anything that is not set, `0`, `1`, `"true"` and
//! `""` for booleans, `10.0` for integers, numbers as text, and fields that no document knows. So a
//! member is decoded as its type where it can be; where it cannot, its field is empty and the value
//! is kept, as it came, among the unknown ones (`extra`). Only a field that is always there is
//! missed. Nothing is lost: encoding gives back what was decoded, up to the normal form of booleans,
//! numbers and timestamps, `null` and the empty list or map being the same as absent.
//!
//! This is written out rather than derived because serde's `flatten` buffers every object twice.

#[cfg(test)]
pub(crate) mod every;
mod object;
mod scalar;
mod union;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::Members;

pub(crate) use object::{
    Object, always, answer_object, decode_object, encode_object, keep, key, optional, or_default,
    read, write,
};
pub(crate) use scalar::{Scalar, decode_scalar, scalar_answer};
pub(crate) use union::{Union, answer_tagged, answer_union, decode_union, union_answer, variant};

/// What stood where a value was expected.
#[derive(Debug)]
pub(crate) enum Found<T> {
    /// The value.
    Value(T),
    /// `null`.
    Nothing,
    /// Something else.
    Other(Value),
}

/// A type that answers are made of.
pub(crate) trait Answer: Sized {
    /// Decodes what is there; an error means that the JSON is broken or an object lacks what it always has.
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Found<Self>, D::Error>;

    /// What is kept of a value that is not of this type.
    fn kept(other: Value) -> Value {
        other
    }

    /// Whether an answer is encoded without it, as one that never had it.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Decodes a whole body: the error carries the JSON path.
///
/// Keeping track of the path costs more than everything else, so it is done only for a body that has
/// failed without.
pub(crate) fn from_slice<T: Answer>(
    body: &[u8],
) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
    let mut json = serde_json::Deserializer::from_slice(body);
    if let Ok(value) = T::decode(&mut json).and_then(value_of)
        && json.end().is_ok()
    {
        return Ok(value);
    }
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_slice(body);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let found = T::decode(tracked).and_then(value_of);
    found
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| serde_path_to_error::Error::new(track.path(), error))
}

/// The value itself, for `Deserialize`, where nothing and something else are errors.
pub(crate) fn value_of<T, E: serde::de::Error>(found: Found<T>) -> Result<T, E> {
    match found {
        Found::Value(value) => Ok(value),
        Found::Nothing => Err(E::custom("found null")),
        Found::Other(value) => Err(E::custom(format_args!("found {}", kind(&value)))),
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

impl Answer for Value {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Found<Self>, D::Error> {
        Ok(match Self::deserialize(deserializer)? {
            Self::Null => Found::Nothing,
            value => Found::Value(value),
        })
    }
}

impl Answer for Map<String, Value> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Found<Self>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Object(map) => Found::Value(map),
            Value::Null => Found::Nothing,
            other => Found::Other(other),
        })
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Answer for Members {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Found<Self>, D::Error> {
        Ok(match Map::decode(deserializer)? {
            Found::Value(map) => Found::Value(map.into()),
            Found::Nothing => Found::Nothing,
            Found::Other(other) => Found::Other(other),
        })
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Answer> Answer for Box<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Found<Self>, D::Error> {
        Ok(match T::decode(deserializer)? {
            Found::Value(value) => Found::Value(Self::new(value)),
            Found::Nothing => Found::Nothing,
            Found::Other(other) => Found::Other(other),
        })
    }
}

/// Only as an item: a list may hold `null` where its type says so.
impl<T: Answer> Answer for Option<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Found<Self>, D::Error> {
        Ok(match T::decode(deserializer)? {
            Found::Value(value) => Found::Value(Some(value)),
            Found::Nothing => Found::Value(None),
            Found::Other(other) => Found::Other(other),
        })
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Answer + Serialize> Answer for Vec<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Found<Self>, D::Error> {
        deserializer.deserialize_any(object::List::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Answer + Serialize> Answer for BTreeMap<String, T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Found<Self>, D::Error> {
        deserializer.deserialize_any(object::Entries::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{answer_object, from_slice};
    use crate::{Members, Secret};

    #[derive(Debug)]
    struct Thing {
        id: String,
        size: Option<i64>,
        key: Option<Secret>,
        extra: Members,
    }

    answer_object! { Thing { id "id" always, size "size" optional, key "key" optional, } }

    fn thing(body: &str) -> Thing {
        from_slice(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_field_that_is_set_takes_the_place_of_what_it_could_not_hold() {
        let mut thing = thing(r#"{"id": "one", "size": "large"}"#);
        assert_eq!((thing.size, &thing.extra["size"]), (None, &"large".into()));
        thing.size = Some(5);
        assert_eq!(
            serde_json::to_string(&thing).unwrap(),
            r#"{"id":"one","size":5}"#
        );
    }

    #[test]
    fn what_stands_in_the_place_of_a_secret_does_not_show() {
        let thing = thing(r#"{"id": "one", "key": {"value": "canary"}}"#);
        assert!(thing.key.is_none());
        assert!(!serde_json::to_string(&thing).unwrap().contains("canary"));
    }

    #[test]
    fn an_error_names_the_path_and_no_value() {
        let error = from_slice::<Vec<Thing>>(br#"[{"id": "one"}, {"id": 7}]"#).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("[1]: `id` is a number"), "{text}");
        let error = from_slice::<Thing>(b"{} {}").unwrap_err().to_string();
        assert!(error.contains("missing field `id`"), "{error}");
    }
}

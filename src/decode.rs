//! Lenient decoding, shared by all responses.
//!
//! The service was observed to send `null` for anything that is not set; `0`, `1`, `"true"` and
//! `""` for booleans; `10.0` for integers; numbers as strings; and fields that are not part of the
//! schema. A value is therefore decoded as its type where possible. A value of another type leaves
//! its field empty and is stored unchanged in `extra`, next to the unknown fields. A list or a map
//! contains the items that match its type; the mismatched items are stored in `extra`, by index or
//! key. Decoding fails only if a required field is missing or mismatched. Nothing is lost: encoding
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
mod raw;
#[cfg(test)]
pub(crate) mod round_trip_tests;
mod scalar;
mod union;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{JsonObject, error::DecodeError};

pub use list::List;
pub(crate) use object::{
    Object, decode_object, encode_object, keep_unknown_field, next_key, optional, or_default,
    read_field, required, response_object, write_field,
};
pub(crate) use raw::{debug_without_values, decode_raw, raw, raw_json, response_raw_json};
pub(crate) use scalar::{Scalar, decode_scalar, response_scalar};
pub(crate) use union::{
    Union, decode_as_union, decode_union, decode_variant, response_tagged_union, response_union,
};

/// The result of decoding a JSON value as `T`.
#[derive(Debug)]
pub enum Decoded<T> {
    /// The value matches the type.
    Complete(T),
    /// A list or a map, and its mismatched items by index or key. Boxed to keep the enum small.
    Partial(Box<(T, Map<String, Value>)>),
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
/// UTF-8 is validated once for the whole body instead of per string.
pub(crate) fn from_slice<T: LenientDecode>(body: &[u8]) -> Result<T, DecodeError> {
    let text = str::from_utf8(body).map_err(|_| error_path::invalid_utf8(body))?;
    let mut json = serde_json::Deserializer::from_str(text);
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
        decoded => decoded
            .and_then(require_complete)
            .map_err(|error| error_path::with_path(text, error)),
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
fn merge_mismatched_items(value: Value, mismatched_items: &Map<String, Value>) -> Value {
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
fn json_type(value: &Value) -> &'static str {
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

impl LenientDecode for Map<String, Value> {
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
        Map::decode(deserializer).map(|decoded| decoded.map(Into::into))
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
        T::retain_mismatch(other)
    }

    fn from_empty(other: &Value) -> Option<Self> {
        let is_empty = other.as_object().is_some_and(Map::is_empty);
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
        T::retain_mismatch(other)
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
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::{List, from_slice, response_object};
    use crate::{JsonObject, Secret};

    #[derive(Debug)]
    struct Thing {
        id: String,
        size: Option<i64>,
        key: Option<Secret>,
        extra: JsonObject,
    }

    response_object! { Thing { id "id" required, size "size" optional, key "key" optional, } }

    #[derive(Debug)]
    struct Things {
        data: Vec<Thing>,
        sizes: BTreeMap<String, i64>,
        keys: Vec<Secret>,
        any: Vec<Value>,
        extra: JsonObject,
    }

    response_object! {
        Things {
            data "data" or_default, sizes "sizes" or_default, keys "keys" or_default, any "any" or_default,
        }
    }

    fn things(body: &Value) -> Things {
        let things: Things = from_slice(body.to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&things).unwrap(), *body);
        things
    }

    fn thing(body: &str) -> Thing {
        from_slice(body.as_bytes()).unwrap()
    }

    #[test]
    fn setting_a_field_replaces_its_mismatched_value() {
        let mut thing = thing(r#"{"id": "one", "size": "large"}"#);
        assert_eq!((thing.size, &thing.extra["size"]), (None, &"large".into()));
        thing.size = Some(5);
        assert_eq!(
            serde_json::to_string(&thing).unwrap(),
            r#"{"id":"one","size":5}"#
        );
    }

    #[test]
    fn a_list_stores_mismatched_items_by_index() {
        let mut things = things(&json!({"data": [null, {"id": "one"}, 7, {"id": "two"}, []]}));
        let ids: Vec<_> = things.data.iter().map(|thing| thing.id.as_str()).collect();
        assert_eq!(ids, ["one", "two"]);
        assert_eq!(things.extra["data"], json!({"0": null, "2": 7, "4": []}));
        things.data.truncate(1);
        assert_eq!(
            serde_json::to_value(&things).unwrap(),
            json!({"data": [null, {"id": "one"}, 7, []]})
        );
    }

    #[test]
    fn a_list_without_matching_items_is_stored_unchanged() {
        let things = things(&json!({"data": [null, 7]}));
        assert!(things.data.is_empty());
        assert_eq!(things.extra["data"], json!([null, 7]));
    }

    #[test]
    fn more_than_ten_mismatched_items_keep_their_order() {
        let mut items: Vec<_> = (0..24).map(|number| json!(number)).collect();
        items.insert(3, json!({"id": "one"}));
        assert_eq!(things(&json!({"data": items})).data.len(), 1);
    }

    #[test]
    fn an_object_in_place_of_a_list_is_not_read_as_mismatched_items() {
        let mut things = things(&json!({"data": {"a": 1}}));
        things.data = vec![thing(r#"{"id": "one"}"#)];
        assert_eq!(
            serde_json::to_value(&things).unwrap(),
            json!({"data": [{"id": "one"}]})
        );
    }

    #[test]
    fn an_item_without_a_required_field_is_an_error() {
        let error = from_slice::<Things>(br#"{"data": [null, {"size": 1}]}"#).unwrap_err();
        assert!(error.to_string().starts_with("data[1]"), "{error}");
    }

    #[test]
    fn a_map_stores_mismatched_items_by_key() {
        let mut things = things(&json!({"sizes": {"a": 1, "b": "large", "c": 3}}));
        assert_eq!(things.sizes.len(), 2);
        assert_eq!(things.extra["sizes"], json!({"b": "large"}));
        things.sizes.insert("b".to_owned(), 2);
        assert_eq!(
            serde_json::to_value(&things).unwrap(),
            json!({"sizes": {"a": 1, "b": 2, "c": 3}})
        );
    }

    #[test]
    fn the_last_value_of_a_repeated_key_wins() {
        let body = br#"{"data": [{"id": "one"}, 7], "data": [{"id": "two"}], "sizes": {"a": "large", "a": 1}}"#;
        let things: Things = from_slice(body).unwrap();
        assert_eq!(things.data[0].id, "two");
        assert_eq!(things.sizes["a"], 1);
        assert!(things.extra.is_empty());
    }

    #[test]
    fn null_is_an_item_of_an_untyped_list() {
        let things = things(&json!({"any": [null, 1]}));
        assert_eq!(things.any, [Value::Null, 1.into()]);
        assert!(things.extra.is_empty());
    }

    #[test]
    fn an_empty_list_is_an_empty_map_and_vice_versa() {
        let body = br#"{"data": {}, "sizes": []}"#;
        let things: Things = from_slice(body).unwrap();
        assert!(things.data.is_empty() && things.sizes.is_empty() && things.extra.is_empty());
        assert!(from_slice::<Vec<Thing>>(b"{}").unwrap().is_empty());
        assert!(from_slice::<List<Thing>>(b"{}").unwrap().is_empty());
        assert!(from_slice::<Vec<Thing>>(b"7").is_err());
    }

    #[test]
    fn a_top_level_list_keeps_its_mismatched_items() {
        for body in ["[]", "[null]", r#"[{"id":"one"},null,{"id":"two"}]"#] {
            let list: List<Thing> = from_slice(body.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&list).unwrap(), body);
        }
    }

    #[test]
    fn a_mismatched_secret_in_a_list_is_redacted() {
        for keys in [
            json!(["canary", ["canary"]]),
            json!("canary"),
            json!([["canary"]]),
        ] {
            let body = json!({"keys": keys}).to_string();
            let things: Things = from_slice(body.as_bytes()).unwrap();
            let encoded = serde_json::to_string(&things).unwrap();
            assert!(!encoded.contains("canary"), "{encoded}");
        }
    }

    #[test]
    fn a_mismatched_secret_is_redacted() {
        let thing = thing(r#"{"id": "one", "key": {"value": "canary"}}"#);
        assert!(thing.key.is_none());
        assert!(!serde_json::to_string(&thing).unwrap().contains("canary"));
    }

    #[test]
    fn an_error_contains_the_path_but_no_value() {
        let error = from_slice::<Vec<Thing>>(br#"[{"id": "one"}, {"id": 7}]"#).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("[1]: expected a string for `id`, found a number"),
            "{message}"
        );
        let error = from_slice::<Thing>(b"{} {}").unwrap_err().to_string();
        assert!(error.contains("missing field `id`"), "{error}");
    }
}

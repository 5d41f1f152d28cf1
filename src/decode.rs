//! Tolerant decoding, once for every answer.
//!
//! What the service was seen to send: `null` for anything that is not set, `0`, `1`, `"true"` and
//! `""` for booleans, `10.0` for integers, numbers as text, and fields that no document knows. So a
//! member is decoded as its type where it can be; where it cannot, its field is empty and the value
//! is kept, as it came, among the unknown ones (`extra`). A list or a map keeps those of its items
//! that fit; the others are kept the same way, by position or name. Only a field that is required there
//! is missed. Nothing is lost: encoding gives back what was decoded, up to the normal form of
//! booleans, numbers and timestamps, `null` and the empty list or map being the same as absent.
//!
//! This is written out rather than derived because serde's `flatten` buffers every object twice.

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
    Object, decode_object, encode_object, keep_unknown, key, optional, or_default, read, required,
    response_object, write,
};
pub(crate) use raw::{debug_kind, raw, raw_json, response_raw_json, view};
pub(crate) use scalar::{Scalar, decode_scalar, response_scalar};
pub(crate) use union::{
    Union, decode_as_union, decode_union, response_tagged_union, response_union, variant,
};

/// What stood where a value was expected.
#[derive(Debug)]
pub enum Decoded<T> {
    /// The value.
    Complete(T),
    /// A list or a map, and those of its items that are of another kind, by position or name; in a
    /// box because everything that is found would be moved along with the room for it.
    Partial(Box<(T, Map<String, Value>)>),
    /// `null`.
    Null,
    /// Something else.
    Mismatch(Value),
}

impl<T> Decoded<T> {
    /// The same in another wrapping.
    pub(crate) fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Decoded<U> {
        match self {
            Self::Complete(value) => Decoded::Complete(wrap(value)),
            Self::Partial(partly) => Decoded::Partial(Box::new((wrap(partly.0), partly.1))),
            Self::Null => Decoded::Null,
            Self::Mismatch(other) => Decoded::Mismatch(other),
        }
    }
}

/// A type that answers are made of.
pub trait LenientDecode: Sized {
    /// Decodes what is there; an error means that the JSON is broken or an object lacks what it required has.
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error>;

    /// What is kept of a value that is not of this type.
    fn retain_mismatch(other: Value) -> Value {
        other
    }

    /// What `null` is as an item of a list, where it is one.
    fn from_null() -> Option<Self> {
        None
    }

    /// The empty value, where something else stands for it: an empty list for a map, and vice versa.
    fn from_empty(_: &Value) -> Option<Self> {
        None
    }

    /// Whether an answer is encoded without it, as one that never had it.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Decodes a whole body: the error carries the JSON path.
///
/// One look at whether all of it is UTF-8 costs less than one at each string.
pub(crate) fn from_slice<T: LenientDecode>(body: &[u8]) -> Result<T, DecodeError> {
    let text = str::from_utf8(body).map_err(|_| error_path::invalid_utf8(body))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let mut found = T::decode(&mut json);
    // What follows the value counts only where the value itself is right.
    if let Err(error) = json.end()
        && found.is_ok()
    {
        found = Err(error);
    }
    match found {
        // By itself, since every step that hands a value on copies it.
        Ok(Decoded::Complete(value)) => Ok(value),
        found => found
            .and_then(value_of)
            .map_err(|error| error_path::with_path(text, error)),
    }
}

/// The value itself, for `Deserialize`, where nothing and something else are errors.
pub(crate) fn value_of<T: LenientDecode, E: serde::de::Error>(found: Decoded<T>) -> Result<T, E> {
    match found {
        Decoded::Complete(value) => Ok(value),
        Decoded::Partial(..) => Err(E::custom("found an item of another kind")),
        Decoded::Null => Err(E::custom("found null")),
        Decoded::Mismatch(value) => {
            T::from_empty(&value).ok_or_else(|| E::custom(format_args!("found {}", kind(&value))))
        }
    }
}

/// An item of a list or a map as its type, or else as the JSON that it is.
fn item<T: LenientDecode + Serialize, E: serde::de::Error>(
    found: Decoded<T>,
) -> Result<Result<T, Value>, E> {
    Ok(match found {
        Decoded::Complete(value) => Ok(value),
        Decoded::Partial(partly) => {
            let value = serde_json::to_value(partly.0).map_err(E::custom)?;
            Err(joined(value, &partly.1))
        }
        Decoded::Null => T::from_null().ok_or(Value::Null),
        Decoded::Mismatch(other) => Err(T::retain_mismatch(other)),
    })
}

/// A list or a map with its mismatched_items, each at its place; anything else as it is.
fn joined(value: Value, mismatched_items: &Map<String, Value>) -> Value {
    match value {
        Value::Array(items) => list::joined(items, mismatched_items),
        Value::Object(mut entries) => {
            for (name, mismatch) in mismatched_items {
                entries.entry(name).or_insert_with(|| mismatch.clone());
            }
            entries.into()
        }
        other => other,
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

impl LenientDecode for Value {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        Ok(match Self::deserialize(deserializer)? {
            Self::Null => Decoded::Null,
            value => Decoded::Complete(value),
        })
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
        Map::decode(deserializer).map(|found| found.map(Into::into))
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: LenientDecode> LenientDecode for Box<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        T::decode(deserializer).map(|found| found.map(Self::new))
    }

    fn retain_mismatch(other: Value) -> Value {
        T::retain_mismatch(other)
    }
}

/// Only as an item: a list may hold `null` where its type says so.
impl<T: LenientDecode> LenientDecode for Option<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        T::decode(deserializer).map(|found| found.map(Some))
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

    fn retain_mismatch(other: Value) -> Value {
        T::retain_mismatch(other)
    }

    fn from_empty(other: &Value) -> Option<Self> {
        let blank = other.as_object().is_some_and(Map::is_empty);
        blank.then(Self::default)
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
        let blank = other.as_array().is_some_and(Vec::is_empty);
        blank.then(Self::default)
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
    fn a_list_keeps_what_fits_and_the_rest_by_position() {
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
    fn a_list_of_which_nothing_fits_is_kept_whole() {
        let things = things(&json!({"data": [null, 7]}));
        assert!(things.data.is_empty());
        assert_eq!(things.extra["data"], json!([null, 7]));
    }

    #[test]
    fn more_than_ten_misfits_keep_their_order() {
        let mut items: Vec<_> = (0..24).map(|number| json!(number)).collect();
        items.insert(3, json!({"id": "one"}));
        assert_eq!(things(&json!({"data": items})).data.len(), 1);
    }

    #[test]
    fn an_object_in_the_place_of_a_list_is_no_list_of_positions() {
        let mut things = things(&json!({"data": {"a": 1}}));
        things.data = vec![thing(r#"{"id": "one"}"#)];
        assert_eq!(
            serde_json::to_value(&things).unwrap(),
            json!({"data": [{"id": "one"}]})
        );
    }

    #[test]
    fn an_item_that_lacks_what_it_always_has_is_an_error() {
        let error = from_slice::<Things>(br#"{"data": [null, {"size": 1}]}"#).unwrap_err();
        assert!(error.to_string().starts_with("data[1]"), "{error}");
    }

    #[test]
    fn a_map_keeps_what_fits_and_the_rest_by_name() {
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
    fn of_a_name_that_stands_twice_the_last_counts() {
        let body = br#"{"data": [{"id": "one"}, 7], "data": [{"id": "two"}], "sizes": {"a": "large", "a": 1}}"#;
        let things: Things = from_slice(body).unwrap();
        assert_eq!(things.data[0].id, "two");
        assert_eq!(things.sizes["a"], 1);
        assert!(things.extra.is_empty());
    }

    #[test]
    fn null_is_an_item_where_anything_is() {
        let things = things(&json!({"any": [null, 1]}));
        assert_eq!(things.any, [Value::Null, 1.into()]);
        assert!(things.extra.is_empty());
    }

    #[test]
    fn an_empty_list_and_an_empty_map_stand_for_each_other() {
        let body = br#"{"data": {}, "sizes": []}"#;
        let things: Things = from_slice(body).unwrap();
        assert!(things.data.is_empty() && things.sizes.is_empty() && things.extra.is_empty());
        assert!(from_slice::<Vec<Thing>>(b"{}").unwrap().is_empty());
        assert!(from_slice::<List<Thing>>(b"{}").unwrap().is_empty());
        assert!(from_slice::<Vec<Thing>>(b"7").is_err());
    }

    #[test]
    fn a_list_without_a_field_keeps_its_misfits_itself() {
        for body in ["[]", "[null]", r#"[{"id":"one"},null,{"id":"two"}]"#] {
            let list: List<Thing> = from_slice(body.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&list).unwrap(), body);
        }
    }

    #[test]
    fn what_stands_in_the_place_of_a_secret_in_a_list_does_not_show() {
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

//! Decoding of request types, for values that are both read and sent.

use serde::de::{Error, MapAccess};
use serde_json::Value;

use super::{Decoded, LenientDecode};
use crate::JsonObject;

/// Reads a field into its slot, or unchanged into `extra` if it does not match its type as a whole.
/// So the encoded value is the JSON that was read, except for fields that are `null`.
pub(crate) fn read_whole_field<'de, A: MapAccess<'de>, T: LenientDecode>(
    map: &mut A,
    name: &str,
    slot: &mut Option<T>,
    extra: &mut JsonObject,
) -> Result<(), A::Error> {
    let value: Value = map.next_value()?;
    *slot = None;
    extra.remove(name);
    match T::decode(&value) {
        Ok(Decoded::Complete(decoded)) => *slot = Some(decoded),
        Ok(Decoded::Null) => {}
        Ok(Decoded::Partial(_) | Decoded::Mismatch(_)) | Err(_) => {
            extra.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// Returns the value of a required field.
pub(crate) fn required<T, E: Error>(value: Option<T>, name: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(name))
}

/// Returns the value of an optional field.
#[allow(
    clippy::unnecessary_wraps,
    reason = "all rules have the same signature"
)]
pub(crate) fn optional<T, E>(value: Option<T>, _: &'static str) -> Result<Option<T>, E> {
    Ok(value)
}

/// Writes the decoding of a request struct with a field `extra`, and its conversions from JSON.
///
/// Each field has its name in JSON and a rule: `required` or `optional`.
macro_rules! request_object {
    ($name:ident { $($field:ident $wire:literal $rule:ident,)* }) => {
        impl $crate::decode::LenientDecode for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::decode::Decoded<Self>, D::Error> {
                $crate::decode::decode_object(deserializer)
            }
        }

        impl $crate::decode::Object for $name {
            fn decode_fields<'de, A: serde::de::MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
                $(let mut $field = None;)*
                let mut extra = $crate::JsonObject::default();
                while let Some(name) = $crate::decode::next_key(&mut map)? {
                    match &*name {
                        $($wire => {
                            $crate::decode::request::read_whole_field(&mut map, &name, &mut $field, &mut extra)?;
                        })*
                        _ => $crate::decode::keep_unknown_field(&mut map, name, &mut extra)?,
                    }
                }
                Ok(Self { $($field: $crate::decode::request::$rule($field, $wire)?,)* extra })
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decode::require_complete($crate::decode::decode_object(deserializer)?)
            }
        }

        /// Fails if the value is not an object or lacks a required field. Fields of another type are in
        /// `extra`.
        impl TryFrom<serde_json::Value> for $name {
            type Error = $crate::Error;

            fn try_from(value: serde_json::Value) -> Result<Self, $crate::Error> {
                $crate::decode::request::from_value(value)
            }
        }

        /// Fails if the object lacks a required field. Fields of another type are in `extra`.
        impl TryFrom<$crate::JsonObject> for $name {
            type Error = $crate::Error;

            fn try_from(object: $crate::JsonObject) -> Result<Self, $crate::Error> {
                $crate::decode::request::from_value(object.into())
            }
        }
    };
}

pub(crate) use request_object;

/// Decodes a JSON value as a request type.
pub(crate) fn from_value<T: LenientDecode>(value: Value) -> Result<T, crate::Error> {
    let decoded = T::decode(&value).and_then(super::require_complete);
    decoded.map_err(|error: serde_json::Error| crate::Error::invalid_request(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Clone, PartialEq, serde::Serialize)]
    struct Node {
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        codes: Option<Vec<i64>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        leaf: Option<Leaf>,
        #[serde(flatten)]
        extra: JsonObject,
    }

    #[derive(Debug, Clone, PartialEq, serde::Serialize)]
    struct Leaf {
        id: String,
        #[serde(flatten)]
        extra: JsonObject,
    }

    request_object! { Node { name "name" optional, codes "codes" optional, leaf "leaf" optional, } }
    request_object! { Leaf { id "id" required, } }

    #[test]
    fn whatever_is_read_is_sent_unchanged() {
        for json in [
            json!({}),
            json!({"name": "a", "codes": [], "leaf": {"id": "b", "new": [1]}, "other": {"c": null}}),
            json!({"name": 1, "codes": [1, "x", {}], "leaf": {"name": "without an id"}}),
            json!({"codes": {"not": "a list"}, "leaf": "text"}),
        ] {
            let node: Node = json.clone().try_into().unwrap();
            assert_eq!(serde_json::to_value(&node).unwrap(), json);
            let again: Node = serde_json::from_str(&json.to_string()).unwrap();
            assert_eq!(again, node);
        }
    }

    #[test]
    fn value_that_is_not_an_object_or_lacks_a_required_field_is_an_error() {
        for (json, expected) in [
            (json!([1]), "expected an object, found an array"),
            (json!(null), "expected an object, found null"),
            (json!({"name": "a"}), "missing field `id`"),
        ] {
            let error = Leaf::try_from(json).unwrap_err();
            assert!(error.is_invalid_request());
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}

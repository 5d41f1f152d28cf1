//! Decoding of request types, for values that are both read and sent.

use serde_json::Value;

use super::LenientDecode;

/// Writes the decoding of a request struct with a field `extra`, and its conversions from JSON.
///
/// Each field has its name in JSON, a rule (`required` or `optional`), and its type if it is present.
macro_rules! request_object {
    ($name:ident { $($field:ident $wire:literal $rule:ident $kind:ty,)* }) => {
        impl $crate::decode::LenientDecode for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::decode::Decoded<Self>, D::Error> {
                $crate::decode::decode_object(deserializer)
            }
        }

        impl $crate::decode::Object for $name {
            $crate::decode::decode_fields! { read_whole { $($field $wire $rule $kind,)* } }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decode::deserialize(deserializer)
            }
        }

        /// Fails if the value is not an object or lacks a required field. Fields of another type are in
        /// `extra`.
        impl TryFrom<serde_json::Value> for $name {
            type Error = $crate::Error;

            #[inline]
            fn try_from(value: serde_json::Value) -> Result<Self, $crate::Error> {
                $crate::decode::request::from_value(value)
            }
        }

        /// Fails if the object lacks a required field. Fields of another type are in `extra`.
        impl TryFrom<$crate::JsonObject> for $name {
            type Error = $crate::Error;

            #[inline]
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

    use crate::JsonObject;

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

    request_object! { Node { name "name" optional String, codes "codes" optional Vec<i64>, leaf "leaf" optional Leaf, } }
    request_object! { Leaf { id "id" required String, } }

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

//! Unions without a discriminator: raw JSON that can be decoded as any variant on request.

use serde::Serialize;
use serde_json::{Error, Value};

use super::LenientDecode;

/// Decodes raw JSON as a variant, leniently.
pub(crate) fn decode_raw<T: LenientDecode>(value: &Value) -> Result<T, Error> {
    // Cloned because decoding from a reference would compile every type a second time.
    super::require_complete(T::decode(value.clone())?)
}

/// Encodes a variant of a request.
#[allow(clippy::expect_used, reason = "see the message")]
pub(crate) fn raw<T: Serialize>(variant: &T) -> Value {
    serde_json::to_value(variant)
        .expect("map keys in requests are strings, so encoding cannot fail")
}

/// Defines a newtype over raw JSON whose `Debug` output contains no values.
macro_rules! raw_json {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(serde_json::Value);

        impl $name {
            /// Returns the JSON.
            pub fn value(&self) -> &serde_json::Value {
                &self.0
            }

            /// Converts into the JSON.
            pub fn into_value(self) -> serde_json::Value {
                self.0
            }
        }

        impl From<serde_json::Value> for $name {
            fn from(value: serde_json::Value) -> Self {
                Self(value)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::decode::debug_without_values(stringify!($name), &self.0, f)
            }
        }
    };
}

/// Implements decoding for a [`raw_json!`](raw_json) type, with a method for each variant.
macro_rules! response_raw_json {
    ($name:ident { $($(#[$docs:meta])* $view:ident $kind:ty,)* }) => {
        impl $name {
            $(
                $(#[$docs])*
                pub fn $view(&self) -> Result<$kind, serde_json::Error> {
                    $crate::decode::decode_raw(&self.0)
                }
            )*
        }

        impl $crate::decode::LenientDecode for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::decode::Decoded<Self>, D::Error> {
                <serde_json::Value as $crate::decode::LenientDecode>::decode(deserializer)
                    .map(|decoded| decoded.map(Self))
            }

            fn expected() -> &'static str {
                <serde_json::Value as $crate::decode::LenientDecode>::expected()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decode::deserialize(deserializer)
            }
        }
    };
}

/// Implements `Debug` for raw JSON: shows the field names of an object, and only the type of any
/// other value.
pub(crate) fn debug_without_values(
    name: &str,
    value: &Value,
    f: &mut std::fmt::Formatter<'_>,
) -> std::fmt::Result {
    let mut tuple = f.debug_tuple(name);
    match value {
        Value::Object(fields) => tuple.field(&fields.keys().collect::<Vec<_>>()),
        other => tuple.field(&format_args!("{}", super::json_type(other))),
    };
    tuple.finish()
}

pub(crate) use {raw_json, response_raw_json};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::from_slice;

    raw_json! {
        /// A string or a list of strings.
        Either
    }

    response_raw_json! { Either { as_string String, as_string_list Vec<String>, } }

    #[test]
    fn raw_json_decodes_as_any_variant_and_encodes_unchanged() {
        for body in [r#""one""#, r#"["one",7]"#, r#"{"a":"one"}"#, "7"] {
            let either: Either = from_slice(body.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&either).unwrap(), body);
            assert_eq!(either.value().to_string(), body);
            assert_eq!(either.as_string().is_ok(), body.starts_with('"'), "{body}");
        }
        let list = Either::from(json!(["one", "two"]));
        assert_eq!(list.as_string_list().unwrap(), ["one", "two"]);
        assert_eq!(list.into_value(), json!(["one", "two"]));
    }

    #[test]
    fn debug_output_contains_no_values() {
        let debug = |value| format!("{:?}", Either::from(value));
        assert_eq!(debug(json!({"key": "canary"})), r#"Either(["key"])"#);
        assert_eq!(debug(json!("canary")), "Either(a string)");
    }

    #[cfg(feature = "gateway")]
    #[test]
    fn a_generated_union_decodes_and_encodes() {
        use crate::{
            gateway::completions::CompletionPrompt,
            gateway::responses::{Tool, ToolInput},
        };

        let body = json!({"type": "function", "name": "one", "parameters": {}, "strict": 1});
        let tool: Tool = from_slice(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            tool.as_function_tool().unwrap().name.as_deref(),
            Some("one")
        );
        assert_eq!(serde_json::to_value(ToolInput::from(tool)).unwrap(), body);
        for (prompt, body) in [
            (CompletionPrompt::from("one"), json!("one")),
            (vec!["one".to_owned()].into(), json!(["one"])),
            (vec![vec![1, 2]].into(), json!([[1, 2]])),
        ] {
            assert_eq!(serde_json::to_value(prompt).unwrap(), body);
        }
    }

    #[test]
    fn the_error_of_a_variant_contains_no_value() {
        let error = Either::from(json!({"key": "canary"})).as_string();
        assert_eq!(
            error.unwrap_err().to_string(),
            "expected a string, found an object"
        );
    }
}

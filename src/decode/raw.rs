//! UnionVisitor between whose variants nothing decides: JSON as it is, read as any variant on request.

use serde::Serialize;
use serde_json::{Error, Value};

use super::LenientDecode;

/// Reads a value as a variant, as tolerantly as any answer.
pub(crate) fn view<T: LenientDecode>(value: &Value) -> Result<T, Error> {
    // Cloned, because every type would be compiled once more to read borrowed JSON.
    super::value_of(T::decode(value.clone())?)
}

/// The JSON of a variant that is to be sent.
#[allow(clippy::expect_used, reason = "the message says why")]
pub(crate) fn raw<T: Serialize>(variant: &T) -> Value {
    serde_json::to_value(variant).expect("names in what is sent are text, so it is JSON")
}

/// Writes a newtype over JSON whose values do not show.
macro_rules! raw_json {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(serde_json::Value);

        impl $name {
            /// The JSON as it is.
            pub fn value(&self) -> &serde_json::Value {
                &self.0
            }

            /// The JSON as it is.
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
                $crate::decode::debug_kind(stringify!($name), &self.0, f)
            }
        }
    };
}

/// Writes what a received [`raw_json!`](raw_json) needs, and its views.
macro_rules! response_raw_json {
    ($name:ident { $($(#[$docs:meta])* $view:ident $kind:ty,)* }) => {
        impl $name {
            $(
                $(#[$docs])*
                pub fn $view(&self) -> Result<$kind, serde_json::Error> {
                    $crate::decode::view(&self.0)
                }
            )*
        }

        impl $crate::decode::LenientDecode for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::decode::Decoded<Self>, D::Error> {
                <serde_json::Value as $crate::decode::LenientDecode>::decode(deserializer)
                    .map(|found| found.map(Self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decode::value_of(<Self as $crate::decode::LenientDecode>::decode(deserializer)?)
            }
        }
    };
}

/// `Debug` of raw JSON: the names of an object, else only of what kind it is.
pub(crate) fn debug_kind(
    name: &str,
    value: &Value,
    f: &mut std::fmt::Formatter<'_>,
) -> std::fmt::Result {
    let mut tuple = f.debug_tuple(name);
    match value {
        Value::Object(members) => tuple.field(&members.keys().collect::<Vec<_>>()),
        other => tuple.field(&format_args!("{}", super::kind(other))),
    };
    tuple.finish()
}

pub(crate) use {raw_json, response_raw_json};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::from_slice;

    raw_json! {
        /// Text or a list of it.
        Either
    }

    response_raw_json! { Either { as_text String, as_text_list Vec<String>, } }

    #[test]
    fn it_is_read_as_any_variant_and_comes_back_as_it_was() {
        for body in [r#""one""#, r#"["one",7]"#, r#"{"a":"one"}"#, "7"] {
            let either: Either = from_slice(body.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&either).unwrap(), body);
            assert_eq!(either.value().to_string(), body);
            assert_eq!(either.as_text().is_ok(), body.starts_with('"'), "{body}");
        }
        let list = Either::from(json!(["one", "two"]));
        assert_eq!(list.as_text_list().unwrap(), ["one", "two"]);
        assert_eq!(list.into_value(), json!(["one", "two"]));
    }

    #[test]
    fn its_values_do_not_show() {
        let shown = |value| format!("{:?}", Either::from(value));
        assert_eq!(shown(json!({"key": "canary"})), r#"Either(["key"])"#);
        assert_eq!(shown(json!("canary")), "Either(text)");
    }

    #[cfg(feature = "gateway")]
    #[test]
    fn a_generated_union_is_read_and_sent() {
        use crate::types::{CompletionPrompt, Tool, ToolInput};

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
    fn the_error_of_a_view_names_no_value() {
        let error = Either::from(json!({"key": "canary"})).as_text();
        assert_eq!(error.unwrap_err().to_string(), "found an object");
    }
}

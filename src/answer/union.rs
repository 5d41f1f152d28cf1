//! Unions that the kind of the JSON value decides.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use super::{Answer, Found};

/// A union; [`answer_union!`](answer_union) writes this for the generated ones.
#[allow(
    dead_code,
    reason = "not every set of features has a union in an answer"
)]
pub(crate) trait Union: Sized {
    /// Decodes a JSON value by its kind.
    fn from_json(value: Value) -> Result<Found<Self>, serde_json::Error>;
}

/// Decodes a union from anywhere.
#[allow(
    dead_code,
    reason = "not every set of features has a union in an answer"
)]
pub(crate) fn decode_union<'de, D: Deserializer<'de>, T: Union>(
    deserializer: D,
) -> Result<Found<T>, D::Error> {
    T::from_json(Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Decodes the variant that a kind stands for.
#[allow(
    dead_code,
    reason = "not every set of features has a union in an answer"
)]
pub(crate) fn variant<T: Answer, U>(
    value: Value,
    make: fn(T) -> U,
) -> Result<Found<U>, serde_json::Error> {
    Ok(match T::decode(value)? {
        Found::Value(value) => Found::Value(make(value)),
        Found::Nothing => Found::Nothing,
        Found::Other(other) => Found::Other(other),
    })
}

/// Writes what a union of answers needs: each variant has the kind of JSON value that it stands for.
#[allow(
    unused_macros,
    reason = "not every set of features has a union in an answer"
)]
macro_rules! answer_union {
    ($name:ident { $($variant:ident $kind:ident,)* }) => {
        impl $crate::answer::Union for $name {
            fn from_json(
                value: serde_json::Value,
            ) -> Result<$crate::answer::Found<Self>, serde_json::Error> {
                match value {
                    $(value @ serde_json::Value::$kind(..) => $crate::answer::variant(value, Self::$variant),)*
                    serde_json::Value::Null => Ok($crate::answer::Found::Nothing),
                    #[allow(unreachable_patterns, reason = "a union may cover every kind")]
                    other => Ok($crate::answer::Found::Other(other)),
                }
            }
        }

        impl $crate::answer::Answer for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::answer::Found<Self>, D::Error> {
                $crate::answer::decode_union(deserializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::answer::value_of(<Self as $crate::answer::Answer>::decode(deserializer)?)
            }
        }
    };
}

#[allow(
    unused_imports,
    reason = "not every set of features has a union in an answer"
)]
pub(crate) use answer_union;

//! Unions: the kind of the JSON value decides, or a member that has one value in each variant.

use std::marker::PhantomData;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value},
};
use serde_json::Value;

use super::{Answer, Found, object::scalars};

/// A union; [`answer_union!`](answer_union) and [`answer_tagged!`](answer_tagged) write this for
/// the generated ones.
pub(crate) trait Union: Sized {
    /// Decodes a JSON value, which is not `null`, as the variant that it says it is. Generic, so that it
    /// is compiled only where something decodes the union.
    fn from_json<E: Error>(value: Value) -> Result<Found<Self>, E>;
}

/// Decodes a union from anywhere.
pub(crate) fn decode_union<'de, D: Deserializer<'de>, T: Union>(
    deserializer: D,
) -> Result<Found<T>, D::Error> {
    deserializer.deserialize_any(Unions(PhantomData))
}

/// Reads all of the value before anything is made of it, as a visitor and not as a `Value`: so an error
/// has the position of the value.
struct Unions<T>(PhantomData<T>);

impl<'de, T: Union> Visitor<'de> for Unions<T> {
    scalars!(T, T::from_json);

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::SeqAccessDeserializer::new(list)).and_then(T::from_json)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::MapAccessDeserializer::new(map)).and_then(T::from_json)
    }
}

/// Decodes a variant.
pub(crate) fn variant<T: Answer, U, E: Error>(
    value: Value,
    make: fn(T) -> U,
) -> Result<Found<U>, E> {
    match T::decode(value) {
        Ok(found) => Ok(found.map(make)),
        Err(error) => Err(E::custom(error)),
    }
}

/// Writes `Answer` and `Deserialize` for a [`Union`].
macro_rules! union_answer {
    ($name:ident) => {
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

/// Writes what a union needs whose variants are of different kinds of JSON value.
macro_rules! answer_union {
    ($name:ident { $($variant:ident $kind:ident,)* }) => {
        impl $crate::answer::Union for $name {
            fn from_json<E: serde::de::Error>(
                value: serde_json::Value,
            ) -> Result<$crate::answer::Found<Self>, E> {
                match value {
                    $(value @ serde_json::Value::$kind(..) => $crate::answer::variant(value, Self::$variant),)*
                    other => Ok($crate::answer::Found::Other(other)),
                }
            }
        }

        $crate::answer::union_answer! { $name }
    };
}

/// The same for a union of objects that one member decides; an unknown value keeps the object.
macro_rules! answer_tagged {
    ($name:ident $member:literal { $($variant:ident $value:literal,)* }) => {
        impl $crate::answer::Union for $name {
            fn from_json<E: serde::de::Error>(
                value: serde_json::Value,
            ) -> Result<$crate::answer::Found<Self>, E> {
                match value.get($member).and_then(serde_json::Value::as_str) {
                    $(Some($value) => $crate::answer::variant(value, Self::$variant),)*
                    _ => $crate::answer::variant(value, Self::Unknown),
                }
            }
        }

        $crate::answer::union_answer! { $name }
    };
}

pub(crate) use {answer_tagged, answer_union, union_answer};

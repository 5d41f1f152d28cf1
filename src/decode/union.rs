//! UnionVisitor: the kind of the JSON value decides, or a member that has one value in each variant.

use std::marker::PhantomData;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value},
};
use serde_json::Value;

use super::{Decoded, LenientDecode, object::scalars};

/// A union; [`response_union!`](response_union) and [`response_tagged_union!`](response_tagged_union) write this for
/// the generated ones.
pub(crate) trait Union: Sized {
    /// Decodes a JSON value, which is not `null`, as the variant that it says it is. Generic, so that it
    /// is compiled only where something decodes the union.
    fn from_json<E: Error>(value: Value) -> Result<Decoded<Self>, E>;
}

/// Decodes a union from anywhere.
pub(crate) fn decode_union<'de, D: Deserializer<'de>, T: Union>(
    deserializer: D,
) -> Result<Decoded<T>, D::Error> {
    deserializer.deserialize_any(UnionVisitor(PhantomData))
}

/// Reads all of the value before anything is made of it, as a visitor and not as a `Value`: so an error
/// has the position of the value.
struct UnionVisitor<T>(PhantomData<T>);

impl<'de, T: Union> Visitor<'de> for UnionVisitor<T> {
    scalars!(T, T::from_json);

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::SeqAccessDeserializer::new(list)).and_then(T::from_json)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::MapAccessDeserializer::new(map)).and_then(T::from_json)
    }
}

/// Decodes a variant.
pub(crate) fn variant<T: LenientDecode, U, E: Error>(
    value: Value,
    make: fn(T) -> U,
) -> Result<Decoded<U>, E> {
    match T::decode(value) {
        Ok(found) => Ok(found.map(make)),
        Err(error) => Err(E::custom(error)),
    }
}

/// Writes `LenientDecode` and `Deserialize` for a [`Union`].
macro_rules! decode_as_union {
    ($name:ident) => {
        impl $crate::decode::LenientDecode for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::decode::Decoded<Self>, D::Error> {
                $crate::decode::decode_union(deserializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decode::value_of(<Self as $crate::decode::LenientDecode>::decode(
                    deserializer,
                )?)
            }
        }
    };
}

/// Writes what a union needs whose variants are of different kinds of JSON value.
macro_rules! response_union {
    ($name:ident { $($variant:ident $kind:ident,)* }) => {
        impl $crate::decode::Union for $name {
            fn from_json<E: serde::de::Error>(
                value: serde_json::Value,
            ) -> Result<$crate::decode::Decoded<Self>, E> {
                match value {
                    $(value @ serde_json::Value::$kind(..) => $crate::decode::variant(value, Self::$variant),)*
                    other => Ok($crate::decode::Decoded::Mismatch(other)),
                }
            }
        }

        $crate::decode::decode_as_union! { $name }
    };
}

/// The same for a union of objects that one member decides; an unknown value keeps the object.
macro_rules! response_tagged_union {
    ($name:ident $member:literal { $($variant:ident $value:literal,)* }) => {
        impl $crate::decode::Union for $name {
            fn from_json<E: serde::de::Error>(
                value: serde_json::Value,
            ) -> Result<$crate::decode::Decoded<Self>, E> {
                match value.get($member).and_then(serde_json::Value::as_str) {
                    $(Some($value) => $crate::decode::variant(value, Self::$variant),)*
                    _ => $crate::decode::variant(value, Self::Unknown),
                }
            }
        }

        $crate::decode::decode_as_union! { $name }
    };
}

pub(crate) use {decode_as_union, response_tagged_union, response_union};

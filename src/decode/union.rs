//! Unions that are decided by the JSON type of the value or by a tag field.

use std::marker::PhantomData;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value},
};
use serde_json::Value;

use super::{Decoded, LenientDecode, object::visit_scalars};

/// A union. [`response_union!`](response_union) and
/// [`response_tagged_union!`](response_tagged_union) implement it for the generated unions.
pub(crate) trait Union: Sized {
    /// Decodes a JSON value other than `null` as the variant that its type or tag selects. Generic
    /// over the error so that it is compiled only where the union is decoded.
    fn from_json<E: Error>(value: Value) -> Result<Decoded<Self>, E>;

    /// Returns the value to store in `extra` for a value of the variant that its type or tag
    /// selects, if that cannot be decoded.
    fn retain_json(value: Value) -> Value;
}

/// Implements [`LenientDecode::decode`] for a [`Union`].
pub(crate) fn decode_union<'de, D: Deserializer<'de>, T: Union>(
    deserializer: D,
) -> Result<Decoded<T>, D::Error> {
    deserializer.deserialize_any(UnionVisitor(PhantomData))
}

/// Buffers the value and then decodes it. A visitor rather than `Value::deserialize`, so that
/// errors contain the position of the value.
struct UnionVisitor<T>(PhantomData<T>);

impl<'de, T: Union> Visitor<'de> for UnionVisitor<T> {
    visit_scalars!(T, T::from_json);

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::SeqAccessDeserializer::new(list)).and_then(T::from_json)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::MapAccessDeserializer::new(map)).and_then(T::from_json)
    }
}

/// Decodes a variant.
pub(crate) fn decode_variant<T: LenientDecode, U, E: Error>(
    value: Value,
    wrap: fn(T) -> U,
) -> Result<Decoded<U>, E> {
    match T::decode(value) {
        Ok(decoded) => Ok(decoded.map(wrap)),
        Err(error) => Err(E::custom(error)),
    }
}

/// Returns the value to store in `extra` for a variant that cannot be decoded. `_wrap` determines the
/// type.
pub(crate) fn retain_variant<T: LenientDecode, U>(value: Value, _wrap: fn(T) -> U) -> Value {
    T::retain_mismatch(value)
}

/// Implements `LenientDecode` and `Deserialize` for a [`Union`].
macro_rules! decode_as_union {
    ($name:ident) => {
        impl $crate::decode::LenientDecode for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::decode::Decoded<Self>, D::Error> {
                $crate::decode::decode_union(deserializer)
            }

            fn expected() -> &'static str {
                concat!("a variant of `", stringify!($name), "`")
            }

            // Inlined so that it is compiled only where the union is decoded.
            #[inline]
            fn retain_mismatch(other: serde_json::Value) -> serde_json::Value {
                <Self as $crate::decode::Union>::retain_json(other)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decode::deserialize(deserializer)
            }
        }
    };
}

/// Implements decoding for a union whose variants have different JSON types.
macro_rules! response_union {
    ($name:ident { $($variant:ident $kind:ident,)* }) => {
        impl $crate::decode::Union for $name {
            fn from_json<E: serde::de::Error>(
                value: serde_json::Value,
            ) -> Result<$crate::decode::Decoded<Self>, E> {
                match value {
                    $(value @ serde_json::Value::$kind(..) => {
                        $crate::decode::decode_variant(value, Self::$variant)
                    })*
                    other => Ok($crate::decode::Decoded::Mismatch(other)),
                }
            }

            #[inline]
            fn retain_json(value: serde_json::Value) -> serde_json::Value {
                match value {
                    $(value @ serde_json::Value::$kind(..) => {
                        $crate::decode::retain_variant(value, Self::$variant)
                    })*
                    other => other,
                }
            }
        }

        $crate::decode::decode_as_union! { $name }
    };
}

/// Implements decoding for a union of objects with a tag field; an unknown tag becomes `Unknown`.
macro_rules! response_tagged_union {
    ($name:ident $tag:literal { $($variant:ident $value:literal,)* }) => {
        impl $crate::decode::Union for $name {
            fn from_json<E: serde::de::Error>(
                value: serde_json::Value,
            ) -> Result<$crate::decode::Decoded<Self>, E> {
                match value.get($tag).and_then(serde_json::Value::as_str) {
                    $(Some($value) => $crate::decode::decode_variant(value, Self::$variant),)*
                    _ => $crate::decode::decode_variant(value, Self::Unknown),
                }
            }

            #[inline]
            fn retain_json(value: serde_json::Value) -> serde_json::Value {
                match value.get($tag).and_then(serde_json::Value::as_str) {
                    $(Some($value) => $crate::decode::retain_variant(value, Self::$variant),)*
                    _ => value,
                }
            }
        }

        $crate::decode::decode_as_union! { $name }
    };
}

pub(crate) use {decode_as_union, response_tagged_union, response_union};

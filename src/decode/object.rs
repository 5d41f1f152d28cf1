//! ObjectVisitor, and what every visitor of a compound shares.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor, value},
    ser::{Error as _, SerializeMap},
};
use serde_json::Value;

use super::{Decoded, LenientDecode};
use crate::JsonObject;

/// A struct of answers; [`response_object!`](response_object) writes this for the generated ones.
pub(crate) trait Object: Sized {
    /// Decodes the members of an object.
    fn members<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;

    /// Encodes the members that are there.
    fn encode<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// [`LenientDecode::decode`] for an [`Object`].
pub(crate) fn decode_object<'de, D: Deserializer<'de>, T: Object>(
    deserializer: D,
) -> Result<Decoded<T>, D::Error> {
    deserializer.deserialize_any(ObjectVisitor(PhantomData))
}

/// `Serialize` for an [`Object`].
pub(crate) fn encode_object<S: Serializer, T: Object>(
    object: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    object.encode(&mut map)?;
    map.end()
}

/// The next member's name.
pub(crate) fn key<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    map.next_key_seed(Name)
}

/// Reads a member into its slot, or into the unknown ones.
pub(crate) fn read<'de, A: MapAccess<'de>, T: LenientDecode>(
    map: &mut A,
    name: Cow<'de, str>,
    slot: &mut Option<T>,
    extra: &mut JsonObject,
) -> Result<(), A::Error> {
    *slot = None;
    match map.next_value_seed(DecodeSeed::new())? {
        Decoded::Complete(value) => *slot = Some(value),
        Decoded::Null => {}
        Decoded::Partial(partly) => {
            *slot = Some(partly.0);
            extra.insert(name.into_owned(), Value::Object(partly.1));
            return Ok(());
        }
        Decoded::Mismatch(other) => {
            *slot = T::from_empty(&other);
            if slot.is_none() {
                extra.insert(name.into_owned(), T::retain_mismatch(other));
                return Ok(());
            }
        }
    }
    // A name that stands twice: the last one counts.
    if !extra.is_empty() {
        extra.remove(&*name);
    }
    Ok(())
}

/// Keeps a member that has no slot.
pub(crate) fn keep_unknown<'de, A: MapAccess<'de>>(
    map: &mut A,
    name: Cow<'de, str>,
    extra: &mut JsonObject,
) -> Result<(), A::Error> {
    let value = map.next_value::<Value>()?;
    if !value.is_null() {
        extra.insert(name.into_owned(), value);
    }
    Ok(())
}

/// A member that is required there.
pub(crate) fn required<T, E: Error>(
    value: Option<T>,
    name: &'static str,
    extra: &JsonObject,
) -> Result<T, E> {
    value.ok_or_else(|| match extra.get(name) {
        Some(other) => E::custom(format_args!(
            "`{name}` is {}, which it never was",
            super::kind(other)
        )),
        None => E::missing_field(name),
    })
}

/// A member that may be missing.
#[allow(clippy::unnecessary_wraps, reason = "the three rules are called alike")]
pub(crate) fn optional<T, E>(
    value: Option<T>,
    _: &'static str,
    _: &JsonObject,
) -> Result<Option<T>, E> {
    Ok(value)
}

/// A list or a map, empty where it is missing.
#[allow(clippy::unnecessary_wraps, reason = "the three rules are called alike")]
pub(crate) fn or_default<T: Default, E>(
    value: Option<T>,
    _: &'static str,
    _: &JsonObject,
) -> Result<T, E> {
    Ok(value.unwrap_or_default())
}

/// Encodes a member unless it is absent; its mismatched_items go back to their places.
pub(crate) fn write<M: SerializeMap, T: LenientDecode + Serialize>(
    map: &mut M,
    name: &'static str,
    value: &T,
    extra: &JsonObject,
) -> Result<(), M::Error> {
    if value.is_absent() {
        return Ok(());
    }
    match extra.get(name) {
        Some(Value::Object(mismatched_items)) => {
            let value = serde_json::to_value(value).map_err(M::Error::custom)?;
            map.serialize_entry(name, &super::joined(value, mismatched_items))
        }
        _ => map.serialize_entry(name, value),
    }
}

struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }

    fn visit_string<E>(self, name: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name))
    }
}

/// Reads a value as an answer.
pub(super) struct DecodeSeed<T>(PhantomData<T>);

impl<T> DecodeSeed<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: LenientDecode> DeserializeSeed<'de> for DecodeSeed<T> {
    type Value = Decoded<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Decoded<T>, D::Error> {
        T::decode(deserializer)
    }
}

/// What every visitor of something that may be a compound does with a scalar: makes something `of` it,
/// and keeps it unless told otherwise.
macro_rules! scalars {
    ($value:ty) => {
        $crate::decode::object::scalars!($value, |other| Ok(Decoded::Mismatch(other)));
    };
    ($value:ty, $of:expr) => {
        type Value = Decoded<$value>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON value")
        }

        fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
            $of(value.into())
        }

        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
            $of(value.into())
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
            $of(value.into())
        }

        fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
            $of(value.into())
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            $of(text.into())
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Decoded::Null)
        }
    };
}

pub(super) use scalars;

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    scalars!(T);

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::SeqAccessDeserializer::new(list)).map(Decoded::Mismatch)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::members(map).map(Decoded::Complete)
    }
}

/// Writes [`Object`], `Serialize` and `Deserialize` for a struct with a field `extra`.
///
/// Each field has the name on the wire and a rule: `required`, `optional`, `or_default`.
macro_rules! response_object {
    ($name:ident { $($field:ident $wire:literal $rule:ident,)* }) => {
        impl $crate::decode::Object for $name {
            fn members<'de, A: serde::de::MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
                $(let mut $field = None;)*
                let mut extra = $crate::JsonObject::default();
                while let Some(name) = $crate::decode::key(&mut map)? {
                    match &*name {
                        $($wire => $crate::decode::read(&mut map, name, &mut $field, &mut extra)?,)*
                        _ => $crate::decode::keep_unknown(&mut map, name, &mut extra)?,
                    }
                }
                Ok(Self { $($field: $crate::decode::$rule($field, $wire, &extra)?,)* extra })
            }

            fn encode<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $($crate::decode::write(map, $wire, &self.$field, &self.extra)?;)*
                // Of a field that is set, `write` has put the mismatched_items back; any other value that it
                // could not hold was there before it was set.
                let is_set = |name: &str| match name {
                    $($wire => !$crate::decode::LenientDecode::is_absent(&self.$field),)*
                    _ => false,
                };
                self.extra
                    .iter()
                    .filter(|(name, _)| !is_set(name))
                    .try_for_each(|(name, value)| map.serialize_entry(name, value))
            }
        }

        impl $crate::decode::LenientDecode for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::decode::Decoded<Self>, D::Error> {
                $crate::decode::decode_object(deserializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decode::value_of($crate::decode::decode_object(deserializer)?)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::decode::encode_object(self, serializer)
            }
        }
    };
}

pub(crate) use response_object;

//! Objects, and code shared by all visitors.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor, value},
    ser::{Error as _, SerializeMap},
};
use serde_json::{Map, Value};

use super::{Decoded, LenientDecode};
use crate::JsonObject;

/// A struct that is decoded. [`response_object!`](response_object) and `request_object!` implement it
/// for the generated structs.
pub(crate) trait Object: Sized {
    /// Decodes the fields of an object.
    fn decode_fields<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

/// A response struct, which is encoded like it was decoded.
pub(crate) trait EncodeObject {
    /// Encodes the fields that are present.
    fn encode_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// Implements [`LenientDecode::decode`] for an [`Object`].
pub(crate) fn decode_object<'de, D: Deserializer<'de>, T: Object>(
    deserializer: D,
) -> Result<Decoded<T>, D::Error> {
    deserializer.deserialize_any(ObjectVisitor(PhantomData))
}

/// Implements `Serialize` for an [`EncodeObject`].
pub(crate) fn encode_object<S: Serializer, T: EncodeObject>(
    object: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    object.encode_fields(&mut map)?;
    map.end()
}

/// Reads the name of the next field.
pub(crate) fn next_key<'de, A: MapAccess<'de>>(
    map: &mut A,
) -> Result<Option<Cow<'de, str>>, A::Error> {
    map.next_key_seed(NameSeed)
}

/// Reads a field into its slot, or into `extra` if its type does not match.
pub(crate) fn read_field<'de, A: MapAccess<'de>, T: LenientDecode>(
    map: &mut A,
    name: Cow<'de, str>,
    slot: &mut Option<T>,
    extra: &mut JsonObject,
) -> Result<(), A::Error> {
    *slot = None;
    match map.next_value_seed(DecodeSeed::new())? {
        Decoded::Complete(value) => *slot = Some(value),
        Decoded::Null => {}
        Decoded::Partial(partial) => {
            *slot = Some(partial.0);
            extra.insert(name.into_owned(), Value::Object(partial.1));
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
    // The last value of a repeated field wins.
    if !extra.is_empty() {
        extra.remove(&*name);
    }
    Ok(())
}

/// Stores a field that is not part of the schema in `extra`.
pub(crate) fn keep_unknown_field<'de, A: MapAccess<'de>>(
    map: &mut A,
    name: Cow<'de, str>,
    extra: &mut JsonObject,
) -> Result<(), A::Error> {
    match map.next_value::<Value>()? {
        // The last value of a repeated field wins.
        Value::Null if !extra.is_empty() => drop(extra.remove(&*name)),
        Value::Null => {}
        value => drop(extra.insert(name.into_owned(), value)),
    }
    Ok(())
}

/// Replaces the value of a field in the JSON of an object that cannot be decoded by the value to
/// store in `extra`. `_field` determines the type.
pub(crate) fn retain_field<S, T: LenientDecode>(
    fields: &mut Map<String, Value>,
    name: &str,
    _field: fn(&S) -> &T,
) {
    if let Some(value) = fields.get_mut(name)
        && !value.is_null()
    {
        *value = T::retain_mismatch(value.take());
    }
}

/// Returns the value of a required field.
pub(crate) fn required<T: LenientDecode, E: Error>(
    value: Option<T>,
    name: &'static str,
    extra: &JsonObject,
) -> Result<T, E> {
    value.ok_or_else(|| match extra.get(name) {
        Some(other) => E::custom(format_args!(
            "expected {} for `{name}`, found {}",
            T::expected(),
            super::json_type(other)
        )),
        None => E::missing_field(name),
    })
}

/// Returns the value of an optional field that every response is expected to contain.
pub(crate) fn present<'a>(
    value: Option<&'a str>,
    type_name: &str,
    name: &str,
    extra: &JsonObject,
) -> Result<&'a str, crate::Error> {
    value.ok_or_else(|| {
        let found = extra.get(name).map_or("nothing", super::json_type);
        crate::Error::unexpected_response(format!(
            "expected a string for `{name}` of {type_name}, found {found}"
        ))
    })
}

/// Returns the value of an optional field.
#[allow(
    clippy::unnecessary_wraps,
    reason = "all rules have the same signature"
)]
pub(crate) fn optional<T, E>(
    value: Option<T>,
    _: &'static str,
    _: &JsonObject,
) -> Result<Option<T>, E> {
    Ok(value)
}

/// Returns the value of a list or a map, which is empty if the field is missing.
#[allow(
    clippy::unnecessary_wraps,
    reason = "all rules have the same signature"
)]
pub(crate) fn or_default<T: Default, E>(
    value: Option<T>,
    _: &'static str,
    _: &JsonObject,
) -> Result<T, E> {
    Ok(value.unwrap_or_default())
}

/// Encodes a field unless it is absent, with its mismatched items at their indices or keys.
pub(crate) fn write_field<M: SerializeMap, T: LenientDecode + Serialize>(
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
            map.serialize_entry(
                name,
                &super::merge_mismatched_items(value, mismatched_items),
            )
        }
        _ => map.serialize_entry(name, value),
    }
}

/// Reads a field name, borrowed if possible.
struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
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

/// Decodes a value leniently.
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

/// Writes the scalar methods of a visitor for a type that may be an array or an object: `$convert`
/// is applied to the scalar, which is a mismatch by default.
macro_rules! visit_scalars {
    ($value:ty) => {
        $crate::decode::object::visit_scalars!($value, |other| Ok(Decoded::Mismatch(other)));
    };
    ($value:ty, $convert:expr) => {
        type Value = Decoded<$value>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON value")
        }

        fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
            $convert(value.into())
        }

        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
            $convert(value.into())
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
            $convert(value.into())
        }

        fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
            $convert(value.into())
        }

        fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
            $convert(value.into())
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Decoded::Null)
        }
    };
}

pub(super) use visit_scalars;

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    visit_scalars!(T);

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::SeqAccessDeserializer::new(list)).map(Decoded::Mismatch)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::decode_fields(map).map(Decoded::Complete)
    }
}

/// Writes [`Object`], [`EncodeObject`], `Serialize` and `Deserialize` for a struct with a field `extra`.
///
/// Each field has its name in JSON and a rule: `required`, `optional` or `or_default`.
macro_rules! response_object {
    ($name:ident { $($field:ident $wire:literal $rule:ident,)* }) => {
        impl $crate::decode::Object for $name {
            fn decode_fields<'de, A: serde::de::MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
                $(let mut $field = None;)*
                let mut extra = $crate::JsonObject::default();
                while let Some(name) = $crate::decode::next_key(&mut map)? {
                    match &*name {
                        $($wire => {
                            $crate::decode::read_field(&mut map, name, &mut $field, &mut extra)?;
                        })*
                        _ => $crate::decode::keep_unknown_field(&mut map, name, &mut extra)?,
                    }
                }
                Ok(Self { $($field: $crate::decode::$rule($field, $wire, &extra)?,)* extra })
            }
        }

        impl $crate::decode::EncodeObject for $name {
            fn encode_fields<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $($crate::decode::write_field(map, $wire, &self.$field, &self.extra)?;)*
                // `write_field` has already merged the mismatched items of a field that is set. Any
                // other mismatched value of such a field was replaced when the field was set.
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

            // Inlined so that it is compiled only where the type is decoded.
            #[inline]
            fn retain_mismatch(mut other: serde_json::Value) -> serde_json::Value {
                if let serde_json::Value::Object(fields) = &mut other {
                    $($crate::decode::retain_field(fields, $wire, |this: &Self| &this.$field);)*
                }
                other
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decode::require_complete($crate::decode::decode_object(deserializer)?)
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

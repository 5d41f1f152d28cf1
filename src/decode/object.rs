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

/// Implements [`LenientDecode::decode`] for an [`Object`].
pub(crate) fn decode_object<'de, D: Deserializer<'de>, T: Object>(
    deserializer: D,
) -> Result<Decoded<T>, D::Error> {
    deserializer.deserialize_any(ObjectVisitor(PhantomData))
}

/// Implements `Deserialize` for a type that is decoded leniently.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: LenientDecode>(
    deserializer: D,
) -> Result<T, D::Error> {
    super::require_complete(T::decode(deserializer)?)
}

/// Reads the fields of an object; collects in `extra` what has no slot.
pub(crate) struct FieldReader<A> {
    map: A,
    pub(crate) extra: JsonObject,
}

impl<'de, A: MapAccess<'de>> FieldReader<A> {
    pub(crate) fn new(map: A) -> Self {
        Self {
            map,
            extra: JsonObject::default(),
        }
    }

    /// Reads the name of the next field.
    pub(crate) fn next_name(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        self.map.next_key_seed(NameSeed)
    }

    /// Reads a field into its slot, or into `extra` if its type does not match.
    pub(crate) fn read<T: LenientDecode>(
        &mut self,
        name: Cow<'de, str>,
        slot: &mut Option<T>,
    ) -> Result<(), A::Error> {
        *slot = None;
        match self.map.next_value_seed(DecodeSeed::new())? {
            Decoded::Complete(value) => *slot = Some(value),
            Decoded::Null => {}
            Decoded::Partial(partial) => {
                *slot = Some(partial.0);
                self.extra
                    .insert(name.into_owned(), Value::Object(partial.1));
                return Ok(());
            }
            Decoded::Mismatch(other) => {
                *slot = T::from_empty(&other);
                if slot.is_none() {
                    self.extra
                        .insert(name.into_owned(), T::retain_mismatch(other));
                    return Ok(());
                }
            }
        }
        // The last value of a repeated field wins.
        if !self.extra.is_empty() {
            self.extra.remove(&*name);
        }
        Ok(())
    }

    /// Reads a field into its slot, or unchanged into `extra` if it does not match its type as a
    /// whole. So the encoded value of a request type is the JSON that was read, except for fields that
    /// are `null`.
    pub(crate) fn read_whole<T: LenientDecode>(
        &mut self,
        name: Cow<'de, str>,
        slot: &mut Option<T>,
    ) -> Result<(), A::Error> {
        let value: Value = self.map.next_value()?;
        *slot = None;
        self.extra.remove(&*name);
        match T::decode(&value) {
            Ok(Decoded::Complete(decoded)) => *slot = Some(decoded),
            Ok(Decoded::Null) => {}
            Ok(Decoded::Partial(_) | Decoded::Mismatch(_)) | Err(_) => {
                self.extra.insert(name.into_owned(), value);
            }
        }
        Ok(())
    }

    /// Stores a field that is not part of the schema in `extra`.
    pub(crate) fn keep_unknown(&mut self, name: Cow<'de, str>) -> Result<(), A::Error> {
        match self.map.next_value::<Value>()? {
            // The last value of a repeated field wins.
            Value::Null if !self.extra.is_empty() => drop(self.extra.remove(&*name)),
            Value::Null => {}
            value => drop(self.extra.insert(name.into_owned(), value)),
        }
        Ok(())
    }
}

/// Writes the fields of an object, and then `extra`. Remembers the first error.
pub(crate) struct FieldWriter<'a, S: Serializer> {
    map: Result<S::SerializeMap, S::Error>,
    extra: &'a JsonObject,
    written: Vec<&'static str>,
}

impl<'a, S: Serializer> FieldWriter<'a, S> {
    pub(crate) fn new(serializer: S, extra: &'a JsonObject) -> Self {
        Self {
            map: serializer.serialize_map(None),
            extra,
            written: Vec::new(),
        }
    }

    /// Writes a field unless it is absent, with its mismatched items at their indices or keys.
    pub(crate) fn write<T: LenientDecode + Serialize>(&mut self, name: &'static str, value: &T) {
        let Ok(map) = &mut self.map else { return };
        if value.is_absent() {
            return;
        }
        let result = match self.extra.get(name) {
            Some(Value::Object(mismatched_items)) => match serde_json::to_value(value) {
                Ok(value) => map.serialize_entry(
                    name,
                    &super::merge_mismatched_items(value, mismatched_items),
                ),
                Err(error) => Err(S::Error::custom(error)),
            },
            _ => map.serialize_entry(name, value),
        };
        match result {
            // Names are needed only to skip them in `extra`.
            Ok(()) if self.extra.is_empty() => {}
            Ok(()) => self.written.push(name),
            Err(error) => self.map = Err(error),
        }
    }

    /// Writes `extra` and ends the object.
    pub(crate) fn end(self) -> Result<S::Ok, S::Error> {
        let mut map = self.map?;
        for (name, value) in self.extra {
            // `write` has already merged the mismatched items of a field that is set. Any other
            // mismatched value of such a field was replaced when the field was set.
            if !self.written.contains(&name.as_str()) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// Replaces the value of a field in the JSON of an object that cannot be decoded by the value to
/// store in `extra`.
pub(crate) fn retain_field<T: LenientDecode>(fields: &mut Map<String, Value>, name: &str) {
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

/// Returns the value of a field from its slot, by its rule.
macro_rules! field_value {
    (required $slot:ident $wire:literal $extra:expr) => {
        $crate::decode::required($slot, $wire, $extra)?
    };
    (optional $slot:ident $wire:literal $extra:expr) => {
        $slot
    };
    (or_default $slot:ident $wire:literal $extra:expr) => {
        $slot.unwrap_or_default()
    };
}

/// Writes `decode_fields` of an [`Object`] with a field `extra`. `$read` is a method of [`FieldReader`].
macro_rules! decode_fields {
    ($read:ident { $($field:ident $wire:literal $rule:ident $kind:ty,)* }) => {
        fn decode_fields<'de, A: serde::de::MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
            $(let mut $field: Option<$kind> = None;)*
            let mut fields = $crate::decode::FieldReader::new(map);
            while let Some(name) = fields.next_name()? {
                match &*name {
                    $($wire => fields.$read(name, &mut $field),)*
                    _ => fields.keep_unknown(name),
                }?;
            }
            let extra = fields.extra;
            Ok(Self {
                $($field: $crate::decode::field_value!($rule $field $wire &extra),)*
                extra,
            })
        }
    };
}

/// Writes [`Object`], [`LenientDecode`], `Serialize` and `Deserialize` for a struct with a field `extra`.
///
/// Each field has its name in JSON, a rule (`required`, `optional` or `or_default`), and its type if it
/// is present. `redacted` lists the fields with secrets.
macro_rules! response_object {
    (
        $name:ident { $($field:ident $wire:literal $rule:ident $kind:ty,)* }
        $(redacted { $($secret:literal $secret_kind:ty,)* })?
    ) => {
        impl $crate::decode::Object for $name {
            $crate::decode::decode_fields! { read { $($field $wire $rule $kind,)* } }
        }

        impl $crate::decode::LenientDecode for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::decode::Decoded<Self>, D::Error> {
                $crate::decode::decode_object(deserializer)
            }

            $(
                // Inlined so that it is compiled only where the type is decoded.
                #[inline]
                fn retain_mismatch(mut other: serde_json::Value) -> serde_json::Value {
                    if let serde_json::Value::Object(fields) = &mut other {
                        $($crate::decode::retain_field::<$secret_kind>(fields, $secret);)*
                    }
                    other
                }
            )?
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::decode::deserialize(deserializer)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut fields = $crate::decode::FieldWriter::new(serializer, &self.extra);
                $(fields.write($wire, &self.$field);)*
                fields.end()
            }
        }
    };
}

pub(crate) use {decode_fields, field_value, response_object};

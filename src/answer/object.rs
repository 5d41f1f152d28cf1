//! Objects, lists and maps.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor, value},
    ser::SerializeMap,
};
use serde_json::{Map, Value};

use super::{Answer, Found};
use crate::Members;

/// A struct of answers; [`answer_object!`](answer_object) writes this for the generated ones.
pub(crate) trait Object: Sized {
    /// Decodes the members of an object.
    fn members<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;

    /// Encodes the members that are there.
    fn encode<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// [`Answer::decode`] for an [`Object`].
pub(crate) fn decode_object<'de, D: Deserializer<'de>, T: Object>(
    deserializer: D,
) -> Result<Found<T>, D::Error> {
    deserializer.deserialize_any(Objects(PhantomData))
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
pub(crate) fn read<'de, A: MapAccess<'de>, T: Answer>(
    map: &mut A,
    name: Cow<'de, str>,
    slot: &mut Option<T>,
    extra: &mut Members,
) -> Result<(), A::Error> {
    *slot = None;
    match map.next_value_seed(Seed(PhantomData))? {
        Found::Value(value) => *slot = Some(value),
        Found::Nothing => {}
        Found::Other(other) => {
            extra.insert(name.into_owned(), T::kept(other));
            return Ok(());
        }
    }
    // A name that stands twice: the last one counts.
    if !extra.is_empty() {
        extra.remove(&*name);
    }
    Ok(())
}

/// Keeps a member that has no slot.
pub(crate) fn keep<'de, A: MapAccess<'de>>(
    map: &mut A,
    name: Cow<'de, str>,
    extra: &mut Members,
) -> Result<(), A::Error> {
    let value = map.next_value::<Value>()?;
    if !value.is_null() {
        extra.insert(name.into_owned(), value);
    }
    Ok(())
}

/// A member that is always there.
pub(crate) fn always<T, E: Error>(
    value: Option<T>,
    name: &'static str,
    extra: &Members,
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
    _: &Members,
) -> Result<Option<T>, E> {
    Ok(value)
}

/// A list or a map, empty where it is missing.
#[allow(clippy::unnecessary_wraps, reason = "the three rules are called alike")]
pub(crate) fn or_default<T: Default, E>(
    value: Option<T>,
    _: &'static str,
    _: &Members,
) -> Result<T, E> {
    Ok(value.unwrap_or_default())
}

/// Encodes a member unless it is absent.
pub(crate) fn write<M: SerializeMap, T: Answer + Serialize>(
    map: &mut M,
    name: &'static str,
    value: &T,
) -> Result<(), M::Error> {
    if value.is_absent() {
        Ok(())
    } else {
        map.serialize_entry(name, value)
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

struct Seed<T>(PhantomData<T>);

impl<'de, T: Answer> DeserializeSeed<'de> for Seed<T> {
    type Value = Found<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<T>, D::Error> {
        T::decode(deserializer)
    }
}

/// What every visitor of a compound does with a scalar: keeps it.
macro_rules! keep_scalars {
    ($value:ty) => {
        type Value = Found<$value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON value")
        }

        fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
            Ok(Found::Other(value.into()))
        }

        fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
            Ok(Found::Other(value.into()))
        }

        fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
            Ok(Found::Other(value.into()))
        }

        fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
            Ok(Found::Other(value.into()))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Found::Other(text.into()))
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Found::Nothing)
        }
    };
}

struct Objects<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for Objects<T> {
    keep_scalars!(T);

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::SeqAccessDeserializer::new(list)).map(Found::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::members(map).map(Found::Value)
    }
}

/// A list whose items are all of one type; one item of another kind keeps the list as JSON.
pub(super) struct List<T>(PhantomData<T>);

impl<T> List<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Answer + Serialize> Visitor<'de> for List<T> {
    keep_scalars!(Vec<T>);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::with_capacity(list.size_hint().unwrap_or(0).min(4096));
        while let Some(found) = list.next_element_seed(Seed::<T>(PhantomData))? {
            match found {
                Found::Value(item) => items.push(item),
                unfit => return rest_of_list(items, unfit, list),
            }
        }
        Ok(Found::Value(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::MapAccessDeserializer::new(map)).map(Found::Other)
    }
}

/// Turns what was decoded back into JSON, and with it the rest.
fn rest_of_list<'de, A: SeqAccess<'de>, T: Answer + Serialize>(
    items: Vec<T>,
    next: Found<T>,
    mut list: A,
) -> Result<Found<Vec<T>>, A::Error> {
    let mut values = Vec::with_capacity(items.len() + 1);
    for item in items {
        values.push(as_json(Found::Value(item))?);
    }
    values.push(as_json(next)?);
    while let Some(found) = list.next_element_seed(Seed::<T>(PhantomData))? {
        values.push(as_json(found)?);
    }
    Ok(Found::Other(Value::Array(values)))
}

/// What was found, as JSON; a secret in it does not show again.
fn as_json<T: Answer + Serialize, E: Error>(found: Found<T>) -> Result<Value, E> {
    match found {
        Found::Value(value) => serde_json::to_value(value).map_err(E::custom),
        Found::Nothing => Ok(Value::Null),
        Found::Other(other) => Ok(T::kept(other)),
    }
}

/// A map whose values are all of one type; one value of another kind keeps the map as JSON.
pub(super) struct Entries<T>(PhantomData<T>);

impl<T> Entries<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Answer + Serialize> Visitor<'de> for Entries<T> {
    keep_scalars!(BTreeMap<String, T>);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            match map.next_value_seed(Seed::<T>(PhantomData))? {
                Found::Value(value) => {
                    entries.insert(name, value);
                }
                Found::Nothing => {}
                Found::Other(other) => return rest_of_map(&entries, name, other, map),
            }
        }
        Ok(Found::Value(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        // An empty map of the service's language of old is an empty list.
        let mut values = Vec::<Value>::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(if values.is_empty() {
            Found::Nothing
        } else {
            Found::Other(values.into())
        })
    }
}

fn rest_of_map<'de, A: MapAccess<'de>, T: Serialize>(
    entries: &BTreeMap<String, T>,
    name: String,
    next: Value,
    mut map: A,
) -> Result<Found<BTreeMap<String, T>>, A::Error> {
    let mut values = Map::new();
    for (name, value) in entries {
        values.insert(
            name.clone(),
            serde_json::to_value(value).map_err(A::Error::custom)?,
        );
    }
    values.insert(name, next);
    while let Some((name, value)) = map.next_entry()? {
        values.insert(name, value);
    }
    Ok(Found::Other(Value::Object(values)))
}

/// Writes [`Object`], `Serialize` and `Deserialize` for a struct with a field `extra`.
///
/// Each field has the name on the wire and a rule: `always`, `optional`, `or_default`.
macro_rules! answer_object {
    ($name:ident { $($field:ident $wire:literal $rule:ident,)* }) => {
        impl $crate::answer::Object for $name {
            fn members<'de, A: serde::de::MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
                $(let mut $field = None;)*
                let mut extra = $crate::Members::default();
                while let Some(name) = $crate::answer::key(&mut map)? {
                    match &*name {
                        $($wire => $crate::answer::read(&mut map, name, &mut $field, &mut extra)?,)*
                        _ => $crate::answer::keep(&mut map, name, &mut extra)?,
                    }
                }
                Ok(Self { $($field: $crate::answer::$rule($field, $wire, &extra)?,)* extra })
            }

            fn encode<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $($crate::answer::write(map, $wire, &self.$field)?;)*
                // A field that was set since counts, not the value that it could not hold.
                let is_set = |name: &str| match name {
                    $($wire => !$crate::answer::Answer::is_absent(&self.$field),)*
                    _ => false,
                };
                self.extra
                    .iter()
                    .filter(|(name, _)| !is_set(name))
                    .try_for_each(|(name, value)| map.serialize_entry(name, value))
            }
        }

        impl $crate::answer::Answer for $name {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::answer::Found<Self>, D::Error> {
                $crate::answer::decode_object(deserializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::answer::value_of($crate::answer::decode_object(deserializer)?)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::answer::encode_object(self, serializer)
            }
        }
    };
}

pub(crate) use answer_object;

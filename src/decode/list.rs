//! Lists: the items that fit, and the others by their position.

use std::{
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor, value},
};
use serde_json::{Map, Value};

use super::{
    Decoded, LenientDecode,
    object::{DecodeSeed, scalars},
};
use crate::JsonObject;

/// Decodes a list.
pub(super) struct ListVisitor<T>(PhantomData<T>);

impl<T> ListVisitor<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: LenientDecode + Serialize> Visitor<'de> for ListVisitor<T> {
    scalars!(Vec<T>);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::with_capacity(list.size_hint().unwrap_or(0).min(4096));
        let mut mismatched_items = Vec::new();
        while let Some(found) = list.next_element_seed(DecodeSeed::<T>::new())? {
            match found {
                // By itself, since to move an item costs as much as to decode some of its members.
                Decoded::Complete(item) => items.push(item),
                unsure => match super::item(unsure)? {
                    Ok(item) => items.push(item),
                    Err(mismatch) => {
                        mismatched_items.push((items.len() + mismatched_items.len(), mismatch))
                    }
                },
            }
        }
        Ok(match (items.is_empty(), mismatched_items.is_empty()) {
            (_, true) => Decoded::Complete(items),
            (true, _) => Decoded::Mismatch(
                mismatched_items
                    .into_iter()
                    .map(|(_, mismatch)| mismatch)
                    .collect(),
            ),
            _ => Decoded::Partial(Box::new((items, by_position(mismatched_items)))),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::MapAccessDeserializer::new(map)).map(Decoded::Mismatch)
    }
}

/// Misfits under their positions as names.
fn by_position(mismatched_items: Vec<(usize, Value)>) -> Map<String, Value> {
    let named = |(position, mismatch): (usize, _)| (position.to_string(), mismatch);
    mismatched_items.into_iter().map(named).collect()
}

/// The items with their mismatched_items in between; without them where their names are no positions.
pub(super) fn joined(mut items: Vec<Value>, mismatched_items: &Map<String, Value>) -> Value {
    let positions = mismatched_items
        .iter()
        .map(|(position, mismatch)| Some((position.parse::<usize>().ok()?, mismatch)));
    let mut positions: Vec<_> = positions.collect::<Option<_>>().unwrap_or_default();
    positions.sort_unstable_by_key(|(position, _)| *position);
    for (position, mismatch) in positions {
        items.insert(position.min(items.len()), mismatch.clone());
    }
    items.into()
}

/// A list that has no field: what a field could not hold, it keeps itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// Items of another kind, by their position in the list as it came.
    pub extra: JsonObject,
}

impl<T> Deref for List<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Self::Target {
        &self.items
    }
}

impl<T> DerefMut for List<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.items
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        Self {
            items,
            extra: JsonObject::default(),
        }
    }
}

impl<T: LenientDecode + Serialize> LenientDecode for List<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        Ok(match Vec::decode(deserializer)? {
            Decoded::Partial(partly) => Decoded::Complete(Self {
                items: partly.0,
                extra: partly.1.into(),
            }),
            Decoded::Mismatch(Value::Array(mismatched_items)) => Decoded::Complete(Self {
                items: Vec::new(),
                extra: mismatched_items
                    .into_iter()
                    .enumerate()
                    .map(|(position, mismatch)| (position.to_string(), mismatch))
                    .collect(),
            }),
            found => found.map(Into::into),
        })
    }

    fn from_empty(other: &Value) -> Option<Self> {
        Vec::from_empty(other).map(Into::into)
    }
}

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.extra.is_empty() {
            return self.items.serialize(serializer);
        }
        let items = serde_json::to_value(&self.items).map_err(serde::ser::Error::custom)?;
        super::joined(items, &self.extra).serialize(serializer)
    }
}

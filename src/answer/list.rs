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
    Answer, Found,
    object::{Seed, scalars},
};
use crate::Members;

/// Decodes a list.
pub(super) struct Items<T>(PhantomData<T>);

impl<T> Items<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Answer + Serialize> Visitor<'de> for Items<T> {
    scalars!(Vec<T>);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::with_capacity(list.size_hint().unwrap_or(0).min(4096));
        let mut misfits = Vec::new();
        while let Some(found) = list.next_element_seed(Seed::<T>::new())? {
            match found {
                // By itself, since to move an item costs as much as to decode some of its members.
                Found::Value(item) => items.push(item),
                unsure => match super::item(unsure)? {
                    Ok(item) => items.push(item),
                    Err(misfit) => misfits.push((items.len() + misfits.len(), misfit)),
                },
            }
        }
        Ok(match (items.is_empty(), misfits.is_empty()) {
            (_, true) => Found::Value(items),
            (true, _) => Found::Other(misfits.into_iter().map(|(_, misfit)| misfit).collect()),
            _ => Found::Partly(Box::new((items, by_position(misfits)))),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::MapAccessDeserializer::new(map)).map(Found::Other)
    }
}

/// Misfits under their positions as names.
fn by_position(misfits: Vec<(usize, Value)>) -> Map<String, Value> {
    let named = |(position, misfit): (usize, _)| (position.to_string(), misfit);
    misfits.into_iter().map(named).collect()
}

/// The items with their misfits in between; without them where their names are no positions.
pub(super) fn joined(mut items: Vec<Value>, misfits: &Map<String, Value>) -> Value {
    let positions = misfits
        .iter()
        .map(|(position, misfit)| Some((position.parse::<usize>().ok()?, misfit)));
    let mut positions: Vec<_> = positions.collect::<Option<_>>().unwrap_or_default();
    positions.sort_unstable_by_key(|(position, _)| *position);
    for (position, misfit) in positions {
        items.insert(position.min(items.len()), misfit.clone());
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
    pub extra: Members,
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
            extra: Members::default(),
        }
    }
}

impl<T: Answer + Serialize> Answer for List<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Found<Self>, D::Error> {
        Ok(match Vec::decode(deserializer)? {
            Found::Partly(partly) => Found::Value(Self {
                items: partly.0,
                extra: partly.1.into(),
            }),
            Found::Other(Value::Array(misfits)) => Found::Value(Self {
                items: Vec::new(),
                extra: misfits
                    .into_iter()
                    .enumerate()
                    .map(|(position, misfit)| (position.to_string(), misfit))
                    .collect(),
            }),
            found => found.map(Into::into),
        })
    }

    fn blank(other: &Value) -> Option<Self> {
        Vec::blank(other).map(Into::into)
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

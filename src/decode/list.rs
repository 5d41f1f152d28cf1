//! Lists: the matching items, and the mismatched items by index.

use std::{
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor, value},
};
use serde_json::{Map, Value, value::RawValue};

use super::{
    Decoded, LenientDecode,
    object::{DecodeSeed, visit_scalars},
    odd_items,
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
    visit_scalars!(Vec<T>);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::with_capacity(list.size_hint().unwrap_or(0).min(4096));
        let mut mismatched_items = Vec::new();
        let retains_odd_items = odd_items::are_retained();
        while let Some(decoded) = next_item(&mut list, retains_odd_items)? {
            match decoded {
                // Handled separately because every further step would copy the item.
                Decoded::Complete(item) => items.push(item),
                decoded => match super::item_or_mismatch(decoded)? {
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
            _ => Decoded::Partial(Box::new((items, by_index(mismatched_items)))),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::MapAccessDeserializer::new(map)).map(Decoded::Mismatch)
    }
}

fn next_item<'de, A: SeqAccess<'de>, T: LenientDecode>(
    list: &mut A,
    retains_odd_items: bool,
) -> Result<Option<Decoded<T>>, A::Error> {
    if !retains_odd_items {
        return list.next_element_seed(DecodeSeed::new());
    }
    let item = list.next_element::<Box<RawValue>>()?;
    Ok(item.map(|item| odd_items::decode_item(&item)))
}

/// Returns the mismatched items with their indices as keys.
fn by_index(mismatched_items: Vec<(usize, Value)>) -> Map<String, Value> {
    let entry = |(index, mismatch): (usize, _)| (index.to_string(), mismatch);
    mismatched_items.into_iter().map(entry).collect()
}

/// Inserts the mismatched items at their indices; ignores them unless all keys are indices.
pub(super) fn merge_mismatched_items(
    mut items: Vec<Value>,
    mismatched_items: &Map<String, Value>,
) -> Value {
    let indexed = mismatched_items
        .iter()
        .map(|(index, mismatch)| Some((index.parse::<usize>().ok()?, mismatch)));
    let mut indexed: Vec<_> = indexed.collect::<Option<_>>().unwrap_or_default();
    indexed.sort_unstable_by_key(|(index, _)| *index);
    for (index, mismatch) in indexed {
        items.insert(index.min(items.len()), mismatch.clone());
    }
    items.into()
}

/// A response or union variant that is a bare list. Contains its mismatched items itself, because
/// it is not a field of an object with `extra`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// The items whose type did not match, by their index in the received list.
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

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
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
            Decoded::Partial(partial) => Decoded::Complete(Self {
                items: partial.0,
                extra: partial.1.into(),
            }),
            Decoded::Mismatch(Value::Array(mismatched_items)) => Decoded::Complete(Self {
                items: Vec::new(),
                extra: mismatched_items
                    .into_iter()
                    .enumerate()
                    .map(|(index, mismatch)| (index.to_string(), mismatch))
                    .collect(),
            }),
            decoded => decoded.map(Into::into),
        })
    }

    fn expected() -> &'static str {
        Vec::<T>::expected()
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
        super::merge_mismatched_items(items, &self.extra).serialize(serializer)
    }
}

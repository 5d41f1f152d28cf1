//! Maps: the matching values, and the mismatched values by key.

use std::{
    collections::{BTreeMap, btree_map},
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor, value},
};
use serde_json::{Value, value::RawValue};

use super::{
    Decoded, LenientDecode,
    object::{DecodeSeed, visit_scalars},
    odd_items,
};
use crate::JsonObject;

/// Decodes a map.
pub(super) struct MapVisitor<T>(PhantomData<T>);

impl<T> MapVisitor<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: LenientDecode + Serialize> Visitor<'de> for MapVisitor<T> {
    visit_scalars!(BTreeMap<String, T>);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut entries, mut mismatched_items) = (BTreeMap::new(), serde_json::Map::new());
        let retains_odd_items = odd_items::are_retained();
        while let Some(key) = map.next_key::<String>()? {
            // The last value of a repeated key wins.
            entries.remove(&key);
            mismatched_items.remove(&key);
            let decoded = match retains_odd_items {
                true => odd_items::decode_item(&map.next_value::<Box<RawValue>>()?),
                false => map.next_value_seed(DecodeSeed::<T>::new())?,
            };
            match decoded {
                Decoded::Null => {}
                decoded => match super::item_or_mismatch(decoded)? {
                    Ok(value) => drop(entries.insert(key, value)),
                    Err(mismatch) => drop(mismatched_items.insert(key, mismatch)),
                },
            }
        }
        Ok(match (entries.is_empty(), mismatched_items.is_empty()) {
            (_, true) => Decoded::Complete(entries),
            (true, _) => Decoded::Mismatch(mismatched_items.into()),
            _ => Decoded::Partial(Box::new((entries, mismatched_items))),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::SeqAccessDeserializer::new(list)).map(Decoded::Mismatch)
    }
}

/// A response that is a map. Contains its mismatched entries itself, because it is not a field of an
/// object with `extra`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Map<T> {
    /// The entries.
    pub entries: BTreeMap<String, T>,
    /// The entries whose type did not match.
    pub extra: JsonObject,
}

impl<T> Deref for Map<T> {
    type Target = BTreeMap<String, T>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl<T> DerefMut for Map<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.entries
    }
}

impl<T> IntoIterator for Map<T> {
    type Item = (String, T);
    type IntoIter = btree_map::IntoIter<String, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Map<T> {
    type Item = (&'a String, &'a T);
    type IntoIter = btree_map::Iter<'a, String, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl<T> From<BTreeMap<String, T>> for Map<T> {
    fn from(entries: BTreeMap<String, T>) -> Self {
        Self {
            entries,
            extra: JsonObject::default(),
        }
    }
}

impl<T: LenientDecode + Serialize> LenientDecode for Map<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decoded<Self>, D::Error> {
        Ok(match BTreeMap::decode(deserializer)? {
            Decoded::Partial(partial) => Decoded::Complete(Self {
                entries: partial.0,
                extra: partial.1.into(),
            }),
            Decoded::Mismatch(Value::Object(mismatched_items)) => Decoded::Complete(Self {
                entries: BTreeMap::new(),
                extra: mismatched_items.into(),
            }),
            decoded => decoded.map(Into::into),
        })
    }

    fn expected() -> &'static str {
        BTreeMap::<String, T>::expected()
    }
}

impl<'de, T: LenientDecode + Serialize> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::deserialize(deserializer)
    }
}

impl<T: Serialize> Serialize for Map<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.extra.is_empty() {
            return self.entries.serialize(serializer);
        }
        let entries = serde_json::to_value(&self.entries).map_err(serde::ser::Error::custom)?;
        super::merge_mismatched_items(entries, &self.extra).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Map;
    use crate::decode;

    #[test]
    fn a_map_with_mismatched_entries_keeps_the_others() {
        let body = json!({"a": 1, "b": {"c": 2}, "d": "3"});
        let map: Map<i64> = decode::from_slice(body.to_string().as_bytes()).unwrap();
        assert_eq!((map.len(), map["a"], map["d"]), (2, 1, 3));
        assert_eq!(map.extra["b"], json!({"c": 2}));
        let encoded = serde_json::to_value(&map).unwrap();
        assert_eq!(encoded, json!({"a": 1, "b": {"c": 2}, "d": 3}));
    }

    #[test]
    fn a_map_without_matching_entries_is_not_an_error() {
        let body = json!({"a": {"b": 1}});
        let map: Map<i64> = decode::from_slice(body.to_string().as_bytes()).unwrap();
        assert!(map.is_empty());
        assert_eq!(serde_json::to_value(&map).unwrap(), body);
        assert!(decode::from_slice::<Map<i64>>(b"7").is_err());
    }
}

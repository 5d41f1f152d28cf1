//! Maps: the entries that fit, and the others by their name.

use std::{collections::BTreeMap, marker::PhantomData};

use serde::{
    Deserialize, Serialize,
    de::{MapAccess, SeqAccess, Visitor, value},
};
use serde_json::{Map, Value};

use super::{
    Decoded, LenientDecode,
    object::{DecodeSeed, scalars},
};

/// Decodes a map.
pub(super) struct MapVisitor<T>(PhantomData<T>);

impl<T> MapVisitor<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: LenientDecode + Serialize> Visitor<'de> for MapVisitor<T> {
    scalars!(BTreeMap<String, T>);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut entries, mut mismatched_items) = (BTreeMap::new(), Map::new());
        while let Some(name) = map.next_key::<String>()? {
            // A name that stands twice: the last one counts.
            entries.remove(&name);
            mismatched_items.remove(&name);
            match map.next_value_seed(DecodeSeed::<T>::new())? {
                Decoded::Null => {}
                found => match super::item(found)? {
                    Ok(value) => drop(entries.insert(name, value)),
                    Err(mismatch) => drop(mismatched_items.insert(name, mismatch)),
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

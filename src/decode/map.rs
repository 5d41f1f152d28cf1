//! Maps: the matching values, and the mismatched values by key.

use std::{collections::BTreeMap, marker::PhantomData};

use serde::{
    Deserialize, Serialize,
    de::{MapAccess, SeqAccess, Visitor, value},
};
use serde_json::{Map, Value, value::RawValue};

use super::{
    Decoded, LenientDecode,
    object::{DecodeSeed, visit_scalars},
    odd_items,
};

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
        let (mut entries, mut mismatched_items) = (BTreeMap::new(), Map::new());
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

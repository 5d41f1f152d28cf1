//! Maps: the entries that fit, and the others by their name.

use std::{collections::BTreeMap, marker::PhantomData};

use serde::{
    Deserialize, Serialize,
    de::{MapAccess, SeqAccess, Visitor, value},
};
use serde_json::{Map, Value};

use super::{
    Answer, Found,
    object::{Seed, scalars},
};

/// Decodes a map.
pub(super) struct Entries<T>(PhantomData<T>);

impl<T> Entries<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Answer + Serialize> Visitor<'de> for Entries<T> {
    scalars!(BTreeMap<String, T>);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut entries, mut misfits) = (BTreeMap::new(), Map::new());
        while let Some(name) = map.next_key::<String>()? {
            // A name that stands twice: the last one counts.
            entries.remove(&name);
            misfits.remove(&name);
            match map.next_value_seed(Seed::<T>::new())? {
                Found::Nothing => {}
                found => match super::item(found)? {
                    Ok(value) => drop(entries.insert(name, value)),
                    Err(misfit) => drop(misfits.insert(name, misfit)),
                },
            }
        }
        Ok(match (entries.is_empty(), misfits.is_empty()) {
            (_, true) => Found::Value(entries),
            (true, _) => Found::Other(misfits.into()),
            _ => Found::Partly(Box::new((entries, misfits))),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(value::SeqAccessDeserializer::new(list)).map(Found::Other)
    }
}

//! The items of a list that could not be decoded.

use std::fmt;

use serde_json::Value;

use super::MismatchedItem;
use crate::{
    decode::{self, LenientDecode},
    error::DecodeError,
};

/// An item of a list that could not be decoded, for example because a required field is missing.
///
/// See the guide: [lists](crate::guide::lists).
#[derive(Clone)]
pub struct SkippedItem {
    position: usize,
    value: Value,
    reason: String,
}

impl SkippedItem {
    pub(super) fn new<T: LenientDecode>(item: MismatchedItem<'_>) -> Self {
        Self {
            position: item.position,
            value: item.value.clone(),
            reason: reason::<T>(item.value).without_names().to_string(),
        }
    }

    /// Returns the position of the item in the received list, from 0.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns the item as it was received, except for secrets.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Converts into the item as it was received, except for secrets.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Returns why the item could not be decoded, such as ``missing field `id` ``. Contains neither a
    /// value nor a name that is not part of the schema.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Returns the error of decoding an item. The error is not stored with the item, because an item is
/// encoded as it was received.
pub(super) fn reason<T: LenientDecode>(item: &Value) -> DecodeError {
    match decode::from_slice::<T>(item.to_string().as_bytes()) {
        Err(error) => error.without_position(),
        Ok(_) => DecodeError::at(String::new(), format_args!("expected {}", T::expected())),
    }
}

/// Shows position and reason. Omits the value, because it may contain secrets.
impl fmt::Debug for SkippedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SkippedItem")
            .field("position", &self.position)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::SkippedItem;
    use crate::{
        JsonObject,
        decode::{self, response_object},
        pagination::{Paged, paged},
    };

    #[derive(Debug, Clone, PartialEq)]
    struct Thing {
        id: String,
        parts: BTreeMap<String, Thing>,
        extra: JsonObject,
    }

    #[derive(Debug, Clone, PartialEq)]
    struct ThingList {
        data: Vec<Thing>,
        extra: JsonObject,
    }

    response_object! {
        Thing { id "id" required String, parts "parts" or_default BTreeMap<String, Thing>, }
    }

    response_object! {
        ThingList { data "data" or_default Vec<Thing>, }
    }

    paged! { ThingList of Thing, by id, in data "data" }

    #[test]
    fn reasons_contain_no_names_and_values_of_the_item() {
        let body = json!({"data": [
            {"id": "one"},
            {"canary": "canary"},
            {"id": {"canary": "canary"}},
            {"id": "two", "parts": {"canary": {"canary": "canary"}}},
            {"canary": {"canary": ["canary"]}, "parts": {"a": {"id": "b", "parts": {"canary": {}}}}},
            "canary",
        ]});
        let list: ThingList = decode::from_slice(body.to_string().as_bytes()).unwrap();
        let skipped = list.skipped_items();
        let shown = format!("{skipped:?}");
        assert!(!shown.contains("canary"), "{shown}");
        let reasons: Vec<&str> = skipped.iter().map(SkippedItem::reason).collect();
        assert!(reasons.contains(&"missing field `id`"), "{reasons:?}");
        assert!(skipped.len() >= 4, "{shown}");
    }
}

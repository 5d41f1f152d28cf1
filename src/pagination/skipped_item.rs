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
            reason: reason::<T>(item.value).to_string(),
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

    /// Returns why the item could not be decoded, such as ``missing field `id` ``. Contains no value.
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

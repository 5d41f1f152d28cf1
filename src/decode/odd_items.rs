//! Items of lists and maps that cannot be decoded.
//!
//! An item without a required field is an error in the middle of the body, after which the parser
//! cannot continue. A body that failed to decode is therefore decoded a second time, with each item
//! parsed as raw JSON first, so that an error concerns the item only.

use std::cell::Cell;

use serde_json::{Value, value::RawValue};

use super::{Decoded, LenientDecode};

thread_local! {
    /// Whether odd items are retained. Not a parameter, because decoding with another deserializer
    /// or type would compile every response a second time.
    static RETAINED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `decode`, which returns immediately, such that lists and maps retain the items that cannot
/// be decoded as mismatched items.
pub(crate) fn retaining_odd_items<T>(decode: impl FnOnce() -> T) -> T {
    struct Restore(bool);

    impl Drop for Restore {
        fn drop(&mut self) {
            RETAINED.set(self.0);
        }
    }

    let _restore = Restore(RETAINED.replace(true));
    decode()
}

/// Whether lists and maps parse their items as raw JSON first.
pub(super) fn are_retained() -> bool {
    RETAINED.get()
}

/// Decodes an item; an item that cannot be decoded is a mismatch.
pub(super) fn decode_item<T: LenientDecode>(json: &RawValue) -> Decoded<T> {
    let decoded = T::decode(&mut serde_json::Deserializer::from_str(json.get()));
    decoded.unwrap_or_else(|_| {
        let value = serde_json::from_str(json.get());
        Decoded::Mismatch(value.unwrap_or_else(|_| Value::from(json.get())))
    })
}

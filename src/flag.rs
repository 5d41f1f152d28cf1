//! Booleans that requests send as 0 or 1.

use serde::{Serialize, Serializer};

/// Serializes a `bool` or an `Option<bool>`.
pub(crate) fn serialize<S: Serializer>(
    flag: &(impl Copy + Into<Option<bool>>),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let flag: Option<bool> = (*flag).into();
    flag.map(u8::from).serialize(serializer)
}

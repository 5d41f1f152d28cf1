//! Questions about the fields of a body.

use serde_json::Value;

/// Nothing, or what is wrong.
pub(super) type Checked = Result<(), String>;

/// Whether a field has a value, be it an empty one.
pub(super) fn has(holder: &Value, field: &str) -> bool {
    !holder[field].is_null()
}

/// Whether a field has a value other than an empty text.
pub(super) fn is_given(holder: &Value, field: &str) -> bool {
    has(holder, field) && holder[field] != ""
}

/// A field without which `what` is refused.
pub(super) fn given(body: &Value, field: &str, what: &str) -> Checked {
    if is_given(body, field) {
        Ok(())
    } else {
        Err(format!("`{field}` is required for {what}"))
    }
}

/// A list that is sent must have an item.
pub(super) fn not_empty(body: &Value, field: &str) -> Checked {
    match body[field].as_array() {
        Some(items) if items.is_empty() => Err(format!("`{field}` must not be empty")),
        _ => Ok(()),
    }
}

/// The items of a list, with their positions; none where it is absent.
pub(super) fn items<'v>(
    holder: &'v Value,
    field: &str,
) -> impl Iterator<Item = (usize, &'v Value)> {
    holder[field].as_array().into_iter().flatten().enumerate()
}

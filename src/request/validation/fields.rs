//! Checks of single fields.

use serde_json::Value;

/// `Ok`, or a message that names the invalid field.
pub(super) type ValidationResult = Result<(), String>;

/// Whether a field is present and not `null`.
pub(super) fn has_value(parent: &Value, field: &str) -> bool {
    !parent[field].is_null()
}

/// Whether a field is present and neither `null` nor an empty string.
pub(super) fn has_non_empty_value(parent: &Value, field: &str) -> bool {
    has_value(parent, field) && parent[field] != ""
}

/// Requires a non-empty value. `purpose` completes the message "`field` is required for …".
pub(super) fn require(body: &Value, field: &str, purpose: &str) -> ValidationResult {
    if has_non_empty_value(body, field) {
        Ok(())
    } else {
        Err(format!("`{field}` is required for {purpose}"))
    }
}

/// Rejects an empty list. The list may be absent.
pub(super) fn require_non_empty_list(body: &Value, field: &str) -> ValidationResult {
    match body[field].as_array() {
        Some(items) if items.is_empty() => Err(format!("`{field}` must contain at least one item")),
        _ => Ok(()),
    }
}

/// Returns the items of a list with their indices; no items if the list is absent.
pub(super) fn items<'v>(
    parent: &'v Value,
    field: &str,
) -> impl Iterator<Item = (usize, &'v Value)> {
    parent[field].as_array().into_iter().flatten().enumerate()
}

//! Validation of usage and rate limits.

use serde_json::Value;

use crate::error::ApiError;

/// Rejects a list with more than one limit, and an alert threshold above the limit. Limits are an
/// object or a list of objects.
pub(crate) fn validate_usage_limits(limits: &Value, field_path: &str) -> Result<(), ApiError> {
    let list = match limits {
        Value::Array(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    };
    for (index, entry) in list.iter().enumerate() {
        let alert = entry["alert_threshold"].as_f64();
        let limit = entry["credit_limit"].as_f64();
        if let (Some(alert), Some(limit)) = (alert, limit)
            && alert > limit
        {
            let field_path = match limits {
                Value::Array(_) => format!("{field_path}/{index}/alert_threshold"),
                _ => format!("{field_path}/alert_threshold"),
            };
            return Err(ApiError::invalid_field(
                &field_path,
                "must not exceed `credit_limit`",
            ));
        }
    }
    validate_single_limit(limits, field_path)
}

/// Rejects a list with more than one limit.
pub(crate) fn validate_single_limit(limits: &Value, field_path: &str) -> Result<(), ApiError> {
    match limits.as_array().is_some_and(|list| list.len() > 1) {
        true => Err(ApiError::invalid_field(
            field_path,
            "must contain at most one limit",
        )),
        false => Ok(()),
    }
}

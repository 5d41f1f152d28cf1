//! Checks of usage limits, which many requests contain.

use serde_json::Value;

use super::fields::{ValidationResult, has_value, items};

/// Checks the list of usage limits in `parent`. `prefix` is the path of `parent` in messages.
pub(super) fn check_usage_limits_list(parent: &Value, prefix: &str) -> ValidationResult {
    items(parent, "usage_limits").try_for_each(|(index, limits)| {
        check_usage_limits(limits, &format!("{prefix}usage_limits[{index}]."))
    })
}

/// `periodic_reset` and `periodic_reset_days` are mutually exclusive (according to the OpenAPI
/// document). The alert threshold is an amount in the unit of the limit and at most the limit
/// (M007).
pub(super) fn check_usage_limits(limits: &Value, prefix: &str) -> ValidationResult {
    if has_value(limits, "periodic_reset") && has_value(limits, "periodic_reset_days") {
        return Err(format!(
            "`{prefix}periodic_reset` and `{prefix}periodic_reset_days` are mutually exclusive"
        ));
    }
    match ["alert_threshold", "credit_limit"].map(|field| limits[field].as_f64()) {
        [Some(alert), Some(credit)] if alert > credit => Err(format!(
            "`{prefix}alert_threshold` must be at most `{prefix}credit_limit` ({credit}), got {alert}"
        )),
        _ => Ok(()),
    }
}

//! Usage limits, which many requests carry.

use serde_json::Value;

use super::fields::{Checked, has, items};

/// The usage limits of a holder that has a list of them. `place` goes before names in a message.
pub(super) fn each_usage_limits(holder: &Value, place: &str) -> Checked {
    items(holder, "usage_limits").try_for_each(|(index, limits)| {
        usage_limits(limits, &format!("{place}usage_limits[{index}]."))
    })
}

/// A reset by the calendar and one every so many days exclude each other (the document). The alert
/// comes at an amount in the unit of the limit, not beyond it (M007).
pub(super) fn usage_limits(limits: &Value, place: &str) -> Checked {
    if has(limits, "periodic_reset") && has(limits, "periodic_reset_days") {
        return Err(format!(
            "`{place}periodic_reset` and `{place}periodic_reset_days` exclude each other"
        ));
    }
    match ["alert_threshold", "credit_limit"].map(|field| limits[field].as_f64()) {
        [Some(alert), Some(credit)] if alert > credit => Err(format!(
            "`{place}alert_threshold` is {alert}, more than `{place}credit_limit`, which is {credit}"
        )),
        _ => Ok(()),
    }
}

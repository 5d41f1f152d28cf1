//! What usage limits have to fulfil, wherever they are set.

use serde_json::Value;

use crate::reply::Refusal;

/// Refuses a list of limits with more than one, and an alert beyond the limit. Limits are an object,
/// or a list of them.
pub(crate) fn check_usage(limits: &Value, place: &str) -> Result<(), Refusal> {
    let list = match limits {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    for (index, limit) in list.iter().enumerate() {
        let alert = limit["alert_threshold"].as_f64();
        let most = limit["credit_limit"].as_f64();
        if let (Some(alert), Some(most)) = (alert, most)
            && alert > most
        {
            let place = match limits {
                Value::Array(_) => format!("{place}/{index}/alert_threshold"),
                _ => format!("{place}/alert_threshold"),
            };
            return Err(Refusal::invalid_field(&place, "is above `credit_limit`"));
        }
    }
    check_one(limits, place)
}

/// Refuses a list of limits with more than one.
pub(crate) fn check_one(limits: &Value, place: &str) -> Result<(), Refusal> {
    match limits.as_array().is_some_and(|list| list.len() > 1) {
        true => Err(Refusal::invalid_field(place, "holds at most one limit")),
        false => Ok(()),
    }
}

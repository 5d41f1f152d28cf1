//! Groups of logs, and values of metadata: those of analytics, under other paths.
//!
//! The query parameters are not documented; the emulator accepts those of analytics, also in camel
//! case, as another deployment of the backend names them.

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::handlers::analytics::groups;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;

pub(super) fn by_dimension(state: &State, call: &Call) -> HandlerResult {
    groups::by_dimension(state, &with_analytics_query(call)).map(with_quota)
}

pub(super) fn by_metadata(state: &State, call: &Call) -> HandlerResult {
    groups::by_metadata(state, &with_analytics_query(call)).map(with_quota)
}

pub(super) fn metadata_values(state: &State, call: &Call) -> HandlerResult {
    groups::metadata_values(state, &with_analytics_query(call))
}

/// The quota of logs is never exceeded.
fn with_quota(response: ResponseBody) -> ResponseBody {
    response.with_field("is_quota_exceeded", json!(false))
}

/// Converts the names of query parameters to snake case, and bounds and flags to JSON.
fn with_analytics_query(call: &Call) -> Call {
    let query: Map<String, Value> = call
        .query
        .iter()
        .map(|(name, value)| {
            let name = snake_case(name);
            let value = match value.as_str() {
                Some(text) if !name.starts_with("time_") => converted(&name, text),
                _ => None,
            }
            .unwrap_or_else(|| value.clone());
            (name, value)
        })
        .collect();
    Call {
        query,
        ..call.clone()
    }
}

fn converted(name: &str, text: &str) -> Option<Value> {
    let is_number = name.ends_with("_min") || name.ends_with("_max");
    match is_number || name == "include_total" {
        true => serde_json::from_str(text).ok(),
        false => None,
    }
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

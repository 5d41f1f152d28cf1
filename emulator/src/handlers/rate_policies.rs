//! Operations on rate-limit policies.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::policies::Policy;
use crate::state::rate_policies::RatePolicy;
use crate::state::table::Row;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_rate_limits_policies", Read(list)),
    ("get_rate_limits_policy", Read(get)),
    ("create_rate_limits_policy", Write(create)),
    ("update_rate_limits_policy", Write(update)),
    ("delete_rate_limits_policy", Write(delete)),
]);

impl RatePolicy {
    fn json(&self, state: &State) -> Value {
        let mut body = self.policy.json(state);
        body["unit"] = json!(self.unit);
        body["value"] = json!(self.value);
        body
    }
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let policies = state.rate_policies.list_for(call);
    let matching = policies.filter(|rate_policy| {
        rate_policy.policy.matches_query(call) && call.matches_filter("unit", &rate_policy.unit)
    });
    Ok(call.page(matching, |rate_policy| rate_policy.json(state)))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let rate_policy = state.rate_policies.find(call.path_param(0), call)?;
    if !rate_policy.policy.matches_query(call) {
        return Err(ApiError::not_found(RatePolicy::NAME));
    }
    Ok(ResponseBody::json(rate_policy.json(state)))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let rate_policy = RatePolicy {
        policy: Policy::new(call)?,
        unit: call.required_str("unit")?.to_owned(),
        value: call.body_value("value").as_f64().unwrap_or(0.0),
    };
    let body = json!({"id": rate_policy.policy.id, "object": "policy"});
    state.rate_policies.put(rate_policy);
    Ok(ResponseBody::json(body))
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut rate_policy = state.rate_policies.find(call.path_param(0), call)?.clone();
    rate_policy.policy.apply(call);
    if let Some(unit) = call.body_str("unit") {
        rate_policy.unit = unit.to_owned();
    }
    if let Some(value) = call.body_value("value").as_f64() {
        rate_policy.value = value;
    }
    state.rate_policies.put(rate_policy);
    Ok(ResponseBody::empty_object())
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = state
        .rate_policies
        .find(call.path_param(0), call)?
        .policy
        .id
        .clone();
    state.rate_policies.remove(&id);
    Ok(ResponseBody::empty_object())
}

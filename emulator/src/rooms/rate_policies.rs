//! Rate-limit policies. They are kept; nothing is slowed down.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Handler::{Read, Write};
use super::policies::Policy;
use super::{Room, State};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Item, Shelf};

pub(crate) const ROOM: Room = Room {
    forget_workspace: |state, workspace| state.rate_policies.forget_workspace(workspace),
    ..Room::of(&[
        ("list_rate_limits_policies", Read(list)),
        ("get_rate_limits_policy", Read(get)),
        ("create_rate_limits_policy", Write(create)),
        ("update_rate_limits_policy", Write(update)),
        ("delete_rate_limits_policy", Write(delete)),
    ])
};

pub(crate) type RatePolicies = Shelf<RatePolicy>;

/// How much each group of requests may use in a unit of time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RatePolicy {
    policy: Policy,
    unit: String,
    value: f64,
}

impl Item for RatePolicy {
    const NAME: &'static str = "rate limits policy";

    fn id(&self) -> &str {
        &self.policy.id
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.policy.workspace_id)
    }
}

impl RatePolicy {
    fn json(&self, state: &State) -> Value {
        let mut body = self.policy.json(state);
        body["unit"] = json!(self.unit);
        body["value"] = json!(self.value);
        body
    }
}

fn list(state: &State, call: &Call) -> Answer {
    let policies = state.rate_policies.listed(call);
    let wanted =
        policies.filter(|own| own.policy.is_asked_for(call) && call.admits("unit", &own.unit));
    Ok(call.page(wanted, |own| own.json(state)))
}

fn get(state: &State, call: &Call) -> Answer {
    let own = state.rate_policies.find(call.id(0), call)?;
    if !own.policy.is_asked_for(call) {
        return Err(Refusal::missing(RatePolicy::NAME));
    }
    Ok(Reply::json(own.json(state)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let own = RatePolicy {
        policy: Policy::new(call)?,
        unit: call.required("unit")?.to_owned(),
        value: call.value("value").as_f64().unwrap_or(0.0),
    };
    let body = json!({"id": own.policy.id, "object": "policy"});
    state.rate_policies.put(own);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut own = state.rate_policies.find(call.id(0), call)?.clone();
    own.policy.apply(call);
    if let Some(unit) = call.text("unit") {
        own.unit = unit.to_owned();
    }
    if let Some(value) = call.value("value").as_f64() {
        own.value = value;
    }
    state.rate_policies.put(own);
    Ok(Reply::done())
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let id = state
        .rate_policies
        .find(call.id(0), call)?
        .policy
        .id
        .clone();
    state.rate_policies.remove(&id);
    Ok(Reply::done())
}

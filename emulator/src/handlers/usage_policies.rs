//! Operations on usage-limit policies.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::call::{Call, timestamp};
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::logs::attributes::LogAttributes;
use crate::state::policies::Policy;
use crate::state::table::Row;
use crate::state::usage::{ResetSchedule, UsageCounter};
use crate::state::usage_policies::UsagePolicy;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_usage_limits_policies", Read(list)),
    ("get_usage_limits_policy", Read(get)),
    ("create_usage_limits_policy", Write(create)),
    ("update_usage_limits_policy", Write(update)),
    ("delete_usage_limits_policy", Write(delete)),
    ("list_usage_limits_policy_entities", Read(list_entities)),
    ("reset_usage_limits_policy_entity", Write(reset_entity)),
]);

impl UsagePolicy {
    fn json(&self, state: &State, now: DateTime<Utc>) -> Value {
        let mut body = self.policy.json(state);
        let period = match self.reset_schedule {
            ResetSchedule::Weekly => Some("weekly"),
            ResetSchedule::Monthly => Some("monthly"),
            ResetSchedule::Never | ResetSchedule::Days(_) => None,
        };
        let days = match self.reset_schedule {
            ResetSchedule::Days(days) => Some(days),
            _ => None,
        };
        let next = days.and_then(|_| self.reset_schedule.period(self.created_at, now));
        body["credit_limit"] = json!(self.credit_limit);
        body["alert_threshold"] = json!(self.alert_threshold);
        body["periodic_reset"] = json!(period);
        body["periodic_reset_days"] = json!(days);
        body["last_reset_at"] = json!(self.last_reset(now).map(timestamp));
        body["next_usage_reset_at"] = json!(next.map(|(_, end)| timestamp(end)));
        body
    }
}

/// Counts a logged request for every policy that applies to it.
pub(crate) fn record_usage(
    state: &mut State,
    workspace: &str,
    attributes: &LogAttributes,
    call: &Call,
) {
    let policies = state.usage_policies.in_workspace(workspace);
    let groups: Vec<(String, String)> = policies
        .iter()
        .filter_map(|limits_policy| {
            let group = limits_policy.policy.group(state, workspace, attributes)?;
            Some((limits_policy.policy.id.clone(), group))
        })
        .collect();
    for (id, group) in groups {
        let record =
            |limits_policy: &mut UsagePolicy| limits_policy.record(group, attributes, call);
        state.usage_policies.update(&id, record);
    }
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let policies = state.usage_policies.list_for(call);
    let matching = policies.filter(|limits_policy| limits_policy.policy.matches_query(call));
    Ok(call.page(matching, |limits_policy| {
        limits_policy.json(state, call.now)
    }))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let limits_policy = state.usage_policies.find(call.path_param(0), call)?;
    if !limits_policy.policy.matches_query(call) {
        return Err(ApiError::not_found(UsagePolicy::NAME));
    }
    let mut body = limits_policy.json(state, call.now);
    if call.query.get("include_usage") == Some(&json!(true)) {
        body["value_key_usage_map"] = limits_policy.usage_map(call.now);
    }
    Ok(ResponseBody::json(body))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let mut limits_policy = UsagePolicy {
        policy: Policy::new(call)?,
        credit_limit: 0.0,
        alert_threshold: None,
        reset_schedule: ResetSchedule::Never,
        created_at: call.now,
        entities: BTreeMap::new(),
    };
    limits_policy.apply(call)?;
    let body = json!({"id": limits_policy.policy.id, "object": "policy"});
    state.usage_policies.put(limits_policy);
    Ok(ResponseBody::json(body))
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut limits_policy = state.usage_policies.find(call.path_param(0), call)?.clone();
    limits_policy.apply(call)?;
    if let Some(group) = call.body_str("reset_usage_for_value") {
        let entity = limits_policy.entities.get_mut(group).ok_or_else(|| {
            ApiError::invalid_field("reset_usage_for_value", "is not a group of this policy")
        })?;
        entity.usage = UsageCounter::default();
    }
    limits_policy.policy.apply(call);
    state.usage_policies.put(limits_policy);
    Ok(ResponseBody::empty_object())
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = state
        .usage_policies
        .find(call.path_param(0), call)?
        .policy
        .id
        .clone();
    state.usage_policies.remove(&id);
    Ok(ResponseBody::empty_object())
}

fn list_entities(state: &State, call: &Call) -> HandlerResult {
    let limits_policy = state.usage_policies.find(call.path_param(0), call)?;
    let search = call.query_param("search").unwrap_or_default();
    let matching = limits_policy.entities.iter().filter_map(|(group, entity)| {
        let usage = limits_policy.usage(entity, call.now);
        let matches = group.contains(search)
            && call.matches_filter("status", limits_policy.entity_status(usage));
        matches.then_some((group, &entity.id, usage))
    });
    let rows: Vec<_> = matching.collect();
    Ok(call.page(
        rows,
        |(group, id, usage)| json!({"id": id, "value_key": group, "current_usage": usage}),
    ))
}

fn reset_entity(state: &mut State, call: &Call) -> HandlerResult {
    let mut limits_policy = state.usage_policies.find(call.path_param(0), call)?.clone();
    let mut entities = limits_policy.entities.values_mut();
    let entity = entities.find(|entity| entity.id == call.path_param(1));
    entity.ok_or_else(|| ApiError::not_found("entity"))?.usage = UsageCounter::default();
    state.usage_policies.put(limits_policy);
    Ok(ResponseBody::empty_object())
}

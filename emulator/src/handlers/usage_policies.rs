//! Operations on usage-limit policies.

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::plain;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::logs::attributes::LogAttributes;
use crate::state::usage::UsageCounter;
use crate::state::usage_policies::UsagePolicy;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    (
        "list_usage_limits_policies",
        Read(plain::list::<UsagePolicy>),
    ),
    ("get_usage_limits_policy", Read(plain::get::<UsagePolicy>)),
    (
        "create_usage_limits_policy",
        Write(plain::create::<UsagePolicy>),
    ),
    (
        "update_usage_limits_policy",
        Write(plain::update::<UsagePolicy>),
    ),
    (
        "delete_usage_limits_policy",
        Write(plain::delete::<UsagePolicy>),
    ),
    ("list_usage_limits_policy_entities", Read(list_entities)),
    ("reset_usage_limits_policy_entity", Write(reset_entity)),
]);

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
            let group = limits_policy.policy.group(
                &state.organisation,
                &state.logs.strings,
                workspace,
                attributes,
            )?;
            Some((limits_policy.policy.id.clone(), group))
        })
        .collect();
    for (id, group) in groups {
        let record =
            |limits_policy: &mut UsagePolicy| limits_policy.record(group, attributes, call);
        state.usage_policies.update(&id, record);
    }
}

fn list_entities(state: &State, call: &Call) -> HandlerResult {
    let limits_policy = state.usage_policies.find_by_path(call)?;
    let search = call.query_param("search").unwrap_or_default();
    let matching = limits_policy.entities.iter().filter_map(|(group, entity)| {
        let usage = limits_policy.usage(entity, call.now);
        let matches = group.contains(search)
            && call.matches_filter("status", limits_policy.entity_status(usage));
        matches.then_some((group, entity, usage))
    });
    let rows: Vec<_> = matching.collect();
    Ok(call.page(rows, |(group, entity, usage)| {
        limits_policy.entity_json(group, entity, usage)
    }))
}

fn reset_entity(state: &mut State, call: &Call) -> HandlerResult {
    let mut limits_policy = state.usage_policies.find_by_path(call)?.clone();
    let mut entities = limits_policy.entities.values_mut();
    let entity = entities.find(|entity| entity.id == call.path_param(1));
    entity.ok_or_else(|| ApiError::not_found("entity"))?.usage = UsageCounter::default();
    state.usage_policies.put(limits_policy);
    Ok(ResponseBody::empty_object())
}

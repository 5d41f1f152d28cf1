//! Operations on the workspaces that are excluded from the organisation's default guardrails.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::guardrails::exclusions::Excluded;

/// Returns all workspaces and whether each is excluded.
fn json(state: &State, excluded: &Excluded) -> Value {
    let entries = state.workspaces.iter().map(|workspace| {
        json!({"workspace_id": workspace.id, "excluded": excluded.contains(&workspace.id)})
    });
    json!({"workspaces": entries.collect::<Vec<Value>>()})
}

/// Returns the excluded workspaces after an update request.
fn apply_changes(state: &State, call: &Call, current: &Excluded) -> Result<Excluded, ApiError> {
    state.organisation.reject_other_organisation(call)?;
    let mut excluded = match call.body_value("override_existing") == true {
        true => Excluded::new(),
        false => current.clone(),
    };
    for (index, item) in call.body_items("workspaces").iter().enumerate() {
        let key = item["workspace_id"].as_str().unwrap_or_default();
        let workspace = state.workspaces.resolve(key, &call.caller).map_err(|_| {
            let field_path = format!("workspaces/{index}/workspace_id");
            ApiError::invalid_field(&field_path, "is not the id or slug of a workspace")
        })?;
        if item["excluded"] == true {
            excluded.insert(workspace);
        } else {
            excluded.remove(&workspace);
        }
    }
    Ok(excluded)
}

pub(super) fn list_input(state: &State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let excluded = &state.guardrails.exclusions.input;
    respond(json(state, excluded))
}

pub(super) fn list_output(state: &State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let excluded = &state.guardrails.exclusions.output;
    respond(json(state, excluded))
}

pub(super) fn update_input(state: &mut State, call: &Call) -> HandlerResult {
    let excluded = apply_changes(state, call, &state.guardrails.exclusions.input)?;
    let body = json(state, &excluded);
    state.guardrails.exclusions.input = excluded;
    respond(body)
}

pub(super) fn update_output(state: &mut State, call: &Call) -> HandlerResult {
    let excluded = apply_changes(state, call, &state.guardrails.exclusions.output)?;
    let body = json(state, &excluded);
    state.guardrails.exclusions.output = excluded;
    respond(body)
}

//! The workspaces that the organisation's default guardrails leave out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::{State, workspaces};

/// The UUIDs of the workspaces that are left out.
type Excluded = BTreeSet<String>;

/// Who is left out of what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Exclusions {
    input: Excluded,
    output: Excluded,
}

impl Exclusions {
    pub(super) fn forget(&mut self, workspace: &str) {
        self.input.remove(workspace);
        self.output.remove(workspace);
    }
}

/// Every workspace, and whether it is left out.
fn json(state: &State, excluded: &Excluded) -> Value {
    let entries = state.workspaces.iter().map(|workspace| {
        json!({"workspace_id": workspace.id, "excluded": excluded.contains(&workspace.id)})
    });
    json!({"workspaces": entries.collect::<Vec<Value>>()})
}

/// What a request makes of those that are left out.
fn changed(state: &State, call: &Call, before: &Excluded) -> Result<Excluded, Refusal> {
    state.organisation.refuse_other(call)?;
    let mut excluded = match call.value("override_existing") == true {
        true => Excluded::new(),
        false => before.clone(),
    };
    for (index, given) in call.items("workspaces").iter().enumerate() {
        let key = given["workspace_id"].as_str().unwrap_or_default();
        let workspace = workspaces::resolve(state, key, &call.caller).map_err(|_| {
            let place = format!("workspaces/{index}/workspace_id");
            Refusal::invalid_field(&place, "is no workspace")
        })?;
        if given["excluded"] == true {
            excluded.insert(workspace);
        } else {
            excluded.remove(&workspace);
        }
    }
    Ok(excluded)
}

pub(super) fn list_input(state: &State, call: &Call) -> Answer {
    state.organisation.refuse_other(call)?;
    let excluded = &state.guardrails.exclusions.input;
    Ok(Reply::json(json(state, excluded)))
}

pub(super) fn list_output(state: &State, call: &Call) -> Answer {
    state.organisation.refuse_other(call)?;
    let excluded = &state.guardrails.exclusions.output;
    Ok(Reply::json(json(state, excluded)))
}

pub(super) fn update_input(state: &mut State, call: &Call) -> Answer {
    let excluded = changed(state, call, &state.guardrails.exclusions.input)?;
    let body = json(state, &excluded);
    state.guardrails.exclusions.input = excluded;
    Ok(Reply::json(body))
}

pub(super) fn update_output(state: &mut State, call: &Call) -> Answer {
    let excluded = changed(state, call, &state.guardrails.exclusions.output)?;
    let body = json(state, &excluded);
    state.guardrails.exclusions.output = excluded;
    Ok(Reply::json(body))
}

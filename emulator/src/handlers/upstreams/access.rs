//! Operations on the workspaces that may use an MCP or agent integration.

use serde_json::{Value, json};

use crate::call::Call;
use crate::handlers::upstreams::{Operations, integrations};
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::access_list::WorkspaceAccess;
use crate::state::upstreams::access::{Times, set_access};

impl WorkspaceAccess<Times> {
    /// Returns the entry; `id` is the UUID of the workspace for organisation keys, else its slug.
    fn json(&self, state: &State, call: &Call) -> Value {
        let slug = state.workspaces.get(&self.workspace_id);
        let slug = slug.filter(|_| !call.caller.is_organisation_key());
        let id = slug.map_or(&self.workspace_id, |workspace| &workspace.slug);
        json!({
            "id": id,
            "enabled": self.enabled,
            "status": "active",
            "created_at": self.settings.created_at,
            "last_updated_at": self.settings.last_updated_at,
        })
    }
}

/// With the query parameter `version`, the list is named `data` and has a `total`.
pub(in crate::handlers) fn list<P: Operations>(state: &State, call: &Call) -> HandlerResult {
    let access = &integrations::find::<P>(state, call)?.access;
    let visible = access
        .entries
        .iter()
        .filter(|entry| call.caller.can_see(&entry.workspace_id));
    let workspaces: Vec<Value> = visible.map(|entry| entry.json(state, call)).collect();
    respond(match call.query.contains_key("version") {
        true => json!({
            "object": "list",
            "total": workspaces.len(),
            "data": workspaces,
            "global_workspace_access": access.global,
        }),
        false => json!({
            "object": "integration",
            "workspaces": workspaces,
            "global_workspace_access": access.global,
        }),
    })
}

/// An item is an object with `id` and `enabled` or, for agents, the id of a workspace that gains access.
pub(in crate::handlers) fn update<P: Operations>(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = integrations::find_editable::<P>(state, call)?.clone();
    integration.access.apply_global(call);
    for (index, item) in call.body_items("workspaces").iter().enumerate() {
        let (key, field_path, enabled) = match item {
            Value::String(_) => (item, format!("workspaces/{index}"), true),
            item => {
                let field_path = format!("workspaces/{index}/id");
                (&item["id"], field_path, item["enabled"] == true)
            }
        };
        let workspace = state.workspaces.resolve_field(key, &field_path, call)?;
        set_access(
            &mut integration.access,
            &workspace,
            enabled,
            &call.timestamp(),
        );
    }
    integrations::put::<P>(state, integration);
    Ok(ResponseBody::empty_object())
}

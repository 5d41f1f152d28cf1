//! Operations on the workspaces that may use an MCP integration.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::mcp::integrations;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::mcp::access::WorkspaceAccess;

impl WorkspaceAccess {
    /// Returns the entry; `id` is the UUID of the workspace for organisation keys, else its slug.
    fn json(&self, state: &State, call: &Call) -> Value {
        let slug = state.workspaces.get(&self.workspace_id);
        let slug = slug.filter(|_| !call.caller.is_organisation_key());
        let id = slug.map_or(&self.workspace_id, |workspace| &workspace.slug);
        json!({
            "id": id,
            "enabled": self.enabled,
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
        })
    }
}

/// With the query parameter `version`, the list is named `data` and has a `total`.
pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let access = &integrations::find(state, call)?.access;
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

pub(super) fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = integrations::find_editable(state, call)?.clone();
    if let Some(global) = call.body_field("global_workspace_access") {
        integration.access.global = global.clone();
        if call.body_value("override_existing_workspace_access") == true {
            integration.access.entries.clear();
        }
    }
    for (index, item) in call.body_items("workspaces").iter().enumerate() {
        let key = item["id"].as_str().unwrap_or_default();
        let workspace = state.workspaces.resolve(key, &call.caller).map_err(|_| {
            ApiError::invalid_field(
                &format!("workspaces/{index}/id"),
                "is not the id or slug of a workspace",
            )
        })?;
        let enabled = item["enabled"] == true;
        integration
            .access
            .set(&workspace, enabled, &call.timestamp());
    }
    state.mcp.integrations.put(integration);
    Ok(ResponseBody::empty_object())
}

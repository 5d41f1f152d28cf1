//! The workspaces that may use an MCP integration.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::integrations;
use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::{State, workspaces};
use crate::response::{HandlerResult, ResponseBody};

/// The access of workspaces to an MCP integration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Access {
    /// The setting for workspaces without an entry, as received; null if it was never set.
    pub(super) global: Value,
    entries: Vec<WorkspaceAccess>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct WorkspaceAccess {
    workspace_id: String,
    enabled: bool,
    created_at: String,
    last_updated_at: String,
}

impl Access {
    pub(super) fn allows(&self, workspace: &str) -> bool {
        let mut entries = self.entries.iter();
        match entries.find(|entry| entry.workspace_id == workspace) {
            Some(entry) => entry.enabled,
            None => self.global["enabled"] == true,
        }
    }

    /// Enables or disables the access of a workspace.
    pub(super) fn set(&mut self, workspace: &str, enabled: bool, at: &str) {
        let mut entries = self.entries.iter_mut();
        match entries.find(|entry| entry.workspace_id == workspace) {
            Some(entry) => {
                entry.enabled = enabled;
                at.clone_into(&mut entry.last_updated_at);
            }
            None => self.entries.push(WorkspaceAccess {
                workspace_id: workspace.to_owned(),
                enabled,
                created_at: at.to_owned(),
                last_updated_at: at.to_owned(),
            }),
        }
    }

    pub(super) fn remove(&mut self, workspace: &str) {
        self.entries.retain(|entry| entry.workspace_id != workspace);
    }
}

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
    Ok(ResponseBody::json(
        match call.query.contains_key("version") {
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
        },
    ))
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
        let workspace = workspaces::resolve(state, key, &call.caller).map_err(|_| {
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

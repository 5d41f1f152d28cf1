//! The workspaces that may use an MCP integration.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The access of workspaces to an MCP integration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Access {
    /// The setting for workspaces without an entry, as received; null if it was never set.
    pub(crate) global: Value,
    pub(crate) entries: Vec<WorkspaceAccess>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WorkspaceAccess {
    pub(crate) workspace_id: String,
    pub(crate) enabled: bool,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

impl Access {
    pub(crate) fn allows(&self, workspace: &str) -> bool {
        let mut entries = self.entries.iter();
        match entries.find(|entry| entry.workspace_id == workspace) {
            Some(entry) => entry.enabled,
            None => self.global["enabled"] == true,
        }
    }

    /// Enables or disables the access of a workspace.
    pub(crate) fn set(&mut self, workspace: &str, enabled: bool, at: &str) {
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

    pub(crate) fn remove(&mut self, workspace: &str) {
        self.entries.retain(|entry| entry.workspace_id != workspace);
    }
}

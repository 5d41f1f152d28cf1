//! The workspaces that may use an MCP or agent integration.

use serde::{Deserialize, Serialize};

use crate::state::access_list::AccessList;

/// When the access of a workspace was set first and last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

pub(crate) type Access = AccessList<Times>;

/// Enables or disables the access of a workspace.
pub(crate) fn set_access(access: &mut Access, workspace: &str, enabled: bool, at: &str) {
    let entry = access.entry(workspace);
    entry.enabled = enabled;
    let Times {
        created_at,
        last_updated_at,
    } = &mut entry.settings;
    if created_at.is_empty() {
        at.clone_into(created_at);
    }
    at.clone_into(last_updated_at);
}

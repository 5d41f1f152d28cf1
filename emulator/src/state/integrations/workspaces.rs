//! The workspaces that may use an integration, and their limits.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::access_list::{AccessList, WorkspaceAccess};

/// The limits of a workspace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) usage_limits: Value,
    pub(crate) rate_limits: Value,
}

pub(crate) type Access = AccessList<Limits>;

impl WorkspaceAccess<Limits> {
    pub(crate) fn apply(&mut self, item: &Value) {
        self.enabled = item["enabled"] == true;
        let limits = [
            ("usage_limits", &mut self.settings.usage_limits),
            ("rate_limits", &mut self.settings.rate_limits),
        ];
        for (name, target) in limits {
            if let Some(value) = item.get(name) {
                target.clone_from(value);
            }
        }
    }
}

/// An item of the body, with the UUID of its workspace.
pub(crate) struct Change<'a> {
    pub(crate) workspace: String,
    pub(crate) item: &'a Value,
    pub(crate) field_path: String,
}

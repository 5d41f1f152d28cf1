//! The workspaces that may use an integration, and their limits.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::error::ApiError;
use crate::state::limits;

/// The access of workspaces to an integration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Access {
    /// The setting for workspaces without an entry, as received; null if it was never set.
    pub(crate) global: Value,
    /// Whether `global` was set without creating default providers.
    #[serde(default)]
    pub(crate) without_providers: bool,
    pub(crate) entries: Vec<WorkspaceAccess>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WorkspaceAccess {
    pub(crate) workspace_id: String,
    pub(crate) enabled: bool,
    pub(crate) usage_limits: Value,
    pub(crate) rate_limits: Value,
}

impl Access {
    pub(crate) fn allows(&self, workspace: &str) -> bool {
        let mut entries = self.entries.iter();
        match entries.find(|entry| entry.workspace_id == workspace) {
            Some(entry) => entry.enabled,
            None => self.global["enabled"] == true,
        }
    }

    pub(crate) fn allow(&mut self, workspace: &str) {
        self.entry(workspace).enabled = true;
    }

    pub(crate) fn remove(&mut self, workspace: &str) {
        self.entries.retain(|entry| entry.workspace_id != workspace);
    }

    /// Returns the entry of a workspace; a new entry is disabled.
    pub(crate) fn entry(&mut self, workspace: &str) -> &mut WorkspaceAccess {
        let mut entries = self.entries.iter();
        let position = entries.position(|entry| entry.workspace_id == workspace);
        let position = position.unwrap_or_else(|| {
            self.entries.push(WorkspaceAccess {
                workspace_id: workspace.to_owned(),
                enabled: false,
                usage_limits: Value::Null,
                rate_limits: Value::Null,
            });
            self.entries.len() - 1
        });
        &mut self.entries[position]
    }

    pub(crate) fn apply_global(&mut self, call: &Call) -> Result<(), ApiError> {
        let Some(item) = call.body_field("global_workspace_access") else {
            return Ok(());
        };
        validate_limits(item, "global_workspace_access")?;
        self.global = item.clone();
        self.without_providers = call.body_value("create_default_provider") == false;
        if call.body_value("override_existing_workspace_access") == true {
            self.entries.clear();
        }
        Ok(())
    }
}

impl WorkspaceAccess {
    pub(crate) fn apply(&mut self, item: &Value) {
        self.enabled = item["enabled"] == true;
        let limits = [
            ("usage_limits", &mut self.usage_limits),
            ("rate_limits", &mut self.rate_limits),
        ];
        for (name, target) in limits {
            if let Some(value) = item.get(name) {
                target.clone_from(value);
            }
        }
    }
}

pub(crate) fn validate_limits(value: &Value, field_path: &str) -> Result<(), ApiError> {
    limits::validate_usage_limits(
        &value["usage_limits"],
        &format!("{field_path}/usage_limits"),
    )?;
    limits::validate_single_limit(&value["rate_limits"], &format!("{field_path}/rate_limits"))
}

/// An item of the body, with the UUID of its workspace.
pub(crate) struct Change<'a> {
    pub(crate) workspace: String,
    pub(crate) item: &'a Value,
    pub(crate) field_path: String,
}

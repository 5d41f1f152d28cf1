//! The workspaces that may use an integration, of AI providers or of MCP servers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::error::ApiError;
use crate::state::table::Row;
use crate::state::workspaces::Workspaces;

/// A row of the organisation or of one workspace, and the workspaces that may use it.
pub(crate) trait Shared: Row {
    /// The settings of each workspace.
    type Settings: Default;

    fn access(&self) -> &AccessList<Self::Settings>;

    /// Returns whether a workspace may use the row.
    fn allows_workspace(&self, workspace: &str) -> bool {
        self.access().allows(workspace)
    }

    /// Returns how many workspaces may use the row.
    fn count_workspaces(&self, workspaces: &Workspaces) -> usize {
        let allowed = workspaces
            .iter()
            .filter(|workspace| self.allows_workspace(&workspace.id));
        allowed.count()
    }

    /// Returns whether the row belongs to a workspace or to the organisation.
    fn kind(&self) -> &'static str {
        match self.workspace() {
            Some(_) => "workspace",
            None => "organisation",
        }
    }

    /// Returns whether the query parameter `type` selects the row.
    fn matches_type(&self, call: &Call) -> bool {
        let requested = call.query_param("type");
        requested.is_none_or(|kind| kind == "all" || kind == self.kind())
    }

    /// Rejects a workspace key for a row of the organisation. `action` is part of the message.
    fn require_owner(&self, call: &Call, action: &str) -> Result<(), ApiError> {
        if self.workspace().is_some() || call.caller.is_organisation_key() {
            return Ok(());
        }
        let name = Self::NAME;
        let message = format!("a workspace key cannot {action} an {name} of the organisation");
        Err(ApiError::forbidden(message))
    }
}

/// The access of workspaces to an integration; `T` are the settings of each workspace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct AccessList<T> {
    /// The setting for workspaces without an entry, as received; null if it was never set.
    pub(crate) global: Value,
    pub(crate) entries: Vec<WorkspaceAccess<T>>,
}

/// The access of one workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WorkspaceAccess<T> {
    pub(crate) workspace_id: String,
    pub(crate) enabled: bool,
    #[serde(flatten)]
    pub(crate) settings: T,
}

impl<T: Default> AccessList<T> {
    /// Returns whether a workspace has access.
    pub(crate) fn allows(&self, workspace: &str) -> bool {
        let mut entries = self.entries.iter();
        match entries.find(|entry| entry.workspace_id == workspace) {
            Some(entry) => entry.enabled,
            None => self.global["enabled"] == true,
        }
    }

    /// Returns the entry of a workspace; a new entry is disabled.
    pub(crate) fn entry(&mut self, workspace: &str) -> &mut WorkspaceAccess<T> {
        let mut entries = self.entries.iter();
        let position = entries.position(|entry| entry.workspace_id == workspace);
        let position = position.unwrap_or_else(|| {
            self.entries.push(WorkspaceAccess {
                workspace_id: workspace.to_owned(),
                enabled: false,
                settings: T::default(),
            });
            self.entries.len() - 1
        });
        &mut self.entries[position]
    }

    /// Removes the entry of a deleted workspace.
    pub(crate) fn remove(&mut self, workspace: &str) {
        self.entries.retain(|entry| entry.workspace_id != workspace);
    }

    /// Applies the global setting of an update; returns it if the request has one.
    pub(crate) fn apply_global<'a>(&mut self, call: &'a Call) -> Option<&'a Value> {
        let global = call.body_field("global_workspace_access")?;
        self.global = global.clone();
        if call.body_value("override_existing_workspace_access") == true {
            self.entries.clear();
        }
        Some(global)
    }
}

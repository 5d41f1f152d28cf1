//! Guardrails: checks on model requests and responses, or on MCP tool calls.

pub(crate) mod defaults;
pub(crate) mod exclusions;
pub(crate) mod mcp_servers;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, Caller};
use crate::state::table::{MissingStatus, ResourceState, Row, Table, row};

/// Guardrails, the default guardrails of the organisation, and the exclusions from them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Guardrails {
    pub(crate) table: Table<Guardrail>,
    pub(crate) defaults: defaults::Defaults,
    pub(crate) exclusions: exclusions::Exclusions,
}

/// A guardrail with its versions, oldest first; the last one is current.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Guardrail {
    pub(crate) id: String,
    pub(crate) slug: String,
    /// `None` for a guardrail of the organisation.
    pub(crate) workspace_id: Option<String>,
    pub(crate) name: String,
    pub(crate) target: Option<String>,
    pub(crate) owner_id: String,
    pub(crate) updated_by: Option<String>,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
    pub(crate) versions: Vec<Version>,
    pub(crate) mcp_servers: Vec<mcp_servers::Mapping>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) checks: Value,
    pub(crate) actions: Value,
}

row! {
    Guardrail: "guardrail", id: id, slug: slug, optional_workspace: workspace_id,
    {
        const MISSING_STATUS: MissingStatus = MissingStatus::Forbidden;

        /// A guardrail of the organisation is visible to all keys.
        fn visible_to(&self, caller: &Caller) -> bool {
            self.workspace()
                .is_none_or(|workspace| caller.can_see(workspace))
        }
    }
}

impl Version {
    /// Creates a version from a request; fields that it lacks come from the previous version.
    pub(crate) fn new(call: &Call, previous: Option<&Self>) -> Self {
        let field = |name: &str, previous: Option<&Value>| {
            let value = call.body_field(name).or(previous);
            value.cloned().unwrap_or(Value::Null)
        };
        Self {
            id: call.ids.uuid(),
            checks: field("checks", previous.map(|version| &version.checks)),
            actions: field("actions", previous.map(|version| &version.actions)),
        }
    }

    /// Returns the checks; `is_enabled` is omitted if true.
    pub(crate) fn checks_json(&self) -> Value {
        let mut checks = self.checks.clone();
        for check in checks.as_array_mut().into_iter().flatten() {
            if let Some(check) = check.as_object_mut()
                && check.get("is_enabled") == Some(&json!(true))
            {
                check.remove("is_enabled");
            }
        }
        checks
    }
}

impl Guardrail {
    /// Returns the response to a creation or an update.
    pub(crate) fn ids_json(&self) -> Value {
        let version = self.versions.last().map(|version| &version.id);
        json!({"id": self.id, "slug": self.slug, "version_id": version})
    }
}

impl ResourceState for Guardrails {
    fn remove_workspace(&mut self, workspace: &str) {
        for guardrail in self.table.in_workspace(workspace).iter() {
            self.defaults.remove(&guardrail.id);
        }
        self.table.remove_workspace(workspace);
        self.exclusions.remove(workspace);
    }
}

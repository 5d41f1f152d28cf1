//! MCP and agent integrations.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Caller;
use crate::state::access_list::Shared;
use crate::state::masking;
use crate::state::table::Row;
use crate::state::upstreams::Protocol;
use crate::state::upstreams::access::{Access, Times};
use crate::state::upstreams::capabilities::Capability;

/// An MCP server or an agent configured in the organisation or in one workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct UpstreamIntegration<P: Protocol> {
    pub(crate) id: String,
    pub(crate) slug: String,
    /// `None` for an integration of the organisation.
    pub(crate) workspace_id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: Value,
    pub(crate) url: String,
    pub(crate) auth_type: String,
    pub(crate) configurations: Value,
    pub(crate) owner_id: String,
    pub(crate) access: Access,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: Option<String>,
    #[serde(flatten)]
    pub(crate) settings: P::Integration,
}

impl<P: Protocol> Row for UpstreamIntegration<P> {
    const NAME: &'static str = P::INTEGRATION_NAME;

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// A workspace key sees the integrations that its workspace owns or may use.
    fn visible_to(&self, caller: &Caller) -> bool {
        let workspace = caller.workspace();
        workspace.is_none_or(|workspace| {
            self.access.allows(workspace) || self.workspace() == Some(workspace)
        })
    }
}

impl<P: Protocol> Shared for UpstreamIntegration<P> {
    type Settings = Times;

    fn access(&self) -> &Access {
        &self.access
    }
}

impl<P: Protocol> UpstreamIntegration<P> {
    /// Returns the fields of both protocols.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "description": self.description,
            "type": self.kind(),
            "workspace_id": self.workspace_id,
            "url": self.url,
            "auth_type": self.auth_type,
            "configurations": masking::mask_settings(&self.configurations),
            "global_workspace_access": self.access.global,
            "owner_id": self.owner_id,
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": format!("{}-integration", P::PREFIX),
        })
    }
}

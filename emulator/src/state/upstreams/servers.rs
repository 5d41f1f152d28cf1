//! MCP and agent servers.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::table::Row;
use crate::state::upstreams::Protocol;
use crate::state::upstreams::capabilities::{Capability, CapabilityKey, ServerCapability};
use crate::state::upstreams::integrations::UpstreamIntegration;
use crate::state::upstreams::users::UserAccess;

/// An integration made available in a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct UpstreamServer<P: Protocol> {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) name: String,
    pub(crate) description: Value,
    /// The UUID of the integration.
    pub(crate) integration_id: String,
    pub(crate) owner_id: String,
    /// The capabilities synced for this server; `None` if it has those of the integration.
    pub(crate) own_capabilities: Option<Vec<Capability>>,
    /// Capabilities enabled or disabled for this server.
    pub(crate) toggles: BTreeMap<CapabilityKey, bool>,
    pub(crate) users: UserAccess,
    pub(crate) created_at: String,
    #[serde(default)]
    pub(crate) last_updated_at: Option<String>,
    #[serde(flatten)]
    pub(crate) settings: P::Server,
}

impl<P: Protocol> Row for UpstreamServer<P> {
    const NAME: &'static str = P::SERVER_NAME;

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.workspace_id)
    }
}

impl<P: Protocol> UpstreamServer<P> {
    /// Returns the capabilities of the server, and whether they are enabled.
    pub(crate) fn capabilities<'a>(
        &'a self,
        integration: &'a UpstreamIntegration<P>,
    ) -> Vec<ServerCapability<'a>> {
        let integration_states = integration.capabilities.iter();
        let integration_states: HashMap<CapabilityKey, bool> = integration_states
            .map(|capability| (capability.key(), capability.enabled))
            .collect();
        let list = self.own_capabilities.as_ref();
        let list = list.unwrap_or(&integration.capabilities).iter();
        let server_capability = |capability: &'a Capability| {
            let key = capability.key();
            let integration_enabled = integration_states.get(&key).copied().unwrap_or(true);
            let is_enabled_here = self.toggles.get(&key).copied().unwrap_or(true);
            ServerCapability {
                capability,
                enabled: is_enabled_here && integration_enabled,
                integration_enabled,
            }
        };
        list.map(server_capability).collect()
    }
}

//! What MCP integrations and MCP servers have in addition to those of other protocols. Their
//! capabilities and metadata are set by the sync operations.

pub(crate) mod capabilities;
pub(crate) mod metadata;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ApiError;
use crate::state::State;
use crate::state::mcp::metadata::Metadata;
use crate::state::secret_references;
use crate::state::upstreams::integrations::UpstreamIntegration;
use crate::state::upstreams::servers::UpstreamServer;
use crate::state::upstreams::{Protocol, Upstreams};

/// The Model Context Protocol.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mcp;

pub(crate) type McpIntegration = UpstreamIntegration<Mcp>;
pub(crate) type McpServer = UpstreamServer<Mcp>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IntegrationSettings {
    pub(crate) secret_mappings: Vec<Value>,
    pub(crate) transport: String,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServerSettings {
    /// The OAuth client id that the service registers for itself.
    pub(crate) client_id: String,
    pub(crate) metadata: Metadata,
}

impl Protocol for Mcp {
    const PREFIX: &'static str = "mcp";
    const INTEGRATION_NAME: &'static str = "MCP integration";
    const SERVER_NAME: &'static str = "MCP server";

    type Integration = IntegrationSettings;
    type Server = ServerSettings;

    fn upstreams(state: &State) -> &Upstreams<Self> {
        &state.mcp
    }

    fn upstreams_mut(state: &mut State) -> &mut Upstreams<Self> {
        &mut state.mcp
    }
}

impl McpIntegration {
    pub(crate) fn validate(&self) -> Result<(), ApiError> {
        if self.settings.transport == "interactive" {
            let reason = "cannot be set to `interactive`";
            return Err(ApiError::invalid_field("transport", reason));
        }
        let headers = "configurations.custom_headers";
        if self.auth_type == "headers"
            && self.configurations["custom_headers"].is_null()
            && !secret_references::is_mapped(&self.settings.secret_mappings, headers)
        {
            let field_path = "configurations/custom_headers";
            let reason = "is required when `/auth_type` is `headers`";
            return Err(ApiError::invalid_field(field_path, reason));
        }
        Ok(())
    }
}

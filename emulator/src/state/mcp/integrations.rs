//! MCP integrations.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Caller;
use crate::error::ApiError;
use crate::state::access_list::Shared;
use crate::state::mcp::access::{Access, Times};
use crate::state::mcp::capabilities::Capability;
use crate::state::mcp::metadata::Metadata;
use crate::state::table::{Row, row};
use crate::state::{masking, secret_references};

/// An MCP server configured in the organisation or in one workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct McpIntegration {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) secret_mappings: Vec<Value>,
    /// `None` for an integration of the organisation.
    pub(crate) workspace_id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: Value,
    pub(crate) url: String,
    pub(crate) auth_type: String,
    pub(crate) transport: String,
    pub(crate) configurations: Value,
    pub(crate) owner_id: String,
    pub(crate) access: Access,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) metadata: Metadata,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: Option<String>,
}

row! {
    McpIntegration: "MCP integration", id: id, slug: slug, optional_workspace: workspace_id,
    {
        /// A workspace key sees the integrations that its workspace owns or may use.
        fn visible_to(&self, caller: &Caller) -> bool {
            let workspace = caller.workspace();
            workspace.is_none_or(|workspace| {
                self.access.allows(workspace) || self.workspace() == Some(workspace)
            })
        }
    }
}

impl Shared for McpIntegration {
    type Settings = Times;

    fn access(&self) -> &Access {
        &self.access
    }
}

impl McpIntegration {
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
            "transport": self.transport,
            "configurations": masking::mask_settings(&self.configurations),
            "secret_mappings": self.secret_mappings,
            "global_workspace_access": self.access.global,
            "owner_id": self.owner_id,
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "mcp-integration",
        })
    }

    pub(crate) fn validate(&self) -> Result<(), ApiError> {
        if self.transport == "interactive" {
            let reason = "cannot be set to `interactive`";
            return Err(ApiError::invalid_field("transport", reason));
        }
        let headers = "configurations.custom_headers";
        if self.auth_type == "headers"
            && self.configurations["custom_headers"].is_null()
            && !secret_references::is_mapped(&self.secret_mappings, headers)
        {
            let field_path = "configurations/custom_headers";
            let reason = "is required when `/auth_type` is `headers`";
            return Err(ApiError::invalid_field(field_path, reason));
        }
        Ok(())
    }
}

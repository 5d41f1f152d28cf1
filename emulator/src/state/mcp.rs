//! MCP integrations, which are the MCP servers configured in an organisation, and MCP servers,
//! which make an integration available in a workspace. The emulator does not connect to MCP
//! servers: their capabilities are set by the sync operations.

pub(crate) mod access;
pub(crate) mod capabilities;
pub(crate) mod integrations;
pub(crate) mod metadata;
pub(crate) mod servers;
pub(crate) mod users;

use serde::{Deserialize, Serialize};

use crate::state::table::{ResourceState, Table};

/// MCP integrations and servers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Mcp {
    pub(crate) integrations: Table<integrations::McpIntegration>,
    pub(crate) servers: Table<servers::McpServer>,
}

impl ResourceState for Mcp {
    fn remove_workspace(&mut self, workspace: &str) {
        self.servers.remove_workspace(workspace);
        self.integrations.remove_workspace(workspace);
    }
}

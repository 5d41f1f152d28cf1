//! Updates of a single entry where the service takes a list.

use crate::mcp::{
    McpCapabilityKind, McpCapabilityUpdate, McpIntegrationWorkspaceUpdate,
    McpServerUserAccessUpdate, UpdateMcpIntegrationCapabilities,
    UpdateMcpIntegrationCapabilitiesRequest, UpdateMcpIntegrationWorkspaces,
    UpdateMcpIntegrationWorkspacesRequest, UpdateMcpServerCapabilities,
    UpdateMcpServerCapabilitiesRequest, UpdateMcpServerUserAccess,
    UpdateMcpServerUserAccessRequest,
};

fn single_capability(
    kind: impl Into<McpCapabilityKind>,
    name: impl Into<String>,
    enabled: bool,
) -> Vec<McpCapabilityUpdate> {
    vec![McpCapabilityUpdate {
        type_: kind.into(),
        name: name.into(),
        enabled,
    }]
}

impl UpdateMcpIntegrationCapabilities {
    /// Enables or disables one capability; the others are unchanged. Replaces the body.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// client
    ///     .update_mcp_integration_capabilities("id")
    ///     .capability("tool", "delete_everything", false)
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn capability(
        self,
        kind: impl Into<McpCapabilityKind>,
        name: impl Into<String>,
        enabled: bool,
    ) -> Self {
        let capabilities = single_capability(kind, name, enabled);
        self.body(UpdateMcpIntegrationCapabilitiesRequest { capabilities })
    }
}

impl UpdateMcpServerCapabilities {
    /// Enables or disables one capability; the others are unchanged. Replaces the body.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// client.update_mcp_server_capabilities("id").capability("prompt", "greet", true).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn capability(
        self,
        kind: impl Into<McpCapabilityKind>,
        name: impl Into<String>,
        enabled: bool,
    ) -> Self {
        let capabilities = single_capability(kind, name, enabled);
        self.body(UpdateMcpServerCapabilitiesRequest { capabilities })
    }
}

impl UpdateMcpIntegrationWorkspaces {
    /// Grants or revokes the access of one workspace; the access of others is unchanged. An entry
    /// cannot be deleted: `false` revokes the access. Replaces the body.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// client.update_mcp_integration_workspaces("id").workspace("ws-research", false).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn workspace(self, workspace_id: impl Into<String>, enabled: bool) -> Self {
        self.body(UpdateMcpIntegrationWorkspacesRequest {
            global_workspace_access: None,
            override_existing_workspace_access: None,
            workspaces: vec![McpIntegrationWorkspaceUpdate {
                id: workspace_id.into(),
                enabled,
            }],
        })
    }
}

impl UpdateMcpServerUserAccess {
    /// Grants or revokes the access of one user; the access of others is unchanged. Replaces the
    /// body.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// client.update_mcp_server_user_access("id").user("id-of-the-user", false).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn user(self, user_id: impl Into<String>, enabled: bool) -> Self {
        self.body(UpdateMcpServerUserAccessRequest {
            default_user_access: None,
            user_access: Some(vec![McpServerUserAccessUpdate {
                user_id: user_id.into(),
                enabled,
            }]),
        })
    }
}

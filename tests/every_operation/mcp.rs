//! MCP integrations and servers, and the guardrails of the servers.

use portkey_admin::{
    guardrails::{GuardrailMcpServerSettings, GuardrailRunOn, ReplaceGuardrailMcpServersRequest},
    mcp::{
        CreateMcpIntegrationRequest, CreateMcpServerRequest, McpAuthType, McpCapabilityKind,
        McpDiscoveredCapability, McpServerDefaultAccess, McpServerDiscoveredCapability,
        McpServerInfo, McpTransport, SyncMcpIntegrationRequest, SyncMcpServerCapabilitiesRequest,
        SyncMcpServerMetadataRequest, UpdateMcpIntegrationRequest, UpdateMcpServerRequest,
        UpdateMcpServerTokensRequest, UpdateMcpServerUserAccessRequest,
    },
};

use crate::{Outcome, TestContext, created_id, guardrails};

pub async fn call_all(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let integration = CreateMcpIntegrationRequest::builder()
        .name("Search")
        .url("https://mcp.example.com")
        .auth_type(McpAuthType::None)
        .transport(McpTransport::Http);
    let integration = admin.create_mcp_integration().body(integration);
    let integration = created_id(integration.send().await?.id);
    let change = UpdateMcpIntegrationRequest::builder().description("Changed");
    let update = admin.update_mcp_integration(&integration).body(change);
    update.update_and_get().await?;
    admin.list_mcp_integrations().send().await?;
    integration_details(context, &integration).await?;
    let server = create_server(context, &integration).await?;
    server_capabilities(context, &server).await?;
    server_access(context, &server).await?;
    admin.list_mcp_registry_servers().send().await?;
    server_guardrails(context, &server).await?;
    context
        .workspace_client
        .delete_mcp_server(&server)
        .send()
        .await?;
    admin.delete_mcp_integration(&integration).send().await
}

/// Metadata, capabilities and workspaces of an integration.
async fn integration_details(context: &TestContext, id: &str) -> Outcome {
    let admin = &context.admin;
    let tool = McpDiscoveredCapability::builder()
        .name("search")
        .type_("tool");
    let found = SyncMcpIntegrationRequest::builder()
        .server_info(McpServerInfo::builder().name("sample").version("1"))
        .capabilities([tool]);
    admin.sync_mcp_integration(id).body(found).send().await?;
    admin.test_mcp_integration(id).send().await?;
    admin.get_mcp_integration_metadata(id).send().await?;
    let list = admin.list_mcp_integration_capabilities(id);
    assert_eq!(list.send().await?.data.len(), 1);
    admin
        .update_mcp_integration_capabilities(id)
        .capability(McpCapabilityKind::Tool, "search", true)
        .send()
        .await?;
    let access = admin.update_mcp_integration_workspaces(id);
    let update = access.workspace(&context.workspace, true);
    update.update_and_get().await.map(drop)
}

async fn create_server(
    context: &TestContext,
    integration: &str,
) -> Result<String, portkey_admin::Error> {
    let workspace_client = &context.workspace_client;
    let server = CreateMcpServerRequest::builder()
        .name("Search")
        .mcp_integration_id(integration);
    let id = created_id(
        workspace_client
            .create_mcp_server()
            .body(server)
            .send()
            .await?
            .id,
    );
    let change = UpdateMcpServerRequest::builder().description("Changed");
    let update = workspace_client.update_mcp_server(&id).body(change);
    update.update_and_get().await?;
    workspace_client.list_mcp_servers().send().await?;
    workspace_client.test_mcp_server(&id).send().await?;
    Ok(id)
}

async fn server_capabilities(
    TestContext {
        workspace_client, ..
    }: &TestContext,
    id: &str,
) -> Outcome {
    let tool = McpServerDiscoveredCapability::builder()
        .name("search")
        .type_(McpCapabilityKind::Tool);
    let found = SyncMcpServerCapabilitiesRequest::builder().capabilities([tool]);
    let sync = workspace_client
        .sync_mcp_server_capabilities(id)
        .body(found);
    sync.send().await?;
    workspace_client
        .list_mcp_server_capabilities(id)
        .send()
        .await?;
    workspace_client
        .update_mcp_server_capabilities(id)
        .capability(McpCapabilityKind::Tool, "search", false)
        .send()
        .await?;
    let found = SyncMcpServerMetadataRequest::builder().server_name("sample");
    let sync = workspace_client.sync_mcp_server_metadata(id).body(found);
    sync.send().await?;
    workspace_client
        .get_mcp_server_metadata(id)
        .send()
        .await
        .map(drop)
}

async fn server_access(
    TestContext {
        workspace_client,
        user,
        ..
    }: &TestContext,
    id: &str,
) -> Outcome {
    let access = UpdateMcpServerUserAccessRequest::builder()
        .default_user_access(McpServerDefaultAccess::Allow);
    let update = workspace_client
        .update_mcp_server_user_access(id)
        .body(access);
    update.user(user, true).send().await?;
    workspace_client
        .list_mcp_server_user_access(id)
        .send()
        .await?;
    workspace_client
        .check_mcp_server_user_access(id)
        .send()
        .await?;
    workspace_client
        .get_mcp_server_client_info(id)
        .send()
        .await?;

    let tokens = UpdateMcpServerTokensRequest::builder().access_token("sample");
    let update = workspace_client.update_mcp_server_tokens(id).body(tokens);
    update.clone().send().await?;
    workspace_client.get_mcp_server_tokens(id).send().await?;
    workspace_client.delete_mcp_server_tokens(id).send().await?;
    // A user with tokens has a connection.
    update.send().await?;
    let mut connections = workspace_client
        .list_mcp_server_connections(id)
        .send()
        .await?;
    let user_id = created_id(connections.data.remove(0).user_id);
    let delete = workspace_client.delete_mcp_server_connections(id);
    delete.user_id(user_id).send().await
}

async fn server_guardrails(context: &TestContext, server: &str) -> Outcome {
    let admin = &context.admin;
    let guardrail = guardrails::create(context).await?;
    let settings = GuardrailMcpServerSettings::builder().run_on([GuardrailRunOn::Input]);
    let servers = [(server, settings.clone())];
    let servers = ReplaceGuardrailMcpServersRequest::builder().mcp_servers(servers);
    let replace = admin.replace_guardrail_mcp_servers(&guardrail);
    replace.body(servers).send().await?;
    let upsert = admin.upsert_guardrail_mcp_server(&guardrail, server);
    upsert.body(settings).send().await?;
    admin.list_guardrail_mcp_servers(&guardrail).send().await?;
    admin.delete_guardrail(&guardrail).send().await
}

//! MCP integrations and servers, and the guardrails that watch the servers.

use portkey_admin::types::{
    CreateMcpIntegrationRequest, CreateMcpServerRequest, GuardrailMcpServerSettings,
    GuardrailRunOn, McpAuthType, McpDiscoveredCapability, McpServerDefaultAccess,
    McpServerDiscoveredCapability, McpServerInfo, McpTransport, ReplaceGuardrailMcpServersRequest,
    SwitchableMcpCapabilityType, SyncMcpIntegrationRequest, SyncMcpServerCapabilitiesRequest,
    SyncMcpServerMetadataRequest, UpdateMcpIntegrationRequest, UpdateMcpServerRequest,
    UpdateMcpServerTokensRequest, UpdateMcpServerUserAccessRequest,
};

use crate::{Outcome, World, guardrails, made};

pub async fn visit(world: &World) -> Outcome {
    let admin = &world.admin;
    let integration = CreateMcpIntegrationRequest::builder()
        .name("Search")
        .url("https://mcp.example.com")
        .auth_type(McpAuthType::None)
        .transport(McpTransport::Http);
    let integration = admin.create_mcp_integration().body(integration);
    let integration = made(integration.send().await?.id);
    let change = UpdateMcpIntegrationRequest::builder().description("Changed");
    let update = admin.update_mcp_integration(&integration).body(change);
    update.update_and_get().await?;
    admin.list_mcp_integrations().send().await?;
    discovered(world, &integration).await?;
    let server = server(world, &integration).await?;
    server_discovered(world, &server).await?;
    server_users(world, &server).await?;
    watched(world, &server).await?;
    world.runner.delete_mcp_server(&server).send().await?;
    admin.delete_mcp_integration(&integration).send().await
}

/// What an integration has learnt of its server, and who may use it.
async fn discovered(world: &World, id: &str) -> Outcome {
    let admin = &world.admin;
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
        .capability(SwitchableMcpCapabilityType::Tool, "search", true)
        .send()
        .await?;
    let access = admin.update_mcp_integration_workspaces(id);
    let update = access.workspace(&world.workspace, true);
    update.update_and_get().await.map(drop)
}

async fn server(world: &World, integration: &str) -> Result<String, portkey_admin::Error> {
    let runner = &world.runner;
    let server = CreateMcpServerRequest::builder()
        .name("Search")
        .mcp_integration_id(integration);
    let id = made(runner.create_mcp_server().body(server).send().await?.id);
    let change = UpdateMcpServerRequest::builder().description("Changed");
    let update = runner.update_mcp_server(&id).body(change);
    update.update_and_get().await?;
    runner.list_mcp_servers().send().await?;
    runner.test_mcp_server(&id).send().await?;
    Ok(id)
}

async fn server_discovered(World { runner, .. }: &World, id: &str) -> Outcome {
    let tool = McpServerDiscoveredCapability::builder()
        .name("search")
        .type_(SwitchableMcpCapabilityType::Tool);
    let found = SyncMcpServerCapabilitiesRequest::builder().capabilities([tool]);
    let sync = runner.sync_mcp_server_capabilities(id).body(found);
    sync.send().await?;
    runner.list_mcp_server_capabilities(id).send().await?;
    runner
        .update_mcp_server_capabilities(id)
        .capability(SwitchableMcpCapabilityType::Tool, "search", false)
        .send()
        .await?;
    let found = SyncMcpServerMetadataRequest::builder().server_name("sample");
    let sync = runner.sync_mcp_server_metadata(id).body(found);
    sync.send().await?;
    runner.get_mcp_server_metadata(id).send().await.map(drop)
}

async fn server_users(World { runner, user, .. }: &World, id: &str) -> Outcome {
    let access = UpdateMcpServerUserAccessRequest::builder()
        .default_user_access(McpServerDefaultAccess::Allow);
    let update = runner.update_mcp_server_user_access(id).body(access);
    update.user(user, true).send().await?;
    runner.list_mcp_server_user_access(id).send().await?;
    runner.check_mcp_server_user_access(id).send().await?;
    runner.get_mcp_server_client_info(id).send().await?;

    let tokens = UpdateMcpServerTokensRequest::builder().access_token("sample");
    let update = runner.update_mcp_server_tokens(id).body(tokens);
    update.clone().send().await?;
    runner.get_mcp_server_tokens(id).send().await?;
    runner.delete_mcp_server_tokens(id).send().await?;
    // With tokens, a user is connected.
    update.send().await?;
    let mut connections = runner.list_mcp_server_connections(id).send().await?;
    let connected = made(connections.data.remove(0).user_id);
    let delete = runner.delete_mcp_server_connections(id);
    delete.user_id(connected).send().await
}

async fn watched(world: &World, server: &str) -> Outcome {
    let admin = &world.admin;
    let guardrail = guardrails::create(world).await?;
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

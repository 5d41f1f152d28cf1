//! Agent integrations and servers.

use portkey_admin::{
    JsonObject,
    agents::{
        AgentAuthType, AgentServerDefaultAccess, CreateAgentIntegrationRequest,
        CreateAgentServerRequest, FetchAgentCardRequest, UpdateAgentIntegrationRequest,
        UpdateAgentIntegrationWorkspacesRequest, UpdateAgentServerRequest,
        UpdateAgentServerUserAccessRequest, UpdateAgentSkillsRequest,
    },
};
use serde_json::json;

use crate::{Outcome, TestContext, created_id};

const URL: &str = "https://agent.example.com";

pub async fn call_all(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let fetch = FetchAgentCardRequest::builder()
        .endpoint(URL)
        .organisation_id(&context.organisation);
    let card = admin.fetch_agent_card().body(fetch).send().await?;
    assert_eq!(card.url.as_deref(), Some(URL));

    let integration = CreateAgentIntegrationRequest::builder()
        .name("Travel")
        .url(URL)
        .auth_type(AgentAuthType::None);
    let integration = admin.create_agent_integration().body(integration);
    let integration = created_id(integration.send().await?.id);
    let change = UpdateAgentIntegrationRequest::builder().description("Changed");
    let update = admin.update_agent_integration(&integration).body(change);
    update.update_and_get().await?;
    admin.list_agent_integrations().send().await?;
    let access = UpdateAgentIntegrationWorkspacesRequest::builder()
        .workspaces([json!({"id": context.workspace, "enabled": true})]);
    let update = admin.update_agent_integration_workspaces(&integration);
    update.body(access).send().await?;
    let list = admin.list_agent_integration_workspaces(&integration);
    list.send().await?;
    let skills = admin.list_agent_integration_skills(&integration);
    let skill = skills.send().await?.data.remove(0);
    let off = UpdateAgentSkillsRequest::builder()
        .skills([json!({"id": skill.get("id"), "enabled": false})]);
    let update = admin.update_agent_integration_skills(&integration);
    update.body(off.clone()).update_and_get().await?;
    server(context, &integration, off.build()?).await?;
    admin.delete_agent_integration(&integration).send().await
}

async fn server(
    context: &TestContext,
    integration: &str,
    skills: UpdateAgentSkillsRequest,
) -> Outcome {
    let client = &context.workspace_client;
    let server = CreateAgentServerRequest::builder()
        .name("Travel")
        .agent_integration_id(integration);
    let server = client.create_agent_server().body(server);
    let id = created_id(server.send().await?.id);
    let change = UpdateAgentServerRequest::builder().description("Changed");
    client.update_agent_server(&id).body(change).send().await?;
    let list = client.list_agent_servers().send().await?;
    assert_eq!(list.data[0].description.as_deref(), Some("Changed"));
    let test = client.test_agent_server(&id).body(JsonObject::default());
    assert_eq!(test.send().await?.success, Some(true));
    client.get_agent_server_card(&id).send().await?;
    let update = client.update_agent_server_skills(&id).body(skills);
    update.update_and_get().await?;
    let access = UpdateAgentServerUserAccessRequest::builder()
        .default_user_access(AgentServerDefaultAccess::Deny)
        .user_access([json!({"user_id": context.user, "enabled": true})]);
    let update = client.update_agent_server_user_access(&id).body(access);
    update.update_and_get().await?;
    client.delete_agent_server(&id).send().await
}

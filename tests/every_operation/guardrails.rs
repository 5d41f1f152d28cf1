//! Guardrails, the organisation's defaults, the workspaces that are excluded from them, and plugins. Guardrails
//! of MCP servers are called in `mcp.rs`, which creates a server.

use portkey_admin::JsonObject;
use portkey_admin::guardrails::{
    CreateGuardrailRequest, CreatePluginRequest, GuardrailCheckInput, GuardrailExclusionInput,
    UpdateGuardrailExclusionsRequest, UpdateGuardrailRequest, UpdateOrganisationDefaultsRequest,
    UpdatePluginRequest,
};
use serde_json::json;

use crate::{Outcome, TestContext, created_id};

pub async fn call_all(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let id = create(context).await?;
    let change = UpdateGuardrailRequest::builder().name("renamed");
    admin.update_guardrail(&id).body(change).send().await?;
    admin.get_guardrail(&id).send().await?;
    admin
        .list_guardrails()
        .workspace_id(&context.workspace)
        .send()
        .await?;
    defaults(context).await?;
    plugins(context).await?;
    admin.delete_guardrail(&id).send().await
}

/// Creates a guardrail in the workspace; returns its id.
pub async fn create(context: &TestContext) -> Result<String, portkey_admin::Error> {
    let check = GuardrailCheckInput::builder()
        .id("default.contains")
        .parameters(json!({"words": ["secret"], "operator": "none"}));
    let guardrail = CreateGuardrailRequest::builder()
        .name("no secrets")
        .checks([check])
        .actions(json!({"deny": false}))
        .workspace_id(&context.workspace);
    let guardrail = context.admin.create_guardrail().body(guardrail);
    Ok(created_id(guardrail.send().await?.id))
}

async fn defaults(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let none: [&str; 0] = [];
    let defaults = UpdateOrganisationDefaultsRequest::builder().input_guardrails(none);
    let update = admin.update_organisation_defaults().body(defaults);
    update.send().await?;
    admin.get_organisation_defaults().send().await?;

    let exclusion = GuardrailExclusionInput::builder()
        .workspace_id(&context.workspace)
        .excluded(true);
    let exclusions = UpdateGuardrailExclusionsRequest::builder()
        .organisation_id(&context.organisation)
        .workspaces([exclusion]);
    let update = admin.update_input_guardrail_exclusions();
    update.body(exclusions.clone()).send().await?;
    let update = admin.update_output_guardrail_exclusions();
    update.body(exclusions).send().await?;
    let organisation = &context.organisation;
    let list = admin.list_input_guardrail_exclusions();
    list.organisation_id(organisation).send().await?;
    let list = admin.list_output_guardrail_exclusions();
    list.organisation_id(organisation).send().await?;
    Ok(())
}

async fn plugins(TestContext { admin, .. }: &TestContext) -> Outcome {
    let credentials = JsonObject::from([("apiKey", "sample")]);
    let plugin = CreatePluginRequest::builder()
        .plugin_provider_id("patronus")
        .credentials(credentials.clone());
    let id = created_id(admin.create_plugin().body(plugin).send().await?.id);
    let change = UpdatePluginRequest::builder().credentials(credentials);
    admin.update_plugin(&id).body(change).send().await?;
    admin.list_plugins().send().await.map(drop)
}

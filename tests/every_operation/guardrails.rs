//! Guardrails, the organisation's defaults, and the workspaces that are left out of them. What
//! watches MCP servers is called in `mcp.rs`, where there is one.

use portkey_admin::types::{
    CreateGuardrailRequest, GuardrailCheckInput, GuardrailExclusionInput,
    UpdateGuardrailExclusionsRequest, UpdateGuardrailRequest, UpdateOrganisationDefaultsRequest,
};
use serde_json::json;

use crate::{Outcome, World, made};

pub async fn visit(world: &World) -> Outcome {
    let admin = &world.admin;
    let id = create(world).await?;
    let change = UpdateGuardrailRequest::builder().name("renamed");
    admin.update_guardrail(&id).body(change).send().await?;
    admin.get_guardrail(&id).send().await?;
    admin
        .list_guardrails()
        .workspace_id(&world.workspace)
        .send()
        .await?;
    defaults(world).await?;
    admin.delete_guardrail(&id).send().await
}

/// Makes a guardrail of the workspace; gives its id.
pub async fn create(world: &World) -> Result<String, portkey_admin::Error> {
    let check = GuardrailCheckInput::builder()
        .id("default.contains")
        .parameters([("words", json!(["secret"])), ("operator", json!("none"))]);
    let guardrail = CreateGuardrailRequest::builder()
        .name("no secrets")
        .checks([check])
        .actions([("deny", false)])
        .workspace_id(&world.workspace);
    let guardrail = world.admin.create_guardrail().body(guardrail);
    Ok(made(guardrail.send().await?.id))
}

async fn defaults(world: &World) -> Outcome {
    let admin = &world.admin;
    let none: [&str; 0] = [];
    let defaults = UpdateOrganisationDefaultsRequest::builder().input_guardrails(none);
    let update = admin.update_organisation_defaults().body(defaults);
    update.send().await?;
    admin.get_organisation_defaults().send().await?;

    let exclusion = GuardrailExclusionInput::builder()
        .workspace_id(&world.workspace)
        .excluded(true);
    let exclusions = UpdateGuardrailExclusionsRequest::builder()
        .organisation_id(&world.organisation)
        .workspaces([exclusion]);
    let update = admin.update_input_guardrail_exclusions();
    update.body(exclusions.clone()).send().await?;
    let update = admin.update_output_guardrail_exclusions();
    update.body(exclusions).send().await?;
    let organisation = &world.organisation;
    let list = admin.list_input_guardrail_exclusions();
    list.organisation_id(organisation).send().await?;
    let list = admin.list_output_guardrail_exclusions();
    list.organisation_id(organisation).send().await?;
    Ok(())
}

//! Integrations with their models and workspaces, providers, virtual keys and secret references.

use portkey_admin::{
    integrations::{
        CreateIntegrationRequest, IntegrationModelUpdate, IntegrationWorkspaceUpdate,
        UpdateIntegrationModelsRequest, UpdateIntegrationRequest,
        UpdateIntegrationWorkspacesRequest,
    },
    providers::{
        CreateProviderRequest, CreateVirtualKeyRequest, MigrateVirtualKeyRequest,
        UpdateProviderRequest, UpdateVirtualKeyRequest,
    },
    secrets::{CreateSecretReferenceRequest, SecretManagerType, UpdateSecretReferenceRequest},
};
use serde_json::{Value, json};

use crate::{Outcome, TestContext, created_id};

pub async fn call_all(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let integration = CreateIntegrationRequest::builder()
        .name("OpenAI")
        .ai_provider_id("openai")
        .key("sample");
    let integration = admin.create_integration().body(integration);
    let integration = created_id(integration.send().await?.slug);
    let change = UpdateIntegrationRequest::builder().description("Changed");
    let update = admin.update_integration(&integration).body(change);
    update.update_and_get().await?;
    admin.list_integrations().send().await?;
    models(context, &integration).await?;
    workspaces(context, &integration).await?;
    providers(context, &integration).await?;
    admin.delete_integration(&integration).send().await?;
    virtual_keys(context).await?;
    secret_references(context).await
}

async fn models(TestContext { admin, .. }: &TestContext, integration: &str) -> Outcome {
    let model = IntegrationModelUpdate::builder()
        .slug("mine")
        .enabled(true)
        .is_custom(true)
        .base_model_slug("gpt-4o");
    let models = UpdateIntegrationModelsRequest::builder().models([model]);
    let update = admin.update_integration_models(integration).body(models);
    update.update_and_get().await?;
    let delete = admin.delete_integration_models(integration);
    delete.slugs("mine").send().await
}

async fn workspaces(context: &TestContext, integration: &str) -> Outcome {
    let admin = &context.admin;
    let access = IntegrationWorkspaceUpdate::builder()
        .id(&context.workspace)
        .enabled(true);
    let access = UpdateIntegrationWorkspacesRequest::builder().workspaces([access]);
    let update = admin.update_integration_workspaces(integration);
    update.body(access).update_and_get().await.map(drop)
}

async fn providers(context: &TestContext, integration: &str) -> Outcome {
    let (admin, workspace) = (&context.admin, &context.workspace);
    let provider = CreateProviderRequest::builder()
        .name("Main")
        .integration_id(integration)
        .workspace_id(workspace);
    let slug = created_id(admin.create_provider().body(provider).send().await?.slug);
    let change = UpdateProviderRequest::builder().note("Changed");
    let update = admin.update_provider(&slug).workspace_id(workspace);
    update.body(change).send().await?;
    let read = admin.get_provider(&slug).workspace_id(workspace);
    assert_eq!(read.send().await?.note.as_deref(), Some("Changed"));
    admin
        .list_providers()
        .workspace_id(workspace)
        .send()
        .await?;
    admin.list_provider_models().send().await?;
    let delete = admin.delete_provider(&slug).workspace_id(workspace);
    delete.send().await
}

async fn virtual_keys(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let key = CreateVirtualKeyRequest::builder()
        .name("Spare")
        .provider("openai")
        .key("sample")
        .workspace_id(&context.workspace);
    let key = admin.create_virtual_key().body(key).send().await?;
    let (id, slug) = (created_id(key.id), created_id(key.slug));
    let change = UpdateVirtualKeyRequest::builder().note("Changed");
    admin.update_virtual_key(&slug).body(change).send().await?;
    admin.get_virtual_key(&slug).send().await?;
    let list = admin.list_virtual_keys().workspace_id(&context.workspace);
    list.send().await?;
    let migration = MigrateVirtualKeyRequest::builder().virtual_key_id(id);
    let migrate = admin.migrate_virtual_key().body(migration);
    let integration = migrate.send().await?;
    admin.delete_virtual_key(&slug).send().await?;
    // The integration is not deleted with the virtual key any more.
    let integration = integration.get("integration_slug").and_then(Value::as_str);
    admin.delete_integration(integration.unwrap()).send().await
}

async fn secret_references(TestContext { admin, .. }: &TestContext) -> Outcome {
    let reference = CreateSecretReferenceRequest::builder()
        .name("Provider key")
        .manager_type(SecretManagerType::AwsSm)
        .secret_path("prod/provider")
        .auth_config(json!({"aws_auth_type": "serviceRole"}));
    let reference = admin.create_secret_reference().body(reference);
    let id = created_id(reference.send().await?.id);
    let change = UpdateSecretReferenceRequest::builder().description("Changed");
    admin
        .update_secret_reference(&id)
        .body(change)
        .update_and_get()
        .await?;
    admin.list_secret_references().send().await?;
    admin.delete_secret_reference(&id).send().await
}

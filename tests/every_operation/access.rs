//! API keys, configs, deployments, prices and the audit log.

use chrono::{TimeDelta, Utc};
use portkey_admin::{
    api_keys::{ApiKeySubType, ApiKeyType, CreateApiKeyRequest, UpdateApiKeyRequest},
    configs::{CreateConfigRequest, UpdateConfigRequest},
    deployments::{
        CreateDeploymentRequest, DeploymentType, NewDeploymentAuthSettings, UpdateDeploymentRequest,
    },
};
use serde_json::json;

use crate::{Outcome, TestContext, created_id};

pub async fn call_all(context: &TestContext) -> Outcome {
    api_keys(context).await?;
    configs(context).await?;
    deployments(context).await?;
    let admin = &context.admin;
    let (from, to) = (
        Utc::now() - TimeDelta::days(1),
        Utc::now() + TimeDelta::days(1),
    );
    let records = admin
        .list_audit_logs()
        .organisation_id(&context.organisation)
        .start_time(from)
        .end_time(to);
    records.send().await?;
    let pricing = admin.get_model_pricing("openai", "gpt-4o");
    pricing.send().await?;
    admin.list_provider_pricing("openai").send().await?;
    let capabilities = admin.list_provider_capabilities("openai");
    capabilities.send().await?;
    let capabilities = admin.get_model_capabilities("openai", "gpt-4o");
    capabilities.send().await?;
    let configs = admin.get_provider_model_configs("pricing", "openai");
    configs.send().await?;
    let config = admin.get_provider_model_config("general", "openai", "gpt-4o");
    config.send().await.map(drop)
}

async fn api_keys(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let key = CreateApiKeyRequest::builder()
        .name("ci")
        .scopes(["completions.write"])
        .workspace_id(&context.workspace);
    let key = admin
        .create_api_key(ApiKeyType::Workspace, ApiKeySubType::Service)
        .body(key)
        .send()
        .await?
        .id;
    admin.list_api_keys().send().await?;
    admin.get_current_api_key().send().await?;
    let change = UpdateApiKeyRequest::builder().name("renamed");
    let update = admin.update_api_key(&key).body(change);
    let read = update.update_and_get().await?;
    assert_eq!(read.name, "renamed");
    admin.rotate_api_key(&key).send().await?;
    admin.delete_api_key(&key).send().await
}

async fn configs(context: &TestContext) -> Outcome {
    let admin = &context.admin;
    let config = CreateConfigRequest::builder()
        .name("retry")
        .config(json!({"retry": {"attempts": 2}}))
        .workspace_id(&context.workspace);
    let config = created_id(admin.create_config().body(config).send().await?.slug);
    let change = UpdateConfigRequest::builder().config(json!({"retry": {"attempts": 3}}));
    admin.update_config(&config).body(change).send().await?;
    admin.get_config(&config).send().await?;
    admin.list_configs().send().await?;
    let versions = admin.list_config_versions(&config).send().await?;
    assert_eq!(versions.data.len(), 2);
    let version = created_id(versions.data[0].version_id.clone());
    let read = admin.get_config_version(&config, version);
    read.send().await?;
    admin.delete_config(&config).send().await
}

async fn deployments(TestContext { admin, .. }: &TestContext) -> Outcome {
    // One deployment is always the default, and the default cannot be deleted.
    let first = CreateDeploymentRequest::builder()
        .name("Europe")
        .type_(DeploymentType::Production);
    admin.create_deployment().body(first).send().await?;
    let second = CreateDeploymentRequest::builder()
        .name("Asia")
        .type_(DeploymentType::NonProduction)
        .auth_settings(
            NewDeploymentAuthSettings::builder().gateway_base_url("https://gateway.example.com"),
        );
    let id = created_id(admin.create_deployment().body(second).send().await?.id);
    admin.list_deployments().send().await?;
    let change = UpdateDeploymentRequest::builder().name("Asia 2");
    admin.update_deployment(&id).body(change).send().await?;
    admin.get_deployment(&id).send().await?;
    admin.ping_deployment(&id).send().await?;
    admin.delete_deployment(&id).send().await
}

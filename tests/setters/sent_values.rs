//! Values that are sent, in the forms that other clients use.

use portkey_admin::{integrations, logs, policies, providers};
use serde_json::{Value, json};

use crate::support::{CREATED, server::ScriptedResponse, server_and_client};

/// Empty strings and empty lists are values: they are sent even if the field cannot be cleared.
#[tokio::test]
async fn empty_values_are_sent() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    let key = portkey_admin::api_keys::UpdateApiKeyRequest::builder()
        .description("")
        .alert_emails([""; 0]);
    client.update_api_key("one").body(key).send().await.unwrap();
    let models = integrations::UpdateIntegrationModelsRequest::builder()
        .allow_all_models(true)
        .models(Vec::<integrations::IntegrationModelUpdate>::new());
    let call = client.update_integration_models("one").body(models);
    call.send().await.unwrap();
    let bodies: Vec<Value> = server.requests().iter().map(|r| r.json()).collect();
    assert_eq!(
        bodies,
        [
            json!({"description": "", "alert_emails": []}),
            json!({"allow_all_models": true, "models": []}),
        ]
    );
}

/// Lists of models and workspaces change only the named items (M109, M116).
#[tokio::test]
async fn lists_of_models_and_workspaces_contain_only_the_named_items() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    let model = integrations::IntegrationModelUpdate::builder;
    let models = integrations::UpdateIntegrationModelsRequest::builder().models([
        model().slug("gpt-4o").enabled(false),
        model()
            .slug("arn:aws:bedrock/one")
            .enabled(true)
            .is_custom(true)
            .base_model_slug("two"),
    ]);
    let call = client.update_integration_models("one").body(models);
    call.send().await.unwrap();
    let workspace = integrations::IntegrationWorkspaceUpdate::builder();
    let workspaces = integrations::UpdateIntegrationWorkspacesRequest::builder()
        .workspaces([workspace.id("ws-one").enabled(false)]);
    let call = client.update_integration_workspaces("one").body(workspaces);
    call.send().await.unwrap();
    let bodies: Vec<Value> = server.requests().iter().map(|r| r.json()).collect();
    assert_eq!(
        bodies,
        [
            json!({"models": [
                {"slug": "gpt-4o", "enabled": false},
                {
                    "slug": "arn:aws:bedrock/one", "enabled": true, "is_custom": true,
                    "base_model_slug": "two",
                },
            ]}),
            json!({"workspaces": [{"id": "ws-one", "enabled": false}]}),
        ]
    );
}

/// Fields that other clients send but the OpenAPI document lacks or types differently (M123, M266, M277, P20).
#[tokio::test]
async fn fields_missing_in_the_openapi_document_are_sent() {
    let (server, client) = server_and_client(ScriptedResponse::json(200, CREATED));
    let provider = providers::UpdateProviderRequest::builder().workspace_id("one");
    let call = client.update_provider("two").body(provider);
    call.send().await.unwrap();
    let policy = policies::UpdateUsageLimitsPolicyRequest::builder().periodic_reset_days(30);
    let call = client.update_usage_limits_policy("one").body(policy);
    call.send().await.unwrap();
    let models = [
        logs::LogExportModels::from("one"),
        vec!["one".to_owned(), "two".to_owned()].into(),
    ];
    for models in models {
        let filters = logs::LogExportFiltersInput::builder().ai_model(models);
        let body = logs::UpdateLogExportRequest::builder().filters(filters);
        client
            .update_log_export("one")
            .body(body)
            .send()
            .await
            .unwrap();
    }
    let bodies: Vec<Value> = server.requests().iter().map(|r| r.json()).collect();
    assert_eq!(
        bodies,
        [
            json!({"workspace_id": "one"}),
            json!({"periodic_reset_days": 30}),
            json!({"filters": {"ai_model": "one"}}),
            json!({"filters": {"ai_model": ["one", "two"]}}),
        ]
    );
    let call = client
        .list_integration_models("one")
        .current_page(0)
        .page_size(10);
    call.send().await.unwrap();
    let target = &server.requests()[4].target;
    assert!(target.ends_with("?current_page=0&page_size=10"), "{target}");
}

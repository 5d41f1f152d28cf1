//! Checks and catalogues.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, receive};

async fn public(client: &TestClient, path: &str) -> Value {
    let url = format!("{}{path}", client.emulator.public_base_url());
    let response = receive(client.http.get(url)).await;
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    response.body
}

#[tokio::test]
async fn a_key_is_tested() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let (_, key) = client.workspace_key(&workspace, &["*"]).await;
    assert_eq!(client.get("/utils/test-auth").await["success"], true);
    let tested = client.send_as(&key, Method::GET, "/utils/test-auth", Value::Null);
    assert_eq!(tested.await.body["workspace_id"], workspace);
    let wrong = client.send_as("wrong", Method::GET, "/utils/test-auth", Value::Null);
    assert_eq!(wrong.await.status, 401);
}

#[tokio::test]
async fn health_and_schemas_need_no_key() {
    let client = TestClient::new().await;
    assert_eq!(public(&client, "/health").await, json!({"status": "ok"}));
    let path = "/v1/utils/static-resources/schema";
    let schemas = public(&client, &format!("{path}?resource=guardrails")).await;
    assert_eq!(schemas["evals"][0]["id"], "default.contains");
    assert_eq!(public(&client, path).await, schemas);
    assert_eq!(
        public(&client, &format!("{path}?resource=other")).await["evals"],
        json!([])
    );
}

/// An AI provider of the catalogue can be used for an integration.
#[tokio::test]
async fn catalogues_name_what_other_operations_accept() {
    let client = TestClient::new().await;
    for path in ["ai-providers", "integration-providers"] {
        let list = client.get(&format!("/utils/static-resources/{path}")).await;
        assert!(
            column(&list, "slug").contains(&"openai".to_owned()),
            "{list}"
        );
    }
    let provider = client.first("/utils/static-resources/ai-providers").await["slug"].clone();
    let body = json!({"name": "From the catalogue", "ai_provider_id": provider, "key": "sample"});
    client.post("/integrations", body).await;
}

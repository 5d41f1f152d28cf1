//! Public data of models.

use serde_json::Value;

use crate::support::{Response, TestClient, receive};

async fn get(client: &TestClient, path: &str) -> Response {
    let url = format!("{}{path}", client.emulator.public_base_url());
    receive(client.http.get(url)).await
}

async fn expect_ok(client: &TestClient, path: &str) -> Value {
    let response = get(client, path).await;
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    response.body
}

#[tokio::test]
async fn prices_and_capabilities_are_the_same_under_all_paths() {
    let client = TestClient::new().await;
    for (old, kind) in [("pricing", "pricing"), ("general", "general")] {
        let model = expect_ok(&client, &format!("/model-configs/{old}/openai/gpt-4o")).await;
        let path = format!("/v1/utils/model-configs/{kind}/openai");
        assert_eq!(expect_ok(&client, &format!("{path}/gpt-4o")).await, model);
        let all = expect_ok(&client, &path).await;
        let entry = match kind {
            "pricing" => &all["gpt-4o"]["pricing_config"],
            _ => &all["gpt-4o"],
        };
        assert_eq!(*entry, model);
        assert!(all["gpt-4o-mini"].is_object() && all["default"].is_object());
    }
    let capabilities = expect_ok(&client, "/model-configs/general/openai/gpt-4o").await;
    assert_eq!(capabilities["type"]["primary"], "chat");
    assert_eq!(capabilities["params"][0]["key"], "max_tokens");
}

#[tokio::test]
async fn unknown_models_providers_and_types_are_404() {
    let client = TestClient::new().await;
    for path in [
        "/model-configs/general/openai/none",
        "/v1/utils/model-configs/pricing/openai/none",
        "/v1/utils/model-configs/general/none",
        "/v1/utils/model-configs/none/openai",
    ] {
        let response = get(&client, path).await;
        assert_eq!(response.status, 404, "{path}");
        assert!(response.body["error"].is_string(), "{path}");
    }
}

//! Credentials of guardrail partners.

use reqwest::Method;
use serde_json::{Value, json};

use crate::audit_logs;
use crate::support::{TestClient, string};

/// A secret that must not appear in responses.
const CANARY: &str = "emulator-canary-key";

#[tokio::test]
async fn credentials_are_stored_masked_and_replaced() {
    let client = TestClient::new().await;
    let partners = client.get("/utils/static-resources/plugin-providers").await;
    let partner = &partners["data"][0];
    let body = json!({"plugin_provider_id": partner["id"], "credentials": {"apiKey": CANARY}});
    let created = client.post("/plugins", body).await;
    let list = client.get("/plugins").await;
    assert!(!list.to_string().contains(CANARY), "{list}");
    let plugin = &list["data"][0];
    assert_eq!(
        (
            &plugin["id"],
            &plugin["plugin_provider_slug"],
            &list["total"]
        ),
        (&created["id"], &partner["slug"], &json!(1))
    );
    let masked = plugin["credentials"]["apiKey"].clone();
    let path = format!("/plugins/{}", string(&created["id"]));
    let change = json!({"status": "archived", "credentials": {"apiKey": "another-canary-key-2"}});
    let updated = client.put(&path, change).await;
    assert!(!updated.to_string().contains("another-canary"), "{updated}");
    let plugin = client.first("/plugins").await;
    assert_eq!(plugin["status"], "archived");
    assert_ne!(plugin["credentials"]["apiKey"], masked);
    let audit = client.get(&audit_logs::path(&client, "")).await.to_string();
    assert!(
        audit.contains("plugin") && !audit.contains("canary-key"),
        "{audit}"
    );
    let error = client.expect_error(Method::PUT, "/plugins/none", json!({"name": "x"}));
    assert_eq!(error.await.1, "AB08");
    let error = client.expect_error(Method::POST, "/plugins", json!({}));
    assert!(error.await.2.contains("`/credentials`"));
}

#[tokio::test]
async fn plugins_require_an_organisation_key() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let (_, key) = client.workspace_key(&workspace, &["*"]).await;
    let response = client
        .send_as(&key, Method::GET, "/plugins", Value::Null)
        .await;
    assert_eq!(response.error().1, "AB03");
}

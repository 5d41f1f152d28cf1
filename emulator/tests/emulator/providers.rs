//! Providers and virtual keys, which are two views of the same resource.

use std::time::{Duration, SystemTime};

use portkey_admin_emulator::{Clock, Emulator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::logs::entry;
use crate::support::{TestClient, assert_fields, column, string};

#[tokio::test]
async fn virtual_keys_and_providers_show_the_same_resource() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let created = client
        .post("/virtual-keys", json!({"name": "Azure", "provider": "azure-openai", "key": "emulator-canary-key", "note": "n", "resourceName": "one", "azureSecret": "emulator-canary-key", "workspace_id": workspace}))
        .await;
    let slug = string(&created["slug"]);
    assert_eq!(
        (&created["data"]["slug"], &created["object"]),
        (&json!(slug), &json!("virtual-key"))
    );
    let (key, query) = (
        format!("/virtual-keys/{slug}"),
        format!("workspace_id={workspace}"),
    );
    let provider = format!("/providers/{slug}?{query}");

    let read = client.get(&key).await;
    assert!(!read.to_string().contains("canary"), "{read}");
    assert_eq!(read["masked_api_key"], "em*****key");
    assert_eq!(
        read["model_config"],
        json!({"resourceName": "one", "masked_azureSecret": "em*****key"})
    );
    let shown = client.get(&provider).await;
    assert_eq!((&shown["id"], &shown["name"]), (&read["id"], &read["name"]));
    assert_eq!(
        (&shown["object"], &shown["ai_provider_name"]),
        (&json!("provider"), &json!("azure-openai"))
    );
    assert_eq!(
        (
            &shown["rate_limits"],
            &shown["usage_limits"],
            &shown["expires_at"]
        ),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_fields(
        &shown,
        &[
            "workspace_id",
            "model_config",
            "last_updated_at",
            "reset_usage",
        ],
    );
    // The credentials are stored in a separate integration.
    let integration = format!("/integrations/{}", string(&shown["integration_id"]));
    assert_eq!(client.get(&integration).await["masked_key"], "em*****key");

    let ids = client
        .put(&provider, json!({"name": "Renamed", "reset_usage": true}))
        .await;
    assert_eq!(ids, json!({"id": shown["id"], "slug": slug}));
    let read = client.get(&key).await;
    assert_eq!(read["name"], "Renamed");
    assert!(read["last_reset_at"].is_string());
    client
        .put(&key, json!({"note": null, "key": "emulator-another"}))
        .await;
    assert_eq!(client.get(&key).await["masked_api_key"], "em*****her");
    assert_eq!(client.get(&provider).await["note"], Value::Null);

    let list = client.get(&format!("/providers?{query}")).await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(2))
    );
    assert_eq!(
        client
            .get(&format!("/providers?{query}&page_size=1&current_page=1"))
            .await["data"][0]["slug"],
        slug
    );
    assert_eq!(client.delete(&provider).await, json!({}));
    for path in [&key, &integration] {
        let (status, code, _) = client.expect_error(Method::GET, path, Value::Null).await;
        assert_eq!((status, code.as_str()), (404, "AB08"), "{path}");
    }
    assert_eq!(client.virtual_keys().await["total"], 1);
}

#[tokio::test]
async fn deleting_a_virtual_key_deletes_its_integration() {
    let client = TestClient::new().await;
    assert_eq!(client.delete("/virtual-keys/openai-main").await, json!({}));
    let rejected = client
        .expect_error(Method::DELETE, "/virtual-keys/openai-main", Value::Null)
        .await;
    assert_eq!(rejected.0, 404);
    assert_eq!(client.get("/integrations").await["total"], 0);
}

#[tokio::test]
async fn a_provider_needs_an_integration_that_is_enabled() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let integration =
        json!({"name": "Shared", "ai_provider_id": "openai", "key": "k", "slug": "shared"});
    client.post("/integrations", integration).await;
    let body = json!({"name": "Mine", "integration_id": "shared", "workspace_id": workspace, "slug": "mine",
        "rate_limits": [{"type": "requests", "unit": "rpm", "value": 5}], "usage_limits": {"credit_limit": 10, "type": "cost"}});
    let (status, code, _) = client
        .expect_error(Method::POST, "/providers", body.clone())
        .await;
    assert_eq!((status, code.as_str()), (403, "AB03"));
    let grant = json!({"workspaces": [{"id": workspace, "enabled": true, "create_default_provider": false}]});
    client.put("/integrations/shared/workspaces", grant).await;
    let created = client.post("/providers", body.clone()).await;
    assert_eq!(
        (&created["slug"], &created["object"]),
        (&json!("mine"), &json!("provider"))
    );
    let shown = client
        .get(&format!("/providers/mine?workspace_id={workspace}"))
        .await;
    assert_eq!(
        (&shown["rate_limits"], &shown["usage_limits"]),
        (&body["rate_limits"], &body["usage_limits"])
    );
    let rejected = client.expect_error(Method::POST, "/providers", body).await;
    assert!(
        rejected.0 == 400 && rejected.2.contains("`/slug`"),
        "{rejected:?}"
    );
    // The key of a shared integration cannot be changed through a virtual key.
    let rejected = client
        .expect_error(Method::PUT, "/virtual-keys/mine", json!({"key": "k"}))
        .await;
    assert!(
        rejected.0 == 400 && rejected.2.contains("`/key`"),
        "{rejected:?}"
    );
}

#[tokio::test]
async fn slugs_are_unique_per_workspace() {
    let client = TestClient::new().await;
    let mut ids = Vec::new();
    for name in ["One", "Two"] {
        let workspace = string(&client.workspace(name).await["id"]);
        let body = json!({"name": name, "ai_provider_id": "openai", "key": "k", "workspace_id": workspace, "default_provider_slug": "same"});
        client.post("/integrations", body).await;
        let path = format!("/providers/same?workspace_id={workspace}");
        let provider = client.get(&path).await;
        assert_eq!(provider["workspace_id"], workspace);
        ids.push((path, string(&provider["id"])));
    }
    assert_ne!(ids[0].1, ids[1].1);
    client.delete(&ids[0].0).await;
    assert_eq!(
        client
            .expect_error(Method::GET, &ids[0].0, Value::Null)
            .await
            .0,
        404
    );
    assert_eq!(client.get(&ids[1].0).await["id"], ids[1].1);
}

#[tokio::test]
async fn organisation_keys_require_workspace_id() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let paths = ["/providers", "/providers/openai-main"];
    for path in paths {
        let (status, _, message) = client.expect_error(Method::GET, path, Value::Null).await;
        assert_eq!(status, 400);
        assert!(message.contains("workspace_id"), "{message}");
    }
    // Updates also accept the workspace in the body.
    let body = json!({"name": "New", "workspace_id": workspace});
    client.put("/providers/openai-main", body).await;
    let other = string(&client.workspace("Other").await["id"]);
    let elsewhere = format!("/providers/openai-main?workspace_id={other}");
    assert_eq!(
        client
            .expect_error(Method::GET, &elsewhere, Value::Null)
            .await
            .0,
        404
    );
    assert_eq!(
        client
            .expect_error(Method::DELETE, &elsewhere, Value::Null)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn invalid_virtual_keys_are_rejected() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let cases = [
        (json!({"provider": "openai", "key": "k"}), "`/name`"),
        (json!({"name": "a", "key": "k"}), "`/provider`"),
        (json!({"name": "a", "provider": "openai"}), "`/key`"),
        (
            json!({"name": "a", "provider": "openai", "key": "k", "usage_limits": {"credit_limit": 1, "alert_threshold": 2}}),
            "`/usage_limits/alert_threshold`",
        ),
        (
            json!({"name": "a", "provider": "openai", "key": "k", "rate_limits": {"type": "requests"}}),
            "`/rate_limits`",
        ),
    ];
    for (mut body, place) in cases {
        body["workspace_id"] = json!(workspace);
        let (status, code, message) = client
            .expect_error(Method::POST, "/virtual-keys", body)
            .await;
        assert_eq!((status, code.as_str()), (400, "AB01"));
        assert!(message.contains(place), "{message}");
    }
}

#[tokio::test]
async fn a_provider_expires() {
    let clock = Clock::fixed(SystemTime::UNIX_EPOCH);
    let client = TestClient::with_emulator(Emulator::builder().clock(clock).start().await.unwrap());
    let workspace = client.first_workspace().await;
    let path = format!("/providers/openai-main?workspace_id={workspace}");
    client
        .put(&path, json!({"expires_at": "1970-01-01T00:01:00Z"}))
        .await;
    assert_eq!(client.get(&path).await["status"], "active");
    client.emulator.advance(Duration::from_secs(60));
    assert_eq!(client.get(&path).await["status"], "expired");
    assert_eq!(
        client.get("/virtual-keys/openai-main").await["status"],
        "expired"
    );
    client.put(&path, json!({"expires_at": null})).await;
    assert_eq!(client.get(&path).await["status"], "active");
}

#[tokio::test]
async fn a_provider_is_exhausted_by_logged_usage() {
    let clock = Clock::fixed(SystemTime::UNIX_EPOCH);
    let client = TestClient::with_emulator(Emulator::builder().clock(clock).start().await.unwrap());
    let workspace = client.first_workspace().await;
    let path = format!("/providers/openai-main?workspace_id={workspace}");
    let limits = json!({"type": "tokens", "credit_limit": 10, "periodic_reset": "weekly"});
    client.put(&path, json!({"usage_limits": limits})).await;
    let mut named = entry("user", 200, 10);
    named["request"]["headers"]["x-portkey-virtual-key"] = json!("openai-main");
    client.post("/logs", entry("user", 200, 10)).await;
    assert_eq!(client.get(&path).await["status"], "active");
    client.post("/logs", named.clone()).await;
    assert_eq!(client.get(&path).await["status"], "exhausted");
    let listed = client.virtual_keys().await["data"][0].clone();
    assert_eq!(listed["status"], "exhausted");
    client.put(&path, json!({"reset_usage": true})).await;
    assert_eq!(client.get(&path).await["status"], "active");
    client.post("/logs", named).await;
    assert_eq!(client.get(&path).await["status"], "exhausted");
    // The first of January 1970 was a Thursday.
    client.emulator.advance(Duration::from_secs(4 * 24 * 3600));
    assert_eq!(client.get(&path).await["status"], "active");
}

#[tokio::test]
async fn a_migrated_virtual_key_is_a_provider_of_an_integration_that_outlives_it() {
    let client = TestClient::new().await;
    let key = client.virtual_keys().await["data"][0].clone();
    let body = json!({"virtual_key_id": key["id"]});
    let migrated = client.post("/virtual-keys/migrate", body.clone()).await;
    assert_eq!(
        (&migrated["id"], &migrated["slug"]),
        (&key["id"], &key["slug"])
    );
    let integration = format!("/integrations/{}", string(&migrated["integration_slug"]));
    assert_eq!(
        client.get(&integration).await["id"],
        migrated["integration_id"]
    );
    let (status, code, _) = client
        .expect_error(Method::POST, "/virtual-keys/migrate", body)
        .await;
    assert_eq!((status, code.as_str()), (409, "AB07"));
    // The credentials now belong to the integration.
    let path = format!("/virtual-keys/{}", string(&key["slug"]));
    let secret = json!({"key": "another-sample"});
    assert_eq!(client.expect_error(Method::PUT, &path, secret).await.0, 400);
    client.delete(&path).await;
    client.get(&integration).await;
    for id in [json!("none"), Value::Null] {
        let body = json!({"virtual_key_id": id});
        let error = client.expect_error(Method::POST, "/virtual-keys/migrate", body);
        assert!(matches!(error.await.0, 400 | 404), "{id}");
    }
}

#[tokio::test]
async fn the_enabled_models_of_providers_are_listed() {
    let client = TestClient::new().await;
    let key = client.virtual_keys().await["data"][0].clone();
    let list = client.get("/providers/models").await;
    let slug = string(&key["slug"]);
    assert_eq!(
        column(&list, "id"),
        [format!("@{slug}/gpt-4o"), format!("@{slug}/gpt-4o-mini")]
    );
    let models = json!({"models": [{"slug": "gpt-4o", "enabled": false}]});
    let path = format!("/integrations/{}/models", string(&key["integration_id"]));
    client.put(&path, models).await;
    let list = client.get("/providers/models").await;
    assert_eq!(column(&list, "slug"), ["gpt-4o-mini"]);
    let other = string(&client.workspace("Other").await["id"]);
    let (_, key) = client.workspace_key(&other, &["*"]).await;
    let list = client.send_as(&key, Method::GET, "/providers/models", Value::Null);
    assert_eq!(list.await.body["total"], 0);
}

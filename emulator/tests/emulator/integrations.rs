//! Integrations, their models and their workspaces.

use portkey_admin_emulator::{Emulator, Key, Organisation};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, assert_fields, column, string};

/// A secret that must not appear in responses.
const CANARY: &str = "emulator-canary-key";

async fn integration(client: &TestClient, overrides: Value) -> String {
    let mut body = json!({"name": "Main", "ai_provider_id": "openai", "key": CANARY});
    for (name, value) in overrides.as_object().unwrap() {
        body[name] = value.clone();
    }
    let created = client.post("/integrations", body).await;
    assert_fields(&created, &["id", "slug"]);
    format!("/integrations/{}", string(&created["slug"]))
}

#[tokio::test]
async fn an_integration_shows_no_secret() {
    let client = TestClient::new().await;
    let settings = json!({"openai_project": "one", "custom_headers": {"x-a": CANARY}, "deep": {"client_secret": CANARY}});
    let path = integration(&client, json!({"slug": "main", "configurations": settings})).await;
    assert_eq!(path, "/integrations/main");
    let read = client.get(&path).await;
    assert!(!read.to_string().contains(CANARY), "{read}");
    assert_eq!(read["masked_key"], "em*****key");
    assert_eq!(
        read["configurations"],
        json!({
            "openai_project": "one",
            "masked_custom_headers": {"x-a": "em*****key"},
            "deep": {"masked_client_secret": "em*****key"},
        })
    );
    assert_eq!(
        (&read["type"], &read["workspace_id"], &read["object"]),
        (&json!("organisation"), &Value::Null, &json!("integration"))
    );
    assert_eq!(
        (&read["workspace_count"], &read["last_updated_at"]),
        (&json!(0), &Value::Null)
    );
    let same = client
        .get(&format!("/integrations/{}", string(&read["id"])))
        .await;
    assert_eq!(same, read);

    let list = client.get("/integrations?type=organisation").await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(1))
    );
    assert!(list["data"][0].get("masked_key").is_none());
    assert_eq!(client.get("/integrations").await["total"], 2);
}

#[tokio::test]
async fn an_integration_is_changed_and_deleted() {
    let client = TestClient::new().await;
    let path = integration(&client, json!({})).await;
    let change = json!({"name": "Other", "description": "d", "key": "emulator-other-one"});
    assert_eq!(client.put(&path, change).await, json!({}));
    let read = client.get(&path).await;
    assert_eq!(
        (&read["name"], &read["description"], &read["masked_key"]),
        (&json!("Other"), &json!("d"), &json!("em*****one"))
    );
    assert!(read["last_updated_at"].is_string());
    assert_eq!(client.delete(&path).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn invalid_credentials_are_rejected() {
    let client = TestClient::new().await;
    let cases = [
        (json!({"name": "a", "ai_provider_id": "openai"}), "`/key`"),
        (json!({"name": "a", "key": "k"}), "`/ai_provider_id`"),
        (
            json!({"name": "a", "ai_provider_id": "azure-openai", "key": "k", "configurations": {"azure_mode": "entra"}}),
            "`/configurations/azure_auth_mode`",
        ),
        (
            json!({"name": "a", "ai_provider_id": "openai", "key": "k", "secret_mappings": [{"secret_reference_id": "none", "target_field": "key"}]}),
            "`/secret_mappings/0/secret_reference_id`",
        ),
        (
            json!({"name": "a", "ai_provider_id": "openai", "key": "k", "secret_mappings": [{"secret_reference_id": "none", "target_field": "name"}]}),
            "`/secret_mappings/0/target_field`",
        ),
        (
            json!({"name": "a", "ai_provider_id": "openai", "key": "k", "slug": "openai-main"}),
            "`/slug`",
        ),
    ];
    for (body, place) in cases {
        let (status, code, message) = client
            .expect_error(Method::POST, "/integrations", body)
            .await;
        assert_eq!((status, code.as_str()), (400, "AB01"), "{message}");
        assert!(message.contains(place), "{message}");
    }
    let keyless = json!({"name": "a", "ai_provider_id": "bedrock", "configurations": {"aws_auth_type": "assumedRole", "aws_region": "one"}});
    client.post("/integrations", keyless).await;
    let entra = json!({"azure_auth_mode": "entra", "azure_foundry_url": "https://example.com"});
    let body = json!({"name": "a", "ai_provider_id": "azure-ai", "configurations": entra});
    client.post("/integrations", body).await;
}

#[tokio::test]
async fn models_are_enabled_added_and_removed() {
    let client = TestClient::new().await;
    let path = format!("{}/models", integration(&client, json!({})).await);
    let list = client.get(&path).await;
    assert_eq!(list["allow_all_models"], false);
    let built_in = string(&list["models"][0]["slug"]);
    let arn = "arn:aws:one:two/three.v1:0";
    let change = json!({"allow_all_models": false, "models": [
        {"slug": built_in, "enabled": false},
        {"slug": arn, "enabled": true, "is_custom": true, "base_model_slug": built_in,
         "pricing_config": {"type": "static", "pay_as_you_go": {"request_token": {"price": 1.5}}}},
    ]});
    assert_eq!(client.put(&path, change).await, json!({}));
    let list = client.get(&path).await;
    assert_eq!(list["allow_all_models"], false);
    assert_eq!(list["models"][0]["enabled"], false);
    let models = list["models"].as_array().unwrap();
    assert_eq!(list["total"], models.len());
    let own = models.last().unwrap();
    // The service returns booleans as numbers and strings here.
    assert_eq!(
        (&own["slug"], &own["is_custom"], &own["is_finetune"]),
        (&json!(arn), &json!(1), &json!("false"))
    );

    let removal = |slugs: &str| format!("{path}?slugs={}", slugs.replace('/', "%2F"));
    let rejected = client
        .expect_error(Method::DELETE, &removal(&built_in), Value::Null)
        .await;
    assert_eq!(rejected.0, 400, "{}", rejected.2);
    let both = removal(&format!("{arn},none"));
    assert_eq!(
        client
            .expect_error(Method::DELETE, &both, Value::Null)
            .await
            .0,
        404
    );
    assert_eq!(client.get(&path).await["total"], models.len());
    assert_eq!(client.delete(&removal(arn)).await, json!({}));
    assert_eq!(client.get(&path).await["total"], models.len() - 1);
    let missing = client
        .expect_error(Method::DELETE, &path, Value::Null)
        .await;
    assert!(missing.2.contains("slugs"), "{}", missing.2);
}

#[tokio::test]
async fn incomplete_models_are_rejected() {
    let client = TestClient::new().await;
    let settings = json!({"ai_provider_id": "bedrock"});
    let path = format!("{}/models", integration(&client, settings).await);
    let cases = [
        (json!({}), "`/models`"),
        (json!({"models": [{"slug": "a"}]}), "`/models/0/enabled`"),
        (
            json!({"models": [{"slug": "a", "enabled": true, "pricing_config": {}}]}),
            "`/models/0/pricing_config/type`",
        ),
        (
            json!({"models": [{"slug": "arn:a", "enabled": true, "is_custom": true}]}),
            "`/models/0/base_model_slug`",
        ),
    ];
    for (body, place) in cases {
        let (status, _, message) = client.expect_error(Method::PUT, &path, body).await;
        assert_eq!(status, 400);
        assert!(message.contains(place), "{message}");
    }
}

#[tokio::test]
async fn workspaces_are_given_access_and_providers() {
    let client = TestClient::new().await;
    let workspace = client.workspace("Other").await;
    let (id, slug) = (string(&workspace["id"]), string(&workspace["slug"]));
    let own = integration(&client, json!({"slug": "main"})).await;
    let path = format!("{own}/workspaces");
    let providers = format!("/providers?workspace_id={id}");
    assert_eq!(
        client.get(&path).await,
        json!({"object": "list", "total": 0, "workspaces": [], "global_workspace_access": null})
    );

    let limits = json!([{"type": "cost", "credit_limit": 10, "alert_threshold": 5}]);
    let grant = json!({"workspaces": [{"id": id, "enabled": true, "usage_limits": limits, "default_provider_slug": "mine"}]});
    assert_eq!(client.put(&path, grant).await, json!({}));
    let list = client.get(&path).await;
    // A UUID is returned as the slug.
    assert_eq!(
        list["workspaces"],
        json!([{"id": slug, "enabled": true, "usage_limits": limits, "rate_limits": null}])
    );
    assert_eq!(client.get(&own).await["workspace_count"], 1);
    let provider = client.first(&providers).await;
    assert_eq!(
        (&provider["slug"], &provider["integration_id"]),
        (&json!("mine"), &json!("main"))
    );
    assert!(string(&provider["note"]).contains("main"));
    // The workspace cannot be deleted while it has the integration.
    let workspace = format!("/admin/workspaces/{id}");
    let rejected = client
        .expect_error(Method::DELETE, &workspace, json!({"name": "Other"}))
        .await;
    assert_eq!((rejected.0, rejected.1.as_str()), (409, "AB07"));

    // Revoking and granting access again creates no second provider.
    for enabled in [false, true] {
        let change = json!({"workspaces": [{"id": slug, "enabled": enabled, "reset_usage": true}]});
        client.put(&path, change).await;
        assert_eq!(client.get(&path).await["workspaces"][0]["enabled"], enabled);
    }
    assert_eq!(client.get(&providers).await["total"], 1);
    let key = client.get("/virtual-keys/mine").await;
    assert!(key["last_reset_at"].is_string());

    client.delete(&own).await;
    assert_eq!(client.get(&providers).await["total"], 0);
    client
        .send(Method::DELETE, &workspace, json!({"name": "Other"}))
        .await;
    let deleted = client
        .expect_error(Method::GET, &workspace, Value::Null)
        .await;
    assert_eq!(deleted.0, 403);
}

#[tokio::test]
async fn global_access_applies_without_a_workspace_entry() {
    let client = TestClient::new().await;
    let other = string(&client.workspace("Other").await["slug"]);
    let own = integration(&client, json!({})).await;
    let path = format!("{own}/workspaces");
    let change = json!({"workspaces": [{"id": other, "enabled": false}], "global_workspace_access": {"enabled": true}, "create_default_provider": false});
    client.put(&path, change).await;
    assert_eq!(client.get(&own).await["workspace_count"], 1);
    let other_keys = format!("/virtual-keys?workspace_id={other}");
    let count = async || {
        let (own, other) = (client.virtual_keys().await, client.get(&other_keys).await);
        own["total"].as_u64().unwrap() + other["total"].as_u64().unwrap()
    };
    assert_eq!(count().await, 1);
    let all = json!({"global_workspace_access": {"enabled": true}, "override_existing_workspace_access": true});
    client.put(&path, all).await;
    assert_eq!(client.get(&own).await["workspace_count"], 2);
    assert_eq!(
        client.get(&path).await["global_workspace_access"]["enabled"],
        true
    );
    assert_eq!(
        client.get(&own).await["global_workspace_access_settings"]["enabled"],
        true
    );
    // Only the workspace that gained access got a provider.
    assert_eq!(count().await, 2);
    assert_eq!(
        client
            .get(&format!("/integrations?workspace_id={other}"))
            .await["total"],
        1
    );

    let cases = [
        (
            json!({"workspaces": [{"id": "none", "enabled": true}]}),
            "`/workspaces/0/id`",
        ),
        (
            json!({"workspaces": [{"id": other, "enabled": true, "usage_limits": [{"credit_limit": 1, "alert_threshold": 2}]}]}),
            "`/workspaces/0/usage_limits/0/alert_threshold`",
        ),
    ];
    for (body, place) in cases {
        let (status, _, message) = client.expect_error(Method::PUT, &path, body).await;
        assert_eq!(status, 400);
        assert!(message.contains(place), "{message}");
    }
}

#[tokio::test]
async fn a_workspace_integration_creates_a_provider() {
    let client = TestClient::new().await;
    let workspace = string(&client.workspace("Other").await["id"]);
    let providers = format!("/providers?workspace_id={workspace}");
    let without = json!({"workspace_id": workspace, "create_default_provider": false});
    let own = integration(&client, without).await;
    assert_eq!(client.get(&providers).await["total"], 0);
    assert_eq!(client.get(&own).await["type"], "workspace");
    let with = json!({"workspace_id": workspace, "default_provider_slug": "mine"});
    let own = integration(&client, with).await;
    assert_eq!(column(&client.get(&providers).await, "slug"), ["mine"]);
    let taken = json!({"name": "a", "ai_provider_id": "openai", "key": "k", "workspace_id": workspace, "default_provider_slug": "mine"});
    let (status, _, message) = client
        .expect_error(Method::POST, "/integrations", taken)
        .await;
    assert_eq!(status, 400);
    assert!(message.contains("`/default_provider_slug`"), "{message}");
    assert_eq!(client.get("/integrations?type=workspace").await["total"], 3);
    assert_eq!(client.get(&format!("{own}/workspaces")).await["total"], 1);
}

#[tokio::test]
async fn workspace_keys_cannot_use_organisation_integrations() {
    let organisation = Organisation::named("Acme")
        .workspace("One")
        .workspace("Two")
        .key(Key::workspace("One", "one"));
    let emulator = Emulator::builder().organisation(organisation);
    let client = TestClient::with_emulator(emulator.start().await.unwrap());
    let workspaces = column(&client.get("/admin/workspaces").await, "id");
    let shared = integration(&client, json!({"slug": "shared"})).await;
    let foreign = integration(&client, json!({"workspace_id": workspaces[1]})).await;
    let own = integration(
        &client,
        json!({"workspace_id": workspaces[0], "slug": "own"}),
    )
    .await;
    assert_eq!(
        column(&client.get_as("one", "/integrations").await, "slug"),
        ["own"]
    );
    let grant = json!({"workspaces": [{"id": workspaces[0], "enabled": true}]});
    client.put(&format!("{shared}/workspaces"), grant).await;
    assert_eq!(
        column(&client.get_as("one", "/integrations").await, "slug"),
        ["shared", "own"]
    );
    client.get_as("one", &own).await;
    let key = client.emulator.key("one").unwrap();
    for (path, expected) in [(shared, 403), (foreign, 404)] {
        let response = client.send_as(&key, Method::GET, &path, Value::Null).await;
        assert_eq!(response.status, expected, "{path}");
    }
}

/// Such a workspace is never empty, so that it cannot be deleted without `force`.
#[tokio::test]
async fn a_new_workspace_gets_providers_of_global_integrations() {
    let client = TestClient::new().await;
    let own = integration(&client, json!({"slug": "shared"})).await;
    let quiet = integration(&client, json!({"slug": "quiet"})).await;
    let all = json!({"global_workspace_access": {"enabled": true}});
    client.put(&format!("{own}/workspaces"), all.clone()).await;
    let mut without = all;
    without["create_default_provider"] = json!(false);
    client.put(&format!("{quiet}/workspaces"), without).await;
    let id = string(&client.workspace("Fresh").await["id"]);
    let providers = client.get(&format!("/providers?workspace_id={id}")).await;
    assert_eq!(column(&providers, "integration_id"), ["shared"]);
    let path = format!("/admin/workspaces/{id}");
    let error = client
        .expect_error(Method::DELETE, &path, json!({"name": "Fresh"}))
        .await;
    assert_eq!((error.0, error.1.as_str()), (409, "AB07"));
    let forced = json!({"name": "Fresh", "force_delete": true});
    client.expect_ok(Method::DELETE, &path, forced).await;
}

#[tokio::test]
async fn integrations_and_providers_are_listed_by_tags() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let body = json!({"name": "Tagged", "ai_provider_id": "openai", "key": "one",
        "workspace_id": workspace, "tags": {"team": "a", "stage": "test"}});
    let created = client.post("/integrations", body).await;
    assert_eq!(created["object"], "integration");
    let slug = string(&created["slug"]);
    let list = client
        .get("/integrations?tags=%7B%22team%22:%22a%22%7D")
        .await;
    assert_eq!(
        (&list["total"], &list["data"][0]["slug"]),
        (&json!(1), &json!(slug))
    );
    assert_eq!(list["data"][0]["workspaces_count"], 1);
    let none = client
        .get("/integrations?tags=%7B%22team%22:%22b%22%7D")
        .await;
    assert_eq!(none["total"], 0);

    let providers = format!("/providers?workspace_id={workspace}");
    let provider = string(&created["provider_id"]);
    let path = format!("/providers/{provider}?workspace_id={workspace}");
    client.put(&path, json!({"tags": {"team": "b"}})).await;
    let list = client
        .get(&format!("{providers}&tags=%7B%22team%22:%22b%22%7D"))
        .await;
    assert_eq!(column(&list, "id"), [provider]);
    let read = client.get(&path).await;
    assert_eq!(read["key"], "");
    client.put(&path, json!({"tags": null})).await;
    assert_eq!(client.get(&path).await["tags"], Value::Null);
}

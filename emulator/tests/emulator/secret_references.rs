//! Secret references.

use portkey_admin_emulator::{Emulator, Key, Organisation, Plan};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

/// A secret that must not appear in responses.
const CANARY: &str = "emulator-canary-key";

fn body(name: &str) -> Value {
    json!({
        "name": name, "slug": name, "manager_type": "aws_sm", "secret_path": "one/two",
        "auth_config": {"aws_auth_type": "accessKey", "aws_access_key_id": "id", "aws_secret_access_key": CANARY, "aws_region": "one"},
    })
}

async fn reference(client: &TestClient, name: &str) -> String {
    let created = client.post("/secret-references", body(name)).await;
    assert_eq!(created["object"], "secret-reference");
    format!("/secret-references/{}", string(&created["slug"]))
}

#[tokio::test]
async fn a_reference_shows_no_secret_and_merges_settings() {
    let client = TestClient::new().await;
    let path = reference(&client, "one").await;
    let read = client.get(&path).await;
    assert!(!read.to_string().contains(CANARY), "{read}");
    assert_eq!(
        read["auth_config"],
        json!({"aws_auth_type": "accessKey", "aws_access_key_id": "id", "masked_aws_secret_access_key": "em*****key", "aws_region": "one"})
    );
    assert_eq!(
        (
            &read["status"],
            &read["allow_all_workspaces"],
            &read["tags"]
        ),
        (&json!("ACTIVE"), &json!(true), &Value::Null)
    );
    let by_id = format!("/secret-references/{}", string(&read["id"]));
    let change = json!({
        "name": "Renamed", "secret_key": "k", "tags": {"team": "one"}, "manager_type": "azure_kv",
        "auth_config": {"aws_region": "two", "masked_aws_secret_access_key": "em*****key"},
    });
    assert_eq!(client.put(&by_id, change).await, json!({}));
    let read = client.get(&path).await;
    assert_eq!(
        (&read["name"], &read["secret_key"], &read["manager_type"]),
        (&json!("Renamed"), &json!("k"), &json!("aws_sm"))
    );
    assert_eq!(read["auth_config"]["aws_region"], "two");
    assert_eq!(
        read["auth_config"]["masked_aws_secret_access_key"],
        "em*****key"
    );
    client.put(&path, json!({"secret_key": null})).await;
    assert_eq!(client.get(&path).await["secret_key"], Value::Null);

    assert_eq!(client.delete(&path).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn lists_are_filtered_and_paginated() {
    let client = TestClient::new().await;
    for number in 0..21 {
        reference(&client, &format!("ref-{number}")).await;
    }
    client
        .put(
            "/secret-references/ref-7",
            json!({"tags": {"team": "one", "x": "y"}}),
        )
        .await;
    let list = client.get("/secret-references").await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(21))
    );
    assert_eq!(column(&list, "slug").len(), 20);
    for name in ["tags", "secret_path", "description", "auth_config"] {
        assert!(list["data"][0].get(name).is_none(), "{name}");
    }
    let next = client.get("/secret-references?current_page=1").await;
    assert_eq!(column(&next, "slug"), ["ref-20"]);
    let found = client.get("/secret-references?search=REF-20").await;
    assert_eq!(found["total"], 1);
    let tagged = client
        .get("/secret-references?tags=%7B%22team%22%3A%22one%22%7D")
        .await;
    assert_eq!(column(&tagged, "slug"), ["ref-7"]);
    assert_eq!(
        client.get("/secret-references?manager_type=azure_kv").await["total"],
        0
    );
    let (status, _, message) = client
        .expect_error(Method::GET, "/secret-references?tags=x", Value::Null)
        .await;
    assert!(status == 400 && message.contains("`tags`"), "{message}");
    let large = client
        .expect_error(Method::GET, "/secret-references?page_size=101", Value::Null)
        .await;
    assert_eq!(large.0, 400);
}

#[tokio::test]
async fn invalid_references_are_rejected() {
    let client = TestClient::new().await;
    reference(&client, "taken").await;
    let cases = [
        (json!({"slug": "taken"}), "`/slug`"),
        (json!({"allowed_workspaces": []}), "`/allowed_workspaces`"),
        (
            json!({"allowed_workspaces": ["none"]}),
            "`/allowed_workspaces/0`",
        ),
        (
            json!({"allow_all_workspaces": true, "allowed_workspaces": ["none"]}),
            "`/allow_all_workspaces`",
        ),
        (json!({"auth_config": {}}), "`/auth_config/aws_auth_type`"),
        (
            json!({"auth_config": {"aws_auth_type": "other"}}),
            "`/auth_config/aws_auth_type`",
        ),
        (
            json!({"auth_config": {"aws_auth_type": "assumedRole"}}),
            "`/auth_config/aws_role_arn`",
        ),
        (json!({"manager_type": "other"}), "`/manager_type`"),
    ];
    for (change, place) in cases {
        let mut body = body("new");
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let (status, code, message) = client
            .expect_error(Method::POST, "/secret-references", body)
            .await;
        assert_eq!((status, code.as_str()), (400, "AB01"), "{message}");
        assert!(message.contains(place), "{message}");
    }
    let nothing = [
        json!({}),
        json!({"manager_type": "azure_kv"}),
        json!({"allowed_workspaces": []}),
    ];
    for body in nothing {
        let (status, code, _) = client
            .expect_error(Method::PUT, "/secret-references/taken", body)
            .await;
        assert_eq!((status, code.as_str()), (400, "AB01"));
    }
}

#[tokio::test]
async fn a_reference_in_use_cannot_be_deleted() {
    let client = TestClient::new().await;
    let path = reference(&client, "used").await;
    let id = client.get(&path).await["id"].clone();
    let workspace = client.first("/admin/workspaces").await["id"].clone();
    let users = [
        (
            "/integrations",
            json!({"name": "a", "ai_provider_id": "openai", "secret_mappings": [{"secret_reference_id": "used", "target_field": "key"}]}),
        ),
        (
            "/virtual-keys",
            json!({"name": "a", "provider": "openai", "workspace_id": workspace, "secret_mappings": [{"secret_reference_id": id, "target_field": "key"}]}),
        ),
        (
            "/mcp-integrations",
            json!({"name": "a", "url": "https://example.com", "auth_type": "headers", "transport": "http", "secret_mappings": [{"secret_reference_id": id, "target_field": "configurations.custom_headers"}]}),
        ),
    ];
    for (users, body) in users {
        let slug = string(&client.post(users, body).await["slug"]);
        let (status, code, message) = client
            .expect_error(Method::DELETE, &path, Value::Null)
            .await;
        assert_eq!((status, code.as_str()), (400, "AB01"));
        assert!(message.contains(&slug), "{message}");
        if users == "/integrations" {
            let read = client.get(&format!("/integrations/{slug}")).await;
            assert_eq!(read["secret_mappings"][0]["secret_reference_id"], "used");
            // An empty list removes the reference; the key must then be given directly.
            let change = json!({"secret_mappings": [], "key": "k"});
            client.put(&format!("/integrations/{slug}"), change).await;
        } else {
            client.delete(&format!("{users}/{slug}")).await;
        }
    }
    client.delete(&path).await;
}

#[tokio::test]
async fn workspaces_and_plans_limit_access_to_references() {
    let organisation = Organisation::named("Acme")
        .workspace("One")
        .workspace("Two")
        .key(Key::workspace("One", "one"))
        .key(Key::workspace("Two", "two"));
    let free = Organisation::named("Free")
        .plan(Plan::Free)
        .key(Key::organisation("free"));
    let emulator = Emulator::builder()
        .organisation(organisation)
        .organisation(free);
    let client = TestClient::with_emulator(emulator.start().await.unwrap());
    let workspaces = column(&client.get("/admin/workspaces").await, "slug");
    let mut body = body("one");
    body["allowed_workspaces"] = json!([workspaces[0]]);
    client.post("/secret-references", body).await;
    let read = client.get("/secret-references/one").await;
    assert_eq!(read["allow_all_workspaces"], false);
    assert!(read.get("allowed_workspaces").is_none());
    let key = client.emulator.key("one").unwrap();
    let refused = client.send_as(&key, Method::GET, "/secret-references", Value::Null);
    assert_eq!(refused.await.status, 403, "workspace key");
    let mapping = json!([{"secret_reference_id": "one", "target_field": "key"}]);
    let foreign = json!({"name": "a", "ai_provider_id": "openai", "workspace_id": workspaces[1], "secret_mappings": mapping});
    let (status, _, message) = client
        .expect_error(Method::POST, "/integrations", foreign.clone())
        .await;
    assert!(
        status == 400 && message.contains("`/secret_mappings/0/"),
        "{message}"
    );
    client
        .put(
            "/secret-references/one",
            json!({"allow_all_workspaces": true}),
        )
        .await;
    client.post("/integrations", foreign).await;

    let key = client.emulator.key("free").unwrap();
    let rejected = client
        .send_as(&key, Method::GET, "/secret-references", Value::Null)
        .await;
    let (status, code, _) = rejected.error();
    assert_eq!((status, code.as_str()), (403, "AB03"));
}

//! Configs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

#[tokio::test]
async fn the_seeded_config_has_the_recorded_shape() {
    let client = TestClient::new().await;
    let list = client.get("/configs").await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(1))
    );
    let item = &list["data"][0];
    assert_eq!(
        (&item["object"], &item["is_default"]),
        (&json!("config"), &json!(0))
    );
    assert!(item.get("config").is_none());
    let config = client
        .get(&format!("/configs/{}", string(&item["slug"])))
        .await;
    assert!(config.get("data").is_none());
    assert_eq!(
        (&config["format"], &config["type"]),
        (&json!("json"), &json!("ORG_CONFIG"))
    );
    let inner: Value = serde_json::from_str(&string(&config["config"])).unwrap();
    assert_eq!(
        inner["virtual_key"],
        client.virtual_keys().await["data"][0]["slug"]
    );
}

#[tokio::test]
async fn config_updates_create_versions() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await;
    let without = json!({"name": "c", "config": {"retry": {"attempts": 1}}});
    assert!(
        client
            .expect_error(Method::POST, "/configs", without)
            .await
            .2
            .contains("`/workspace_id`")
    );
    let body = json!({"name": "c", "config": {"retry": {"attempts": 1}}, "isDefault": 1, "workspace_id": workspace["slug"]});
    let created = client.post("/configs", body).await;
    let (slug, first) = (string(&created["slug"]), string(&created["version_id"]));
    assert!(slug.starts_with("pc-"), "{slug}");
    let path = format!("/configs/{slug}");
    let read = client.get(&path).await;
    assert_eq!(
        (&read["config"], &read["is_default"]),
        (&json!(r#"{"retry":{"attempts":1}}"#), &json!(1))
    );
    assert_eq!(read["workspace_id"], workspace["id"]);

    let renamed = client.put(&path, json!({"name": "d"})).await;
    assert_eq!(string(&renamed["version_id"]), first);
    let changed = client
        .put(&path, json!({"config": {"cache": {"mode": "simple"}}}))
        .await;
    assert_ne!(string(&changed["version_id"]), first);
    let versions = client.get(&format!("{path}/versions")).await;
    assert_eq!(
        column(&versions, "version_id"),
        [string(&changed["version_id"]), first]
    );
    let version = &versions["data"][0];
    assert_eq!(version["config"], r#"{"cache":{"mode":"simple"}}"#);
    assert_eq!(version["version_owner_id"], version["owner_id"]);
    string(&version["version_created_at"]);

    assert_eq!(client.delete(&path).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn a_config_in_use_cannot_be_deleted() {
    let client = TestClient::new().await;
    let slug = string(&client.first("/configs").await["slug"]);
    let body = json!({"name": "a", "scopes": ["x"], "defaults": {"config_id": slug}});
    let key = string(&client.post("/api-keys/organisation/service", body).await["id"]);
    assert_eq!(
        client
            .expect_error(Method::DELETE, &format!("/configs/{slug}"), Value::Null)
            .await
            .0,
        409
    );
    client.delete(&format!("/api-keys/{key}")).await;
    let workspace = client.first_workspace().await;
    let workspace = format!("/admin/workspaces/{workspace}");
    let default = json!({"defaults": {"user_api_key_config": slug}});
    client.put(&workspace, default).await;
    let path = format!("/configs/{slug}");
    let (status, code, _) = client
        .expect_error(Method::DELETE, &path, Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (409, "AB07"));
    let none = json!({"defaults": {"user_api_key_config": null}});
    client.put(&workspace, none).await;
    client.delete(&path).await;
}

#[tokio::test]
async fn one_version_of_a_config_is_read() {
    let client = TestClient::new().await;
    let config = client.first("/configs").await;
    let path = format!("/configs/{}", string(&config["slug"]));
    client
        .put(&path, json!({"config": {"retry": {"attempts": 5}}}))
        .await;
    let versions = client.get(&format!("{path}/versions")).await;
    for version in versions["data"].as_array().unwrap() {
        let id = string(&version["version_id"]);
        for config in [&config["slug"], &config["id"]] {
            let path = format!("/configs/{}/versions/{id}", string(config));
            assert_eq!(client.get(&path).await, *version);
        }
    }
    let missing = format!("{path}/versions/none");
    let (status, code, _) = client
        .expect_error(Method::GET, &missing, Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

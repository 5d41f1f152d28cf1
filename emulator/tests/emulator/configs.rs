//! Configs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, column, text};

#[tokio::test]
async fn the_seeded_config_has_the_recorded_shape() {
    let world = World::new().await;
    let list = world.get("/configs").await;
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
    let config = world
        .get(&format!("/configs/{}", text(&item["slug"])))
        .await;
    assert!(config.get("data").is_none());
    assert_eq!(
        (&config["format"], &config["type"]),
        (&json!("json"), &json!("ORG_CONFIG"))
    );
    let inner: Value = serde_json::from_str(&text(&config["config"])).unwrap();
    assert_eq!(
        inner["virtual_key"],
        world.first("/virtual-keys").await["slug"]
    );
}

#[tokio::test]
async fn a_config_lives_through_its_versions() {
    let world = World::new().await;
    let workspace = world.first("/admin/workspaces").await;
    let without = json!({"name": "c", "config": {"retry": {"attempts": 1}}});
    assert!(
        world
            .refused(Method::POST, "/configs", without)
            .await
            .2
            .contains("`/workspace_id`")
    );
    let body = json!({"name": "c", "config": {"retry": {"attempts": 1}}, "isDefault": 1, "workspace_id": workspace["slug"]});
    let created = world.post("/configs", body).await;
    let (slug, first) = (text(&created["slug"]), text(&created["version_id"]));
    assert!(slug.starts_with("pc-"), "{slug}");
    let path = format!("/configs/{slug}");
    let read = world.get(&path).await;
    assert_eq!(
        (&read["config"], &read["is_default"]),
        (&json!(r#"{"retry":{"attempts":1}}"#), &json!(1))
    );
    assert_eq!(read["workspace_id"], workspace["id"]);

    let renamed = world.put(&path, json!({"name": "d"})).await;
    assert_eq!(text(&renamed["version_id"]), first);
    let changed = world
        .put(&path, json!({"config": {"cache": {"mode": "simple"}}}))
        .await;
    assert_ne!(text(&changed["version_id"]), first);
    let versions = world.get(&format!("{path}/versions")).await;
    assert_eq!(
        column(&versions, "version_id"),
        [text(&changed["version_id"]), first]
    );
    assert_eq!(
        versions["data"][0]["config"],
        r#"{"cache":{"mode":"simple"}}"#
    );

    assert_eq!(world.delete(&path).await, json!({}));
    let (status, code, _) = world.refused(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn a_config_in_use_cannot_be_deleted() {
    let world = World::new().await;
    let slug = text(&world.first("/configs").await["slug"]);
    let body = json!({"name": "a", "scopes": ["x"], "defaults": {"config_id": slug}});
    let key = text(&world.post("/api-keys/organisation/service", body).await["id"]);
    assert_eq!(
        world
            .refused(Method::DELETE, &format!("/configs/{slug}"), Value::Null)
            .await
            .0,
        409
    );
    world.delete(&format!("/api-keys/{key}")).await;
    world.delete(&format!("/configs/{slug}")).await;
}

//! Collections and virtual keys.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, assert_fields, column, string};

#[tokio::test]
async fn collections_are_listed_for_a_workspace() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await;
    let path = format!("/collections?workspace_id={}", string(&workspace["id"]));
    let list = client.get(&path).await;
    assert_eq!(list["total"], 1);
    let collection = &list["data"][0];
    assert_eq!(
        (
            &collection["is_default"],
            &collection["collection_details"]["prompts_count"]
        ),
        (&json!(1), &json!(1))
    );
    assert_eq!(client.get("/collections").await["total"], list["total"]);

    let body = json!({"name": "Child", "workspace_id": workspace["slug"], "parent_collection_id": collection["slug"]});
    let child = client.post("/collections", body).await;
    let parent = client
        .get(&format!("/collections/{}", string(&collection["slug"])))
        .await;
    assert_eq!(
        (&parent["id"], &parent["child_collections"][0]["id"]),
        (&collection["id"], &child["id"])
    );
    let child_path = format!("/collections/{}", string(&child["id"]));
    assert_eq!(
        client.put(&child_path, json!({"name": "Renamed"})).await,
        json!({})
    );
    assert_eq!(
        column(
            &client
                .get(&format!("{path}&search=rena&page_size=5&current_page=0"))
                .await,
            "name"
        ),
        ["Renamed"]
    );
    let (status, code, _) = client
        .expect_error(Method::GET, "/collections/none", Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn get_and_list_show_different_virtual_key_fields() {
    let client = TestClient::new().await;
    let list = client.virtual_keys().await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(1))
    );
    let item = &list["data"][0];
    assert_fields(
        item,
        &[
            "provider",
            "organisation_id",
            "workspace_id",
            "workspace_name",
            "integration_id",
            "tags",
        ],
    );
    assert_eq!(
        (
            &item["usage_limits"],
            &item["rate_limits"],
            &item["model_config"]
        ),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let key = client
        .get(&format!("/virtual-keys/{}", string(&item["slug"])))
        .await;
    assert_fields(
        &key,
        &["ai_provider_name", "masked_api_key", "integration_id"],
    );
    assert_eq!(
        (&key["key"], &key["rate_limits"], &key["model_config"]),
        (&json!(""), &json!([]), &json!({}))
    );
    assert!(
        key.get("provider").is_none() && key.get("workspace_id").is_none(),
        "{key}"
    );
    assert_eq!(
        client
            .expect_error(Method::GET, "/virtual-keys/none", Value::Null)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn the_default_collection_cannot_be_deleted() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let list = format!("/collections?workspace_id={workspace}");
    let default = string(&client.first(&list).await["id"]);
    let (status, code, _) = client
        .expect_error(
            Method::DELETE,
            &format!("/collections/{default}"),
            Value::Null,
        )
        .await;
    assert_eq!((status, code.as_str()), (404, "AB08"));

    let create = |name: &'static str, parent: Value| {
        client.post(
            "/collections",
            json!({"name": name, "workspace_id": workspace, "parent_collection_id": parent}),
        )
    };
    let parent = string(&create("Parent", json!("")).await["id"]);
    let child = string(&create("Child", json!(parent)).await["id"]);
    let prompt = string(&client.first("/prompts").await["id"]);
    client
        .put(
            &format!("/prompts/{prompt}"),
            json!({"collection_id": child}),
        )
        .await;
    assert_eq!(
        client.delete(&format!("/collections/{child}")).await,
        json!({})
    );
    assert_eq!(
        client.get(&format!("/prompts/{prompt}")).await["collection_id"],
        json!(parent)
    );
    assert_eq!(
        client.delete(&format!("/collections/{parent}")).await,
        json!({})
    );
    assert_eq!(
        client.get(&format!("/prompts/{prompt}")).await["collection_id"],
        json!(default)
    );
    assert_eq!(client.get(&list).await["total"], 1);
}

#[tokio::test]
async fn a_collection_is_moved_but_not_into_itself() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let create = async |parent: Option<&str>| {
        let mut body = json!({"name": "One", "workspace_id": workspace});
        if let Some(parent) = parent {
            body["parent_collection_id"] = json!(parent);
        }
        string(&client.post("/collections", body).await["id"])
    };
    let outer = create(None).await;
    let inner = create(Some(&outer)).await;
    let path = |id: &str| format!("/collections/{id}");
    let into_itself = json!({"parent_collection_id": inner});
    let (status, ..) = client
        .expect_error(Method::PUT, &path(&outer), into_itself)
        .await;
    assert_eq!(status, 400);
    client
        .put(&path(&inner), json!({"parent_collection_id": null}))
        .await;
    assert_eq!(
        client.get(&path(&outer)).await["child_collections"],
        json!([])
    );
    assert_eq!(client.get(&path(&inner)).await["name"], "One");
}

#[tokio::test]
async fn a_collection_is_deleted_with_its_contents() {
    let client = TestClient::new().await;
    let workspace = client.first_workspace().await;
    let body = json!({"name": "One", "workspace_id": workspace});
    let id = string(&client.post("/collections", body).await["id"]);
    let partial =
        json!({"name": "Two", "string": "a", "workspace_id": workspace, "collection_id": id});
    let partial = string(&client.post("/prompts/partials", partial).await["id"]);
    let path = format!("/prompts/partials/{partial}");
    assert_eq!(client.get(&path).await["collection_id"], json!(id));
    client
        .delete(&format!("/collections/{id}?cascade=true"))
        .await;
    let missing = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!(missing.0, 404);
}

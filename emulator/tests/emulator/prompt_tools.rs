//! Tools of prompts, which are served under `/v2`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

const PATH: &str = "/v2/tools";

fn definition(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}})
}

async fn collection(client: &TestClient) -> Value {
    let workspace = client.first_workspace().await;
    let body = json!({"name": "Tools", "workspace_id": workspace});
    client.post("/collections", body).await
}

#[tokio::test]
async fn a_new_definition_is_a_version_that_is_not_the_default() {
    let client = TestClient::new().await;
    let collection = collection(&client).await;
    let body = json!({"collection_id": collection["id"], "name": "Weather", "tool_def": definition("one"),
        "version_description": "first"});
    let created = client.post(PATH, body).await;
    let path = format!("{PATH}/{}", string(&created["slug"]));
    assert_eq!(
        client.put(&path, json!({"name": "Rain"})).await["tool_version_id"],
        Value::Null
    );
    let second = client
        .put(&path, json!({"tool_def": definition("two")}))
        .await;
    let versions = client.get(&format!("{path}/versions")).await;
    assert_eq!(
        column(&versions, "tool_version_id"),
        [
            string(&second["tool_version_id"]),
            string(&created["version_id"])
        ]
    );
    assert_eq!(versions["data"][0]["version"], 2);
    let list = format!("{PATH}?collection_id={}", string(&collection["slug"]));
    let listed = client.get(&list).await;
    assert_eq!(
        (&listed["data"][0]["name"], &listed["data"][0]["tool_def"]),
        (&json!("Rain"), &definition("one"))
    );
    let default = format!("{path}/makeDefault");
    assert_eq!(client.put(&default, json!({"version": 2})).await, json!({}));
    assert_eq!(
        client.get(&list).await["data"][0]["tool_def"],
        definition("two")
    );
    let error = client.expect_error(Method::PUT, &default, json!({"version": 9}));
    assert_eq!(error.await.0, 404);
    client.put(&path, json!({"status": "archived"})).await;
    assert_eq!(client.get(&list).await["data"][0]["status"], "archived");
    assert_eq!(client.delete(&path).await, json!({}));
    assert_eq!(client.get(&list).await["total"], 0);
    let (_, code, _) = client
        .expect_error(Method::GET, &format!("{path}/versions"), Value::Null)
        .await;
    assert_eq!(code, "AB08");
}

#[tokio::test]
async fn tools_are_listed_by_collection_and_move_when_it_is_deleted() {
    let client = TestClient::new().await;
    let collection = collection(&client).await;
    let body = json!({"collection_id": collection["id"], "name": "Weather", "tool_def": definition("one")});
    client.post(PATH, body).await;
    let default = string(&client.first("/collections").await["id"]);
    let count = async |collection: &str| {
        client
            .get(&format!("{PATH}?collection_id={collection}"))
            .await["total"]
            .clone()
    };
    let id = string(&collection["id"]);
    assert_eq!(
        (count(&id).await, count(&default).await),
        (json!(1), json!(0))
    );
    client.delete(&format!("/collections/{id}")).await;
    assert_eq!(count(&default).await, json!(1));
    for path in [PATH.to_owned(), format!("{PATH}?collection_id={id}")] {
        let (status, ..) = client.expect_error(Method::GET, &path, Value::Null).await;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
}

#[tokio::test]
async fn tools_of_other_workspaces_are_hidden() {
    let client = TestClient::new().await;
    let collection = collection(&client).await;
    let body = json!({"collection_id": collection["id"], "name": "Weather", "tool_def": definition("one")});
    let path = format!("{PATH}/{}", string(&client.post(PATH, body).await["id"]));
    let other = string(&client.workspace("Other").await["id"]);
    let (_, key) = client.workspace_key(&other, &["*"]).await;
    let hidden = client
        .send_as(&key, Method::DELETE, &path, Value::Null)
        .await;
    assert_eq!(hidden.status, 404);
}

//! Deployments, which are served under `/v2`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestClient, column, receive, string};

async fn send(client: &TestClient, method: Method, path: &str, body: Value) -> Response {
    let url = format!("{}/v2/deployments{path}", client.emulator.public_base_url());
    let request = client.http.request(method, url);
    receive(request.header("x-portkey-api-key", &client.key).json(&body)).await
}

#[tokio::test]
async fn a_deleted_deployment_is_archived() {
    let client = TestClient::new().await;
    let slug = client.first("/admin/workspaces").await["slug"].clone();
    let body = json!({"name": "Europe", "auth_settings": {"workspaces_allowed": [slug]}});
    let created = send(&client, Method::POST, "", body).await.body;
    let path = format!("/{}", string(&created["id"]));
    let token = string(&created["client_auth"]);
    let read = send(&client, Method::GET, &path, Value::Null).await.body;
    assert_eq!(
        (&read["is_default"], &read["status"]),
        (&json!(1), &json!("active"))
    );
    assert_eq!(read["workspaces"][0]["slug"], slug);
    assert!(!read.to_string().contains(&token), "{read}");
    assert!(string(&read["slug"]).starts_with("dp-europe-"));

    let ping = format!("{path}/ping");
    assert_eq!(
        send(&client, Method::GET, &ping, Value::Null).await.status,
        400
    );
    let change = json!({"rotate_auth": true, "auth_settings": {"gateway_base_url": "https://gateway.example.com", "allow_all_workspaces": true}});
    let rotated = send(&client, Method::PUT, &path, change).await.body;
    assert_ne!(string(&rotated["client_auth"]), token);
    assert_eq!(
        send(&client, Method::GET, &ping, Value::Null).await.body["status"],
        "healthy"
    );
    let settings = &send(&client, Method::GET, &path, Value::Null).await.body["auth_settings"];
    assert_eq!(
        (
            &settings["allow_all_workspaces"],
            &settings["workspaces_allowed"]
        ),
        (&json!(1), &json!([]))
    );

    let rejected = send(&client, Method::PUT, &path, json!({"is_default": false})).await;
    assert!(rejected.error().2.contains("`/is_default`"));
    let second = json!({"name": "Asia", "type": "non_production", "is_default": true});
    assert_eq!(send(&client, Method::POST, "", second).await.status, 200);
    let list = send(&client, Method::GET, "", Value::Null).await.body;
    assert_eq!(column(&list, "name"), ["Europe", "Asia"]);
    assert_eq!(list["data"][0]["is_default"], 0);

    assert_eq!(
        send(&client, Method::DELETE, &path, Value::Null).await.body,
        json!({})
    );
    for (query, names) in [
        ("?status=archived", ["Europe"]),
        ("?status=active", ["Asia"]),
        ("?type=non_production", ["Asia"]),
        ("?search=as", ["Asia"]),
    ] {
        let list = send(&client, Method::GET, query, Value::Null).await.body;
        assert_eq!(column(&list, "name"), names, "{query}");
    }
}

#[tokio::test]
async fn a_deployment_requires_existing_workspaces() {
    let client = TestClient::new().await;
    let body = json!({"name": "a", "auth_settings": {"workspaces_allowed": ["ws-none"]}});
    let error = send(&client, Method::POST, "", body).await.error();
    assert!(
        error.0 == 400 && error.2.contains("`/auth_settings/workspaces_allowed`"),
        "{error:?}"
    );
    assert_eq!(
        send(&client, Method::GET, "/none", Value::Null)
            .await
            .status,
        404
    );
}

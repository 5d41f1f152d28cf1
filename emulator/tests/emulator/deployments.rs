//! Deployments, which answer under version two.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, World, column, receive, text};

async fn send(world: &World, method: Method, path: &str, body: Value) -> Answer {
    let url = format!("{}/v2/deployments{path}", world.emulator.public_base_url());
    let request = world.http.request(method, url);
    receive(request.header("x-portkey-api-key", &world.key).json(&body)).await
}

#[tokio::test]
async fn a_deployment_lives_and_is_archived() {
    let world = World::new().await;
    let slug = world.first("/admin/workspaces").await["slug"].clone();
    let body = json!({"name": "Europe", "auth_settings": {"workspaces_allowed": [slug]}});
    let created = send(&world, Method::POST, "", body).await.body;
    let path = format!("/{}", text(&created["id"]));
    let token = text(&created["client_auth"]);
    let read = send(&world, Method::GET, &path, Value::Null).await.body;
    assert_eq!(
        (&read["is_default"], &read["status"]),
        (&json!(1), &json!("active"))
    );
    assert_eq!(read["workspaces"][0]["slug"], slug);
    assert!(!read.to_string().contains(&token), "{read}");
    assert!(text(&read["slug"]).starts_with("dp-europe-"));

    let ping = format!("{path}/ping");
    assert_eq!(
        send(&world, Method::GET, &ping, Value::Null).await.status,
        400
    );
    let change = json!({"rotate_auth": true, "auth_settings": {"gateway_base_url": "https://gateway.example.com", "allow_all_workspaces": true}});
    let rotated = send(&world, Method::PUT, &path, change).await.body;
    assert_ne!(text(&rotated["client_auth"]), token);
    assert_eq!(
        send(&world, Method::GET, &ping, Value::Null).await.body["status"],
        "healthy"
    );
    let settings = &send(&world, Method::GET, &path, Value::Null).await.body["auth_settings"];
    assert_eq!(
        (
            &settings["allow_all_workspaces"],
            &settings["workspaces_allowed"]
        ),
        (&json!(1), &json!([]))
    );

    let alone = send(&world, Method::PUT, &path, json!({"is_default": false})).await;
    assert!(alone.refusal().2.contains("`/is_default`"));
    let second = json!({"name": "Asia", "type": "non_production", "is_default": true});
    assert_eq!(send(&world, Method::POST, "", second).await.status, 200);
    let list = send(&world, Method::GET, "", Value::Null).await.body;
    assert_eq!(column(&list, "name"), ["Europe", "Asia"]);
    assert_eq!(list["data"][0]["is_default"], 0);

    assert_eq!(
        send(&world, Method::DELETE, &path, Value::Null).await.body,
        json!({})
    );
    for (query, names) in [
        ("?status=archived", ["Europe"]),
        ("?status=active", ["Asia"]),
        ("?type=non_production", ["Asia"]),
        ("?search=as", ["Asia"]),
    ] {
        let list = send(&world, Method::GET, query, Value::Null).await.body;
        assert_eq!(column(&list, "name"), names, "{query}");
    }
}

#[tokio::test]
async fn a_deployment_serves_workspaces_that_exist() {
    let world = World::new().await;
    let body = json!({"name": "a", "auth_settings": {"workspaces_allowed": ["ws-none"]}});
    let refusal = send(&world, Method::POST, "", body).await.refusal();
    assert!(
        refusal.0 == 400 && refusal.2.contains("`/auth_settings/workspaces_allowed`"),
        "{refusal:?}"
    );
    assert_eq!(
        send(&world, Method::GET, "/none", Value::Null).await.status,
        404
    );
}

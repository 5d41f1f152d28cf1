//! Agent integrations and servers. What they share with MCP is tested in `mcp.rs`, too.

use portkey_admin_emulator::{Emulator, Key, Organisation, Role, Script, WorkspaceRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestClient, column, string};

/// A secret that must not appear in responses.
const CANARY: &str = "emulator-canary-key";

/// Creates a client. `one` and `two` are service keys of the two workspaces, `user` is a user's key
/// of the first one.
async fn client() -> TestClient {
    let organisation = Organisation::named("Acme")
        .user("owner@example.com", Role::Owner)
        .user("member@example.com", Role::Member)
        .workspace("One")
        .member("One", "member@example.com", WorkspaceRole::Member)
        .workspace("Two")
        .key(Key::workspace("One", "one"))
        .key(Key::workspace("Two", "two"))
        .key(Key::workspace("One", "user").user("member@example.com"))
        .key(Key::workspace("One", "reader").scopes(["agent_servers.read"]));
    let emulator = Emulator::builder().organisation(organisation);
    TestClient::with_emulator(emulator.start().await.unwrap())
}

async fn workspace(client: &TestClient, position: usize) -> String {
    string(&client.get("/admin/workspaces").await["data"][position]["id"])
}

async fn integration(client: &TestClient, overrides: Value) -> String {
    let mut body =
        json!({"name": "Travel", "url": "https://agent.example.com", "auth_type": "none"});
    for (name, value) in overrides.as_object().unwrap() {
        body[name] = value.clone();
    }
    let created = client.post("/agent-integrations", body).await;
    format!("/agent-integrations/{}", string(&created["slug"]))
}

/// Creates a server in the first workspace, for an integration that is enabled there.
async fn server(client: &TestClient, integration: &str) -> String {
    let grant = json!({"workspaces": [{"id": workspace(client, 0).await, "enabled": true}]});
    client
        .put(&format!("{integration}/workspaces"), grant)
        .await;
    let slug = integration.rsplit('/').next().unwrap();
    let body = json!({"name": "Mine", "agent_integration_id": slug});
    let created = client.post_as("one", "/agent-servers", body).await;
    format!("/agent-servers/{}", string(&created["slug"]))
}

fn card(url: &str) -> Value {
    json!({"name": "Planner", "url": url, "skills": [
        {"id": "book", "name": "Book a trip"}, {"id": "cancel", "name": "Cancel a trip"},
    ]})
}

#[tokio::test]
async fn agent_integrations_are_created_read_updated_listed_and_deleted() {
    let client = client().await;
    let settings = json!({"any_name": CANARY});
    let path = integration(
        &client,
        json!({"slug": "travel", "auth_type": "headers", "configurations": settings}),
    )
    .await;
    assert_eq!(path, "/agent-integrations/travel");
    let read = client.get(&path).await;
    assert!(!read.to_string().contains(CANARY), "{read}");
    assert_eq!(
        (&read["object"], &read["type"], &read["auth_type"]),
        (
            &json!("agent-integration"),
            &json!("organisation"),
            &json!("headers")
        )
    );
    integration(&client, json!({"name": "Other"})).await;
    let list = client.get("/agent-integrations?page_size=1").await;
    assert_eq!(
        (&list["total"], &list["has_more"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(
        client.get("/agent-integrations?search=oth").await["total"],
        1
    );
    let workspaces = client.get("/agent-integrations?type=workspace").await;
    assert_eq!(workspaces["total"], 0);
    assert_eq!(client.put(&path, json!({"name": "Trips"})).await, json!({}));
    assert_eq!(client.get(&path).await["name"], "Trips");
    assert_eq!(client.delete(&path).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "AB08"));
}

#[tokio::test]
async fn an_invalid_agent_integration_names_the_field() {
    let client = client().await;
    integration(&client, json!({"slug": "taken"})).await;
    for (field, value) in [
        ("slug", json!("taken")),
        ("url", json!("http://169.254.169.254/")),
        ("url", json!("https://agent.example.com/#x")),
        ("auth_type", json!(5)),
        ("agent_card", json!({"name": "no address"})),
        (
            "agent_card",
            json!({"name": "", "url": "https://agent.example.com"}),
        ),
    ] {
        let mut body =
            json!({"name": "Travel", "url": "https://agent.example.com", "auth_type": "none"});
        body[field] = value;
        let error = client.expect_error(Method::POST, "/agent-integrations", body);
        let (status, code, message) = error.await;
        assert_eq!((status, code.as_str()), (400, "AB01"), "{message}");
        assert!(message.contains(&format!("`/{field}")), "{message}");
    }
}

#[tokio::test]
async fn skills_come_from_the_card_and_are_switched_per_integration_and_server() {
    let client = client().await;
    let path = integration(
        &client,
        json!({"agent_card": card("https://agent.example.com")}),
    )
    .await;
    let server = server(&client, &path).await;
    let skills = format!("{path}/skills");
    let list = client.get(&skills).await;
    assert_eq!(column(&list, "id"), ["book", "cancel"]);
    assert_eq!(list["data"][0]["enabled"], true);
    let enabled = async |path: &str| -> Vec<bool> {
        let list = client.get(path).await;
        let items = list["data"].as_array().unwrap().iter();
        items.map(|skill| skill["enabled"] == true).collect()
    };
    // By id or by name; what is off in the integration is off in its servers.
    client
        .put(
            &skills,
            json!({"skills": [{"name": "Book a trip", "enabled": false}]}),
        )
        .await;
    let server_skills = format!("{server}/skills");
    assert_eq!(enabled(&skills).await, [false, true]);
    assert_eq!(enabled(&server_skills).await, [false, true]);
    let seen = client.get(&server_skills).await;
    assert_eq!(seen["data"][0]["integration_enabled"], false);
    client
        .put(
            &server_skills,
            json!({"skills": [{"id": "cancel", "enabled": false}]}),
        )
        .await;
    assert_eq!(enabled(&server_skills).await, [false, false]);
    assert_eq!(enabled(&skills).await, [false, true]);
    // A list of strings says which skills are on.
    client.put(&skills, json!({"skills": ["book"]})).await;
    assert_eq!(enabled(&skills).await, [true, false]);
    let unknown = json!({"skills": [{"id": "fly", "enabled": true}]});
    let (status, _, message) = client.expect_error(Method::PUT, &skills, unknown).await;
    assert!(
        status == 400 && message.contains("`/skills/0`"),
        "{message}"
    );
    // A new card keeps what is switched off; the update takes a string.
    let mut changed = card("https://agent.example.com");
    changed["skills"][0]["id"] = json!("search");
    client
        .put(&path, json!({"agent_card": changed.to_string()}))
        .await;
    assert_eq!(
        column(&client.get(&skills).await, "id"),
        ["search", "cancel"]
    );
    assert_eq!(enabled(&skills).await, [true, false]);
}

#[tokio::test]
async fn agent_servers_belong_to_a_workspace_with_access() {
    let client = client().await;
    let path = integration(&client, json!({})).await;
    let slug = path.rsplit('/').next().unwrap();
    let body = json!({"name": "Mine", "agent_integration_id": slug});
    let refused = client.send_as_named("one", Method::POST, "/agent-servers", body.clone());
    assert_eq!(refused.await.status, 403);
    let (status, _, message) = client
        .expect_error(Method::POST, "/agent-servers", body)
        .await;
    assert!(
        status == 400 && message.contains("workspace_id"),
        "{message}"
    );
    let server = server(&client, &path).await;
    let list = client.get_as("one", "/agent-servers").await;
    assert_eq!(list["data"][0]["agent_integration_slug"], slug);
    assert_eq!(list["data"][0]["object"], "agent-server");
    let id = string(&list["data"][0]["id"]);
    for filter in [
        format!("id={id}"),
        format!("id=none,{id}"),
        "search=mine".to_owned(),
    ] {
        let list = client
            .get_as("one", &format!("/agent-servers?{filter}"))
            .await;
        assert_eq!(list["total"], 1, "{filter}");
    }
    assert_eq!(client.get_as("two", "/agent-servers").await["total"], 0);
    for method in [Method::PUT, Method::DELETE] {
        let foreign = client.send_as_named("two", method, &server, json!({"name": "x"}));
        assert_eq!(foreign.await.error().1, "AB08");
    }
    let updated = client.put(&server, json!({"description": "d"})).await;
    assert_eq!(updated["id"], id);
    assert_eq!(
        client.get_as("one", "/agent-servers").await["data"][0]["description"],
        "d"
    );
    // Its integration takes it along.
    client.delete(&path).await;
    assert_eq!(client.get_as("one", "/agent-servers").await["total"], 0);
    let error = client.expect_error(Method::DELETE, &server, Value::Null);
    assert_eq!(error.await.0, 404);
}

#[tokio::test]
async fn a_workspace_key_cannot_change_an_agent_of_the_organisation() {
    let client = client().await;
    let path = integration(&client, json!({})).await;
    server(&client, &path).await;
    assert_eq!(client.get_as("one", &path).await["type"], "organisation");
    let hidden = client.send_as_named("two", Method::GET, &path, Value::Null);
    assert_eq!(hidden.await.status, 404);
    for (method, end, body) in [
        (Method::PUT, "", json!({"name": "x"})),
        (Method::PUT, "/skills", json!({"skills": []})),
        (Method::PUT, "/workspaces", json!({"workspaces": []})),
        (Method::DELETE, "", Value::Null),
    ] {
        let path = format!("{path}{end}");
        let response = client.send_as_named("one", method, &path, body).await;
        assert_eq!(response.error().1, "AB03", "{path}");
    }
    // The access is that of the scopes.
    let refused = client.send_as_named("reader", Method::GET, "/agent-servers", Value::Null);
    assert_eq!(refused.await.error().1, "AB03");
}

#[tokio::test]
async fn workspaces_are_granted_by_object_or_by_id() {
    let client = client().await;
    let path = integration(&client, json!({})).await;
    let (one, two) = (workspace(&client, 0).await, workspace(&client, 1).await);
    let access = format!("{path}/workspaces");
    client.put(&access, json!({"workspaces": [one]})).await;
    let change = json!({"workspaces": [{"id": two, "enabled": false}], "global_workspace_access": {"enabled": true}});
    client.put(&access, change).await;
    let list = client.get(&access).await;
    assert_eq!(
        (
            &list["workspaces"][0]["id"],
            &list["workspaces"][0]["enabled"]
        ),
        (&json!(one), &json!(true))
    );
    assert_eq!(list["workspaces"][1]["enabled"], false);
    assert_eq!(list["global_workspace_access"], json!({"enabled": true}));
    let unknown = json!({"workspaces": ["nowhere"]});
    let (status, _, message) = client.expect_error(Method::PUT, &access, unknown).await;
    assert!(
        status == 400 && message.contains("`/workspaces/0`"),
        "{message}"
    );
}

#[tokio::test]
async fn user_access_to_agent_servers_is_set_per_user() {
    let client = client().await;
    let server = server(&client, &integration(&client, json!({})).await).await;
    let access = format!("{server}/user-access");
    let list = client.get(&access).await;
    assert_eq!(
        (&list["default_user_access"], &list["data"][0]["enabled"]),
        (&json!("allow"), &json!(true))
    );
    let user = string(&list["data"][0]["user_id"]);
    client
        .put(&access, json!({"default_user_access": "deny"}))
        .await;
    assert_eq!(client.get(&access).await["data"][0]["enabled"], false);
    client.put(&access, json!({"user_access": [user]})).await;
    let list = client.get(&access).await;
    assert_eq!(
        (
            &list["data"][0]["enabled"],
            &list["data"][0]["has_override"]
        ),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn an_unreachable_agent_fails_its_test_and_has_no_card() {
    let client = client().await;
    let reachable = server(&client, &integration(&client, json!({})).await).await;
    let path = integration(&client, json!({"url": "https://agent.invalid"})).await;
    let unreachable = server(&client, &path).await;
    let test = async |server: &str| client.post(&format!("{server}/test"), json!({})).await;
    assert_eq!(test(&reachable).await["success"], true);
    let failed = test(&unreachable).await;
    assert_eq!(failed["success"], false);
    string(&failed["error"]);
    let card = client.get(&format!("{reachable}/agent-card")).await;
    assert_eq!(card["name"], "agent.example.com");
    assert_eq!(card["url"], "https://agent.example.com");
    let path_of_card = format!("{unreachable}/agent-card");
    let error = client.expect_error(Method::GET, &path_of_card, Value::Null);
    assert_eq!(error.await.1, "AB08");
    assert_eq!(
        client.get(&format!("{path}/skills")).await["data"],
        json!([])
    );
}

#[tokio::test]
async fn the_card_of_an_address_is_fetched_or_scripted() {
    let client = client().await;
    let organisation = client.emulator.organisation_id("Acme").unwrap();
    let body = json!({"endpoint": "https://agent.example.com/a", "organisation_id": organisation});
    let fetch = "/agent-integrations/fetch-agent-card";
    let first = client.post(fetch, body.clone()).await;
    assert_eq!(first["url"], "https://agent.example.com/a");
    assert_eq!(client.post(fetch, body.clone()).await, first);
    let script = |text: String| Script::on("fetch_agent_card").times(1).text(text);
    let add = |text: String| client.emulator.add_script(script(text)).unwrap();
    add(card("https://other.example.com").to_string());
    assert_eq!(client.post(fetch, body.clone()).await["name"], "Planner");
    let mut large = card("https://other.example.com");
    large["description"] = json!("x".repeat(1 << 20));
    for text in [large.to_string(), "[]".to_owned(), "<html>".to_owned()] {
        add(text);
        let (status, _, message) = client.expect_error(Method::POST, fetch, body.clone()).await;
        assert!(
            status == 400 && message.contains("`/endpoint`"),
            "{message}"
        );
    }
    for endpoint in [
        "https://agent.invalid",
        "http://localhost",
        "ftp://a.example.com",
    ] {
        let body = json!({"endpoint": endpoint, "organisation_id": organisation});
        let error = client.expect_error(Method::POST, fetch, body).await;
        assert_eq!(error.0, 400, "{endpoint}");
    }
    let other = json!({"endpoint": "https://agent.example.com", "organisation_id": "other"});
    assert_eq!(
        client.expect_error(Method::POST, fetch, other).await.1,
        "AB03"
    );
}

#[tokio::test]
async fn deleting_a_workspace_deletes_its_agents() {
    let client = client().await;
    let two = workspace(&client, 1).await;
    let path = integration(&client, json!({"workspace_id": two})).await;
    let slug = path.rsplit('/').next().unwrap();
    let body = json!({"name": "Mine", "agent_integration_id": slug});
    client.post_as("two", "/agent-servers", body).await;
    assert_eq!(client.get("/agent-integrations").await["total"], 1);
    let body = json!({"name": "Two", "force_delete": true});
    client
        .expect_ok(Method::DELETE, &format!("/admin/workspaces/{two}"), body)
        .await;
    assert_eq!(client.get("/agent-integrations").await["total"], 0);
    let state = serde_json::to_value(client.emulator.snapshot()).unwrap();
    let servers = state.pointer("/organisations/all/0/agents/servers");
    assert_eq!(servers, Some(&json!([])));
}

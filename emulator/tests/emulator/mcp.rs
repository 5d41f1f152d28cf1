//! MCP integrations and servers.

use portkey_admin_emulator::{Emulator, Key, Organisation, Role, WorkspaceRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestClient, assert_fields, column, string};

/// A secret that must not appear in responses, except a token shown to its owner.
const CANARY: &str = "emulator-canary-key";

/// Creates a client. `one` and `two` are service keys of the two workspaces, `user` is a user's key
/// of the first one.
async fn client() -> TestClient {
    let organisation = Organisation::named("Acme")
        .user("owner@example.com", Role::Owner)
        .user("member@example.com", Role::Member)
        .workspace("One")
        .member("One", "owner@example.com", WorkspaceRole::Admin)
        .member("One", "member@example.com", WorkspaceRole::Member)
        .workspace("Two")
        .key(Key::workspace("One", "one"))
        .key(Key::workspace("Two", "two"))
        .key(Key::workspace("One", "user").user("member@example.com"));
    let emulator = Emulator::builder().organisation(organisation);
    TestClient::with_emulator(emulator.start().await.unwrap())
}

async fn send(
    client: &TestClient,
    key_name: &str,
    method: Method,
    path: &str,
    body: Value,
) -> Response {
    let key = client.emulator.key(key_name).unwrap();
    client.send_as(&key, method, path, body).await
}

async fn expect_ok(
    client: &TestClient,
    key_name: &str,
    method: Method,
    path: &str,
    body: Value,
) -> Value {
    let response = send(client, key_name, method, path, body).await;
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    response.body
}

async fn workspaces(client: &TestClient) -> Vec<Value> {
    client.get("/admin/workspaces").await["data"]
        .as_array()
        .unwrap()
        .clone()
}

fn body(overrides: Value) -> Value {
    let mut body = json!({"name": "Tools", "url": "https://mcp.example.com", "auth_type": "none", "transport": "http"});
    for (name, value) in overrides.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn integration(client: &TestClient, overrides: Value) -> String {
    let created = client.post("/mcp-integrations", body(overrides)).await;
    assert_fields(&created, &["id"]);
    format!("/mcp-integrations/{}", string(&created["slug"]))
}

/// Creates a server in the first workspace, for an integration that is enabled there.
async fn server(client: &TestClient, integration: &str) -> String {
    let grant = json!({"workspaces": [{"id": workspaces(client).await[0]["id"], "enabled": true}]});
    client
        .put(&format!("{integration}/workspaces"), grant)
        .await;
    let slug = integration.rsplit('/').next().unwrap();
    let body = json!({"name": "Mine", "mcp_integration_id": slug});
    let created = expect_ok(client, "one", Method::POST, "/mcp-servers", body).await;
    format!("/mcp-servers/{}", string(&created["id"]))
}

fn sync_body() -> Value {
    json!({"server_info": {"name": "srv", "version": "1", "capabilities": {"tools": {}}}, "capabilities": [
        {"name": "add", "type": "tool", "inputSchema": {"type": "object"}, "description": "adds"},
        {"name": "sub", "type": "tool"},
        {"name": "ask", "type": "prompt", "arguments": [{"name": "a"}]},
        {"name": "any", "type": "resource_template", "uri_template": "x://{y}"},
    ]})
}

#[tokio::test]
async fn mcp_integration_crud() {
    let client = TestClient::new().await;
    let settings = json!({"custom_headers": {"authorization": CANARY}});
    let path = integration(
        &client,
        json!({"slug": "tools", "auth_type": "headers", "configurations": settings}),
    )
    .await;
    assert_eq!(path, "/mcp-integrations/tools");
    let read = client.get(&path).await;
    assert!(!read.to_string().contains(CANARY), "{read}");
    assert_eq!(
        (&read["object"], &read["type"], &read["last_updated_at"]),
        (
            &json!("mcp-integration"),
            &json!("organisation"),
            &Value::Null
        )
    );
    integration(&client, json!({"name": "Other"})).await;
    let list = client.get("/mcp-integrations?page_size=1").await;
    assert_eq!(
        (&list["object"], &list["total"], &list["has_more"]),
        (&json!("list"), &json!(2), &json!(true))
    );
    assert_eq!(list["data"][0]["workspaces_count"], 0);
    assert_eq!(client.get("/mcp-integrations?search=oth").await["total"], 1);
    assert_eq!(
        client.get("/mcp-integrations?type=workspace").await["total"],
        0
    );

    assert_eq!(
        client.put(&path, json!({"description": "d"})).await,
        json!({})
    );
    let by_id = client
        .get(&format!("/mcp-integrations/{}", string(&read["id"])))
        .await;
    assert_eq!(by_id["description"], "d");
    assert!(by_id["last_updated_at"].is_string());
    assert_eq!(client.delete(&path).await, json!({}));
    assert_eq!(
        client.expect_error(Method::GET, &path, Value::Null).await.0,
        404
    );
}

#[tokio::test]
async fn invalid_mcp_integrations_are_rejected() {
    let client = TestClient::new().await;
    let path = integration(&client, json!({"slug": "taken"})).await;
    let cases = [
        (json!({"slug": "taken"}), "`/slug`"),
        (
            json!({"auth_type": "headers"}),
            "`/configurations/custom_headers`",
        ),
        (json!({"transport": "interactive"}), "`/transport`"),
        (json!({"url": 5}), "`/url`"),
        (json!({"name": null}), "`/name`"),
        (
            json!({"secret_mappings": [{"secret_reference_id": "a", "target_field": "key"}]}),
            "`/secret_mappings/0/target_field`",
        ),
    ];
    for (change, place) in cases {
        let (status, code, message) = client
            .expect_error(Method::POST, "/mcp-integrations", body(change))
            .await;
        assert_eq!((status, code.as_str()), (400, "AB01"));
        assert!(message.contains(place), "{message}");
    }
    assert_eq!(
        client.expect_error(Method::PUT, &path, json!({})).await.0,
        400
    );
    let headers = client
        .expect_error(Method::PUT, &path, json!({"auth_type": "headers"}))
        .await;
    assert!(headers.2.contains("custom_headers"), "{headers:?}");
}

#[tokio::test]
async fn workspace_list_shape_depends_on_version_parameter() {
    let client = client().await;
    let own = integration(&client, json!({})).await;
    let path = format!("{own}/workspaces");
    let workspaces = workspaces(&client).await;
    let (id, slug) = (&workspaces[0]["id"], &workspaces[0]["slug"]);
    let change = json!({"workspaces": [{"id": slug, "enabled": true}, {"id": workspaces[1]["id"], "enabled": false}], "global_workspace_access": {"enabled": true}});
    assert_eq!(client.put(&path, change).await, json!({}));
    let plain = client.get(&path).await;
    assert_eq!(plain["object"], "integration");
    assert!(plain.get("data").is_none() && plain.get("total").is_none());
    assert_eq!(
        (
            &plain["workspaces"][0]["id"],
            &plain["workspaces"][1]["enabled"]
        ),
        (id, &json!(false))
    );
    let other = client.get(&format!("{path}?version=2")).await;
    assert!(other.get("workspaces").is_none());
    assert_eq!(
        (&other["data"], &other["total"]),
        (&plain["workspaces"], &json!(2))
    );
    assert_eq!(other["global_workspace_access"], json!({"enabled": true}));
    // A workspace key sees its own workspace, by slug, and cannot change it.
    let seen = client.get_as("one", &path).await;
    assert_eq!(
        column(&json!({"data": seen["workspaces"]}), "id"),
        [string(slug)]
    );
    let rejected = send(
        &client,
        "one",
        Method::PUT,
        &path,
        json!({"workspaces": []}),
    )
    .await;
    assert_eq!(rejected.status, 403);
    let hidden = send(&client, "two", Method::GET, &own, Value::Null).await;
    assert_eq!(hidden.status, 404);

    let all = json!({"workspaces": [], "global_workspace_access": {"enabled": true}, "override_existing_workspace_access": true});
    client.put(&path, all).await;
    assert_eq!(client.get(&path).await["workspaces"], json!([]));
    assert_eq!(client.get_as("two", "/mcp-integrations").await["total"], 1);
    let unknown = json!({"workspaces": [{"id": "none", "enabled": true}]});
    let rejected = client.expect_error(Method::PUT, &path, unknown).await;
    assert!(
        rejected.0 == 400 && rejected.2.contains("`/workspaces/0/id`"),
        "{rejected:?}"
    );
}

#[tokio::test]
async fn capabilities_are_synced_and_toggled() {
    let client = TestClient::new().await;
    let own = integration(&client, json!({})).await;
    let (path, metadata) = (format!("{own}/capabilities"), format!("{own}/metadata"));
    let before = client.get(&metadata).await;
    assert_eq!(
        (&before["sync_status"], &before["object"]),
        (&json!("pending"), &json!("metadata"))
    );
    let synced = client.post(&format!("{own}/sync"), sync_body()).await;
    assert_eq!(synced["success"], true);
    let after = client.get(&metadata).await;
    assert_eq!(
        (&after["sync_status"], &after["server_name"]),
        (&json!("synced"), &json!("srv"))
    );
    assert_eq!(after["capability_flags"], json!({"tools": {}}));

    let list = client.get(&format!("{path}?type=tool&page_size=1")).await;
    assert_eq!(
        (&list["total"], &list["has_more"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(list["data"][0]["input_schema"], json!({"type": "object"}));
    assert_eq!(list["counts"]["prompts"], json!({"total": 1, "enabled": 1}));
    // The first page is 1.
    assert_eq!(
        client
            .get(&format!("{path}?type=tool&page_size=1&page=2"))
            .await["data"][0]["name"],
        "sub"
    );
    assert_eq!(
        client
            .expect_error(Method::GET, &format!("{path}?page=0"), Value::Null)
            .await
            .0,
        400
    );

    let off = json!({"capabilities": [{"name": "sub", "type": "tool", "enabled": false}]});
    assert_eq!(client.put(&path, off).await, json!({"success": true}));
    assert_eq!(
        client.get(&path).await["counts"]["tools"],
        json!({"total": 2, "enabled": 1})
    );
    // A disabled capability stays disabled after another sync.
    client.post(&format!("{own}/sync"), sync_body()).await;
    assert_eq!(client.get(&path).await["data"][1]["enabled"], false);
    let cases = [
        (
            Method::PUT,
            path.clone(),
            json!({"capabilities": [{"name": "none", "type": "tool", "enabled": true}]}),
            "`/capabilities/0/name`",
        ),
        (
            Method::PUT,
            path.clone(),
            json!({"capabilities": [{"name": "any", "type": "resource_template", "enabled": true}]}),
            "`/capabilities/0/type`",
        ),
        (
            Method::PUT,
            path.clone(),
            json!({"capabilities": []}),
            "`/capabilities`",
        ),
        (
            Method::POST,
            format!("{own}/sync"),
            json!({"capabilities": [{"type": "tool"}]}),
            "`/capabilities/0/name`",
        ),
    ];
    for (method, path, body, place) in cases {
        let (status, _, message) = client.expect_error(method, &path, body).await;
        assert_eq!(status, 400);
        assert!(message.contains(place), "{message}");
    }
}

#[tokio::test]
async fn connection_tests_return_200_for_unreachable_servers() {
    let client = client().await;
    for (url, reached) in [
        ("https://mcp.example.com", true),
        ("https://mcp.invalid/x", false),
    ] {
        let own = integration(&client, json!({"url": url})).await;
        let tested = client
            .expect_ok(Method::POST, &format!("{own}/test"), json!({}))
            .await;
        assert_eq!(tested["success"], reached);
        let server = server(&client, &own).await;
        let tested = expect_ok(
            &client,
            "one",
            Method::POST,
            &format!("{server}/test"),
            Value::Null,
        )
        .await;
        assert_eq!(
            (&tested["success"], &tested["url"]),
            (&json!(reached), &json!(url))
        );
        assert_eq!(
            (tested["error"].is_null(), tested["status_code"].is_null()),
            (reached, !reached)
        );
        assert_fields(&tested, &["server_name", "response_time_ms", "object"]);
    }
}

#[tokio::test]
async fn mcp_server_crud_in_a_workspace() {
    let client = client().await;
    let own = integration(&client, json!({})).await;
    let slug = own.rsplit('/').next().unwrap();
    let body =
        json!({"name": "Mine", "mcp_integration_id": slug, "slug": "mine", "description": "d"});
    let early = send(&client, "one", Method::POST, "/mcp-servers", body.clone()).await;
    assert_eq!(early.status, 403, "{}", early.body);
    let grant =
        json!({"workspaces": [{"id": workspaces(&client).await[0]["id"], "enabled": true}]});
    client.put(&format!("{own}/workspaces"), grant).await;
    let created = expect_ok(&client, "one", Method::POST, "/mcp-servers", body.clone()).await;
    let taken = send(&client, "one", Method::POST, "/mcp-servers", body).await;
    assert!(taken.error().2.contains("`/slug`"));
    let other = server(&client, &own).await;

    let list = client.get_as("one", "/mcp-servers?page_size=1").await;
    assert_eq!(
        (&list["object"], &list["total"]),
        (&json!("list"), &json!(2))
    );
    assert!(list.get("has_more").is_none());
    let id = string(&created["id"]);
    assert_eq!(
        client
            .get_as("one", &format!("/mcp-servers?id={id},none"))
            .await["total"],
        1
    );
    assert_eq!(
        client.get_as("one", "/mcp-servers?search=none").await["total"],
        0
    );
    assert_eq!(client.get_as("two", "/mcp-servers").await["total"], 0);
    let read = client.get_as("one", "/mcp-servers/mine").await;
    assert_eq!(
        (&read["id"], &read["object"]),
        (&created["id"], &json!("mcp-server"))
    );
    assert_fields(
        &read,
        &["workspace_id", "mcp_integration_details", "workspace_slug"],
    );
    // Users' keys get fewer fields.
    let own_servers = client.get_as("user", "/mcp-servers/mine").await;
    assert!(
        own_servers.get("workspace_id").is_none()
            && own_servers.get("mcp_integration_details").is_none()
    );

    assert_eq!(
        expect_ok(
            &client,
            "one",
            Method::PUT,
            "/mcp-servers/mine",
            json!({"name": "New"})
        )
        .await,
        json!({"id": id, "slug": "mine", "object": "mcp-server"})
    );
    assert_eq!(
        client.get_as("one", &format!("/mcp-servers/{id}")).await["name"],
        "New"
    );
    assert_eq!(
        send(&client, "one", Method::PUT, "/mcp-servers/mine", json!({}))
            .await
            .status,
        400
    );
    assert_eq!(
        expect_ok(
            &client,
            "one",
            Method::DELETE,
            "/mcp-servers/mine",
            Value::Null
        )
        .await,
        json!({})
    );
    assert_eq!(
        send(
            &client,
            "one",
            Method::GET,
            "/mcp-servers/mine",
            Value::Null
        )
        .await
        .status,
        404
    );
    // Deleting the integration deletes the server.
    client.delete(&own).await;
    assert_eq!(
        send(&client, "one", Method::GET, &other, Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn server_capabilities_are_limited_by_the_integration() {
    let client = client().await;
    let own = integration(&client, json!({})).await;
    client.post(&format!("{own}/sync"), sync_body()).await;
    let server = server(&client, &own).await;
    let path = format!("{server}/capabilities");
    let off =
        |name: &str| json!({"capabilities": [{"name": name, "type": "tool", "enabled": false}]});
    client.put(&format!("{own}/capabilities"), off("add")).await;
    let updated = expect_ok(&client, "one", Method::PUT, &path, off("sub")).await;
    assert_eq!(updated, json!({"success": true}));
    let list = client.get_as("one", &path).await;
    let states = |list: &Value, name: &str| -> Vec<Value> {
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .take(3)
            .map(|own| own[name].clone())
            .collect()
    };
    assert_eq!(states(&list, "enabled"), [false, false, true]);
    assert_eq!(states(&list, "integration_enabled"), [false, true, true]);
    assert_eq!(list["counts"]["tools"], json!({"total": 2, "enabled": 0}));
    // Users do not see the integration's own setting.
    let seen = client.get_as("user", &path).await;
    assert!(seen["data"][0].get("integration_enabled").is_none());
    let unknown = send(&client, "one", Method::PUT, &path, off("none")).await;
    assert!(unknown.error().2.contains("`/capabilities/0/name`"));

    let found = json!({"capabilities": [{"name": "sub", "type": "tool", "schema": {"type": "object"}}, {"name": "new", "type": "tool"}]});
    expect_ok(&client, "one", Method::POST, &format!("{path}/sync"), found).await;
    let list = client.get_as("one", &path).await;
    assert_eq!(column(&list, "name"), ["sub", "new"]);
    assert_eq!(states(&list, "enabled"), [false, true]);
    assert_eq!(list["data"][0]["input_schema"], json!({"type": "object"}));

    let metadata = format!("{server}/metadata");
    assert_eq!(client.get_as("one", &metadata).await["server_name"], "srv");
    let expected = json!({"server_name": "own", "instructions": null, "icons": []});
    expect_ok(
        &client,
        "one",
        Method::POST,
        &format!("{metadata}/sync"),
        expected,
    )
    .await;
    let read = client.get_as("one", &metadata).await;
    assert_eq!(
        (&read["server_name"], &read["sync_status"], &read["icons"]),
        (&json!("own"), &json!("synced"), &json!([]))
    );
}

#[tokio::test]
async fn user_access_is_set_per_user() {
    let client = client().await;
    let own = integration(&client, json!({})).await;
    let path = format!("{}/user-access", server(&client, &own).await);
    let list = client.get_as("one", &path).await;
    assert_eq!(
        (
            &list["default_user_access"],
            &list["total"],
            &list["has_more"]
        ),
        (&json!("allow"), &json!(2), &json!(false))
    );
    let member = &list["data"][1];
    assert_eq!(
        (&member["object"], &member["connection_status"]),
        (&json!("user-acces"), &json!("not_connected"))
    );
    assert_eq!(
        client.get_as("user", &format!("{path}/check")).await["has_access"],
        true
    );

    let deny = json!({"default_user_access": "deny"});
    assert_eq!(
        expect_ok(&client, "one", Method::PUT, &path, deny).await,
        json!({"success": true, "object": "user-access"})
    );
    assert_eq!(
        client.get_as("user", &format!("{path}/check")).await["has_access"],
        false
    );
    let allow = json!({"user_access": [{"user_id": member["user_id"], "enabled": true}]});
    expect_ok(&client, "one", Method::PUT, &path, allow).await;
    assert_eq!(
        client.get_as("user", &format!("{path}/check")).await["has_access"],
        true
    );
    let found = client
        .get_as("one", &format!("{path}?search=MEMBER@"))
        .await;
    assert_eq!(found["total"], 1);
    assert_eq!(
        (
            &found["data"][0]["enabled"],
            &found["data"][0]["has_override"]
        ),
        (&json!(true), &json!(true))
    );
    let next = client
        .get_as("one", &format!("{path}?page_size=1&page=2"))
        .await;
    assert_eq!(next["data"][0]["user_id"], member["user_id"]);
    let cases = [
        (
            json!({"user_access": [{"user_id": "none", "enabled": true}]}),
            "`/user_access/0/user_id`",
        ),
        (
            json!({"default_user_access": {"a": "allow"}}),
            "`/default_user_access`",
        ),
    ];
    for (body, place) in cases {
        let (status, _, message) = send(&client, "one", Method::PUT, &path, body).await.error();
        assert_eq!(status, 400);
        assert!(message.contains(place), "{message}");
    }
}

#[tokio::test]
async fn setting_tokens_connects_a_user() {
    let client = client().await;
    let own = integration(&client, json!({})).await;
    let server = server(&client, &own).await;
    let (tokens, connections) = (format!("{server}/tokens"), format!("{server}/connections"));
    assert_eq!(
        client.get_as("user", &tokens).await["access_token"],
        Value::Null
    );
    let given = json!({"access_token": CANARY, "refresh_token": "emulator-refresh"});
    expect_ok(&client, "user", Method::PUT, &tokens, given).await;
    expect_ok(
        &client,
        "user",
        Method::PUT,
        &tokens,
        json!({"access_token": "emulator-next"}),
    )
    .await;
    let read = client.get_as("user", &tokens).await;
    assert_eq!(
        (&read["access_token"], &read["refresh_token"]),
        (&json!("emulator-next"), &json!("emulator-refresh"))
    );
    assert_eq!(
        client.get_as("one", &tokens).await["access_token"],
        Value::Null
    );
    let list = client.get_as("one", &connections).await;
    assert_eq!(
        (&list["total"], &list["has_more"]),
        (&json!(1), &json!(false))
    );
    let user = string(&list["data"][0]["user_id"]);
    let access = client
        .get_as("one", &format!("{server}/user-access?search=member"))
        .await;
    assert_eq!(access["data"][0]["connection_status"], "connected");

    // A member acts for no other user.
    let other = format!("{connections}?user_id=a0000000-0000-4000-8000-000000000000");
    for method in [Method::GET, Method::DELETE] {
        let refused = send(&client, "user", method, &other, Value::Null).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
    }
    let own = format!("{connections}?user_id={user}");
    assert_eq!(client.get_as("user", &own).await["total"], 1);

    // A service key must name the user.
    let unnamed = send(&client, "one", Method::DELETE, &connections, Value::Null).await;
    assert!(unnamed.error().2.contains("`user_id`"));
    let named = format!("{connections}?user_id={user}");
    assert_eq!(
        expect_ok(&client, "one", Method::DELETE, &named, Value::Null).await,
        json!({})
    );
    assert_eq!(
        send(&client, "one", Method::DELETE, &named, Value::Null)
            .await
            .status,
        404
    );
    assert_eq!(
        client.get_as("user", &tokens).await["access_token"],
        Value::Null
    );
    expect_ok(
        &client,
        "user",
        Method::PUT,
        &tokens,
        json!({"access_token": CANARY}),
    )
    .await;
    assert_eq!(
        expect_ok(&client, "user", Method::DELETE, &tokens, Value::Null).await,
        json!({})
    );
    assert_eq!(client.get_as("user", &connections).await["total"], 0);
    assert_eq!(
        send(&client, "user", Method::PUT, &tokens, json!({}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_client_is_registered_or_configured() {
    let client = client().await;
    let cases = [
        (json!({"auth_type": "oauth_auto"}), false, Value::Null),
        (
            json!({"auth_type": "oauth_client_credentials", "configurations": {"oauth_metadata": {"client_id": "c", "client_secret": CANARY}}}),
            false,
            json!(CANARY),
        ),
        (json!({}), true, Value::Null),
    ];
    for (overrides, without, secret) in cases {
        let own = integration(&client, overrides).await;
        let path = format!("{}/client-info", server(&client, &own).await);
        let info = client.get_as("one", &path).await;
        assert_eq!(
            (info["client_id"].is_null(), &info["client_secret"]),
            (without, &secret)
        );
    }
}

#[tokio::test]
async fn deleting_a_workspace_deletes_its_mcp_servers() {
    let client = client().await;
    let own = integration(&client, json!({})).await;
    server(&client, &own).await;
    let workspace = string(&workspaces(&client).await[0]["id"]);
    client
        .post(
            "/mcp-integrations",
            body(json!({"workspace_id": workspace})),
        )
        .await;
    assert_eq!(client.get("/mcp-integrations").await["total"], 2);
    let path = format!("/admin/workspaces/{workspace}");
    let response = client
        .send(
            Method::DELETE,
            &path,
            json!({"name": "One", "force_delete": true}),
        )
        .await;
    assert_eq!(response.status, 200);
    assert_eq!(client.get("/mcp-integrations").await["total"], 1);
    assert_eq!(
        client.get(&format!("{own}/workspaces")).await["workspaces"],
        json!([])
    );
}

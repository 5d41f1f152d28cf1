//! Kinds of key, scopes and roles.

use portkey_admin_emulator::{Emulator, Key, Organisation, Role, WorkspaceRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestClient, column, receive, string};

async fn client() -> TestClient {
    let create = [
        "workspace_service_api_keys.create",
        "workspace_user_api_keys.create",
    ];
    let organisation = Organisation::named("Acme")
        .user("owner@example.com", Role::Owner)
        .user("manager@example.com", Role::Member)
        .user("member@example.com", Role::Member)
        .workspace("One")
        .member("One", "manager@example.com", WorkspaceRole::Manager)
        .member("One", "member@example.com", WorkspaceRole::Member)
        .workspace("Two")
        .key(Key::workspace("One", "service").scopes(create))
        .key(
            Key::workspace("One", "owner")
                .user("owner@example.com")
                .scopes(create),
        )
        .key(
            Key::workspace("One", "manager")
                .user("manager@example.com")
                .scopes(create),
        )
        .key(
            Key::workspace("One", "member")
                .user("member@example.com")
                .scopes(create),
        )
        .key(Key::workspace("One", "everything"));
    TestClient::with_emulator(
        Emulator::builder()
            .organisation(organisation)
            .start()
            .await
            .unwrap(),
    )
}

async fn create_key(client: &TestClient, key_name: &str, kind: &str) -> Response {
    let key = client.emulator.key(key_name).unwrap();
    let user = client.first("/admin/users").await["id"].clone();
    let body = json!({"name": "new", "scopes": ["configs.list"], "user_id": user});
    client
        .send_as(&key, Method::POST, &format!("/api-keys/{kind}"), body)
        .await
}

#[tokio::test]
async fn who_may_create_keys_follows_the_roles() {
    let client = client().await;
    for (key_name, expected) in [
        ("service", 200),
        ("owner", 200),
        ("manager", 200),
        ("member", 403),
    ] {
        let response = create_key(&client, key_name, "workspace/service").await;
        assert_eq!(response.status, expected, "{key_name}: {}", response.body);
    }
    // A workspace key cannot create an organisation key, regardless of its scopes.
    for key_name in ["service", "everything"] {
        let error = create_key(&client, key_name, "organisation/service")
            .await
            .error();
        assert_eq!((error.0, error.1.as_str()), (403, "AB03"), "{key_name}");
    }
}

#[tokio::test]
async fn scopes_depend_on_the_kind_of_key() {
    let client = client().await;
    let scopes = [
        "workspace_user_api_keys.list",
        "workspace_user_api_keys.read",
        "workspace_user_api_keys.delete",
    ];
    let body = json!({"name": "narrow", "scopes": scopes});
    let narrow = string(&client.post("/api-keys/organisation/service", body).await["key"]);
    let list = client
        .send_as(&narrow, Method::GET, "/api-keys", Value::Null)
        .await
        .body;
    assert_eq!(column(&list, "name"), ["owner", "manager", "member"]);
    let all = client.get("/api-keys").await;
    let names = column(&all, "name");
    for (name, id) in names.iter().zip(column(&all, "id")) {
        let expected = if column(&list, "name").contains(name) {
            200
        } else {
            403
        };
        let path = format!("/api-keys/{id}");
        assert_eq!(
            client
                .send_as(&narrow, Method::GET, &path, Value::Null)
                .await
                .status,
            expected,
            "{name}"
        );
        assert_eq!(
            client
                .send_as(&narrow, Method::PUT, &path, json!({}))
                .await
                .status,
            403,
            "{name}"
        );
    }
    let unknown_id = "/api-keys/a0000000-0000-4000-8000-000000000000";
    assert_eq!(
        client
            .send_as(&narrow, Method::GET, unknown_id, Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_workspace_key_is_limited_to_its_workspace() {
    let client = client().await;
    let workspaces = client.get("/admin/workspaces").await;
    let [one, two] = [&workspaces["data"][0], &workspaces["data"][1]];
    let key = client.emulator.key("everything").unwrap();
    for (workspace, expected) in [(one, 200), (two, 403)] {
        for name in [string(&workspace["id"]), string(&workspace["slug"])] {
            let body =
                json!({"name": "c", "config": {"retry": {"attempts": 1}}, "workspace_id": name});
            assert_eq!(
                client
                    .send_as(&key, Method::POST, "/configs", body)
                    .await
                    .status,
                expected
            );
            for path in [
                format!("/configs?workspace_id={name}"),
                format!("/admin/workspaces/{name}"),
            ] {
                assert_eq!(
                    client
                        .send_as(&key, Method::GET, &path, Value::Null)
                        .await
                        .status,
                    expected,
                    "{path}"
                );
            }
        }
    }
    let foreign =
        json!({"name": "c", "config": {"retry": {"attempts": 1}}, "workspace_id": two["id"]});
    let slug = string(&client.post("/configs", foreign).await["slug"]);
    let path = format!("/configs/{slug}");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert_eq!(
            client
                .send_as(&key, method, &path, json!({"name": "x"}))
                .await
                .status,
            404
        );
    }
    assert_eq!(client.get(&path).await["name"], "c");
}

#[tokio::test]
async fn organisation_keys_require_workspace_id_for_some_operations() {
    let client = client().await;
    for (method, path, body) in [
        (Method::POST, "/collections", json!({"name": "c"})),
        (
            Method::POST,
            "/configs",
            json!({"name": "c", "config": {"retry": {"attempts": 1}}}),
        ),
        (Method::GET, "/guardrails", Value::Null),
        (Method::GET, "/policies/rate-limits", Value::Null),
        (Method::GET, "/policies/usage-limits", Value::Null),
        (Method::GET, "/providers", Value::Null),
        (Method::GET, "/virtual-keys", Value::Null),
    ] {
        let (status, code, message) = client.expect_error(method, path, body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"), "{path}");
        assert!(message.contains("workspace_id"), "{message}");
    }
    assert_eq!(
        client.get_as("everything", "/collections").await["total"],
        1
    );
}

/// Recorded from the service, as are the refusals above.
#[tokio::test]
async fn organisation_keys_list_some_resources_of_all_workspaces() {
    let client = client().await;
    let workspaces = client.get("/admin/workspaces").await;
    for workspace in column(&workspaces, "id") {
        let config =
            json!({"name": "c", "config": {"retry": {"attempts": 1}}, "workspace_id": workspace});
        client.post("/configs", config).await;
        let partial = json!({"name": "p", "string": "x", "workspace_id": workspace});
        client.post("/prompts/partials", partial).await;
    }
    let count = column(&workspaces, "id").len();
    assert!(count > 1);
    for path in ["/configs", "/collections", "/prompts/partials"] {
        assert_eq!(client.get(path).await["total"], count, "{path}");
        assert_eq!(
            client.get_as("everything", path).await["total"],
            1,
            "{path}"
        );
    }
    assert!(client.get("/prompts").await["total"].is_number());
}

#[tokio::test]
async fn organisation_keys_name_the_workspace_of_a_provider_by_uuid() {
    let client = client().await;
    let workspace = client.first("/admin/workspaces").await;
    let (id, slug) = (string(&workspace["id"]), string(&workspace["slug"]));
    let body = json!({"name": "p", "integration_id": "i", "workspace_id": slug});
    for (method, path, body) in [
        (
            Method::GET,
            format!("/providers?workspace_id={slug}"),
            Value::Null,
        ),
        (
            Method::GET,
            format!("/providers/p?workspace_id={slug}"),
            Value::Null,
        ),
        (
            Method::DELETE,
            format!("/providers/p?workspace_id={slug}"),
            Value::Null,
        ),
        (Method::POST, "/providers".to_owned(), body),
    ] {
        let (status, code, message) = client.expect_error(method, &path, body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"), "{path}");
        assert!(message.contains("UUID"), "{message}");
    }
    client.get(&format!("/providers?workspace_id={id}")).await;
    client
        .get(&format!("/virtual-keys?workspace_id={slug}"))
        .await;
    let path = format!("/providers?workspace_id={slug}");
    client.get_as("everything", &path).await;
}

/// The table in the introduction to the Admin API: what each kind of key can do, regardless of
/// scopes.
#[tokio::test]
async fn access_of_each_kind_of_key_matches_the_table() {
    let client = client().await;
    let one = client.first_workspace().await;
    let user = string(&client.get("/admin/users").await["data"][2]["id"]);
    let integration =
        json!({"name": "i", "ai_provider_id": "openai", "key": "sample", "slug": "shared"});
    client.post("/integrations", integration).await;
    let access = json!({"workspaces": [{"id": one, "enabled": true}]});
    client.put("/integrations/shared/workspaces", access).await;
    let span =
        "time_of_generation_min=2020-01-01T00:00:00Z&time_of_generation_max=2040-01-01T00:00:00Z";
    let config = json!({"name": "c", "config": {"retry": {"attempts": 1}}, "workspace_id": one});
    let provider = json!({"name": "p", "integration_id": "shared", "workspace_id": one});
    let feedback = json!({"trace_id": "t", "value": 1});
    let rows = [
        // Organisation settings, workspaces, users: organisation keys only.
        (
            Method::PUT,
            "/v2/admin/organisation/defaults".to_owned(),
            json!({"input_guardrails": []}),
            200,
            403,
        ),
        (
            Method::POST,
            "/v1/admin/workspaces".to_owned(),
            json!({"name": "w"}),
            200,
            403,
        ),
        (
            Method::PUT,
            format!("/v1/admin/users/{user}"),
            json!({"role": "admin"}),
            200,
            403,
        ),
        // Configs, providers, analytics: both kinds of key.
        (Method::POST, "/v1/configs".to_owned(), config, 200, 200),
        (Method::POST, "/v1/providers".to_owned(), provider, 200, 200),
        (
            Method::GET,
            format!("/v1/analytics/graphs/cost?{span}"),
            Value::Null,
            200,
            200,
        ),
        // Feedback: workspace keys only.
        (Method::POST, "/v1/feedback".to_owned(), feedback, 403, 200),
    ];
    let own = client.emulator.key("everything").unwrap();
    for (method, path, body, organisation, workspace) in rows {
        for (key, expected) in [(&client.key, organisation), (&own, workspace)] {
            let url = format!("{}{path}", client.emulator.public_base_url());
            let request = client.http.request(method.clone(), url);
            let response = receive(request.header("x-portkey-api-key", key).json(&body)).await;
            assert_eq!(response.status, expected, "{path}: {}", response.body);
            if expected == 403 {
                assert_eq!(response.error().1, "AB03", "{path}");
            }
        }
    }
}

/// Sends the same request with a key of each of these lists of scopes.
async fn statuses(
    client: &TestClient,
    request: (Method, &str, Value),
    keys: &[&[&str]],
) -> Vec<u16> {
    let one = client.first_workspace().await;
    let (method, path, body) = request;
    let mut statuses = Vec::new();
    for scopes in keys {
        let (_, key) = client.workspace_key(&one, scopes).await;
        let response = client
            .send_as(&key, method.clone(), path, body.clone())
            .await;
        if response.status == 403 {
            assert_eq!(response.error().1, "AB03", "{path}");
        }
        statuses.push(response.status);
    }
    statuses
}

#[tokio::test]
async fn an_operation_with_several_scopes_needs_all_of_them() {
    let client = client().await;
    let log = crate::logs::entry("ada", 200, 1);
    let keys: [&[&str]; 4] = [
        &["completions.write"],
        &["logs.write"],
        &["logs.write", "configs.list"],
        &["logs.write", "completions.write"],
    ];
    let found = statuses(&client, (Method::POST, "/logs", log.clone()), &keys).await;
    assert_eq!(found, [403, 403, 403, 200]);
    let one = client.first_workspace().await;
    let (_, key) = client.workspace_key(&one, &["logs.write"]).await;
    let message = client
        .send_as(&key, Method::POST, "/logs", log)
        .await
        .error()
        .2;
    let expected = "requires all of the scopes completions.write, logs.write";
    assert!(message.contains(expected), "{message}");
}

#[tokio::test]
async fn an_operation_with_alternative_scopes_needs_one_of_them() {
    let client = client().await;
    let keys: [&[&str]; 4] = [
        &["guardrails.list"],
        &["organisation_guardrails.list"],
        &["guardrails.read"],
        &["configs.list"],
    ];
    let found = statuses(&client, (Method::GET, "/guardrails", Value::Null), &keys).await;
    assert_eq!(found, [200, 200, 403, 403]);
    let keys: [&[&str]; 3] = [&["mcp_servers.list"], &["mcp_servers.read"], &["logs.list"]];
    let found = statuses(&client, (Method::GET, "/mcp-servers", Value::Null), &keys).await;
    assert_eq!(found, [200, 403, 403]);
}

#[tokio::test]
async fn organisation_resources_need_an_organisation_key() {
    let client = client().await;
    let own = client.emulator.key("everything").unwrap();
    for path in ["/secret-references", "/admin/users/invites"] {
        assert_eq!(
            client.send(Method::GET, path, Value::Null).await.status,
            200,
            "{path}"
        );
        let error = client
            .send_as(&own, Method::GET, path, Value::Null)
            .await
            .error();
        assert_eq!((error.0, error.1.as_str()), (403, "AB03"), "{path}");
        assert!(
            error.2.contains("does not accept workspace keys"),
            "{}",
            error.2
        );
    }
}

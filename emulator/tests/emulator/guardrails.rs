//! Guardrails, defaults of the organisation, and exclusions.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Response, TestClient, assert_fields, column, receive, string};

fn checks() -> Value {
    json!([
        {"id": "default.wordCount", "is_enabled": true, "parameters": {"maxWords": 5}},
        {"id": "vendor.checkOfTomorrow", "is_enabled": false},
    ])
}

fn body(name: &str) -> Value {
    json!({"name": name, "checks": checks(), "actions": {"onFail": "block", "deny": true}})
}

async fn guardrail(client: &TestClient, name: &str, workspace: &Value) -> Value {
    let mut body = body(name);
    body["workspace_id"] = workspace.clone();
    client.post("/guardrails", body).await
}

#[tokio::test]
async fn every_guardrail_update_creates_a_version() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await;
    let created = guardrail(&client, "one", &workspace["slug"]).await;
    let slug = string(&created["slug"]);
    assert!(slug.starts_with("guard_"), "{slug}");
    let path = format!("/guardrails/{slug}");
    let read = client.get(&path).await;
    assert_eq!(
        (&read["workspace_id"], &read["updated_by"]),
        (&workspace["id"], &Value::Null)
    );
    assert_eq!(read["version_id"], created["version_id"]);
    // `is_enabled` is present only if it is false.
    assert!(read["checks"][0].get("is_enabled").is_none());
    assert_eq!(read["checks"][1]["is_enabled"], false);

    let renamed = client.put(&path, json!({"name": "two"})).await;
    assert_ne!(renamed["version_id"], created["version_id"]);
    assert_fields(&renamed, &["id", "slug"]);
    let changed = client.put(&path, json!({"actions": {"deny": false}})).await;
    let by_id = client
        .get(&format!("/guardrails/{}", string(&created["id"])))
        .await;
    assert_eq!(
        (&by_id["name"], &by_id["version_id"]),
        (&json!("two"), &changed["version_id"])
    );
    assert_eq!(
        (&by_id["actions"], &by_id["checks"]),
        (&json!({"deny": false}), &read["checks"])
    );
    assert!(by_id["updated_by"].is_string());

    assert_eq!(client.delete(&path).await, json!({}));
    let (status, code, _) = client.expect_error(Method::GET, &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (403, "AB03"));
}

#[tokio::test]
async fn guardrails_are_listed_by_workspace() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await["id"].clone();
    let other = client.workspace("Other").await["id"].clone();
    let organisation = client.virtual_keys().await["data"][0]["organisation_id"].clone();
    guardrail(&client, "one", &workspace).await;
    guardrail(&client, "two", &other).await;
    let mut shared = body("shared");
    shared["organisation_id"] = organisation.clone();
    client.post("/guardrails", shared).await;

    let (status, _, message) = client
        .expect_error(Method::GET, "/guardrails", Value::Null)
        .await;
    assert!(
        status == 400 && message.contains("workspace_id"),
        "{message}"
    );
    let path = format!("/guardrails?workspace_id={}", string(&workspace));
    let list = client.get(&path).await;
    assert_eq!(column(&list, "name"), ["one"]);
    assert!(list["data"][0].get("checks").is_none());
    let both = format!("{path}&organisation_id={}", string(&organisation));
    assert_eq!(column(&client.get(&both).await, "name"), ["one", "shared"]);
    let cut = format!("{both}&page_size=1&current_page=1");
    assert_eq!(column(&client.get(&cut).await, "name"), ["shared"]);
    let foreign = format!("{path}&organisation_id=00000000-0000-4000-8000-000000000001");
    assert_eq!(
        client
            .expect_error(Method::GET, &foreign, Value::Null)
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn invalid_guardrails_are_rejected() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await["id"].clone();
    let cases = [
        (
            json!({"name": "a", "checks": checks(), "workspace_id": workspace}),
            "`/actions`",
        ),
        (
            json!({"name": "a", "actions": {}, "workspace_id": workspace}),
            "`/checks`",
        ),
        (
            json!({"name": "a", "checks": [], "actions": {}, "workspace_id": workspace}),
            "`/checks`",
        ),
        (
            json!({"name": "a", "checks": [{"parameters": {}}], "actions": {}, "workspace_id": workspace}),
            "`/checks/0/id`",
        ),
        (
            json!({"name": "a", "checks": checks(), "actions": {}}),
            "`/workspace_id`",
        ),
    ];
    for (body, place) in cases {
        let (status, code, message) = client.expect_error(Method::POST, "/guardrails", body).await;
        assert_eq!((status, code.as_str()), (400, "AB01"));
        assert!(message.contains(place), "{message}");
    }
}

#[tokio::test]
async fn a_guardrail_maps_mcp_servers() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await["id"].clone();
    let (_, key) = client
        .workspace_key(
            &string(&workspace),
            &["mcp_servers.create", "mcp_servers.delete"],
        )
        .await;
    let integration = json!({"name": "i", "url": "https://example.com", "auth_type": "none", "transport": "http", "workspace_id": workspace});
    let integration = client.post("/mcp-integrations", integration).await["id"].clone();
    let mut servers = Vec::new();
    for name in ["one", "two"] {
        let body = json!({"name": name, "mcp_integration_id": integration});
        let created = client
            .send_as(&key, Method::POST, "/mcp-servers", body)
            .await;
        servers.push(string(&created.body["id"]));
    }
    let tools = json!({"name": "tools", "target": "mcp_tools", "workspace_id": workspace});
    let own = string(&client.post("/guardrails", tools).await["id"]);
    let path = format!("/guardrails/{own}/mcp-servers");
    assert_eq!(client.get(&path).await, json!([]));

    let all = json!({"mcp_servers": {&servers[0]: {"run_on": ["input"]}, &servers[1]: {}}});
    let counts = client.put(&path, all.clone()).await;
    assert_eq!(
        counts,
        json!({"changed": true, "added": 2, "updated": 0, "removed": 0,
            "object": "guardrail-mcp-servers"})
    );
    assert_eq!(client.put(&path, all).await["changed"], false);
    let mappings = client.get(&format!("/guardrails/{own}")).await["mcp_server_mappings"].clone();
    assert_eq!(mappings, client.get(&path).await);
    let second = mappings
        .as_array()
        .unwrap()
        .iter()
        .find(|map| map["mcp_server_id"] == servers[1]);
    let second = second.unwrap();
    assert_eq!(
        (&second["run_on"], &second["capability_ids"]),
        (&json!(["input", "output"]), &json!([]))
    );

    let changed = client
        .put(
            &format!("{path}/{}", servers[1]),
            json!({"run_on": ["output"]}),
        )
        .await;
    assert_eq!(changed["map_id"], second["id"]);
    let one = json!({"mcp_servers": {&servers[1]: {"run_on": ["input"]}}});
    assert_eq!(
        client.put(&path, one).await,
        json!({"changed": true, "added": 0, "updated": 1, "removed": 1,
            "object": "guardrail-mcp-servers"})
    );
    let unknown = client
        .expect_error(Method::PUT, &path, json!({"mcp_servers": {"none": {}}}))
        .await;
    assert!(
        unknown.0 == 400 && unknown.2.contains("`/mcp_servers/none`"),
        "{unknown:?}"
    );
    assert_eq!(
        client
            .expect_error(Method::PUT, &format!("{path}/none"), json!({}))
            .await
            .0,
        404
    );

    // A deleted server is no longer assigned to the guardrail.
    let deleted = client
        .send_as(
            &key,
            Method::DELETE,
            &format!("/mcp-servers/{}", servers[1]),
            Value::Null,
        )
        .await;
    assert_eq!(deleted.status, 200);
    assert_eq!(client.get(&path).await, json!([]));
}

async fn defaults(client: &TestClient, method: Method, body: Value) -> Response {
    let url = format!(
        "{}/v2/admin/organisation/defaults",
        client.emulator.public_base_url()
    );
    let request = client.http.request(method, url);
    receive(request.header("x-portkey-api-key", &client.key).json(&body)).await
}

#[tokio::test]
async fn the_organisation_has_default_guardrails() {
    let client = TestClient::new().await;
    let workspace = client.first("/admin/workspaces").await["id"].clone();
    let one = guardrail(&client, "one", &workspace).await;
    let two = guardrail(&client, "two", &workspace).await;
    let shown = |own: &Value| json!({"id": own["id"], "slug": own["slug"]});
    let none = defaults(&client, Method::GET, Value::Null).await.body;
    assert_eq!(
        none,
        json!({"input_guardrails": [], "output_guardrails": []})
    );
    let change =
        json!({"input_guardrails": [two["slug"], one["id"]], "output_guardrails": [one["slug"]]});
    let set = defaults(&client, Method::PUT, change).await.body;
    let expected =
        json!({"input_guardrails": [shown(&two), shown(&one)], "output_guardrails": [shown(&one)]});
    assert_eq!(set, expected);
    // Omitted fields are unchanged; a deleted guardrail is removed from the defaults.
    defaults(&client, Method::PUT, json!({"output_guardrails": []})).await;
    client
        .delete(&format!("/guardrails/{}", string(&two["id"])))
        .await;
    let rest = defaults(&client, Method::GET, Value::Null).await.body;
    assert_eq!(
        rest,
        json!({"input_guardrails": [shown(&one)], "output_guardrails": []})
    );
    let bad = defaults(&client, Method::PUT, json!({"input_guardrails": ["none"]})).await;
    assert!(bad.error().2.contains("`/input_guardrails/0`"));
    assert_eq!(client.virtual_keys().await["total"], 1);
}

#[tokio::test]
async fn exclusions_are_separate_for_input_and_output() {
    let client = TestClient::new().await;
    let first = client.first_workspace().await;
    let second = client.workspace("Other").await;
    let organisation = string(&client.virtual_keys().await["data"][0]["organisation_id"]);
    let entry = |workspace: &Value, excluded: bool| json!({"workspace_id": workspace, "excluded": excluded});
    for (path, other) in [("input", "output"), ("output", "input")] {
        let path = format!("/workspace-exclusions/{path}-guardrails");
        let read = format!("{path}?organisation_id={organisation}");
        let none =
            json!({"workspaces": [entry(&json!(first), false), entry(&second["id"], false)]});
        assert_eq!(client.get(&read).await, none);
        let change =
            json!({"organisation_id": organisation, "workspaces": [entry(&second["slug"], true)]});
        let changed = client.put(&path, change).await;
        assert_eq!(changed["workspaces"][1], entry(&second["id"], true));
        let replace = json!({"organisation_id": organisation, "override_existing": true, "workspaces": [entry(&json!(first), true)]});
        client.put(&path, replace).await;
        let after =
            json!({"workspaces": [entry(&json!(first), true), entry(&second["id"], false)]});
        assert_eq!(client.get(&read).await, after);
        let reset =
            json!({"organisation_id": organisation, "workspaces": [entry(&json!(first), false)]});
        client.put(&path, reset).await;
        let other =
            format!("/workspace-exclusions/{other}-guardrails?organisation_id={organisation}");
        assert_eq!(client.get(&other).await, none);
    }
    let path = "/workspace-exclusions/input-guardrails";
    let unknown =
        json!({"organisation_id": organisation, "workspaces": [entry(&json!("none"), true)]});
    let rejected = client.expect_error(Method::PUT, path, unknown).await;
    assert!(
        rejected.2.contains("`/workspaces/0/workspace_id`"),
        "{rejected:?}"
    );
    let foreign = json!({"organisation_id": "other", "workspaces": [entry(&json!(first), true)]});
    assert_eq!(client.expect_error(Method::PUT, path, foreign).await.0, 403);
    assert_eq!(
        client.expect_error(Method::GET, path, Value::Null).await.0,
        400
    );
}

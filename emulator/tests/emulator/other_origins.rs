//! The MCP gateway and the price files, which have origins of their own in the service.

use portkey_admin_emulator::{Clock, Emulator, Key, Organisation, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::response_schema;
use crate::support::{Response, TestClient, receive, string};

/// Creates a client of an organisation with two workspaces, and MCP servers `srv-a`, `srv-b` and `srv-c`
/// in the first and `srv-d` in the second one, in this order.
async fn client() -> TestClient {
    let organisation = Organisation::named("Acme")
        .user("owner@example.com", Role::Owner)
        .workspace("One")
        .workspace("Two")
        .key(Key::workspace("One", "one"))
        .key(Key::workspace("Two", "two"))
        .key(Key::organisation("no scope").scopes(["workspaces.list"]));
    let clock = Clock::fixed(std::time::SystemTime::UNIX_EPOCH);
    let builder = Emulator::builder().organisation(organisation).clock(clock);
    let client = TestClient::with_emulator(builder.start().await.unwrap());
    let integration = json!({
        "name": "Tools", "slug": "tools", "url": "https://mcp.example.com", "auth_type": "none",
        "transport": "http",
    });
    client.post("/mcp-integrations", integration).await;
    for (slug, workspace) in [("a", "One"), ("b", "One"), ("c", "One"), ("d", "Two")] {
        set_access(&client, workspace, true).await;
        client.emulator.advance(std::time::Duration::from_secs(1));
        let key = client.emulator.key(&workspace.to_lowercase()).unwrap();
        let server = json!({
            "name": slug, "slug": format!("srv-{slug}"), "mcp_integration_id": "tools",
        });
        let created = client
            .send_as(&key, Method::POST, "/mcp-servers", server)
            .await;
        assert_eq!(created.status, 200, "{}", created.body);
    }
    client
}

async fn workspace(client: &TestClient, name: &str) -> Value {
    let workspaces = client.get("/admin/workspaces").await;
    let mut workspaces = workspaces["data"].as_array().unwrap().iter();
    let found = workspaces.find(|workspace| workspace["name"] == name);
    found.unwrap().clone()
}

async fn set_access(client: &TestClient, workspace_name: &str, enabled: bool) {
    let id = workspace(client, workspace_name).await["id"].clone();
    let access = json!({"workspaces": [{"id": id, "enabled": enabled}]});
    let path = "/mcp-integrations/tools/workspaces";
    client.put(path, access).await;
}

/// Lists the registry with a key; `query` starts with `?` or is empty.
async fn list_as(client: &TestClient, key: &str, query: &str) -> Response {
    let url = format!("{}/servers{query}", client.emulator.mcp_base_url());
    let request = client.http.get(url).header("x-portkey-api-key", key);
    let response = receive(request).await;
    if response.status == 200 {
        response_schema::assert_response("GET", "/servers", &response.body);
    }
    response
}

async fn list(client: &TestClient, query: &str) -> Value {
    let response = list_as(client, &client.key, query).await;
    assert_eq!(response.status, 200, "{}", response.body);
    response.body
}

/// Returns the slugs of the servers of a page.
fn slugs(page: &Value) -> Vec<String> {
    let servers = page["servers"].as_array().unwrap().iter();
    let names = servers.map(|entry| string(&entry["server"]["name"]));
    names
        .map(|name| name.rsplit("/srv-").next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_registry_lists_the_servers_of_the_key_newest_first() {
    let client = client().await;
    assert_eq!(slugs(&list(&client, "").await), ["d", "c", "b", "a"]);
    for (name, expected) in [("one", &["c", "b", "a"][..]), ("two", &["d"])] {
        let key = client.emulator.key(name).unwrap();
        let page = list_as(&client, &key, "").await.body;
        assert_eq!(slugs(&page), expected, "{name}");
        assert_eq!(page["metadata"], json!({"count": expected.len()}));
    }
    let one = workspace(&client, "One").await;
    for key in [&one["id"], &one["slug"]] {
        let page = list(&client, &format!("?workspace_id={}", string(key))).await;
        assert_eq!(slugs(&page), ["c", "b", "a"]);
    }
    let entry = &list(&client, "?search=/SRV-D").await["servers"][0];
    let (server, meta) = (&entry["server"], &entry["_meta"]["io.portkey.ai/registry"]);
    let name = format!(
        "ai.portkey.{}/srv-d",
        string(&workspace(&client, "Two").await["slug"])
    );
    assert_eq!(server["name"], name.as_str());
    assert_eq!(
        (&server["title"], &server["version"]),
        (&json!("d"), &json!("0.0.0"))
    );
    assert_eq!(server["remotes"][0]["type"], "streamable-http");
    assert_eq!(meta["publishedAt"], "1970-01-01T00:00:04.000Z");
    assert_eq!(meta["updatedAt"], meta["publishedAt"]);
}

#[tokio::test]
async fn the_registry_is_paged_by_cursors_that_changes_do_not_shift() {
    let client = client().await;
    let first = list(&client, "?limit=2").await;
    assert_eq!(slugs(&first), ["d", "c"]);
    assert_eq!(first["metadata"]["count"], 2);
    let cursor = string(&first["metadata"]["nextCursor"]);
    // The last server of the first page is removed meanwhile.
    let key = client.emulator.key("one").unwrap();
    let deleted = client
        .send_as(&key, Method::DELETE, "/mcp-servers/srv-c", Value::Null)
        .await;
    assert_eq!(deleted.status, 200);
    let second = list(&client, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(slugs(&second), ["b", "a"]);
    assert_eq!(second["metadata"], json!({"count": 2}));
}

#[tokio::test]
async fn the_registry_lists_what_is_approved_and_changed() {
    let client = client().await;
    set_access(&client, "Two", false).await;
    assert_eq!(slugs(&list(&client, "").await), ["c", "b", "a"]);
    client.emulator.advance(std::time::Duration::from_secs(60));
    let key = client.emulator.key("one").unwrap();
    let changed =
        json!({"title": "Search", "server_version": "1.2.0", "website_url": "https://example.com"});
    let path = "/mcp-servers/srv-a/metadata/sync";
    let synced = client.send_as(&key, Method::POST, path, changed).await;
    assert_eq!(synced.status, 200, "{}", synced.body);
    let page = list(&client, "?updated_since=1970-01-01T00:00:30Z").await;
    assert_eq!(slugs(&page), ["a"]);
    let server = &page["servers"][0]["server"];
    assert_eq!(
        (&server["title"], &server["version"], &server["websiteUrl"]),
        (
            &json!("Search"),
            &json!("1.2.0"),
            &json!("https://example.com")
        )
    );
}

#[tokio::test]
async fn errors_of_the_registry_have_the_documented_statuses() {
    let client = client().await;
    let other = string(&workspace(&client, "Two").await["id"]);
    let one = client.emulator.key("one").unwrap();
    let no_scope = client.emulator.key("no scope").unwrap();
    for (key, query, status) in [
        (client.key.as_str(), "?limit=0".to_owned(), 400),
        (&client.key, "?limit=101".to_owned(), 400),
        (&client.key, "?cursor=unknown".to_owned(), 400),
        (&client.key, "?updated_since=yesterday".to_owned(), 400),
        (&client.key, "?page_size=2".to_owned(), 400),
        ("wrong", String::new(), 401),
        (&no_scope, String::new(), 403),
        (&one, format!("?workspace_id={other}"), 403),
        (&client.key, "?workspace_id=ws-unknown".to_owned(), 404),
        (&one, "?workspace_id=ws-unknown".to_owned(), 404),
    ] {
        let response = list_as(&client, key, &query).await;
        assert_eq!(response.status, status, "{query}: {}", response.body);
    }
}

#[tokio::test]
async fn price_files_need_no_key() {
    let client = TestClient::new().await;
    let base = client.emulator.prices_base_url();
    let get = async |path: &str| receive(client.http.get(format!("{base}{path}"))).await;
    let prices = get("/pricing/openai.json").await;
    assert_eq!(prices.status, 200);
    let price = &prices.body["gpt-4o"]["pricing_config"]["pay_as_you_go"]["request_token"];
    assert_eq!(price["price"], 0.00025);
    assert!(prices.body["default"].is_object());
    let capabilities = get("/general/openai.json").await;
    assert_eq!(capabilities.status, 200);
    assert!(capabilities.body["gpt-4o"].is_object());
    for path in ["/pricing/other.json", "/general/other.json"] {
        let unknown = get(path).await;
        assert_eq!(unknown.status, 404, "{path}");
        string(&unknown.body["error"]);
    }
    // Each server has its own paths.
    let requests = client.emulator.requests();
    assert_eq!(
        requests[0].operation.as_deref(),
        Some("list_provider_pricing")
    );
    let url = format!("{}/pricing/openai.json", client.emulator.base_url());
    let request = client
        .http
        .get(url)
        .header("x-portkey-api-key", &client.key);
    assert_eq!(receive(request).await.status, 400);
}

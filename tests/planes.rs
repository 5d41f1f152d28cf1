//! The MCP gateway and the price files: their base URLs, what is sent to them, and their operations.

#![cfg(all(feature = "admin", feature = "gateway"))]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use chrono::{DateTime, Utc};
use http::Method;
use portkey_admin::{
    Client, ClientBuilder, Error, Paged, Plane, RequestOptions, RetryPolicy,
    gateway::GatewayOptions,
};
use serde_json::json;
use std::time::Duration;
use support::{
    KEY, attempts, boxed_call,
    server::{ScriptedResponse, Server},
};

/// A server for each plane, and a client of all of them with headers and gateway options.
struct Servers {
    control: Server,
    mcp: Server,
    prices: Server,
}

impl Servers {
    fn with_response(response: impl Fn() -> ScriptedResponse) -> Self {
        let [control, mcp, prices] = [(); 3].map(|()| Server::with_response(response()));
        Self {
            control,
            mcp,
            prices,
        }
    }

    fn builder(&self) -> ClientBuilder {
        support::builder(&self.control)
            .mcp_base_url(self.mcp.url("/registry/v0.1/"))
            .prices_base_url(self.prices.url("/files/"))
    }

    fn client(&self) -> Client {
        let gateway = GatewayOptions::new().virtual_key("canary-virtual-key");
        let options = RequestOptions::new()
            .header("x-tenant", "one")
            .gateway(gateway);
        let builder = self.builder().user_agent("tests/1").options(options);
        builder.build().unwrap()
    }
}

fn empty_object() -> ScriptedResponse {
    ScriptedResponse::json(200, "{}")
}

/// Calls the operations of the MCP gateway and of the price files.
async fn call_all(client: &Client) -> [Result<(), Error>; 3] {
    [
        boxed_call(client.list_mcp_registry_servers().send()).await,
        boxed_call(client.list_provider_pricing("openai").send()).await,
        boxed_call(client.list_provider_capabilities("openai").send()).await,
    ]
}

#[tokio::test]
async fn the_key_is_sent_to_the_mcp_gateway_but_not_to_the_price_files() {
    let servers = Servers::with_response(empty_object);
    let client = servers.client();
    for result in call_all(&client).await {
        result.unwrap();
    }
    for plane in [Plane::Mcp, Plane::Prices] {
        let request = client.request(Method::GET, "/things").plane(plane);
        boxed_call(request.send_raw()).await.unwrap();
    }
    let targets = |server: &Server| -> Vec<String> {
        let requests = server.requests().into_iter();
        requests.map(|request| request.target).collect()
    };
    assert_eq!(
        targets(&servers.mcp),
        ["/registry/v0.1/servers", "/registry/v0.1/things"]
    );
    assert_eq!(
        targets(&servers.prices),
        [
            "/files/pricing/openai.json",
            "/files/general/openai.json",
            "/files/things"
        ]
    );
    for request in servers.mcp.requests() {
        assert_eq!(request.header("x-portkey-api-key"), [KEY]);
        assert_eq!(request.header("x-tenant"), ["one"]);
        assert_eq!(request.header("user-agent"), ["tests/1"]);
        assert!(!format!("{request:?}").contains("canary-virtual-key"));
    }
    for request in servers.prices.requests() {
        let mut names: Vec<&str> = request.headers.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "host", "user-agent"], "{request:?}");
        assert_eq!(request.header("user-agent"), ["tests/1"]);
        assert!(!format!("{request:?}").contains("canary"));
    }
    assert_eq!(servers.control.connections(), 0);
}

#[tokio::test]
async fn redirects_of_the_mcp_gateway_and_the_price_files_are_not_followed() {
    let other = Server::with_response(empty_object());
    let location = other.url("/v0.1/servers");
    let redirect = || ScriptedResponse::empty(307).with_header("location", location.clone());
    let servers = Servers::with_response(redirect);
    for result in call_all(&servers.client()).await {
        let error = result.unwrap_err();
        assert!(
            error.to_string().contains("redirects are not followed"),
            "{error}"
        );
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn without_the_hosted_control_plane_a_missing_base_url_is_an_error() {
    let server = Server::with_response(empty_object());
    let client = support::client(&server);
    let [registry, pricing, capabilities] = call_all(&client).await.map(Result::unwrap_err);
    let raw = async |plane| {
        let request = client.request(Method::GET, "/things").plane(plane);
        boxed_call(request.send_raw()).await.unwrap_err()
    };
    for (error, operation, setting, variable) in [
        (
            registry,
            "list_mcp_registry_servers",
            "mcp_base_url",
            "PORTKEY_MCP_BASE_URL",
        ),
        (
            pricing,
            "list_provider_pricing",
            "prices_base_url",
            "PORTKEY_PRICES_BASE_URL",
        ),
        (
            capabilities,
            "list_provider_capabilities",
            "prices_base_url",
            "PORTKEY_PRICES_BASE_URL",
        ),
        (
            raw(Plane::Mcp).await,
            "GET /things",
            "mcp_base_url",
            "PORTKEY_MCP_BASE_URL",
        ),
        (
            raw(Plane::Prices).await,
            "GET /things",
            "prices_base_url",
            "PORTKEY_PRICES_BASE_URL",
        ),
    ] {
        let text = error.to_string();
        assert!(
            error.is_configuration() && !error.may_have_executed(),
            "{text}"
        );
        assert_eq!((error.operation(), error.attempts()), (Some(operation), 0));
        assert!(text.contains(setting) && text.contains(variable), "{text}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn each_missing_base_url_can_be_set_alone() {
    let servers = Servers::with_response(empty_object);
    let builder = || support::builder(&servers.control);
    let with_mcp = builder().mcp_base_url(servers.mcp.url(""));
    let [registry, pricing, _] = call_all(&with_mcp.build().unwrap()).await;
    registry.unwrap();
    assert!(pricing.unwrap_err().is_configuration());
    let with_prices = builder().prices_base_url(servers.prices.url(""));
    let [registry, pricing, _] = call_all(&with_prices.build().unwrap()).await;
    assert!(registry.unwrap_err().is_configuration());
    pricing.unwrap();
}

#[test]
fn only_the_hosted_control_plane_has_defaults() {
    let built = |url: &str| {
        let client = Client::builder().api_key(KEY).base_url(url).build();
        format!("{:?}", client.unwrap())
    };
    for hosted in [
        "https://api.portkey.ai/v1",
        "https://api.portkey.ai/v1/",
        "https://API.portkey.ai:443/v2",
    ] {
        let shown = built(hosted);
        assert!(shown.contains("https://mcp.portkey.ai/v0.1"), "{shown}");
        assert!(shown.contains("https://configs.portkey.ai"), "{shown}");
    }
    for other in [
        "https://portkey.example.com/v1",
        "https://api.portkey.ai.example.com/v1",
        "https://api.portkey.ai:8443/v1",
        "http://127.0.0.1:1/v1",
    ] {
        let shown = built(other);
        assert!(!shown.contains("mcp.portkey.ai"), "{shown}");
        assert!(!shown.contains("configs.portkey.ai"), "{shown}");
    }
}

#[tokio::test]
async fn calls_are_retried_as_reads() {
    let busy = || ScriptedResponse::empty(503);
    let servers = Servers::with_response(busy);
    let client = servers.client().with_options(attempts(3));
    for error in call_all(&client).await.map(Result::unwrap_err) {
        assert_eq!(error.attempts(), 3, "{error}");
    }
    assert_eq!(servers.mcp.requests().len(), 3);
    assert_eq!(servers.prices.requests().len(), 6);
}

#[tokio::test]
async fn calls_time_out() {
    let silent = || empty_object().sending_nothing().then_stall();
    let servers = Servers::with_response(silent);
    let options = RequestOptions::new()
        .timeout(Duration::from_millis(100))
        .retry(RetryPolicy::none());
    let client = servers.client().with_options(options);
    for error in call_all(&client).await.map(Result::unwrap_err) {
        assert!(error.is_timeout(), "{error}");
    }
}

#[tokio::test]
async fn the_registry_is_read_by_its_own_cursors() {
    let page = |names: &[&str], next: Option<&str>| {
        let servers: Vec<_> = names
            .iter()
            .map(|name| json!({"server": {"name": name}, "_meta": {}}))
            .collect();
        let mut metadata = json!({"count": names.len()});
        if let Some(next) = next {
            metadata["nextCursor"] = json!(next);
        }
        let body = json!({"servers": servers, "metadata": metadata});
        ScriptedResponse::json(200, body.to_string())
    };
    let server = Server::with_responses([
        page(&["a", "b"], Some("one+/=")),
        page(&[], Some("two")),
        page(&["c"], None),
    ]);
    let client = support::builder(&server).mcp_base_url(server.url("/v0.1"));
    let client = client.build().unwrap();
    let since: DateTime<Utc> = "2026-02-15T14:22:00.123Z".parse().unwrap();
    let list = client
        .list_mcp_registry_servers()
        .search("b c")
        .updated_since(since)
        .workspace_id("ws-one");
    let servers = list.stream().page_size(2).try_collect().await.unwrap();
    let names = servers.iter().map(|entry| {
        let server = entry.server.as_ref().unwrap();
        server.name.as_deref().unwrap()
    });
    assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "c"]);
    let cursors: Vec<Option<String>> = server
        .requests()
        .iter()
        .map(|request| {
            let query = request.query();
            let value = |name: &str| {
                let found = query.iter().find(|(other, _)| other == name);
                found.map(|(_, value)| value.clone())
            };
            assert_eq!(value("limit").as_deref(), Some("2"));
            assert_eq!(value("search").as_deref(), Some("b c"));
            assert_eq!(value("workspace_id").as_deref(), Some("ws-one"));
            assert_eq!(
                value("updated_since").as_deref(),
                Some("2026-02-15T14:22:00.123Z")
            );
            value("cursor")
        })
        .collect();
    let expected = [None, Some("one+/="), Some("two")];
    assert_eq!(cursors, expected.map(|cursor| cursor.map(str::to_owned)));
}

#[tokio::test]
async fn a_page_of_the_registry_is_typed_and_encoded_as_it_was_received() {
    let body = json!({
        "servers": [{
            "server": {
                "$schema": "https://example.com/server.schema.json",
                "name": "ai.portkey.ws-one/search",
                "title": "Search",
                "description": "Finds things",
                "version": "1.0.0",
                "websiteUrl": "https://example.com",
                "icons": [{"src": "https://example.com/icon.png"}],
                "remotes": [{"type": "streamable-http", "url": "https://mcp.example.com/search/mcp"}],
                "packages": [],
            },
            "_meta": {
                "io.portkey.ai/registry": {
                    "publishedAt": "2030-01-01T00:00:00Z",
                    "updatedAt": "2030-02-01T00:00:00Z",
                    "isLatest": true,
                },
                "example.com/other": {"a": 1},
            },
        }],
        "metadata": {"count": 1, "nextCursor": "one"},
    });
    let response = || ScriptedResponse::json(200, body.to_string());
    let servers = Servers::with_response(response);
    let list = servers.client().list_mcp_registry_servers().send();
    let list = list.await.unwrap();
    let metadata = list.metadata.as_ref().unwrap();
    assert_eq!(
        (metadata.count, metadata.next_cursor.as_deref()),
        (Some(1), Some("one"))
    );
    assert_eq!(list.next_cursor(), Some("one"));
    let entry = &list.servers[0];
    let (server, meta) = (entry.server.as_ref().unwrap(), entry.meta.as_ref().unwrap());
    assert_eq!(server.website_url.as_deref(), Some("https://example.com"));
    assert_eq!(server.remotes[0].type_.as_deref(), Some("streamable-http"));
    let dates = meta.io_portkey_ai_registry.as_ref().unwrap();
    assert_eq!(dates.is_latest, Some(true));
    assert!(dates.published_at < dates.updated_at);
    assert_eq!(meta.extra["example.com/other"], json!({"a": 1}));
    assert_eq!(serde_json::to_value(&list).unwrap(), body);
}

#[tokio::test]
async fn a_limit_that_the_registry_refuses_is_not_sent() {
    let servers = Servers::with_response(empty_object);
    let client = servers.client();
    for limit in [0, 101] {
        let call = client.list_mcp_registry_servers().limit(limit);
        let error = boxed_call(call.send()).await.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(error.to_string().contains("limit"), "{error}");
    }
    assert_eq!(servers.mcp.connections(), 0);
    let call = client.list_mcp_registry_servers().limit(100);
    boxed_call(call.send()).await.unwrap();
}

#[tokio::test]
async fn the_provider_is_encoded_in_front_of_the_extension() {
    let servers = Servers::with_response(empty_object);
    let client = servers.client();
    for (provider, target) in [
        ("x-ai", "/files/pricing/x-ai.json"),
        ("a/b c", "/files/pricing/a%2Fb%20c.json"),
        ("..", "/files/pricing/...json"),
        (
            "../general/openai",
            "/files/pricing/..%2Fgeneral%2Fopenai.json",
        ),
        ("a?b#c%2e", "/files/pricing/a%3Fb%23c%252e.json"),
        ("ü.json", "/files/pricing/%C3%BC.json.json"),
    ] {
        client.list_provider_pricing(provider).send().await.unwrap();
        let requests = servers.prices.take_requests();
        assert_eq!(requests[0].target, target, "{provider}");
    }
    let error = client.list_provider_pricing("").send().await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(servers.prices.requests().len(), 0);
}

#[tokio::test]
async fn an_odd_entry_of_the_price_file_does_not_lose_the_others() {
    let body = json!({
        "default": {"pricing_config": {"currency": "USD"}},
        "a/b": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0.5}}}},
        "odd": ["x"],
        "name": "openai",
    });
    let response = || ScriptedResponse::json(200, body.to_string());
    let servers = Servers::with_response(response);
    let pricing = servers.client().list_provider_pricing("openai").send();
    let pricing = pricing.await.unwrap();
    assert_eq!(pricing.len(), 2);
    let config = pricing["a/b"].pricing_config.as_ref().unwrap();
    let prices = config.pay_as_you_go.as_ref().unwrap();
    let price = prices.request_token.as_ref().unwrap().price;
    assert_eq!(price.map(|cents| cents.0), Some(0.5));
    assert_eq!(pricing.extra["name"], "openai");
    assert_eq!(serde_json::to_value(&pricing).unwrap(), body);
}

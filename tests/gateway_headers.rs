//! Gateway options as headers: their values, that only the gateway gets them, and that secrets do not leak.

#![cfg(all(feature = "admin", feature = "gateway"))]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::time::Duration;

use http::Method;
use portkey_admin::{
    Client, JsonObject, Plane, RequestOptions,
    gateway::{ConfigRetry, GatewayConfig, GatewayOptions, completions, rerank},
};
use serde_json::{Value, json};
use support::{
    KEY, boxed_call, builder, client, render_error,
    server::{Request, ScriptedResponse, Server},
    server_and_client,
    spans::Recorder,
};

/// Returns gateway options with every field set, and a canary in every value that may be secret.
fn all_options() -> GatewayOptions {
    GatewayOptions::new()
        .provider("@canary-provider")
        .virtual_key("canary-virtual-key")
        .authorization("canary-of-the-provider")
        .config("pc-canary")
        .custom_host("https://canary.example/v1")
        .metadata([("_user", "canary"), ("größe", "\u{1f980} \"\n\u{7f}")])
        .trace_id("canary-trace")
        .span_id("canary-span")
        .parent_span_id("canary-parent")
        .span_name("canary name")
        .cache_namespace("canary-cache")
        .cache_force_refresh(true)
        .strict_open_ai_compliance(false)
        .forward_header("X-Tenant", "canary-tenant")
        .forward_header("x-trace", "canary")
        .request_timeout(Duration::from_millis(1500))
        .beta(["canary-one", "two"])
        .sensitive_headers(["X-Canary", "x-tenant"])
        .debug(false)
        .nitro_mode(true)
        .provider_responses_proxy(true)
        .azure_entra_scope("https://canary.example/.default")
        .vertex_auth_type("canary-identity")
        .anthropic_beta(["canary-beta"])
}

fn server_with_empty_list() -> Server {
    Server::with_response(ScriptedResponse::json(200, r#"{"data":[]}"#))
}

fn with_gateway(client: &Client, gateway: GatewayOptions) -> Client {
    client.with_options(RequestOptions::new().gateway(gateway))
}

/// Returns the headers of a request without those that every request has.
fn gateway_headers(request: &Request) -> Vec<(String, String)> {
    let common = ["accept", "user-agent", "host", "x-portkey-api-key"];
    let mut headers: Vec<_> = request.headers.clone();
    headers.retain(|(name, _)| !common.contains(&name.as_str()));
    headers.sort();
    headers
}

async fn list_models(client: &Client) {
    boxed_call(client.list_models().send()).await.unwrap();
}

#[tokio::test]
async fn every_option_is_sent_in_its_header() {
    let server = server_with_empty_list();
    list_models(&with_gateway(&client(&server), all_options())).await;
    let expected = [
        ("authorization", "Bearer canary-of-the-provider"),
        ("x-portkey-anthropic-beta", "canary-beta"),
        (
            "x-portkey-azure-entra-scope",
            "https://canary.example/.default",
        ),
        ("x-portkey-beta", "canary-one,two"),
        ("x-portkey-cache-force-refresh", "true"),
        ("x-portkey-cache-namespace", "canary-cache"),
        ("x-portkey-config", "pc-canary"),
        ("x-portkey-custom-host", "https://canary.example/v1"),
        ("x-portkey-debug", "false"),
        ("x-portkey-forward-headers", "x-tenant,x-trace"),
        (
            "x-portkey-metadata",
            r#"{"_user":"canary","gr\u00f6\u00dfe":"\ud83e\udd80 \"\n\u007f"}"#,
        ),
        ("x-portkey-nitro-mode", "true"),
        ("x-portkey-parent-span-id", "canary-parent"),
        ("x-portkey-provider", "@canary-provider"),
        ("x-portkey-provider-responses-proxy", "true"),
        ("x-portkey-request-timeout", "1500"),
        ("x-portkey-sensitive-headers", "x-canary,x-tenant"),
        ("x-portkey-span-id", "canary-span"),
        ("x-portkey-span-name", "canary name"),
        ("x-portkey-strict-open-ai-compliance", "false"),
        ("x-portkey-trace-id", "canary-trace"),
        ("x-portkey-vertex-auth-type", "canary-identity"),
        ("x-portkey-virtual-key", "canary-virtual-key"),
        ("x-tenant", "canary-tenant"),
        ("x-trace", "canary"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = server.request();
    assert_eq!(gateway_headers(&request), expected);
    let metadata: Value = serde_json::from_str(request.header("x-portkey-metadata")[0]).unwrap();
    assert_eq!(metadata["größe"], "\u{1f980} \"\n\u{7f}");
    assert_eq!(request.header("x-portkey-api-key"), [KEY]);
}

#[tokio::test]
async fn gateway_headers_are_sent_to_the_gateway_only() {
    let storage = Server::with_response(ScriptedResponse::empty(200).with_bytes("{}\n"));
    let signed = json!({"signed_url": storage.url("/export?sig=1")}).to_string();
    let server = Server::with_response(ScriptedResponse::json(200, signed));
    let client = builder(&server)
        .mcp_base_url(server.url("/v0.1"))
        .prices_base_url(server.url("/prices"));
    let client = with_gateway(&client.build().unwrap(), all_options());
    boxed_call(client.download_log_export("one").open())
        .await
        .unwrap();
    boxed_call(client.get_api_key("one").send())
        .await
        .unwrap_err();
    for plane in [Plane::Control, Plane::Public, Plane::Mcp, Plane::Prices] {
        let request = client.request(Method::GET, "/things").plane(plane);
        boxed_call(request.send_raw()).await.unwrap();
    }
    for request in server.requests().iter().chain(&storage.requests()) {
        assert_eq!(gateway_headers(request), [], "{}", request.target);
    }
    assert_eq!((server.requests().len(), storage.requests().len()), (6, 1));
    let request = client.request(Method::GET, "/things").plane(Plane::Gateway);
    boxed_call(request.send_raw()).await.unwrap();
    let request = server.requests().pop().unwrap();
    assert_eq!(gateway_headers(&request).len(), 25, "{request:?}");
}

#[tokio::test]
async fn config_object_is_sent_as_ascii_json() {
    let server = server_with_empty_list();
    let config = json!({"provider": "openai", "note": "für"});
    let gateway = GatewayOptions::new()
        .config("pc-one")
        .config_object(config.clone());
    list_models(&with_gateway(&client(&server), gateway)).await;
    let sent = server.request();
    let text = sent.header("x-portkey-config")[0];
    assert!(text.is_ascii(), "{text}");
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), config);
}

#[tokio::test]
async fn bearer_prefix_is_added_once() {
    let server = server_with_empty_list();
    for (key, sent) in [
        ("abc", "Bearer abc"),
        ("Bearer abc", "Bearer abc"),
        ("bearer abc", "Bearer abc"),
        ("Basic abc", "Bearer Basic abc"),
        ("bearer", "Bearer bearer"),
    ] {
        list_models(&with_gateway(
            &client(&server),
            GatewayOptions::new().authorization(key),
        ))
        .await;
        assert_eq!(
            server.take_requests()[0].header("authorization"),
            [sent],
            "{key}"
        );
    }
}

#[tokio::test]
async fn innermost_option_overrides_the_others() {
    let server = server_with_empty_list();
    let defaults = GatewayOptions::new()
        .provider("one")
        .trace_id("one")
        .forward_header("x-a", "1");
    let client = builder(&server)
        .options(
            RequestOptions::new()
                .gateway(defaults)
                .header("x-portkey-span-id", "one"),
        )
        .build()
        .unwrap();
    let sent = async |client: &Client, name| {
        list_models(client).await;
        server.take_requests()[0].header(name).join("|")
    };
    // Options that are not overridden stay, in a call and in a derived client.
    let derived = with_gateway(
        &client,
        GatewayOptions::new()
            .trace_id("two")
            .forward_header("x-b", "2"),
    );
    for (name, value) in [
        ("x-portkey-provider", "one"),
        ("x-portkey-trace-id", "two"),
        ("x-portkey-forward-headers", "x-a,x-b"),
        ("x-portkey-span-id", "one"),
        ("x-a", "1"),
        ("x-b", "2"),
    ] {
        assert_eq!(sent(&derived, name).await, value, "{name}");
    }
    // A header set by name overrides an option of an outer client, and the reverse.
    let named = client.with_options(RequestOptions::new().header("x-portkey-trace-id", "three"));
    assert_eq!(sent(&named, "x-portkey-trace-id").await, "three");
    let typed = with_gateway(&client, GatewayOptions::new().span_id("two"));
    assert_eq!(sent(&typed, "x-portkey-span-id").await, "two");
    // The setters of the operation override all options.
    let request = rerank::CreateRerankRequest::builder()
        .documents(["a"])
        .model("m")
        .query("q");
    let call = derived
        .create_rerank()
        .trace_id("own")
        .metadata(JsonObject::from([("größe", "\u{7f}")]))
        .body(request);
    boxed_call(call.send()).await.unwrap();
    let request = server.request();
    assert_eq!(request.header("x-portkey-trace-id"), ["own"]);
    assert_eq!(
        request.header("x-portkey-metadata"),
        [r#"{"gr\u00f6\u00dfe":"\u007f"}"#]
    );
}

#[tokio::test]
async fn invalid_header_value_is_refused_without_showing_it() {
    let server = server_with_empty_list();
    let new = GatewayOptions::new;
    for (gateway, problem) in [
        (new().provider("canary\n"), "x-portkey-provider"),
        (new().provider(""), "x-portkey-provider"),
        (new().virtual_key("canary\r\nx: y"), "x-portkey-virtual-key"),
        (new().virtual_key(""), "x-portkey-virtual-key"),
        (new().authorization("canary\0"), "authorization"),
        (new().authorization("Bearer "), "authorization"),
        (new().config("canary ü"), "x-portkey-config"),
        (
            new().config_object(json!(["canary"])),
            "config: expected an object, found an array",
        ),
        (
            new().config_object(json!({"name": "canary"})),
            "`config.provider` or one of",
        ),
        (
            new().config_object(json!({"strategy": {"mode": "fallback"}, "targets": [
                {"provider": "@one", "api_key": "canary", "weight": -1}]})),
            "`config.targets[0].weight` must be at least 0, found -1",
        ),
        (
            new().config_object(GatewayConfig::builder().retry(ConfigRetry::builder())),
            "config: retry: `attempts` of ConfigRetry is required",
        ),
        (new().custom_host("canary"), "custom host"),
        (new().custom_host("file:///canary"), "custom host"),
        (new().trace_id("canary ü"), "x-portkey-trace-id"),
        (new().span_name("canary\t\u{1}"), "x-portkey-span-name"),
        (new().cache_namespace(""), "x-portkey-cache-namespace"),
        (new().beta([""; 0]), "x-portkey-beta"),
        (new().beta(["a", "canary\n"]), "x-portkey-beta"),
        (
            new().sensitive_headers([""; 0]),
            "x-portkey-sensitive-headers",
        ),
        (
            new().sensitive_headers(["canary canary"]),
            "sensitive header",
        ),
        (
            new().azure_entra_scope("canary ü"),
            "x-portkey-azure-entra-scope",
        ),
        (new().vertex_auth_type(""), "x-portkey-vertex-auth-type"),
        (
            new().anthropic_beta(["canary\0"]),
            "x-portkey-anthropic-beta",
        ),
        (new().forward_header("a b", "canary"), "`a b`"),
        (new().forward_header("x-a", "canary\n"), "`x-a`"),
        (
            new().forward_header("X-Portkey-Api-Key", "canary"),
            "x-portkey-api-key",
        ),
        (
            new().forward_header("Sec-WebSocket-Key", "canary"),
            "sec-websocket-key",
        ),
        (
            new().request_timeout(Duration::from_micros(999)),
            "at least 1 ms",
        ),
    ] {
        let options = RequestOptions::new().gateway(gateway.clone());
        let built = builder(&server).options(options.clone()).build();
        let derived = client(&server).with_options(options);
        let called = boxed_call(derived.list_models().send()).await;
        for error in [built.map(drop).unwrap_err(), called.unwrap_err()] {
            let rendered = render_error(&error) + &format!("{gateway:?}");
            assert!(error.is_invalid_request(), "{rendered}");
            assert!(rendered.contains(problem), "{problem}: {rendered}");
            assert!(!rendered.contains("canary"), "{rendered}");
        }
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn debug_output_errors_and_traces_contain_no_secrets() {
    let recorder = Recorder::start();
    let echo = json!({"error": {
        "message": "virtual key canary-virtual-key, Bearer canary-of-the-provider",
        "code": "canary-of-the-provider",
    }});
    let (_server, client) = server_and_client(ScriptedResponse::json(401, echo.to_string()));
    let options = RequestOptions::new().gateway(all_options());
    let client = client.with_options(options.clone());
    let call = client.create_rerank().span_name("canary");
    let printed = format!(
        "{:?} {options:?} {client:?} {client:#?} {call:?}",
        all_options()
    );
    let error = boxed_call(client.list_models().send()).await.unwrap_err();
    let printed = printed + &render_error(&error) + &recorder.debug_output();
    assert!(!printed.contains("canary"), "{printed}");
    assert!(printed.contains("virtual key [redacted], Bearer [redacted]"));
    assert!(format!("{options:?}").contains("x-portkey-virtual-key"));
    assert_eq!(error.code(), Some("[redacted]"));
}

#[tokio::test]
async fn secrets_echoed_in_events_and_ids_are_redacted() {
    let recorder = Recorder::start();
    let error = json!({"error": {"message": "no canary-virtual-key", "code": "c"}});
    let events = format!("data: {{\"choices\": []}}\n\ndata: {error}\n\n");
    let response = ScriptedResponse::empty(200)
        .with_header("content-type", "text/event-stream")
        .with_header("x-portkey-request-id", "canary-virtual-key")
        .with_header("x-portkey-trace-id", "canary-of-the-provider")
        .with_body(events);
    let (_server, client) = server_and_client(response);
    let client = client.with_options(RequestOptions::new().gateway(all_options()));
    let request = completions::CreateCompletionRequest::builder()
        .model("m")
        .prompt("p");
    let opened = client.create_completion().body(request).stream().await;
    let mut stream = opened.unwrap();
    stream.next().await.unwrap().unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.message(), Some("no [redacted]"));
    assert_eq!(stream.request_id(), Some("[redacted]"));
    let printed = render_error(&error) + &recorder.debug_output();
    assert!(!printed.contains("canary"), "{printed}");
}

#[tokio::test]
async fn another_client_sends_the_same_headers() {
    let server = server_with_empty_list();
    let client = with_gateway(&client(&server), all_options());
    let connection = client.gateway_connection().unwrap();
    assert_eq!(connection.base_url(), server.url("/v1"));
    assert!(!format!("{connection:?}").contains("canary"));
    let headers = connection.expose_headers();
    assert!(!format!("{headers:?}").contains("canary"), "{headers:?}");

    list_models(&client).await;
    let own = gateway_headers(&server.request());
    let other = reqwest::Client::builder()
        .default_headers(headers)
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("{}/models", connection.base_url());
    other.get(url).send().await.unwrap();
    let request = server.requests().pop().unwrap();
    assert_eq!(gateway_headers(&request), own);
    assert_eq!(request.header("x-portkey-api-key"), [KEY]);

    let invalid = with_gateway(&client, GatewayOptions::new().provider(""));
    let error = invalid.gateway_connection().unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
}

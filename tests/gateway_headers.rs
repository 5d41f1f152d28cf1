//! What the gateway is told in headers: exactly that, to nobody else, and shown to no person.

#![cfg(all(feature = "admin", feature = "gateway"))]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::time::Duration;

use http::Method;
use portkey_admin::{Client, GatewayOptions, JsonObject, Plane, RequestOptions, types};
use serde_json::{Value, json};
use support::{
    KEY, answered, builder, client, sending,
    server::{Answer, Request, Server},
    shown,
    spans::Recorder,
};

/// Everything that can be said, with a canary in whatever may be secret.
fn everything() -> GatewayOptions {
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
}

fn all() -> Server {
    Server::answering(Answer::json(200, r#"{"data":[]}"#))
}

fn with(client: &Client, gateway: GatewayOptions) -> Client {
    client.with_options(RequestOptions::new().gateway(gateway))
}

/// What a request says to the gateway, and not to everybody.
fn said(request: &Request) -> Vec<(String, String)> {
    let ours = ["accept", "user-agent", "host", "x-portkey-api-key"];
    let mut said: Vec<_> = request.headers.clone();
    said.retain(|(name, _)| !ours.contains(&name.as_str()));
    said.sort();
    said
}

async fn models(client: &Client) {
    sending(client.list_models().send()).await.unwrap();
}

#[tokio::test]
async fn everything_is_said_as_the_gateway_wants_it() {
    let server = all();
    models(&with(&client(&server), everything())).await;
    let expected = [
        ("authorization", "Bearer canary-of-the-provider"),
        ("x-portkey-cache-force-refresh", "true"),
        ("x-portkey-cache-namespace", "canary-cache"),
        ("x-portkey-config", "pc-canary"),
        ("x-portkey-custom-host", "https://canary.example/v1"),
        ("x-portkey-forward-headers", "x-tenant,x-trace"),
        (
            "x-portkey-metadata",
            r#"{"_user":"canary","gr\u00f6\u00dfe":"\ud83e\udd80 \"\n\u007f"}"#,
        ),
        ("x-portkey-parent-span-id", "canary-parent"),
        ("x-portkey-provider", "@canary-provider"),
        ("x-portkey-request-timeout", "1500"),
        ("x-portkey-span-id", "canary-span"),
        ("x-portkey-span-name", "canary name"),
        ("x-portkey-strict-open-ai-compliance", "false"),
        ("x-portkey-trace-id", "canary-trace"),
        ("x-portkey-virtual-key", "canary-virtual-key"),
        ("x-tenant", "canary-tenant"),
        ("x-trace", "canary"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = server.request();
    assert_eq!(said(&request), expected);
    let metadata: Value = serde_json::from_str(request.header("x-portkey-metadata")[0]).unwrap();
    assert_eq!(metadata["größe"], "\u{1f980} \"\n\u{7f}");
    assert_eq!(request.header("x-portkey-api-key"), [KEY]);
}

#[tokio::test]
async fn nobody_else_is_told() {
    let storage = Server::answering(Answer::empty(200).with_bytes("{}\n"));
    let signed = json!({"signed_url": storage.url("/export?sig=1")}).to_string();
    let server = Server::answering(Answer::json(200, signed));
    let client = with(&client(&server), everything());
    sending(client.download_log_export("one").open())
        .await
        .unwrap();
    sending(client.get_api_key("one").send()).await.unwrap_err();
    for plane in [Plane::Control, Plane::Public] {
        let request = client.request(Method::GET, "/things").plane(plane);
        sending(request.send_raw()).await.unwrap();
    }
    for request in server.requests().iter().chain(&storage.requests()) {
        assert_eq!(said(request), [], "{}", request.target);
    }
    assert_eq!((server.requests().len(), storage.requests().len()), (4, 1));
    let request = client.request(Method::GET, "/things").plane(Plane::Gateway);
    sending(request.send_raw()).await.unwrap();
    let told = server.requests().pop().unwrap();
    assert_eq!(said(&told).len(), 17, "{told:?}");
}

#[tokio::test]
async fn a_config_may_be_an_object() {
    let server = all();
    let config = json!({"provider": "openai", "note": "für"});
    let gateway = GatewayOptions::new()
        .config("pc-one")
        .config_object(&config);
    models(&with(&client(&server), gateway)).await;
    let sent = server.request();
    let text = sent.header("x-portkey-config")[0];
    assert!(text.is_ascii(), "{text}");
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), config);
}

#[tokio::test]
async fn a_bearer_is_not_said_twice() {
    let server = all();
    for (key, sent) in [
        ("abc", "Bearer abc"),
        ("Bearer abc", "Bearer abc"),
        ("bearer abc", "Bearer abc"),
        ("Basic abc", "Bearer Basic abc"),
        ("bearer", "Bearer bearer"),
    ] {
        models(&with(
            &client(&server),
            GatewayOptions::new().authorization(key),
        ))
        .await;
        assert_eq!(server.take()[0].header("authorization"), [sent], "{key}");
    }
}

#[tokio::test]
async fn the_nearest_word_counts() {
    let server = all();
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
        models(client).await;
        server.take()[0].header(name).join("|")
    };
    // What is not said stays, in a call and in a second layer.
    let near = with(
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
        assert_eq!(sent(&near, name).await, value, "{name}");
    }
    // A header by name counts where it is nearer.
    let named = client.with_options(RequestOptions::new().header("x-portkey-trace-id", "three"));
    assert_eq!(sent(&named, "x-portkey-trace-id").await, "three");
    let typed = with(&client, GatewayOptions::new().span_id("two"));
    assert_eq!(sent(&typed, "x-portkey-span-id").await, "two");
    // The operation's own setters win over everything.
    let request = types::CreateRerankRequest::builder()
        .documents(["a"])
        .model("m")
        .query("q");
    let own = near
        .create_rerank()
        .x_portkey_trace_id("own")
        .x_portkey_metadata(JsonObject::from([("größe", "\u{7f}")]))
        .body(request);
    sending(own.send()).await.unwrap();
    let request = server.request();
    assert_eq!(request.header("x-portkey-trace-id"), ["own"]);
    assert_eq!(
        request.header("x-portkey-metadata"),
        [r#"{"gr\u00f6\u00dfe":"\u007f"}"#]
    );
}

#[tokio::test]
async fn what_no_header_may_have_is_refused_and_not_quoted() {
    let server = all();
    let new = GatewayOptions::new;
    for (gateway, problem) in [
        (new().provider("canary\n"), "x-portkey-provider"),
        (new().provider(""), "x-portkey-provider"),
        (new().virtual_key("canary\r\nx: y"), "x-portkey-virtual-key"),
        (new().virtual_key(""), "x-portkey-virtual-key"),
        (new().authorization("canary\0"), "authorization"),
        (new().authorization("Bearer "), "authorization"),
        (new().config("canary ü"), "x-portkey-config"),
        (new().config_object(&["canary"]), "no object"),
        (new().custom_host("canary"), "custom host"),
        (new().custom_host("file:///canary"), "custom host"),
        (new().trace_id("canary ü"), "x-portkey-trace-id"),
        (new().span_name("canary\t\u{1}"), "x-portkey-span-name"),
        (new().cache_namespace(""), "x-portkey-cache-namespace"),
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
            "millisecond",
        ),
    ] {
        let options = RequestOptions::new().gateway(gateway.clone());
        let built = builder(&server).options(options.clone()).build();
        let near = client(&server).with_options(options);
        let called = sending(near.list_models().send()).await;
        for error in [built.map(drop).unwrap_err(), called.unwrap_err()] {
            let shown = shown(&error) + &format!("{gateway:?}");
            assert!(error.is_invalid_request(), "{shown}");
            assert!(shown.contains(problem), "{problem}: {shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn no_secret_shows() {
    let recorder = Recorder::start();
    let echo = json!({"error": {
        "message": "virtual key canary-virtual-key, Bearer canary-of-the-provider",
        "code": "canary-of-the-provider",
    }});
    let (_server, client) = answered(Answer::json(401, echo.to_string()));
    let options = RequestOptions::new().gateway(everything());
    let client = client.with_options(options.clone());
    let call = client.create_rerank().x_portkey_span_name("canary");
    let printed = format!(
        "{:?} {options:?} {client:?} {client:#?} {call:?}",
        everything()
    );
    let error = sending(client.list_models().send()).await.unwrap_err();
    let printed = printed + &shown(&error) + &recorder.text();
    assert!(!printed.contains("canary"), "{printed}");
    assert!(printed.contains("virtual key [redacted], Bearer [redacted]"));
    assert!(format!("{options:?}").contains("x-portkey-virtual-key"));
    assert_eq!(error.code(), Some("[redacted]"));
}

#[tokio::test]
async fn no_secret_shows_in_an_event_or_in_an_id() {
    let recorder = Recorder::start();
    let error = json!({"error": {"message": "no canary-virtual-key", "code": "c"}});
    let events = format!("data: {{\"choices\": []}}\n\ndata: {error}\n\n");
    let answer = Answer::empty(200)
        .with_header("content-type", "text/event-stream")
        .with_header("x-portkey-request-id", "canary-virtual-key")
        .with_header("x-portkey-trace-id", "canary-of-the-provider")
        .with_body(events);
    let (_server, client) = answered(answer);
    let client = client.with_options(RequestOptions::new().gateway(everything()));
    let request = types::CreateCompletionRequest::builder()
        .model("m")
        .prompt("p");
    let opened = client.create_completion().body(request).stream().await;
    let mut stream = opened.unwrap();
    stream.next().await.unwrap().unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.message(), Some("no [redacted]"));
    assert_eq!(stream.request_id(), Some("[redacted]"));
    let printed = shown(&error) + &recorder.text();
    assert!(!printed.contains("canary"), "{printed}");
}

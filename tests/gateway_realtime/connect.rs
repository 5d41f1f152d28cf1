//! The upgrade of a connection, and how it fails.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use portkey_admin::{
    JsonObject, RequestOptions,
    gateway::{ClientEvent, GatewayOptions},
};
use serde_json::json;

use crate::{
    CLOSE, Peer, accept_key, client_of_accepting_peer, client_of_peer, close_payload, next,
    support::{
        KEY, attempts, boxed_call, client, render_error,
        server::{ScriptedResponse, Server},
        server_and_client, with_timeout,
    },
};

#[tokio::test]
async fn upgrade_request_has_the_expected_headers() {
    let (client, script) = client_of_accepting_peer(async |mut peer| {
        let event = peer.read_event().await;
        peer.send_event(&json!({"type": "brand.new", "event_id": "e1", "x": [1.5, null]}))
            .await;
        assert_eq!(
            peer.read_frame().await,
            (CLOSE, close_payload(1000, "done"))
        );
        peer.send_frame(CLOSE, &close_payload(1000, "")).await;
        assert!(peer.is_disconnected().await);
        (event, peer)
    })
    .await;
    let gateway = GatewayOptions::new()
        .virtual_key("canary-vk")
        .trace_id("default");
    let client = client.with_options(RequestOptions::new().gateway(gateway));
    let connecting = client
        .connect_realtime()
        .model("gpt realtime&x")
        .trace_id("own")
        .span_id("span")
        .parent_span_id("parent")
        .span_name("name")
        .metadata(JsonObject::from([("_user", "ü")]))
        .cache_namespace("space")
        .cache_force_refresh(true);
    let mut session = with_timeout(connecting.connect()).await.unwrap();
    assert_eq!(session.request_id(), Some("request-one"));
    assert_eq!(session.trace_id(), Some("trace-one"));
    let event = ClientEvent::new("response.create")
        .event_id("c1")
        .set("response", json!({"modalities": ["text"]}));
    session.send(event).await.unwrap();
    let event = next(&mut session).await.unwrap().unwrap();
    assert_eq!((event.kind(), event.event_id()), ("brand.new", Some("e1")));
    assert_eq!(
        serde_json::to_value(&event).unwrap(),
        json!({"type": "brand.new", "event_id": "e1", "x": [1.5, null]})
    );
    assert_eq!(event.get("x"), Some(&json!([1.5, null])));
    with_timeout(session.close(1000, "done")).await.unwrap();

    let (sent, peer) = script.await.unwrap();
    assert_eq!(
        sent,
        json!({"type": "response.create", "event_id": "c1", "response": {"modalities": ["text"]}})
    );
    let line = peer.request_head.lines().next().unwrap();
    assert_eq!(line, "GET /v1/realtime?model=gpt%20realtime%26x HTTP/1.1");
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("x-portkey-api-key", KEY),
        ("x-portkey-virtual-key", "canary-vk"),
        ("x-portkey-trace-id", "own"),
        ("x-portkey-span-id", "span"),
        ("x-portkey-parent-span-id", "parent"),
        ("x-portkey-span-name", "name"),
        ("x-portkey-metadata", r#"{"_user":"\u00fc"}"#),
        ("x-portkey-cache-namespace", "space"),
        ("x-portkey-cache-force-refresh", "true"),
    ] {
        assert_eq!(peer.header(name), [value], "{name}");
    }
    let key = BASE64_STANDARD.decode(peer.header("sec-websocket-key")[0]);
    assert_eq!(key.unwrap().len(), 16);
    for name in [
        "sec-websocket-extensions",
        "sec-websocket-protocol",
        "content-length",
    ] {
        assert!(peer.header(name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn refused_upgrade_is_an_error_with_status_and_code() {
    let echo = json!({"error": {"message": format!("no {KEY} here"), "code": "AB01"}});
    let (server, client) = server_and_client(ScriptedResponse::json(401, echo.to_string()));
    let error = boxed_call(client.connect_realtime().connect())
        .await
        .unwrap_err();
    assert!(error.is_unauthorized() && !error.may_have_executed());
    assert_eq!(error.code(), Some("AB01"));
    assert_eq!(
        error.to_string(),
        "connect_realtime: 401 Unauthorized AB01: no [redacted] here"
    );
    assert!(!render_error(&error).contains(KEY));
    assert!(!server.request().target.contains(KEY));
}

#[tokio::test]
async fn each_attempt_sends_a_new_websocket_key() {
    let server = Server::with_responses([
        ScriptedResponse::empty(503),
        ScriptedResponse::json(404, "{}"),
    ]);
    let client = client(&server).with_options(attempts(3));
    let error = boxed_call(client.connect_realtime().connect())
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(error.attempts(), 2);
    let requests = server.requests();
    let keys: Vec<_> = requests
        .iter()
        .map(|request| request.header("sec-websocket-key"))
        .collect();
    assert_eq!((keys[0].len(), keys[1].len()), (1, 1));
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test]
async fn invalid_upgrade_responses_are_errors() {
    let good = |peer: &Peer| {
        let accept = accept_key(peer.header("sec-websocket-key")[0]);
        format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n")
    };
    type Change = fn(String) -> String;
    let cases: [(u16, Change, &str); 7] = [
        (200, |head| head, "did not switch to the websocket protocol"),
        (101, |head| head.replace("websocket", "h2c"), "`upgrade`"),
        (
            101,
            |head| head.replace("Connection: Upgrade", "Connection: close"),
            "`connection`",
        ),
        (
            101,
            |head| head.replace("-Accept: ", "-Accept: A"),
            "does not match the key",
        ),
        (
            101,
            |head| head.replace("Sec-WebSocket-Accept", "X-A"),
            "does not match the key",
        ),
        (
            101,
            |head| head + "Sec-WebSocket-Extensions: canary\r\n",
            "extension",
        ),
        (
            101,
            |head| head + "Sec-WebSocket-Protocol: canary\r\n",
            "protocol",
        ),
    ];
    for (status, change, problem) in cases {
        let (client, script) = client_of_peer(async move |mut peer: Peer| {
            let head = change(good(&peer));
            let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n{head}\r\n");
            peer.write(head.as_bytes()).await;
            peer
        })
        .await;
        let client = client.with_options(attempts(3));
        let error = with_timeout(client.connect_realtime().connect())
            .await
            .unwrap_err();
        let rendered = render_error(&error);
        assert!(rendered.contains(problem), "{problem}: {rendered}");
        assert!(rendered.contains("connect_realtime"), "{rendered}");
        assert!(!rendered.contains("canary"), "{rendered}");
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.attempts(), 1);
        drop(script.await.unwrap());
    }
}

#[tokio::test]
async fn missing_upgrade_response_times_out() {
    let (_server, client) =
        server_and_client(ScriptedResponse::empty(101).sending_nothing().then_stall());
    let options = RequestOptions::new().timeout(Duration::from_millis(100));
    let connecting = client.with_options(options).connect_realtime().connect();
    let error = boxed_call(connecting).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

//! Realtime sessions with a scripted peer that reads and writes raw websocket frames.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::{future::Future, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use portkey_admin::{
    Client, Error, JsonObject, RequestOptions,
    gateway::{ClientEvent, GatewayOptions, Realtime, RealtimeReceiver, ServerEvent},
};
use serde_json::{Value, json};
use support::{
    KEY, attempts, boxed_call, builder, client, render_error,
    server::{ScriptedResponse, Server},
    server_and_client,
    spans::Recorder,
    with_timeout,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The server side of a session.
struct Peer {
    stream: TcpStream,
    /// The head of the upgrade request.
    request_head: String,
}

impl Peer {
    async fn accept(listener: TcpListener) -> Self {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        Self {
            stream,
            request_head: String::from_utf8(head).unwrap(),
        }
    }

    fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.request_head.lines().skip(1);
        let named = lines.filter_map(|line| {
            let (other, value) = line.split_once(": ")?;
            other.eq_ignore_ascii_case(name).then_some(value)
        });
        named.collect()
    }

    /// Accepts the websocket upgrade.
    async fn accept_upgrade(&mut self) {
        let accept = accept_key(self.header("sec-websocket-key")[0]);
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\
             Connection: keep-alive, upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\
             x-portkey-request-id: request-one\r\nx-portkey-trace-id: trace-one\r\n\r\n"
        );
        self.write(head.as_bytes()).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn send_frame(&mut self, opcode: u8, payload: &[u8]) {
        self.write(&server_frame(0x80 | opcode, payload)).await;
    }

    async fn send_event(&mut self, event: &Value) {
        self.send_frame(TEXT, event.to_string().as_bytes()).await;
    }

    /// Reads the next frame of the client; returns its opcode and its unmasked payload.
    async fn read_frame(&mut self) -> (u8, Vec<u8>) {
        let first = self.stream.read_u8().await.unwrap();
        let second = self.stream.read_u8().await.unwrap();
        assert_eq!(
            first & 0xf0,
            0x80,
            "expected an unfragmented message without extension bits"
        );
        assert_eq!(second & 0x80, 0x80, "client frames must be masked");
        let length = match second & 0x7f {
            126 => usize::from(self.stream.read_u16().await.unwrap()),
            127 => usize::try_from(self.stream.read_u64().await.unwrap()).unwrap(),
            length => usize::from(length),
        };
        let mut mask = [0; 4];
        self.stream.read_exact(&mut mask).await.unwrap();
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await.unwrap();
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        (first & 0x0f, payload)
    }

    async fn read_event(&mut self) -> Value {
        let (opcode, payload) = self.read_frame().await;
        assert_eq!(opcode, TEXT);
        serde_json::from_slice(&payload).unwrap()
    }

    /// Whether the client has closed the connection without sending anything.
    async fn is_disconnected(&mut self) -> bool {
        self.stream.read(&mut [0]).await.is_ok_and(|read| read == 0)
    }
}

/// Computes the value of `Sec-WebSocket-Accept`.
fn accept_key(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(sha1_smol::Sha1::from(text).digest().bytes())
}

/// Encodes an unmasked frame.
fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(length as u8),
        length @ 126..=0xffff => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// Encodes the payload of a close frame.
fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

/// Starts a peer that runs `script` for the first connection, with a timeout of 20 seconds; returns it
/// with a client of it.
async fn client_of_peer<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Client, JoinHandle<T>) {
    // A small buffer, which fills up soon if the peer does not read.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(1 << 16).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(8).unwrap();
    let address = listener.local_addr().unwrap();
    let control = Server::with_response(ScriptedResponse::empty(500));
    let client = builder(&control)
        .gateway_base_url(format!("http://{address}/v1"))
        .build()
        .unwrap();
    let script = async { script(Peer::accept(listener).await).await };
    let script = tokio::time::timeout(Duration::from_secs(20), script);
    let script = tokio::spawn(async { script.await.expect("the script timed out") });
    (client, script)
}

/// Like [`client_of_peer`], but the peer accepts the upgrade before the script runs.
async fn client_of_accepting_peer<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Client, JoinHandle<T>) {
    client_of_peer(async |mut peer: Peer| {
        peer.accept_upgrade().await;
        script(peer).await
    })
    .await
}

/// Connects a session to a peer that runs `script`.
async fn session<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Realtime, JoinHandle<T>) {
    let (client, script) = client_of_accepting_peer(script).await;
    (client.connect_realtime().connect().await.unwrap(), script)
}

async fn next(session: &mut Realtime) -> Option<Result<ServerEvent, Error>> {
    with_timeout(session.next()).await
}

/// Reads an error, which must be the last item of the session.
async fn final_error(session: &mut Realtime) -> Error {
    let error = next(session).await.unwrap().unwrap_err();
    assert!(next(session).await.is_none());
    assert_eq!(error.operation(), Some("connect_realtime"));
    assert!(error.may_have_executed());
    assert!(
        !render_error(&error).contains("canary"),
        "{}",
        render_error(&error)
    );
    error
}

async fn final_error_message(session: &mut Realtime) -> String {
    final_error(session).await.to_string()
}

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

#[tokio::test]
async fn close_frame_of_the_service_is_acknowledged_and_reported() {
    for (payload, code, reason) in [
        (close_payload(1000, ""), 1000, ""),
        (close_payload(1000, "all done"), 1000, "all done"),
        (Vec::new(), 1005, ""),
    ] {
        let expected_reply = payload.get(..2).unwrap_or_default().to_vec();
        let (mut session, script) = session(async move |mut peer| {
            peer.send_event(&json!({"type": "last"})).await;
            peer.send_frame(CLOSE, &payload).await;
            assert_eq!(peer.read_frame().await, (CLOSE, expected_reply));
        })
        .await;
        assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "last");
        assert!(session.closed().is_none());
        assert!(next(&mut session).await.is_none());
        assert!(next(&mut session).await.is_none());
        let close = session.closed().unwrap();
        assert_eq!((close.code, close.reason.as_str()), (code, reason));
        script.await.unwrap();
        let error = session.send(ClientEvent::new("late")).await.unwrap_err();
        assert!(
            error.to_string().contains("the session is closed"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn close_frame_with_an_error_code_is_an_error() {
    let (mut session, script) = session(async |mut peer| {
        let reason = format!("policy for {KEY}");
        peer.send_frame(CLOSE, &close_payload(1008, &reason)).await;
        assert_eq!(peer.read_frame().await.0, CLOSE);
    })
    .await;
    assert_eq!(
        final_error_message(&mut session).await,
        "connect_realtime: the session was closed by the service with 1008: policy for [redacted] \
         [request request-one]"
    );
    assert_eq!(session.closed().unwrap().code, 1008);
    assert!(!format!("{session:?}").contains(KEY));
    script.await.unwrap();
}

#[tokio::test]
async fn close_validates_its_arguments_and_ends_the_session() {
    let (session, script) = session(async |mut peer| {
        let close = peer.read_frame().await;
        peer.send_event(&json!({"type": "late"})).await;
        peer.send_frame(CLOSE, &close_payload(4000, "")).await;
        close
    })
    .await;
    let (mut sender, mut receiver) = session.split();
    let long = "x".repeat(124);
    for (code, reason) in [
        (999, ""),
        (1001, ""),
        (1005, ""),
        (2999, ""),
        (5000, ""),
        (1000, &*long),
    ] {
        let error = sender.close(code, reason).await.unwrap_err();
        assert!(error.is_invalid_request(), "{code}: {error}");
    }
    sender.close(4000, "enough").await.unwrap();
    assert!(sender.close(1000, "").await.is_err());
    assert!(sender.send(ClientEvent::new("late")).await.is_err());
    let event = with_timeout(receiver.next()).await.unwrap().unwrap();
    assert_eq!(event.kind(), "late");
    assert!(with_timeout(receiver.next()).await.is_none());
    assert_eq!(receiver.closed().unwrap().code, 4000);
    assert_eq!(
        script.await.unwrap(),
        (CLOSE, close_payload(4000, "enough"))
    );
}

#[tokio::test]
async fn ping_gets_a_pong_while_waiting_for_an_event() {
    let (mut session, script) = session(async |mut peer| {
        peer.send_frame(PING, b"are you there").await;
        assert_eq!(peer.read_frame().await, (PONG, b"are you there".to_vec()));
        peer.send_event(&json!({"type": "good"})).await;
        let ping = peer.read_frame().await;
        peer.send_frame(PONG, b"").await;
        peer.send_event(&json!({"type": "better"})).await;
        ping
    })
    .await;
    assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "good");
    let (mut sender, mut receiver) = session.split();
    sender.ping().await.unwrap();
    let event = with_timeout(receiver.next()).await.unwrap().unwrap();
    assert_eq!(event.kind(), "better");
    assert_eq!(script.await.unwrap(), (PING, Vec::new()));
}

/// Sends pings until the client closes the connection, and reads nothing.
async fn flood_with_pings(mut peer: Peer) {
    let pings = server_frame(0x80 | PING, &[b'x'; 125]).repeat(100);
    while peer.stream.write_all(&pings).await.is_ok() {}
}

const PING_FLOOD: &str = "the service sent more than 1000 pings and did not read the pongs";

/// An event that does not fit into the buffers of a connection.
fn large_event() -> ClientEvent {
    ClientEvent::new("large").set("filling", "x".repeat(8 << 20))
}

#[tokio::test]
async fn flood_of_pings_ends_the_session() {
    let (mut session, script) = session(flood_with_pings).await;
    // The buffers are full, which pongs alone would take long to achieve.
    let sending = session.send(large_event());
    let sent = tokio::time::timeout(Duration::from_millis(100), sending).await;
    assert!(sent.is_err(), "{sent:?}");
    let end = final_error_message(&mut session).await;
    assert!(end.contains(PING_FLOOD), "{end}");
    let error = session.send(ClientEvent::new("late")).await.unwrap_err();
    assert!(
        error.to_string().contains("the session is closed"),
        "{error}"
    );
    drop(session);
    script.await.unwrap();
}

#[tokio::test]
async fn flood_of_pings_ends_the_session_while_an_event_is_being_sent() {
    let (session, script) = session(flood_with_pings).await;
    let (mut sender, mut receiver) = session.split();
    let send_task = tokio::spawn(async move { sender.send(large_event()).await });
    let error = with_timeout(receiver.next()).await.unwrap().unwrap_err();
    assert!(error.to_string().contains(PING_FLOOD), "{error}");
    assert!(with_timeout(receiver.next()).await.is_none());
    let error = with_timeout(send_task).await.unwrap().unwrap_err();
    assert!(
        error.to_string().contains("the session is closed"),
        "{error}"
    );
    drop(receiver);
    script.await.unwrap();
}

#[tokio::test]
async fn many_pings_are_answered_if_the_service_reads() {
    const PINGS: usize = 5000;
    let (mut session, script) = session(async |mut peer| {
        for _ in 0..PINGS / 100 {
            let pings = server_frame(0x80 | PING, &[b'x'; 125]).repeat(100);
            peer.write(&pings).await;
            for _ in 0..100 {
                assert_eq!(peer.read_frame().await.0, PONG);
            }
        }
        peer.send_event(&json!({"type": "good"})).await;
        peer
    })
    .await;
    assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "good");
    drop(script.await.unwrap());
}

#[tokio::test]
async fn echoed_key_is_redacted_in_events_and_their_errors() {
    let (mut session, script) = session(async |mut peer| {
        peer.send_event(&json!({"type": KEY, KEY: {KEY: "no"}}))
            .await;
        let truncated = format!(r#"{{"error":{{"message":"{KEY}"}},"type":7}}"#);
        peer.send_frame(TEXT, truncated.as_bytes()).await;
        peer
    })
    .await;
    let event = next(&mut session).await.unwrap().unwrap();
    assert_eq!(event.kind(), KEY);
    let debug_output = format!("{event:?}");
    assert!(!debug_output.contains("canary"), "{debug_output}");
    type Fields = std::collections::BTreeMap<String, Value>;
    let error = event
        .decode::<std::collections::BTreeMap<String, u8>>()
        .unwrap_err();
    let rendered = render_error(&error);
    assert!(!rendered.contains("canary"), "{rendered}");
    assert!(rendered.contains("event `[redacted]`"), "{rendered}");
    assert!(event.decode::<Fields>().unwrap().contains_key(KEY));
    let error = next(&mut session).await.unwrap().unwrap_err();
    let shown = format!("{} {:?}", render_error(&error), error.message());
    assert!(!shown.contains("canary"), "{shown}");
    drop(script.await.unwrap());
}

#[tokio::test]
async fn fragmented_event_is_reassembled() {
    let text = json!({"type": "text", "delta": "größe \u{1f980}"}).to_string();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let (mut session, script) = session(async move |mut peer| {
        let text = text.as_bytes();
        // Frames that end inside a character, with a ping between them.
        for cut in 0..text.len() {
            peer.write(&server_frame(TEXT, &text[..cut])).await;
            peer.send_frame(PING, b"").await;
            peer.write(&server_frame(0x80, &text[cut..])).await;
            assert_eq!(peer.read_frame().await, (PONG, Vec::new()));
        }
        // A frame that is sent byte by byte.
        peer.stream.set_nodelay(true).unwrap();
        for byte in server_frame(0x80 | BINARY, text) {
            peer.write(&[byte]).await;
            tokio::task::yield_now().await;
        }
        text.len()
    })
    .await;
    let mut received = 0;
    while let Some(event) = next(&mut session).await {
        let Ok(event) = event else {
            break; // the script has ended and closed the connection
        };
        assert_eq!(*event.value(), expected);
        received += 1;
    }
    assert_eq!(received, script.await.unwrap() + 1);
}

#[tokio::test]
async fn events_up_to_the_size_limit_are_sent_and_received() {
    let (client, script) = client_of_accepting_peer(async |mut peer| {
        let event = peer.read_event().await;
        peer.send_event(&event).await;
        peer.send_frame(TEXT, &vec![b' '; 200_001]).await;
        peer
    })
    .await;
    let connecting = client.connect_realtime().max_message_size(200_000);
    let mut session = connecting.connect().await.unwrap();
    let event = ClientEvent::new("audio").set("audio", "a".repeat(150_000));
    session.send(event.clone()).await.unwrap();
    let back = next(&mut session).await.unwrap().unwrap();
    assert_eq!(ClientEvent::from(back.into_value()), event);
    let end = final_error_message(&mut session).await;
    assert!(end.contains("exceeds the limit of 200000 bytes"), "{end}");
    drop(script.await.unwrap());
}

#[tokio::test]
async fn broken_connection_is_an_error() {
    let whole = server_frame(0x80 | TEXT, b"{\"type\":\"canary\"}");
    for (sent, problem) in [
        (Vec::new(), "the connection ended without a close frame"),
        (whole[..9].to_vec(), "was interrupted"),
        (b"HTTP/1.1 500 canary\r\n\r\n".to_vec(), "was interrupted"),
        (vec![0x81, 0x80, 1, 2, 3, 4], "was interrupted"),
        (vec![0x81, 2, 0xff, 0xff], "was interrupted"),
        (vec![0x88, 1, 3], "was interrupted"),
        (vec![0xc1, 0], "was interrupted"),
    ] {
        let recorder = Recorder::start();
        let bytes = sent.clone();
        let (mut session, script) = session(async move |mut peer| peer.write(&bytes).await).await;
        let end = final_error_message(&mut session).await;
        assert!(end.contains(problem), "{sent:?}: {end}");
        let events = recorder.events("response body interrupted");
        assert_eq!(events.len(), 1, "{events:?}");
        script.await.unwrap();
    }
}

#[tokio::test]
async fn session_times_out_after_the_idle_timeout_without_frames() {
    let (client, script) = client_of_accepting_peer(async |mut peer| {
        // Pings count as activity.
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            peer.send_frame(PING, b"").await;
        }
        peer.send_event(&json!({"type": "good"})).await;
        peer
    })
    .await;
    let connecting = client
        .connect_realtime()
        .idle_timeout(Duration::from_millis(350));
    let mut session = connecting.connect().await.unwrap();
    assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "good");
    assert!(final_error(&mut session).await.is_timeout());
    drop(script.await.unwrap());
}

#[tokio::test]
async fn invalid_event_is_an_error_and_the_session_continues() {
    let (mut session, script) = session(async |mut peer| {
        for text in [
            "canary",
            "[\"canary\"]",
            "{\"canary\":1}",
            "{\"type\":7}",
            "",
        ] {
            peer.send_frame(TEXT, text.as_bytes()).await;
        }
        peer.send_event(&json!({"type": "error", "error": {"message": "canary"}}))
            .await;
        peer
    })
    .await;
    for (number, body) in [
        "canary",
        "[\"canary\"]",
        "{\"canary\":1}",
        "{\"type\":7}",
        "",
    ]
    .iter()
    .enumerate()
    {
        let error = next(&mut session).await.unwrap().unwrap_err();
        let rendered = render_error(&error);
        let expected = format!("message {} is not a valid event", number + 1);
        assert!(rendered.contains(&expected), "{rendered}");
        assert!(!rendered.contains("canary"), "{rendered}");
        assert_eq!(error.body().unwrap(), body.as_bytes());
    }
    let event = next(&mut session).await.unwrap().unwrap();
    assert!(event.is_error());
    let error = event.decode::<std::collections::BTreeMap<String, u8>>();
    let error = render_error(&error.unwrap_err());
    assert!(
        !error.contains("canary") && error.contains("error"),
        "{error}"
    );
    drop(script.await.unwrap());
}

#[tokio::test]
async fn invalid_event_is_not_sent() {
    let (mut session, script) = session(async |mut peer| peer.is_disconnected().await).await;
    for value in [
        json!(null),
        json!("canary"),
        json!({"canary": 1}),
        json!({"type": ""}),
    ] {
        let error = session.send(value).await.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(!render_error(&error).contains("canary"), "{error}");
    }
    // Dropping the session drops the connection.
    drop(session);
    assert!(script.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sender_and_receiver_work_concurrently() {
    const EVENTS: u64 = 500;
    let (session, script) = session(async |mut peer| {
        for _ in 0..EVENTS {
            let event = peer.read_event().await;
            peer.send_event(&event).await;
        }
        let (opcode, payload) = peer.read_frame().await;
        peer.send_frame(opcode, &payload).await;
    })
    .await;
    let (mut sender, mut receiver): (_, RealtimeReceiver) = session.split();
    let send_task = tokio::spawn(async move {
        for number in 0..EVENTS {
            let event = ClientEvent::new("count").set("number", number);
            let event = event.set("filling", "x".repeat(2000));
            sender.send(event).await.unwrap();
        }
        sender.close(1000, "").await.unwrap();
    });
    for number in 0..EVENTS {
        let event = with_timeout(receiver.next()).await.unwrap().unwrap();
        assert_eq!(event.get("number"), Some(&json!(number)));
    }
    assert!(with_timeout(receiver.next()).await.is_none());
    send_task.await.unwrap();
    script.await.unwrap();
}

#[tokio::test]
async fn debug_output_errors_and_traces_contain_no_secrets() {
    let recorder = Recorder::start();
    let (client, script) = client_of_accepting_peer(async |mut peer| {
        let event = peer.read_event().await;
        peer.send_event(&event).await;
        peer.send_frame(CLOSE, &close_payload(1011, "canary-vk is gone"))
            .await;
        peer
    })
    .await;
    let gateway = GatewayOptions::new().virtual_key("canary-vk");
    let client = client.with_options(RequestOptions::new().gateway(gateway));
    let connecting = client.connect_realtime().model("canary");
    let mut printed = format!("{connecting:?}");
    let mut session = connecting.connect().await.unwrap();
    let event = ClientEvent::new("note").set("text", "canary");
    printed += &format!("{event:?} {session:?}");
    session.send(event).await.unwrap();
    let event = next(&mut session).await.unwrap().unwrap();
    printed += &format!("{event:?}");
    assert!(printed.contains("note") && printed.contains("text"));
    printed += &render_error(&next(&mut session).await.unwrap().unwrap_err());
    printed += &format!("{session:?}");
    printed += &format!("{:?}", session.split());
    printed += &recorder.debug_output();
    assert!(!printed.contains("canary"), "{printed}");
    drop(script.await.unwrap());
}

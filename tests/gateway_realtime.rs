//! Realtime sessions against a scripted other side that speaks bytes, not websocket.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::{future::Future, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use portkey_admin::{
    Client, ClientEvent, Error, GatewayOptions, JsonObject, Realtime, RealtimeReceiver,
    RequestOptions, ServerEvent,
};
use serde_json::{Value, json};
use support::{
    KEY, answered, attempts, builder, client, sending,
    server::{Answer, Server},
    shown,
    spans::Recorder,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The other side of a session.
struct Peer {
    stream: TcpStream,
    /// The request, its head only.
    head: String,
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
            head: String::from_utf8(head).unwrap(),
        }
    }

    fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1);
        let named = lines.filter_map(|line| {
            let (other, value) = line.split_once(": ")?;
            other.eq_ignore_ascii_case(name).then_some(value)
        });
        named.collect()
    }

    /// Agrees to a websocket.
    async fn agree(&mut self) {
        let accept = accept(self.header("sec-websocket-key")[0]);
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

    async fn send(&mut self, opcode: u8, payload: &[u8]) {
        self.write(&frame(0x80 | opcode, payload)).await;
    }

    async fn event(&mut self, event: &Value) {
        self.send(TEXT, event.to_string().as_bytes()).await;
    }

    /// The next frame of the client, unmasked.
    async fn frame(&mut self) -> (u8, Vec<u8>) {
        let first = self.stream.read_u8().await.unwrap();
        let second = self.stream.read_u8().await.unwrap();
        assert_eq!(first & 0xf0, 0x80, "a whole message without extensions");
        assert_eq!(second & 0x80, 0x80, "a client masks");
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

    async fn heard(&mut self) -> Value {
        let (opcode, payload) = self.frame().await;
        assert_eq!(opcode, TEXT);
        serde_json::from_slice(&payload).unwrap()
    }

    /// Whether the client has gone without a word.
    async fn is_gone(&mut self) -> bool {
        self.stream.read(&mut [0]).await.is_ok_and(|read| read == 0)
    }
}

fn accept(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64_STANDARD.encode(sha1_smol::Sha1::from(text).digest().bytes())
}

/// A frame as a server sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
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

fn closing(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

/// A client of `script`, which gets the first request. Nothing takes longer than 20 seconds.
async fn meeting<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Client, JoinHandle<T>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let control = Server::answering(Answer::empty(500));
    let client = builder(&control)
        .gateway_base_url(format!("http://{address}/v1"))
        .build()
        .unwrap();
    let script = async { script(Peer::accept(listener).await).await };
    let script = tokio::time::timeout(Duration::from_secs(20), script);
    let script = tokio::spawn(async { script.await.expect("the script ends in time") });
    (client, script)
}

/// The same, where the peer agrees before the script begins.
async fn agreed<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Client, JoinHandle<T>) {
    meeting(async |mut peer: Peer| {
        peer.agree().await;
        script(peer).await
    })
    .await
}

/// A session whose other side does what `script` says.
async fn session<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> (Realtime, JoinHandle<T>) {
    let (client, script) = agreed(script).await;
    (client.connect_realtime().connect().await.unwrap(), script)
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    let what = tokio::time::timeout(Duration::from_secs(20), what);
    what.await.expect("it happens in time")
}

async fn next(session: &mut Realtime) -> Option<Result<ServerEvent, Error>> {
    soon(session.next()).await
}

/// The error that is the next thing to come, and the last.
async fn last_error(session: &mut Realtime) -> Error {
    let error = next(session).await.unwrap().unwrap_err();
    assert!(next(session).await.is_none());
    assert_eq!(error.operation(), Some("connect_realtime"));
    assert!(error.may_have_executed());
    assert!(!shown(&error).contains("canary"), "{}", shown(&error));
    error
}

async fn ends(session: &mut Realtime) -> String {
    last_error(session).await.to_string()
}

#[tokio::test]
async fn a_session_begins_with_one_exact_request() {
    let (client, script) = agreed(async |mut peer| {
        let heard = peer.heard().await;
        peer.event(&json!({"type": "brand.new", "event_id": "e1", "x": [1.5, null]}))
            .await;
        assert_eq!(peer.frame().await, (CLOSE, closing(1000, "done")));
        peer.send(CLOSE, &closing(1000, "")).await;
        assert!(peer.is_gone().await);
        (heard, peer)
    })
    .await;
    let told = GatewayOptions::new()
        .virtual_key("canary-vk")
        .trace_id("default");
    let client = client.with_options(RequestOptions::new().gateway(told));
    let connecting = client
        .connect_realtime()
        .model("gpt realtime&x")
        .x_portkey_trace_id("own")
        .x_portkey_span_id("span")
        .x_portkey_parent_span_id("parent")
        .x_portkey_span_name("name")
        .x_portkey_metadata(JsonObject::from([("_user", "ü")]))
        .x_portkey_cache_namespace("space")
        .x_portkey_cache_force_refresh(true);
    let mut session = soon(connecting.connect()).await.unwrap();
    assert_eq!(session.request_id(), Some("request-one"));
    assert_eq!(session.trace_id(), Some("trace-one"));
    let said = ClientEvent::new("response.create")
        .event_id("c1")
        .set("response", json!({"modalities": ["text"]}));
    session.send(said).await.unwrap();
    let event = next(&mut session).await.unwrap().unwrap();
    assert_eq!((event.kind(), event.event_id()), ("brand.new", Some("e1")));
    assert_eq!(
        serde_json::to_value(&event).unwrap(),
        json!({"type": "brand.new", "event_id": "e1", "x": [1.5, null]})
    );
    assert_eq!(event.get("x"), Some(&json!([1.5, null])));
    soon(session.close(1000, "done")).await.unwrap();

    let (heard, peer) = script.await.unwrap();
    assert_eq!(
        heard,
        json!({"type": "response.create", "event_id": "c1", "response": {"modalities": ["text"]}})
    );
    let line = peer.head.lines().next().unwrap();
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
async fn a_refusal_is_an_ordinary_error() {
    let echo = json!({"error": {"message": format!("no {KEY} here"), "code": "AB01"}});
    let (server, client) = answered(Answer::json(401, echo.to_string()));
    let error = sending(client.connect_realtime().connect())
        .await
        .unwrap_err();
    assert!(error.is_unauthorized() && !error.may_have_executed());
    assert_eq!(error.code(), Some("AB01"));
    assert_eq!(
        error.to_string(),
        "connect_realtime: 401 Unauthorized AB01: no [redacted] here"
    );
    assert!(!shown(&error).contains(KEY));
    assert!(!server.request().target.contains(KEY));
}

#[tokio::test]
async fn each_attempt_asks_anew() {
    let server = Server::playing([Answer::empty(503), Answer::json(404, "{}")]);
    let client = client(&server).with_options(attempts(3));
    let error = sending(client.connect_realtime().connect())
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
async fn only_the_right_agreement_is_one() {
    let good = |peer: &Peer| {
        let accept = accept(peer.header("sec-websocket-key")[0]);
        format!("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n")
    };
    type Change = fn(String) -> String;
    let cases: [(u16, Change, &str); 7] = [
        (200, |head| head, "did not switch to a websocket"),
        (
            101,
            |head| head.replace("websocket", "h2c"),
            "something other",
        ),
        (
            101,
            |head| head.replace("Connection: Upgrade", "Connection: close"),
            "`connection`",
        ),
        (
            101,
            |head| head.replace("-Accept: ", "-Accept: A"),
            "does not fit the key",
        ),
        (
            101,
            |head| head.replace("Sec-WebSocket-Accept", "X-A"),
            "does not fit the key",
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
        let (client, script) = meeting(async move |mut peer: Peer| {
            let head = change(good(&peer));
            let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n{head}\r\n");
            peer.write(head.as_bytes()).await;
            peer
        })
        .await;
        let client = client.with_options(attempts(3));
        let error = soon(client.connect_realtime().connect()).await.unwrap_err();
        let shown = shown(&error);
        assert!(shown.contains(problem), "{problem}: {shown}");
        assert!(shown.contains("connect_realtime"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.attempts(), 1);
        drop(script.await.unwrap());
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_runs_out_of_time() {
    let (_server, client) = answered(Answer::empty(101).hanging_up().then_stall());
    let options = RequestOptions::new().timeout(Duration::from_millis(100));
    let connecting = client.with_options(options).connect_realtime().connect();
    let error = sending(connecting).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn a_goodbye_of_the_service_is_answered_and_told() {
    for (payload, code, reason) in [
        (closing(1000, ""), 1000, ""),
        (closing(1000, "all done"), 1000, "all done"),
        (Vec::new(), 1005, ""),
    ] {
        let answered = payload.get(..2).unwrap_or_default().to_vec();
        let (mut session, script) = session(async move |mut peer| {
            peer.event(&json!({"type": "last"})).await;
            peer.send(CLOSE, &payload).await;
            assert_eq!(peer.frame().await, (CLOSE, answered));
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
async fn a_goodbye_for_a_reason_is_an_error() {
    let (mut session, script) = session(async |mut peer| {
        let reason = format!("policy for {KEY}");
        peer.send(CLOSE, &closing(1008, &reason)).await;
        assert_eq!(peer.frame().await.0, CLOSE);
    })
    .await;
    assert_eq!(
        ends(&mut session).await,
        "connect_realtime: the session was closed by the service with 1008: policy for [redacted] \
         [request request-one]"
    );
    assert_eq!(session.closed().unwrap().code, 1008);
    assert!(!format!("{session:?}").contains(KEY));
    script.await.unwrap();
}

#[tokio::test]
async fn a_goodbye_of_ours_is_checked_and_ends_the_session() {
    let (session, script) = session(async |mut peer| {
        let goodbye = peer.frame().await;
        peer.event(&json!({"type": "late"})).await;
        peer.send(CLOSE, &closing(4000, "")).await;
        goodbye
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
    let event = soon(receiver.next()).await.unwrap().unwrap();
    assert_eq!(event.kind(), "late");
    assert!(soon(receiver.next()).await.is_none());
    assert_eq!(receiver.closed().unwrap().code, 4000);
    assert_eq!(script.await.unwrap(), (CLOSE, closing(4000, "enough")));
}

#[tokio::test]
async fn a_ping_is_answered_while_an_event_is_waited_for() {
    let (mut session, script) = session(async |mut peer| {
        peer.send(PING, b"are you there").await;
        assert_eq!(peer.frame().await, (PONG, b"are you there".to_vec()));
        peer.event(&json!({"type": "good"})).await;
        let ping = peer.frame().await;
        peer.send(PONG, b"").await;
        peer.event(&json!({"type": "better"})).await;
        ping
    })
    .await;
    assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "good");
    let (mut sender, mut receiver) = session.split();
    sender.ping().await.unwrap();
    let event = soon(receiver.next()).await.unwrap().unwrap();
    assert_eq!(event.kind(), "better");
    assert_eq!(script.await.unwrap(), (PING, Vec::new()));
}

#[tokio::test]
async fn an_event_may_come_in_pieces() {
    let text = json!({"type": "text", "delta": "größe \u{1f980}"}).to_string();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let (mut session, script) = session(async move |mut peer| {
        let text = text.as_bytes();
        // Frames that end inside a character, with a ping between them.
        for cut in 0..text.len() {
            peer.write(&frame(TEXT, &text[..cut])).await;
            peer.send(PING, b"").await;
            peer.write(&frame(0x80, &text[cut..])).await;
            assert_eq!(peer.frame().await, (PONG, Vec::new()));
        }
        // A frame that comes byte by byte.
        peer.stream.set_nodelay(true).unwrap();
        for byte in frame(0x80 | BINARY, text) {
            peer.write(&[byte]).await;
            tokio::task::yield_now().await;
        }
        text.len()
    })
    .await;
    let mut received = 0;
    while let Some(event) = next(&mut session).await {
        let Ok(event) = event else {
            break; // the script is over and has hung up
        };
        assert_eq!(*event.value(), expected);
        received += 1;
    }
    assert_eq!(received, script.await.unwrap() + 1);
}

#[tokio::test]
async fn large_events_go_both_ways_up_to_the_limit() {
    let (client, script) = agreed(async |mut peer| {
        let heard = peer.heard().await;
        peer.event(&heard).await;
        peer.send(TEXT, &vec![b' '; 200_001]).await;
        peer
    })
    .await;
    let connecting = client.connect_realtime().max_message_size(200_000);
    let mut session = connecting.connect().await.unwrap();
    let event = ClientEvent::new("audio").set("audio", "a".repeat(150_000));
    session.send(event.clone()).await.unwrap();
    let back = next(&mut session).await.unwrap().unwrap();
    assert_eq!(ClientEvent::from(back.into_value()), event);
    let end = ends(&mut session).await;
    assert!(
        end.contains("larger than the limit of 200000 bytes"),
        "{end}"
    );
    drop(script.await.unwrap());
}

#[tokio::test]
async fn a_connection_that_breaks_is_an_error() {
    let whole = frame(0x80 | TEXT, b"{\"type\":\"canary\"}");
    for (sent, problem) in [
        (Vec::new(), "the connection ended without a goodbye"),
        (whole[..9].to_vec(), "broke off"),
        (b"HTTP/1.1 500 canary\r\n\r\n".to_vec(), "broke off"),
        (vec![0x81, 0x80, 1, 2, 3, 4], "broke off"),
        (vec![0x81, 2, 0xff, 0xff], "broke off"),
        (vec![0x88, 1, 3], "broke off"),
        (vec![0xc1, 0], "broke off"),
    ] {
        let recorder = Recorder::start();
        let bytes = sent.clone();
        let (mut session, script) = session(async move |mut peer| peer.write(&bytes).await).await;
        let end = ends(&mut session).await;
        assert!(end.contains(problem), "{sent:?}: {end}");
        let events = recorder.events("the body broke off");
        assert_eq!(events.len(), 1, "{events:?}");
        script.await.unwrap();
    }
}

#[tokio::test]
async fn silence_is_an_error_only_where_there_is_a_limit() {
    let (client, script) = agreed(async |mut peer| {
        // Alive, but with nothing to say: pings keep a session.
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            peer.send(PING, b"").await;
        }
        peer.event(&json!({"type": "good"})).await;
        peer
    })
    .await;
    let connecting = client
        .connect_realtime()
        .idle_timeout(Duration::from_millis(350));
    let mut session = connecting.connect().await.unwrap();
    assert_eq!(next(&mut session).await.unwrap().unwrap().kind(), "good");
    assert!(last_error(&mut session).await.is_timeout());
    drop(script.await.unwrap());
}

#[tokio::test]
async fn what_is_no_event_is_told_and_the_session_goes_on() {
    let (mut session, script) = session(async |mut peer| {
        for text in [
            "canary",
            "[\"canary\"]",
            "{\"canary\":1}",
            "{\"type\":7}",
            "",
        ] {
            peer.send(TEXT, text.as_bytes()).await;
        }
        peer.event(&json!({"type": "error", "error": {"message": "canary"}}))
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
        let shown = shown(&error);
        let expected = format!("message {} is no event", number + 1);
        assert!(shown.contains(&expected), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(error.body().unwrap(), body.as_bytes());
    }
    let event = next(&mut session).await.unwrap().unwrap();
    assert!(event.is_error());
    let misfit = event.decode::<std::collections::BTreeMap<String, u8>>();
    let misfit = shown(&misfit.unwrap_err());
    assert!(
        !misfit.contains("canary") && misfit.contains("error"),
        "{misfit}"
    );
    drop(script.await.unwrap());
}

#[tokio::test]
async fn what_is_no_event_is_not_sent() {
    let (mut session, script) = session(async |mut peer| peer.is_gone().await).await;
    for value in [
        json!(null),
        json!("canary"),
        json!({"canary": 1}),
        json!({"type": ""}),
    ] {
        let error = session.send(value).await.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert!(!shown(&error).contains("canary"), "{error}");
    }
    // Dropping the session drops the connection.
    drop(session);
    assert!(script.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_halves_work_at_once() {
    const EVENTS: u64 = 500;
    let (session, script) = session(async |mut peer| {
        for _ in 0..EVENTS {
            let heard = peer.heard().await;
            peer.event(&heard).await;
        }
        let (opcode, goodbye) = peer.frame().await;
        peer.send(opcode, &goodbye).await;
    })
    .await;
    let (mut sender, mut receiver): (_, RealtimeReceiver) = session.split();
    let sending = tokio::spawn(async move {
        for number in 0..EVENTS {
            let event = ClientEvent::new("count").set("number", number);
            let event = event.set("filling", "x".repeat(2000));
            sender.send(event).await.unwrap();
        }
        sender.close(1000, "").await.unwrap();
    });
    for number in 0..EVENTS {
        let event = soon(receiver.next()).await.unwrap().unwrap();
        assert_eq!(event.get("number"), Some(&json!(number)));
    }
    assert!(soon(receiver.next()).await.is_none());
    sending.await.unwrap();
    script.await.unwrap();
}

#[tokio::test]
async fn no_secret_shows() {
    let recorder = Recorder::start();
    let (client, script) = agreed(async |mut peer| {
        let heard = peer.heard().await;
        peer.event(&heard).await;
        peer.send(CLOSE, &closing(1011, "canary-vk is gone")).await;
        peer
    })
    .await;
    let told = GatewayOptions::new().virtual_key("canary-vk");
    let client = client.with_options(RequestOptions::new().gateway(told));
    let connecting = client.connect_realtime().model("canary");
    let mut printed = format!("{connecting:?}");
    let mut session = connecting.connect().await.unwrap();
    let event = ClientEvent::new("note").set("text", "canary");
    printed += &format!("{event:?} {session:?}");
    session.send(event).await.unwrap();
    let event = next(&mut session).await.unwrap().unwrap();
    printed += &format!("{event:?}");
    assert!(printed.contains("note") && printed.contains("text"));
    printed += &shown(&next(&mut session).await.unwrap().unwrap_err());
    printed += &format!("{session:?}");
    printed += &format!("{:?}", session.split());
    printed += &recorder.text();
    assert!(!printed.contains("canary"), "{printed}");
    drop(script.await.unwrap());
}

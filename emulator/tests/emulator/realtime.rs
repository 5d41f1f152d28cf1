//! Realtime sessions over a raw socket. Successful sessions are covered by the tests of the client.

use std::time::Duration;

use portkey_admin_emulator::{Fault, Script};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::streams::client;
use crate::support::TestClient;

/// A client-side WebSocket that sends and receives raw frames.
struct RawWebSocket(TcpStream);

impl RawWebSocket {
    /// Sends a handshake with the key and these headers; returns the socket and the response head.
    async fn handshake(client: &TestClient, key: &str, headers: &str) -> (Self, String) {
        let address = client.emulator.public_base_url().replace("http://", "");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /v1/realtime?model=m HTTP/1.1\r\nhost: e\r\nx-portkey-api-key: {key}\r\nx-portkey-provider: openai\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (Self(stream), String::from_utf8(head).unwrap())
    }

    async fn open(client: &TestClient) -> Self {
        let (mut socket, head) = Self::handshake(client, &client.key, HANDSHAKE).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert!(head.contains("x-portkey-request-id"), "{head}");
        assert_eq!(socket.event().await["type"], "session.created");
        socket
    }

    /// Sends a frame, masked with zeros, of at most 65535 bytes.
    async fn send(&mut self, opcode: u8, payload: &[u8]) {
        let length = u16::try_from(payload.len()).unwrap();
        let mut frame = vec![0x80 | opcode];
        match u8::try_from(length) {
            Ok(short @ ..126) => frame.push(0x80 | short),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        self.0.write_all(&frame).await.unwrap();
    }

    /// Receives the next frame: opcode and payload.
    async fn receive(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let opcode = self.0.read_u8().await? & 0xf;
        let length = match self.0.read_u8().await? {
            126 => u64::from(self.0.read_u16().await?),
            127 => self.0.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await?;
        Ok((opcode, payload))
    }

    async fn event(&mut self) -> Value {
        let (opcode, payload) = self.receive().await.unwrap();
        assert_eq!(opcode, 1);
        serde_json::from_slice(&payload).unwrap()
    }

    async fn request(&mut self, event: Value) -> Value {
        self.send(1, event.to_string().as_bytes()).await;
        self.event().await
    }

    /// Receives a close frame and returns its code.
    async fn close_code(&mut self) -> u16 {
        let (opcode, payload) = self.receive().await.unwrap();
        assert_eq!(opcode, 8);
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

const HANDSHAKE: &str = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

#[tokio::test]
async fn events_get_a_response_or_an_echo() {
    let client = client().await;
    let mut socket = RawWebSocket::open(&client).await;
    let update = json!({"type": "session.update", "session": {"voice": "nova"}});
    let updated = socket.request(update).await;
    assert_eq!(updated["type"], "session.updated");
    assert_eq!(
        (&updated["session"]["voice"], &updated["session"]["model"]),
        (&json!("nova"), &json!("m"))
    );
    let item = json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]});
    let created = socket
        .request(json!({"type": "conversation.item.create", "item": item}))
        .await;
    assert_eq!(created["type"], "conversation.item.created");
    let mut types = vec![socket.request(json!({"type": "response.create"})).await["type"].clone()];
    let mut text = String::new();
    while types.last().unwrap() != "response.done" {
        let event = socket.event().await;
        text += event["delta"].as_str().unwrap_or_default();
        types.push(event["type"].clone());
    }
    assert_eq!(
        (text.as_str(), &types[0]),
        ("You said: hi", &json!("response.created"))
    );
    let other = json!({"type": "input_audio_buffer.append", "audio": "AAAA"});
    let echo = socket.request(other.clone()).await;
    assert_eq!(
        (&echo["type"], &echo["event"]),
        (&json!("emulator.echo"), &other)
    );
    socket.send(9, b"anyone?").await;
    assert_eq!(socket.receive().await.unwrap(), (10, b"anyone?".to_vec()));
    socket.send(8, &1000_u16.to_be_bytes()).await;
    assert_eq!(socket.close_code().await, 1000);
    assert!(socket.receive().await.is_err());
}

#[tokio::test]
async fn invalid_events_get_an_error_event() {
    let client = client().await;
    let mut socket = RawWebSocket::open(&client).await;
    for (opcode, payload) in [
        (1, &b"nonsense"[..]),
        (1, b"{}"),
        (1, b"[1]"),
        (2, b"\xff\x00"),
    ] {
        socket.send(opcode, payload).await;
        let error = socket.event().await;
        assert_eq!(error["type"], "error");
        assert!(
            error["error"]["message"]
                .as_str()
                .unwrap()
                .contains("event"),
            "{error}"
        );
    }
    // The session continues.
    assert_eq!(
        socket.request(json!({"type": "x"})).await["type"],
        "emulator.echo"
    );
}

#[tokio::test]
async fn websocket_protocol_errors_close_the_session() {
    let client = client().await;
    // An unmasked frame, an unknown opcode, text that is not UTF-8, a message that is too large.
    let cases: [(&[u8], u16); 4] = [
        (&[0x81, 0x02, b'h', b'i'], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff], 1002),
        (&[0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009),
    ];
    for (bytes, expected) in cases {
        let mut socket = RawWebSocket::open(&client).await;
        socket.0.write_all(bytes).await.unwrap();
        let code = socket.close_code().await;
        // The library uses 1007 for text that is not UTF-8.
        assert!(code == expected || code == 1007, "{bytes:?}: {code}");
        assert!(socket.receive().await.is_err());
    }
    // Disconnect in the middle of a frame.
    let mut socket = RawWebSocket::open(&client).await;
    socket.0.write_all(&[0x81, 0xfe]).await.unwrap();
    drop(socket);
    RawWebSocket::open(&client).await;
}

#[tokio::test]
async fn invalid_handshakes_are_rejected_with_json() {
    let client = client().await;
    let plain = client
        .expect_error(Method::GET, "/realtime", Value::Null)
        .await;
    assert_eq!(plain.0, 400);
    assert!(plain.2.contains("header `connection`"), "{plain:?}");
    let (mut socket, head) = RawWebSocket::handshake(&client, "wrong", HANDSHAKE).await;
    assert!(
        head.starts_with("HTTP/1.1 401") && head.contains("application/json"),
        "{head}"
    );
    let mut body = [0; 16];
    socket.0.read_exact(&mut body).await.unwrap();
    assert!(body.starts_with(b"{"), "{body:?}");
    for name in [
        "connection",
        "upgrade",
        "sec-websocket-version",
        "sec-websocket-key",
    ] {
        let lines = HANDSHAKE
            .lines()
            .filter(|line| !line.starts_with(&format!("{name}:")));
        let headers: String = lines.map(|line| format!("{line}\r\n")).collect();
        let (_, head) = RawWebSocket::handshake(&client, &client.key, &headers).await;
        assert!(head.starts_with("HTTP/1.1 400"), "{name}: {head}");
    }
    client
        .emulator
        .add_fault(Fault::on("connect_realtime").times(1).status(503))
        .unwrap();
    let (_, head) = RawWebSocket::handshake(&client, &client.key, HANDSHAKE).await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
}

#[tokio::test]
async fn a_script_ends_a_session_or_replaces_its_events() {
    let client = client().await;
    let script = || Script::on("connect_realtime").times(1);
    client
        .emulator
        .add_script(script().event("{\"type\": \"mine\"}").raw(*b"bytes"))
        .unwrap();
    let mut socket = RawWebSocket::open(&client).await;
    assert_eq!(
        socket.request(json!({"type": "response.create"})).await["type"],
        "mine"
    );
    assert_eq!(socket.receive().await.unwrap(), (2, b"bytes".to_vec()));

    client.emulator.add_script(script().close_after(1)).unwrap();
    let mut socket = RawWebSocket::open(&client).await;
    socket.send(1, b"{\"type\": \"x\"}").await;
    assert_eq!(
        socket.receive().await.unwrap_err().kind(),
        std::io::ErrorKind::UnexpectedEof
    );

    client.emulator.add_script(script().reset_after(1)).unwrap();
    let mut socket = RawWebSocket::open(&client).await;
    socket.send(1, b"{\"type\": \"x\"}").await;
    assert_eq!(
        socket.receive().await.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );

    client.emulator.add_script(script().end_after(1)).unwrap();
    let mut socket = RawWebSocket::open(&client).await;
    socket.send(1, b"{\"type\": \"x\"}").await;
    assert_eq!(socket.close_code().await, 1000);

    client.emulator.add_script(script().stall_after(1)).unwrap();
    let mut socket = RawWebSocket::open(&client).await;
    socket.send(1, b"{\"type\": \"x\"}").await;
    let next = tokio::time::timeout(Duration::from_millis(100), socket.receive()).await;
    assert!(next.is_err(), "{next:?}");
}

#[tokio::test]
async fn shutdown_closes_sessions() {
    let client = client().await;
    let mut socket = RawWebSocket::open(&client).await;
    client.emulator.shutdown().await;
    assert_eq!(socket.close_code().await, 1001);
}

//! Realtime sessions with a scripted peer that reads and writes raw websocket frames.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod close;
mod connect;
mod events;
mod pings;
#[path = "../support/mod.rs"]
mod support;

use std::{future::Future, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use portkey_admin::{
    Client, Error,
    gateway::{Realtime, ServerEvent},
};
use serde_json::Value;
use support::{
    builder, render_error,
    server::{ScriptedResponse, Server},
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

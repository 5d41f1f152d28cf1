//! WebSocket sessions: the handshake, and the exchange of events in JSON with a [`Conversation`].
//!
//! Written by hand, because the handshake has to be answered with the service's errors before
//! `tokio-websockets` takes over, and because scripts pace, cut off and reset sessions.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::{SinkExt, StreamExt};
use hyper::body::Bytes;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha1_smol::Sha1;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_websockets::{CloseCode, Limits, Message, ServerBuilder, WebSocketStream};

use super::body::HttpBody;
use super::connection_end::ConnectionEnd;
use super::delivery::{Delivery, Stop};
use super::events::Event;
use crate::error::ApiError;
use crate::json;
use crate::response::Conversation;
use crate::scripts::Script;

/// The maximum number of open sessions.
const MAX_SESSIONS: usize = 256;

/// The maximum size of a received message, in bytes.
const MAX_MESSAGE_SIZE: usize = 16 * 1024 * 1024;

/// How long a session waits for a message before it sends a ping, and then before it disconnects.
/// It is also the timeout for sending a message.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The GUID that is appended to the key before hashing (RFC 6455, section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The sessions of one emulator.
#[derive(Debug)]
pub(crate) struct Sessions {
    slots: Arc<Semaphore>,
    shutdown: watch::Receiver<bool>,
}

impl Sessions {
    /// Creates an empty set of sessions, which end when `shutdown` becomes true.
    pub(crate) fn new(shutdown: watch::Receiver<bool>) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(MAX_SESSIONS)),
            shutdown,
        }
    }
}

/// Opens the session of a WebSocket response, or rejects an invalid handshake.
pub(super) fn open(
    sessions: &Sessions,
    head: &mut Parts,
    conversation: Box<dyn Conversation>,
    script: Option<&Script>,
    connection: &ConnectionEnd,
) -> Result<Response<HttpBody>, ApiError> {
    let accept_key = accept_key(&head.headers)?;
    let upgrade = head.extensions.remove::<OnUpgrade>();
    let upgrade =
        upgrade.ok_or_else(|| handshake_error(&UPGRADE, "not supported on this connection"))?;
    let permit = Arc::clone(&sessions.slots).try_acquire_owned();
    let permit = permit.map_err(|_| {
        let message = format!("exceeds the limit of {MAX_SESSIONS} open sessions");
        ApiError::new(429, None, message)
    })?;
    let session = Session {
        conversation,
        delivery: script.map_or_else(Delivery::default, |script| script.delivery.clone()),
        events: script.and_then(|script| script.events.clone()),
        sent_count: 0,
    };
    let shutdown = sessions.shutdown.clone();
    tokio::spawn(serve(
        upgrade,
        session,
        connection.clone(),
        shutdown,
        permit,
    ));
    Ok(switching_protocols(&accept_key))
}

/// Builds the response that switches the connection to WebSocket.
fn switching_protocols(accept: &str) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::full(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// Validates the handshake headers and returns the value of `Sec-WebSocket-Accept`.
fn accept_key(headers: &HeaderMap) -> Result<String, ApiError> {
    let has = |name: &HeaderName, token: &str| {
        let values = headers.get_all(name).iter();
        let mut tokens = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|v| v.split(','));
        tokens.any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    if !has(&CONNECTION, "upgrade") {
        return Err(handshake_error(&CONNECTION, "expected `Upgrade`"));
    }
    if !has(&UPGRADE, "websocket") {
        return Err(handshake_error(&UPGRADE, "expected `websocket`"));
    }
    if !has(&SEC_WEBSOCKET_VERSION, "13") {
        return Err(handshake_error(&SEC_WEBSOCKET_VERSION, "expected 13"));
    }
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .and_then(|key| key.to_str().ok());
    let decoded = key.map(|key| BASE64_STANDARD.decode(key.trim()));
    match (key, decoded) {
        (Some(key), Some(Ok(bytes))) if bytes.len() == 16 => {
            let digest = Sha1::from(format!("{}{GUID}", key.trim())).digest();
            Ok(BASE64_STANDARD.encode(digest.bytes()))
        }
        _ => Err(handshake_error(
            &SEC_WEBSOCKET_KEY,
            "expected 16 bytes in Base64",
        )),
    }
}

fn handshake_error(header: &HeaderName, reason: &str) -> ApiError {
    ApiError::bad_request(format!("header `{header}`: {reason}"))
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// An open session.
struct Session {
    conversation: Box<dyn Conversation>,
    delivery: Delivery,
    /// The scripted events that replace a response of the conversation.
    events: Option<Vec<Event>>,
    /// The number of events sent.
    sent_count: u64,
}

/// How a session ends.
enum SessionEnd {
    Close(CloseCode, &'static str),
    /// Without a close frame.
    Disconnected,
    Reset,
}

async fn serve(
    upgrade: OnUpgrade,
    mut session: Session,
    connection: ConnectionEnd,
    mut shutdown: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) {
    // The client may disconnect before the session starts.
    let Ok(upgraded) = upgrade.await else { return };
    let limits = Limits::default().max_payload_len(Some(MAX_MESSAGE_SIZE));
    let mut socket = ServerBuilder::new()
        .limits(limits)
        .serve(TokioIo::new(upgraded));
    let end = tokio::select! {
        end = session.run(&mut socket) => end,
        // An error means that the emulator is gone, which also ends the session.
        _ = shutdown.wait_for(|stopping| *stopping) => {
            SessionEnd::Close(CloseCode::GOING_AWAY, "the emulator is stopping")
        }
    };
    match end {
        SessionEnd::Close(code, reason) => {
            let close = async {
                // This fails if the library has already queued a close frame for a protocol error.
                let _ = socket.send(Message::close(Some(code), reason)).await;
                let _ = socket.flush().await;
            };
            let _ = tokio::time::timeout(IDLE_TIMEOUT, close).await;
        }
        SessionEnd::Disconnected => {}
        SessionEnd::Reset => connection.reset(),
    }
    drop((socket, permit));
}

impl Session {
    async fn run(&mut self, socket: &mut Socket) -> SessionEnd {
        let events = self.conversation.open();
        if let Err(end) = self.send(socket, events).await {
            return end;
        }
        let mut ping_sent = false;
        loop {
            let message = match tokio::time::timeout(IDLE_TIMEOUT, socket.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return close_reason(&error),
                Ok(None) => return SessionEnd::Disconnected,
                Err(_) if ping_sent => return SessionEnd::Disconnected,
                Err(_) => {
                    ping_sent = true;
                    if let Err(end) = write(socket, Message::ping("")).await {
                        return end;
                    }
                    continue;
                }
            };
            ping_sent = false;
            if message.is_ping() || message.is_pong() || message.is_close() {
                // The library replies to pings and close frames.
                continue;
            }
            let event = parse_event(&message);
            let is_scriptable =
                matches!(&event, Ok(event) if self.conversation.is_scriptable(event));
            let sent = match self.events.clone().filter(|_| is_scriptable) {
                Some(events) => self.send_scripted(socket, events).await,
                None => {
                    let responses = self.conversation.respond(event);
                    self.send(socket, responses).await
                }
            };
            if let Err(end) = sent {
                return end;
            }
        }
    }

    async fn send(&mut self, socket: &mut Socket, events: Vec<Value>) -> Result<(), SessionEnd> {
        for event in events {
            self.send_message(socket, Message::text(event.to_string()))
                .await?;
        }
        Ok(())
    }

    async fn send_scripted(
        &mut self,
        socket: &mut Socket,
        events: Vec<Event>,
    ) -> Result<(), SessionEnd> {
        for event in events {
            let message = match event {
                Event::Data { data, .. } => Message::text(data),
                Event::Raw(bytes) => Message::binary(bytes),
            };
            self.send_message(socket, message).await?;
        }
        Ok(())
    }

    /// Sends an event with the delivery set by the script.
    async fn send_message(
        &mut self,
        socket: &mut Socket,
        message: Message,
    ) -> Result<(), SessionEnd> {
        match self
            .delivery
            .stop
            .filter(|(after, _)| self.sent_count >= *after)
        {
            None => {}
            Some((_, Stop::Stall)) => return Ok(()),
            Some((_, Stop::Reset)) => return Err(SessionEnd::Reset),
            Some((_, Stop::End)) => return Err(SessionEnd::Close(CloseCode::NORMAL_CLOSURE, "")),
            Some((_, Stop::EndMidChunk | Stop::Close | Stop::CloseMidChunk)) => {
                return Err(SessionEnd::Disconnected);
            }
        }
        if !self.delivery.pace.is_zero() {
            tokio::time::sleep(self.delivery.pace).await;
        }
        self.sent_count += 1;
        write(socket, message).await
    }
}

async fn write(socket: &mut Socket, message: Message) -> Result<(), SessionEnd> {
    let sent = tokio::time::timeout(IDLE_TIMEOUT, socket.send(message)).await;
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(SessionEnd::Disconnected),
    }
}

/// Parses a received event.
fn parse_event(message: &Message) -> Result<Value, String> {
    let text = message
        .as_text()
        .ok_or("expected a text event, found a binary message")?;
    json::parse(text.as_bytes()).map_err(|error| format!("event: {error}"))
}

/// Returns how a session ends after an error.
fn close_reason(error: &tokio_websockets::Error) -> SessionEnd {
    match error {
        tokio_websockets::Error::PayloadTooLong { .. } => {
            SessionEnd::Close(CloseCode::MESSAGE_TOO_BIG, "the message is too large")
        }
        tokio_websockets::Error::Protocol(_) => {
            SessionEnd::Close(CloseCode::PROTOCOL_ERROR, "protocol error")
        }
        _ => SessionEnd::Disconnected,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue};

    use super::accept_key;

    fn handshake(changes: &[(&'static str, &str)]) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        let defaults = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in defaults.iter().chain(changes) {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        accept_key(&headers).map_err(|error| error.body.to_string())
    }

    #[test]
    fn the_accept_key_matches_the_rfc() {
        assert_eq!(handshake(&[]).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for (name, value) in [
            ("connection", "close"),
            ("upgrade", "h2c"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "short"),
        ] {
            let error = handshake(&[(name, value)]).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
    }
}

//! Realtime sessions: the handshake, and a session over a WebSocket.
//!
//! A session supports text only. It starts with `session.created`. The response to `session.update`
//! is `session.updated`, the response to `conversation.item.create` is `conversation.item.created`,
//! and the response to `response.create` are the events of a model response that echoes the user's
//! last text. Every other event is returned inside an `emulator.echo` event, and the response to an
//! invalid event is `error`.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::{SinkExt, StreamExt};
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use sha1_smol::Sha1;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_websockets::{CloseCode, Limits, Message, ServerBuilder, WebSocketStream};

use super::model_stub::{self, ModelInput, ModelOutput};
use super::script::{Delivery, Script, Stop};
use super::stream::Event;
use crate::call::Call;
use crate::handlers::State;
use crate::response::{ApiError, HandlerResult, ResponseBody};
use crate::socket::Resetter;

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

/// A session before the handshake is complete.
#[derive(Debug)]
pub(crate) struct Session {
    call: Call,
    /// The value of `Sec-WebSocket-Accept`; empty until the handshake is validated.
    pub(crate) accept_key: String,
}

/// Returns a session after authorisation; [`open`] validates the handshake.
pub(super) fn connect(_: &State, call: &Call) -> HandlerResult {
    Ok(ResponseBody::WebSocket(Box::new(Session {
        call: call.clone(),
        accept_key: String::new(),
    })))
}

/// Opens the session of a WebSocket response, or rejects an invalid handshake. Other responses are
/// returned unchanged.
pub(crate) fn open(
    sessions: &Sessions,
    head: &mut Parts,
    result: HandlerResult,
    script: Option<&Script>,
    resetter: &Resetter,
) -> HandlerResult {
    let mut session = match result {
        Ok(ResponseBody::WebSocket(session)) => session,
        other => return other,
    };
    session.accept_key = accept_key(&head.headers)?;
    let upgrade = head.extensions.remove::<OnUpgrade>();
    let upgrade =
        upgrade.ok_or_else(|| handshake_error(&UPGRADE, "not supported on this connection"))?;
    let permit = Arc::clone(&sessions.slots).try_acquire_owned();
    let permit = permit.map_err(|_| {
        let message = format!("exceeds the limit of {MAX_SESSIONS} open sessions");
        ApiError::new(429, None, message)
    })?;
    let active = ActiveSession {
        call: session.call.clone(),
        delivery: script
            .map(|script| script.delivery.clone())
            .unwrap_or_default(),
        events: script.and_then(|script| script.events.clone()),
        settings: Map::new(),
        user_text: String::new(),
        sent_count: 0,
    };
    let shutdown = sessions.shutdown.clone();
    tokio::spawn(serve(upgrade, active, resetter.clone(), shutdown, permit));
    Ok(ResponseBody::WebSocket(session))
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

/// The state of an open session.
struct ActiveSession {
    call: Call,
    delivery: Delivery,
    /// The scripted events that replace the events of a model response.
    events: Option<Vec<Event>>,
    settings: Map<String, Value>,
    /// The user's last text.
    user_text: String,
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
    mut active: ActiveSession,
    resetter: Resetter,
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
        end = active.run(&mut socket) => end,
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
        SessionEnd::Reset => resetter.reset(),
    }
    drop((socket, permit));
}

impl ActiveSession {
    async fn run(&mut self, socket: &mut Socket) -> SessionEnd {
        let created = self.session("session.created");
        if let Err(end) = self.send(socket, vec![created]).await {
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
            let event = event(&message);
            let wants_response = matches!(&event, Ok((kind, _)) if kind == "response.create");
            let sent = match self.events.clone().filter(|_| wants_response) {
                Some(events) => self.send_scripted(socket, events).await,
                None => {
                    let responses = self.respond(event);
                    self.send(socket, responses).await
                }
            };
            if let Err(end) = sent {
                return end;
            }
        }
    }

    /// Returns the events in response to a received event, or to an invalid one.
    fn respond(&mut self, event: Result<(String, Value), String>) -> Events {
        let (kind, event) = match event {
            Ok(event) => event,
            Err(message) => return vec![self.error(&message)],
        };
        match kind.as_str() {
            "session.update" => {
                let settings = event["session"].as_object().cloned().unwrap_or_default();
                if self.settings.len() + settings.len() > MAX_SETTINGS {
                    return vec![self.error("the session has too many fields")];
                }
                self.settings.extend(settings);
                vec![self.session("session.updated")]
            }
            "conversation.item.create" => {
                let mut item = event["item"].clone();
                if item["role"] == "user" {
                    self.user_text = model_stub::content_text(&item["content"]);
                }
                if item.is_object() && item["id"].is_null() {
                    item["id"] = json!(self.id("item"));
                }
                vec![self.event("conversation.item.created", json!({"item": item}))]
            }
            "response.create" => self.response(),
            _ => vec![self.event("emulator.echo", json!({"event": event}))],
        }
    }

    /// Returns the events of a model response.
    fn response(&mut self) -> Events {
        let input = ModelInput::UserMessage(self.user_text.clone());
        let text = match model_stub::generate(&self.call, &input, &Value::Null) {
            ModelOutput::Text(text) => text,
            ModelOutput::ToolCalls(calls) => calls
                .iter()
                .map(|call| &*call.arguments)
                .collect::<String>()
                .into(),
        };
        let (response, item) = (self.id("resp"), self.id("item"));
        let part = |text: &str| json!({"type": "output_text", "text": text});
        let item_json = |status: &str, content: Value| {
            json!({
                "id": item, "object": "realtime.item", "type": "message", "status": status,
                "role": "assistant", "content": content,
            })
        };
        let response_json = |status: &str, output: Value| {
            let response = json!({
                "id": response, "object": "realtime.response", "status": status, "output": output,
            });
            json!({"response": response})
        };
        let at = |name: &str, value: Value| {
            let mut event = json!({
                "response_id": response, "item_id": item, "output_index": 0, "content_index": 0,
            });
            event[name] = value;
            event
        };
        let completed = item_json("completed", json!([part(&text)]));
        let of = |item: &Value| json!({"response_id": response, "output_index": 0, "item": item});
        let mut events = vec![
            self.event("response.created", response_json("in_progress", json!([]))),
            self.event(
                "response.output_item.added",
                of(&item_json("in_progress", json!([]))),
            ),
            self.event("response.content_part.added", at("part", part(""))),
        ];
        for word in model_stub::word_chunks(&text) {
            events.push(self.event("response.output_text.delta", at("delta", json!(word))));
        }
        events.extend([
            self.event("response.output_text.done", at("text", json!(&*text))),
            self.event("response.content_part.done", at("part", part(&text))),
            self.event("response.output_item.done", of(&completed)),
            self.event(
                "response.done",
                response_json("completed", json!([completed])),
            ),
        ]);
        events
    }

    fn session(&self, kind: &str) -> Value {
        let mut session = Map::new();
        session.insert(
            "id".to_owned(),
            json!(format!("sess_{}", self.call.request.id)),
        );
        session.insert("object".to_owned(), json!("realtime.session"));
        session.insert("model".to_owned(), json!(self.call.query_param("model")));
        session.extend(self.settings.clone());
        self.event(kind, json!({"session": session}))
    }

    fn error(&self, message: &str) -> Value {
        let error = json!({"type": "invalid_request_error", "message": message});
        self.event("error", json!({"error": error}))
    }

    fn event(&self, kind: &str, mut event: Value) -> Value {
        event["type"] = json!(kind);
        event["event_id"] = json!(self.id("event"));
        event
    }

    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.call.ids.uuid().replace('-', ""))
    }

    async fn send(&mut self, socket: &mut Socket, events: Events) -> Result<(), SessionEnd> {
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

/// The maximum number of fields in the settings of a session.
const MAX_SETTINGS: usize = 100;

type Events = Vec<Value>;

async fn write(socket: &mut Socket, message: Message) -> Result<(), SessionEnd> {
    let sent = tokio::time::timeout(IDLE_TIMEOUT, socket.send(message)).await;
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(SessionEnd::Disconnected),
    }
}

/// Parses an event and its type.
fn event(message: &Message) -> Result<(String, Value), String> {
    let json = message
        .as_text()
        .ok_or("expected a text event, found a binary message")?;
    let event: Value = serde_json::from_str(json)
        .map_err(|error| format!("the event is not valid JSON: {error}"))?;
    let kind = event["type"].as_str().map(str::to_owned);
    let kind = kind.ok_or("expected a string for `type` in the event")?;
    Ok((kind, event))
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

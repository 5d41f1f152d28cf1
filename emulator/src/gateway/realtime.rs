//! Realtime sessions: the handshake, and a session over a websocket.
//!
//! The events are those of a session in texts: `session.created` at the beginning; `session.update` is
//! answered with `session.updated`, `conversation.item.create` with `conversation.item.created`, and
//! `response.create` with the events of a response that repeats the last text of the user. Every other
//! event comes back inside of an event `emulator.echo`, and what is no event is answered with `error`.

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

use super::script::{Plan, Script, Stop};
use super::stream::Event;
use super::voice::{self, Said, Told};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::State;
use crate::socket::Resetter;

/// How many sessions are open at a time; more are refused.
const SESSIONS: usize = 256;

/// The largest message that is received, in bytes.
const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// When nothing has come for so long, the other side is asked for a sign of life, and once more that
/// long later the session is over. As long a message may take to be sent.
const SILENCE: Duration = Duration::from_secs(30);

/// What the standard adds to a key before it is hashed (RFC 6455, section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The sessions of one emulator.
#[derive(Debug)]
pub(crate) struct Sessions {
    places: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl Sessions {
    /// No sessions yet; they end when they are told to stop.
    pub(crate) fn new(stopped: watch::Receiver<bool>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(SESSIONS)),
            stopped,
        }
    }
}

/// A session that is to be opened.
#[derive(Debug)]
pub(crate) struct Session {
    call: Call,
    /// `Sec-WebSocket-Accept`, once the handshake was looked at.
    pub(crate) accept: String,
}

/// The key may; what is left is the handshake.
pub(super) fn connect(_: &State, call: &Call) -> Answer {
    Ok(Reply::Session(Box::new(Session {
        call: call.clone(),
        accept: String::new(),
    })))
}

/// Opens the session of an answer, or refuses what is no handshake; leaves other answers as they are.
pub(crate) fn open(
    sessions: &Sessions,
    head: &mut Parts,
    answer: Answer,
    script: Option<&Script>,
    resetter: &Resetter,
) -> Answer {
    let mut session = match answer {
        Ok(Reply::Session(session)) => session,
        other => return other,
    };
    session.accept = accept(&head.headers)?;
    let upgrade = head.extensions.remove::<OnUpgrade>();
    let upgrade = upgrade.ok_or_else(|| refused(&UPGRADE, "cannot be followed here"))?;
    let place = Arc::clone(&sessions.places).try_acquire_owned();
    let place = place.map_err(|_| {
        let problem = format!("more than {SESSIONS} sessions are open");
        Refusal::new(429, None, problem)
    })?;
    let live = Live {
        call: session.call.clone(),
        plan: script.map(|script| script.plan.clone()).unwrap_or_default(),
        events: script.and_then(|script| script.events.clone()),
        settings: Map::new(),
        told: String::new(),
        given: 0,
    };
    let stopped = sessions.stopped.clone();
    tokio::spawn(run(upgrade, live, resetter.clone(), stopped, place));
    Ok(Reply::Session(session))
}

/// The answer to the handshake's key.
fn accept(headers: &HeaderMap) -> Result<String, Refusal> {
    let has = |name: &HeaderName, token: &str| {
        let values = headers.get_all(name).iter();
        let mut tokens = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|v| v.split(','));
        tokens.any(|own| own.trim().eq_ignore_ascii_case(token))
    };
    if !has(&CONNECTION, "upgrade") {
        return Err(refused(&CONNECTION, "is not `Upgrade`"));
    }
    if !has(&UPGRADE, "websocket") {
        return Err(refused(&UPGRADE, "is not `websocket`"));
    }
    if !has(&SEC_WEBSOCKET_VERSION, "13") {
        return Err(refused(&SEC_WEBSOCKET_VERSION, "is not 13"));
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
        _ => Err(refused(&SEC_WEBSOCKET_KEY, "is not 16 bytes in Base64")),
    }
}

fn refused(header: &HeaderName, problem: &str) -> Refusal {
    Refusal::invalid(format!("header `{header}`: {problem}"))
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What a session knows.
struct Live {
    call: Call,
    plan: Plan,
    /// What a script says instead of a response.
    events: Option<Vec<Event>>,
    settings: Map<String, Value>,
    /// The last text of the user.
    told: String,
    /// How many events were sent.
    given: u64,
}

/// Why a session ends.
enum End {
    Goodbye(CloseCode, &'static str),
    /// Without a word.
    Gone,
    Reset,
}

async fn run(
    upgrade: OnUpgrade,
    mut live: Live,
    resetter: Resetter,
    mut stopped: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    // The other side may have gone before the session began.
    let Ok(upgraded) = upgrade.await else { return };
    let limits = Limits::default().max_payload_len(Some(LARGEST_MESSAGE));
    let mut socket = ServerBuilder::new()
        .limits(limits)
        .serve(TokioIo::new(upgraded));
    let end = tokio::select! {
        end = live.talk(&mut socket) => end,
        // An error would say that the emulator is gone, which is the same.
        _ = stopped.wait_for(|stopped| *stopped) => End::Goodbye(CloseCode::GOING_AWAY, "the emulator stops"),
    };
    match end {
        End::Goodbye(code, reason) => {
            let goodbye = async {
                // It is refused where the library has one waiting that is about a broken rule.
                let _ = socket.send(Message::close(Some(code), reason)).await;
                let _ = socket.flush().await;
            };
            // It is a courtesy.
            let _ = tokio::time::timeout(SILENCE, goodbye).await;
        }
        End::Gone => {}
        End::Reset => resetter.reset(),
    }
    drop((socket, place));
}

impl Live {
    async fn talk(&mut self, socket: &mut Socket) -> End {
        let created = self.session("session.created");
        if let Err(end) = self.send(socket, vec![created]).await {
            return end;
        }
        let mut was_asked = false;
        loop {
            let message = match tokio::time::timeout(SILENCE, socket.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(problem))) => return farewell(&problem),
                Ok(None) => return End::Gone,
                Err(_) if was_asked => return End::Gone,
                Err(_) => {
                    was_asked = true;
                    if let Err(end) = write(socket, Message::ping("")).await {
                        return end;
                    }
                    continue;
                }
            };
            was_asked = false;
            if message.is_ping() || message.is_pong() || message.is_close() {
                // The library has answered, or ends the session next.
                continue;
            }
            let event = event(&message);
            let asks = matches!(&event, Ok((kind, _)) if kind == "response.create");
            let sent = match self.events.clone().filter(|_| asks) {
                Some(events) => self.send_scripted(socket, events).await,
                None => {
                    let answers = self.answers(event);
                    self.send(socket, answers).await
                }
            };
            if let Err(end) = sent {
                return end;
            }
        }
    }

    /// What is answered to an event, or to what is none.
    fn answers(&mut self, event: Result<(String, Value), String>) -> Answers {
        let (kind, event) = match event {
            Ok(event) => event,
            Err(problem) => return vec![self.error(&problem)],
        };
        match kind.as_str() {
            "session.update" => {
                let given = event["session"].as_object().cloned().unwrap_or_default();
                if self.settings.len() + given.len() > MOST_SETTINGS {
                    return vec![self.error("the session has too many members")];
                }
                self.settings.extend(given);
                vec![self.session("session.updated")]
            }
            "conversation.item.create" => {
                let mut item = event["item"].clone();
                if item["role"] == "user" {
                    self.told = voice::text_of(&item["content"]);
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

    /// The events of a response in text.
    fn response(&mut self) -> Answers {
        let told = Told::Question(self.told.clone());
        let text = match voice::said(&self.call, &told, &Value::Null) {
            Said::Text(text) => text,
            Said::Tools(calls) => calls
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
            let mut place = json!({
                "response_id": response, "item_id": item, "output_index": 0, "content_index": 0,
            });
            place[name] = value;
            place
        };
        let whole = item_json("completed", json!([part(&text)]));
        let of = |item: &Value| json!({"response_id": response, "output_index": 0, "item": item});
        let mut events = vec![
            self.event("response.created", response_json("in_progress", json!([]))),
            self.event(
                "response.output_item.added",
                of(&item_json("in_progress", json!([]))),
            ),
            self.event("response.content_part.added", at("part", part(""))),
        ];
        for word in voice::word_by_word(&text) {
            events.push(self.event("response.output_text.delta", at("delta", json!(word))));
        }
        events.extend([
            self.event("response.output_text.done", at("text", json!(&*text))),
            self.event("response.content_part.done", at("part", part(&text))),
            self.event("response.output_item.done", of(&whole)),
            self.event("response.done", response_json("completed", json!([whole]))),
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
        session.insert("model".to_owned(), json!(self.call.query_text("model")));
        session.extend(self.settings.clone());
        self.event(kind, json!({"session": session}))
    }

    fn error(&self, problem: &str) -> Value {
        let error = json!({"type": "invalid_request_error", "message": problem});
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

    async fn send(&mut self, socket: &mut Socket, events: Answers) -> Result<(), End> {
        for event in events {
            self.send_one(socket, Message::text(event.to_string()))
                .await?;
        }
        Ok(())
    }

    async fn send_scripted(&mut self, socket: &mut Socket, events: Vec<Event>) -> Result<(), End> {
        for event in events {
            let message = match event {
                Event::Data { data, .. } => Message::text(data),
                Event::Raw(bytes) => Message::binary(bytes),
            };
            self.send_one(socket, message).await?;
        }
        Ok(())
    }

    /// Sends an event as the script wants it.
    async fn send_one(&mut self, socket: &mut Socket, message: Message) -> Result<(), End> {
        match self.plan.stop.filter(|(after, _)| self.given >= *after) {
            None => {}
            Some((_, Stop::Stall)) => return Ok(()),
            Some((_, Stop::Reset)) => return Err(End::Reset),
            Some((_, Stop::End)) => return Err(End::Goodbye(CloseCode::NORMAL_CLOSURE, "")),
            Some((_, Stop::Half | Stop::Close | Stop::Truncate)) => return Err(End::Gone),
        }
        if !self.plan.pace.is_zero() {
            tokio::time::sleep(self.plan.pace).await;
        }
        self.given += 1;
        write(socket, message).await
    }
}

/// How many members the settings of a session have at most.
const MOST_SETTINGS: usize = 100;

type Answers = Vec<Value>;

async fn write(socket: &mut Socket, message: Message) -> Result<(), End> {
    let sent = tokio::time::timeout(SILENCE, socket.send(message)).await;
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

/// An event and its type, or what is wrong with it.
fn event(message: &Message) -> Result<(String, Value), String> {
    let text = message.as_text().ok_or("a binary message is no event")?;
    let event: Value =
        serde_json::from_str(text).map_err(|error| format!("the event is not JSON: {error}"))?;
    let kind = event["type"].as_str().map(str::to_owned);
    let kind = kind.ok_or("the event has no text as `type`")?;
    Ok((kind, event))
}

/// How a session ends whose other side does not keep to the protocol.
fn farewell(problem: &tokio_websockets::Error) -> End {
    match problem {
        tokio_websockets::Error::PayloadTooLong { .. } => {
            End::Goodbye(CloseCode::MESSAGE_TOO_BIG, "the message is too large")
        }
        tokio_websockets::Error::Protocol(_) => {
            End::Goodbye(CloseCode::PROTOCOL_ERROR, "that is no websocket")
        }
        _ => End::Gone,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue};

    use super::accept;

    fn handshake(changes: &[(&'static str, &str)]) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        let usual = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in usual.iter().chain(changes) {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        accept(&headers).map_err(|refusal| refusal.body.to_string())
    }

    #[test]
    fn a_handshake_is_answered_as_the_standard_says() {
        assert_eq!(handshake(&[]).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for (name, value) in [
            ("connection", "close"),
            ("upgrade", "h2c"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "short"),
        ] {
            let problem = handshake(&[(name, value)]).unwrap_err();
            assert!(problem.contains(name), "{problem}");
        }
    }
}

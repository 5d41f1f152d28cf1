//! Realtime sessions: the events of a model that supports text only.
//!
//! A session starts with `session.created`. The response to `session.update` is `session.updated`,
//! the response to `conversation.item.create` is `conversation.item.created`, and the response to
//! `response.create` are the events of a model response that echoes the user's last text. Every
//! other event is returned inside an `emulator.echo` event, and the response to an invalid event is
//! `error`.

use serde_json::{Map, Value, json};

use super::model_stub::{self, ModelInput, ModelOutput};
use crate::call::Call;
use crate::response::{Conversation, HandlerResult, ResponseBody};
use crate::state::State;

/// The maximum number of fields in the settings of a session.
const MAX_SETTINGS: usize = 100;

/// The state of a session.
#[derive(Debug)]
struct Session {
    call: Call,
    settings: Map<String, Value>,
    /// The user's last text.
    user_text: String,
}

/// Returns a session after authorisation; the handshake follows.
pub(super) fn connect(_: &State, call: &Call) -> HandlerResult {
    Ok(ResponseBody::WebSocket(Box::new(Session {
        call: call.clone(),
        settings: Map::new(),
        user_text: String::new(),
    })))
}

impl Conversation for Session {
    fn open(&mut self) -> Vec<Value> {
        vec![self.session("session.created")]
    }

    fn is_scriptable(&self, event: &Value) -> bool {
        event["type"] == "response.create"
    }

    fn respond(&mut self, event: Result<Value, String>) -> Vec<Value> {
        let event = match event {
            Ok(event) => event,
            Err(message) => return vec![self.error(&message)],
        };
        let Some(kind) = event["type"].as_str() else {
            return vec![self.error("expected a string for `type` in the event")];
        };
        match kind {
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
}

impl Session {
    /// Returns the events of a model response.
    fn response(&mut self) -> Vec<Value> {
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
}

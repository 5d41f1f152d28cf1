//! Handler results.

use std::fmt;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::http::content::Content;
use crate::http::events::Events;

/// What a handler returns.
pub(crate) type HandlerResult = Result<ResponseBody, ApiError>;

/// The body of a 200 response.
#[derive(Debug)]
pub(crate) enum ResponseBody {
    Json(Value),
    /// Bytes with a content type other than JSON.
    Bytes(&'static str, Vec<u8>),
    /// An event stream.
    Events(Events),
    /// Binary content of any size, sent in chunks.
    Content(&'static str, Content),
    /// A WebSocket session.
    WebSocket(Box<dyn Conversation>),
}

/// The events that one session sends.
pub(crate) trait Conversation: fmt::Debug + Send {
    /// Returns the events at the start of the session.
    fn open(&mut self) -> Vec<Value>;

    /// Returns the events in response to a received event, or to an invalid one.
    fn respond(&mut self, event: Result<Value, String>) -> Vec<Value>;

    /// Returns whether a script can replace the response to this event.
    fn is_scriptable(&self, event: &Value) -> bool;
}

impl ResponseBody {
    /// Returns a JSON body.
    pub(crate) fn json(body: Value) -> Self {
        Self::Json(body)
    }

    /// Returns `{}`, the response of most updates and deletions.
    pub(crate) fn empty_object() -> Self {
        Self::Json(json!({}))
    }

    /// Adds a field to a JSON object.
    pub(crate) fn with_field(self, name: &str, value: Value) -> Self {
        match self {
            Self::Json(Value::Object(mut body)) => {
                body.insert(name.to_owned(), value);
                Self::Json(Value::Object(body))
            }
            other => other,
        }
    }

    /// Returns a body with a content type other than JSON.
    pub(crate) fn bytes(content_type: &'static str, bytes: Vec<u8>) -> Self {
        Self::Bytes(content_type, bytes)
    }
}

/// Returns a JSON response.
pub(crate) fn respond(body: Value) -> HandlerResult {
    Ok(ResponseBody::Json(body))
}

/// Adds the fields of one JSON object to another.
pub(crate) fn merge(body: &mut Value, fields: Value) {
    if let (Value::Object(body), Value::Object(fields)) = (body, fields) {
        body.extend(fields);
    }
}

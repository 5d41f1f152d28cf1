//! Handler results: response bodies, and errors in the service's envelope.

use serde_json::{Map, Value, json};

use crate::http::content::Content;
use crate::http::events::Events;
use crate::http::websocket::Conversation;

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

/// A response with an error status.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) body: Value,
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

impl ApiError {
    /// Creates an error in the control plane's envelope.
    pub(crate) fn new(status: u16, code: Option<&str>, message: impl Into<String>) -> Self {
        let mut data = Map::new();
        data.insert("message".to_owned(), Value::String(message.into()));
        if let Some(code) = code {
            data.insert("errorCode".to_owned(), json!(code));
        }
        Self {
            status,
            body: json!({"success": false, "data": data}),
        }
    }

    /// Returns the message.
    pub(crate) fn message(&self) -> &str {
        self.body["data"]["message"].as_str().unwrap_or_default()
    }

    /// 400 `AB01`: invalid request.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, Some("AB01"), message)
    }

    /// 400 `AB01` for a field of the body.
    pub(crate) fn invalid_field(name: &str, reason: &str) -> Self {
        Self::bad_request(format!("body: `/{name}` {reason}"))
    }

    /// 403 `AB03`: not permitted, or the resource does not exist.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, Some("AB03"), message)
    }

    /// 404 `AB08`: not found.
    pub(crate) fn not_found(name: &str) -> Self {
        Self::new(404, Some("AB08"), format!("{name} not found"))
    }

    /// 409 `AB07`: another resource depends on this one.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, Some("AB07"), message)
    }
}

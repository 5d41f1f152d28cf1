//! Errors in the service's envelope.

use serde_json::{Map, Value, json};

/// A response with an error status.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) body: Value,
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

    /// Creates an error with the code that belongs to its status in the control plane (V001–V009).
    pub(crate) fn with_status_code(status: u16, message: impl Into<String>) -> Self {
        let code = match status {
            400 => Some("AB01"),
            401 => Some("AB05"),
            402 => Some("AB09"),
            403 => Some("AB03"),
            404 => Some("AB08"),
            409 => Some("AB07"),
            429 => Some("AB06"),
            500 => Some("AB04"),
            _ => None,
        };
        Self::new(status, code, message)
    }

    /// Creates an error in the gateway's envelope (V016).
    pub(crate) fn gateway(status: u16, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self {
            status,
            body: json!({"status": "failure", "message": message}),
        }
    }

    /// Returns the message.
    pub(crate) fn message(&self) -> &str {
        let in_control_plane = self.body["data"]["message"].as_str();
        let message = in_control_plane.or_else(|| self.body["message"].as_str());
        message.unwrap_or_default()
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

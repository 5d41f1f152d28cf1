//! The answer that an error keeps, and what can be read from it.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::Client;

/// As much of a body as an error keeps: 1 MiB.
pub(crate) const LIMIT: usize = 1 << 20;

/// An answer that is no value: its status, headers and body, and what could be read from it.
#[derive(Clone)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) is_cut: bool,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

impl ErrorResponse {
    /// Reads code and message from any of the envelopes that the service was seen to use, and cuts a
    /// long body. A `status_code` inside is not read: the status is what HTTP says, by which proxies and
    /// retries go, too.
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let is_cut = body.len() > LIMIT;
        let body = match body.get(..LIMIT) {
            // A copy, so that the rest is not held in memory.
            Some(start) if is_cut => Bytes::copy_from_slice(start),
            _ => body,
        };
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let container = [&json["error"], &json["data"]]
            .into_iter()
            .find(|inner| inner.is_object())
            .unwrap_or(&json);
        let text = |name: &str| said(&container[name]).or_else(|| said(&json[name]));
        Self {
            status,
            headers,
            body,
            is_cut,
            code: text("errorCode").or_else(|| text("code")),
            message: text("message").or_else(|| json["error"].as_str().map(str::to_owned)),
        }
    }

    /// Takes the client's secrets out of what `Display` shows, should the service echo one.
    pub(crate) fn redacted(self, client: &Client) -> Self {
        Self {
            code: self.code.map(|text| client.redacted(text)),
            message: self.message.map(|text| client.redacted(text)),
            ..self
        }
    }

    /// What the body says it is, where that is not JSON: a page of some proxy, or compressed.
    pub(crate) fn foreign(&self) -> Option<String> {
        let text = |name| self.headers.get(name)?.to_str().ok();
        if let Some(encoding) = text(header::CONTENT_ENCODING) {
            return Some(format!("the answer is encoded as {encoding}"));
        }
        let kind = text(header::CONTENT_TYPE)?;
        (!kind.contains("json")).then(|| format!("the answer says it is {kind}"))
    }
}

/// A text, or a number as text: codes were seen as text and are documented as numbers, too.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

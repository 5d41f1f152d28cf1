//! The response that an error holds.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use super::envelope::Envelope;
use crate::redact::Redactor;

/// The maximum length of the body of an error: 1 MiB.
pub(crate) const MAX_BODY_LEN: usize = 1 << 20;

/// Status, headers and body of a response, with what the body says about the error.
#[derive(Clone)]
pub(crate) struct ErrorResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) is_truncated: bool,
    pub(crate) envelope: Envelope,
}

impl ErrorResponse {
    /// Reads the envelope of the body, and truncates a long body.
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let is_truncated = body.len() > MAX_BODY_LEN;
        let body = match body.get(..MAX_BODY_LEN) {
            // Copied to free the memory of the rest.
            Some(start) if is_truncated => Bytes::copy_from_slice(start),
            _ => body,
        };
        Self {
            envelope: Envelope::read(&body),
            status,
            headers,
            body,
            is_truncated,
        }
    }

    /// Redacts the client's secrets in the envelope, of which `Display` shows a part.
    pub(crate) fn redacted(self, redactor: &Redactor) -> Self {
        Self {
            envelope: self.envelope.redacted(redactor),
            ..self
        }
    }

    /// Returns a hint if the headers declare something other than plain JSON, such as the HTML page
    /// of a proxy or a compressed body.
    pub(crate) fn format_hint(&self) -> Option<String> {
        let value = |name| self.headers.get(name)?.to_str().ok();
        if let Some(encoding) = value(header::CONTENT_ENCODING) {
            return Some(format!("the response has the content encoding {encoding}"));
        }
        let content_type = value(header::CONTENT_TYPE)?;
        let is_json = content_type.contains("json");
        (!is_json).then(|| format!("the response has the content type {content_type}"))
    }
}

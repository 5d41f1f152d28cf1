//! The ids that Portkey assigns to requests.

use http::{HeaderMap, HeaderName};

pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-portkey-request-id");
pub(crate) static TRACE_ID: HeaderName = HeaderName::from_static("x-portkey-trace-id");

/// Returns the request id from response headers.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(&REQUEST_ID)?.to_str().ok()
}

/// Returns the trace id from response headers.
pub(crate) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(&TRACE_ID)?.to_str().ok()
}

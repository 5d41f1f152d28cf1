//! Responses with metadata, and streamed bodies.

mod byte_stream;
mod chunks;

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{request_id, transport::RawResponse};

pub use byte_stream::ByteStream;
#[cfg(feature = "gateway")]
pub(crate) use chunks::Chunks;
pub use chunks::Progress;

/// A decoded value with the status, headers and raw body of its response.
#[derive(Clone)]
pub struct Response<T> {
    value: T,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    attempts: u32,
}

impl<T> Response<T> {
    pub(crate) fn new(value: T, response: RawResponse) -> Self {
        Self {
            value,
            status: response.status,
            headers: response.headers,
            body: response.body,
            attempts: response.history.attempts,
        }
    }

    /// Returns the decoded value.
    pub fn value(&self) -> &T {
        &self.value
    }

    pub(crate) fn value_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// Returns the decoded value and drops the rest.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Returns the status: a success, or 404 if a retried `DELETE` found that the resource no
    /// longer exists after an attempt that may have deleted it.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the response headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the unchanged response body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns Portkey's request id (`x-portkey-request-id`), to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        request_id::request_id(&self.headers)
    }

    /// Returns Portkey's trace id (`x-portkey-trace-id`).
    pub fn trace_id(&self) -> Option<&str> {
        request_id::trace_id(&self.headers)
    }

    /// Returns the number of attempts.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

/// Omits headers and body, because they may contain secrets.
impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("value", &self.value)
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

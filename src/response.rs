//! An answer with everything around its value.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{error, transport::BufferedResponse};

/// A value with the status, the headers and the raw body that it came in.
#[derive(Clone)]
pub struct Response<T> {
    value: T,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    attempts: u32,
}

impl<T> Response<T> {
    pub(crate) fn new(value: T, raw: BufferedResponse) -> Self {
        Self {
            value,
            status: raw.status,
            headers: raw.headers,
            body: raw.body,
            attempts: raw.history.attempts,
        }
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value alone.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The status: a success, or 404 where a repeated `DELETE` found that the thing was gone, after an
    /// attempt that may have deleted it.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body as it came.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// What Portkey calls the request (`x-portkey-request-id`), to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        error::request_id(&self.headers)
    }

    /// What Portkey calls the trace (`x-portkey-trace-id`).
    pub fn trace_id(&self) -> Option<&str> {
        error::trace_id(&self.headers)
    }

    /// How often the request was sent, or tried to be.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

/// Headers and body may hold secrets, so they do not show.
impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("value", &self.value)
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

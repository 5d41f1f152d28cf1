//! The log of received requests, for assertions.
//!
//! Written by hand: it is limited by the size of its entries, which caches and ring buffers limit by number.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One request as it was received.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method, in upper case.
    pub method: String,
    /// The operation id from the manifest; `None` if no operation has this method and path.
    pub operation: Option<String>,
    /// The path and query exactly as received, not decoded.
    pub target: String,
    /// The segments of the path, each percent-decoded once; invalid UTF-8 is replaced.
    pub segments: Vec<String>,
    /// Names (lower case) and values of the headers, in order; invalid UTF-8 is replaced.
    pub headers: Vec<(String, String)>,
    /// The body; empty if it was too large or truncated.
    pub body: Vec<u8>,
}

/// The access log entry of one request. It contains no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessLogEntry {
    /// The method, in upper case.
    pub method: String,
    /// The path without the query, as received.
    pub path: String,
    /// The operation id from the manifest; `None` if no operation has this method and path.
    pub operation: Option<String>,
    /// The status of the response.
    pub status: u16,
    /// How long the request took, including reading its body and injected latency.
    pub duration: Duration,
}

impl fmt::Display for AccessLogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.as_deref().unwrap_or("-");
        let Self {
            method,
            path,
            status,
            duration,
            ..
        } = self;
        write!(f, "{status} {method} {path} {operation} {duration:.1?}")
    }
}

/// The maximum total size of recorded requests in bytes; the oldest are dropped first.
const CAPACITY: usize = 64 * 1024 * 1024;

/// Estimated size of a request in memory besides its strings and its body.
const OVERHEAD: usize = 512;

/// The latest requests, up to 64 MiB.
#[derive(Default)]
pub(crate) struct RequestLog {
    entries: Mutex<(VecDeque<RecordedRequest>, usize)>,
}

impl RequestLog {
    pub(crate) fn push(&self, request: RecordedRequest) {
        let mut entries = self.lock();
        entries.1 += request.size();
        entries.0.push_back(request);
        while entries.1 > CAPACITY
            && let Some(oldest) = entries.0.pop_front()
        {
            entries.1 -= oldest.size();
        }
    }

    /// Returns a copy of the recorded requests, oldest first.
    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.lock().0.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, (VecDeque<RecordedRequest>, usize)> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Headers whose values `Debug` redacts, in case a test uses a real key by mistake.
const SECRET_HEADERS: [&str; 2] = ["x-portkey-api-key", "authorization"];

impl RecordedRequest {
    fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        OVERHEAD + 2 * self.target.len() + headers + self.body.len()
    }

    /// Returns the first value of a header; `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the path without its query, exactly as received.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// Returns the query without its `?`, exactly as received.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str(),
                    if SECRET_HEADERS.contains(&name.as_str()) {
                        "[redacted]"
                    } else {
                        value
                    },
                )
            })
            .collect();
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, RecordedRequest, RequestLog};

    #[test]
    fn the_log_keeps_the_latest_requests_within_its_capacity() {
        let log = RequestLog::default();
        for number in 0..10 {
            log.push(RecordedRequest {
                method: "POST".to_owned(),
                operation: None,
                target: format!("/{number}"),
                segments: Vec::new(),
                headers: Vec::new(),
                body: vec![0; CAPACITY / 4],
            });
        }
        let entries: Vec<String> = log
            .all()
            .into_iter()
            .map(|request| request.target)
            .collect();
        assert_eq!(entries, ["/7", "/8", "/9"]);
    }

    #[test]
    fn debug_prints_neither_keys_nor_bodies() {
        let request = RecordedRequest {
            method: "POST".to_owned(),
            operation: None,
            target: "/v1/configs?x=1".to_owned(),
            segments: vec!["v1".to_owned(), "configs".to_owned()],
            headers: vec![("x-portkey-api-key".to_owned(), "canary".to_owned())],
            body: b"canary".to_vec(),
        };
        let output = format!("{request:?}");
        assert!(
            !output.contains("canary") && output.contains("/v1/configs"),
            "{output}"
        );
        assert_eq!(
            (request.path(), request.query()),
            ("/v1/configs", Some("x=1"))
        );
    }
}

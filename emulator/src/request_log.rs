//! What was asked, kept for assertions.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One request as it arrived.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method, in upper case.
    pub method: String,
    /// The ledger's name of the operation; none where no operation has this method and path.
    pub operation: Option<String>,
    /// Path and query exactly as they came, nothing decoded.
    pub target: String,
    /// The segments of the path, each percent-decoded once; invalid UTF-8 is replaced.
    pub segments: Vec<String>,
    /// Names (lower case) and values of the headers, in order; invalid UTF-8 is replaced.
    pub headers: Vec<(String, String)>,
    /// The body; empty where it was too large or cut off.
    pub body: Vec<u8>,
}

/// What a log says about a request that was answered: nothing that could be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessLogEntry {
    /// The method, in upper case.
    pub method: String,
    /// The path without the query, as it came.
    pub path: String,
    /// The ledger's name of the operation; none where no operation has this method and path.
    pub operation: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took, body and latency included.
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

/// How many bytes of requests are kept; beyond that, the oldest go.
const CAPACITY: usize = 64 * 1024 * 1024;

/// What a request costs besides its texts and its body.
const OVERHEAD: usize = 512;

/// The latest requests, as many as fit into 64 MiB.
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

    /// A copy of what is kept, oldest first.
    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.lock().0.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, (VecDeque<RecordedRequest>, usize)> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Headers whose values `Debug` does not print: a test may have been given a real key by mistake.
const SECRET_HEADERS: [&str; 2] = ["x-portkey-api-key", "authorization"];

impl RecordedRequest {
    fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        OVERHEAD + 2 * self.target.len() + headers + self.body.len()
    }

    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// The path without its query, exactly as it came.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The query without its `?`, exactly as it came.
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
        let text = format!("{request:?}");
        assert!(
            !text.contains("canary") && text.contains("/v1/configs"),
            "{text}"
        );
        assert_eq!(
            (request.path(), request.query()),
            ("/v1/configs", Some("x=1"))
        );
    }
}

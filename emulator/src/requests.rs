//! What was asked, kept for assertions.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One request as it arrived.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeenRequest {
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
pub struct RequestLine {
    /// The method, in upper case.
    pub method: String,
    /// The path without the query, as it came.
    pub path: String,
    /// The ledger's name of the operation; none where no operation has this method and path.
    pub operation: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took, body and latency included.
    pub took: Duration,
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.as_deref().unwrap_or("-");
        let Self {
            method,
            path,
            status,
            took,
            ..
        } = self;
        write!(f, "{status} {method} {path} {operation} {took:.1?}")
    }
}

/// How many bytes of requests are kept; beyond that, the oldest go.
const KEPT: usize = 64 * 1024 * 1024;

/// What a request costs besides its texts and its body.
const OVERHEAD: usize = 512;

/// The latest requests, as many as fit into 64 MiB.
#[derive(Default)]
pub(crate) struct Record {
    kept: Mutex<(VecDeque<SeenRequest>, usize)>,
}

impl Record {
    pub(crate) fn push(&self, request: SeenRequest) {
        let mut kept = self.lock();
        kept.1 += request.size();
        kept.0.push_back(request);
        while kept.1 > KEPT
            && let Some(oldest) = kept.0.pop_front()
        {
            kept.1 -= oldest.size();
        }
    }

    /// A copy of what is kept, oldest first.
    pub(crate) fn all(&self) -> Vec<SeenRequest> {
        self.lock().0.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, (VecDeque<SeenRequest>, usize)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Headers whose values `Debug` does not print: a test may have been given a real key by mistake.
const SECRET: [&str; 2] = ["x-portkey-api-key", "authorization"];

impl SeenRequest {
    fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        OVERHEAD + 2 * self.target.len() + headers + self.body.len()
    }

    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
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

impl fmt::Debug for SeenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str(),
                    if SECRET.contains(&name.as_str()) {
                        "[redacted]"
                    } else {
                        value
                    },
                )
            })
            .collect();
        f.debug_struct("SeenRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Record, SeenRequest};

    #[test]
    fn the_record_keeps_the_latest_and_does_not_grow_for_ever() {
        let record = Record::default();
        for number in 0..10 {
            record.push(SeenRequest {
                method: "POST".to_owned(),
                operation: None,
                target: format!("/{number}"),
                segments: Vec::new(),
                headers: Vec::new(),
                body: vec![0; KEPT / 4],
            });
        }
        let kept: Vec<String> = record.all().into_iter().map(|seen| seen.target).collect();
        assert_eq!(kept, ["/7", "/8", "/9"]);
    }

    #[test]
    fn debug_prints_neither_keys_nor_bodies() {
        let request = SeenRequest {
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

//! What was asked, kept for assertions.

use std::fmt;

/// One request as it arrived.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The method, in upper case.
    pub method: String,
    /// Path and query exactly as they came, nothing decoded.
    pub target: String,
    /// The segments of the path, each percent-decoded once; invalid UTF-8 is replaced.
    pub segments: Vec<String>,
    /// Names (lower case) and values of the headers, in order; invalid UTF-8 is replaced.
    pub headers: Vec<(String, String)>,
    /// The body, as many bytes as came.
    pub body: Vec<u8>,
}

/// Headers whose values `Debug` does not print: a test may have been given a real key by mistake.
const SECRET: [&str; 2] = ["x-portkey-api-key", "authorization"];

impl SeenRequest {
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
    use super::SeenRequest;

    #[test]
    fn debug_prints_neither_keys_nor_bodies() {
        let request = SeenRequest {
            method: "POST".to_owned(),
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

//! Requests that no generated method stands for.

use std::fmt;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Client, Error, Response, call,
    error::{DecodeError, Label, without_values},
    operation::{ApiVersion, Idempotency, Plane},
    options,
    transport::{Body, Exchange, JSON, PreparedRequest},
    url::Url,
};

/// A request by method and path, for what the document does not know yet; see [`Client::request`].
///
/// It is repeated like an operation that is only known by its method: `GET` and `HEAD` as reading,
/// `DELETE` as idempotent, everything else (a `PUT` may create a version) only where it cannot have
/// been executed. [`RequestOptions::idempotent`](crate::RequestOptions::idempotent) says otherwise.
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    client: Client,
    method: Method,
    path: String,
    plane: Plane,
    api_version: ApiVersion,
    query: Vec<(String, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Bytes>,
    problem: Option<Error>,
}

impl Request {
    pub(crate) fn new(client: &Client, method: Method, path: String) -> Self {
        Self {
            client: client.clone(),
            method,
            path,
            plane: Plane::Control,
            api_version: ApiVersion::V1,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            problem: None,
        }
    }

    /// Which half of the service it is sent to: the control plane unless set.
    pub fn plane(mut self, plane: Plane) -> Self {
        self.plane = plane;
        self
    }

    /// Which version of the API it is sent to: `/v1` unless set.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.api_version = version;
        self
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets a header; those that the client sets itself cannot be overridden.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match options::header(name.as_ref(), value.as_ref()) {
            Ok((name, value)) => {
                self.headers.push((name, value));
            }
            Err(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
        self
    }

    /// Sets the body, as JSON.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match call::encoded(body) {
            Ok(body) => self.body = Some(body),
            Err(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
        self
    }

    /// Sends the request and decodes the answer; an empty one is decoded as `null`, so that `()` and
    /// `Option` take it.
    ///
    /// # Errors
    ///
    /// As of every call; a path that does not start with `/`, holds `.` or `..` as a segment, a query,
    /// or a character that must be percent-encoded is refused before anything is sent.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T, Error> {
        Ok(self.send_with_response().await?.into_inner())
    }

    /// Sends the request; gives the decoded answer with its status, headers and raw body.
    pub async fn send_with_response<T: DeserializeOwned>(self) -> Result<Response<T>, Error> {
        let label = self.label();
        let raw = self.exchange()?.run().await?;
        match decoded(&raw.body) {
            Ok(value) => Ok(Response::new(value, raw)),
            Err(error) => Err(call::undecoded(error, raw, &label)),
        }
    }

    /// Sends the request; any success will do, and its body is in the response as it came.
    pub async fn send_raw(self) -> Result<Response<()>, Error> {
        Ok(Response::new((), self.exchange()?.run().await?))
    }

    fn label(&self) -> Label {
        Label::Request(format!("{} {}", self.method, self.path).into())
    }

    fn exchange(self) -> Result<Exchange, Error> {
        let label = self.label();
        let (client, plane, retry) = (self.client.clone(), self.plane, class(&self.method));
        let request = self.built().map_err(|error| error.of(&label))?;
        Ok(Exchange {
            client,
            label,
            plane: Some(plane),
            retry,
            request,
        })
    }

    fn built(self) -> Result<PreparedRequest, Error> {
        check_path(&self.path)?;
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        self.client.options().check()?;
        let base = self.client.base(self.plane);
        let path = [base.root(self.api_version), &self.path].concat();
        let mut url = Url::new(base.with_path(&path));
        for (name, value) in &self.query {
            url.push(name, value);
        }
        Ok(PreparedRequest {
            method: self.method,
            url: url.finish(),
            accept: JSON,
            headers: self.headers,
            body: self.body.map(Body::Json),
        })
    }
}

/// Decodes a whole body; the error carries the JSON path, and no value. An empty one is `null`: a write
/// may be answered with nothing.
fn decoded<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let mut track = serde_path_to_error::Track::new();
    let mut json =
        serde_json::Deserializer::from_slice(if call::is_blank(body) { b"null" } else { body });
    let value = T::deserialize(serde_path_to_error::Deserializer::new(
        &mut json, &mut track,
    ));
    value
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| DecodeError::new(&track.path(), without_values(error)))
}

/// How a request is repeated of which only the method is known.
fn class(method: &Method) -> Idempotency {
    match *method {
        Method::GET | Method::HEAD => Idempotency::Safe,
        Method::DELETE => Idempotency::Idempotent,
        _ => Idempotency::NonIdempotent,
    }
}

/// A path that reaches what it says: below the base, and the same after it was parsed.
fn check_path(path: &str) -> Result<(), Error> {
    let refuse = |problem: String| Err(Error::invalid_request(format!("the path {problem}")));
    let Some(rest) = path.strip_prefix('/') else {
        return refuse("does not start with `/`".to_owned());
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/".contains(c);
    if let Some(c) = rest.chars().find(|c| !is_plain(*c)) {
        return refuse(format!("holds {c:?}, which must be percent-encoded"));
    }
    let is_dots = |segment: &str| {
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
        decoded == "." || decoded == ".."
    };
    if rest.split('/').any(is_dots) {
        return refuse("has a segment `.` or `..`, which would change it".to_owned());
    }
    if rest.contains("//") || rest.starts_with('/') {
        return refuse("has an empty segment".to_owned());
    }
    Ok(())
}

/// Values may be secrets, so only the method and the path show.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_that_stays_the_same_is_taken() {
        for good in ["/", "/a", "/a/b%2Fc", "/a/b:c@d/", "/a..b/...", "/a/%41"] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "//host/a",
            "/a//b",
            "/.",
            "/..",
            "/a/../b",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/a?b",
            "/a#b",
            "/a b",
            "/a\\b",
            "/a\nb",
            "/ü",
            "https://host.example/a",
        ] {
            assert!(check_path(bad).unwrap_err().is_invalid_request(), "{bad}");
        }
    }
}

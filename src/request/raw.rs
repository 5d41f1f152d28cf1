//! Requests without a generated method.

use std::fmt;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    call::{check_success, decode_error, encode_json, is_blank},
    query::Query,
};
use crate::{
    Client, Error, Response, decode,
    error::{DecodeError, Label},
    header, json, media_type,
    operation::{ApiVersion, Idempotency, Plane},
    redact::without_values,
    transport::{self, Attempt, Body, PreparedRequest, RawResponse},
};

/// # Endpoints without a method
impl Client {
    /// Creates a request for an endpoint without a generated method. `path` is appended to the base
    /// URL and starts with `/`.
    ///
    /// Key, options, retries, errors and traces work as in every other call.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use http::Method;
    ///
    /// let value: serde_json::Value = client
    ///     .request(Method::GET, "/brand-new/things")
    ///     .query("page_size", "10")
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, path: impl Into<String>) -> Request {
        Request::new(self, method, path.into())
    }
}

/// A request by method and path, for endpoints without a generated method; see [`Client::request`].
///
/// Retries depend on the method: `GET` and `HEAD` are safe, `DELETE` is idempotent, and every other
/// method (a `PUT` may create a version) is retried only if it cannot have been executed.
/// [`RequestOptions::idempotent`](crate::RequestOptions::idempotent) overrides this.
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    client: Client,
    method: Method,
    path: String,
    plane: Plane,
    api_version: ApiVersion,
    query: Query,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Bytes>,
    error: Option<Error>,
}

impl Request {
    pub(crate) fn new(client: &Client, method: Method, path: String) -> Self {
        Self {
            client: client.clone(),
            method,
            path,
            plane: Plane::Control,
            api_version: ApiVersion::V1,
            query: Query::default(),
            headers: Vec::new(),
            body: None,
            error: None,
        }
    }

    /// Sets the plane, and thereby the base URL; the default is the control plane.
    pub fn plane(mut self, plane: Plane) -> Self {
        self.plane = plane;
        self
    }

    /// Sets the version of the API; the default is `/v1`.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.api_version = version;
        self
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.append(name.into(), value.into());
        self
    }

    /// Sets a header. Headers that the client sets itself cannot be overridden.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match header::parse(name.as_ref(), value.as_ref()) {
            Ok((name, value)) => {
                self.headers.push((name, value));
            }
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    /// Sets the body, encoded as JSON.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match encode_json(body) {
            Ok(body) => self.body = Some(body),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    /// Sends the request and decodes the response. An empty body is decoded as `null`, which `()`
    /// and `Option` accept.
    ///
    /// # Errors
    ///
    /// If the request fails, like every call, also if the response reports a failure
    /// ([`Error::is_reported_failure`]). Nothing is sent if the path does not start with `/`,
    /// has an empty segment or the segment `.` or `..`, or contains a query or a character that
    /// must be percent-encoded.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T, Error> {
        Ok(self.send_with_response().await?.into_inner())
    }

    /// Sends the request and returns the decoded value with status, headers and raw body.
    ///
    /// # Errors
    ///
    /// See [`send`](Self::send).
    pub async fn send_with_response<T: DeserializeOwned>(self) -> Result<Response<T>, Error> {
        let (client, label) = (self.client.clone(), self.label());
        let response = check_success(&client, self.execute().await?, &label)?;
        match decode(&response.body) {
            Ok(value) => Ok(Response::new(value, response)),
            Err(error) => Err(decode_error(error, response, &label)),
        }
    }

    /// Sends the request and returns the response without decoding its body, even if it reports a
    /// failure.
    ///
    /// # Errors
    ///
    /// See [`send`](Self::send).
    pub async fn send_raw(self) -> Result<Response<()>, Error> {
        Ok(Response::new((), self.execute().await?))
    }

    fn label(&self) -> Label {
        Label::Request(format!("{} {}", self.method, self.path).into())
    }

    /// Sends the request and reads the whole response.
    async fn execute(self) -> Result<RawResponse, Error> {
        let (client, label) = (self.client.clone(), self.label());
        let request = self
            .prepare()
            .map_err(|error| error.with_operation(&label))?;
        let already_deleted = RawResponse::already_deleted;
        transport::send(&client, &request, Attempt::send_buffered, already_deleted).await
    }

    /// Validates and prepares the request.
    fn prepare(self) -> Result<PreparedRequest, Error> {
        check_path(&self.path)?;
        let label = self.label();
        if let Some(error) = self.error {
            return Err(error);
        }
        self.client.options().check()?;
        let base = self.client.base_url(self.plane)?;
        let path = [base.root(self.api_version), &self.path].concat();
        let mut url = base.with_path(&path);
        self.query.render(&mut url);
        let defaults = self.client.default_headers(Some(self.plane));
        Ok(PreparedRequest {
            label,
            plane: Some(self.plane),
            idempotency: idempotency(&self.method),
            method: self.method,
            url,
            headers: defaults.clone(),
            body: self.body.map(Body::Json),
        }
        .with_headers(media_type::JSON, self.headers))
    }
}

/// Decodes a whole body. An empty body counts as `null`, because writes may return one. The error
/// has the JSON path, but no value.
///
/// A body that cannot be decoded is normalised and decoded a second time, retaining odd items. A
/// body with long integers is decoded in the reverse order, because untyped JSON rounds them.
fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    if is_blank(body) {
        return decode_json(b"null");
    }
    let body = json::without_byte_order_mark(body);
    let text = str::from_utf8(body).unwrap_or_default();
    let decode_normalised = || {
        let json = json::normalise(text)?;
        decode::retaining_odd_items(|| decode_json(json.as_bytes())).ok()
    };
    if json::has_long_integer(text)
        && let Some(value) = decode_normalised()
    {
        return Ok(value);
    }
    decode_json(body).or_else(|error| decode_normalised().ok_or(error))
}

fn decode_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = T::deserialize(serde_path_to_error::Deserializer::new(
        &mut json, &mut track,
    ));
    value
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| DecodeError::new(&track.path(), without_values(error)))
}

/// Returns the idempotency of a request of which only the method is known.
fn idempotency(method: &Method) -> Idempotency {
    match *method {
        Method::GET | Method::HEAD => Idempotency::Safe,
        Method::DELETE => Idempotency::Idempotent,
        _ => Idempotency::NonIdempotent,
    }
}

/// Checks that a path stays below the base URL and that URL parsing does not change it.
fn check_path(path: &str) -> Result<(), Error> {
    let invalid = |problem: String| Err(Error::invalid_request(format!("the path {problem}")));
    let Some(rest) = path.strip_prefix('/') else {
        return invalid("does not start with `/`".to_owned());
    };
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/".contains(c);
    if let Some(c) = rest.chars().find(|c| !is_allowed(*c)) {
        return invalid(format!("contains {c:?}, which must be percent-encoded"));
    }
    let is_dots = |segment: &str| {
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
        decoded == "." || decoded == ".."
    };
    if rest.split('/').any(is_dots) {
        return invalid("has a segment `.` or `..`, which would change the path".to_owned());
    }
    if rest.contains("//") || rest.starts_with('/') {
        return invalid("has an empty segment".to_owned());
    }
    Ok(())
}

/// Shows only method and path, because values may be secrets.
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
    fn path_that_url_parsing_would_change_is_rejected() {
        for valid in ["/", "/a", "/a/b%2Fc", "/a/b:c@d/", "/a..b/...", "/a/%41"] {
            assert!(check_path(valid).is_ok(), "{valid}");
        }
        for invalid in [
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
            let error = check_path(invalid).unwrap_err();
            assert!(error.is_invalid_request(), "{invalid}");
        }
    }
}

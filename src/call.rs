//! The request behind the generated builders.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;
#[cfg(feature = "gateway")]
use {memchr::memmem::Finder, serde_json::Map, std::sync::LazyLock};

#[cfg(feature = "gateway")]
use crate::gateway::Form;
use crate::{
    ByteStream, Client, Error, Response, builder_support,
    decode::{self, LenientDecode},
    error::{DecodeError, ErrorResponse, Label},
    operation::{Idempotency, Operation},
    options, path,
    transport::{self, Body, BufferedResponse, Exchange, JSON, PreparedRequest},
    url::UrlBuilder,
};

#[cfg(test)]
mod all_operations;

/// The media type of an event stream.
#[cfg(feature = "gateway")]
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// Finds the field of a request body that requests a stream.
#[cfg(feature = "gateway")]
static STREAM_FIELD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r#""stream""#));

/// The query parameter that defaults to the client's workspace.
const WORKSPACE_ID: &str = "workspace_id";

/// A request of an operation, under construction. Errors are reported when it is sent.
///
/// Boxed, because every builder method moves it.
#[derive(Clone)]
pub(crate) struct Call(Box<Parts>);

#[derive(Clone)]
struct Parts {
    client: Client,
    operation: &'static Operation,
    accept: &'static str,
    arguments: Vec<String>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Result<Body, Error>>,
    error: Option<Error>,
}

/// Formats a time as the service expects it: RFC 3339, UTC, milliseconds.
pub(crate) fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl Call {
    pub(crate) fn new(
        client: &Client,
        operation: &'static Operation,
        arguments: Vec<String>,
    ) -> Self {
        Self(Box::new(Parts {
            client: client.clone(),
            operation,
            accept: JSON,
            arguments,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            error: None,
        }))
    }

    /// Sets the value of the `accept` header; the default is JSON.
    #[cfg(feature = "gateway")]
    pub(crate) fn accept(&mut self, media_type: &'static str) {
        self.0.accept = media_type;
    }

    /// Sets a query parameter, replacing an earlier value.
    pub(crate) fn query(&mut self, name: &'static str, value: String) {
        self.0.query.retain(|(other, _)| *other != name);
        self.0.query.push((name, value));
    }

    /// Sets a query parameter that is a list: joined by commas if `joined`, else repeated.
    pub(crate) fn query_list(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = String>,
        joined: bool,
    ) {
        if joined {
            return self.query(name, values.collect::<Vec<_>>().join(","));
        }
        self.0.query.retain(|(other, _)| *other != name);
        self.0.query.extend(values.map(|value| (name, value)));
    }

    /// Sets a numeric query parameter.
    pub(crate) fn number(&mut self, name: &'static str, value: f64) {
        self.check_number(name, value);
        self.query(name, value.to_string());
    }

    /// Records an error if the value is NaN or infinite.
    pub(crate) fn check_number(&mut self, name: &'static str, value: f64) {
        if let Err(error) = builder_support::check_finite(name, value) {
            self.0.error.get_or_insert(error);
        }
    }

    /// Sets a header that the operation declares.
    pub(crate) fn header(&mut self, name: &'static str, value: String) {
        self.0.headers.retain(|(other, _)| *other != name);
        self.0.headers.push((name, value));
    }

    /// Sets the JSON body.
    pub(crate) fn body<T: Serialize>(&mut self, value: Result<T, impl Into<Error>>) {
        // By reference, because the value may be large.
        self.0.body = Some(match value {
            Ok(ref value) => encode_json(value).map(Body::Json),
            Err(error) => Err(error.into()),
        });
    }

    /// Sets a multipart body, after checking that its files exist.
    #[cfg(feature = "gateway")]
    pub(crate) async fn form(&mut self, form: Form) {
        if let Err(error) = form.check().await {
            self.0.error.get_or_insert(error);
        }
        self.0.body = Some(Ok(Body::Form(form.into())));
    }

    pub(crate) async fn send<T: LenientDecode>(self) -> Result<T, Error> {
        let label = Label::Operation(self.0.operation);
        let response = self.run().await?;
        decode(&response.body).map_err(|error| decode_error(error, response, &label))
    }

    pub(crate) async fn send_with_response<T: LenientDecode>(self) -> Result<Response<T>, Error> {
        let operation = self.0.operation;
        decode_response(operation, self.run().await?)
    }

    /// Sends the request and ignores the body of a success.
    pub(crate) async fn send_unit(self) -> Result<(), Error> {
        self.run().await.map(|_| ())
    }

    pub(crate) async fn send_unit_with_response(self) -> Result<Response<()>, Error> {
        Ok(Response::new((), self.run().await?))
    }

    /// Sends the request and returns the body as a string.
    pub(crate) async fn send_text(self) -> Result<String, Error> {
        let label = Label::Operation(self.0.operation);
        let response = self.run().await?;
        let history = response.history;
        String::from_utf8(response.body.to_vec()).map_err(|_| {
            let BufferedResponse {
                status,
                headers,
                body,
                ..
            } = response;
            Error::unexpected_response("the body is not valid UTF-8")
                .with_response(ErrorResponse::new(status, headers, body))
                .with_operation(&label)
                .with_history(history, None)
                .mark_executed()
        })
    }

    /// Sends the request and returns the body as a stream.
    pub(crate) async fn open(self) -> Result<ByteStream, Error> {
        let exchange = self.exchange()?;
        let label = exchange.label.clone();
        // Boxed to keep the caller's future small.
        let response = Box::pin(exchange.open()).await?;
        Ok(ByteStream::new(response, label))
    }

    /// Returns the request for an event stream.
    #[cfg(feature = "gateway")]
    pub(crate) fn streaming(mut self) -> Result<Exchange, Error> {
        self.accept(EVENT_STREAM);
        let json = match self.0.body.take() {
            Some(Ok(Body::Json(json))) => json,
            None if !self.0.operation.body_required => Bytes::from_static(b"{}"),
            // `exchange` reports the error.
            other => {
                self.0.body = other;
                return self.exchange();
            }
        };
        self.0.body = Some(Ok(Body::Json(with_stream_true(json))));
        self.exchange()
    }

    /// Sends the request and upgrades the connection to a websocket.
    #[cfg(feature = "gateway")]
    pub(crate) async fn upgrade(self) -> Result<transport::Upgraded, Error> {
        // Boxed to keep the caller's future small.
        Box::pin(self.exchange()?.upgrade()).await
    }

    /// Sends the request and reads the whole response.
    pub(crate) async fn run(self) -> Result<BufferedResponse, Error> {
        // Boxed to keep the caller's future small.
        let exchange = Box::new(self.exchange()?);
        exchange.run().await
    }

    /// Validates and prepares the request.
    fn exchange(mut self) -> Result<Exchange, Error> {
        let operation = self.0.operation;
        let label = Label::Operation(operation);
        let idempotency = self.idempotency();
        let request = self
            .prepare()
            .map_err(|error| error.with_operation(&label))?;
        Ok(Exchange {
            client: self.0.client,
            label,
            plane: Some(operation.plane),
            idempotency,
            request,
        })
    }

    /// Returns the idempotency of the operation with this body.
    fn idempotency(&self) -> Idempotency {
        let operation = self.0.operation;
        match !operation.non_idempotent_fields.is_empty()
            && operation.has_non_idempotent_field(&self.json_body())
        {
            true => Idempotency::NonIdempotent,
            false => operation.idempotency,
        }
    }

    /// Returns the JSON body, or `null` if there is none.
    fn json_body(&self) -> Value {
        match &self.0.body {
            Some(Ok(Body::Json(json))) => serde_json::from_slice(json).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    /// Validates and prepares the request; takes the body.
    fn prepare(&mut self) -> Result<PreparedRequest, Error> {
        let operation = self.0.operation;
        let base = self.0.client.base_url(operation.plane);
        let path = path::path(
            base.root(operation.api_version),
            operation,
            &self.0.arguments,
        )?;
        if let Some(error) = &self.0.error {
            return Err(error.clone());
        }
        self.0.client.options().check()?;
        self.check_required()?;
        self.validate()?;
        let mut url = UrlBuilder::new(base.with_path(&path));
        for (name, value) in &self.0.query {
            url.push(name, value);
        }
        if let Some(workspace) = self.default_workspace() {
            url.push(WORKSPACE_ID, workspace);
        }
        let headers = self.0.headers.iter();
        let headers = headers.map(|(name, value)| header_pair(name, value));
        let headers = headers.collect::<Result<_, _>>()?;
        Ok(PreparedRequest {
            method: operation.method.clone(),
            url: url.finish(),
            accept: self.0.accept,
            headers,
            body: self.0.body.take().transpose()?,
        })
    }

    /// Returns the client's workspace if the operation takes it and the request does not set one.
    fn default_workspace(&self) -> Option<&str> {
        let is_taken = self.0.operation.default_workspace;
        let is_set = self.0.query.iter().any(|(name, _)| *name == WORKSPACE_ID);
        self.0
            .client
            .options()
            .default_workspace()
            .filter(|_| is_taken && !is_set)
    }

    /// Runs the operation's own validation on the arguments and the body.
    fn validate(&self) -> Result<(), Error> {
        let Some(validate) = self.0.operation.validate else {
            return Ok(());
        };
        if let Some(Err(error)) = &self.0.body {
            return Err(error.clone());
        }
        validate(&self.0.arguments, &self.json_body()).map_err(Error::invalid_request)
    }

    fn check_required(&self) -> Result<(), Error> {
        let is_set = |name: &&str| {
            let mut parameters = self.0.query.iter().chain(&self.0.headers);
            parameters.any(|(other, _)| other == name) || self.has_part(name)
        };
        if let Some(name) = self.0.operation.required.iter().find(|name| !is_set(name)) {
            return Err(Error::invalid_request(format!(
                "parameter `{name}` is required"
            )));
        }
        if self.0.operation.body_required && self.0.body.is_none() {
            return Err(Error::invalid_request("a body is required"));
        }
        Ok(())
    }

    /// Returns `true` if the body is multipart and has a part named `_name`.
    fn has_part(&self, _name: &str) -> bool {
        match &self.0.body {
            #[cfg(feature = "gateway")]
            Some(Ok(Body::Form(form))) => form.has(_name),
            _ => false,
        }
    }

    /// Returns the error of a request that is not sent.
    pub(crate) fn invalid_request(&self, problem: String) -> Error {
        Error::invalid_request(problem).with_operation(&Label::Operation(self.0.operation))
    }

    pub(crate) fn operation(&self) -> &'static Operation {
        self.0.operation
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn arguments(&self) -> &[String] {
        &self.0.arguments
    }

    /// Returns the value of a query parameter.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        let mut parameters = self.0.query.iter();
        let parameter = parameters.find(|(other, _)| *other == name);
        parameter.map(|(_, value)| value.as_str())
    }
}

/// Encodes a request body as JSON.
pub(crate) fn encode_json(value: &(impl Serialize + ?Sized)) -> Result<Bytes, Error> {
    match serde_json::to_vec(value) {
        Ok(json) => Ok(json.into()),
        Err(error) => Err(Error::invalid_request(format!(
            "the body cannot be encoded as JSON: {error}"
        ))),
    }
}

/// Sets `"stream": true` in a JSON object. Bodies may be large, so one is parsed only if it may set
/// `stream` already.
#[cfg(feature = "gateway")]
fn with_stream_true(json: Bytes) -> Bytes {
    let is_unset = STREAM_FIELD.find(&json).is_none();
    let mut body = Vec::from(json);
    match body.pop() {
        Some(b'}') if is_unset => {
            let field: &[u8] = match &body[..] {
                b"{" => br#""stream":true}"#,
                _ => br#","stream":true}"#,
            };
            body.extend_from_slice(field);
            body.into()
        }
        last => {
            body.extend(last);
            let mut body: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
            body.insert("stream".to_owned(), true.into());
            Value::Object(body).to_string().into()
        }
    }
}

/// Returns a header of the operation, marked as sensitive because its value may be a secret.
fn header_pair(name: &'static str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let value = match name {
        options::METADATA => HeaderValue::try_from(options::ascii_json(value)),
        _ => HeaderValue::from_str(value),
    };
    let mut value = value.map_err(|_| options::invalid_header_value(name))?;
    value.set_sensitive(true);
    Ok((HeaderName::from_static(name), value))
}

/// Decodes a success.
pub(crate) fn decode_response<T: LenientDecode>(
    operation: &'static Operation,
    response: BufferedResponse,
) -> Result<Response<T>, Error> {
    match decode(&response.body) {
        Ok(value) => Ok(Response::new(value, response)),
        Err(error) => Err(decode_error(error, response, &Label::Operation(operation))),
    }
}

/// Decodes the body of a success. An empty body counts as `{}`: writes may return one although the
/// OpenAPI document declares an object.
fn decode<T: LenientDecode>(body: &[u8]) -> Result<T, DecodeError> {
    decode::from_slice(if is_blank(body) { b"{}" } else { body })
}

/// Returns `true` if a body is empty or white space.
pub(crate) fn is_blank(body: &[u8]) -> bool {
    body.iter().all(u8::is_ascii_whitespace)
}

/// Records and returns the error of a success that cannot be decoded.
#[cold]
pub(crate) fn decode_error(error: DecodeError, response: BufferedResponse, label: &Label) -> Error {
    transport::decode_failed(label);
    let BufferedResponse {
        status,
        headers,
        body,
        history,
    } = response;
    Error::decode(error, ErrorResponse::new(status, headers, body))
        .with_operation(label)
        .with_history(history, None)
}

/// Shows only the operation, because values may be secrets.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation().id)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "gateway"))]
mod tests {
    use super::{Bytes, with_stream_true};

    #[test]
    fn stream_is_set_to_true_in_every_body() {
        for (body, expected) in [
            ("{}", r#"{"stream":true}"#),
            (r#"{"a":{}}"#, r#"{"a":{},"stream":true}"#),
            (r#"{"stream":false,"a":1}"#, r#"{"stream":true,"a":1}"#),
            (r#"{"a":1,"stream":null}"#, r#"{"a":1,"stream":true}"#),
            (
                r#"{"a":"\"stream\"","stream_options":{}}"#,
                r#"{"a":"\"stream\"","stream_options":{},"stream":true}"#,
            ),
            (
                r#"{"a":{"stream":false}}"#,
                r#"{"a":{"stream":false},"stream":true}"#,
            ),
        ] {
            let actual = String::from_utf8(with_stream_true(Bytes::from(body)).into()).unwrap();
            assert_eq!(actual, expected);
        }
    }
}

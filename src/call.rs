//! A call: what the generated builders fill and what is sent.

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
    url::Url,
};

#[cfg(test)]
mod all_operations;

/// The kind of an answer that is streamed.
#[cfg(feature = "gateway")]
pub(crate) const EVENTS: &str = "text/event-stream";

/// The member of a body that asks for a stream.
#[cfg(feature = "gateway")]
static STREAM: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r#""stream""#));

/// The query parameter that takes the client's default.
const WORKSPACE: &str = "workspace_id";

/// A request in the making. What is wrong with it shows when it is sent.
///
/// Boxed: every method of a builder moves it, and the future of a call keeps it.
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
    problem: Option<Error>,
}

/// A time as the service wants it: RFC 3339, UTC, milliseconds.
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
            problem: None,
        }))
    }

    /// Says what kinds of answer there may be; JSON unless set.
    #[cfg(feature = "gateway")]
    pub(crate) fn accept(&mut self, kinds: &'static str) {
        self.0.accept = kinds;
    }

    /// Sets a query parameter; the last value wins.
    pub(crate) fn query(&mut self, name: &'static str, value: String) {
        self.0.query.retain(|(other, _)| *other != name);
        self.0.query.push((name, value));
    }

    /// Sets a query parameter that is a list: repeated, or joined by commas.
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

    /// Sets a query parameter that is a number.
    pub(crate) fn number(&mut self, name: &'static str, value: f64) {
        self.check_number(name, value);
        self.query(name, value.to_string());
    }

    /// Keeps in mind that a number is none.
    pub(crate) fn check_number(&mut self, name: &'static str, value: f64) {
        if let Err(problem) = builder_support::check_finite(name, value) {
            self.0.problem.get_or_insert(problem);
        }
    }

    /// Sets a header that the operation declares.
    pub(crate) fn header(&mut self, name: &'static str, value: String) {
        self.0.headers.retain(|(other, _)| *other != name);
        self.0.headers.push((name, value));
    }

    /// Sets the JSON body.
    pub(crate) fn body<T: Serialize>(&mut self, value: Result<T, impl Into<Error>>) {
        // By reference, for it may be large.
        self.0.body = Some(match value {
            Ok(ref value) => encoded(value).map(Body::Json),
            Err(error) => Err(error.into()),
        });
    }

    /// Sets the parts of a form as the body, and looks whether its files are there.
    #[cfg(feature = "gateway")]
    pub(crate) async fn form(&mut self, form: Form) {
        if let Err(problem) = form.check().await {
            self.0.problem.get_or_insert(problem);
        }
        self.0.body = Some(Ok(Body::Form(form.into())));
    }

    pub(crate) async fn send<T: LenientDecode>(self) -> Result<T, Error> {
        let operation = self.0.operation;
        let raw = self.run().await?;
        decode(&raw.body).map_err(|error| undecoded(error, raw, &Label::Operation(operation)))
    }

    pub(crate) async fn send_with_response<T: LenientDecode>(self) -> Result<Response<T>, Error> {
        let operation = self.0.operation;
        decoded(operation, self.run().await?)
    }

    /// For answers that carry nothing: any success is one.
    pub(crate) async fn send_unit(self) -> Result<(), Error> {
        self.run().await.map(|_| ())
    }

    pub(crate) async fn send_unit_with_response(self) -> Result<Response<()>, Error> {
        Ok(Response::new((), self.run().await?))
    }

    /// For answers that are text.
    pub(crate) async fn send_text(self) -> Result<String, Error> {
        let label = Label::Operation(self.0.operation);
        let raw = self.run().await?;
        let history = raw.history;
        String::from_utf8(raw.body.to_vec()).map_err(|_| {
            Error::unusable("it is no text in UTF-8")
                .with_response(ErrorResponse::new(raw.status, raw.headers, raw.body))
                .of(&label)
                .with_history(history, None)
                .executed()
        })
    }

    /// For answers that are read as they come.
    pub(crate) async fn open(self) -> Result<ByteStream, Error> {
        let exchange = self.exchange()?;
        let label = exchange.label.clone();
        // Boxed: the future of a call is part of the future of whoever calls.
        let opened = Box::pin(exchange.open()).await?;
        Ok(ByteStream::new(opened, label))
    }

    /// The request for an answer that comes as a stream of events.
    #[cfg(feature = "gateway")]
    pub(crate) fn streaming(mut self) -> Result<Exchange, Error> {
        self.accept(EVENTS);
        let json = match self.0.body.take() {
            Some(Ok(Body::Json(json))) => json,
            None if !self.0.operation.body_required => Bytes::from_static(b"{}"),
            // Whatever is wrong shows when the request is made.
            other => {
                self.0.body = other;
                return self.exchange();
            }
        };
        self.0.body = Some(Ok(Body::Json(with_stream_true(json))));
        self.exchange()
    }

    /// For a connection that ceases to be HTTP.
    #[cfg(feature = "gateway")]
    pub(crate) async fn upgrade(self) -> Result<transport::Upgraded, Error> {
        // Boxed: the future of a call is part of the future of whoever calls.
        Box::pin(self.exchange()?.upgrade()).await
    }

    /// Sends the request until a whole answer is there.
    pub(crate) async fn run(self) -> Result<BufferedResponse, Error> {
        // Boxed: the future of a call is part of the future of whoever calls.
        let exchange = Box::new(self.exchange()?);
        exchange.run().await
    }

    /// The request and what is known about it; whatever is wrong with it shows current.
    fn exchange(mut self) -> Result<Exchange, Error> {
        let operation = self.0.operation;
        let label = Label::Operation(operation);
        let retry = self.class();
        let request = self.request().map_err(|error| error.of(&label))?;
        Ok(Exchange {
            client: self.0.client,
            label,
            plane: Some(operation.plane),
            retry,
            request,
        })
    }

    /// The operation's class, unless the body turns it into a trigger.
    fn class(&self) -> Idempotency {
        let operation = self.0.operation;
        match !operation.non_idempotent_fields.is_empty()
            && operation.is_triggered(&self.json_body())
        {
            true => Idempotency::NonIdempotent,
            false => operation.idempotency,
        }
    }

    /// The body as it would be sent; `null` where there is none.
    fn json_body(&self) -> Value {
        match &self.0.body {
            Some(Ok(Body::Json(json))) => serde_json::from_slice(json).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    /// The request, for which the body is taken.
    fn request(&mut self) -> Result<PreparedRequest, Error> {
        let operation = self.0.operation;
        let base = self.0.client.base(operation.plane);
        let path = path::path(
            base.root(operation.api_version),
            operation,
            &self.0.arguments,
        )?;
        if let Some(problem) = &self.0.problem {
            return Err(problem.clone());
        }
        self.0.client.options().check()?;
        self.check_required()?;
        self.check()?;
        let mut url = Url::new(base.with_path(&path));
        for (name, value) in &self.0.query {
            url.push(name, value);
        }
        if let Some(workspace) = self.default_workspace() {
            url.push(WORKSPACE, workspace);
        }
        let headers = self.0.headers.iter();
        let headers = headers.map(|(name, value)| declared(name, value));
        let headers = headers.collect::<Result<_, _>>()?;
        Ok(PreparedRequest {
            method: operation.method.clone(),
            url: url.finish(),
            accept: self.0.accept,
            headers,
            body: self.0.body.take().transpose()?,
        })
    }

    /// The client's workspace, for an operation that takes it and a call that names none.
    fn default_workspace(&self) -> Option<&str> {
        let takes = self.0.operation.default_workspace;
        let named = self.0.query.iter().any(|(name, _)| *name == WORKSPACE);
        self.0
            .client
            .options()
            .default_workspace()
            .filter(|_| takes && !named)
    }

    /// What the ledger's `check` asks for, seen in the body as it would be sent.
    fn check(&self) -> Result<(), Error> {
        let Some(check) = self.0.operation.validate else {
            return Ok(());
        };
        if let Some(Err(error)) = &self.0.body {
            return Err(error.clone());
        }
        check(&self.0.arguments, &self.json_body()).map_err(Error::invalid_request)
    }

    fn check_required(&self) -> Result<(), Error> {
        let set = |name: &&str| {
            let mut texts = self.0.query.iter().chain(&self.0.headers);
            texts.any(|(other, _)| other == name) || self.has_part(name)
        };
        if let Some(name) = self.0.operation.required.iter().find(|name| !set(name)) {
            return Err(Error::invalid_request(format!(
                "parameter `{name}` is required"
            )));
        }
        if self.0.operation.body_required && self.0.body.is_none() {
            return Err(Error::invalid_request("a body is required"));
        }
        Ok(())
    }

    /// Whether the body is a form with a part of that name.
    fn has_part(&self, _name: &str) -> bool {
        match &self.0.body {
            #[cfg(feature = "gateway")]
            Some(Ok(Body::Form(form))) => form.has(_name),
            _ => false,
        }
    }

    /// The error of a call that is not sent.
    pub(crate) fn refused(&self, problem: String) -> Error {
        Error::invalid_request(problem).of(&Label::Operation(self.0.operation))
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

    /// What a query parameter was set to.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        let set = self.0.query.iter().find(|(other, _)| *other == name);
        set.map(|(_, value)| value.as_str())
    }
}

/// A body as it is sent.
pub(crate) fn encoded(value: &(impl Serialize + ?Sized)) -> Result<Bytes, Error> {
    match serde_json::to_vec(value) {
        Ok(json) => Ok(json.into()),
        Err(error) => Err(Error::invalid_request(format!(
            "the body cannot be encoded: {error}"
        ))),
    }
}

/// A body, an object, that asks for a stream. It may be long, so it is taken apart only where it may
/// say something else, and not copied where nobody else has it.
#[cfg(feature = "gateway")]
fn with_stream_true(json: Bytes) -> Bytes {
    let says_nothing = STREAM.find(&json).is_none();
    let mut body = Vec::from(json);
    match body.pop() {
        Some(b'}') if says_nothing => {
            let rest: &[u8] = match &body[..] {
                b"{" => br#""stream":true}"#,
                _ => br#","stream":true}"#,
            };
            body.extend_from_slice(rest);
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

/// A header that an operation declares; its value may be a secret.
fn declared(name: &'static str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let value = match name {
        options::METADATA => HeaderValue::try_from(options::ascii_json(value)),
        _ => HeaderValue::from_str(value),
    };
    let mut value = value.map_err(|_| {
        Error::invalid_request(format!(
            "header `{name}` holds characters that no header may have"
        ))
    })?;
    value.set_sensitive(true);
    Ok((HeaderName::from_static(name), value))
}

/// A success with its value.
pub(crate) fn decoded<T: LenientDecode>(
    operation: &'static Operation,
    raw: BufferedResponse,
) -> Result<Response<T>, Error> {
    match decode(&raw.body) {
        Ok(value) => Ok(Response::new(value, raw)),
        Err(error) => Err(undecoded(error, raw, &Label::Operation(operation))),
    }
}

/// Decodes a success. A write may be answered with nothing where the document promises an object.
fn decode<T: LenientDecode>(body: &[u8]) -> Result<T, DecodeError> {
    decode::from_slice(if is_blank(body) { b"{}" } else { body })
}

/// Whether a body says nothing, as the answer to a write may.
pub(crate) fn is_blank(body: &[u8]) -> bool {
    body.iter().all(u8::is_ascii_whitespace)
}

/// A success that cannot be read, with all of it.
#[cold]
pub(crate) fn undecoded(error: DecodeError, raw: BufferedResponse, label: &Label) -> Error {
    transport::decode_failed(label);
    let history = raw.history;
    Error::decode(error, ErrorResponse::new(raw.status, raw.headers, raw.body))
        .of(label)
        .with_history(history, None)
}

/// Values may be secrets, so only the operation shows.
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
    fn a_body_asks_for_a_stream_whatever_it_said() {
        for (body, asking) in [
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
            let asked = String::from_utf8(with_stream_true(Bytes::from(body)).into()).unwrap();
            assert_eq!(asked, asking);
        }
    }
}

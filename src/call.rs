//! A call: what the generated builders fill and what is sent.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Client, Error, Response,
    answer::{self, Answer},
    building,
    error::{DecodeError, Kept, Label},
    exchange::{self, Exchange, Outgoing, Raw},
    operation::{Operation, Retry},
    path,
    url::Url,
};

#[cfg(test)]
mod every;

/// The query parameter that takes the client's default.
const WORKSPACE: &str = "workspace_id";

/// A request in the making. What is wrong with it shows when it is sent.
#[derive(Clone)]
pub(crate) struct Call {
    client: Client,
    operation: &'static Operation,
    arguments: Vec<String>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<Result<Bytes, Error>>,
    problem: Option<Error>,
}

/// A time as the service wants it: RFC 3339, UTC, milliseconds.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl Call {
    pub(crate) fn new(
        client: &Client,
        operation: &'static Operation,
        arguments: Vec<String>,
    ) -> Self {
        Self {
            client: client.clone(),
            operation,
            arguments,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            problem: None,
        }
    }

    /// Sets a query parameter; the last value wins.
    pub(crate) fn query(&mut self, name: &'static str, value: String) {
        self.query.retain(|(other, _)| *other != name);
        self.query.push((name, value));
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
        self.query.retain(|(other, _)| *other != name);
        self.query.extend(values.map(|value| (name, value)));
    }

    /// Sets a query parameter that is a number.
    pub(crate) fn number(&mut self, name: &'static str, value: f64) {
        if let Err(problem) = building::check_finite(name, value) {
            self.problem.get_or_insert(problem);
        }
        self.query(name, value.to_string());
    }

    /// Sets a header that the operation declares.
    pub(crate) fn header(&mut self, name: &'static str, value: String) {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
    }

    /// Sets the JSON body.
    pub(crate) fn body<T: Serialize>(&mut self, value: Result<T, impl Into<Error>>) {
        let encoded = value.map_err(Into::into).and_then(|value| {
            serde_json::to_vec(&value)
                .map(Bytes::from)
                .map_err(|error| {
                    Error::invalid_request(format!("the body cannot be encoded: {error}"))
                })
        });
        self.body = Some(encoded);
    }

    pub(crate) async fn send<T: Answer>(self) -> Result<T, Error> {
        Ok(self.send_with_response().await?.into_inner())
    }

    pub(crate) async fn send_with_response<T: Answer>(self) -> Result<Response<T>, Error> {
        let label = Label::Operation(self.operation);
        let raw = self.run().await?;
        // A write may be answered with nothing where the document promises an object.
        let blank = raw.body.iter().all(u8::is_ascii_whitespace);
        let text: &[u8] = if blank { b"{}" } else { &raw.body };
        match answer::from_slice(text) {
            Ok(value) => Ok(Response::new(value, raw)),
            Err(error) => Err(undecoded(error, raw, &label)),
        }
    }

    /// For answers that carry nothing: any success is one.
    pub(crate) async fn send_for_nothing(self) -> Result<(), Error> {
        self.run().await.map(|_| ())
    }

    pub(crate) async fn send_for_nothing_with_response(self) -> Result<Response<()>, Error> {
        Ok(Response::new((), self.run().await?))
    }

    /// Sends the request until a whole answer is there.
    async fn run(self) -> Result<Raw, Error> {
        // Boxed: the future of a call is part of the future of whoever calls.
        Box::pin(self.exchange()?.run()).await
    }

    /// The request and what is known about it; whatever is wrong with it shows here.
    fn exchange(self) -> Result<Exchange, Error> {
        let (client, operation) = (self.client.clone(), self.operation);
        let label = Label::Operation(operation);
        let retry = self.class();
        let request = self.request().map_err(|error| error.of(&label))?;
        Ok(Exchange {
            client,
            label,
            plane: Some(operation.plane),
            retry,
            request,
        })
    }

    /// The operation's class, unless the body turns it into a trigger.
    fn class(&self) -> Retry {
        let operation = self.operation;
        match !operation.triggers.is_empty() && operation.is_triggered(&self.json_body()) {
            true => Retry::Never,
            false => operation.retry,
        }
    }

    /// The body as it would be sent; `null` where there is none.
    fn json_body(&self) -> Value {
        match &self.body {
            Some(Ok(body)) => serde_json::from_slice(body).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    fn request(self) -> Result<Outgoing, Error> {
        let operation = self.operation;
        let path = path::path(operation, &self.arguments)?;
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        self.client.options().check()?;
        self.check_required()?;
        self.check()?;
        let base = self.client.base(operation.plane);
        let mut url = Url::new(base.join(operation.base, &path));
        for (name, value) in &self.query {
            url.push(name, value);
        }
        if let Some(workspace) = self.default_workspace() {
            url.push(WORKSPACE, workspace);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value).map_err(|_| {
                Error::invalid_request(format!(
                    "header `{name}` holds characters that no header may have"
                ))
            })?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(Outgoing::new(
            &self.client,
            operation.plane,
            operation.method.clone(),
            url.finish()?,
            headers,
            self.body.transpose()?,
        ))
    }

    /// The client's workspace, for an operation that takes it and a call that names none.
    fn default_workspace(&self) -> Option<&str> {
        let takes = self.operation.default_workspace;
        let named = self.query.iter().any(|(name, _)| *name == WORKSPACE);
        self.client
            .options()
            .default_workspace()
            .filter(|_| takes && !named)
    }

    /// What the ledger's `check` asks for, seen in the body as it would be sent.
    fn check(&self) -> Result<(), Error> {
        let Some(check) = self.operation.check else {
            return Ok(());
        };
        if let Some(Err(error)) = &self.body {
            return Err(error.clone());
        }
        check(&self.arguments, &self.json_body()).map_err(Error::invalid_request)
    }

    fn check_required(&self) -> Result<(), Error> {
        let set = |name: &&str| {
            self.query
                .iter()
                .chain(&self.headers)
                .any(|(other, _)| other == name)
        };
        if let Some(name) = self.operation.required.iter().find(|name| !set(name)) {
            return Err(Error::invalid_request(format!(
                "parameter `{name}` is required"
            )));
        }
        if self.operation.body_required && self.body.is_none() {
            return Err(Error::invalid_request("a body is required"));
        }
        Ok(())
    }

    pub(crate) fn operation(&self) -> &'static Operation {
        self.operation
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// What a query parameter was set to.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        let set = self.query.iter().find(|(other, _)| *other == name);
        set.map(|(_, value)| value.as_str())
    }
}

/// A success that cannot be read, with all of it.
pub(crate) fn undecoded(error: DecodeError, raw: Raw, label: &Label) -> Error {
    exchange::undecodable(label);
    let history = raw.history;
    Error::decode(error, Kept::new(raw.status, raw.headers, raw.body))
        .of(label)
        .with_history(history, None)
}

/// Values may be secrets, so only the operation shows.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation.id)
            .finish_non_exhaustive()
    }
}

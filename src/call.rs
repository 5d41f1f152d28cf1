//! A call: what the generated builders fill and what is sent.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;

use crate::{
    Client, Error, Response,
    answer::{self, Answer},
    building,
    error::Refusal,
    operation::Operation,
    path::{self, ENCODED},
};

const KEY_HEADER: HeaderName = HeaderName::from_static("x-portkey-api-key");

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

/// An answer as it came.
struct Raw {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
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
        let operation = self.operation;
        let answer = self.execute().await?;
        // A write may be answered with nothing where the document promises an object.
        let blank = answer.body.iter().all(u8::is_ascii_whitespace);
        let text: &[u8] = if blank { b"{}" } else { &answer.body };
        match answer::from_slice(text) {
            Ok(value) => Ok(Response::new(
                value,
                answer.status,
                answer.headers,
                answer.body,
            )),
            Err(error) => {
                let kept = Refusal::new(answer.status, answer.headers, answer.body);
                Err(Error::decode(error, kept).of(operation))
            }
        }
    }

    /// For answers that carry nothing: any success is one.
    pub(crate) async fn send_for_nothing(self) -> Result<(), Error> {
        self.execute().await.map(|_| ())
    }

    pub(crate) async fn send_for_nothing_with_response(self) -> Result<Response<()>, Error> {
        let answer = self.execute().await?;
        Ok(Response::new(
            (),
            answer.status,
            answer.headers,
            answer.body,
        ))
    }

    async fn execute(self) -> Result<Raw, Error> {
        let (client, operation) = (self.client.clone(), self.operation);
        let request = self.request().map_err(|error| error.of(operation))?;
        let answer = receive(client.http(operation), request)
            .await
            .map_err(|error| Error::transport(error).of(operation))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let hint = hint(&client, operation, answer.status);
        let refusal =
            Refusal::new(answer.status, answer.headers, answer.body).without(client.key().expose());
        Err(Error::refused(refusal).of(operation).with_hint(hint))
    }

    fn request(self) -> Result<reqwest::Request, Error> {
        let operation = self.operation;
        let path = path::path(operation, &self.arguments)?;
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        self.check_required()?;
        self.check()?;
        let mut url = self.client.base(operation).join(operation.base, &path);
        for (index, (name, value)) in self.query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.extend(utf8_percent_encode(name, ENCODED));
            url.push('=');
            url.extend(utf8_percent_encode(value, ENCODED));
        }
        let url = reqwest::Url::parse(&url).map_err(|error| {
            Error::invalid_request(format!("the address cannot be used: {error}"))
        })?;
        let mut request = reqwest::Request::new(operation.method.clone(), url);
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value).map_err(|_| {
                Error::invalid_request(format!(
                    "header `{name}` holds characters that no header may have"
                ))
            })?;
            headers.insert(HeaderName::from_static(name), value);
        }
        if let Some(key) = self.client.key_for(operation.plane) {
            headers.insert(KEY_HEADER, key.clone());
        }
        if let Some(body) = self.body {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            *request.body_mut() = Some(body?.into());
        }
        Ok(request)
    }

    /// What the ledger's `check` asks for, seen in the body as it would be sent.
    fn check(&self) -> Result<(), Error> {
        let Some(check) = self.operation.check else {
            return Ok(());
        };
        let body = match &self.body {
            Some(Ok(body)) => serde_json::from_slice(body).unwrap_or_default(),
            Some(Err(error)) => return Err(error.clone()),
            None => serde_json::Value::Null,
        };
        check(&self.arguments, &body).map_err(Error::invalid_request)
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
}

async fn receive(http: &reqwest::Client, request: reqwest::Request) -> Result<Raw, reqwest::Error> {
    let answer = http.execute(request).await?;
    Ok(Raw {
        status: answer.status(),
        headers: answer.headers().clone(),
        body: answer.bytes().await?,
    })
}

/// What a person should look at, where we know.
fn hint(client: &Client, operation: &Operation, status: StatusCode) -> Option<String> {
    let base = client.base(operation);
    match status {
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST
            if !base.has_version() && operation.plane != crate::operation::Plane::Public =>
        {
            Some(format!(
                "the base URL {} does not end in /v1; is that meant?",
                base.as_str()
            ))
        }
        StatusCode::FORBIDDEN => {
            let access = &operation.access;
            let mut needs = Vec::new();
            if !access.scopes.is_empty() {
                needs.push(format!("scope {}", access.scopes.join(" or ")));
            }
            if !access.keys.is_empty() {
                needs.push(format!("a key of kind {}", access.keys.join(" or ")));
            }
            if let Some(plan) = access.plan.filter(|plan| *plan != "any") {
                needs.push(format!("the {plan} plan"));
            }
            (!needs.is_empty()).then(|| format!("it needs {}", needs.join(", ")))
        }
        _ => None,
    }
}

/// Values may be secrets, so only the operation shows.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.operation.id)
            .finish_non_exhaustive()
    }
}

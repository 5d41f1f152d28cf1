//! The request behind the generated builders.

#[cfg(feature = "gateway")]
use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
#[cfg(feature = "gateway")]
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{
    parameters::Parameters,
    path,
    query::{Query, QueryValue},
};
#[cfg(feature = "gateway")]
use crate::gateway::Form;
use crate::{
    ByteStream, Client, Error,
    decode::{self, LenientDecode},
    error::{DecodeError, Label, reports_failure},
    header, json, media_type,
    operation::{Idempotency, Operation},
    transport::{self, Attempt, Body, PreparedRequest, RawResponse},
};

#[cfg(test)]
mod all_operations;

/// The query parameter that defaults to the client's workspace.
const WORKSPACE_ID: &str = "workspace_id";

/// A request of an operation, under construction. Errors are reported when it is sent.
#[derive(Clone)]
pub(crate) struct Call {
    client: Client,
    operation: &'static Operation,
    accept: &'static str,
    arguments: Vec<String>,
    pub(crate) parameters: Parameters,
    body: Option<Result<Body, Error>>,
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
            accept: media_type::JSON,
            arguments,
            parameters: Parameters::default(),
            body: None,
        }
    }

    /// Sets the value of the `accept` header; the default is JSON.
    #[cfg(feature = "gateway")]
    pub(crate) fn accept(&mut self, media_type: &'static str) {
        self.accept = media_type;
    }

    /// Sets the JSON body.
    pub(crate) fn body(&mut self, json: Result<Bytes, Error>) {
        self.body = Some(json.map(Body::Json));
    }

    /// Sets a multipart body, after checking that its files exist.
    #[cfg(feature = "gateway")]
    pub(crate) async fn form(&mut self, form: Form) {
        self.parameters.record(form.check().await);
        self.body = Some(Ok(Body::Form(form.into())));
    }

    /// Sends the request and returns the body as a string.
    pub(crate) async fn send_text(self) -> Result<String, Error> {
        let label = Label::Operation(self.operation);
        let response = self.execute().await?;
        String::from_utf8(response.body.to_vec()).map_err(|_| {
            let history = response.history;
            Error::unexpected_response("the body is not valid UTF-8")
                .with_response(response.into_error_response())
                .with_operation(&label)
                .with_history(history, None)
                .mark_executed()
        })
    }

    /// Sends the request and returns the body as a stream.
    pub(crate) async fn open(self) -> Result<ByteStream, Error> {
        let (client, request) = self.prepare()?;
        let response =
            transport::send(&client, &request, Attempt::send_streaming, |_| None).await?;
        Ok(ByteStream::new(response, request.label))
    }

    /// Prepares the request for an event stream: sets `"stream": true` in the body.
    #[cfg(feature = "gateway")]
    pub(crate) fn prepare_stream(mut self) -> Result<(Client, PreparedRequest), Error> {
        self.accept(media_type::EVENT_STREAM);
        let empty = || Ok(Body::Json(Bytes::from_static(b"{}")));
        let body = self.body.take();
        let body = body.or_else(|| (!self.operation.body_required).then(empty));
        self.body = body.map(|body| body.and_then(with_stream_true));
        self.prepare()
    }

    /// Sends the request and upgrades the connection to a websocket.
    #[cfg(feature = "gateway")]
    pub(crate) async fn upgrade(self) -> Result<RawResponse<reqwest::Upgraded>, Error> {
        let (client, request) = self.prepare()?;
        transport::upgrade(&client, &request).await
    }

    /// Sends the request and reads the whole response, which does not report a failure.
    pub(crate) async fn execute(self) -> Result<RawResponse, Error> {
        let success_is_result = self.operation.success_is_result;
        let (client, request) = self.prepare()?;
        let already_deleted = RawResponse::already_deleted;
        let response =
            transport::send(&client, &request, Attempt::send_buffered, already_deleted).await?;
        match success_is_result {
            true => Ok(response),
            false => check_success(&client, response, &request.label),
        }
    }

    /// Validates and prepares the request.
    fn prepare(mut self) -> Result<(Client, PreparedRequest), Error> {
        let request = self
            .prepared_request()
            .map_err(|error| error.with_operation(&Label::Operation(self.operation)))?;
        Ok((self.client, request))
    }

    /// Returns the idempotency of the operation with this body.
    fn idempotency(&self) -> Idempotency {
        let operation = self.operation;
        match !operation.non_idempotent_fields.is_empty()
            && operation.has_non_idempotent_field(&self.json_body())
        {
            true => Idempotency::NonIdempotent,
            false => operation.idempotency,
        }
    }

    /// Returns the JSON body, which must be an object.
    pub(crate) fn body_object(&self) -> Result<Map<String, Value>, Error> {
        match (&self.body, self.json_body()) {
            (Some(Err(error)), _) => Err(error.clone()),
            (_, Value::Object(body)) => Ok(body),
            _ => Err(self.invalid_request("a body is required".to_owned())),
        }
    }

    /// Returns the JSON body, or `null` if there is none.
    fn json_body(&self) -> Value {
        match &self.body {
            Some(Ok(Body::Json(json))) => serde_json::from_slice(json).unwrap_or_default(),
            _ => Value::Null,
        }
    }

    /// Validates and prepares the request; takes the body.
    fn prepared_request(&mut self) -> Result<PreparedRequest, Error> {
        let operation = self.operation;
        let base = self.client.base_url(operation.plane)?;
        let path = path::path(base.root(operation.api_version), operation, &self.arguments)?;
        self.parameters.check()?;
        self.client.options().check()?;
        self.check_required()?;
        self.validate()?;
        let mut url = base.with_path(&path);
        self.query_with_defaults().render(&mut url);
        let headers = self.parameters.headers().iter();
        let headers = headers.map(|(name, value)| header::declared(name, value));
        let headers = headers.collect::<Result<Vec<_>, _>>()?;
        let defaults = self.client.default_headers(Some(operation.plane));
        Ok(PreparedRequest {
            label: Label::Operation(operation),
            plane: Some(operation.plane),
            idempotency: self.idempotency(),
            method: operation.method.clone(),
            url,
            headers: defaults.clone(),
            body: self.body.take().transpose()?,
        }
        .with_headers(self.accept, headers))
    }

    /// Returns the query, with the client's workspace if the operation takes it and the request
    /// does not set one.
    fn query_with_defaults(&self) -> Query {
        let mut query = self.parameters.query_parameters().clone();
        if self.operation.default_workspace
            && query.get(WORKSPACE_ID).is_none()
            && let Some(workspace) = self.client.options().default_workspace()
        {
            query.append(WORKSPACE_ID, workspace);
        }
        query
    }

    /// Checks the constraints of the operation, then runs its own validation.
    fn validate(&self) -> Result<(), Error> {
        let Operation {
            constraints,
            validate,
            ..
        } = self.operation;
        if let Some(Err(error)) = &self.body {
            return Err(error.clone());
        }
        if constraints.is_empty() && validate.is_none() {
            return Ok(());
        }
        let request = json!({
            "path": path::named_arguments(self.operation, &self.arguments),
            "query": self.parameters.query_parameters().to_json(),
            "body": self.json_body(),
        });
        portkey_admin_constraints::check(constraints, &request)
            .map_err(|violation| Error::invalid_request(violation.to_string()))?;
        match validate {
            Some(validate) => {
                validate(&self.arguments, &request["body"]).map_err(Error::invalid_request)
            }
            None => Ok(()),
        }
    }

    fn check_required(&self) -> Result<(), Error> {
        let is_set = |name: &&str| self.parameters.contains(name) || self.has_part(name);
        if let Some(name) = self.operation.required.iter().find(|name| !is_set(name)) {
            return Err(Error::invalid_request(format!(
                "parameter `{name}` is required"
            )));
        }
        if self.operation.body_required && self.body.is_none() {
            return Err(Error::invalid_request("a body is required"));
        }
        Ok(())
    }

    /// Returns `true` if the body is multipart and has a part named `_name`.
    fn has_part(&self, _name: &str) -> bool {
        match &self.body {
            #[cfg(feature = "gateway")]
            Some(Ok(Body::Form(form))) => form.has(_name),
            _ => false,
        }
    }

    /// Returns the error of a request that is not sent.
    pub(crate) fn invalid_request(&self, problem: String) -> Error {
        Error::invalid_request(problem).with_operation(&Label::Operation(self.operation))
    }

    pub(crate) fn operation(&self) -> &'static Operation {
        self.operation
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether an item of a list that cannot be decoded is an error.
    pub(crate) fn strict_items(&self) -> bool {
        self.client.options().has_strict_items()
    }

    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Returns the value of a query parameter.
    pub(crate) fn query_value(&self, name: &str) -> Option<&QueryValue> {
        self.parameters.query_parameters().get(name)
    }
}

/// Converts a request body and encodes it as JSON.
pub(crate) fn encode_body<T: Serialize, V: TryInto<T, Error: Into<Error>>>(
    value: V,
) -> Result<Bytes, Error> {
    encode_json(&value.try_into().map_err(Into::into)?)
}

/// Encodes a request body as JSON.
pub(crate) fn encode_json<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Error> {
    match serde_json::to_vec(value) {
        Ok(json) => Ok(json.into()),
        Err(error) => Err(Error::invalid_request(format!(
            "the body cannot be encoded as JSON: {error}"
        ))),
    }
}

/// Sets `"stream": true` in a JSON object.
#[cfg(feature = "gateway")]
fn with_stream_true(body: Body) -> Result<Body, Error> {
    match body {
        Body::Json(json) => {
            // The other members are copied without decoding them.
            let body: serde_json::Result<BTreeMap<String, &RawValue>> =
                serde_json::from_slice(&json);
            let mut body = body.unwrap_or_default();
            body.insert("stream".to_owned(), RawValue::TRUE);
            encode_json(&body).map(Body::Json)
        }
        form @ Body::Form(_) => Ok(form),
    }
}

/// Returns the error that the body of a success reports, if any.
pub(crate) fn check_success(
    client: &Client,
    response: RawResponse,
    label: &Label,
) -> Result<RawResponse, Error> {
    if !reports_failure(&response.body) {
        return Ok(response);
    }
    transport::failure_reported(label);
    let history = response.history;
    Err(Error::reported_failure(response.into_error_response())
        .redacted(client.redactor())
        .with_operation(label)
        .with_history(history, None))
}

/// Decodes the body of a success. An empty body counts as `{}`: writes may return one although the
/// OpenAPI document declares an object.
pub(super) fn decode_body<T: LenientDecode>(body: &[u8]) -> Result<T, DecodeError> {
    decode::from_slice(if is_blank(body) { b"{}" } else { body })
}

/// Returns `true` if a body is empty or white space.
pub(crate) fn is_blank(body: &[u8]) -> bool {
    let body = json::without_byte_order_mark(body);
    body.iter().all(u8::is_ascii_whitespace)
}

/// Records and returns the error of a success that cannot be decoded.
pub(crate) fn decode_error(error: DecodeError, response: RawResponse, label: &Label) -> Error {
    transport::decode_failed(label);
    let (history, redactor) = (response.history, response.redactor.clone());
    Error::decode(error, response.into_error_response())
        .redacted(&redactor)
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
    use serde_json::json;

    use super::*;

    #[test]
    fn stream_is_set_to_true_in_every_body() {
        for (body, expected) in [
            (json!({}), json!({"stream": true})),
            (json!({"a": {}}), json!({"a": {}, "stream": true})),
            (
                json!({"stream": false, "a": 1}),
                json!({"stream": true, "a": 1}),
            ),
            (
                json!({"a": 1, "stream": null}),
                json!({"a": 1, "stream": true}),
            ),
            (
                json!({"a": "\"stream\"", "stream_options": {}}),
                json!({"a": "\"stream\"", "stream_options": {}, "stream": true}),
            ),
            (
                json!({"a": {"stream": false}}),
                json!({"a": {"stream": false}, "stream": true}),
            ),
        ] {
            let body = with_stream_true(Body::Json(body.to_string().into()));
            let Ok(Body::Json(json)) = body else {
                panic!("expected a JSON body");
            };
            let sent: Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(sent, expected);
        }
    }
}

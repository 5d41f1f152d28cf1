//! The one error of this crate.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::operation::Operation;

/// Why a call gave no value.
///
/// `Display` is one line for a person; `Debug` and `Display` never show a key, a header or a body.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    operation: Option<&'static Operation>,
    hint: Option<String>,
}

#[derive(Clone)]
enum Kind {
    Configuration(String),
    InvalidRequest(String),
    Transport(Arc<reqwest::Error>),
    Refused(Box<Refusal>),
    Decode(Arc<DecodeError>, Box<Refusal>),
}

/// What serde says, with the JSON path.
pub(crate) type DecodeError = serde_path_to_error::Error<serde_json::Error>;

/// An answer that is no value: its status, headers and body, and what could be read from it.
#[derive(Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    code: Option<String>,
    message: Option<String>,
}

impl Refusal {
    /// Reads code and message from any of the envelopes that the service was seen to use.
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let container = [&json["error"], &json["data"]]
            .into_iter()
            .find(|inner| inner.is_object())
            .unwrap_or(&json);
        let text = |name: &str| {
            container[name]
                .as_str()
                .or(json[name].as_str())
                .map(str::to_owned)
        };
        Self {
            status,
            headers,
            body,
            code: text("errorCode").or_else(|| text("code")),
            message: text("message").or_else(|| json["error"].as_str().map(str::to_owned)),
        }
    }

    /// Takes `secret` out of what `Display` shows, should the service echo it.
    pub(crate) fn without(mut self, secret: &str) -> Self {
        for text in [&mut self.code, &mut self.message].into_iter().flatten() {
            *text = text.replace(secret, "[redacted]");
        }
        self
    }
}

impl Error {
    fn new(kind: Kind) -> Self {
        Self(Arc::new(Inner {
            kind,
            operation: None,
            hint: None,
        }))
    }

    pub(crate) fn configuration(problem: impl Into<String>) -> Self {
        Self::new(Kind::Configuration(problem.into()))
    }

    pub(crate) fn invalid_request(problem: impl Into<String>) -> Self {
        Self::new(Kind::InvalidRequest(problem.into()))
    }

    /// The URL is left out: its query may hold anything.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        Self::new(Kind::Transport(Arc::new(error.without_url())))
    }

    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self::new(Kind::Refused(Box::new(refusal)))
    }

    pub(crate) fn decode(error: DecodeError, answer: Refusal) -> Self {
        Self::new(Kind::Decode(Arc::new(error), Box::new(answer)))
    }

    /// The same error, with the operation that it belongs to.
    pub(crate) fn of(self, operation: &'static Operation) -> Self {
        self.changed(|inner| inner.operation = Some(operation))
    }

    /// The same error, with a line on what to look at.
    pub(crate) fn with_hint(self, hint: Option<String>) -> Self {
        self.changed(|inner| inner.hint = hint)
    }

    /// The same invalid request, seen from the value around it.
    pub(crate) fn inside(self, member: &str) -> Self {
        self.changed(|inner| {
            if let Kind::InvalidRequest(problem) = &mut inner.kind {
                *problem = format!("{member}: {problem}");
            }
        })
    }

    fn changed(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    fn answer(&self) -> Option<&Refusal> {
        match &self.0.kind {
            Kind::Refused(answer) | Kind::Decode(_, answer) => Some(answer),
            _ => None,
        }
    }

    /// The operation (`get_workspace`) that failed; absent where the client itself could not be built.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation.map(|operation| operation.id)
    }

    /// The status, where there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.answer().map(|answer| answer.status)
    }

    /// The service's code, such as `AB01`.
    pub fn code(&self) -> Option<&str> {
        self.answer()?.code.as_deref()
    }

    /// The service's message.
    pub fn message(&self) -> Option<&str> {
        self.answer()?.message.as_deref()
    }

    /// The answer's headers.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.answer().map(|answer| &answer.headers)
    }

    /// The answer's body, as it came.
    pub fn body(&self) -> Option<&Bytes> {
        self.answer().map(|answer| &answer.body)
    }

    /// What Portkey calls the request (`x-portkey-request-id`, else `x-portkey-trace-id`), to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        let headers = self.headers()?;
        ["x-portkey-request-id", "x-portkey-trace-id"]
            .iter()
            .find_map(|name| headers.get(*name)?.to_str().ok())
    }

    /// Whether the client could not be built: a key or a URL that cannot be used.
    pub fn is_configuration(&self) -> bool {
        matches!(self.0.kind, Kind::Configuration(_))
    }

    /// Whether the request was refused before anything was sent.
    pub fn is_invalid_request(&self) -> bool {
        matches!(self.0.kind, Kind::InvalidRequest(_))
    }

    /// Whether the answer was a success that could not be decoded; [`body`](Self::body) still has it.
    pub fn is_decode(&self) -> bool {
        matches!(self.0.kind, Kind::Decode(..))
    }

    /// Whether the request ran out of time.
    pub fn is_timeout(&self) -> bool {
        matches!(&self.0.kind, Kind::Transport(error) if error.is_timeout())
    }

    /// Whether no connection could be made, so that nothing was executed.
    pub fn is_connect(&self) -> bool {
        matches!(&self.0.kind, Kind::Transport(error) if error.is_connect())
    }

    /// 401: the key is missing, wrong or expired.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// 403: the key may not do this, or (code `AB03`, seen for workspaces) the thing is gone.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN)
    }

    /// 404: there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// 409: something else still needs it.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }

    /// 429: too many requests.
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{operation}: ")?;
        }
        match &self.0.kind {
            Kind::Configuration(problem) => f.write_str(problem)?,
            Kind::InvalidRequest(problem) => write!(f, "not sent: {problem}")?,
            Kind::Transport(error) => write!(f, "no answer: {error}")?,
            Kind::Refused(answer) => write_refusal(f, answer)?,
            Kind::Decode(error, answer) => {
                write!(f, "{} could not be decoded: {error}", answer.status)?
            }
        }
        if let Some(id) = self.request_id() {
            write!(f, " [request {id}]")?;
        }
        match &self.0.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

fn write_refusal(f: &mut fmt::Formatter<'_>, answer: &Refusal) -> fmt::Result {
    write!(f, "{}", answer.status)?;
    if let Some(code) = &answer.code {
        write!(f, " {code}")?;
    }
    match &answer.message {
        Some(message) => write!(f, ": {}", one_line(message)),
        None => Ok(()),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            Kind::Transport(error) => Some(&**error),
            Kind::Decode(error, _) => Some(&**error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> Refusal {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            HeaderMap::new(),
            Bytes::copy_from_slice(body.as_bytes()),
        )
    }

    #[test]
    fn every_envelope_is_read() {
        for (body, code, message) in [
            (
                r#"{"success":false,"data":{"message":"m","errorCode":"AB01"}}"#,
                Some("AB01"),
                Some("m"),
            ),
            (
                r#"{"status_code":400,"error":{"message":"m","code":"c"}}"#,
                Some("c"),
                Some("m"),
            ),
            (r#"{"message":"m","code":"c"}"#, Some("c"), Some("m")),
            (
                r#"{"errorCode":"AB08","message":"m"}"#,
                Some("AB08"),
                Some("m"),
            ),
            (r#"{"error":"m"}"#, None, Some("m")),
            ("<html>", None, None),
            ("null", None, None),
            ("", None, None),
        ] {
            let error = Error::refused(refusal(body));
            assert_eq!((error.code(), error.message()), (code, message), "{body}");
            assert_eq!(error.body().unwrap(), body);
        }
    }

    #[test]
    fn an_echoed_key_does_not_show() {
        let error = Error::refused(refusal(r#"{"message":"bad key canary"}"#).without("canary"));
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    #[test]
    fn is_small() {
        assert!(size_of::<Error>() <= 2 * size_of::<usize>());
    }
}

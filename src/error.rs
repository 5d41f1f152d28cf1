//! The one error of this crate.

mod decode_error;
mod error_response;
mod label;
mod redact;

use std::{
    fmt::{self, Write},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::{Client, operation::Operation, retry::AttemptSummary, secret::REDACTED};

pub(crate) use decode_error::DecodeError;
pub(crate) use error_response::{ErrorResponse, LIMIT};
pub(crate) use label::Label;
pub(crate) use redact::without_values;

/// Why a call gave no value.
///
/// `Display` is one line for a person; `Debug` and `Display` never show a key, a header or a body.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    label: Option<Label>,
    /// What came of the answer; absent where none began.
    answer: Option<ErrorResponse>,
    hint: Option<String>,
    history: AttemptSummary,
    retry_after: Option<Duration>,
}

#[derive(Clone)]
enum Kind {
    Configuration(String),
    InvalidRequest(String),
    Transport(Arc<reqwest::Error>),
    TimedOut(Duration),
    /// The limit on how long nothing may come.
    Silent(Duration),
    Refused,
    Decode(Arc<DecodeError>),
    Paging(String),
    /// Everything was answered, but not with what the call is for.
    Unusable(String),
    /// What was waited for, how long and how often.
    Waited(String),
    /// An event of a stream, by its number, that is an error of the service.
    Event(u64),
    /// A session that has begun, and did not end as it should.
    Session(String),
    /// Where the body was to be written.
    Write(Arc<std::io::Error>),
    /// What was to be sent, and why it could not be read.
    Read(String, Arc<std::io::Error>),
}

impl Error {
    /// Cold, as is whatever leads to an error: so a call that succeeds has its code in one piece, and
    /// reads less of it from memory.
    #[cold]
    fn new(kind: Kind) -> Self {
        Self(Arc::new(Inner {
            kind,
            label: None,
            answer: None,
            hint: None,
            history: AttemptSummary::default(),
            retry_after: None,
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

    /// There was no answer within that time, or not all of it.
    pub(crate) fn timed_out(after: Duration) -> Self {
        Self::new(Kind::TimedOut(after))
    }

    /// Nothing came for that time, though more was to come.
    pub(crate) fn silent(after: Duration) -> Self {
        Self::new(Kind::Silent(after))
    }

    pub(crate) fn refused(answer: ErrorResponse) -> Self {
        Self::new(Kind::Refused).with_response(answer)
    }

    /// A success that cannot be read; it has been executed.
    pub(crate) fn decode(error: DecodeError, answer: ErrorResponse) -> Self {
        let hint = answer.foreign();
        Self::new(Kind::Decode(Arc::new(error)))
            .with_response(answer)
            .with_hint(hint)
            .executed()
    }

    /// Pages that came, but make no list.
    pub(crate) fn paging(problem: impl Into<String>) -> Self {
        Self::new(Kind::Paging(problem.into()))
    }

    /// A success that does not hold what it should.
    pub(crate) fn unusable(problem: impl Into<String>) -> Self {
        Self::new(Kind::Unusable(problem.into()))
    }

    /// An event that is an error of the service.
    pub(crate) fn event(number: u64, event: ErrorResponse) -> Self {
        Self::new(Kind::Event(number)).with_response(event)
    }

    /// A session that has begun, and did not end as it should.
    pub(crate) fn session(problem: impl Into<String>) -> Self {
        Self::new(Kind::Session(problem.into()))
    }

    /// What was waited for did not happen in time.
    pub(crate) fn waited(what: impl Into<String>) -> Self {
        Self::new(Kind::Waited(what.into()))
    }

    /// What arrived could not be written.
    pub(crate) fn write(error: std::io::Error) -> Self {
        Self::new(Kind::Write(Arc::new(error)))
    }

    /// What was to be sent could not be read to its end.
    pub(crate) fn read(what: impl Into<String>, error: Arc<std::io::Error>) -> Self {
        Self::new(Kind::Read(what.into(), error))
    }

    /// The same error, with the call that it belongs to.
    pub(crate) fn of(self, label: &Label) -> Self {
        self.changed(|inner| inner.label = Some(label.clone()))
    }

    /// The same error, with what came of the answer.
    pub(crate) fn with_response(self, answer: ErrorResponse) -> Self {
        self.changed(|inner| inner.answer = Some(answer))
    }

    /// The same error, but for the client's secrets in what the service says.
    pub(crate) fn redacted(self, client: &Client) -> Self {
        self.changed(|inner| {
            inner.answer = inner.answer.take().map(|answer| answer.redacted(client))
        })
    }

    /// The same error, with another body; what was read from the one before stays.
    pub(crate) fn with_body(self, body: Bytes) -> Self {
        self.changed(|inner| {
            if let Some(answer) = &mut inner.answer {
                let ErrorResponse { body, is_cut, .. } =
                    ErrorResponse::new(answer.status, HeaderMap::new(), body);
                (answer.body, answer.is_cut) = (body, is_cut);
            }
        })
    }

    /// The same error, with a line on what to look at, where there is one.
    pub(crate) fn with_hint(self, hint: Option<String>) -> Self {
        self.changed(|inner| inner.hint = hint.or_else(|| inner.hint.take()))
    }

    /// The same error, with one line more on what to look at.
    pub(crate) fn with_note(self, note: String) -> Self {
        self.changed(|inner| {
            inner.hint = Some(match inner.hint.take() {
                Some(hint) => format!("{hint}; {note}"),
                None => note,
            });
        })
    }

    /// The same error, of something that has been executed, at least in part.
    pub(crate) fn executed(self) -> Self {
        self.changed(|inner| inner.history.executed = true)
    }

    /// The same error, with what became of the attempts.
    pub(crate) fn with_history(
        self,
        history: AttemptSummary,
        retry_after: Option<Duration>,
    ) -> Self {
        self.changed(|inner| {
            inner.history = AttemptSummary {
                executed: history.executed || inner.history.executed,
                ..history
            };
            inner.retry_after = retry_after;
        })
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

    fn answer(&self) -> Option<&ErrorResponse> {
        self.0.answer.as_ref()
    }

    /// The answer that the error keeps.
    pub(crate) fn into_response(self) -> Option<ErrorResponse> {
        Arc::unwrap_or_clone(self.0).answer
    }

    /// The operation (`get_workspace`) that failed, or method and path of a raw request; with
    /// ` (signed URL)` behind it where a storage failed. Absent where the client itself could not be
    /// built, and where a [`Waiter`](crate::Wait) ran out of time.
    pub fn operation(&self) -> Option<&str> {
        self.0.label.as_ref().map(Label::name)
    }

    /// What is known about the operation that failed.
    pub fn operation_metadata(&self) -> Option<&'static Operation> {
        self.0.label.as_ref()?.operation()
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

    /// The answer's body, as it came: all that arrived, up to 1 MiB.
    pub fn body(&self) -> Option<&Bytes> {
        self.answer().map(|answer| &answer.body)
    }

    /// Whether [`body`](Self::body) is only the first 1 MiB.
    pub fn is_body_truncated(&self) -> bool {
        self.answer().is_some_and(|answer| answer.is_cut)
    }

    /// What Portkey calls the request (`x-portkey-request-id`), to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        request_id(self.headers()?)
    }

    /// What Portkey calls the trace (`x-portkey-trace-id`).
    pub fn trace_id(&self) -> Option<&str> {
        trace_id(self.headers()?)
    }

    /// How long the service asked to wait (`Retry-After`, `retry-after-ms`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How often the request was sent, or tried to be; 0 where it was refused before.
    pub fn attempts(&self) -> u32 {
        self.0.history.attempts
    }

    /// Whether the service may have done what was asked, by any of the attempts: no whole answer came,
    /// or it failed on its side, or it succeeded and the answer could not be read. After `false` it is
    /// safe to try again.
    pub fn may_have_executed(&self) -> bool {
        self.0.history.executed
    }

    /// Whether the client could not be built: a key or a URL that cannot be used.
    pub fn is_configuration(&self) -> bool {
        matches!(self.0.kind, Kind::Configuration(_))
    }

    /// Whether the request was refused before anything was sent.
    pub fn is_invalid_request(&self) -> bool {
        matches!(self.0.kind, Kind::InvalidRequest(_))
    }

    /// Whether a list could not be read to its end, although every page came: the service sent one
    /// twice, did not say where the next is, or there were more than the caller allowed.
    pub fn is_paging(&self) -> bool {
        matches!(self.0.kind, Kind::Paging(_))
    }

    /// Whether the answer was a success that could not be decoded; [`body`](Self::body) still has it.
    pub fn is_decode(&self) -> bool {
        matches!(self.0.kind, Kind::Decode(..))
    }

    /// Whether the request ran out of time, or the time was over in which [`Waiter`](crate::Wait) waits.
    pub fn is_timeout(&self) -> bool {
        match &self.0.kind {
            Kind::Transport(error) => error.is_timeout(),
            Kind::TimedOut(_) | Kind::Silent(_) | Kind::Waited(_) => true,
            _ => false,
        }
    }

    /// Whether no connection could be made, so that nothing was executed.
    pub fn is_connect(&self) -> bool {
        matches!(&self.0.kind, Kind::Transport(error) if error.is_connect())
    }

    /// 401: the key is missing, wrong or expired.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// 403: the key may not do this, or (code `AB03`, seen for workspaces) the thing is gone; see
    /// [`is_gone_or_hidden`](Self::is_gone_or_hidden).
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN)
    }

    /// 404: there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// 404, or 403 with the code `AB03`.
    ///
    /// The service answers 403 `AB03` where a scope is missing, and also where the thing does not
    /// exist any more (E10; seen for workspaces, documented for guardrails). Ask this after a read
    /// where the key is known to have the scope; [`is_forbidden`](Self::is_forbidden) and
    /// [`is_not_found`](Self::is_not_found) go by the status alone.
    pub fn is_gone_or_hidden(&self) -> bool {
        self.is_not_found() || (self.is_forbidden() && self.code() == Some("AB03"))
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

static REQUEST_ID: HeaderName = HeaderName::from_static("x-portkey-request-id");
static TRACE_ID: HeaderName = HeaderName::from_static("x-portkey-trace-id");

/// What an answer says the request is called.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    header(headers, &REQUEST_ID)
}

/// What an answer says the trace is called.
pub(crate) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    header(headers, &TRACE_ID)
}

/// Takes secrets out of what an answer is called, should the service repeat one there: that shows in
/// errors and traces.
pub(crate) fn redact_request_ids(headers: &mut HeaderMap, client: &Client) {
    for name in [&REQUEST_ID, &TRACE_ID] {
        if let Some(value) = headers.get_mut(name)
            && let Ok(text) = value.to_str()
            && client.contains_secret(text)
        {
            *value = HeaderValue::from_static(REDACTED);
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        self.write_line(&mut line)?;
        f.write_str(&one_line(&line))
    }
}

impl Error {
    fn write_line(&self, f: &mut String) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{operation}: ")?;
        }
        self.write_kind(f)?;
        if self.is_body_truncated() {
            f.write_str("; the body is cut at 1 MiB")?;
        }
        if self.attempts() > 1 {
            write!(f, ", after {} attempts", self.attempts())?;
        }
        if let Some(wait) = self.0.retry_after {
            write!(f, ", asked to wait {} s", wait.as_secs_f64())?;
        }
        match (self.request_id(), self.trace_id()) {
            (Some(id), _) => write!(f, " [request {id}]")?,
            (None, Some(id)) => write!(f, " [trace {id}]")?,
            (None, None) => {}
        }
        match &self.0.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }

    fn write_kind(&self, f: &mut String) -> fmt::Result {
        match (&self.0.kind, self.answer()) {
            (Kind::Configuration(problem), _) => f.write_str(problem),
            (Kind::InvalidRequest(problem), _) => write!(f, "not sent: {problem}"),
            (Kind::Paging(problem), _) => write!(f, "the list cannot be read on: {problem}"),
            (Kind::Transport(error), None) => write!(f, "no answer: {}", root(error)),
            (Kind::Transport(error), Some(answer)) => {
                write!(f, "{} that broke off: {}", answer.status, root(error))
            }
            (Kind::Unusable(problem), _) => write!(f, "the answer cannot be used: {problem}"),
            (Kind::Waited(what), _) => f.write_str(what),
            (Kind::Session(problem), _) => write!(f, "the session {problem}"),
            (Kind::Write(error), _) => write!(f, "the body could not be written: {error}"),
            (Kind::Read(what, error), _) => write!(f, "{what} could not be read: {error}"),
            (Kind::TimedOut(after), None) => write!(f, "no answer within {after:?}"),
            (Kind::TimedOut(after), Some(answer)) => {
                write!(
                    f,
                    "{} that was not complete within {after:?}",
                    answer.status
                )
            }
            (Kind::Silent(after), None) => write!(f, "nothing came for {after:?}"),
            (Kind::Silent(after), Some(answer)) => {
                let status = answer.status;
                write!(f, "{status} of which nothing more came for {after:?}")
            }
            (Kind::Refused, Some(answer)) => write_refusal(f, answer),
            (Kind::Event(number), answer) => {
                write!(f, "event {number} of the stream is an error")?;
                answer.map_or(Ok(()), |answer| write_reason(f, answer))
            }
            (Kind::Refused, None) => f.write_str("refused"),
            (Kind::Decode(error), answer) => {
                let status = answer.map_or(StatusCode::OK, |answer| answer.status);
                write!(f, "{status} could not be decoded: {error}")
            }
        }
    }
}

/// What reqwest says and, since that is general, the cause at the end of the chain.
fn root(error: &reqwest::Error) -> String {
    let first: &dyn std::error::Error = error;
    match std::iter::successors(first.source(), |error| error.source()).last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn write_refusal(f: &mut String, answer: &ErrorResponse) -> fmt::Result {
    write!(f, "{}", answer.status)?;
    write_reason(f, answer)
}

/// What the service says about it.
fn write_reason(f: &mut String, answer: &ErrorResponse) -> fmt::Result {
    if let Some(code) = &answer.code {
        write!(f, " {code}")?;
    }
    match &answer.message {
        Some(message) => write!(f, ": {message}"),
        None => Ok(()),
    }
}

/// The text on one line: the service, a path or a file name may hold what moves a terminal's cursor.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            match c.is_control() {
                true => line.extend(c.escape_default()),
                false => line.push(c),
            }
        }
    }
    line
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
            Kind::Decode(error) => Some(&**error),
            Kind::Write(error) | Kind::Read(_, error) => Some(&**error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> ErrorResponse {
        ErrorResponse::new(
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
            (r#"{"code":40001,"message":"m"}"#, Some("40001"), Some("m")),
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
        let client = Client::builder().api_key("canary").build().unwrap();
        let refused = Error::refused(refusal(r#"{"message":"bad key canary"}"#));
        let error = refused.redacted(&client);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    #[test]
    fn whatever_the_service_says_is_one_line() {
        let error = Error::refused(refusal(r#"{"code":"a\nb","message":"c\r\n\td\u001b[2J"}"#))
            .of(&Label::Request("GET /e\nf".into()))
            .with_hint(Some("g\nh".to_owned()));
        assert_eq!(
            error.to_string(),
            r"GET /e f: 400 Bad Request a b: c d\u{1b}[2J (g h)"
        );
    }

    #[test]
    fn is_small() {
        assert!(size_of::<Error>() <= 2 * size_of::<usize>());
    }
}

//! The error type of the crate.

mod decode_error;
mod display;
mod envelope;
mod error_response;
mod label;
mod optional;
#[cfg(feature = "test-util")]
mod test_util;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::{
    error_codes,
    operation::Operation,
    redact::Redactor,
    request_id,
    retry::{AttemptSummary, is_transient_status},
};

pub(crate) use decode_error::DecodeError;
pub(crate) use envelope::{Envelope, reports_failure};
pub(crate) use error_response::{ErrorResponse, MAX_BODY_LEN};
pub(crate) use label::Label;
pub use optional::OptionalExt;

/// The error of every fallible function of this crate.
///
/// `Display` writes a single line. Neither `Debug` nor `Display` shows a key, a header or a body.
///
/// See the guide: [errors](crate::guide::errors).
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    label: Option<Label>,
    /// `None` if no response was received.
    response: Option<ErrorResponse>,
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
    /// No connection was established within the time of an attempt.
    ConnectTimedOut(Duration),
    /// No data arrived for this long.
    IdleTimeout(Duration),
    /// A response without a success status.
    Status,
    /// A response with a success status whose body reports a failure.
    ReportedFailure,
    Decode(Arc<DecodeError>),
    Paging(String),
    /// Several items of a list match where one is expected.
    Ambiguous(String),
    /// A success whose content is not what the operation returns.
    UnexpectedResponse(String),
    /// A response that exceeds a limit of its size.
    ResponseTooLarge(String),
    /// The condition of a `Waiter` was not met in time.
    WaitTimeout(String),
    /// An event of a stream, by its number, in which the service reports an error.
    Event(u64),
    /// An established realtime session failed.
    Session(String),
    /// Writing the response body failed.
    Write(Arc<std::io::Error>),
    /// Reading a part of the request body failed; the string names the part.
    Read(String, Arc<std::io::Error>),
}

impl Error {
    fn new(kind: Kind) -> Self {
        Self(Arc::new(Inner {
            kind,
            label: None,
            response: None,
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

    /// Drops the URL, because its query may contain secrets.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        Self::new(Kind::Transport(Arc::new(error.without_url())))
    }

    /// The response was not complete within `after`.
    pub(crate) fn timed_out(after: Duration) -> Self {
        Self::new(Kind::TimedOut(after))
    }

    /// No connection was established within `after`.
    pub(crate) fn connect_timed_out(after: Duration) -> Self {
        Self::new(Kind::ConnectTimedOut(after))
    }

    /// No data arrived for `after`, although the response or session was not complete.
    pub(crate) fn idle_timeout(after: Duration) -> Self {
        Self::new(Kind::IdleTimeout(after))
    }

    /// The service responded without a success status.
    pub(crate) fn status_error(response: ErrorResponse) -> Self {
        Self::new(Kind::Status).with_response(response)
    }

    /// The body of a response with a success status reports a failure. Whether the operation was
    /// executed is not known.
    pub(crate) fn reported_failure(response: ErrorResponse) -> Self {
        Self::new(Kind::ReportedFailure)
            .with_response(response)
            .mark_executed()
    }

    /// A success that cannot be decoded; the operation was executed.
    pub(crate) fn decode(error: DecodeError, response: ErrorResponse) -> Self {
        let hint = response.format_hint();
        Self::new(Kind::Decode(Arc::new(error)))
            .with_response(response)
            .with_hint(hint)
            .mark_executed()
    }

    /// Every page arrived, but the list cannot be continued.
    pub(crate) fn paging(problem: impl Into<String>) -> Self {
        Self::new(Kind::Paging(problem.into()))
    }

    /// Several items of a list match where one is expected.
    pub(crate) fn ambiguous(problem: impl Into<String>) -> Self {
        Self::new(Kind::Ambiguous(problem.into()))
    }

    /// A success whose content is not what the operation returns.
    pub(crate) fn unexpected_response(problem: impl Into<String>) -> Self {
        Self::new(Kind::UnexpectedResponse(problem.into()))
    }

    /// A response that exceeds a limit of its size; the request was executed.
    pub(crate) fn response_too_large(problem: impl Into<String>) -> Self {
        Self::new(Kind::ResponseTooLarge(problem.into())).mark_executed()
    }

    /// An event in which the service reports an error.
    pub(crate) fn event(number: u64, event: ErrorResponse) -> Self {
        Self::new(Kind::Event(number)).with_response(event)
    }

    /// An established session failed; `problem` is a predicate such as `is closed`.
    pub(crate) fn session(problem: impl Into<String>) -> Self {
        Self::new(Kind::Session(problem.into()))
    }

    /// The condition of a `Waiter` was not met in time.
    pub(crate) fn wait_timeout(message: impl Into<String>) -> Self {
        Self::new(Kind::WaitTimeout(message.into()))
    }

    /// The response body could not be written.
    pub(crate) fn write(error: std::io::Error) -> Self {
        Self::new(Kind::Write(Arc::new(error)))
    }

    /// A part of the request body could not be read to its end.
    pub(crate) fn read(part: impl Into<String>, error: Arc<std::io::Error>) -> Self {
        Self::new(Kind::Read(part.into(), error))
    }

    /// Sets the operation or request that failed.
    pub(crate) fn with_operation(self, label: &Label) -> Self {
        self.map(|inner| inner.label = Some(label.clone()))
    }

    /// Sets the response.
    pub(crate) fn with_response(self, response: ErrorResponse) -> Self {
        self.map(|inner| inner.response = Some(response))
    }

    /// Redacts the client's secrets in everything that is shown and that the service may have sent.
    pub(crate) fn redacted(self, redactor: &Redactor) -> Self {
        self.map(|inner| {
            let redact = |string: &mut String| *string = redactor.redact(std::mem::take(string));
            match &mut inner.kind {
                Kind::UnexpectedResponse(problem)
                | Kind::ResponseTooLarge(problem)
                | Kind::Session(problem)
                | Kind::Ambiguous(problem)
                | Kind::Paging(problem) => redact(problem),
                Kind::Decode(error) => {
                    if let Some(redacted) = error.redacted(redactor) {
                        *error = Arc::new(redacted);
                    }
                }
                _ => {}
            }
            inner.hint.iter_mut().for_each(redact);
            inner.response = inner
                .response
                .take()
                .map(|response| response.redacted(redactor))
        })
    }

    /// Replaces the body; code and message of the previous body remain.
    pub(crate) fn with_body(self, body: Bytes) -> Self {
        self.map(|inner| {
            if let Some(response) = &mut inner.response {
                let ErrorResponse {
                    body, is_truncated, ..
                } = ErrorResponse::new(response.status, HeaderMap::new(), body);
                (response.body, response.is_truncated) = (body, is_truncated);
            }
        })
    }

    /// Sets the hint, if there is one.
    pub(crate) fn with_hint(self, hint: Option<String>) -> Self {
        self.map(|inner| inner.hint = hint.or_else(|| inner.hint.take()))
    }

    /// Appends `note` to the hint.
    pub(crate) fn with_note(self, note: String) -> Self {
        self.map(|inner| {
            inner.hint = Some(match inner.hint.take() {
                Some(hint) => format!("{hint}; {note}"),
                None => note,
            });
        })
    }

    /// Records that the request was executed, at least in part.
    pub(crate) fn mark_executed(self) -> Self {
        self.map(|inner| inner.history.may_have_executed = true)
    }

    /// Sets the summary of the attempts; a request marked as executed stays so.
    pub(crate) fn with_history(
        self,
        history: AttemptSummary,
        retry_after: Option<Duration>,
    ) -> Self {
        self.map(|inner| {
            inner.history = AttemptSummary {
                may_have_executed: history.may_have_executed || inner.history.may_have_executed,
                ..history
            };
            inner.retry_after = retry_after;
        })
    }

    /// Prefixes the problem of an invalid request with the field that contains the value.
    pub(crate) fn with_field_path(self, field: &str) -> Self {
        self.map(|inner| {
            if let Kind::InvalidRequest(problem) = &mut inner.kind {
                *problem = format!("{field}: {problem}");
            }
        })
    }

    fn map(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    fn envelope(&self) -> Option<&Envelope> {
        Some(&self.response()?.envelope)
    }

    fn response(&self) -> Option<&ErrorResponse> {
        self.0.response.as_ref()
    }

    pub(crate) fn into_response(self) -> Option<ErrorResponse> {
        Arc::unwrap_or_clone(self.0).response
    }

    /// Returns the id of the operation that failed (`get_workspace`), or method and path of a raw
    /// request, followed by ` (signed URL)` if the storage behind a signed URL failed.
    ///
    /// `None` if the client could not be built or a [`Waiter`](crate::Waiter) timed out.
    pub fn operation(&self) -> Option<&str> {
        self.0.label.as_ref().map(Label::name)
    }

    /// Returns the metadata of the operation that failed; `None` for raw requests and signed URLs.
    pub fn operation_metadata(&self) -> Option<&'static Operation> {
        self.0.label.as_ref()?.operation()
    }

    /// Returns the HTTP status, if a response was received.
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(|response| response.status)
    }

    /// Returns the error code of the service, such as `AB01`; see [`error_codes`].
    pub fn code(&self) -> Option<&str> {
        self.envelope()?.code.as_deref()
    }

    /// Returns the complete error message of the service. `Display` shows only its beginning if it is
    /// long.
    pub fn message(&self) -> Option<&str> {
        self.envelope()?.message.as_deref()
    }

    /// Returns the parameter that the error is about (`param` of OpenAI's format): usually its name. If
    /// the gateway passes on what a provider's client reported, it is an object.
    pub fn param(&self) -> Option<&Value> {
        self.envelope()?.param.as_ref()
    }

    /// Returns the provider whose error the gateway passes on, such as `openai`.
    pub fn provider(&self) -> Option<&str> {
        self.envelope()?.provider.as_deref()
    }

    /// Returns the header or the member of the body that the gateway refused, such as
    /// `x-portkey-config`.
    pub fn field(&self) -> Option<&str> {
        self.envelope()?.field.as_deref()
    }

    /// Returns the response headers.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.response().map(|response| &response.headers)
    }

    /// Returns the part of the response body that was received, up to 1 MiB, unchanged.
    pub fn body(&self) -> Option<&Bytes> {
        self.response().map(|response| &response.body)
    }

    /// Returns `true` if [`body`](Self::body) holds only the first 1 MiB.
    pub fn is_body_truncated(&self) -> bool {
        self.response()
            .is_some_and(|response| response.is_truncated)
    }

    /// Returns Portkey's request id (`x-portkey-request-id`), to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        request_id::request_id(self.headers()?)
    }

    /// Returns Portkey's trace id (`x-portkey-trace-id`).
    pub fn trace_id(&self) -> Option<&str> {
        request_id::trace_id(self.headers()?)
    }

    /// Returns the delay that the service asked for (`Retry-After`, `retry-after-ms`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the number of attempts; 0 if the request was rejected before it was sent.
    pub fn attempts(&self) -> u32 {
        self.0.history.attempts
    }

    /// Returns `true` if the service may have executed the request in any of the attempts: the
    /// response was incomplete or missing, the service failed or redirected (other than with 307 or
    /// 308), or its status was a success although the response could not be read or reports a
    /// failure. If `false`, it is safe to send the request again.
    pub fn may_have_executed(&self) -> bool {
        self.0.history.may_have_executed
    }

    /// Returns `true` if the client could not be built, for example because of an invalid key or
    /// URL, or if it lacks the base URL that a call needs.
    pub fn is_configuration(&self) -> bool {
        matches!(self.0.kind, Kind::Configuration(_))
    }

    /// Returns `true` if the request was rejected by the client and not sent.
    pub fn is_invalid_request(&self) -> bool {
        matches!(self.0.kind, Kind::InvalidRequest(_))
    }

    /// Returns `true` if a list could not be read to its end although every page arrived: the
    /// service repeated a page or omitted the position of the next, or the list exceeds the
    /// caller's limit.
    pub fn is_paging(&self) -> bool {
        matches!(self.0.kind, Kind::Paging(_))
    }

    /// Returns `true` if several items of a list have the name that was looked up.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self.0.kind, Kind::Ambiguous(_))
    }

    /// Returns `true` if a successful response could not be decoded; [`body`](Self::body) returns
    /// it.
    pub fn is_decode(&self) -> bool {
        matches!(self.0.kind, Kind::Decode(..))
    }

    /// Returns `true` if a response reports a failure although its status is a success: `success` is
    /// false, and the body contains an error. [`code`](Self::code) and [`message`](Self::message)
    /// return it.
    pub fn is_reported_failure(&self) -> bool {
        matches!(self.0.kind, Kind::ReportedFailure)
    }

    /// Returns `true` if the request or a [`Waiter`](crate::Waiter) timed out.
    pub fn is_timeout(&self) -> bool {
        match &self.0.kind {
            Kind::Transport(error) => error.is_timeout(),
            Kind::TimedOut(_)
            | Kind::ConnectTimedOut(_)
            | Kind::IdleTimeout(_)
            | Kind::WaitTimeout(_) => true,
            _ => false,
        }
    }

    /// Returns `true` if no connection could be established, so that nothing was executed.
    pub fn is_connect(&self) -> bool {
        match &self.0.kind {
            Kind::Transport(error) => error.is_connect(),
            Kind::ConnectTimedOut(_) => true,
            _ => false,
        }
    }

    /// Returns `true` if a response exceeds a limit of its size:
    /// [`RequestOptions::max_response_size`](crate::RequestOptions::max_response_size), the limit of
    /// [`ByteStream::bytes`](crate::ByteStream::bytes), of an event, or of the head.
    pub fn is_response_too_large(&self) -> bool {
        matches!(self.0.kind, Kind::ResponseTooLarge(_))
    }

    /// Returns `true` for status 401: the key is missing, invalid or expired (code `AB05`).
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// Returns `true` for status 403: the key lacks a permission or (code `AB03`, observed for
    /// workspaces) the resource no longer exists; see
    /// [`is_gone_or_hidden`](Self::is_gone_or_hidden).
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN)
    }

    /// Returns `true` for status 404: the resource does not exist (code `AB08`), or the request refers
    /// to something that does not exist (code `AB02`).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Returns `true` for status 404, and for status 403 with the code `AB03`.
    ///
    /// The service responds with 403 `AB03` if a scope is missing, and also if the resource no
    /// longer exists (observed for workspaces, documented for guardrails). Use this method for
    /// reads whose scope the key is known to have; [`is_forbidden`](Self::is_forbidden) and
    /// [`is_not_found`](Self::is_not_found) depend on the status alone.
    pub fn is_gone_or_hidden(&self) -> bool {
        self.is_not_found() || (self.is_forbidden() && self.code() == Some(error_codes::FORBIDDEN))
    }

    /// Returns `true` for status 409: the resource exists already, another resource still depends on
    /// it, or it was changed meanwhile.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }

    /// Returns `true` for status 402, unless the gateway passes on the error of a
    /// [`provider`](Self::provider): the subscription of the organisation is used up (code `AB09`).
    pub fn is_subscription_exhausted(&self) -> bool {
        self.status() == Some(StatusCode::PAYMENT_REQUIRED) && self.provider().is_none()
    }

    /// Returns `true` for status 412, unless the gateway passes on the error of a
    /// [`provider`](Self::provider): the budget of the key, the workspace, the provider or a usage
    /// limits policy is used up.
    pub fn is_budget_exhausted(&self) -> bool {
        self.status() == Some(StatusCode::PRECONDITION_FAILED) && self.provider().is_none()
    }

    /// Returns `true` for status 446: a guardrail of the gateway denied the request or the response.
    ///
    /// If a guardrail is configured to report a failed check only, the status is 246, which is a
    /// success.
    pub fn is_guardrail_denied(&self) -> bool {
        self.status().is_some_and(|status| status.as_u16() == 446)
    }

    /// Returns `true` if the gateway refused a setting of the request because the organisation allows
    /// it only in saved configs (`inline_config_blocked` …). [`field`](Self::field) returns the header
    /// or the member of the body.
    pub fn is_inline_setting_blocked(&self) -> bool {
        self.code()
            .is_some_and(|code| error_codes::INLINE_BLOCKED.contains(&code))
    }

    /// Returns `true` for status 429: too many requests, for the service (code `AB06`) or for a
    /// [`provider`](Self::provider) of the gateway.
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Returns `true` for a status from 500 to 599: the service failed.
    pub fn is_server_error(&self) -> bool {
        self.status().is_some_and(|status| status.is_server_error())
    }

    /// Returns `true` if the same request may succeed later: no connection, no complete response in
    /// time, or one of the statuses that the client retries (408, 429, 500, 502 to 504, 520 to 524, 529).
    ///
    /// The client has already repeated the request where that was safe. Check
    /// [`may_have_executed`](Self::may_have_executed) before you repeat a write.
    pub fn is_transient(&self) -> bool {
        match &self.0.kind {
            Kind::Transport(error) => !error.is_builder(),
            Kind::TimedOut(_) | Kind::IdleTimeout(_) => true,
            Kind::Status => self.status().is_some_and(is_transient_status),
            _ => false,
        }
    }
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

    fn bad_request(body: &str) -> ErrorResponse {
        ErrorResponse::new(
            StatusCode::BAD_REQUEST,
            HeaderMap::new(),
            Bytes::copy_from_slice(body.as_bytes()),
        )
    }

    #[test]
    fn key_echoed_by_the_service_is_redacted() {
        let redactor = Redactor::new(["canary".into()]);
        let error = Error::status_error(bad_request(r#"{"message":"bad key canary"}"#));
        let error = error.redacted(&redactor);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    #[test]
    fn display_is_one_line_without_control_characters() {
        let body = r#"{"code":"a\nb","message":"c\r\n\td\u001b[2J"}"#;
        let error = Error::status_error(bad_request(body))
            .with_operation(&Label::Request("GET /e\nf".into()))
            .with_hint(Some("g\nh".to_owned()));
        assert_eq!(
            error.to_string(),
            r"GET /e f: 400 Bad Request a b: c d\u{1b}[2J (g h)"
        );
    }

    #[test]
    fn display_shows_the_beginning_of_long_values() {
        let long = "ä".repeat(500_000);
        let message = format!(r#"{{"message":"{long}","code":"c"}}"#);
        let code = format!(r#"{{"message":"m","code":"{long}"}}"#);
        for body in [&message, &code] {
            let error = Error::status_error(bad_request(body)).with_hint(Some("hint".to_owned()));
            let shown = error.to_string();
            assert!(shown.len() < 4000, "{}", shown.len());
            assert!(shown.contains("ä… (499000 more characters)"), "{shown}");
            assert!(shown.ends_with("(hint)"), "{shown}");
            assert_eq!(error.body().unwrap(), body.as_bytes());
        }
        let decode = Error::decode(DecodeError::at(long.clone(), "p"), bad_request("{}"));
        let hint = Error::status_error(bad_request("{}")).with_hint(Some(long.clone()));
        let unexpected = Error::unexpected_response(long.clone());
        for error in [decode, hint, unexpected] {
            assert!(error.to_string().len() < 4000);
        }
    }

    #[test]
    fn a_long_message_is_complete_in_message_and_body() {
        let message = "m".repeat(900_000);
        let body = format!(r#"{{"message":"{message}"}}"#);
        let error = Error::status_error(bad_request(&body));
        assert_eq!(error.message(), Some(message.as_str()));
        assert_eq!(error.body().unwrap(), body.as_bytes());
        assert!(error.to_string().len() < 2000);
    }

    #[test]
    fn error_is_at_most_two_words_in_size() {
        assert!(size_of::<Error>() <= 2 * size_of::<usize>());
    }
}

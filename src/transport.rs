//! Sending of prepared requests, with retries and tracing.

mod attempt;
#[cfg(feature = "gateway")]
mod heartbeat;
mod idle_timeout;
mod prepared_request;
mod trace;
#[cfg(feature = "gateway")]
mod upgrade;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::{
    Client, Error,
    error::{ErrorResponse, Label},
    operation::{Idempotency, Plane},
    retry::{self, Attempt, AttemptSummary, Failure, TokioClock},
    signed_url,
};
use attempt::AttemptContext;
use trace::CallSpan;

pub(crate) use attempt::StreamingResponse;
#[cfg(feature = "gateway")]
pub(crate) use heartbeat::Heartbeat;
pub(crate) use idle_timeout::IdleTimeout;
pub(crate) use prepared_request::{ANY_MEDIA_TYPE, Body, JSON, PreparedRequest};
pub(crate) use trace::{TracedResponse, body_interrupted, decode_failed};
#[cfg(feature = "gateway")]
pub(crate) use upgrade::Upgraded;

/// A response with its whole body.
pub(crate) struct BufferedResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) history: AttemptSummary,
}

/// A request that is ready to be sent, with the context that retries, errors and traces need.
pub(crate) struct Exchange {
    pub(crate) client: Client,
    pub(crate) label: Label,
    /// `None` for a signed URL, which does not belong to the service.
    pub(crate) plane: Option<Plane>,
    pub(crate) idempotency: Idempotency,
    pub(crate) request: PreparedRequest,
}

/// Stands for "no timeout": reqwest cannot unset a timeout, and the clock overflows with
/// `Duration::MAX`.
pub(crate) const NO_TIMEOUT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The outcome of an attempt.
pub(crate) type Outcome<T> = Result<T, Failure<Error>>;

impl Exchange {
    /// Sends the request and reads the whole response; fails if the status is not a success.
    pub(crate) fn run(&self) -> impl Future<Output = Result<BufferedResponse, Error>> {
        let accept_deleted =
            |outcome: Result<BufferedResponse, Error>, history: AttemptSummary| match outcome {
                Err(error) if self.may_have_deleted(history) && error.is_not_found() => {
                    already_deleted(error)
                }
                outcome => outcome,
            };
        self.send_with_retries(attempt::send_buffered, accept_deleted)
    }

    /// Returns `true` if an attempt before the last one may have deleted the resource.
    fn may_have_deleted(&self, history: AttemptSummary) -> bool {
        self.request.method == Method::DELETE && history.may_have_executed_before
    }

    /// Sends the request and reads the head of the response; fails if the status is not a success.
    pub(crate) fn open(&self) -> impl Future<Output = Result<StreamingResponse, Error>> {
        self.send_with_retries(attempt::send, identity)
    }

    /// Like [`open`](Self::open); converts the response with `begin`, whose failures count as
    /// failed attempts.
    #[cfg(feature = "gateway")]
    pub(crate) fn open_with<T: TracedResponse, F: Future<Output = Outcome<T>>>(
        &self,
        begin: impl Fn(StreamingResponse) -> F + Copy,
    ) -> impl Future<Output = Result<T, Error>> {
        let send = move |context| async move { begin(attempt::send(context).await?).await };
        self.send_with_retries(send, identity)
    }

    /// Sends the request as often as the retry policy allows; `finish` may replace the final
    /// outcome.
    async fn send_with_retries<'a, T: TracedResponse, F: Future<Output = Outcome<T>>>(
        &'a self,
        send: impl Fn(AttemptContext<'a>) -> F,
        finish: impl FnOnce(Result<T, Error>, AttemptSummary) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let options = self.client.options();
        let idempotency = options.effective_idempotency(self.idempotency);
        let span = CallSpan::new(self);
        let attempt = |attempt: Attempt| {
            // Boxed to keep the call's future small.
            let sending = Box::pin(send(AttemptContext::new(self, &attempt)));
            span.in_attempt(attempt, sending)
        };
        let on_retry = |failure: &Failure<Error>, delay| span.record_retry(failure, delay);
        let (clock, budget) = (TokioClock::new(), self.client.budget());
        let can_repeat = || self.request.can_repeat();
        let (outcome, history) = retry::run(
            options.retry_policy(),
            idempotency,
            budget,
            &clock,
            can_repeat,
            on_retry,
            attempt,
        )
        .await;
        let outcome = outcome.map_err(|failure| self.error(failure, history));
        let outcome = finish(outcome, history);
        span.finish(&outcome, history);
        outcome.map(|mut response| {
            response.set_history(history);
            response
        })
    }

    /// Adds operation, hint and attempts to the error of the last attempt.
    #[cold]
    fn error(&self, failure: Failure<Error>, history: AttemptSummary) -> Error {
        let hint = self.hint(&failure.error, history);
        failure
            .error
            .redacted(&self.client)
            .with_operation(&self.label)
            .with_hint(hint)
            .with_history(history, failure.retry_after)
    }

    /// Returns the likely cause of an error status, if known.
    fn hint(&self, error: &Error, history: AttemptSummary) -> Option<String> {
        let (status, code) = (error.status()?, error.code());
        let Some(plane) = self.plane else {
            return signed_url::hint(status);
        };
        let base = self.client.base_url(plane);
        match status {
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST
                if !base.has_version() && plane != Plane::Public =>
            {
                Some(format!(
                    "the base URL {} does not end in /v1; check that this is intended",
                    base.as_str()
                ))
            }
            StatusCode::FORBIDDEN => {
                let requirements = self.label.operation()?.access.hint()?;
                Some(match code {
                    // Not treated as a success, because the key may lack the scope to delete it.
                    Some("AB03") if self.may_have_deleted(history) => {
                        format!("{requirements}; or an earlier attempt has deleted it")
                    }
                    Some("AB03") => format!("{requirements}; or the resource no longer exists"),
                    _ => requirements,
                })
            }
            _ => redirect_hint(status),
        }
    }
}

pub(crate) fn redirect_hint(status: StatusCode) -> Option<String> {
    let is_redirection = status.is_redirection();
    is_redirection.then(|| "redirects are not followed".to_owned())
}

fn identity<T>(outcome: Result<T, Error>, _: AttemptSummary) -> Result<T, Error> {
    outcome
}

/// Converts the 404 of a repeated `DELETE` into a response without a body.
fn already_deleted(error: Error) -> Result<BufferedResponse, Error> {
    match error.clone().into_response() {
        Some(ErrorResponse {
            status, headers, ..
        }) => Ok(BufferedResponse {
            status,
            headers,
            body: Bytes::new(),
            history: AttemptSummary::default(),
        }),
        None => Err(error),
    }
}

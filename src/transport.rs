//! A built request on its way: attempts, the waits between them, and what an operator sees of them.

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
pub(crate) use prepared_request::{ANYTHING, Body, JSON, PreparedRequest};
pub(crate) use trace::{TracedResponse, body_interrupted, decode_failed};
#[cfg(feature = "gateway")]
pub(crate) use upgrade::Upgraded;

/// An answer as it came.
pub(crate) struct BufferedResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) history: AttemptSummary,
}

/// A request that is ready to be sent, and what the runtime must know about it.
pub(crate) struct Exchange {
    pub(crate) client: Client,
    pub(crate) label: Label,
    /// Absent for a signed URL, which is no part of the service.
    pub(crate) plane: Option<Plane>,
    pub(crate) retry: Idempotency,
    pub(crate) request: PreparedRequest,
}

/// Longer than any stream, for neither the HTTP client nor the clock knows "never".
pub(crate) const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What comes of an attempt.
pub(crate) type Outcome<T> = Result<T, Failure<Error>>;

impl Exchange {
    /// Sends the request until a whole answer is there; one that is no success is an error.
    pub(crate) fn run(&self) -> impl Future<Output = Result<BufferedResponse, Error>> {
        let settle =
            |outcome: Result<BufferedResponse, Error>, history: AttemptSummary| match outcome {
                Err(error) if self.may_have_deleted(history) && error.is_not_found() => gone(error),
                outcome => outcome,
            };
        self.attempts(attempt::send_buffered, settle)
    }

    /// Whether what is to be deleted may be gone because an attempt before the last has deleted it.
    fn may_have_deleted(&self, history: AttemptSummary) -> bool {
        self.request.method == Method::DELETE && history.executed_before
    }

    /// Sends the request until an answer begins that is a success.
    pub(crate) fn open(&self) -> impl Future<Output = Result<StreamingResponse, Error>> {
        self.attempts(attempt::send, unchanged)
    }

    /// Sends the request until an answer begins that is a success, and of which `begin` makes something.
    #[cfg(feature = "gateway")]
    pub(crate) fn open_with<T: TracedResponse, F: Future<Output = Outcome<T>>>(
        &self,
        begin: impl Fn(StreamingResponse) -> F + Copy,
    ) -> impl Future<Output = Result<T, Error>> {
        let send = move |context| async move { begin(attempt::send(context).await?).await };
        self.attempts(send, unchanged)
    }

    /// Sends the request as often as need be; `settle` has the last word on what came of it.
    async fn attempts<'a, T: TracedResponse, F: Future<Output = Outcome<T>>>(
        &'a self,
        send: impl Fn(AttemptContext<'a>) -> F,
        settle: impl FnOnce(Result<T, Error>, AttemptSummary) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let options = self.client.options();
        let (policy, class) = (options.policy(), options.class(self.retry));
        let span = CallSpan::new(self);
        let attempt = |attempt: Attempt| {
            // Boxed: everything that it passes through on its way would copy it.
            let context = Box::pin(send(AttemptContext::new(self, &attempt)));
            span.attempt(attempt, context)
        };
        let waiting = |failure: &Failure<Error>, wait| span.waiting(failure, wait);
        let (clock, budget) = (TokioClock::new(), self.client.budget());
        let can_repeat = || self.request.can_repeat();
        let (outcome, history) =
            retry::run(policy, class, budget, &clock, can_repeat, waiting, attempt).await;
        let outcome = outcome.map_err(|failure| self.failed(failure, history));
        let outcome = settle(outcome, history);
        span.finish(&outcome, history);
        outcome.map(|mut answer| {
            answer.keep(history);
            answer
        })
    }

    /// The error of the last attempt, with everything that is known around it.
    #[cold]
    fn failed(&self, failure: Failure<Error>, history: AttemptSummary) -> Error {
        let hint = self.hint(&failure.error, history);
        failure
            .error
            .redacted(&self.client)
            .of(&self.label)
            .with_hint(hint)
            .with_history(history, failure.retry_after)
    }

    /// What a person should look at, where we know.
    fn hint(&self, error: &Error, history: AttemptSummary) -> Option<String> {
        let (status, code) = (error.status()?, error.code());
        let Some(plane) = self.plane else {
            return signed_url::hint(status);
        };
        let base = self.client.base(plane);
        match status {
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST
                if !base.has_version() && plane != Plane::Public =>
            {
                Some(format!(
                    "the base URL {} does not end in /v1; is that meant?",
                    base.as_str()
                ))
            }
            StatusCode::FORBIDDEN => {
                let needs = self.label.operation()?.access.hint()?;
                Some(match code {
                    // No success: a missing scope would make it a deletion that never was.
                    Some("AB03") if self.may_have_deleted(history) => {
                        format!("{needs}; or an attempt before has deleted it")
                    }
                    Some("AB03") => format!("{needs}; or what was asked for is gone"),
                    _ => needs,
                })
            }
            _ => redirect_hint(status),
        }
    }
}

/// A redirect stays where it is.
pub(crate) fn redirect_hint(status: StatusCode) -> Option<String> {
    let is_redirection = status.is_redirection();
    is_redirection.then(|| "redirects are not followed".to_owned())
}

fn unchanged<T>(outcome: Result<T, Error>, _: AttemptSummary) -> Result<T, Error> {
    outcome
}

/// The answer to a repeated deletion that had already happened.
fn gone(error: Error) -> Result<BufferedResponse, Error> {
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

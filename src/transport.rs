//! Sending of prepared requests, with retries and tracing.

mod attempt;
mod deadline;
mod hint;
mod idle_timeout;
mod prepared_request;
mod response;
pub(crate) mod signed_url;
mod trace;
#[cfg(feature = "gateway")]
mod upgrade;

use std::time::Duration;

use crate::{
    Client, Error,
    error::ErrorResponse,
    retry::{self, AttemptSummary, Failure, TokioClock},
};
use trace::CallSpan;

pub(crate) use attempt::Attempt;
#[cfg(feature = "gateway")]
pub(crate) use deadline::Heartbeat;
pub(crate) use idle_timeout::IdleTimeout;
pub(crate) use prepared_request::{Body, PreparedRequest};
pub(crate) use response::{Outcome, RawResponse, TracedResponse};
pub(crate) use trace::{body_interrupted, decode_failed, failure_reported};

/// Sends a request as often as the retry policy allows. `make_attempt` makes one attempt, for
/// example [`Attempt::send_buffered`]. `already_deleted` converts the 404 of a `DELETE` after an
/// attempt that may have deleted the resource.
pub(crate) async fn send<'a, T: TracedResponse, F: Future<Output = Outcome<T>>>(
    client: &'a Client,
    request: &'a PreparedRequest,
    make_attempt: impl Fn(Attempt<'a>) -> F,
    already_deleted: impl FnOnce(ErrorResponse) -> Option<T>,
) -> Result<T, Error> {
    let options = client.options();
    let span = CallSpan::new(request);
    let attempt = |number, remaining| {
        let attempt = Attempt::new(client, request, remaining);
        // Boxed because the future of the HTTP client is large.
        span.in_attempt(number, Box::pin(make_attempt(attempt)))
    };
    let on_retry = |failure: &Failure<Error>, delay: Duration| span.record_retry(failure, delay);
    let (outcome, history) = retry::run(
        &options.retry_policy(request.plane),
        options.effective_idempotency(request.idempotency),
        client.budget(),
        &TokioClock::new(),
        || request.can_repeat(),
        on_retry,
        attempt,
    )
    .await;
    let mut outcome = match outcome {
        Err(failure) if failure.error.is_not_found() && request.may_have_deleted(history) => {
            let response = failure.error.clone().into_response();
            response.and_then(already_deleted).ok_or(failure)
        }
        outcome => outcome,
    }
    .map_err(|failure| error(client, request, failure, history));
    span.finish(&outcome, history);
    if let Ok(response) = &mut outcome {
        response.set_context(history, client.redactor());
    }
    outcome
}

/// Sends a request and upgrades the connection to a websocket.
#[cfg(feature = "gateway")]
pub(crate) async fn upgrade(
    client: &Client,
    request: &PreparedRequest,
) -> Result<RawResponse<reqwest::Upgraded>, Error> {
    let http = client.http1_client();
    let http = http.map_err(|error| error.with_operation(&request.label))?;
    let handshake = |attempt| upgrade::handshake(attempt, &http);
    send(client, request, handshake, |_| None).await
}

/// Adds operation, hint and attempts to the error of the last attempt.
fn error(
    client: &Client,
    request: &PreparedRequest,
    failure: Failure<Error>,
    history: AttemptSummary,
) -> Error {
    let hint = hint::hint(client, request, &failure.error, history);
    failure
        .error
        .redacted(client.redactor())
        .with_operation(&request.label)
        .with_hint(hint)
        .with_history(history, failure.retry_after)
}

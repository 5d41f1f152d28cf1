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
    retry::{self, AttemptSummary, Failure, TokioClock},
};
use trace::CallSpan;

pub(crate) use attempt::Attempt;
#[cfg(feature = "gateway")]
pub(crate) use deadline::Heartbeat;
pub(crate) use idle_timeout::IdleTimeout;
pub(crate) use prepared_request::{Body, PreparedRequest};
pub(crate) use response::{Outcome, RawResponse, TracedResponse};
pub(crate) use trace::{body_interrupted, decode_failed};

/// Sends a request as often as the retry policy allows. `send` makes one attempt, for example
/// [`Attempt::send_buffered`].
pub(crate) async fn send<'a, T: TracedResponse, F: Future<Output = Outcome<T>>>(
    client: &'a Client,
    request: &'a PreparedRequest,
    send: impl Fn(Attempt<'a>) -> F,
) -> Result<T, Error> {
    let options = client.options();
    let span = CallSpan::new(client, request);
    let attempt = |history: AttemptSummary, remaining| {
        let attempt = Attempt::new(client, request, history, remaining);
        // Boxed because the future of the HTTP client is large.
        span.in_attempt(history.attempts, Box::pin(send(attempt)))
    };
    let on_retry = |failure: &Failure<Error>, delay: Duration| span.record_retry(failure, delay);
    let (outcome, history) = retry::run(
        options.retry_policy(),
        options.effective_idempotency(request.idempotency),
        client.budget(),
        &TokioClock::new(),
        || request.can_repeat(),
        on_retry,
        attempt,
    )
    .await;
    let mut outcome = outcome.map_err(|failure| error(client, request, failure, history));
    span.finish(&outcome, history);
    if let Ok(response) = &mut outcome {
        response.set_history(history);
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
    send(client, request, |attempt| {
        upgrade::handshake(attempt, &http)
    })
    .await
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

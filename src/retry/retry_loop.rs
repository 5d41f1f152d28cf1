//! The retry loop.

use std::time::Duration;

use http::StatusCode;

use super::{Budget, RetryPolicy};
use crate::operation::Idempotency;

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure<E> {
    pub(crate) error: E,
    pub(crate) kind: FailureKind,
    pub(crate) retry_after: Option<Duration>,
}

/// The kind of a failure, which decides whether it is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// No connection, so the service received nothing.
    Connect { timeout: bool },
    /// A connection, but no complete response.
    Interrupted { timeout: bool },
    /// A response without a success status.
    Status(StatusCode),
    /// A failure that another attempt would repeat.
    Permanent,
}

/// A summary of the attempts of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AttemptSummary {
    pub(crate) attempts: u32,
    /// Whether an attempt before the last one may have been executed.
    pub(crate) may_have_executed_before: bool,
    /// Whether any attempt may have been executed.
    pub(crate) may_have_executed: bool,
}

/// Time and randomness, which tests replace.
pub(crate) trait Clock {
    /// Returns the time since the first attempt began.
    fn now(&self) -> Duration;
    /// Returns a number from 0 to 1.
    fn random(&self) -> f64;
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

pub(crate) struct TokioClock(std::time::Instant);

impl TokioClock {
    pub(crate) fn new() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn random(&self) -> f64 {
        fastrand::f64()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }
}

/// Returns `true` if the same request may succeed after a response with this status. 520 to 524 and
/// 529 are sent by edge servers for a failed origin.
pub(crate) fn is_transient_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502..=504 | 520..=524 | 529)
}

impl FailureKind {
    fn is_timeout(self) -> bool {
        matches!(
            self,
            Self::Connect { timeout: true } | Self::Interrupted { timeout: true }
        )
    }
}

impl<E> Failure<E> {
    pub(crate) fn new(error: E, kind: FailureKind) -> Self {
        Self {
            error,
            kind,
            retry_after: None,
        }
    }

    /// Returns `true` if the service may have executed the request.
    pub(crate) fn may_have_executed(&self) -> bool {
        match self.kind {
            FailureKind::Connect { .. } | FailureKind::Permanent => false,
            FailureKind::Interrupted { .. } => true,
            FailureKind::Status(status) => match status.as_u16() {
                408 => true,
                // The client is asked to send the same request elsewhere.
                307 | 308 => false,
                400..=499 => false,
                503 => self.retry_after.is_none(),
                _ => true,
            },
        }
    }

    /// Returns `true` if the request may be sent again.
    fn may_retry(&self, idempotency: Idempotency) -> bool {
        let is_idempotent = idempotency != Idempotency::NonIdempotent;
        match self.kind {
            FailureKind::Connect { .. } => true,
            FailureKind::Interrupted { .. } => is_idempotent,
            FailureKind::Status(status) if is_transient_status(status) => {
                let is_refusal = matches!(status.as_u16(), 429 | 503);
                is_idempotent || (is_refusal && self.retry_after.is_some())
            }
            FailureKind::Status(_) => false,
            FailureKind::Permanent => false,
        }
    }
}

/// Sends until an attempt succeeds, the policy or the budget forbids another one, or the request
/// cannot be sent again (`can_repeat`). `send` gets the number of the attempt, from 1, and the time
/// until the deadline. Calls `on_retry` before each delay.
pub(crate) async fn run<T, E, F: Future<Output = Result<T, Failure<E>>>>(
    policy: &RetryPolicy,
    idempotency: Idempotency,
    budget: &Budget,
    clock: &impl Clock,
    can_repeat: impl Fn() -> bool,
    mut on_retry: impl FnMut(&Failure<E>, Duration),
    mut send: impl FnMut(u32, Duration) -> F,
) -> (Result<T, Failure<E>>, AttemptSummary) {
    let deadline = policy.effective_deadline();
    let mut remaining = deadline;
    let mut history = AttemptSummary::default();
    loop {
        history.attempts += 1;
        let failure = match send(history.attempts, remaining).await {
            Ok(value) => {
                budget.record_success();
                return (Ok(value), history);
            }
            Err(failure) => failure,
        };
        history.may_have_executed_before = history.may_have_executed;
        history.may_have_executed |= failure.may_have_executed();
        remaining = deadline.saturating_sub(clock.now());
        let random = clock.random();
        let delay = retry_delay(policy, idempotency, &failure, history.attempts, random);
        let delay = delay.filter(|delay| *delay < remaining && can_repeat());
        match delay.filter(|_| budget.take(failure.kind.is_timeout())) {
            Some(delay) => {
                on_retry(&failure, delay);
                clock.sleep(delay).await;
                remaining = deadline.saturating_sub(clock.now());
            }
            None => return (Err(failure), history),
        }
    }
}

/// Returns the delay before the next attempt, or `None` if the policy forbids one.
fn retry_delay<E>(
    policy: &RetryPolicy,
    idempotency: Idempotency,
    failure: &Failure<E>,
    attempts: u32,
    random: f64,
) -> Option<Duration> {
    if attempts >= policy.max_attempts || !failure.may_retry(idempotency) {
        return None;
    }
    let retry_after = failure.retry_after.unwrap_or_default();
    let is_respected = retry_after <= policy.max_retry_after;
    is_respected.then(|| policy.delay(attempts, random).max(retry_after))
}

#[cfg(test)]
mod tests;

//! The retry loop.

use std::time::Duration;

use http::StatusCode;

use super::{Budget, RetryPolicy};
use crate::operation::Idempotency;

/// The number of an attempt and its time limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// 1 for the first.
    pub(crate) number: u32,
    /// The time until the deadline of the call.
    pub(crate) remaining: Duration,
}

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

    // Boxed to keep the call's future small; sleeps are rare.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        Box::pin(tokio::time::sleep(duration))
    }
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
    /// Returns `true` if the service may have executed the request.
    fn may_have_executed(&self) -> bool {
        match self.kind {
            FailureKind::Connect { .. } | FailureKind::Permanent => false,
            FailureKind::Interrupted { .. } => true,
            FailureKind::Status(StatusCode::SERVICE_UNAVAILABLE) => self.retry_after.is_none(),
            FailureKind::Status(status) => {
                status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT
            }
        }
    }

    /// Returns `true` if the request may be sent again.
    fn may_retry(&self, idempotency: Idempotency) -> bool {
        let is_idempotent = idempotency != Idempotency::NonIdempotent;
        match self.kind {
            FailureKind::Connect { .. } => true,
            FailureKind::Interrupted { .. } => is_idempotent,
            FailureKind::Status(status) => match status.as_u16() {
                429 | 503 => is_idempotent || self.retry_after.is_some(),
                408 | 500 | 502 | 504 => is_idempotent,
                _ => false,
            },
            FailureKind::Permanent => false,
        }
    }
}

/// Sends until an attempt succeeds, the policy or the budget forbids another one, or the request
/// cannot be sent again (`can_repeat`). Calls `on_retry` before each delay.
pub(crate) async fn run<T, E, F: Future<Output = Result<T, Failure<E>>>>(
    policy: &RetryPolicy,
    idempotency: Idempotency,
    budget: &Budget,
    clock: &impl Clock,
    can_repeat: impl Fn() -> bool,
    mut on_retry: impl FnMut(&Failure<E>, Duration),
    mut send: impl FnMut(Attempt) -> F,
) -> (Result<T, Failure<E>>, AttemptSummary) {
    let mut remaining = policy.deadline;
    let mut history = AttemptSummary::default();
    loop {
        history.attempts += 1;
        let attempt = Attempt {
            number: history.attempts,
            remaining,
        };
        let failure = match send(attempt).await {
            Ok(value) => {
                budget.record_success();
                return (Ok(value), history);
            }
            Err(failure) => failure,
        };
        history.may_have_executed_before = history.may_have_executed;
        history.may_have_executed |= failure.may_have_executed();
        remaining = policy.deadline.saturating_sub(clock.now());
        let random = clock.random();
        let delay = retry_delay(policy, idempotency, &failure, history.attempts, random);
        let delay = delay.filter(|delay| *delay < remaining && can_repeat());
        match delay.filter(|_| budget.take(failure.kind.is_timeout())) {
            Some(delay) => {
                on_retry(&failure, delay);
                clock.sleep(delay).await;
                remaining = policy.deadline.saturating_sub(clock.now());
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
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// A clock whose time advances only in sleeps and when a test sets it.
    #[derive(Default)]
    struct TestClock {
        now: Cell<Duration>,
        sleeps: RefCell<Vec<f64>>,
    }

    impl Clock for TestClock {
        fn now(&self) -> Duration {
            self.now.get()
        }

        fn random(&self) -> f64 {
            1.0
        }

        fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
            self.sleeps.borrow_mut().push(duration.as_secs_f64());
            self.now.set(self.now.get().saturating_add(duration));
            std::future::ready(())
        }
    }

    type AttemptResult = Result<(), Failure<&'static str>>;

    fn failure(kind: FailureKind) -> Failure<&'static str> {
        Failure {
            error: "failed",
            kind,
            retry_after: None,
        }
    }

    fn status(status: u16) -> Failure<&'static str> {
        failure(FailureKind::Status(StatusCode::from_u16(status).unwrap()))
    }

    fn status_with_retry_after(code: u16, seconds: u64) -> Failure<&'static str> {
        Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..status(code)
        }
    }

    const NO_CONNECTION: FailureKind = FailureKind::Connect { timeout: false };
    const INTERRUPTED: FailureKind = FailureKind::Interrupted { timeout: false };
    const TIMED_OUT: FailureKind = FailureKind::Interrupted { timeout: true };

    struct Outcome {
        result: AttemptResult,
        history: AttemptSummary,
        sleeps: Vec<f64>,
    }

    /// Runs the loop with scripted results; each attempt takes `attempt_time`.
    fn run_script(
        policy: &RetryPolicy,
        idempotency: Idempotency,
        budget: &Budget,
        attempt_time: Duration,
        script: impl IntoIterator<Item = AttemptResult>,
    ) -> Outcome {
        let clock = TestClock::default();
        let mut script = script.into_iter();
        let send = |_: Attempt| {
            clock.now.set(clock.now.get() + attempt_time);
            std::future::ready(script.next().expect("the script is too short"))
        };
        let running = run(
            policy,
            idempotency,
            budget,
            &clock,
            || true,
            |_, _| (),
            send,
        );
        let mut running = std::pin::pin!(running);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match running.as_mut().poll(&mut context) {
            std::task::Poll::Ready((result, history)) => Outcome {
                result,
                history,
                sleeps: clock.sleeps.take(),
            },
            std::task::Poll::Pending => panic!("scripted futures are always ready"),
        }
    }

    fn run_default(
        idempotency: Idempotency,
        script: impl IntoIterator<Item = AttemptResult>,
    ) -> Outcome {
        let (policy, budget) = (RetryPolicy::default(), Budget::default());
        run_script(&policy, idempotency, &budget, Duration::ZERO, script)
    }

    #[test]
    fn default_policy_makes_three_attempts_with_doubling_delays() {
        let outcome = run_default(Idempotency::Safe, (0..9).map(|_| Err(status(500))));
        assert!(outcome.result.is_err());
        assert_eq!(outcome.history.attempts, 3);
        assert_eq!(outcome.sleeps, [0.5, 1.0]);
    }

    #[test]
    fn success_ends_the_loop() {
        let outcome = run_default(Idempotency::Safe, [Err(status(502)), Ok(())]);
        assert!(outcome.result.is_ok());
        assert_eq!(outcome.history.attempts, 2);
    }

    /// Covers each idempotency, with and without `Retry-After`.
    #[test]
    fn only_retryable_failures_are_retried() {
        let is_retried = |idempotency, failure| {
            let outcome = run_default(idempotency, [Err(failure), Ok(())]);
            outcome.history.attempts == 2
        };
        for code in 300..=599 {
            let is_transient = [408, 429, 500, 502, 503, 504].contains(&code);
            let is_rejection = [429, 503].contains(&code);
            for idempotency in [Idempotency::Safe, Idempotency::Idempotent] {
                let retried = is_retried(idempotency, status(code));
                assert_eq!(retried, is_transient, "{code}");
                let retried = is_retried(idempotency, status_with_retry_after(code, 1));
                assert_eq!(retried, is_transient, "{code}");
            }
            let retried = is_retried(Idempotency::NonIdempotent, status(code));
            assert!(!retried, "{code}");
            let failure = status_with_retry_after(code, 1);
            let retried = is_retried(Idempotency::NonIdempotent, failure);
            assert_eq!(retried, is_rejection, "{code}");
        }
        for idempotency in [Idempotency::Safe, Idempotency::Idempotent] {
            assert!(is_retried(idempotency, failure(INTERRUPTED)));
            assert!(is_retried(idempotency, failure(TIMED_OUT)));
        }
        let non_idempotent = Idempotency::NonIdempotent;
        assert!(!is_retried(non_idempotent, failure(INTERRUPTED)));
        assert!(!is_retried(non_idempotent, failure(TIMED_OUT)));
        for idempotency in [
            Idempotency::Safe,
            Idempotency::Idempotent,
            Idempotency::NonIdempotent,
        ] {
            assert!(is_retried(idempotency, failure(NO_CONNECTION)));
            assert!(!is_retried(idempotency, failure(FailureKind::Permanent)));
        }
    }

    #[test]
    fn retry_after_is_respected_if_longer_than_the_backoff_and_within_the_limit() {
        let sleeps = |seconds| {
            let failure = status_with_retry_after(429, seconds);
            run_default(Idempotency::Safe, [Err(failure), Ok(())]).sleeps
        };
        assert_eq!(sleeps(0), [0.5]);
        assert_eq!(sleeps(7), [7.0]);
        assert_eq!(sleeps(60), [60.0]);
        assert!(sleeps(61).is_empty());
    }

    #[test]
    fn retry_is_skipped_if_its_delay_exceeds_the_deadline() {
        let (policy, budget) = (RetryPolicy::default(), Budget::default());
        let unavailable = || Err(status_with_retry_after(503, 50));
        let run = |attempt_seconds| {
            let script = [unavailable(), unavailable(), Ok(())];
            let attempt_time = Duration::from_secs(attempt_seconds);
            run_script(&policy, Idempotency::Safe, &budget, attempt_time, script)
        };
        assert_eq!(run(1).sleeps, [50.0, 50.0]);
        let outcome = run(15);
        assert_eq!(outcome.sleeps, [50.0], "15 + 50 + 15 + 50 is too long");
        assert_eq!(outcome.history.attempts, 2);
    }

    #[test]
    fn attempt_receives_the_remaining_time() {
        let (policy, budget) = (RetryPolicy::default(), Budget::default());
        let clock = TestClock::default();
        let seen = RefCell::new(Vec::new());
        let send = |attempt: Attempt| {
            seen.borrow_mut()
                .push((attempt.number, attempt.remaining.as_secs_f64()));
            clock.now.set(clock.now.get() + Duration::from_secs(10));
            std::future::ready(Err::<(), _>(status(500)))
        };
        let mut running = std::pin::pin!(run(
            &policy,
            Idempotency::Safe,
            &budget,
            &clock,
            || true,
            |_, _| (),
            send
        ));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(running.as_mut().poll(&mut context).is_ready());
        assert_eq!(*seen.borrow(), [(1, 120.0), (2, 109.5), (3, 98.5)]);
    }

    #[test]
    fn request_that_cannot_be_repeated_is_not_retried() {
        let (policy, budget) = (RetryPolicy::default(), Budget::default());
        let clock = TestClock::default();
        let repeats = Cell::new(1);
        let can_repeat = || repeats.replace(0) > 0;
        let send = |_: Attempt| std::future::ready(Err::<(), _>(status(503)));
        let mut running = std::pin::pin!(run(
            &policy,
            Idempotency::Safe,
            &budget,
            &clock,
            can_repeat,
            |_, _| (),
            send
        ));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match running.as_mut().poll(&mut context) {
            std::task::Poll::Ready((_, history)) => assert_eq!(history.attempts, 2),
            std::task::Poll::Pending => panic!("scripted futures are always ready"),
        }
    }

    #[test]
    fn exhausted_budget_stops_retries() {
        let (policy, budget) = (RetryPolicy::default().max_attempts(1000), Budget::default());
        let policy = policy.backoff(Duration::ZERO, Duration::ZERO);
        let attempts = || {
            let script = (0..2000).map(|_| Err(status(503)));
            let outcome = run_script(&policy, Idempotency::Safe, &budget, Duration::ZERO, script);
            outcome.history.attempts
        };
        assert_eq!(attempts(), 101);
        assert_eq!(attempts(), 1);
    }

    #[test]
    fn summary_shows_whether_an_attempt_may_have_executed() {
        for (failure, may_have_executed) in [
            (failure(NO_CONNECTION), false),
            (failure(INTERRUPTED), true),
            (failure(TIMED_OUT), true),
            (failure(FailureKind::Permanent), false),
            (status(400), false),
            (status(404), false),
            (status(408), true),
            (status(429), false),
            (status(500), true),
            (status(503), true),
            (status_with_retry_after(503, 99), false),
        ] {
            let (policy, budget) = (RetryPolicy::none(), Budget::default());
            let name = format!("{failure:?}");
            let script = [Err(failure)];
            let outcome = run_script(&policy, Idempotency::Safe, &budget, Duration::ZERO, script);
            let history = outcome.history;
            assert_eq!(history.may_have_executed, may_have_executed, "{name}");
            assert!(!history.may_have_executed_before, "{name}");
        }
        let script = [Err(failure(INTERRUPTED)), Err(status(404))];
        let history = run_default(Idempotency::Idempotent, script).history;
        assert!(history.may_have_executed_before && history.may_have_executed);
    }
}

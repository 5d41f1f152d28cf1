//! The loop: send, look at the failure, wait, send again.

use std::time::Duration;

use http::StatusCode;

use super::{Budget, RetryPolicy};
use crate::operation::Idempotency;

/// An attempt that is about to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// 1 for the first.
    pub(crate) number: u32,
    /// How much time the call has left.
    pub(crate) left: Duration,
}

/// An attempt that has failed.
#[derive(Debug)]
pub(crate) struct Failure<E> {
    pub(crate) error: E,
    pub(crate) kind: FailureKind,
    pub(crate) retry_after: Option<Duration>,
}

/// In which way an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// No connection: the service has seen nothing.
    Connect { timeout: bool },
    /// A connection, but no whole answer.
    Interrupted { timeout: bool },
    /// An answer that is no success.
    Status(StatusCode),
    /// Whatever would be the same the next time.
    Permanent,
}

/// What became of the attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AttemptSummary {
    pub(crate) attempts: u32,
    /// Whether an attempt before the last one may have been executed.
    pub(crate) executed_before: bool,
    /// Whether any attempt may have been executed.
    pub(crate) executed: bool,
}

/// What the loop needs of the clock outside.
pub(crate) trait Clock {
    /// The time since the first attempt began.
    fn now(&self) -> Duration;
    /// A number from 0 to 1.
    fn random(&self) -> f64;
    /// Waits.
    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send;
}

/// The real clock.
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

    // Boxed: it is rare, and every call would keep the room for it.
    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send {
        Box::pin(tokio::time::sleep(wait))
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
    /// Whether the service may have done what was asked.
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

    /// Whether an operation of this class may be sent again.
    fn may_repeat(&self, class: Idempotency) -> bool {
        match self.kind {
            FailureKind::Connect { .. } => true,
            FailureKind::Interrupted { .. } => class != Idempotency::NonIdempotent,
            FailureKind::Status(status) => match status.as_u16() {
                429 | 503 => class != Idempotency::NonIdempotent || self.retry_after.is_some(),
                408 | 500 | 502 | 504 => class != Idempotency::NonIdempotent,
                _ => false,
            },
            FailureKind::Permanent => false,
        }
    }
}

/// Sends until it succeeds, the policy says stop or there is nothing left to be sent (`can_repeat`);
/// `waiting` hears of every wait.
pub(crate) async fn run<T, E, F: Future<Output = Result<T, Failure<E>>>>(
    policy: &RetryPolicy,
    class: Idempotency,
    budget: &Budget,
    clock: &impl Clock,
    can_repeat: impl Fn() -> bool,
    mut waiting: impl FnMut(&Failure<E>, Duration),
    mut send: impl FnMut(Attempt) -> F,
) -> (Result<T, Failure<E>>, AttemptSummary) {
    let mut left = policy.deadline;
    let mut history = AttemptSummary::default();
    loop {
        history.attempts += 1;
        let attempt = Attempt {
            number: history.attempts,
            left,
        };
        let failure = match send(attempt).await {
            Ok(value) => {
                budget.success();
                return (Ok(value), history);
            }
            Err(failure) => failure,
        };
        history.executed_before = history.executed;
        history.executed |= failure.may_have_executed();
        left = policy.deadline.saturating_sub(clock.now());
        let wait = wait(policy, class, &failure, history.attempts, clock.random());
        let wait = wait.filter(|wait| *wait < left && can_repeat());
        match wait.filter(|_| budget.take(failure.kind.is_timeout())) {
            Some(wait) => {
                waiting(&failure, wait);
                clock.sleep(wait).await;
                left = policy.deadline.saturating_sub(clock.now());
            }
            None => return (Err(failure), history),
        }
    }
}

/// How long to wait before the next attempt, if there is to be one.
fn wait<E>(
    policy: &RetryPolicy,
    class: Idempotency,
    failure: &Failure<E>,
    attempts: u32,
    random: f64,
) -> Option<Duration> {
    if attempts >= policy.max_attempts || !failure.may_repeat(class) {
        return None;
    }
    let asked = failure.retry_after.unwrap_or_default();
    (asked <= policy.max_retry_after).then(|| policy.wait(attempts, random).max(asked))
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// A clock without a clock: time passes only in a sleep, or when an attempt says so.
    #[derive(Default)]
    struct Scripted {
        now: Cell<Duration>,
        sleeps: RefCell<Vec<f64>>,
    }

    impl Clock for Scripted {
        fn now(&self) -> Duration {
            self.now.get()
        }

        fn random(&self) -> f64 {
            1.0
        }

        fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send {
            self.sleeps.borrow_mut().push(wait.as_secs_f64());
            self.now.set(self.now.get().saturating_add(wait));
            std::future::ready(())
        }
    }

    type Answer = Result<(), Failure<&'static str>>;

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

    fn asking(code: u16, seconds: u64) -> Failure<&'static str> {
        Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..status(code)
        }
    }

    const UNREACHED: FailureKind = FailureKind::Connect { timeout: false };
    const LOST: FailureKind = FailureKind::Interrupted { timeout: false };
    const LATE: FailureKind = FailureKind::Interrupted { timeout: true };

    struct Outcome {
        result: Answer,
        history: AttemptSummary,
        sleeps: Vec<f64>,
    }

    /// Runs a script; each answer takes `takes`.
    fn play(
        policy: &RetryPolicy,
        class: Idempotency,
        budget: &Budget,
        takes: Duration,
        script: impl IntoIterator<Item = Answer>,
    ) -> Outcome {
        let clock = Scripted::default();
        let mut script = script.into_iter();
        let send = |_: Attempt| {
            clock.now.set(clock.now.get() + takes);
            std::future::ready(script.next().expect("the script has an answer"))
        };
        let running = run(policy, class, budget, &clock, || true, |_, _| (), send);
        let mut running = std::pin::pin!(running);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match running.as_mut().poll(&mut context) {
            std::task::Poll::Ready((result, history)) => Outcome {
                result,
                history,
                sleeps: clock.sleeps.take(),
            },
            std::task::Poll::Pending => panic!("nothing here ever waits"),
        }
    }

    fn plain(class: Idempotency, script: impl IntoIterator<Item = Answer>) -> Outcome {
        let (policy, budget) = (RetryPolicy::default(), Budget::default());
        play(&policy, class, &budget, Duration::ZERO, script)
    }

    #[test]
    fn three_attempts_with_doubling_waits() {
        let outcome = plain(Idempotency::Safe, (0..9).map(|_| Err(status(500))));
        assert!(outcome.result.is_err());
        assert_eq!(outcome.history.attempts, 3);
        assert_eq!(outcome.sleeps, [0.5, 1.0]);
    }

    #[test]
    fn success_ends_it() {
        let outcome = plain(Idempotency::Safe, [Err(status(502)), Ok(())]);
        assert!(outcome.result.is_ok());
        assert_eq!(outcome.history.attempts, 2);
    }

    /// Which failures are repeated: class by class, with and without `Retry-After`.
    #[test]
    fn only_what_may_be_repeated_is() {
        let repeated = |class, failure| {
            let outcome = plain(class, [Err(failure), Ok(())]);
            outcome.history.attempts == 2
        };
        for code in 300..=599 {
            let transient = [408, 429, 500, 502, 503, 504].contains(&code);
            let refused = [429, 503].contains(&code);
            for class in [Idempotency::Safe, Idempotency::Idempotent] {
                assert_eq!(repeated(class, status(code)), transient, "{code}");
                assert_eq!(repeated(class, asking(code, 1)), transient, "{code}");
            }
            assert!(
                !repeated(Idempotency::NonIdempotent, status(code)),
                "{code}"
            );
            assert_eq!(
                repeated(Idempotency::NonIdempotent, asking(code, 1)),
                refused,
                "{code}"
            );
        }
        for class in [Idempotency::Safe, Idempotency::Idempotent] {
            assert!(repeated(class, failure(LOST)) && repeated(class, failure(LATE)));
        }
        assert!(!repeated(Idempotency::NonIdempotent, failure(LOST)));
        assert!(!repeated(Idempotency::NonIdempotent, failure(LATE)));
        for class in [
            Idempotency::Safe,
            Idempotency::Idempotent,
            Idempotency::NonIdempotent,
        ] {
            assert!(repeated(class, failure(UNREACHED)));
            assert!(!repeated(class, failure(FailureKind::Permanent)));
        }
    }

    #[test]
    fn retry_after_is_obeyed_where_it_is_longer_and_not_too_long() {
        let waits = |seconds| plain(Idempotency::Safe, [Err(asking(429, seconds)), Ok(())]).sleeps;
        assert_eq!(waits(0), [0.5]);
        assert_eq!(waits(7), [7.0]);
        assert_eq!(waits(60), [60.0]);
        assert!(waits(61).is_empty());
    }

    #[test]
    fn no_sleep_overruns_the_deadline() {
        let (policy, budget) = (RetryPolicy::default(), Budget::default());
        let script = || [Err(asking(503, 50)), Err(asking(503, 50)), Ok(())];
        let takes = |seconds| Duration::from_secs(seconds);
        let outcome = play(&policy, Idempotency::Safe, &budget, takes(1), script());
        assert_eq!(outcome.sleeps, [50.0, 50.0]);
        let outcome = play(&policy, Idempotency::Safe, &budget, takes(15), script());
        assert_eq!(outcome.sleeps, [50.0], "15 + 50 + 15 + 50 is too long");
        assert_eq!(outcome.history.attempts, 2);
    }

    #[test]
    fn an_attempt_knows_how_much_time_is_left() {
        let (policy, budget) = (RetryPolicy::default(), Budget::default());
        let clock = Scripted::default();
        let seen = RefCell::new(Vec::new());
        let send = |attempt: Attempt| {
            seen.borrow_mut()
                .push((attempt.number, attempt.left.as_secs_f64()));
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
    fn what_is_used_up_is_not_sent_again() {
        let (policy, budget) = (RetryPolicy::default(), Budget::default());
        let clock = Scripted::default();
        let left = Cell::new(1);
        let can_repeat = || left.replace(0) > 0;
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
            std::task::Poll::Pending => panic!("nothing here ever waits"),
        }
    }

    #[test]
    fn an_empty_budget_stops_the_storm() {
        let (policy, budget) = (RetryPolicy::default().max_attempts(1000), Budget::default());
        let storm = || (0..2000).map(|_| Err(status(503)));
        let policy = policy.backoff(Duration::ZERO, Duration::ZERO);
        let outcome = play(&policy, Idempotency::Safe, &budget, Duration::ZERO, storm());
        assert_eq!(outcome.history.attempts, 101);
        let outcome = play(&policy, Idempotency::Safe, &budget, Duration::ZERO, storm());
        assert_eq!(outcome.history.attempts, 1);
    }

    #[test]
    fn history_tells_what_may_have_been_executed() {
        for (failure, executed) in [
            (failure(UNREACHED), false),
            (failure(LOST), true),
            (failure(LATE), true),
            (failure(FailureKind::Permanent), false),
            (status(400), false),
            (status(404), false),
            (status(408), true),
            (status(429), false),
            (status(500), true),
            (status(503), true),
            (asking(503, 99), false),
        ] {
            let policy = RetryPolicy::none();
            let budget = Budget::default();
            let said = format!("{failure:?}");
            let outcome = play(
                &policy,
                Idempotency::Safe,
                &budget,
                Duration::ZERO,
                [Err(failure)],
            );
            assert_eq!(outcome.history.executed, executed, "{said}");
            assert!(!outcome.history.executed_before, "{said}");
        }
        let outcome = plain(
            Idempotency::Idempotent,
            [Err(failure(LOST)), Err(status(404))],
        );
        assert!(outcome.history.executed_before && outcome.history.executed);
    }
}

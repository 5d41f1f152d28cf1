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
    let send = |_: u32, _: Duration| {
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
    for code in 300..=999 {
        let is_edge_failure = matches!(code, 520..=524 | 529);
        let is_transient = [408, 429, 500, 502, 503, 504].contains(&code) || is_edge_failure;
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
    let send = |number: u32, remaining: Duration| {
        seen.borrow_mut().push((number, remaining.as_secs_f64()));
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
    let send = |_: u32, _: Duration| std::future::ready(Err::<(), _>(status(503)));
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
        (status(300), true),
        (status(301), true),
        (status(302), true),
        (status(303), true),
        (status(304), true),
        (status(307), false),
        (status(308), false),
        (status(400), false),
        (status(404), false),
        (status(408), true),
        (status(429), false),
        (status(500), true),
        (status(503), true),
        (status_with_retry_after(503, 99), false),
        (status(522), true),
        (status_with_retry_after(529, 99), true),
        (status(600), true),
        (status(999), true),
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

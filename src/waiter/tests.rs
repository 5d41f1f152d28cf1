use std::{
    cell::{Cell, RefCell},
    future::ready,
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::*;
use crate::error::ErrorResponse;

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
        unreachable!("a waiter uses no randomness")
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        self.sleeps.borrow_mut().push(duration.as_secs_f64());
        self.now.set(self.now.get() + duration);
        ready(())
    }
}

/// Waits until a scripted read returns 1; each read takes `read_time`.
fn run_script(
    waiter: &Waiter,
    read_time: Duration,
    script: impl IntoIterator<Item = Result<u32, Error>>,
) -> (Result<u32, Error>, Vec<f64>) {
    let clock = TestClock::default();
    let mut script = script.into_iter();
    let read = || {
        clock.now.set(clock.now.get() + read_time);
        ready(script.next().expect("the script is too short"))
    };
    let mut running = std::pin::pin!(waiter.run(&clock, read, |read| (read == 1).then_some(read)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match running.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => (result, clock.sleeps.take()),
        std::task::Poll::Pending => panic!("scripted futures are always ready"),
    }
}

fn endless_zeros() -> impl Iterator<Item = Result<u32, Error>> {
    std::iter::repeat_with(|| Ok(0))
}

fn status_error(status: StatusCode, body: &'static str) -> Error {
    Error::status_error(ErrorResponse::new(
        status,
        HeaderMap::new(),
        Bytes::from_static(body.as_bytes()),
    ))
}

#[test]
fn value_of_the_first_read_is_returned_without_a_sleep() {
    let (value, sleeps) = run_script(&Waiter::new("it"), Duration::ZERO, [Ok(1)]);
    assert_eq!(value.unwrap(), 1);
    assert!(sleeps.is_empty());
}

#[test]
fn delays_double_up_to_the_maximum() {
    let script = (0..6).map(|_| Ok(0)).chain([Ok(1)]);
    let (value, sleeps) = run_script(&Waiter::new("it"), Duration::ZERO, script);
    assert_eq!(value.unwrap(), 1);
    assert_eq!(sleeps, [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]);
}

#[test]
fn last_read_is_made_at_the_timeout() {
    let waiter = Waiter::new("the icon").timeout(Duration::from_secs(10));
    let (error, sleeps) = run_script(&waiter, Duration::ZERO, endless_zeros());
    let error = error.unwrap_err();
    assert_eq!(sleeps, [0.5, 1.0, 2.0, 4.0, 2.5]);
    assert!(error.is_timeout() && error.status().is_none());
    assert_eq!(
        error.to_string(),
        "timed out after 10.0 s waiting for the icon (6 reads)"
    );
}

#[test]
fn slow_reads_count_and_at_least_one_is_made() {
    let waiter = Waiter::new("it").timeout(Duration::from_secs(10));
    let (error, sleeps) = run_script(&waiter, Duration::from_secs(6), endless_zeros());
    assert_eq!(sleeps, [0.5]);
    assert!(error.unwrap_err().to_string().contains("(2 reads)"));
    let waiter = waiter.timeout(Duration::ZERO);
    assert_eq!(run_script(&waiter, Duration::ZERO, [Ok(1)]).0.unwrap(), 1);
    assert!(
        run_script(&waiter, Duration::ZERO, endless_zeros())
            .0
            .unwrap_err()
            .is_timeout()
    );
}

#[test]
fn delays_are_at_least_ten_milliseconds() {
    let waiter = Waiter::new("it").timeout(Duration::from_millis(25));
    let waiter = waiter.backoff(Duration::ZERO, Duration::ZERO);
    let (_, sleeps) = run_script(&waiter, Duration::ZERO, endless_zeros());
    assert_eq!(sleeps, [0.01, 0.01, 0.005]);
}

#[test]
fn not_found_is_an_error_unless_it_is_allowed() {
    let forbidden = |body| Err(status_error(StatusCode::FORBIDDEN, body));
    let not_found = || Err(status_error(StatusCode::NOT_FOUND, ""));
    let hidden = || forbidden(r#"{"errorCode":"AB03"}"#);
    let waiter = Waiter::new("it");
    let (error, _) = run_script(&waiter, Duration::ZERO, [not_found()]);
    assert!(error.unwrap_err().is_not_found());
    let waiter = waiter.allow_not_found();
    let script = [not_found(), hidden(), Ok(1)];
    assert_eq!(run_script(&waiter, Duration::ZERO, script).0.unwrap(), 1);
    let other = || forbidden(r#"{"errorCode":"AB01"}"#);
    let (error, _) = run_script(&waiter, Duration::ZERO, [other()]);
    assert!(error.unwrap_err().is_forbidden());
    let (error, _) = run_script(&waiter, Duration::ZERO, std::iter::repeat_with(not_found));
    let error = error.unwrap_err();
    assert!(error.is_timeout());
    assert!(error.to_string().ends_with("last error: 404 Not Found"));
}

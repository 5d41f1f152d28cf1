//! Waiting for writes to become visible.

use std::time::Duration;

use crate::{
    Error,
    retry::{Clock, TokioClock},
};

const MIN_DELAY: Duration = Duration::from_millis(10);

/// Repeats a read until it shows the effect of a write or a timeout expires.
///
/// The service is eventually consistent: limits and the icon of a workspace, and new versions of
/// prompts and partials, may be missing or outdated in a read immediately after the write.
///
/// By default, the first read is made immediately and further reads follow for 30 seconds. The
/// delay between reads starts at 0.5 seconds and doubles up to 5 seconds. Retries and timeouts of
/// the read itself apply as usual and do not count as reads.
///
/// ```no_run
/// # #[cfg(feature = "workspaces")]
/// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
/// use portkey_admin::{Waiter, workspaces::UpdateWorkspaceRequest};
///
/// let body = UpdateWorkspaceRequest::builder().icon("🚀");
/// client.update_workspace("ws-research").body(body).send().await?;
/// let workspace = Waiter::new("the icon of ws-research")
///     .until(
///         || client.get_workspace("ws-research").send(),
///         |workspace| workspace.icon.as_deref() == Some("🚀"),
///     )
///     .await?;
/// # let _ = workspace;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is read before `until`"]
pub struct Waiter {
    description: String,
    timeout: Duration,
    initial_backoff: Duration,
    max_backoff: Duration,
    allow_not_found: bool,
}

impl Waiter {
    /// Creates a waiter; `description` completes "timed out waiting for …" in the error.
    pub fn new(description: impl Into<String>) -> Self {
        Self {
            description: description.into(),
            timeout: Duration::from_secs(30),
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(5),
            allow_not_found: false,
        }
    }

    /// Sets the time during which reads are started; the default is 30 seconds. At least one read
    /// is made, and a last one at the end of the time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the delay after the first read and the maximum delay; it doubles in between. The
    /// defaults are 0.5 and 5 seconds, the minimum is 10 milliseconds.
    pub fn backoff(mut self, initial: Duration, max: Duration) -> Self {
        self.initial_backoff = initial;
        self.max_backoff = max;
        self
    }

    /// Reads again if the resource does not exist yet ([`Error::is_gone_or_hidden`]). By default
    /// such an error ends the wait like any other.
    pub fn allow_not_found(mut self) -> Self {
        self.allow_not_found = true;
        self
    }

    /// Reads until `is_done` returns `true` for a value, and returns that value.
    ///
    /// # Errors
    ///
    /// The first error of `read`. After the timeout, an error whose [`Error::is_timeout`] is
    /// `true`, with the description, the time waited and the number of reads.
    pub async fn until<T, F: Future<Output = Result<T, Error>>>(
        &self,
        read: impl FnMut() -> F,
        mut is_done: impl FnMut(&T) -> bool,
    ) -> Result<T, Error> {
        let found = |value| is_done(&value).then_some(value);
        self.run(&TokioClock::new(), read, found).await
    }

    /// Reads until `read` returns `Some`.
    pub(crate) async fn until_found<T, F: Future<Output = Result<Option<T>, Error>>>(
        &self,
        read: impl FnMut() -> F,
    ) -> Result<T, Error> {
        self.run(&TokioClock::new(), read, |found| found).await
    }

    async fn run<R, T, F: Future<Output = Result<R, Error>>>(
        &self,
        clock: &impl Clock,
        mut read: impl FnMut() -> F,
        mut found: impl FnMut(R) -> Option<T>,
    ) -> Result<T, Error> {
        let start = clock.now();
        let (mut delay, mut reads) = (self.initial_backoff, 0_u32);
        loop {
            reads = reads.saturating_add(1);
            let not_found = match read().await {
                Ok(value) => match found(value) {
                    Some(value) => return Ok(value),
                    None => None,
                },
                Err(error) if self.allow_not_found && error.is_gone_or_hidden() => Some(error),
                Err(error) => return Err(error),
            };
            let elapsed = clock.now().saturating_sub(start);
            if elapsed >= self.timeout {
                return Err(self.timeout_error(elapsed, reads, not_found));
            }
            let remaining = self.timeout.saturating_sub(elapsed);
            clock
                .sleep(delay.min(self.max_backoff).max(MIN_DELAY).min(remaining))
                .await;
            delay = delay.saturating_mul(2);
        }
    }

    fn timeout_error(&self, elapsed: Duration, reads: u32, last_error: Option<Error>) -> Error {
        let (seconds, description) = (elapsed.as_secs_f64(), &self.description);
        let unit = if reads == 1 { "read" } else { "reads" };
        let message =
            format!("timed out after {seconds:.1} s waiting for {description} ({reads} {unit})");
        Error::wait_timeout(match last_error {
            Some(error) => format!("{message}; last error: {error}"),
            None => message,
        })
    }
}

#[cfg(test)]
mod tests {
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
        let mut running =
            std::pin::pin!(waiter.run(&clock, read, |read| (read == 1).then_some(read)));
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
}

//! Waiting for what the service has been told to show.

use std::time::Duration;

use crate::{
    Error,
    retry::{Clock, TokioClock},
};

/// Less than this between two reads would be a storm.
const SHORTEST: Duration = Duration::from_millis(10);

/// Waits until a read shows what a write has set, by asking again and again, within bounds.
///
/// The service is consistent in the end only: limits and the icon of a workspace (S01) and new versions
/// of prompts and partials (S02) may be missing, or old, in a read just after the write.
///
/// Unless set, it reads for 30 seconds, first at once, then after 0.5 seconds, doubling up to
/// 5 seconds. What the read needs of retries and timeouts it brings along; they are not counted in.
///
/// ```no_run
/// # #[cfg(feature = "workspaces")]
/// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
/// use portkey_admin::{Waiter, types::UpdateWorkspaceRequest};
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
    what: String,
    total: Duration,
    first: Duration,
    longest: Duration,
    allow_not_found: bool,
}

impl Waiter {
    /// `what` is waited for; the error says it.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            total: Duration::from_secs(30),
            first: Duration::from_millis(500),
            longest: Duration::from_secs(5),
            allow_not_found: false,
        }
    }

    /// For how long reads are begun: 30 seconds unless set. There is one at the end, and at least one.
    pub fn timeout(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// The pause after the first read, and the longest; it doubles in between. 0.5 and 5 seconds
    /// unless set, and never less than 10 milliseconds.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// Takes a read that says there is no such thing ([`Error::is_gone_or_hidden`]) for one that comes
    /// too early. Unless set, it ends the waiting like any other error.
    pub fn allow_not_found(mut self) -> Self {
        self.allow_not_found = true;
        self
    }

    /// Reads until `is_done` says so of what was read, and gives that.
    ///
    /// # Errors
    ///
    /// The first of `read`; and when the time is over one for which [`Error::is_timeout`] holds, which
    /// says what was waited for, how long and how often it was read.
    pub async fn until<T, F: Future<Output = Result<T, Error>>>(
        &self,
        read: impl FnMut() -> F,
        mut is_done: impl FnMut(&T) -> bool,
    ) -> Result<T, Error> {
        let found = |value| is_done(&value).then_some(value);
        self.run(&TokioClock::new(), read, found).await
    }

    /// The same for a read that finds something or nothing.
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
        let (mut pause, mut reads) = (self.first, 0_u32);
        loop {
            reads = reads.saturating_add(1);
            let missing = match read().await {
                Ok(value) => match found(value) {
                    Some(value) => return Ok(value),
                    None => None,
                },
                Err(error) if self.allow_not_found && error.is_gone_or_hidden() => Some(error),
                Err(error) => return Err(error),
            };
            let passed = clock.now().saturating_sub(start);
            if passed >= self.total {
                return Err(self.over(passed, reads, missing));
            }
            let left = self.total.saturating_sub(passed);
            clock
                .sleep(pause.min(self.longest).max(SHORTEST).min(left))
                .await;
            pause = pause.saturating_mul(2);
        }
    }

    fn over(&self, passed: Duration, reads: u32, missing: Option<Error>) -> Error {
        let (what, seconds) = (&self.what, passed.as_secs_f64());
        let text = format!("waited {seconds:.1} s for {what} in vain; number of reads: {reads}");
        Error::waited(match missing {
            Some(error) => format!("{text}; the last one: {error}"),
            None => text,
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

    /// A clock without a clock: time passes only in a sleep, or when a read says so.
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
            unreachable!("nothing here is random")
        }

        fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send {
            self.sleeps.borrow_mut().push(wait.as_secs_f64());
            self.now.set(self.now.get() + wait);
            ready(())
        }
    }

    /// Waits for a 1 in what is read; each read takes `takes`.
    fn play(
        wait: &Waiter,
        takes: Duration,
        script: impl IntoIterator<Item = Result<u32, Error>>,
    ) -> (Result<u32, Error>, Vec<f64>) {
        let clock = Scripted::default();
        let mut script = script.into_iter();
        let read = || {
            clock.now.set(clock.now.get() + takes);
            ready(script.next().expect("the script has an answer"))
        };
        let mut running =
            std::pin::pin!(wait.run(&clock, read, |read| (read == 1).then_some(read)));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match running.as_mut().poll(&mut context) {
            std::task::Poll::Ready(result) => (result, clock.sleeps.take()),
            std::task::Poll::Pending => panic!("nothing here ever waits"),
        }
    }

    fn never() -> impl Iterator<Item = Result<u32, Error>> {
        std::iter::repeat_with(|| Ok(0))
    }

    fn refused(status: StatusCode, body: &'static str) -> Error {
        Error::refused(ErrorResponse::new(
            status,
            HeaderMap::new(),
            Bytes::from_static(body.as_bytes()),
        ))
    }

    #[test]
    fn what_is_there_at_once_is_not_waited_for() {
        let (value, sleeps) = play(&Waiter::new("it"), Duration::ZERO, [Ok(1)]);
        assert_eq!(value.unwrap(), 1);
        assert!(sleeps.is_empty());
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let script = (0..6).map(|_| Ok(0)).chain([Ok(1)]);
        let (value, sleeps) = play(&Waiter::new("it"), Duration::ZERO, script);
        assert_eq!(value.unwrap(), 1);
        assert_eq!(sleeps, [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]);
    }

    #[test]
    fn the_last_read_is_at_the_end() {
        let wait = Waiter::new("the icon").timeout(Duration::from_secs(10));
        let (error, sleeps) = play(&wait, Duration::ZERO, never());
        let error = error.unwrap_err();
        assert_eq!(sleeps, [0.5, 1.0, 2.0, 4.0, 2.5]);
        assert!(error.is_timeout() && error.status().is_none());
        assert_eq!(
            error.to_string(),
            "waited 10.0 s for the icon in vain; number of reads: 6"
        );
    }

    #[test]
    fn slow_reads_count_and_one_is_always_made() {
        let wait = Waiter::new("it").timeout(Duration::from_secs(10));
        let (error, sleeps) = play(&wait, Duration::from_secs(6), never());
        assert_eq!(sleeps, [0.5]);
        assert!(error.unwrap_err().to_string().contains("reads: 2"));
        let wait = wait.timeout(Duration::ZERO);
        assert_eq!(play(&wait, Duration::ZERO, [Ok(1)]).0.unwrap(), 1);
        assert!(
            play(&wait, Duration::ZERO, never())
                .0
                .unwrap_err()
                .is_timeout()
        );
    }

    #[test]
    fn no_pause_is_too_short() {
        let wait = Waiter::new("it").timeout(Duration::from_millis(25));
        let wait = wait.backoff(Duration::ZERO, Duration::ZERO);
        let (_, sleeps) = play(&wait, Duration::ZERO, never());
        assert_eq!(sleeps, [0.01, 0.01, 0.005]);
    }

    #[test]
    fn what_is_missing_is_an_error_unless_it_may_be() {
        let not_found = || Err(refused(StatusCode::NOT_FOUND, ""));
        let hidden = || Err(refused(StatusCode::FORBIDDEN, r#"{"errorCode":"AB03"}"#));
        let wait = Waiter::new("it");
        let (error, _) = play(&wait, Duration::ZERO, [not_found()]);
        assert!(error.unwrap_err().is_not_found());
        let wait = wait.allow_not_found();
        let script = [not_found(), hidden(), Ok(1)];
        assert_eq!(play(&wait, Duration::ZERO, script).0.unwrap(), 1);
        let other = || Err(refused(StatusCode::FORBIDDEN, r#"{"errorCode":"AB01"}"#));
        let (error, _) = play(&wait, Duration::ZERO, [other()]);
        assert!(error.unwrap_err().is_forbidden());
        let (error, _) = play(&wait, Duration::ZERO, std::iter::repeat_with(not_found));
        let error = error.unwrap_err();
        assert!(error.is_timeout() && error.to_string().ends_with("the last one: 404 Not Found"));
    }
}

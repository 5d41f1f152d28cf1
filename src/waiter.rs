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
mod tests;

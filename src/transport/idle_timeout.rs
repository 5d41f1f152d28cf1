//! Timeouts of streams.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::options::NO_TIMEOUT;

/// A timeout that starts when the inner future first returns `Pending` and runs until it is
/// stopped. Time spent by the caller between polls is excluded.
pub(crate) struct IdleTimeout {
    limit: Duration,
    /// Reused for the next wait, which is cheaper than a new timer.
    sleep: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl IdleTimeout {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            sleep: None,
            is_running: false,
        }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Sets the limit of the next wait.
    pub(crate) fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
        self.stop();
    }

    /// Stops the timeout; the next [`poll`](Self::poll) starts it again.
    pub(crate) fn stop(&mut self) {
        self.is_running = false;
    }

    /// Starts the timeout if it is stopped; ready when the limit is exceeded.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.is_running, true) {
            // The limit is capped, because `Instant` overflows.
            let deadline = Instant::now() + self.limit.min(NO_TIMEOUT);
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(deadline),
                // Created on first use, because it needs the runtime that polls.
                None => self.sleep = Some(Box::pin(sleep_until(deadline))),
            }
        }
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin};

    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    /// Returns `true` if a wait of this length does not time out.
    async fn allows(timer: &mut IdleTimeout, wait: Duration) -> bool {
        let mut wait = pin!(sleep(wait));
        poll_fn(|context| match wait.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => timer.poll(context).map(|()| false),
        })
        .await
    }

    #[tokio::test]
    async fn timeout_runs_across_waits_until_stopped() {
        let mut timer = IdleTimeout::new(LIMIT);
        assert!(allows(&mut timer, LIMIT * 2 / 3).await);
        assert!(!allows(&mut timer, LIMIT * 2 / 3).await);
        timer.stop();
        assert!(allows(&mut timer, LIMIT * 2 / 3).await);
        timer.stop();
        assert!(allows(&mut timer, LIMIT * 2 / 3).await);
    }

    #[tokio::test]
    async fn new_limit_applies_to_the_next_wait() {
        let mut timer = IdleTimeout::new(LIMIT);
        assert!(!allows(&mut timer, LIMIT * 2).await);
        timer.set_limit(LIMIT * 4);
        assert!(allows(&mut timer, LIMIT * 2).await);
        timer.set_limit(LIMIT / 4);
        assert!(!allows(&mut timer, LIMIT * 2).await);
    }

    #[tokio::test]
    async fn maximum_limit_does_not_overflow() {
        assert!(allows(&mut IdleTimeout::new(Duration::MAX), LIMIT / 10).await);
    }
}

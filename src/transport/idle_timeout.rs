//! Timeouts of responses and streams.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

#[cfg(feature = "gateway")]
use super::Heartbeat;
use super::NO_TIMEOUT;

/// A timeout that starts when the inner future first returns `Pending` and runs until it is
/// stopped. Time spent by the caller between polls is excluded.
pub(crate) struct IdleTimeout {
    limit: Duration,
    /// Reused for the next wait, which is cheaper than a new timer.
    sleep: Option<Pin<Box<Sleep>>>,
    is_running: bool,
    /// Progress that extends the timeout.
    #[cfg(feature = "gateway")]
    heartbeat: Option<Heartbeat>,
}

impl IdleTimeout {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            sleep: None,
            is_running: false,
            #[cfg(feature = "gateway")]
            heartbeat: None,
        }
    }

    /// Creates a timeout that each heartbeat restarts.
    #[cfg(feature = "gateway")]
    pub(crate) fn with_heartbeat(limit: Duration, heartbeat: Heartbeat) -> Self {
        Self {
            heartbeat: Some(heartbeat),
            ..Self::new(limit)
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
            self.run_until(self.deadline_after(Instant::now()));
        }
        while let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(context));
            match self.extended_deadline() {
                Some(deadline) => self.run_until(deadline),
                None => break,
            }
        }
        Poll::Ready(())
    }

    /// Awaits `future`; returns `None` if the limit is exceeded. The timeout is not stopped.
    pub(crate) fn wait_for<T>(
        &mut self,
        mut future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    ) -> impl Future<Output = Option<T>> {
        poll_fn(move |context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => self.poll(context).map(|()| None),
        })
    }

    /// Returns the deadline without progress after `start`. The limit is capped, because `Instant`
    /// overflows.
    fn deadline_after(&self, start: Instant) -> Instant {
        start + self.limit.min(NO_TIMEOUT)
    }

    /// Sets the timer, which is created on first use because it needs the runtime that polls.
    fn run_until(&mut self, deadline: Instant) {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(deadline),
            None => self.sleep = Some(Box::pin(sleep_until(deadline))),
        }
    }

    /// Returns the new deadline if the last heartbeat extends it.
    fn extended_deadline(&self) -> Option<Instant> {
        #[cfg(feature = "gateway")]
        if let Some(heartbeat) = &self.heartbeat {
            let deadline = self.deadline_after(heartbeat.last());
            return Some(deadline).filter(|deadline| *deadline > Instant::now());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, pin::pin};

    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    /// Returns `true` if a wait of this length does not time out.
    async fn allows(timer: &mut IdleTimeout, wait: Duration) -> bool {
        timer.wait_for(pin!(sleep(wait))).await.is_some()
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

    #[cfg(feature = "gateway")]
    #[tokio::test]
    async fn heartbeats_extend_the_timeout() {
        let heartbeat = Heartbeat::new();
        let mut timer = IdleTimeout::with_heartbeat(LIMIT, heartbeat.clone());
        let progress = async {
            for _ in 0..20 {
                sleep(LIMIT / 10).await;
                heartbeat.mark();
            }
        };
        assert_eq!(timer.wait_for(pin!(progress)).await, Some(()));
        assert_eq!(timer.wait_for(pin!(pending::<()>())).await, None);
    }
}

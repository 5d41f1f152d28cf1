//! How long something is waited for.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

#[cfg(feature = "gateway")]
use super::Heartbeat;
use super::NEVER;

/// A limit on a wait. It runs from the first time that nothing is there until it is stopped; the time
/// that whoever waits takes in between does not count.
pub(crate) struct IdleTimeout {
    limit: Duration,
    /// ErrorResponse for the next wait: a new one costs more than to set this one again.
    sleep: Option<Pin<Box<Sleep>>>,
    is_running: bool,
    /// What moves in the meantime; as long as it does, time is not up.
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

    /// Limits how long nothing may move.
    #[cfg(feature = "gateway")]
    pub(crate) fn watching(limit: Duration, heartbeat: Heartbeat) -> Self {
        Self {
            heartbeat: Some(heartbeat),
            ..Self::new(limit)
        }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Another limit, for what is waited for next.
    pub(crate) fn limit_to(&mut self, limit: Duration) {
        self.limit = limit;
        self.stop();
    }

    /// What was waited for is there.
    pub(crate) fn stop(&mut self) {
        self.is_running = false;
    }

    /// Nothing is there; ready when that has been so for too long.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.is_running, true) {
            self.run_until(self.end_after(Instant::now()));
        }
        while let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(context));
            match self.later_end() {
                Some(end) => self.run_until(end),
                None => break,
            }
        }
        Poll::Ready(())
    }

    /// What `work` gives, unless it takes too long. The timer runs on, until it is stopped.
    pub(crate) fn wait_for<T>(
        &mut self,
        mut work: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    ) -> impl Future<Output = Option<T>> {
        poll_fn(move |context| match work.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => self.poll(context).map(|()| None),
        })
    }

    /// When time is up if nothing moves after `start`. The clock has an end, too.
    fn end_after(&self, start: Instant) -> Instant {
        start + self.limit.min(NEVER)
    }

    /// Made here and not before, because it needs the runtime that polls.
    fn run_until(&mut self, end: Instant) {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(end),
            None => self.sleep = Some(Box::pin(sleep_until(end))),
        }
    }

    /// When time is really up, if something has moved.
    fn later_end(&self) -> Option<Instant> {
        #[cfg(feature = "gateway")]
        if let Some(heartbeat) = &self.heartbeat {
            let end = self.end_after(heartbeat.last());
            return Some(end).filter(|end| *end > Instant::now());
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

    /// Whether the timer lets somebody wait so long.
    async fn allows(timer: &mut IdleTimeout, wait: Duration) -> bool {
        timer.wait_for(pin!(sleep(wait))).await.is_some()
    }

    #[tokio::test]
    async fn it_runs_until_it_is_stopped() {
        let mut timer = IdleTimeout::new(LIMIT);
        assert!(allows(&mut timer, LIMIT * 2 / 3).await);
        assert!(!allows(&mut timer, LIMIT * 2 / 3).await);
        timer.stop();
        assert!(allows(&mut timer, LIMIT * 2 / 3).await);
        timer.stop();
        assert!(allows(&mut timer, LIMIT * 2 / 3).await);
    }

    #[tokio::test]
    async fn another_limit_is_for_the_next_wait() {
        let mut timer = IdleTimeout::new(LIMIT);
        assert!(!allows(&mut timer, LIMIT * 2).await);
        timer.limit_to(LIMIT * 4);
        assert!(allows(&mut timer, LIMIT * 2).await);
        timer.limit_to(LIMIT / 4);
        assert!(!allows(&mut timer, LIMIT * 2).await);
    }

    #[tokio::test]
    async fn no_limit_is_too_long() {
        assert!(allows(&mut IdleTimeout::new(Duration::MAX), LIMIT / 10).await);
    }

    #[cfg(feature = "gateway")]
    #[tokio::test]
    async fn while_something_moves_time_is_not_up() {
        let heartbeat = Heartbeat::new();
        let mut timer = IdleTimeout::watching(LIMIT, heartbeat.clone());
        let moving = async {
            for _ in 0..20 {
                sleep(LIMIT / 10).await;
                heartbeat.mark();
            }
        };
        assert_eq!(timer.wait_for(pin!(moving)).await, Some(()));
        assert_eq!(timer.wait_for(pin!(pending::<()>())).await, None);
    }
}

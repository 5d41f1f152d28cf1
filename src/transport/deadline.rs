//! The time limit of an attempt.

use std::{pin::pin, time::Duration};

#[cfg(feature = "gateway")]
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Instant, timeout_at};

use crate::{Error, options::NO_TIMEOUT};

/// The time at which an attempt times out.
pub(crate) struct Deadline {
    limit: Duration,
    at: Instant,
    /// Progress that extends the deadline.
    #[cfg(feature = "gateway")]
    heartbeat: Option<Heartbeat>,
}

/// The time of the last progress of an upload, shared by all clones.
#[cfg(feature = "gateway")]
#[derive(Clone)]
pub(crate) struct Heartbeat(Arc<Mutex<Instant>>);

impl Deadline {
    /// Creates a deadline that is `limit` from now.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            at: add(Instant::now(), limit),
            #[cfg(feature = "gateway")]
            heartbeat: None,
        }
    }

    /// Extends the deadline to `limit` after each heartbeat.
    #[cfg(feature = "gateway")]
    pub(super) fn extended_by(&mut self, heartbeat: Heartbeat) {
        self.heartbeat = Some(heartbeat);
    }

    /// Returns the time from the creation, or from a heartbeat, to the deadline.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Awaits `future`, at most until the deadline.
    pub(super) async fn wait_for<T>(&self, future: impl Future<Output = T>) -> Result<T, Error> {
        let mut future = pin!(future);
        let mut at = self.at();
        loop {
            if let Ok(value) = timeout_at(at, &mut future).await {
                return Ok(value);
            }
            let extended = self.at();
            if extended <= at {
                return Err(Error::timed_out(self.limit));
            }
            at = extended;
        }
    }

    fn at(&self) -> Instant {
        #[cfg(feature = "gateway")]
        if let Some(heartbeat) = &self.heartbeat {
            return self.at.max(add(heartbeat.last(), self.limit));
        }
        self.at
    }
}

/// Adds a duration, which is capped because `Instant` overflows.
fn add(instant: Instant, duration: Duration) -> Instant {
    instant + duration.min(NO_TIMEOUT)
}

#[cfg(feature = "gateway")]
impl Heartbeat {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Records progress.
    pub(crate) fn mark(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn deadline_applies_to_all_waits_together() {
        let deadline = Deadline::new(LIMIT);
        assert!(deadline.wait_for(sleep(LIMIT * 2 / 3)).await.is_ok());
        let error = deadline.wait_for(sleep(LIMIT * 2 / 3)).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
    }

    #[tokio::test]
    async fn maximum_limit_does_not_overflow() {
        let deadline = Deadline::new(Duration::MAX);
        assert!(deadline.wait_for(sleep(LIMIT / 10)).await.is_ok());
    }

    #[cfg(feature = "gateway")]
    #[tokio::test]
    async fn heartbeats_extend_the_deadline() {
        let heartbeat = Heartbeat::new();
        let mut deadline = Deadline::new(LIMIT);
        deadline.extended_by(heartbeat.clone());
        let progress = async {
            for _ in 0..20 {
                sleep(LIMIT / 10).await;
                heartbeat.mark();
            }
        };
        assert!(deadline.wait_for(progress).await.is_ok());
        let pending = std::future::pending::<()>();
        assert!(deadline.wait_for(pending).await.is_err());
    }
}

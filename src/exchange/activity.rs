//! How long nothing may move, where the whole takes as long as it takes.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use super::NEVER;

/// When something last moved. Clones tell each other.
#[derive(Clone)]
pub(crate) struct Activity(Arc<Mutex<Instant>>);

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Something moves.
    pub(crate) fn mark(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `work` gives, unless nothing moves for `limit`.
    pub(crate) async fn watch<T>(
        &self,
        limit: Duration,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        // The clock has an end, too.
        let limit = limit.min(NEVER);
        loop {
            let end = self.last() + limit;
            match timeout_at(end, work.as_mut()).await {
                Ok(value) => return Some(value),
                Err(_) if self.last() + limit > end => {}
                Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn only_silence_runs_out_of_time() {
        let activity = Activity::new();
        let other = activity.clone();
        let moving = async {
            for _ in 0..20 {
                sleep(LIMIT / 10).await;
                other.mark();
            }
        };
        assert_eq!(activity.watch(LIMIT, pin!(moving)).await, Some(()));
        assert_eq!(
            activity
                .watch(LIMIT, pin!(std::future::pending::<()>()))
                .await,
            None
        );
    }

    #[tokio::test]
    async fn no_limit_is_too_long() {
        let soon = async { sleep(LIMIT / 10).await };
        assert_eq!(
            Activity::new().watch(Duration::MAX, pin!(soon)).await,
            Some(())
        );
    }
}

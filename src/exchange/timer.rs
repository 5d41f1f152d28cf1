//! How long the other side may say nothing.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::exchange::NEVER;

/// A timer that runs while nothing comes. The time that the reader takes does not count.
pub(crate) struct Idle {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    is_running: bool,
}

impl Idle {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            timer: None,
            is_running: false,
        }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Something came.
    pub(crate) fn stop(&mut self) {
        self.is_running = false;
    }

    /// Nothing is there; ready when that has been so for too long.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let end = Instant::now() + self.limit.min(NEVER);
        // Made here and not before, because a timer needs the runtime that polls.
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if !std::mem::replace(&mut self.is_running, true) {
            timer.as_mut().reset(end);
        }
        timer.as_mut().poll(context)
    }
}

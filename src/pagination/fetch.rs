//! A page on its way.

use std::{
    future::Future,
    panic,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{Error, call::Call, transport::BufferedResponse};

/// How a page comes. Whoever polls decodes it: a future of the list's type would have the decoding of
/// every list compiled into this crate, used or not.
pub(super) enum Fetch {
    /// While somebody waits for it.
    CurrentPage(Pin<Box<dyn Future<Output = Result<BufferedResponse, Error>> + Send>>),
    /// By a task of its own, which ends with this value.
    Ahead(JoinSet<Result<BufferedResponse, Error>>),
}

impl Fetch {
    /// Begins when it is polled.
    pub(super) fn here(call: Call) -> Self {
        Self::CurrentPage(Box::pin(call.run()))
    }

    /// Begins at once, in a task.
    pub(super) fn ahead(call: Call) -> Self {
        let mut task = JoinSet::new();
        task.spawn(call.run().in_current_span());
        Self::Ahead(task)
    }

    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<BufferedResponse, Error>> {
        match self {
            Self::CurrentPage(answering) => answering.as_mut().poll(context),
            Self::Ahead(task) => match ready!(task.poll_join_next(context)) {
                Some(Ok(outcome)) => Poll::Ready(outcome),
                Some(Err(error)) if error.is_panic() => panic::resume_unwind(error.into_panic()),
                // Only the end of the runtime cancels it, or a second poll after the end.
                _ => Poll::Ready(Err(Error::paging("the runtime is shutting down"))),
            },
        }
    }
}

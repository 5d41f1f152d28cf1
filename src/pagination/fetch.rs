//! A page that is being fetched.

use std::{
    future::Future,
    panic,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{Error, call::Call, transport::BufferedResponse};

/// The request for a page. Yields the raw response; the caller decodes it (see [`crate::decode`]).
pub(super) enum Fetch {
    /// A request that makes progress only while it is polled.
    Polled(Pin<Box<dyn Future<Output = Result<BufferedResponse, Error>> + Send>>),
    /// A request in a separate task, which is aborted when this value is dropped.
    Spawned(JoinSet<Result<BufferedResponse, Error>>),
}

impl Fetch {
    /// Creates a request that starts when it is first polled.
    pub(super) fn polled(call: Call) -> Self {
        Self::Polled(Box::pin(call.run()))
    }

    /// Starts the request immediately, in a separate task.
    pub(super) fn spawned(call: Call) -> Self {
        let mut task = JoinSet::new();
        task.spawn(call.run().in_current_span());
        Self::Spawned(task)
    }

    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<BufferedResponse, Error>> {
        match self {
            Self::Polled(request) => request.as_mut().poll(context),
            Self::Spawned(task) => match ready!(task.poll_join_next(context)) {
                Some(Ok(outcome)) => Poll::Ready(outcome),
                Some(Err(error)) if error.is_panic() => panic::resume_unwind(error.into_panic()),
                // The runtime cancelled the task at its shutdown, or the task was polled after its end.
                _ => Poll::Ready(Err(Error::paging("the runtime is shutting down"))),
            },
        }
    }
}

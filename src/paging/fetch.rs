//! A page on its way.

use std::{
    future::Future,
    panic,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{Error, Response};

/// The answer to a call, later.
pub(super) type Answering<L> = Pin<Box<dyn Future<Output = Result<Response<L>, Error>> + Send>>;

/// How a page comes.
pub(super) enum Fetch<L> {
    /// While somebody waits for it.
    Here(Answering<L>),
    /// By a task of its own, which ends with this value.
    Ahead(JoinSet<Result<Response<L>, Error>>),
}

impl<L: Send + 'static> Fetch<L> {
    /// Begins at once, in a task.
    pub(super) fn ahead(answering: Answering<L>) -> Self {
        let mut task = JoinSet::new();
        task.spawn(answering.in_current_span());
        Self::Ahead(task)
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Response<L>, Error>> {
        match self {
            Self::Here(answering) => answering.as_mut().poll(context),
            Self::Ahead(task) => match ready!(task.poll_join_next(context)) {
                Some(Ok(outcome)) => Poll::Ready(outcome),
                Some(Err(error)) if error.is_panic() => panic::resume_unwind(error.into_panic()),
                // Only the end of the runtime cancels it, or a second poll after the end.
                _ => Poll::Ready(Err(Error::paging("the runtime is shutting down"))),
            },
        }
    }
}

//! The chunks of a response body, with an idle timeout.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;

use crate::{
    Error,
    error::Label,
    transport::{self, IdleTimeout},
};

/// The progress of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of bytes received.
    pub received: u64,
    /// The total number of bytes, if known.
    pub total: Option<u64>,
}

/// Reads the body of a response chunk by chunk.
pub(crate) struct Chunks {
    response: reqwest::Response,
    progress: Progress,
    timer: IdleTimeout,
    has_ended: bool,
}

impl Chunks {
    pub(crate) fn new(response: reqwest::Response, idle_timeout: Duration) -> Self {
        let total = response.content_length();
        Self {
            response,
            progress: Progress { received: 0, total },
            timer: IdleTimeout::new(idle_timeout),
            has_ended: false,
        }
    }

    pub(super) fn set_idle_timeout(&mut self, timeout: Duration) {
        self.timer.set_limit(timeout);
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    /// Returns the progress as a note for errors.
    pub(super) fn describe_progress(&self) -> String {
        let Progress { received, total } = self.progress;
        match total {
            Some(total) => format!("received {received} of {total} bytes"),
            None => format!("received {received} bytes"),
        }
    }

    /// Polls for the next chunk, which is never empty; `None` at the end and after an error.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        label: &Label,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let chunk = ready!(self.poll_chunk(context));
        self.has_ended = !matches!(chunk, Some(Ok(_)));
        Poll::Ready(chunk.map(|chunk| chunk.map_err(|error| self.body_interrupted(error, label))))
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            // The future has no state of its own, so dropping it loses no data.
            let Poll::Ready(chunk) = pin!(self.response.chunk()).poll(context) else {
                ready!(self.timer.poll(context));
                return Poll::Ready(Some(Err(Error::idle_timeout(self.timer.limit()))));
            };
            self.timer.stop();
            match chunk {
                Err(error) => return Poll::Ready(Some(Err(Error::transport(error)))),
                Ok(Some(chunk)) if chunk.is_empty() => {}
                Ok(chunk) => {
                    self.progress.received += chunk.as_ref().map_or(0, Bytes::len) as u64;
                    return Poll::Ready(chunk.map(Ok));
                }
            }
        }
    }

    fn body_interrupted(&self, error: Error, label: &Label) -> Error {
        transport::body_interrupted(label, &error);
        error.with_note(self.describe_progress())
    }
}

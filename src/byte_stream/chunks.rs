//! What arrives of a body, and how long nothing may.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;

use super::Progress;
use crate::{
    Error,
    error::Label,
    transport::{self, IdleTimeout},
};

/// An answer whose head has been read.
pub(crate) struct Chunks {
    answer: Box<reqwest::Response>,
    progress: Progress,
    timer: IdleTimeout,
    has_ended: bool,
}

impl Chunks {
    /// `timer` has waited for the head; between two pieces nothing may come for `limit`.
    pub(crate) fn new(
        answer: Box<reqwest::Response>,
        mut timer: IdleTimeout,
        limit: Duration,
    ) -> Self {
        timer.limit_to(limit);
        let total = answer.content_length();
        Self {
            answer,
            progress: Progress { received: 0, total },
            timer,
            has_ended: false,
        }
    }

    pub(super) fn limit_to(&mut self, limit: Duration) {
        self.timer.limit_to(limit);
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    /// How much has arrived, in words.
    pub(super) fn arrived(&self) -> String {
        let Progress { received, total } = self.progress;
        match total {
            Some(total) => format!("{received} of {total} bytes have arrived"),
            None => format!("{received} bytes have arrived"),
        }
    }

    /// The next piece, which is never empty; nothing at the end and after an error.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        label: &Label,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_chunk(context));
        self.has_ended = !matches!(piece, Some(Ok(_)));
        Poll::Ready(piece.map(|piece| piece.map_err(|error| self.body_interrupted(error, label))))
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            // Nothing is lost with the future: it only asks the body.
            let Poll::Ready(piece) = pin!(self.answer.chunk()).poll(context) else {
                ready!(self.timer.poll(context));
                return Poll::Ready(Some(Err(Error::silent(self.timer.limit()))));
            };
            self.timer.stop();
            match piece {
                Err(error) => return Poll::Ready(Some(Err(Error::transport(error)))),
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(piece) => {
                    self.progress.received += piece.as_ref().map_or(0, Bytes::len) as u64;
                    return Poll::Ready(piece.map(Ok));
                }
            }
        }
    }

    fn body_interrupted(&self, error: Error, label: &Label) -> Error {
        transport::body_interrupted(label, &error);
        error.with_note(self.arrived())
    }
}

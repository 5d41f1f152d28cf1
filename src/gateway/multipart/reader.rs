//! Readers that can be read once, and what is said when reading fails.

use std::{
    error::Error as StdError,
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::Error;

/// A reader that cannot be opened again. Each attempt takes its reader; only the last reader reads.
pub(super) struct SharedReader(Mutex<State>);

struct State {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    /// How many turns there were.
    turns: u64,
    /// Whether anything came of it, be it the end or an error.
    is_touched: bool,
}

/// The right to read until somebody else has the next reader.
pub(super) struct ExclusiveReader {
    shared: Arc<SharedReader>,
    number: u64,
}

impl SharedReader {
    pub(super) fn new(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Mutex::new(State {
            reader: Box::pin(reader),
            turns: 0,
            is_touched: false,
        }))
    }

    pub(super) fn is_touched(&self) -> bool {
        self.state().is_touched
    }

    /// The next reader. A connection that was given up may still hold the one before.
    pub(super) fn take(shared: &Arc<Self>) -> ExclusiveReader {
        let mut state = shared.state();
        state.turns += 1;
        ExclusiveReader {
            shared: shared.clone(),
            number: state.turns,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for ExclusiveReader {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.shared.state();
        if state.turns != self.number {
            return Poll::Ready(Err(io::Error::other("another attempt reads it")));
        }
        let read = ready!(state.reader.as_mut().poll_read(context, buffer));
        state.is_touched = true;
        Poll::Ready(read)
    }
}

/// A part of a form that could not be read.
#[derive(Debug, Clone)]
pub(crate) struct PartReadError {
    what: String,
    error: Arc<io::Error>,
}

impl PartReadError {
    pub(super) fn new(what: String, error: io::Error) -> Self {
        Self {
            what,
            error: error.into(),
        }
    }

    /// The one that made a request fail.
    pub(crate) fn behind(error: &reqwest::Error) -> Option<Self> {
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        causes
            .filter_map(|cause| cause.downcast_ref())
            .next()
            .cloned()
    }

    pub(crate) fn into_error(self) -> Error {
        Error::read(self.what, self.error)
    }
}

impl fmt::Display for PartReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be read", self.what)
    }
}

impl StdError for PartReadError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.error)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn only_the_last_turn_reads() {
        let reader = Arc::new(SharedReader::new(&b"abc"[..]));
        let (mut first, mut second) = (SharedReader::take(&reader), SharedReader::take(&reader));
        let mut all = String::new();
        first.read_to_string(&mut all).await.unwrap_err();
        assert!(!reader.is_touched());
        second.read_to_string(&mut all).await.unwrap();
        assert!(reader.is_touched());
        assert_eq!(all, "abc");
    }
}

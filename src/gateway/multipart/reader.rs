//! Readers that can be read only once, and the error of a part that cannot be read.

use std::{
    error::Error as StdError,
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::Error;

/// A reader that cannot be reopened. Each attempt acquires access; only the latest attempt can
/// read.
pub(super) struct SharedReader(Mutex<State>);

struct State {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    /// The number of times that access was acquired.
    generation: u64,
    /// Whether a read has completed, including the end and errors.
    was_read: bool,
}

/// Access to a [`SharedReader`], which is valid until the next access is acquired.
pub(super) struct ExclusiveReader {
    shared: Arc<SharedReader>,
    generation: u64,
}

impl SharedReader {
    pub(super) fn new(reader: impl AsyncRead + Send + 'static) -> Self {
        Self(Mutex::new(State {
            reader: Box::pin(reader),
            generation: 0,
            was_read: false,
        }))
    }

    pub(super) fn was_read(&self) -> bool {
        self.state().was_read
    }

    /// Acquires access. An abandoned connection may still hold the previous access.
    pub(super) fn acquire(shared: &Arc<Self>) -> ExclusiveReader {
        let mut state = shared.state();
        state.generation += 1;
        ExclusiveReader {
            shared: shared.clone(),
            generation: state.generation,
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
        if state.generation != self.generation {
            return Poll::Ready(Err(io::Error::other(
                "the reader is in use by a later attempt",
            )));
        }
        let read = ready!(state.reader.as_mut().poll_read(context, buffer));
        state.was_read = true;
        Poll::Ready(read)
    }
}

/// A part of a multipart body that could not be read.
#[derive(Debug, Clone)]
pub(crate) struct PartReadError {
    description: String,
    error: Arc<io::Error>,
}

impl PartReadError {
    pub(super) fn new(description: String, error: io::Error) -> Self {
        Self {
            description,
            error: error.into(),
        }
    }

    /// Returns the read error that caused a request to fail, if there is one.
    pub(crate) fn behind(error: &reqwest::Error) -> Option<Self> {
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        causes
            .filter_map(|cause| cause.downcast_ref())
            .next()
            .cloned()
    }

    pub(crate) fn into_error(self) -> Error {
        Error::read(self.description, self.error)
    }
}

impl fmt::Display for PartReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be read", self.description)
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
    async fn only_the_latest_access_can_read() {
        let reader = Arc::new(SharedReader::new(&b"abc"[..]));
        let (mut first, mut second) = (
            SharedReader::acquire(&reader),
            SharedReader::acquire(&reader),
        );
        let mut content = String::new();
        first.read_to_string(&mut content).await.unwrap_err();
        assert!(!reader.was_read());
        second.read_to_string(&mut content).await.unwrap();
        assert!(reader.was_read());
        assert_eq!(content, "abc");
    }
}

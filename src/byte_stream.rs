//! A body that is read as it comes.

mod chunks;

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::{
    Error,
    error::{ErrorResponse, Label},
    retry::AttemptSummary,
    transport::StreamingResponse,
};

pub(crate) use chunks::Chunks;

const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The body of an answer, piece by piece, in constant memory.
///
/// It is a [`Stream`] of pieces; [`next`](Self::next) gives them without further crates,
/// [`bytes`](Self::bytes) collects them up to a limit, and [`write_to`](Self::write_to) hands them on.
///
/// There is no limit on how long all of it takes, but one on how long nothing may come
/// ([`idle_timeout`](Self::idle_timeout)). A body that ends before the length that it has promised, or
/// whose connection breaks, ends with an error that says how many bytes have arrived; what has
/// arrived is with whoever read it, so that [`Error::body`] is empty.
#[must_use = "nothing is read before it is asked for"]
pub struct ByteStream {
    pieces: Chunks,
    status: StatusCode,
    headers: HeaderMap,
    label: Label,
    history: AttemptSummary,
}

/// How far a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many bytes have arrived.
    pub received: u64,
    /// How many there are in all, where that is known.
    pub total: Option<u64>,
}

// Streams are spawned, and polled without being pinned.
const _: () = {
    const fn crosses_threads<T: Send + Unpin + 'static>() {}
    crosses_threads::<ByteStream>();
};

impl ByteStream {
    pub(crate) fn new(opened: StreamingResponse, label: Label) -> Self {
        let StreamingResponse {
            mut answer,
            timer,
            history,
        } = opened;
        Self {
            status: answer.status(),
            headers: std::mem::take(answer.headers_mut()),
            pieces: Chunks::new(answer, timer, IDLE_TIMEOUT),
            label,
            history,
        }
    }

    /// How long nothing may come while something is waited for: 60 seconds unless set.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.pieces.limit_to(timeout);
        self
    }

    /// The status of the answer, a success.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// How much has been read so far, and how much there is.
    pub fn progress(&self) -> Progress {
        self.pieces.progress()
    }

    /// The next piece, which is never empty; `None` at the end and after an error.
    ///
    /// Nothing is lost when the future is dropped.
    ///
    /// # Errors
    ///
    /// If the connection breaks, the body is shorter than it said, or nothing comes for too long
    /// ([`Error::is_timeout`]).
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// All of it, if it is at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// Those of [`next`](Self::next), and if there is more.
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, Error> {
        let is_over = |length: u64| u64::try_from(limit).is_ok_and(|limit| length > limit);
        if self.progress().total.is_some_and(is_over) {
            return Err(self.too_long(limit));
        }
        let mut all = BytesMut::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if is_over(self.progress().received) {
                return Err(self.too_long(limit));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// Writes all of it, and flushes the writer; gives the number of bytes.
    ///
    /// `progress` is called after each piece that was written. A body that is shorter than it said is
    /// an error, and what has arrived of it is written.
    ///
    /// # Errors
    ///
    /// Those of [`next`](Self::next), and that of the writer, which is then the
    /// [`source`](std::error::Error::source).
    pub async fn write_to<W: AsyncWrite + Unpin + ?Sized>(
        mut self,
        writer: &mut W,
        mut progress: impl FnMut(Progress),
    ) -> Result<u64, Error> {
        while let Some(piece) = self.next().await {
            if let Err(error) = writer.write_all(&piece?).await {
                return Err(self.error(Error::write(error)));
            }
            progress(self.progress());
        }
        match writer.flush().await {
            Ok(()) => Ok(self.progress().received),
            Err(error) => Err(self.error(Error::write(error))),
        }
    }

    fn too_long(&self, limit: usize) -> Error {
        let problem = format!("it is longer than the limit of {limit} bytes");
        self.error(Error::unusable(problem))
    }

    /// An error with everything that is known around it.
    fn error(&self, error: Error) -> Error {
        self.around(error.with_note(self.pieces.arrived()))
    }

    /// The same, where it says already how much has arrived. The service has done its part by now.
    fn around(&self, error: Error) -> Error {
        error
            .with_response(ErrorResponse::new(
                self.status,
                self.headers.clone(),
                Bytes::new(),
            ))
            .of(&self.label)
            .with_history(self.history, None)
            .executed()
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let this = self.get_mut();
        let piece = ready!(this.pieces.poll(context, &this.label));
        Poll::Ready(piece.map(|piece| piece.map_err(|error| this.around(error))))
    }
}

/// The body and the headers may hold secrets, so they do not show.
impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("status", &self.status)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

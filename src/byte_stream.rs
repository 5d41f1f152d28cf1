//! A body that is read as it comes.

mod idle;

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
use http_body::Body;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::{
    Error,
    error::{Kept, Label},
    exchange::{self, Opened},
    retry::History,
};

pub(crate) use idle::Idle;

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
    body: reqwest::Body,
    status: StatusCode,
    headers: HeaderMap,
    label: Label,
    history: History,
    progress: Progress,
    idle: Idle,
    has_ended: bool,
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
    pub(crate) fn new(opened: Opened, label: Label) -> Self {
        let total = opened.body.content_length();
        Self {
            body: http::Response::from(opened.body).into_body(),
            status: opened.status,
            headers: opened.headers,
            label,
            history: opened.history,
            progress: Progress { received: 0, total },
            idle: Idle::new(IDLE_TIMEOUT),
            has_ended: false,
        }
    }

    /// How long nothing may come while something is waited for: 60 seconds unless set.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle = Idle::new(timeout);
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
        self.progress
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
        if self.progress.total.is_some_and(is_over) {
            return Err(self.too_long(limit));
        }
        let mut all = BytesMut::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if is_over(self.progress.received) {
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
            progress(self.progress);
        }
        match writer.flush().await {
            Ok(()) => Ok(self.progress.received),
            Err(error) => Err(self.error(Error::write(error))),
        }
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
                ready!(self.idle.poll(context));
                let error = Error::timed_out(self.idle.limit());
                return Poll::Ready(Some(Err(self.broken_off(error))));
            };
            self.idle.stop();
            match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => {
                    let error = self.broken_off(Error::transport(error));
                    return Poll::Ready(Some(Err(error)));
                }
                // What is no data is a trailer, of which nothing is expected.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) if !piece.is_empty() => {
                        self.progress.received += piece.len() as u64;
                        return Poll::Ready(Some(Ok(piece)));
                    }
                    _ => {}
                },
            }
        }
    }

    fn broken_off(&self, error: Error) -> Error {
        exchange::broken_off(&self.label, &error);
        self.error(error)
    }

    fn too_long(&self, limit: usize) -> Error {
        let problem = format!("it is longer than the limit of {limit} bytes");
        self.error(Error::unusable(problem))
    }

    /// An error with everything that is known around it. The service has done its part by now.
    fn error(&self, error: Error) -> Error {
        let Progress { received, total } = self.progress;
        let arrived = match total {
            Some(total) => format!("{received} of {total} bytes have arrived"),
            None => format!("{received} bytes have arrived"),
        };
        error
            .with_answer(Kept::new(self.status, self.headers.clone(), Bytes::new()))
            .of(&self.label)
            .noting(arrived)
            .with_history(self.history, None)
            .executed()
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let piece = ready!(self.poll_piece(context));
        self.has_ended = !matches!(piece, Some(Ok(_)));
        Poll::Ready(piece)
    }
}

/// The body and the headers may hold secrets, so they do not show.
impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("status", &self.status)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

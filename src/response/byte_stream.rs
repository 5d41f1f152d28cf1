//! Streamed response bodies.

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

use super::chunks::{Chunks, Progress};
use crate::{
    Error,
    error::{ErrorResponse, Label},
    transport::RawResponse,
};

const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A response body as a stream of chunks, in constant memory.
///
/// It implements [`Stream`]. [`next`](Self::next) returns the next chunk without another crate,
/// [`bytes`](Self::bytes) collects the body up to a limit, and [`write_to`](Self::write_to) writes
/// it.
///
/// The total duration is not limited, only the time without data
/// ([`idle_timeout`](Self::idle_timeout)). If the body is shorter than its declared length or the
/// connection fails, the stream ends with an error that contains the number of bytes received.
/// [`Error::body`] is empty then, because the stream already returned the received bytes.
#[must_use = "the body is not read until the stream is polled"]
pub struct ByteStream {
    response: RawResponse<Chunks>,
    label: Label,
}

// Streams may be spawned and polled without being pinned.
const _: () = {
    const fn assert_send_unpin<T: Send + Unpin + 'static>() {}
    assert_send_unpin::<ByteStream>();
};

impl ByteStream {
    pub(crate) fn new(response: RawResponse<reqwest::Response>, label: Label) -> Self {
        let response = response.map(|body| Chunks::new(body, IDLE_TIMEOUT));
        Self { response, label }
    }

    /// Sets the maximum time without data while a chunk is awaited; the default is 60 seconds.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.response.body.set_idle_timeout(timeout);
        self
    }

    /// Returns the status of the response, which is a success.
    pub fn status(&self) -> StatusCode {
        self.response.status
    }

    /// Returns the headers of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.response.headers
    }

    /// Returns the number of bytes read so far and the total, if known.
    pub fn progress(&self) -> Progress {
        self.response.body.progress()
    }

    /// Returns the next chunk, which is never empty; `None` at the end and after an error.
    ///
    /// This method is cancel safe: no data is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// If the connection fails, the body is shorter than its declared length, or no data arrives
    /// within the idle timeout ([`Error::is_timeout`]).
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Collects the whole body.
    ///
    /// # Errors
    ///
    /// If the body is longer than `limit` bytes; otherwise see [`next`](Self::next).
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, Error> {
        let exceeds = |length: u64| u64::try_from(limit).is_ok_and(|limit| length > limit);
        if self.progress().total.is_some_and(exceeds) {
            return Err(self.limit_exceeded(limit));
        }
        let mut all = BytesMut::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            if exceeds(self.progress().received) {
                return Err(self.limit_exceeded(limit));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// Writes the whole body, flushes the writer and returns the number of bytes.
    ///
    /// `progress` is called after each chunk. If the body is shorter than its declared length, the
    /// received part is written before the error is returned.
    ///
    /// # Errors
    ///
    /// If the writer fails, whose error is the [`source`](std::error::Error::source); otherwise see
    /// [`next`](Self::next).
    pub async fn write_to<W: AsyncWrite + Unpin + ?Sized>(
        mut self,
        writer: &mut W,
        mut progress: impl FnMut(Progress),
    ) -> Result<u64, Error> {
        while let Some(chunk) = self.next().await {
            if let Err(error) = writer.write_all(&chunk?).await {
                return Err(self.error(Error::write(error)));
            }
            progress(self.progress());
        }
        match writer.flush().await {
            Ok(()) => Ok(self.progress().received),
            Err(error) => Err(self.error(Error::write(error))),
        }
    }

    fn limit_exceeded(&self, limit: usize) -> Error {
        let problem = format!("the body is longer than the limit of {limit} bytes");
        self.error(Error::response_too_large(problem))
    }

    /// Adds progress and context to an error.
    fn error(&self, error: Error) -> Error {
        self.with_context(error.with_note(self.response.body.describe_progress()))
    }

    /// Adds response, operation and attempts to an error. The service has executed the request.
    fn with_context(&self, error: Error) -> Error {
        error
            .with_response(ErrorResponse::new(
                self.response.status,
                self.response.headers.clone(),
                Bytes::new(),
            ))
            .with_operation(&self.label)
            .with_history(self.response.history, None)
            .mark_executed()
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let this = self.get_mut();
        let chunk = ready!(this.response.body.poll(context, &this.label));
        Poll::Ready(chunk.map(|chunk| chunk.map_err(|error| this.with_context(error))))
    }
}

/// Omits body and headers, because they may contain secrets.
impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("status", &self.response.status)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

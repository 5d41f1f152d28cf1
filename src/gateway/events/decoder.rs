//! Splits a body into events.
//!
//! Uses `sse-stream`, a maintained decoder that supports all line endings, a byte order mark, and
//! chunk boundaries at any byte (see the tests). It does not limit the size of an event and drops
//! an unterminated event at the end of the body; this module handles both.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use sse_stream::SseByteStream;

use super::other_lines::OtherLines;
use crate::{Error, error::Label, response::Chunks};

/// The maximum size of an event in bytes, including preceding comments.
const MAX_EVENT_SIZE: usize = 16 << 20;

/// The data of the event that ends a response.
const END_MARKER: &str = "[DONE]";

/// An event whose data is not decoded.
pub(super) struct RawEvent {
    /// The field `event`.
    pub(super) name: Option<String>,
    pub(super) data: String,
    /// Whether the body ended before the blank line that terminates the event.
    pub(super) is_last: bool,
}

impl RawEvent {
    pub(super) fn is_done(&self) -> bool {
        let rest = self.data.strip_prefix(END_MARKER);
        rest.is_some_and(|rest| rest.trim_end().is_empty())
    }
}

pub(super) struct Decoder {
    events: SseByteStream<ChunkSource>,
    shared: Arc<SharedState>,
}

/// State shared by the decoder and its source, which are separated by the `sse-stream` decoder.
#[derive(Default)]
struct SharedState {
    /// The number of bytes received since the last event.
    pending: AtomicUsize,
    has_ended: AtomicBool,
    /// Whether no more events are requested.
    is_done: AtomicBool,
    other_lines: Mutex<OtherLines>,
}

impl SharedState {
    fn other_lines(&self) -> MutexGuard<'_, OtherLines> {
        self.other_lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chunks of a body, followed by a blank line so that an unterminated event is not lost.
struct ChunkSource {
    chunks: Chunks,
    label: Label,
    shared: Arc<SharedState>,
}

impl Decoder {
    pub(super) fn new(chunks: Chunks, label: Label) -> Self {
        let shared = Arc::<SharedState>::default();
        let source = ChunkSource {
            chunks,
            label,
            shared: shared.clone(),
        };
        Self {
            events: SseByteStream::new(source),
            shared,
        }
    }

    /// Polls for the next event that has data. Some services send empty data to keep a connection
    /// alive.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<RawEvent, Error>>> {
        loop {
            let event = match ready!(Pin::new(&mut self.events).poll_next(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(into_error(error)))),
                Some(Ok(event)) => event,
            };
            self.shared.pending.store(0, Ordering::Relaxed);
            if let Some(data) = event.data.filter(|data| !data.trim().is_empty()) {
                return Poll::Ready(Some(Ok(RawEvent {
                    name: event.event.filter(|name| !name.is_empty()),
                    data,
                    is_last: self.shared.has_ended.load(Ordering::Relaxed),
                })));
            }
        }
    }

    /// Takes the lines after the last event that belong to no event.
    pub(super) fn take_other_lines(&self) -> Bytes {
        self.shared.other_lines().take()
    }

    /// Reads the end of the body if it was already received, so that the connection can be reused.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) {
        self.shared.is_done.store(true, Ordering::Relaxed);
        let _ = Pin::new(&mut self.events).poll_next(context);
    }
}

impl Stream for ChunkSource {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.shared.has_ended.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(this.chunks.poll(context, &this.label)) {
            Some(Ok(chunk)) => {
                this.shared.other_lines().add(&chunk);
                let length = chunk.len();
                let before = this.shared.pending.fetch_add(length, Ordering::Relaxed);
                Some(match before.saturating_add(length) <= MAX_EVENT_SIZE {
                    true => Ok(chunk),
                    false => Err(Error::response_too_large(
                        "an event exceeds the limit of 16 MiB",
                    )),
                })
            }
            Some(Err(error)) => Some(Err(error)),
            None if this.shared.is_done.load(Ordering::Relaxed) => None,
            None => {
                this.shared.has_ended.store(true, Ordering::Relaxed);
                Some(Ok(Bytes::from_static(b"\n\n")))
            }
        })
    }
}

/// Converts an error of `sse-stream`, which may wrap an error of this crate.
fn into_error(error: sse_stream::Error) -> Error {
    match error {
        sse_stream::Error::Body(error) => match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => Error::unexpected_response("the event stream cannot be read"),
        },
        sse_stream::Error::Utf8Parse(_) => {
            Error::unexpected_response("an event is not valid UTF-8")
        }
        _ => Error::unexpected_response("the event stream cannot be read"),
    }
}

#[cfg(test)]
mod tests;

//! Splits a body into events.
//!
//! Uses `sse-stream`, a maintained decoder that supports all line endings, a byte order mark, and
//! chunk boundaries at any byte (see the tests). It does not limit the size of an event and drops
//! an unterminated event at the end of the body; this module handles both.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use sse_stream::SseByteStream;

use crate::{Error, byte_stream::Chunks, error::Label};

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

    /// Polls for the next event that has data.
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
            if let Some(data) = event.data {
                return Poll::Ready(Some(Ok(RawEvent {
                    name: event.event.filter(|name| !name.is_empty()),
                    data,
                    is_last: self.shared.has_ended.load(Ordering::Relaxed),
                })));
            }
        }
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
                let length = chunk.len();
                let before = this.shared.pending.fetch_add(length, Ordering::Relaxed);
                Some(match before.saturating_add(length) <= MAX_EVENT_SIZE {
                    true => Ok(chunk),
                    false => Err(Error::unexpected_response(
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
mod tests {
    use std::{convert::Infallible, task::Waker, time::Duration};

    use http_body::{Body, Frame};

    use super::*;
    use crate::transport::IdleTimeout;

    const TEST_TIMEOUT: Duration = Duration::from_secs(60);

    /// Contents of real streams and edge cases; `\n` is replaced by each of the line endings.
    const EXAMPLE_STREAM: &str = ": hello \u{e9}\n\ndata: {\"a\":1}\n\nevent: x\nid: 7\ndata:{\"b\":\"\u{fc}\u{20ac}\u{1f600}\"}\n\n\
        : keep-alive\n\n:\ndata: one\ndata: two\ndata\nretry: 10\nfoo: bar\nno colon\n\nevent: only\n\n\
        event:\ndata:  spaces \n\ndata: [DONE]\n\n";

    const EXPECTED: [(Option<&str>, &str); 5] = [
        (None, r#"{"a":1}"#),
        (Some("x"), "{\"b\":\"\u{fc}\u{20ac}\u{1f600}\"}"),
        (None, "one\ntwo\n"),
        (None, " spaces "),
        (None, "[DONE]"),
    ];

    /// A body of chunks, each created when it is polled.
    struct ChunkedBody<I>(I);

    impl<I: Iterator<Item = Bytes> + Unpin> Body for ChunkedBody<I> {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.next().map(|chunk| Ok(Frame::data(chunk))))
        }
    }

    fn decoder<I>(chunks: I) -> Decoder
    where
        I: Iterator<Item = Bytes> + Unpin + Send + Sync + 'static,
    {
        let body = reqwest::Body::wrap(ChunkedBody(chunks));
        let response = Box::new(http::Response::new(body).into());
        let chunks = Chunks::new(response, IdleTimeout::new(TEST_TIMEOUT), TEST_TIMEOUT);
        Decoder::new(chunks, Label::Request("GET /test".into()))
    }

    fn next(decoder: &mut Decoder) -> Option<Result<RawEvent, Error>> {
        match decoder.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(next) => next,
            Poll::Pending => panic!("the body is always ready"),
        }
    }

    fn decode_all(chunks: Vec<Bytes>) -> Vec<(Option<String>, String)> {
        let mut decoder = decoder(chunks.into_iter());
        std::iter::from_fn(|| next(&mut decoder))
            .map(|event| event.unwrap())
            .map(|event| (event.name, event.data))
            .collect()
    }

    #[track_caller]
    fn assert_decoded(chunks: Vec<Bytes>) {
        let lengths: Vec<_> = chunks.iter().map(Bytes::len).collect();
        let decoded = decode_all(chunks);
        let decoded: Vec<_> = decoded
            .iter()
            .map(|(name, data)| (name.as_deref(), data.as_str()))
            .collect();
        assert_eq!(decoded, EXPECTED, "chunk sizes: {lengths:?}");
    }

    /// Returns the example stream with every line ending, with and without a byte order mark.
    fn example_streams() -> impl Iterator<Item = Bytes> {
        ["\n", "\r\n", "\r"].into_iter().flat_map(|end| {
            let stream = EXAMPLE_STREAM.replace('\n', end);
            ["", "\u{feff}"].map(|mark| Bytes::from(format!("{mark}{stream}")))
        })
    }

    #[test]
    fn a_stream_can_be_split_at_every_byte() {
        for all in example_streams() {
            for cut in 0..=all.len() {
                assert_decoded(vec![all.slice(..cut), all.slice(cut..)]);
            }
        }
    }

    #[test]
    fn a_stream_can_be_split_into_chunks_of_any_size() {
        for all in example_streams() {
            for size in 1..=all.len() {
                let starts = (0..all.len()).step_by(size);
                let chunk = |start: usize| all.slice(start..all.len().min(start + size));
                assert_decoded(starts.map(chunk).collect());
            }
        }
    }

    #[test]
    fn a_stream_can_be_split_into_random_chunks() {
        let mut random = fastrand::Rng::with_seed(7);
        for all in example_streams() {
            for _ in 0..2000 {
                let (mut rest, mut chunks) = (all.clone(), Vec::new());
                let longest = random.usize(1..40);
                while !rest.is_empty() {
                    let size = random.usize(1..=longest).min(rest.len());
                    chunks.push(rest.split_to(size));
                }
                assert_decoded(chunks);
            }
        }
    }

    #[test]
    fn an_unterminated_event_is_marked_as_last() {
        for (body, expected) in [
            ("data: a\n\ndata: b", vec![("a", false), ("b", true)]),
            ("data: a\n\ndata: b\r", vec![("a", false), ("b", true)]),
            ("data: a\n\n: b", vec![("a", false)]),
            ("data: a\n\ndat", vec![("a", false)]),
            ("", vec![]),
        ] {
            let mut decoder = decoder(std::iter::once(Bytes::from(body)));
            let events = std::iter::from_fn(|| next(&mut decoder)).map(|event| event.unwrap());
            let events: Vec<_> = events.map(|event| (event.data, event.is_last)).collect();
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(data, is_last)| (data.to_owned(), is_last))
                .collect();
            assert_eq!(events, expected, "{body:?}");
        }
    }

    /// A chunk that decrements a counter when it is dropped.
    struct CountedChunk(Vec<u8>, Arc<AtomicUsize>);

    impl AsRef<[u8]> for CountedChunk {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for CountedChunk {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn one_chunk_of_a_large_stream_is_held_in_memory() {
        const EVENTS: usize = 100_000;
        let event = format!("data: {{\"content\":\"{}\"}}\n\n", "x".repeat(1024)).into_bytes();
        let (held, length) = (Arc::new(AtomicUsize::new(0)), event.len());
        let (counter, mut sent) = (held.clone(), 0);
        let chunks = std::iter::from_fn(move || {
            // A chunk size that splits events at varying positions.
            let size = 65_537.min(EVENTS * length - sent);
            let chunk = event.iter().cycle().skip(sent % length).take(size);
            let chunk = CountedChunk(chunk.copied().collect(), counter.clone());
            sent += size;
            (size > 0).then(|| {
                counter.fetch_add(1, Ordering::SeqCst);
                Bytes::from_owner(chunk)
            })
        });
        let mut decoder = decoder(chunks.fuse());
        let (mut events, mut max_held) = (0, 0);
        while let Some(event) = next(&mut decoder) {
            assert_eq!(event.unwrap().data.len(), length - 8);
            events += 1;
            max_held = max_held.max(held.load(Ordering::SeqCst));
            assert!(decoder.shared.pending.load(Ordering::Relaxed) <= 2 * 65_537);
        }
        assert_eq!((events, max_held), (EVENTS, 1));
    }

    #[test]
    fn an_unterminated_event_is_limited_in_size() {
        let polls = Arc::new(AtomicUsize::new(0));
        let counter = polls.clone();
        let chunks = std::iter::repeat_with(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Bytes::from_static(&[b'x'; 1 << 16])
        });
        let error = next(&mut decoder(chunks)).unwrap().err().unwrap();
        assert!(
            error.to_string().contains("exceeds the limit of 16 MiB"),
            "{error}"
        );
        assert_eq!(polls.load(Ordering::SeqCst), MAX_EVENT_SIZE / (1 << 16) + 1);
    }
}

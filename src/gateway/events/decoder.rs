//! A body cut into events.
//!
//! `sse-stream` does the cutting: of the maintained decoders it takes every line end, a byte order
//! mark, and a body that is split anywhere (the tests below). It has
//! no limit on the size of an event, and drops what stands before the end of a body that breaks off;
//! both are seen to current.

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

/// The longest event, with the comments before it.
const LIMIT: usize = 16 << 20;

/// What ends an answer; no JSON.
const DONE: &str = "[DONE]";

/// An event as it came.
pub(super) struct Block {
    /// Its field `event`.
    pub(super) name: Option<String>,
    pub(super) data: String,
    /// Whether the body has ended before the blank line that ends an event.
    pub(super) is_last: bool,
}

impl Block {
    pub(super) fn is_done(&self) -> bool {
        let rest = self.data.strip_prefix(DONE);
        rest.is_some_and(|rest| rest.trim_end().is_empty())
    }
}

pub(super) struct Decoder {
    blocks: SseByteStream<Source>,
    progress: Arc<Progress>,
}

/// What the decoder and its source know of each other, with a third party's decoder between them.
#[derive(Default)]
struct Progress {
    /// How many bytes have come since the last event.
    pending: AtomicUsize,
    has_ended: AtomicBool,
    /// Whether no event is wanted any more.
    is_done: AtomicBool,
}

/// The bytes of a body, and a blank line behind them, so that the last event is not lost.
struct Source {
    pieces: Chunks,
    label: Label,
    progress: Arc<Progress>,
}

impl Decoder {
    pub(super) fn new(pieces: Chunks, label: Label) -> Self {
        let progress = Arc::<Progress>::default();
        let source = Source {
            pieces,
            label,
            progress: progress.clone(),
        };
        Self {
            blocks: SseByteStream::new(source),
            progress,
        }
    }

    /// The next event that has data.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Block, Error>>> {
        loop {
            let block = match ready!(Pin::new(&mut self.blocks).poll_next(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(cause(error)))),
                Some(Ok(block)) => block,
            };
            self.progress.pending.store(0, Ordering::Relaxed);
            if let Some(data) = block.data {
                return Poll::Ready(Some(Ok(Block {
                    name: block.event.filter(|name| !name.is_empty()),
                    data,
                    is_last: self.progress.has_ended.load(Ordering::Relaxed),
                })));
            }
        }
    }

    /// Lets the body come to its end, if that is there already: with it the connection can be used again.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) {
        self.progress.is_done.store(true, Ordering::Relaxed);
        let _ = Pin::new(&mut self.blocks).poll_next(context);
    }
}

impl Stream for Source {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.progress.has_ended.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(this.pieces.poll(context, &this.label)) {
            Some(Ok(piece)) => {
                let length = piece.len();
                let before = this.progress.pending.fetch_add(length, Ordering::Relaxed);
                Some(match before.saturating_add(length) <= LIMIT {
                    true => Ok(piece),
                    false => Err(Error::unusable("an event is longer than 16 MiB")),
                })
            }
            Some(Err(error)) => Some(Err(error)),
            None if this.progress.is_done.load(Ordering::Relaxed) => None,
            None => {
                this.progress.has_ended.store(true, Ordering::Relaxed);
                Some(Ok(Bytes::from_static(b"\n\n")))
            }
        })
    }
}

/// Our own error, which the decoder hands through, or its own.
fn cause(error: sse_stream::Error) -> Error {
    match error {
        sse_stream::Error::Body(error) => match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => Error::unusable("the event stream cannot be read"),
        },
        sse_stream::Error::Utf8Parse(_) => Error::unusable("an event is no text in UTF-8"),
        _ => Error::unusable("the event stream cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, task::Waker, time::Duration};

    use http_body::{Body, Frame};

    use super::*;
    use crate::transport::IdleTimeout;

    const LONG: Duration = Duration::from_secs(60);

    /// What real streams hold, and what they may: `\n` stands for each of the line ends.
    const RECORDED: &str = ": hello \u{e9}\n\ndata: {\"a\":1}\n\nevent: x\nid: 7\ndata:{\"b\":\"\u{fc}\u{20ac}\u{1f600}\"}\n\n\
        : keep-alive\n\n:\ndata: one\ndata: two\ndata\nretry: 10\nfoo: bar\nno colon\n\nevent: only\n\n\
        event:\ndata:  spaces \n\ndata: [DONE]\n\n";

    const EXPECTED: [(Option<&str>, &str); 5] = [
        (None, r#"{"a":1}"#),
        (Some("x"), "{\"b\":\"\u{fc}\u{20ac}\u{1f600}\"}"),
        (None, "one\ntwo\n"),
        (None, " spaces "),
        (None, "[DONE]"),
    ];

    /// A body in pieces, each made when it is asked for.
    struct Made<I>(I);

    impl<I: Iterator<Item = Bytes> + Unpin> Body for Made<I> {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(piece))))
        }
    }

    fn decoder<I>(pieces: I) -> Decoder
    where
        I: Iterator<Item = Bytes> + Unpin + Send + Sync + 'static,
    {
        let body = reqwest::Body::wrap(Made(pieces));
        let answer = Box::new(http::Response::new(body).into());
        let pieces = Chunks::new(answer, IdleTimeout::new(LONG), LONG);
        Decoder::new(pieces, Label::Request("GET /test".into()))
    }

    fn next(decoder: &mut Decoder) -> Option<Result<Block, Error>> {
        match decoder.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(next) => next,
            Poll::Pending => panic!("nothing here ever waits"),
        }
    }

    fn decoded(pieces: Vec<Bytes>) -> Vec<(Option<String>, String)> {
        let mut decoder = decoder(pieces.into_iter());
        std::iter::from_fn(|| next(&mut decoder))
            .map(|block| block.unwrap())
            .map(|block| (block.name, block.data))
            .collect()
    }

    #[track_caller]
    fn assert_decoded(pieces: Vec<Bytes>) {
        let lengths: Vec<_> = pieces.iter().map(Bytes::len).collect();
        let decoded = decoded(pieces);
        let decoded: Vec<_> = decoded
            .iter()
            .map(|(name, data)| (name.as_deref(), data.as_str()))
            .collect();
        assert_eq!(decoded, EXPECTED, "in pieces of {lengths:?}");
    }

    /// The recorded stream with every line end, with and without a byte order mark.
    fn recordings() -> impl Iterator<Item = Bytes> {
        ["\n", "\r\n", "\r"].into_iter().flat_map(|end| {
            let text = RECORDED.replace('\n', end);
            ["", "\u{feff}"].map(|mark| Bytes::from(format!("{mark}{text}")))
        })
    }

    #[test]
    fn a_stream_may_be_cut_at_every_byte() {
        for all in recordings() {
            for cut in 0..=all.len() {
                assert_decoded(vec![all.slice(..cut), all.slice(cut..)]);
            }
        }
    }

    #[test]
    fn a_stream_may_come_in_pieces_of_any_size() {
        for all in recordings() {
            for size in 1..=all.len() {
                let starts = (0..all.len()).step_by(size);
                let piece = |start: usize| all.slice(start..all.len().min(start + size));
                assert_decoded(starts.map(piece).collect());
            }
        }
    }

    #[test]
    fn a_stream_may_come_in_any_pieces() {
        let mut random = fastrand::Rng::with_seed(7);
        for all in recordings() {
            for _ in 0..2000 {
                let (mut rest, mut pieces) = (all.clone(), Vec::new());
                let longest = random.usize(1..40);
                while !rest.is_empty() {
                    let size = random.usize(1..=longest).min(rest.len());
                    pieces.push(rest.split_to(size));
                }
                assert_decoded(pieces);
            }
        }
    }

    #[test]
    fn an_end_without_a_blank_line_is_marked() {
        for (body, expected) in [
            ("data: a\n\ndata: b", vec![("a", false), ("b", true)]),
            ("data: a\n\ndata: b\r", vec![("a", false), ("b", true)]),
            ("data: a\n\n: b", vec![("a", false)]),
            ("data: a\n\ndat", vec![("a", false)]),
            ("", vec![]),
        ] {
            let mut decoder = decoder(std::iter::once(Bytes::from(body)));
            let blocks = std::iter::from_fn(|| next(&mut decoder)).map(|block| block.unwrap());
            let blocks: Vec<_> = blocks.map(|block| (block.data, block.is_last)).collect();
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(data, is_last)| (data.to_owned(), is_last))
                .collect();
            assert_eq!(blocks, expected, "{body:?}");
        }
    }

    /// A piece that is counted as long as anybody holds it.
    struct Counted(Vec<u8>, Arc<AtomicUsize>);

    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn of_a_hundred_megabytes_one_piece_is_held() {
        const EVENTS: usize = 100_000;
        let event = format!("data: {{\"content\":\"{}\"}}\n\n", "x".repeat(1024)).into_bytes();
        let (held, length) = (Arc::new(AtomicUsize::new(0)), event.len());
        let (counter, mut sent) = (held.clone(), 0);
        let pieces = std::iter::from_fn(move || {
            // Chunks of a size that cuts events everywhere.
            let size = 65_537.min(EVENTS * length - sent);
            let piece = event.iter().cycle().skip(sent % length).take(size);
            let piece = Counted(piece.copied().collect(), counter.clone());
            sent += size;
            (size > 0).then(|| {
                counter.fetch_add(1, Ordering::SeqCst);
                Bytes::from_owner(piece)
            })
        });
        let mut decoder = decoder(pieces.fuse());
        let (mut events, mut most) = (0, 0);
        while let Some(block) = next(&mut decoder) {
            assert_eq!(block.unwrap().data.len(), length - 8);
            events += 1;
            most = most.max(held.load(Ordering::SeqCst));
            assert!(decoder.progress.pending.load(Ordering::Relaxed) <= 2 * 65_537);
        }
        assert_eq!((events, most), (EVENTS, 1));
    }

    #[test]
    fn an_event_without_end_is_refused_in_time() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let pieces = std::iter::repeat_with(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Bytes::from_static(&[b'x'; 1 << 16])
        });
        let error = next(&mut decoder(pieces)).unwrap().err().unwrap();
        assert!(error.to_string().contains("longer than 16 MiB"), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), LIMIT / (1 << 16) + 1);
    }
}

use std::{convert::Infallible, task::Waker, time::Duration};

use http_body::{Body, Frame};
use portkey_admin_testing::property;
use proptest::{collection::vec, prelude::*};

use super::*;

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
    let response = http::Response::new(body).into();
    let chunks = Chunks::new(response, TEST_TIMEOUT);
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
    for all in example_streams() {
        let cuts = vec(0..=all.len(), 0..40).prop_map(|mut cuts| {
            cuts.sort_unstable();
            cuts
        });
        property::check("a stream", 2000, &cuts, |cuts| {
            let starts = std::iter::once(0).chain(cuts.iter().copied());
            let ends = cuts.iter().copied().chain([all.len()]);
            assert_decoded(
                starts
                    .zip(ends)
                    .map(|(start, end)| all.slice(start..end))
                    .collect(),
            );
            Ok(())
        });
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

//! Forms (`multipart/form-data`), read part by part: the content of a file passes and is not collected.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::Stream;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use multer::{Field, Multipart};
use serde::{Deserialize, Serialize};

use super::content::{Checksum, Content, Held, Space};
use super::uploads::UploadPart;
use crate::plane::lock;
use crate::reply::Refusal;

/// The longest content that is kept.
const LONGEST_KEPT: usize = 16 * 1024 * 1024;

/// How many parts a form has at most, and how many bytes of text there are in all of them.
const MOST_PARTS: usize = 64;
const LONGEST_TEXTS: usize = 256 * 1024;

/// How much may be read without coming to the end of a part's head, or to a piece of its content.
const LONGEST_HEAD: usize = 1024 * 1024;

/// How long nothing may come, and how long all of it may take.
const IDLE: Duration = Duration::from_secs(30);
const WHOLE: Duration = Duration::from_secs(60 * 60);

/// What is read of a form that was refused, so that the sender gets to read why; and of what comes
/// behind its end.
const LONGEST_REST: usize = 8 * 1024 * 1024;
const REST_TIME: Duration = Duration::from_secs(2);

/// A form that has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Form {
    pub(crate) parts: Vec<Part>,
}

/// One part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) facts: UploadPart,
    /// Only where there was room for it; it is not written to a state file.
    #[serde(skip)]
    pub(crate) content: Option<Content>,
}

impl Form {
    /// The first file of this name.
    pub(crate) fn file(&self, name: &str) -> Option<&Part> {
        let mut files = self.parts.iter().filter(|part| part.facts.text.is_none());
        files.find(|part| part.facts.name == name)
    }

    /// Names and texts; of files, their names.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (String, String)> {
        self.parts.iter().map(|part| {
            let facts = &part.facts;
            let text = facts.text.as_ref().or(facts.file_name.as_ref());
            (facts.name.clone(), text.cloned().unwrap_or_default())
        })
    }
}

/// Reads a form; `keep` is where the content of files is kept, if it is to be.
pub(crate) async fn receive(
    head: &Parts,
    body: Incoming,
    keep: Option<&Space>,
) -> Result<Form, Refusal> {
    let feed = Arc::new(Mutex::new(Feed {
        body,
        ahead: 0,
        pauses: false,
    }));
    let form = read(head, &feed, keep).await;
    let rest = Rest(feed).read();
    // What comes behind the end of a form is no part of it.
    let _ = tokio::time::timeout(REST_TIME, rest).await;
    form
}

async fn read(
    head: &Parts,
    feed: &Arc<Mutex<Feed>>,
    keep: Option<&Space>,
) -> Result<Form, Refusal> {
    let content_type = head.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let boundary = content_type.map(multer::parse_boundary);
    let Some(Ok(boundary)) = boundary else {
        let problem = match boundary {
            Some(Err(multer::Error::NoBoundary)) => "has no boundary",
            _ => "is not multipart/form-data",
        };
        return Err(Refusal::invalid(format!(
            "header `content-type`: {problem}"
        )));
    };
    let mut reader = Reader {
        parts: Multipart::new(Tap(Arc::clone(feed)), boundary),
        feed: Arc::clone(feed),
        deadline: Instant::now() + WHOLE,
        texts: 0,
    };
    let mut form = Form::default();
    while let Some(part) = reader.part(form.parts.len(), keep).await? {
        form.parts.push(part);
    }
    Ok(form)
}

/// A form on its way in.
struct Reader {
    parts: Multipart<'static>,
    feed: Arc<Mutex<Feed>>,
    deadline: Instant,
    /// How many bytes of text have come.
    texts: usize,
}

impl Reader {
    async fn part(&mut self, number: usize, keep: Option<&Space>) -> Result<Option<Part>, Refusal> {
        lock(&self.feed).ahead = 0;
        let next = tokio::time::timeout(IDLE, self.parts.next_field()).await;
        let place = format!("part {}", number + 1);
        let Some(mut field) = in_time(next, &place)? else {
            return Ok(None);
        };
        if number >= MOST_PARTS {
            let problem = format!("body: has more than {MOST_PARTS} parts");
            return Err(Refusal::new(413, None, problem));
        }
        let Some(name) = field.name().map(str::to_owned) else {
            return Err(Refusal::invalid(format!("body: {place} has no name")));
        };
        let place = format!("`/{name}`");
        let mut sink = Sink::new(field.file_name().is_some(), keep);
        while let Some(piece) = self.piece(&mut field, &place).await? {
            sink.take(&piece);
            if sink.is_text() {
                self.texts += piece.len();
            }
            if self.texts > LONGEST_TEXTS {
                let problem =
                    format!("body: {place} makes more than {LONGEST_TEXTS} bytes of text");
                return Err(Refusal::new(413, None, problem));
            }
        }
        let head = (name, field.file_name(), field.content_type());
        let head = (
            head.0,
            head.1.map(str::to_owned),
            head.2.map(ToString::to_string),
        );
        sink.finish(head, &place).map(Some)
    }

    /// The next piece of a part's content.
    async fn piece(
        &mut self,
        field: &mut Field<'static>,
        place: &str,
    ) -> Result<Option<Bytes>, Refusal> {
        lock(&self.feed).ahead = 0;
        let rest = self.deadline.saturating_duration_since(Instant::now());
        let piece = tokio::time::timeout(IDLE.min(rest), field.chunk()).await;
        in_time(piece, place)
    }
}

fn in_time<T>(
    result: Result<multer::Result<T>, tokio::time::error::Elapsed>,
    place: &str,
) -> Result<T, Refusal> {
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(malformed(&error, place)),
        Err(_) => {
            let problem = format!("body: {place} took too long to arrive");
            Err(Refusal::new(408, None, problem))
        }
    }
}

/// A refusal that says where. It never quotes what came.
fn malformed(error: &multer::Error, place: &str) -> Refusal {
    use multer::Error;
    let problem = match error {
        Error::IncompleteFieldData { .. } | Error::IncompleteStream | Error::IncompleteHeaders => {
            "is cut off: the form has no end"
        }
        Error::StreamReadFailed(cause) if cause.is::<TooFar>() => "has no end of its head",
        Error::StreamReadFailed(_) => "is cut off, or its chunks are malformed",
        Error::ReadHeaderFailed(_)
        | Error::DecodeHeaderName { .. }
        | Error::DecodeHeaderValue { .. } => "has a malformed head",
        Error::DecodeContentType(_) => "has a malformed content type",
        _ => "is malformed",
    };
    Refusal::invalid(format!("body: {place} {problem}"))
}

/// Where the content of a part goes.
struct Sink {
    size: u64,
    checksum: Checksum,
    /// The text, or the content as long as it is kept.
    bytes: Option<Vec<u8>>,
    /// Of a file that may be kept.
    held: Option<Held>,
    is_file: bool,
}

/// Name, file name and content type.
type Head = (String, Option<String>, Option<String>);

impl Sink {
    fn new(is_file: bool, keep: Option<&Space>) -> Self {
        let held = keep.filter(|_| is_file).map(Space::hold);
        Self {
            size: 0,
            checksum: Checksum::default(),
            bytes: (!is_file || held.is_some()).then(Vec::new),
            held,
            is_file,
        }
    }

    fn is_text(&self) -> bool {
        !self.is_file
    }

    fn take(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        self.checksum.add(piece);
        let Some(bytes) = &mut self.bytes else { return };
        let fits = match &mut self.held {
            Some(held) => bytes.len() + piece.len() <= LONGEST_KEPT && held.grow(piece.len()),
            None => true,
        };
        match fits {
            true => bytes.extend_from_slice(piece),
            false => (self.bytes, self.held) = (None, None),
        }
    }

    fn finish(self, (name, file_name, content_type): Head, place: &str) -> Result<Part, Refusal> {
        let is_text = self.is_text();
        let (text, content) = match (self.bytes, is_text) {
            (Some(bytes), true) => match String::from_utf8(bytes) {
                Ok(text) => (Some(text), None),
                Err(_) => return Err(Refusal::invalid(format!("body: {place} is not UTF-8"))),
            },
            (Some(bytes), false) => (None, Some(Content::kept(bytes, self.held))),
            (None, _) => (None, None),
        };
        let facts = UploadPart {
            name,
            file_name,
            content_type,
            size: self.size,
            sha256: self.checksum.finish(),
            text,
        };
        Ok(Part { facts, content })
    }
}

/// A body on its way in.
struct Feed {
    body: Incoming,
    /// How much was read since the reader last got on.
    ahead: usize,
    /// Whether to let the reader look at what it has first: it reads on as long as it can, and would
    /// otherwise collect whatever comes quickly.
    pauses: bool,
}

impl Feed {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        loop {
            return match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => Poll::Ready(Some(Ok(bytes))),
                    // Trailers.
                    Err(_) => continue,
                },
            };
        }
    }
}

/// The body as the reader sees it.
struct Tap(Arc<Mutex<Feed>>);

/// Too much was read without getting on.
#[derive(Debug)]
struct TooFar;

impl std::fmt::Display for TooFar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too long")
    }
}

impl std::error::Error for TooFar {}

impl Stream for Tap {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut feed = lock(&self.0);
        if std::mem::take(&mut feed.pauses) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = feed.poll(context);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            feed.pauses = true;
            feed.ahead += bytes.len();
            if feed.ahead > LONGEST_HEAD {
                return Poll::Ready(Some(Err(Box::new(TooFar))));
            }
        }
        next.map(|next| next.map(|next| next.map_err(Into::into)))
    }
}

/// What is left of a body.
struct Rest(Arc<Mutex<Feed>>);

impl Rest {
    async fn read(self) {
        let mut rest = 0;
        while rest < LONGEST_REST {
            let next = std::future::poll_fn(|context| lock(&self.0).poll(context)).await;
            match next {
                Some(Ok(bytes)) => rest += bytes.len(),
                Some(Err(_)) | None => return,
            }
        }
    }
}

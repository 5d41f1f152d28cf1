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

use super::content::{Checksum, Content, ContentQuota, QuotaReservation};
use super::uploads::UploadPart;
use crate::dispatch::lock;
use crate::response::ApiError;

/// The longest content that is kept.
const MAX_STORED_CONTENT: usize = 16 * 1024 * 1024;

/// How many parts a form has at most, and how many bytes of text there are in all of them.
const MAX_PARTS: usize = 64;
const MAX_TEXT_SIZE: usize = 256 * 1024;

/// How much may be read without coming to the end of a part's head, or to a piece of its content.
const MAX_HEAD_SIZE: usize = 1024 * 1024;

/// How long nothing may come, and how long all of it may take.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// What is read of a form that was refused, so that the sender gets to read why; and of what comes
/// behind its end.
const MAX_DRAIN_SIZE: usize = 8 * 1024 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// A form that has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Form {
    pub(crate) parts: Vec<Part>,
}

/// One part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) info: UploadPart,
    /// Only where there was room for it; it is not written to a state file.
    #[serde(skip)]
    pub(crate) content: Option<Content>,
}

impl Form {
    /// The first file of this name.
    pub(crate) fn file(&self, name: &str) -> Option<&Part> {
        let mut files = self.parts.iter().filter(|part| part.info.text.is_none());
        files.find(|part| part.info.name == name)
    }

    /// Names and texts; of files, their names.
    pub(crate) fn text_fields(&self) -> impl Iterator<Item = (String, String)> {
        self.parts.iter().map(|part| {
            let info = &part.info;
            let text = info.text.as_ref().or(info.file_name.as_ref());
            (info.name.clone(), text.cloned().unwrap_or_default())
        })
    }
}

/// Reads a form; `quota` is where the content of files is kept, if it is to be.
pub(crate) async fn receive(
    head: &Parts,
    body: Incoming,
    quota: Option<&ContentQuota>,
) -> Result<Form, ApiError> {
    let source = Arc::new(Mutex::new(BodySource {
        body,
        unconsumed: 0,
        yields_first: false,
    }));
    let form = read(head, &source, quota).await;
    let drain = BodyDrain(source).read();
    // What comes behind the end of a form is no part of it.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain).await;
    form
}

async fn read(
    head: &Parts,
    source: &Arc<Mutex<BodySource>>,
    quota: Option<&ContentQuota>,
) -> Result<Form, ApiError> {
    let content_type = head.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let boundary = content_type.map(multer::parse_boundary);
    let Some(Ok(boundary)) = boundary else {
        let problem = match boundary {
            Some(Err(multer::Error::NoBoundary)) => "has no boundary",
            _ => "is not multipart/form-data",
        };
        return Err(ApiError::bad_request(format!(
            "header `content-type`: {problem}"
        )));
    };
    let mut reader = Reader {
        parts: Multipart::new(BodyStream(Arc::clone(source)), boundary),
        source: Arc::clone(source),
        deadline: Instant::now() + TOTAL_TIMEOUT,
        text_size: 0,
    };
    let mut form = Form::default();
    while let Some(part) = reader.part(form.parts.len(), quota).await? {
        form.parts.push(part);
    }
    Ok(form)
}

/// A form on its way in.
struct Reader {
    parts: Multipart<'static>,
    source: Arc<Mutex<BodySource>>,
    deadline: Instant,
    /// How many bytes of text have come.
    text_size: usize,
}

impl Reader {
    async fn part(
        &mut self,
        number: usize,
        quota: Option<&ContentQuota>,
    ) -> Result<Option<Part>, ApiError> {
        lock(&self.source).unconsumed = 0;
        let next = tokio::time::timeout(IDLE_TIMEOUT, self.parts.next_field()).await;
        let location = format!("part {}", number + 1);
        let Some(mut field) = within_timeout(next, &location)? else {
            return Ok(None);
        };
        if number >= MAX_PARTS {
            let problem = format!("body: has more than {MAX_PARTS} parts");
            return Err(ApiError::new(413, None, problem));
        }
        let Some(name) = field.name().map(str::to_owned) else {
            return Err(ApiError::bad_request(format!(
                "body: {location} has no name"
            )));
        };
        let location = format!("`/{name}`");
        let mut sink = PartSink::new(field.file_name().is_some(), quota);
        while let Some(chunk) = self.chunk(&mut field, &location).await? {
            sink.write(&chunk);
            if sink.is_text() {
                self.text_size += chunk.len();
            }
            if self.text_size > MAX_TEXT_SIZE {
                let problem =
                    format!("body: {location} makes more than {MAX_TEXT_SIZE} bytes of text");
                return Err(ApiError::new(413, None, problem));
            }
        }
        let head = (name, field.file_name(), field.content_type());
        let head = (
            head.0,
            head.1.map(str::to_owned),
            head.2.map(ToString::to_string),
        );
        sink.finish(head, &location).map(Some)
    }

    /// The next piece of a part's content.
    async fn chunk(
        &mut self,
        field: &mut Field<'static>,
        location: &str,
    ) -> Result<Option<Bytes>, ApiError> {
        lock(&self.source).unconsumed = 0;
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        let chunk = tokio::time::timeout(IDLE_TIMEOUT.min(remaining), field.chunk()).await;
        within_timeout(chunk, location)
    }
}

fn within_timeout<T>(
    result: Result<multer::Result<T>, tokio::time::error::Elapsed>,
    location: &str,
) -> Result<T, ApiError> {
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(form_error(&error, location)),
        Err(_) => {
            let problem = format!("body: {location} took too long to arrive");
            Err(ApiError::new(408, None, problem))
        }
    }
}

/// An error that says where. It never quotes what came.
fn form_error(error: &multer::Error, location: &str) -> ApiError {
    use multer::Error;
    let problem = match error {
        Error::IncompleteFieldData { .. } | Error::IncompleteStream | Error::IncompleteHeaders => {
            "is cut off: the form has no end"
        }
        Error::StreamReadFailed(cause) if cause.is::<HeadTooLarge>() => "has no end of its head",
        Error::StreamReadFailed(_) => "is cut off, or its chunks are malformed",
        Error::ReadHeaderFailed(_)
        | Error::DecodeHeaderName { .. }
        | Error::DecodeHeaderValue { .. } => "has a malformed head",
        Error::DecodeContentType(_) => "has a malformed content type",
        _ => "is malformed",
    };
    ApiError::bad_request(format!("body: {location} {problem}"))
}

/// Where the content of a part goes.
struct PartSink {
    size: u64,
    checksum: Checksum,
    /// The text, or the content as long as it is kept.
    bytes: Option<Vec<u8>>,
    /// Of a file that may be kept.
    reservation: Option<QuotaReservation>,
    is_file: bool,
}

/// Name, file name and content type.
type PartHead = (String, Option<String>, Option<String>);

impl PartSink {
    fn new(is_file: bool, quota: Option<&ContentQuota>) -> Self {
        let reservation = quota.filter(|_| is_file).map(ContentQuota::reserve);
        Self {
            size: 0,
            checksum: Checksum::default(),
            bytes: (!is_file || reservation.is_some()).then(Vec::new),
            reservation,
            is_file,
        }
    }

    fn is_text(&self) -> bool {
        !self.is_file
    }

    fn write(&mut self, chunk: &[u8]) {
        self.size += chunk.len() as u64;
        self.checksum.update(chunk);
        let Some(bytes) = &mut self.bytes else { return };
        let fits = match &mut self.reservation {
            Some(reservation) => {
                bytes.len() + chunk.len() <= MAX_STORED_CONTENT && reservation.try_grow(chunk.len())
            }
            None => true,
        };
        match fits {
            true => bytes.extend_from_slice(chunk),
            false => (self.bytes, self.reservation) = (None, None),
        }
    }

    fn finish(
        self,
        (name, file_name, content_type): PartHead,
        location: &str,
    ) -> Result<Part, ApiError> {
        let is_text = self.is_text();
        let (text, content) = match (self.bytes, is_text) {
            (Some(bytes), true) => match String::from_utf8(bytes) {
                Ok(text) => (Some(text), None),
                Err(_) => {
                    return Err(ApiError::bad_request(format!(
                        "body: {location} is not UTF-8"
                    )));
                }
            },
            (Some(bytes), false) => (None, Some(Content::stored(bytes, self.reservation))),
            (None, _) => (None, None),
        };
        let info = UploadPart {
            name,
            file_name,
            content_type,
            size: self.size,
            sha256: self.checksum.finish(),
            text,
        };
        Ok(Part { info, content })
    }
}

/// A body on its way in.
struct BodySource {
    body: Incoming,
    /// How much was read since the reader last got on.
    unconsumed: usize,
    /// Whether to let the reader look at what it has first: it reads on as long as it can, and would
    /// otherwise collect whatever comes quickly.
    yields_first: bool,
}

impl BodySource {
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
struct BodyStream(Arc<Mutex<BodySource>>);

/// Too much was read without getting on.
#[derive(Debug)]
struct HeadTooLarge;

impl std::fmt::Display for HeadTooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too long")
    }
}

impl std::error::Error for HeadTooLarge {}

impl Stream for BodyStream {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut source = lock(&self.0);
        if std::mem::take(&mut source.yields_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = source.poll(context);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            source.yields_first = true;
            source.unconsumed += bytes.len();
            if source.unconsumed > MAX_HEAD_SIZE {
                return Poll::Ready(Some(Err(Box::new(HeadTooLarge))));
            }
        }
        next.map(|next| next.map(|next| next.map_err(Into::into)))
    }
}

/// What is left of a body.
struct BodyDrain(Arc<Mutex<BodySource>>);

impl BodyDrain {
    async fn read(self) {
        let mut drained = 0;
        while drained < MAX_DRAIN_SIZE {
            let next = std::future::poll_fn(|context| lock(&self.0).poll(context)).await;
            match next {
                Some(Ok(bytes)) => drained += bytes.len(),
                Some(Err(_)) | None => return,
            }
        }
    }
}

//! Multipart forms (`multipart/form-data`), read part by part without buffering the content of
//! files.
//!
//! `multer` parses; the rest are the limits, timeouts and checksums of single parts, which it does not
//! have.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::Stream;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use multer::{Field, Multipart};

use super::content::{Checksum, Content, ContentQuota, QuotaReservation};
use super::form::{Form, Part, UploadPart};
use crate::error::ApiError;
use crate::sync::lock;

/// The maximum size of stored content.
const MAX_STORED_CONTENT: usize = 16 * 1024 * 1024;

/// The maximum number of parts, and of bytes in all text fields together.
const MAX_PARTS: usize = 64;
const MAX_TEXT_SIZE: usize = 256 * 1024;

/// The maximum number of bytes read without reaching the end of a part's head or a chunk of its
/// content.
const MAX_HEAD_SIZE: usize = 1024 * 1024;

/// The timeouts for the next data, and for the complete form.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// The limits for reading the rest of a body after the end of the form or an error, so that the
/// client receives the response.
const MAX_DRAIN_SIZE: usize = 8 * 1024 * 1024;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads a form; the content of files is stored if a `quota` is given.
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
    // Data after the end of the form is discarded.
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
        let reason = match boundary {
            Some(Err(multer::Error::NoBoundary)) => "boundary is missing",
            _ => "expected multipart/form-data",
        };
        return Err(ApiError::bad_request(format!(
            "header `content-type`: {reason}"
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

/// The reader of a form.
struct Reader {
    parts: Multipart<'static>,
    source: Arc<Mutex<BodySource>>,
    deadline: Instant,
    /// The number of bytes received in text fields.
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
            let message = format!("body: exceeds the limit of {MAX_PARTS} parts");
            return Err(ApiError::new(413, None, message));
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
                let message =
                    format!("body: {location} exceeds the limit of {MAX_TEXT_SIZE} bytes of text");
                return Err(ApiError::new(413, None, message));
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

    /// Reads the next chunk of a part's content.
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
            let message = format!("body: {location} timed out");
            Err(ApiError::new(408, None, message))
        }
    }
}

/// Converts a parse error. The message names the part and never contains received data.
fn form_error(error: &multer::Error, location: &str) -> ApiError {
    use multer::Error;
    let reason = match error {
        Error::IncompleteFieldData { .. } | Error::IncompleteStream | Error::IncompleteHeaders => {
            "is truncated: the closing boundary is missing"
        }
        Error::StreamReadFailed(cause) if cause.is::<HeadTooLarge>() => {
            "has a head that is too large"
        }
        Error::StreamReadFailed(_) => "is truncated or has a malformed chunked encoding",
        Error::ReadHeaderFailed(_)
        | Error::DecodeHeaderName { .. }
        | Error::DecodeHeaderValue { .. } => "has a malformed head",
        Error::DecodeContentType(_) => "has a malformed content type",
        _ => "is malformed",
    };
    ApiError::bad_request(format!("body: {location} {reason}"))
}

/// The destination of a part's content.
struct PartSink {
    size: u64,
    checksum: Checksum,
    /// The text, or the content as long as it is stored.
    bytes: Option<Vec<u8>>,
    /// The reservation for the content of a file that is stored.
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
                        "body: {location} is not valid UTF-8"
                    )));
                }
            },
            (Some(bytes), false) => {
                let reserved = self.reservation;
                (
                    None,
                    reserved.map(|reserved| Content::reserved(bytes, reserved)),
                )
            }
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

/// The body that a form is read from.
struct BodySource {
    body: Incoming,
    /// The number of bytes read since the parser last made progress.
    unconsumed: usize,
    /// Whether the next poll is pending. The parser reads as long as data is available and would
    /// otherwise buffer all of it before it returns a chunk.
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
                    // Skip trailers.
                    Err(_) => continue,
                },
            };
        }
    }
}

/// The stream of body chunks for the parser.
struct BodyStream(Arc<Mutex<BodySource>>);

/// The parser read too much without making progress.
#[derive(Debug)]
struct HeadTooLarge;

impl std::fmt::Display for HeadTooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("head is too large")
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

/// The rest of a body, which is read and discarded.
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

//! Reads the events of a response.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use super::{
    decoder::{Decoder, RawEvent},
    event::{self, StreamEvent},
};
use crate::{
    Error,
    error::{DecodeError, ErrorResponse, Label, MAX_BODY_LEN},
    media_type,
    redact::Redactor,
    response::Chunks,
    retry::{AttemptSummary, Failure, FailureKind},
    transport::{Outcome, TracedResponse},
};

/// A response whose events are being read, independent of their type.
pub(super) struct EventReader {
    /// `None` at the end, so that the connection is closed.
    pub(super) decoder: Option<Decoder>,
    /// The next event, if it was already read.
    next: Option<RawEvent>,
    /// Whether the type of an event includes its name.
    named: bool,
    pub(super) head: ResponseHead,
    pub(super) name: Option<String>,
    pub(super) yielded: u64,
    /// Whether an event has completed the response.
    is_complete: bool,
    /// Whether the end marker was received.
    pub(super) is_done: bool,
    /// How an error before the first event is treated by the retry policy.
    kind: FailureKind,
}

/// The metadata of a streamed response.
pub(super) struct ResponseHead {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) label: Label,
    pub(super) redactor: Redactor,
    pub(super) history: AttemptSummary,
}

impl EventReader {
    /// Waits for the first event of a response, if it is an event stream.
    pub(super) async fn begin(chunks: Chunks, head: ResponseHead, named: bool) -> Outcome<Self> {
        if let Some(content_type) = unexpected_content_type(&head.headers) {
            let error = head.not_an_event_stream(content_type, chunks).await;
            return Err(Failure::new(error, FailureKind::Permanent));
        }
        let mut reader = Self::new(chunks, head, named);
        match poll_fn(|context| reader.poll_read(context)).await {
            Ok(()) => Ok(reader),
            Err(error) => Err(Failure::new(error, reader.kind)),
        }
    }

    fn new(chunks: Chunks, head: ResponseHead, named: bool) -> Self {
        Self {
            decoder: Some(Decoder::new(chunks, head.label.clone())),
            next: None,
            named,
            head,
            name: None,
            yielded: 0,
            is_complete: false,
            is_done: false,
            kind: FailureKind::Permanent,
        }
    }

    pub(super) fn poll_next<T: StreamEvent>(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<T, Error>>> {
        if self.next.is_none()
            && let Err(error) = ready!(self.poll_read(context))
        {
            return Poll::Ready(Some(Err(error)));
        }
        Poll::Ready(self.next.take().map(|event| self.decode(event)))
    }

    /// Waits for the next event, if there is one, and stores it in `next`.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(decoder) = &mut self.decoder else {
            return Poll::Ready(Ok(()));
        };
        let read = match ready!(decoder.poll(context)) {
            None => {
                let rest = decoder.take_other_lines();
                self.end_of_body(rest)
            }
            Some(Err(error)) => {
                self.kind = match error.is_response_too_large() {
                    true => FailureKind::Permanent,
                    false => FailureKind::Interrupted {
                        timeout: error.is_timeout(),
                    },
                };
                let rest = decoder.take_other_lines();
                let error = error.with_response(self.head.error_response(rest));
                Err(self.head.with_event_count(error, self.yielded))
            }
            Some(Ok(event)) if event.is_done() => {
                self.is_done = true;
                decoder.finish(context);
                Ok(())
            }
            Some(Ok(event)) if event::is_error(&event) => {
                let response = self.head.error_response(event.data);
                Err(self.head.error_event(self.yielded + 1, response))
            }
            Some(Ok(event)) => {
                self.next = Some(event);
                Ok(())
            }
        };
        if self.next.is_none() {
            self.decoder = None;
        }
        Poll::Ready(read)
    }

    fn decode<T: StreamEvent>(&mut self, raw: RawEvent) -> Result<T, Error> {
        match event::decode::<T>(&raw, self.named) {
            Ok(event) => {
                self.yielded += 1;
                self.name = raw.name;
                self.is_complete |= event.completes();
                Ok(event)
            }
            Err(error) => {
                self.decoder = None;
                Err(self.decode_error(error, raw))
            }
        }
    }

    fn decode_error(&self, error: DecodeError, event: RawEvent) -> Error {
        let number = self.yielded + 1;
        let problem = match error.is_data() {
            true => "does not match its type",
            false if event.is_last => "is incomplete: the body ended in the middle of it",
            false => "is not valid JSON",
        };
        let error = Error::decode(error, self.head.error_response(event.data))
            .with_hint(Some(format!("event {number} of the stream {problem}")));
        self.head.with_context(error)
    }

    /// Handles the end of the body without the end marker, which some providers do not send. `rest`
    /// is what follows the last event: some services send an error in JSON there.
    fn end_of_body(&mut self, rest: Bytes) -> Result<(), Error> {
        if self.is_complete {
            return Ok(());
        }
        let response = self.head.error_response(rest);
        if response.envelope.message.is_some() {
            return Err(self.head.error_event(self.yielded + 1, response));
        }
        self.kind = FailureKind::Interrupted { timeout: false };
        let error = Error::unexpected_response("the stream ended before the response was complete")
            .with_response(response);
        Err(self.head.with_event_count(error, self.yielded))
    }
}

impl TracedResponse for EventReader {
    fn status(&self) -> StatusCode {
        self.head.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    fn set_context(&mut self, history: AttemptSummary, _: &Redactor) {
        self.head.history = history;
    }
}

impl ResponseHead {
    pub(super) fn error_response(&self, body: impl Into<Bytes>) -> ErrorResponse {
        ErrorResponse::new(self.status, self.headers.clone(), body.into())
    }

    /// Adds the operation and the attempts to an error, and redacts it. The service has executed the
    /// request.
    pub(super) fn with_context(&self, error: Error) -> Error {
        error
            .redacted(&self.redactor)
            .with_operation(&self.label)
            .with_history(self.history, None)
            .mark_executed()
    }

    pub(super) fn with_event_count(&self, error: Error, yielded: u64) -> Error {
        let note = match yielded {
            1 => "1 event was received".to_owned(),
            yielded => format!("{yielded} events were received"),
        };
        self.with_context(error.with_note(note))
    }

    fn error_event(&self, number: u64, response: ErrorResponse) -> Error {
        self.with_context(Error::event(number, response))
    }

    /// Returns the error for a successful response that is not an event stream, with its body.
    async fn not_an_event_stream(self, content_type: String, mut chunks: Chunks) -> Error {
        let mut body = Vec::new();
        while body.len() <= MAX_BODY_LEN
            && let Some(Ok(chunk)) = poll_fn(|context| chunks.poll(context, &self.label)).await
        {
            body.extend_from_slice(&chunk);
        }
        let problem = format!(
            "expected an event stream, found the content type {content_type}; the provider may not \
             support streaming for this request"
        );
        self.with_context(
            Error::unexpected_response(problem).with_response(self.error_response(body)),
        )
    }
}

/// Returns the content type of a response if it is not an event stream.
fn unexpected_content_type(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let essence = content_type
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or(content_type);
    let essence = essence.trim_ascii();
    let is_unexpected = !essence.eq_ignore_ascii_case(media_type::EVENT_STREAM.as_bytes());
    is_unexpected.then(|| String::from_utf8_lossy(essence).into_owned())
}

//! A stream that is being read: its events, and what is known of the answer around them.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use super::{
    decoder::{Block, Decoder},
    event::{self, StreamEvent},
};
use crate::{
    Client, Error,
    byte_stream::Chunks,
    call::EVENTS,
    error::{DecodeError, ErrorResponse, LIMIT, Label},
    retry::{AttemptSummary, Failure, FailureKind},
    transport::{Outcome, TracedResponse},
};

/// An answer of which events are still to come, whatever their type.
pub(super) struct EventReader {
    /// Absent when it is over, so that the connection is closed.
    pub(super) decoder: Option<Decoder>,
    /// The next event, if it is there already.
    next: Option<Block>,
    /// Whether the name of an event is a member of its type.
    named: bool,
    pub(super) head: Head,
    pub(super) name: Option<String>,
    pub(super) given: u64,
    /// Whether the answer is complete, as far as the events tell.
    is_complete: bool,
    /// Whether the service has said that this is all.
    pub(super) is_done: bool,
    /// What an error before the first event means for another attempt.
    kind: FailureKind,
}

/// What is known of the answer around the events.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) label: Label,
    pub(super) client: Client,
    pub(super) history: AttemptSummary,
}

impl EventReader {
    /// Waits for the first event of a body, if that is a stream.
    ///
    /// What is made of the arguments is boxed before anything waits, for a future holds more than once
    /// what passes through it.
    pub(super) fn begin(
        pieces: Chunks,
        head: Head,
        named: bool,
    ) -> impl Future<Output = Outcome<Box<Self>>> {
        let begun = match other_kind(&head.headers) {
            None => Ok(Box::new(Self::new(pieces, head, named))),
            Some(kind) => Err(Box::pin(head.not_streamed(kind, pieces))),
        };
        async move {
            let mut reading = match begun {
                Ok(reading) => reading,
                Err(error) => return Err(failure(error.await, FailureKind::Permanent)),
            };
            match poll_fn(|context| reading.poll_read(context)).await {
                Ok(()) => Ok(reading),
                Err(error) => Err(failure(error, reading.kind)),
            }
        }
    }

    fn new(pieces: Chunks, head: Head, named: bool) -> Self {
        Self {
            decoder: Some(Decoder::new(pieces, head.label.clone())),
            next: None,
            named,
            head,
            name: None,
            given: 0,
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
        Poll::Ready(self.next.take().map(|block| self.decoded(block)))
    }

    /// Waits for the next event, if there is one, and keeps it.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(decoder) = &mut self.decoder else {
            return Poll::Ready(Ok(()));
        };
        let read = match ready!(decoder.poll(context)) {
            None => self.ended(),
            Some(Err(error)) => {
                self.kind = FailureKind::Interrupted {
                    timeout: error.is_timeout(),
                };
                let error = error.with_response(self.head.error_response(""));
                Err(self.head.after(error, self.given))
            }
            Some(Ok(block)) if block.is_done() => {
                self.is_done = true;
                decoder.finish(context);
                Ok(())
            }
            Some(Ok(block)) if event::is_error(&block) => {
                Err(self.head.error_event(self.given + 1, block.data))
            }
            Some(Ok(block)) => {
                self.next = Some(block);
                Ok(())
            }
        };
        if self.next.is_none() {
            self.decoder = None;
        }
        Poll::Ready(read)
    }

    fn decoded<T: StreamEvent>(&mut self, block: Block) -> Result<T, Error> {
        match event::read::<T>(&block, self.named) {
            Ok(event) => {
                self.given += 1;
                self.name = block.name;
                self.is_complete |= event.completes();
                Ok(event)
            }
            Err(error) => {
                self.decoder = None;
                Err(self.undecoded(error, block))
            }
        }
    }

    #[cold]
    fn undecoded(&self, error: DecodeError, block: Block) -> Error {
        let number = self.given + 1;
        let problem = match error.is_data() {
            true => "is of another kind",
            false if block.is_last => "is not whole: the body ended in the middle of it",
            false => "is not JSON",
        };
        let error = Error::decode(error, self.head.error_response(block.data))
            .with_hint(Some(format!("event {number} of the stream {problem}")));
        self.head.around(error)
    }

    /// The body has ended without the mark, which not every provider behind the gateway sends.
    fn ended(&mut self) -> Result<(), Error> {
        if self.is_complete {
            return Ok(());
        }
        self.kind = FailureKind::Interrupted { timeout: false };
        let error = Error::unusable("the stream ended before the answer was complete")
            .with_response(self.head.error_response(""));
        Err(self.head.after(error, self.given))
    }
}

impl TracedResponse for Box<EventReader> {
    fn head(&self) -> (StatusCode, &HeaderMap) {
        (self.head.status, &self.head.headers)
    }

    fn keep(&mut self, history: AttemptSummary) {
        self.head.history = history;
    }
}

impl Head {
    pub(super) fn error_response(&self, body: impl Into<Bytes>) -> ErrorResponse {
        ErrorResponse::new(self.status, self.headers.clone(), body.into()).redacted(&self.client)
    }

    /// An error with everything that is known around it. The service has done its part by now.
    pub(super) fn around(&self, error: Error) -> Error {
        error
            .of(&self.label)
            .with_history(self.history, None)
            .executed()
    }

    pub(super) fn after(&self, error: Error, given: u64) -> Error {
        let came = match given {
            1 => "1 event has come".to_owned(),
            given => format!("{given} events have come"),
        };
        self.around(error.with_note(came))
    }

    fn error_event(&self, number: u64, data: String) -> Error {
        self.around(Error::event(number, self.error_response(data)))
    }

    /// A success that is no event stream; whatever it says about that is kept.
    async fn not_streamed(self, kind: String, mut pieces: Chunks) -> Error {
        let mut all = Vec::new();
        while all.len() <= LIMIT
            && let Some(Ok(piece)) = poll_fn(|context| pieces.poll(context, &self.label)).await
        {
            all.extend_from_slice(&piece);
        }
        let problem = format!(
            "an event stream was asked for, and the answer is {kind}; what was asked for may not be \
             streamed by this provider"
        );
        self.around(Error::unusable(problem).with_response(self.error_response(all)))
    }
}

#[cold]
fn failure(error: Error, kind: FailureKind) -> Failure<Error> {
    Failure {
        error,
        kind,
        retry_after: None,
    }
}

/// What an answer says it is, where that is no event stream.
fn other_kind(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or(kind);
    let essence = essence.trim_ascii();
    let is_other = !essence.eq_ignore_ascii_case(EVENTS.as_bytes());
    is_other.then(|| String::from_utf8_lossy(essence).into_owned())
}

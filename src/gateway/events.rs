//! Streamed responses (server-sent events).
//!
//! `decoder` splits the body into events, `other_lines` collects what belongs to no event, `event`
//! defines the event types, `event_reader` reads the events of a response, and `final_response`
//! assembles the response that a request without streaming returns.

mod accumulate;
mod decoder;
mod event;
mod event_reader;
mod final_response;
mod other_lines;

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use http::{HeaderMap, StatusCode};

use crate::{
    Error,
    error::Label,
    request::Call,
    request_id,
    response::Chunks,
    transport::{self, Attempt, Outcome, RawResponse},
};
use event_reader::{EventReader, ResponseHead};

pub use event::StreamEvent;

const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A streamed request. Awaiting it sends the request and waits for the first event.
///
/// Failures before the first event are retried and reported like those of any other request.
/// Nothing is retried after the first event.
#[must_use = "nothing is sent before it is awaited"]
pub struct OpenStream<T> {
    call: Call,
    idle_timeout: Duration,
    named: bool,
    events: PhantomData<fn() -> T>,
}

/// A stream of the events of a response. Holds one event in memory.
///
/// It is a [`Stream`]; [`next`](Self::next) returns the events without further crates. Dropping it
/// closes the connection. It ends at the end marker of the service (`[DONE]`) or at the end of the
/// body. After an error it yields `None`. Events before an error were already yielded;
/// `final_response` returns them in [`Error::body`].
///
/// # Errors
///
/// - An event reports an error of the service, or an error in JSON follows the events. The error
///   contains its code, message and data.
/// - An event is not valid JSON or does not match its type. The error contains the number and the
///   data of the event.
/// - The connection is interrupted, or the body ends in the middle of an event, or without the end
///   marker before the response is complete. [`Error::body`] contains the lines after the last event
///   that are not events.
/// - Nothing is received within [`OpenStream::idle_timeout`].
/// - An event exceeds 16 MiB.
#[must_use = "events are read only when they are requested"]
pub struct EventStream<T> {
    reader: EventReader,
    events: PhantomData<fn() -> T>,
}

// Streams can be moved to other tasks and polled without pinning.
const _: () = {
    const fn assert_send_and_unpin<T: Send + Unpin + 'static>() {}
    assert_send_and_unpin::<EventStream<()>>();
};

/// Opens a stream whose events consist of their data.
pub(crate) fn open<T: StreamEvent>(call: Call) -> OpenStream<T> {
    OpenStream::new(call, false)
}

/// Opens a stream whose events consist of the fields `event` and `data`.
pub(crate) fn open_named<T: StreamEvent>(call: Call) -> OpenStream<T> {
    OpenStream::new(call, true)
}

impl<T> OpenStream<T> {
    fn new(call: Call, named: bool) -> Self {
        Self {
            call,
            idle_timeout: IDLE_TIMEOUT,
            named,
            events: PhantomData,
        }
    }

    /// Sets how long to wait for data while an event is awaited; comments count as data. Default:
    /// 60 seconds. The total duration of the stream is not limited.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }
}

/// Makes one attempt and waits for the first event. A failure before it is a failed attempt.
async fn begin(
    attempt: Attempt<'_>,
    label: Label,
    idle_timeout: Duration,
    named: bool,
) -> Outcome<EventReader> {
    let redactor = attempt.client.redactor().clone();
    let RawResponse {
        status,
        headers,
        body,
        history,
        ..
    } = attempt.send_streaming().await?;
    let head = ResponseHead {
        status,
        headers,
        label,
        redactor,
        history,
    };
    EventReader::begin(Chunks::new(body, idle_timeout), head, named).await
}

impl<T: StreamEvent> IntoFuture for OpenStream<T> {
    type Output = Result<EventStream<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self {
                call,
                idle_timeout,
                named,
                ..
            } = self;
            let (client, request) = call.prepare_stream()?;
            let begin = |attempt| begin(attempt, request.label.clone(), idle_timeout, named);
            let reader = transport::send(&client, &request, begin, |_| None).await?;
            let events = PhantomData;
            Ok(EventStream { reader, events })
        })
    }
}

impl<T> EventStream<T> {
    /// Returns the status of the response, which is a success.
    pub fn status(&self) -> StatusCode {
        self.reader.head.status
    }

    /// Returns the headers of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.reader.head.headers
    }

    /// Returns the request id (`x-portkey-request-id`), for reports to Portkey's support.
    pub fn request_id(&self) -> Option<&str> {
        request_id::request_id(&self.reader.head.headers)
    }

    /// Returns the name of the last event (its field `event`), if it has one.
    pub fn event_name(&self) -> Option<&str> {
        self.reader.name.as_deref()
    }

    /// Returns the next event; `None` at the end and after an error.
    ///
    /// Cancel safe: if the future is dropped, no event is lost.
    ///
    /// # Errors
    ///
    /// See [`EventStream`].
    pub async fn next(&mut self) -> Option<Result<T, Error>>
    where
        T: StreamEvent,
    {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<T: StreamEvent> Stream for EventStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().reader.poll_next(context)
    }
}

/// Shows only the operation, because values may be secrets.
impl<T> fmt::Debug for OpenStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStream")
            .field("operation", &self.call.operation().id)
            .field("idle_timeout", &self.idle_timeout)
            .finish_non_exhaustive()
    }
}

/// Omits events and headers, because they may contain secrets.
impl<T> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("status", &self.reader.head.status)
            .field("events", &self.reader.yielded)
            .field("is_over", &self.reader.decoder.is_none())
            .finish_non_exhaustive()
    }
}

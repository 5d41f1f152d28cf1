//! Answers that come event by event while they are made.
//!
//! `decoder` cuts the body into events, `event` says what each operation's events are, `reading` is a
//! stream between two of them, and `fold` makes of them the answer that would have come without one.

mod accumulate;
mod decoder;
mod event;
mod event_reader;
mod final_response;

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
    byte_stream::Chunks,
    call::Call,
    error,
    retry::AttemptSummary,
    transport::{Exchange, StreamingResponse},
};
use event_reader::{EventReader, Head};

pub use event::StreamEvent;

const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// An answer that is to be streamed; awaiting it sends the request and waits for the first event.
///
/// What fails before the first event is an ordinary error, after ordinary retries; nothing is
/// repeated after it.
#[must_use = "nothing is sent before it is awaited"]
pub struct OpenStream<T> {
    call: Call,
    idle_timeout: Duration,
    named: bool,
    events: PhantomData<fn() -> T>,
}

/// An answer, event by event, in the memory of one event.
///
/// It is a [`Stream`]; [`next`](Self::next) gives the events without further crates. Dropping it closes
/// the connection. It ends with the service's mark (`[DONE]`) or with the body; after an error it is
/// over. What has come before an error is with whoever read it, but for `final_response`, whose error
/// holds it in [`Error::body`]:
///
/// - an event that is an error of the service, whose code, message and text the error has;
/// - an event that is not JSON, or is not of the type, be it the first: the error says which, and has
///   its text;
/// - a connection that breaks, or a body that ends too early: in the middle of an event, or without
///   the mark and before the answer was complete;
/// - nothing for too long ([`OpenStream::idle_timeout`]), or an event of more than 16 MiB.
#[must_use = "nothing is read before it is asked for"]
pub struct EventStream<T> {
    reading: Box<EventReader>,
    events: PhantomData<fn() -> T>,
}

// Streams are spawned, and polled without being pinned.
const _: () = {
    const fn crosses_threads<T: Send + Unpin + 'static>() {}
    crosses_threads::<EventStream<()>>();
};

/// Events whose data is of the type.
pub(crate) fn open<T: StreamEvent>(call: Call) -> OpenStream<T> {
    OpenStream::new(call, false)
}

/// Events whose name and data are members of the type.
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

    /// How long nothing may come while something is waited for, comments (which keep the connection
    /// alive) included: 60 seconds unless set. There is no limit on how long all of it takes.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }
}

/// Sends the request and waits for the first event.
fn opened(
    exchange: &Exchange,
    idle_timeout: Duration,
    named: bool,
) -> impl Future<Output = Result<Box<EventReader>, Error>> {
    let begin = move |opened: StreamingResponse| {
        let StreamingResponse {
            mut answer, timer, ..
        } = opened;
        let head = Head {
            status: answer.status(),
            headers: std::mem::take(answer.headers_mut()),
            label: exchange.label.clone(),
            client: exchange.client.clone(),
            history: AttemptSummary::default(),
        };
        EventReader::begin(Chunks::new(answer, timer, idle_timeout), head, named)
    };
    exchange.open_with(begin)
}

impl<T: StreamEvent> IntoFuture for OpenStream<T> {
    type Output = Result<EventStream<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self {
            call,
            idle_timeout,
            named,
            ..
        } = self;
        // Put together current, because the future would keep the room for all that it is made of.
        let exchange = call.streaming().map(Box::new);
        Box::pin(async move {
            let reading = opened(&*exchange?, idle_timeout, named).await?;
            let events = PhantomData;
            Ok(EventStream { reading, events })
        })
    }
}

impl<T> EventStream<T> {
    /// The status of the answer, a success.
    pub fn status(&self) -> StatusCode {
        self.reading.head.status
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.reading.head.headers
    }

    /// What Portkey calls the request (`x-portkey-request-id`), to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        error::request_id(&self.reading.head.headers)
    }

    /// What the last event was called (its field `event`), where it had a name.
    pub fn event_name(&self) -> Option<&str> {
        self.reading.name.as_deref()
    }

    /// The next event; `None` at the end and after an error.
    ///
    /// Nothing is lost when the future is dropped.
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
        self.get_mut().reading.poll_next(context)
    }
}

/// Values may be secrets, so only the operation shows.
impl<T> fmt::Debug for OpenStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStream")
            .field("operation", &self.call.operation().id)
            .field("idle_timeout", &self.idle_timeout)
            .finish_non_exhaustive()
    }
}

/// Events and headers may hold secrets, so they do not show.
impl<T> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("status", &self.reading.head.status)
            .field("events", &self.reading.given)
            .field("is_over", &self.reading.decoder.is_none())
            .finish_non_exhaustive()
    }
}

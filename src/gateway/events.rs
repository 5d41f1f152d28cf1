//! Answers that come event by event while they are made.
//!
//! `decoder` cuts the body into events, `event` says what each operation's events are, and `fold`
//! makes of them the answer that would have come without a stream.

mod answer;
mod decoder;
mod event;
mod fold;

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, StatusCode, header};

use crate::{
    ByteStream, Error, Secret,
    call::Call,
    error::{self, Kept, LIMIT, Label},
    exchange::{Headed, Opened, Outcome},
    retry::{Failure, History, Trouble},
};
use decoder::{Block, Decoder};
use event::{Decode, Event};

const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// An answer that is to be streamed; awaiting it sends the request and waits for the first event.
///
/// What fails before the first event is an ordinary error, after ordinary retries; nothing is
/// repeated after it.
#[must_use = "nothing is sent before it is awaited"]
pub struct OpenStream<T> {
    call: Call,
    idle_timeout: Duration,
    reads: Reads<T>,
}

/// An answer, event by event, in the memory of one event.
///
/// It is a [`Stream`]; [`next`](Self::next) gives the events without further crates. Dropping it closes
/// the connection. It ends with the service's mark (`[DONE]`) or with the body; after an error it is
/// over. What has come before an error is with whoever read it, but for `collect_answer`, whose error
/// holds it in [`Error::body`]:
///
/// - an event that is an error of the service, whose code, message and text the error has;
/// - an event that is not JSON, or is not of the type: the error says which, and has its text;
/// - a connection that breaks, or a body that ends too early: in the middle of an event, or without
///   the mark and before the answer was complete;
/// - nothing for too long ([`OpenStream::idle_timeout`]), or an event of more than 16 MiB.
#[must_use = "nothing is read before it is asked for"]
pub struct EventStream<T> {
    /// Absent when it is over, so that the connection is closed.
    decoder: Option<Decoder>,
    /// The event that was waited for when the stream was opened.
    first: Option<T>,
    reads: Reads<T>,
    head: Head,
    name: Option<String>,
    given: u64,
    /// Whether the answer is complete, as far as the events tell.
    is_complete: bool,
    /// Whether the service has said that this is all.
    is_done: bool,
    /// What an error before the first event means for another attempt.
    trouble: Trouble,
}

/// How the events of a stream are read.
struct Reads<T> {
    decode: Decode<T>,
    completes: fn(&T) -> bool,
}

/// What is known of the answer around the events.
struct Head {
    status: StatusCode,
    headers: HeaderMap,
    label: Label,
    secrets: Vec<Secret>,
    history: History,
}

// Streams are spawned, and polled without being pinned.
const _: () = {
    const fn crosses_threads<T: Send + Unpin + 'static>() {}
    crosses_threads::<EventStream<()>>();
};

/// Events whose data is of the type.
pub(crate) fn open<T: Event>(call: Call) -> OpenStream<T> {
    OpenStream::new(call, event::data)
}

/// Events whose name and data are members of the type.
pub(crate) fn open_named<T: Event>(call: Call) -> OpenStream<T> {
    OpenStream::new(call, event::name_and_data)
}

impl<T> OpenStream<T> {
    fn new(call: Call, decode: Decode<T>) -> Self
    where
        T: Event,
    {
        Self {
            call,
            idle_timeout: IDLE_TIMEOUT,
            reads: Reads {
                decode,
                completes: T::completes,
            },
        }
    }

    /// How long nothing may come while something is waited for, comments (which keep the connection
    /// alive) included: 60 seconds unless set. There is no limit on how long all of it takes.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    async fn open(self) -> Result<EventStream<T>, Error> {
        let Self {
            call,
            idle_timeout,
            reads,
        } = self;
        let (label, secrets) = (Label::Operation(call.operation()), call.client().secrets());
        let exchange = call.streaming()?;
        let begin = |opened: Opened| {
            let head = Head {
                status: opened.status,
                headers: opened.headers.clone(),
                label: label.clone(),
                secrets: secrets.clone(),
                history: History::default(),
            };
            let body = ByteStream::new(opened, label.clone()).idle_timeout(idle_timeout);
            EventStream::begin(body, head, reads)
        };
        let (mut stream, history) = exchange.open_with(begin).await?;
        stream.head.history = history;
        Ok(stream)
    }
}

impl<T: Send + 'static> IntoFuture for OpenStream<T> {
    type Output = Result<EventStream<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl<T> EventStream<T> {
    /// Waits for the first event of a body.
    async fn begin(body: ByteStream, head: Head, reads: Reads<T>) -> Outcome<Self> {
        if let Some(kind) = other_kind(&head.headers) {
            let error = head.not_streamed(&kind, body).await;
            return Err(failure(error, Trouble::Final));
        }
        let mut stream = Self {
            decoder: Some(Decoder::new(body)),
            first: None,
            reads,
            head,
            name: None,
            given: 0,
            is_complete: false,
            is_done: false,
            trouble: Trouble::Final,
        };
        match stream.next().await {
            None => Ok(stream),
            Some(Ok(event)) => {
                stream.first = Some(event);
                Ok(stream)
            }
            Some(Err(error)) => Err(failure(error, stream.trouble)),
        }
    }

    /// The status of the answer, a success.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// What Portkey calls the request (`x-portkey-request-id`), to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        error::request_id(&self.head.headers)
    }

    /// What the last event was called (its field `event`), where it had a name.
    pub fn event_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The next event; `None` at the end and after an error.
    ///
    /// Nothing is lost when the future is dropped.
    ///
    /// # Errors
    ///
    /// See [`EventStream`].
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        let Some(decoder) = &mut self.decoder else {
            return Poll::Ready(None);
        };
        Poll::Ready(match ready!(decoder.poll(context)) {
            None => self.ended().map(Err),
            Some(Err(error)) => {
                self.trouble = Trouble::Lost {
                    timeout: error.is_timeout(),
                };
                Some(Err(self.head.after(error, self.given)))
            }
            Some(Ok(block)) if block.is_done() => {
                self.is_done = true;
                // The end of the body is next, and with it the connection can be used again.
                let _ = decoder.poll(context);
                None
            }
            Some(Ok(block)) => Some(self.event(block)),
        })
    }

    fn event(&mut self, block: Block) -> Result<T, Error> {
        let number = self.given + 1;
        if event::is_error(&block) {
            return Err(self.head.error_event(number, block.data));
        }
        match (self.reads.decode)(&block) {
            Ok(event) => {
                self.given = number;
                self.name = block.name;
                self.is_complete |= (self.reads.completes)(&event);
                Ok(event)
            }
            Err(error) => {
                let problem = match error.inner().is_data() {
                    true => "is of another kind",
                    false if block.is_last => "is not whole: the body ended in the middle of it",
                    false => "is not JSON",
                };
                let error = Error::decode(error, self.head.kept(block.data))
                    .with_hint(Some(format!("event {number} of the stream {problem}")));
                Err(self.head.around(error))
            }
        }
    }

    /// The body has ended without the mark, which not every provider behind the gateway sends.
    fn ended(&mut self) -> Option<Error> {
        if self.is_complete {
            return None;
        }
        self.trouble = Trouble::Lost { timeout: false };
        let error = Error::unusable("the stream ended before the answer was complete")
            .with_answer(self.head.kept(""));
        Some(self.head.after(error, self.given))
    }
}

impl<T> Stream for EventStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let event = ready!(this.poll_event(context));
        if !matches!(event, Some(Ok(_))) {
            this.decoder = None;
        }
        Poll::Ready(event)
    }
}

// Nothing is pinned in it.
impl<T> Unpin for EventStream<T> {}

impl<T> Clone for Reads<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reads<T> {}

impl<T> Headed for EventStream<T> {
    fn head(&self) -> (StatusCode, &HeaderMap) {
        (self.head.status, &self.head.headers)
    }
}

impl Head {
    fn kept(&self, body: impl Into<Bytes>) -> Kept {
        let kept = Kept::new(self.status, self.headers.clone(), body.into());
        let secrets = self.secrets.iter();
        secrets.fold(kept, |kept, secret| kept.without(secret.expose()))
    }

    /// An error with everything that is known around it. The service has done its part by now.
    fn around(&self, error: Error) -> Error {
        error
            .of(&self.label)
            .with_history(self.history, None)
            .executed()
    }

    fn after(&self, error: Error, given: u64) -> Error {
        let came = match given {
            1 => "1 event has come".to_owned(),
            given => format!("{given} events have come"),
        };
        self.around(error.noting(came))
    }

    fn error_event(&self, number: u64, data: String) -> Error {
        self.around(Error::event(number, self.kept(data)))
    }

    /// A success that is no event stream; whatever it says about that is kept.
    async fn not_streamed(&self, kind: &str, mut body: ByteStream) -> Error {
        let mut all = Vec::new();
        while all.len() <= LIMIT
            && let Some(Ok(piece)) = body.next().await
        {
            all.extend_from_slice(&piece);
        }
        let problem = format!(
            "an event stream was asked for, and the answer is {kind}; what was asked for may not be \
             streamed by this provider"
        );
        self.around(Error::unusable(problem).with_answer(self.kept(all)))
    }
}

fn failure(error: Error, trouble: Trouble) -> Failure<Error> {
    Failure {
        error,
        trouble,
        retry_after: None,
    }
}

/// What an answer says it is, where that is no event stream.
fn other_kind(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?;
    let kind = String::from_utf8_lossy(kind.as_bytes());
    let essence = kind.split(';').next().unwrap_or_default().trim();
    (!essence.eq_ignore_ascii_case("text/event-stream")).then(|| essence.to_owned())
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
            .field("status", &self.head.status)
            .field("events", &self.given)
            .field("is_over", &self.decoder.is_none())
            .finish_non_exhaustive()
    }
}

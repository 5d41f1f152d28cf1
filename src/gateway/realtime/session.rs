//! A session that is open: its two halves, and how it ends.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use http::{HeaderMap, StatusCode};
use tokio_websockets::{ClientBuilder, CloseCode, Message, WebSocketStream};

use super::{ClientEvent, ServerEvent};
use crate::{
    Client, Error,
    error::{self, ErrorResponse, Label},
    operations,
    retry::AttemptSummary,
    transport::{self, IdleTimeout, Upgraded},
};

/// How long the other side has to say goodbye.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest reason that fits into the frame that closes a session.
const LONGEST_REASON: usize = 123;

type Socket = WebSocketStream<reqwest::Upgraded>;

/// What a session may take.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) message: usize,
    pub(super) idle: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 16 * 1024 * 1024,
            idle: None,
        }
    }
}

/// An open session.
///
/// It is a [`Stream`] of events. [`split`](Self::split) gives two halves, to send and to receive at the
/// same time. Pings are answered while events are waited for. Dropping it ends the connection without
/// a goodbye; [`close`](Self::close) says one.
#[derive(Debug)]
#[must_use = "the session ends when it is dropped"]
pub struct Realtime {
    sender: RealtimeSender,
    receiver: RealtimeReceiver,
}

/// The half of a session that sends. The session stays open as long as one half is there.
#[must_use = "nothing is sent by itself"]
pub struct RealtimeSender {
    shared: Arc<Shared>,
    idle: Option<Duration>,
}

/// The half of a session that receives, and that answers pings while it waits.
#[must_use = "nothing is received before it is asked for"]
pub struct RealtimeReceiver {
    shared: Arc<Shared>,
    idle: Option<IdleTimeout>,
    received: u64,
    close: Option<RealtimeClose>,
    has_ended: bool,
}

/// With what words the service has closed a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RealtimeClose {
    /// The code (RFC 6455, section 7.4): 1000 is the normal one, 1005 says that there was none.
    pub code: u16,
    /// The reason, which may be empty.
    pub reason: String,
}

struct Shared {
    socket: Mutex<Socket>,
    client: Client,
    headers: HeaderMap,
    history: AttemptSummary,
    /// Whether this side has said goodbye.
    is_closing: AtomicBool,
}

// Halves are spawned, and polled without being pinned.
const _: () = {
    const fn crosses_threads<T: Send + Sync + Unpin + 'static>() {}
    crosses_threads::<Realtime>();
    crosses_threads::<RealtimeSender>();
};

impl Realtime {
    pub(super) fn new(client: Client, upgraded: Upgraded, limits: Limits) -> Self {
        let message = tokio_websockets::Limits::default().max_payload_len(Some(limits.message));
        let socket = ClientBuilder::new()
            .limits(message)
            .take_over(upgraded.connection);
        let shared = Arc::new(Shared {
            socket: Mutex::new(socket),
            client,
            headers: upgraded.headers,
            history: upgraded.history,
            is_closing: AtomicBool::new(false),
        });
        Self {
            sender: RealtimeSender {
                shared: shared.clone(),
                idle: limits.idle,
            },
            receiver: RealtimeReceiver {
                shared,
                idle: limits.idle.map(IdleTimeout::new),
                received: 0,
                close: None,
                has_ended: false,
            },
        }
    }

    /// Sends an event; see [`RealtimeSender::send`].
    pub async fn send(&mut self, event: impl Into<ClientEvent>) -> Result<(), Error> {
        self.sender.send(event).await
    }

    /// Waits for the next event; see [`RealtimeReceiver::next`].
    pub async fn next(&mut self) -> Option<Result<ServerEvent, Error>> {
        self.receiver.next().await
    }

    /// Says goodbye and waits, at most 5 seconds, until the other side has done so; events that come
    /// before that are dropped. [`RealtimeSender::close`] does not wait.
    ///
    /// # Errors
    ///
    /// Those of [`RealtimeSender::close`].
    pub async fn close(mut self, code: u16, reason: &str) -> Result<(), Error> {
        self.sender.close(code, reason).await?;
        let rest = async { while self.receiver.next().await.is_some() {} };
        let _ = tokio::time::timeout(PATIENCE, rest).await;
        Ok(())
    }

    /// Two halves, for two tasks.
    pub fn split(self) -> (RealtimeSender, RealtimeReceiver) {
        (self.sender, self.receiver)
    }

    /// The headers of the answer that has opened the session.
    pub fn headers(&self) -> &HeaderMap {
        &self.sender.shared.headers
    }

    /// What Portkey calls the request (`x-portkey-request-id`), to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        error::request_id(self.headers())
    }

    /// What Portkey calls the trace (`x-portkey-trace-id`).
    pub fn trace_id(&self) -> Option<&str> {
        error::trace_id(self.headers())
    }

    /// How the service has closed the session; see [`RealtimeReceiver::closed`].
    pub fn closed(&self) -> Option<&RealtimeClose> {
        self.receiver.closed()
    }
}

impl RealtimeSender {
    /// Sends an event. When it returns the connection has taken the event; when its future is dropped
    /// the event is sent wholly or not at all.
    ///
    /// # Errors
    ///
    /// If it is no JSON object with a `type` (nothing is sent then), the session is closed or breaks,
    /// or nothing leaves for too long ([`ConnectRealtime::idle_timeout`](super::ConnectRealtime)).
    pub async fn send(&mut self, event: impl Into<ClientEvent>) -> Result<(), Error> {
        let text = event.into().encode();
        let text = text.map_err(|error| error.of(&self.shared.label()))?;
        self.push(Message::text(text)).await
    }

    /// Asks the other side for a sign of life, which is no event.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.push(Message::ping("")).await
    }

    /// Says goodbye: with 1000, or a code of 3000 to 4999, and a reason of at most 123 bytes. Nothing
    /// can be sent any more; the other half still gets what comes before the other side's goodbye.
    ///
    /// # Errors
    ///
    /// For another code or a longer reason (nothing is sent then), and if the session is closed
    /// already or breaks.
    pub async fn close(&mut self, code: u16, reason: &str) -> Result<(), Error> {
        let refuse = |problem: &str| Error::invalid_request(problem).of(&self.shared.label());
        let known = CloseCode::try_from(code).ok();
        let Some(code) = known.filter(|_| matches!(code, 1000 | 3000..=4999)) else {
            return Err(refuse(
                "a session is closed with 1000, or with 3000 to 4999",
            ));
        };
        if reason.len() > LONGEST_REASON {
            return Err(refuse("the reason is longer than 123 bytes"));
        }
        self.shared.is_closing.store(true, Ordering::Release);
        self.push(Message::close(Some(code), reason)).await
    }

    async fn push(&mut self, message: Message) -> Result<(), Error> {
        let mut message = Some(message);
        let pushed = poll_fn(|context| self.shared.poll_push(&mut message, context));
        let pushed = match self.idle {
            Some(idle) => tokio::time::timeout(idle, pushed)
                .await
                .map_err(|_| self.shared.body_interrupted(Error::silent(idle)))?,
            None => pushed.await,
        };
        pushed.map_err(|problem| self.shared.body_interrupted(broken(problem)))
    }
}

impl RealtimeReceiver {
    /// Waits for the next event; `None` when the session has ended as it should: by [a
    /// close](RealtimeSender::close) of this side, or by the service with code 1000 or none. Nothing is
    /// lost when the future is dropped.
    ///
    /// # Errors
    ///
    /// A message that is no event (the session goes on; [`Error::body`] has it). And once, before
    /// `None`: the service has closed the session with another code, the connection breaks, nothing
    /// comes for too long ([`Error::is_timeout`]), or something comes that is too large or no websocket.
    pub async fn next(&mut self) -> Option<Result<ServerEvent, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// How the service has closed the session, once it has.
    pub fn closed(&self) -> Option<&RealtimeClose> {
        self.close.as_ref()
    }

    fn poll_event(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<ServerEvent, Error>>> {
        loop {
            let Poll::Ready(message) = self.shared.poll_message(context) else {
                let Some(idle) = &mut self.idle else {
                    return Poll::Pending;
                };
                ready!(idle.poll(context));
                let late = Error::silent(idle.limit());
                return Poll::Ready(self.end(Some(late)));
            };
            if let Some(idle) = &mut self.idle {
                idle.stop();
            }
            let message = match message {
                None => return Poll::Ready(self.end(None)),
                Some(Err(problem)) => return Poll::Ready(self.end(Some(broken(problem)))),
                Some(Ok(message)) => message,
            };
            if let Some((code, reason)) = message.as_close() {
                self.close = Some(self.shared.close(code, reason));
                // The goodbye is answered while the end is waited for.
                self.idle = Some(IdleTimeout::new(PATIENCE));
            } else if message.is_text() || message.is_binary() {
                return Poll::Ready(Some(self.event(message)));
            }
        }
    }

    fn event(&mut self, message: Message) -> Result<ServerEvent, Error> {
        self.received += 1;
        ServerEvent::decode_text(message.as_payload()).map_err(|problem| {
            let text = Bytes::copy_from_slice(message.as_payload());
            let problem = format!("message {} is no event: {problem}", self.received);
            self.shared.error(Error::unusable(problem), text)
        })
    }

    /// What comes last: `problem`, unless the end is one that was meant.
    fn end(&mut self, problem: Option<Error>) -> Option<Result<ServerEvent, Error>> {
        self.has_ended = true;
        if self.shared.is_closing.load(Ordering::Acquire) {
            return None;
        }
        let problem = match &self.close {
            Some(close) if matches!(close.code, 1000 | 1005) => return None,
            Some(RealtimeClose { code, reason }) => {
                let colon = if reason.is_empty() { "" } else { ": " };
                Error::session(format!(
                    "was closed by the service with {code}{colon}{reason}"
                ))
            }
            None => problem.unwrap_or_else(|| {
                Error::session("broke off: the connection ended without a goodbye")
            }),
        };
        Some(Err(self.shared.body_interrupted(problem)))
    }
}

impl Shared {
    /// The lock is held while something is polled, never while something is waited for.
    fn socket(&self) -> MutexGuard<'_, Socket> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_message(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, tokio_websockets::Error>>> {
        let mut socket = self.socket();
        let message = ready!(Pin::new(&mut *socket).poll_next(context));
        if matches!(message, Some(Err(_))) {
            // The other side is told why, as far as the connection takes it.
            let _ = Pin::new(&mut *socket).poll_flush(context);
        }
        Poll::Ready(message)
    }

    /// Sends the message, which is taken as soon as there is room for it.
    fn poll_push(
        &self,
        message: &mut Option<Message>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), tokio_websockets::Error>> {
        let mut socket = self.socket();
        let mut socket = Pin::new(&mut *socket);
        if message.is_some() {
            ready!(socket.as_mut().poll_ready(context))?;
        }
        if let Some(message) = message.take() {
            socket.as_mut().start_send(message)?;
        }
        socket.poll_flush(context)
    }

    fn label(&self) -> Label {
        Label::Operation(&operations::CONNECT_REALTIME)
    }

    /// The service's goodbye, should it repeat a secret without that.
    fn close(&self, code: CloseCode, reason: &str) -> RealtimeClose {
        RealtimeClose {
            code: code.into(),
            reason: self.client.redacted(reason.to_owned()),
        }
    }

    fn body_interrupted(&self, error: Error) -> Error {
        transport::body_interrupted(&self.label(), &error);
        self.error(error, Bytes::new())
    }

    /// An error with everything that is known around it; what was asked for may have been done.
    fn error(&self, error: Error, body: Bytes) -> Error {
        error
            .with_response(ErrorResponse::new(
                StatusCode::SWITCHING_PROTOCOLS,
                self.headers.clone(),
                body,
            ))
            .of(&self.label())
            .with_history(self.history, None)
            .executed()
    }
}

/// What the websocket says of itself. Nothing of it quotes what was received.
fn broken(problem: tokio_websockets::Error) -> Error {
    Error::session(match problem {
        tokio_websockets::Error::AlreadyClosed => "is closed".to_owned(),
        tokio_websockets::Error::PayloadTooLong { max_len, .. } => {
            format!("broke off: a message is larger than the limit of {max_len} bytes")
        }
        problem => format!("broke off: {problem}"),
    })
}

impl Stream for RealtimeReceiver {
    type Item = Result<ServerEvent, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<ServerEvent, Error>>> {
        match self.has_ended {
            true => Poll::Ready(None),
            false => self.poll_event(context),
        }
    }
}

impl Stream for Realtime {
    type Item = Result<ServerEvent, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<ServerEvent, Error>>> {
        Pin::new(&mut self.receiver).poll_next(context)
    }
}

/// Headers may hold secrets, so they do not show.
impl fmt::Debug for RealtimeSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealtimeSender").finish_non_exhaustive()
    }
}

impl fmt::Debug for RealtimeReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealtimeReceiver")
            .field("received", &self.received)
            .field("closed", &self.close)
            .finish_non_exhaustive()
    }
}

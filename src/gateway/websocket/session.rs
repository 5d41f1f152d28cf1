//! An established session: its two halves, and its end.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use http::{HeaderMap, StatusCode};
use tokio_websockets::{ClientBuilder, CloseCode, Message, WebSocketStream};

use super::event::{ClientEvent, ServerEvent};
use crate::{
    Error,
    error::{ErrorResponse, Label},
    operations,
    redact::Redactor,
    request_id,
    retry::AttemptSummary,
    transport::{self, IdleTimeout, RawResponse},
};

/// How long to wait for the close frame of the service.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum length of a close reason in bytes (RFC 6455).
const MAX_REASON_LENGTH: usize = 123;

/// The maximum number of pongs that wait until the connection accepts data.
const MAX_UNSENT_PONGS: usize = 1000;

/// The limits of a session.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The maximum size of a received message in bytes.
    pub(crate) max_message_size: usize,
    pub(crate) idle_timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_size: 16 * 1024 * 1024,
            idle_timeout: None,
        }
    }
}

/// An open session.
///
/// It is a [`Stream`] of events. [`split`](Self::split) returns two halves that send and receive
/// concurrently. Pings are answered while events are awaited. Dropping the session closes the
/// connection without a close frame; [`close`](Self::close) sends one.
#[derive(Debug)]
#[must_use = "the session ends when it is dropped"]
pub struct Realtime {
    sender: RealtimeSender,
    receiver: RealtimeReceiver,
}

/// The sending half of a session. The session stays open until both halves are dropped.
#[must_use = "nothing is sent before `send`"]
pub struct RealtimeSender {
    shared: Arc<Shared>,
    idle_timeout: Option<Duration>,
}

/// The receiving half of a session, which also answers pings while events are awaited.
#[must_use = "events are received only when they are requested"]
pub struct RealtimeReceiver {
    shared: Arc<Shared>,
    idle_timeout: Option<IdleTimeout>,
    received: u64,
    close: Option<RealtimeClose>,
    has_ended: bool,
}

/// The close frame with which the service closed a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RealtimeClose {
    /// The close code (RFC 6455, section 7.4): 1000 is a normal closure, 1005 means that the close
    /// frame has no code.
    pub code: u16,
    /// The close reason, which may be empty.
    pub reason: String,
}

struct Shared {
    connection: Mutex<Connection>,
    redactor: Redactor,
    headers: HeaderMap,
    history: AttemptSummary,
    /// Whether this side has sent a close frame.
    is_closing: AtomicBool,
}

struct Connection {
    socket: WebSocketStream<reqwest::Upgraded>,
    /// The task of the sending half, if it waits for the connection to accept data.
    sender: Option<Waker>,
    /// The number of pings since everything was sent.
    unsent_pongs: usize,
    /// Whether too many pongs were unsent, so that nothing more is sent.
    is_flooded: bool,
}

// The halves can be moved to other tasks and polled without pinning.
const _: () = {
    const fn assert_send_and_unpin<T: Send + Sync + Unpin + 'static>() {}
    assert_send_and_unpin::<Realtime>();
    assert_send_and_unpin::<RealtimeSender>();
};

impl Realtime {
    pub(crate) fn new(
        redactor: Redactor,
        upgraded: RawResponse<reqwest::Upgraded>,
        limits: Limits,
    ) -> Self {
        let message_limits =
            tokio_websockets::Limits::default().max_payload_len(Some(limits.max_message_size));
        let socket = ClientBuilder::new()
            .limits(message_limits)
            .take_over(upgraded.body);
        let shared = Arc::new(Shared {
            connection: Mutex::new(Connection {
                socket,
                sender: None,
                unsent_pongs: 0,
                is_flooded: false,
            }),
            redactor,
            headers: upgraded.headers,
            history: upgraded.history,
            is_closing: AtomicBool::new(false),
        });
        Self {
            sender: RealtimeSender {
                shared: shared.clone(),
                idle_timeout: limits.idle_timeout,
            },
            receiver: RealtimeReceiver {
                shared,
                idle_timeout: limits.idle_timeout.map(IdleTimeout::new),
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

    /// Closes the session: sends a close frame and waits up to 5 seconds for the close frame of the
    /// service. Events received before it are discarded. [`RealtimeSender::close`] does not wait.
    ///
    /// # Errors
    ///
    /// The errors of [`RealtimeSender::close`].
    pub async fn close(mut self, code: u16, reason: &str) -> Result<(), Error> {
        self.sender.close(code, reason).await?;
        let rest = async { while self.receiver.next().await.is_some() {} };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, rest).await;
        Ok(())
    }

    /// Splits the session into two halves, for use in separate tasks.
    pub fn split(self) -> (RealtimeSender, RealtimeReceiver) {
        (self.sender, self.receiver)
    }

    /// Returns the headers of the handshake response.
    pub fn headers(&self) -> &HeaderMap {
        &self.sender.shared.headers
    }

    /// Returns the request id (`x-portkey-request-id`), for reports to Portkey's support.
    pub fn request_id(&self) -> Option<&str> {
        request_id::request_id(self.headers())
    }

    /// Returns the trace id (`x-portkey-trace-id`).
    pub fn trace_id(&self) -> Option<&str> {
        request_id::trace_id(self.headers())
    }

    /// Returns the close frame of the service; see [`RealtimeReceiver::closed`].
    pub fn closed(&self) -> Option<&RealtimeClose> {
        self.receiver.closed()
    }
}

impl RealtimeSender {
    /// Sends an event. Returns when the connection has accepted it. If the future is dropped, the
    /// event is sent completely or not at all.
    ///
    /// # Errors
    ///
    /// If the event is not a JSON object with a field `type` (nothing is sent), if the session is
    /// closed or interrupted, or if no data can be sent within
    /// [`ConnectRealtime::idle_timeout`](crate::gateway::realtime::ConnectRealtime::idle_timeout).
    pub async fn send(&mut self, event: impl Into<ClientEvent>) -> Result<(), Error> {
        let json = event.into().encode();
        let json = json.map_err(|error| error.with_operation(&self.shared.label()))?;
        self.send_message(Message::text(json)).await
    }

    /// Sends a ping. The response to it is not an event.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send).
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.send_message(Message::ping("")).await
    }

    /// Sends a close frame with code 1000 or a code from 3000 to 4999, and a reason of at most 123
    /// bytes. Nothing can be sent afterwards. The receiving half still yields the events that
    /// precede the close frame of the service.
    ///
    /// # Errors
    ///
    /// If the code or the length of the reason is not allowed (nothing is sent), or if the session
    /// is already closed or interrupted.
    pub async fn close(&mut self, code: u16, reason: &str) -> Result<(), Error> {
        let refuse =
            |problem: &str| Error::invalid_request(problem).with_operation(&self.shared.label());
        let close_code = CloseCode::try_from(code).ok();
        let Some(close_code) = close_code.filter(|_| matches!(code, 1000 | 3000..=4999)) else {
            return Err(refuse(&format!(
                "expected the close code 1000 or a code from 3000 to 4999, got {code}"
            )));
        };
        if reason.len() > MAX_REASON_LENGTH {
            return Err(refuse(&format!(
                "the close reason must be at most {MAX_REASON_LENGTH} bytes, got {}",
                reason.len()
            )));
        }
        self.shared.is_closing.store(true, Ordering::Release);
        self.send_message(Message::close(Some(close_code), reason))
            .await
    }

    async fn send_message(&mut self, message: Message) -> Result<(), Error> {
        let mut message = Some(message);
        let sent = poll_fn(|context| self.shared.poll_send(&mut message, context));
        let sent = match self.idle_timeout {
            Some(idle_timeout) => tokio::time::timeout(idle_timeout, sent)
                .await
                .map_err(|_| self.shared.interrupted(Error::idle_timeout(idle_timeout)))?,
            None => sent.await,
        };
        sent.map_err(|problem| self.shared.interrupted(websocket_error(problem)))
    }
}

impl RealtimeReceiver {
    /// Waits for the next event. Returns `None` when the session was closed normally: by
    /// [`RealtimeSender::close`], or by the service with code 1000 or without a code. Cancel safe:
    /// if the future is dropped, no event is lost.
    ///
    /// # Errors
    ///
    /// If a message is not an event; the session continues, and [`Error::body`] contains the
    /// message. Once, before `None`, if the service closed the session with another code, if the
    /// connection was interrupted, if nothing was received within the idle timeout
    /// ([`Error::is_timeout`]), or if a message was too large or violated the WebSocket protocol.
    pub async fn next(&mut self) -> Option<Result<ServerEvent, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns the close frame of the service, if it was received.
    pub fn closed(&self) -> Option<&RealtimeClose> {
        self.close.as_ref()
    }

    fn poll_event(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<ServerEvent, Error>>> {
        loop {
            let Poll::Ready(message) = self.shared.poll_message(context) else {
                let Some(idle_timeout) = &mut self.idle_timeout else {
                    return Poll::Pending;
                };
                ready!(idle_timeout.poll(context));
                let error = Error::idle_timeout(idle_timeout.limit());
                return Poll::Ready(self.finish(Some(error)));
            };
            if let Some(idle_timeout) = &mut self.idle_timeout {
                idle_timeout.stop();
            }
            let message = match message {
                None => return Poll::Ready(self.finish(None)),
                Some(Err(problem)) => {
                    return Poll::Ready(self.finish(Some(websocket_error(problem))));
                }
                Some(Ok(message)) => message,
            };
            if let Some((code, reason)) = message.as_close() {
                self.close = Some(self.shared.close(code, reason));
                // The close frame is answered while the end of the connection is awaited.
                self.idle_timeout = Some(IdleTimeout::new(CLOSE_TIMEOUT));
            } else if message.is_ping() && !self.shared.send_pong(context) {
                let error = Error::session(format!(
                    "was interrupted: the service sent more than {MAX_UNSENT_PONGS} pings and did \
                     not read the pongs"
                ));
                return Poll::Ready(self.finish(Some(error)));
            } else if message.is_text() || message.is_binary() {
                return Poll::Ready(Some(self.event(message)));
            }
        }
    }

    fn event(&mut self, message: Message) -> Result<ServerEvent, Error> {
        self.received += 1;
        ServerEvent::parse(message.as_payload(), &self.shared.redactor).map_err(|problem| {
            let body = Bytes::copy_from_slice(message.as_payload());
            let problem = format!("message {} is not a valid event: {problem}", self.received);
            self.shared.error(Error::unexpected_response(problem), body)
        })
    }

    /// Ends the stream: with an error, unless the session was closed normally.
    fn finish(&mut self, problem: Option<Error>) -> Option<Result<ServerEvent, Error>> {
        self.has_ended = true;
        if self.shared.is_closing.load(Ordering::Acquire) {
            return None;
        }
        let problem = match &self.close {
            Some(close) if matches!(close.code, 1000 | 1005) => return None,
            Some(RealtimeClose { code, reason }) => {
                let separator = if reason.is_empty() { "" } else { ": " };
                Error::session(format!(
                    "was closed by the service with {code}{separator}{reason}"
                ))
            }
            None => problem.unwrap_or_else(|| {
                Error::session("was interrupted: the connection ended without a close frame")
            }),
        };
        Some(Err(self.shared.interrupted(problem)))
    }
}

impl Shared {
    /// Locks the connection. The lock is held only during a poll.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_message(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, tokio_websockets::Error>>> {
        let mut connection = self.connection();
        let mut socket = Pin::new(&mut connection.socket);
        let message = ready!(socket.as_mut().poll_next(context));
        if matches!(message, Some(Err(_))) {
            // Sends the close frame for the error, as far as the connection accepts it.
            let _ = socket.poll_flush(context);
        }
        Poll::Ready(message)
    }

    /// Sends the pong that the socket has queued for a ping, as far as the connection accepts it.
    /// Returns `false` if too many pongs are unsent; then nothing more can be sent.
    fn send_pong(&self, context: &Context<'_>) -> bool {
        self.connection().send_pong(context)
    }

    /// Sends the message, which is taken out of the option when the socket accepts it.
    fn poll_send(
        &self,
        message: &mut Option<Message>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), tokio_websockets::Error>> {
        let mut connection = self.connection();
        let sent = connection.poll_send(message, context);
        connection.sender = sent.is_pending().then(|| context.waker().clone());
        if sent.is_ready() {
            connection.unsent_pongs = 0;
        }
        sent
    }

    fn label(&self) -> Label {
        Label::Operation(&operations::CONNECT_REALTIME)
    }

    /// Returns the close frame of the service, with secrets redacted.
    fn close(&self, code: CloseCode, reason: &str) -> RealtimeClose {
        RealtimeClose {
            code: code.into(),
            reason: self.redactor.redact(reason.to_owned()),
        }
    }

    fn interrupted(&self, error: Error) -> Error {
        transport::body_interrupted(&self.label(), &error);
        self.error(error, Bytes::new())
    }

    /// Adds response, operation and attempts to an error, and redacts it. The service may have
    /// executed the request.
    fn error(&self, error: Error, body: Bytes) -> Error {
        error
            .with_response(ErrorResponse::new(
                StatusCode::SWITCHING_PROTOCOLS,
                self.headers.clone(),
                body,
            ))
            .redacted(&self.redactor)
            .with_operation(&self.label())
            .with_history(self.history, None)
            .mark_executed()
    }
}

impl Connection {
    fn send_pong(&mut self, context: &Context<'_>) -> bool {
        // The socket wakes one task when it accepts data, and the sending half must not miss it.
        let waker = self.sender.as_ref().unwrap_or(context.waker());
        let flushed = Pin::new(&mut self.socket).poll_flush(&mut Context::from_waker(waker));
        self.unsent_pongs = match flushed.is_ready() {
            true => 0,
            false => self.unsent_pongs + 1,
        };
        self.is_flooded = self.unsent_pongs > MAX_UNSENT_PONGS;
        if self.is_flooded
            && let Some(sender) = self.sender.take()
        {
            sender.wake();
        }
        !self.is_flooded
    }

    fn poll_send(
        &mut self,
        message: &mut Option<Message>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), tokio_websockets::Error>> {
        if self.is_flooded {
            return Poll::Ready(Err(tokio_websockets::Error::AlreadyClosed));
        }
        let mut socket = Pin::new(&mut self.socket);
        if message.is_some() {
            ready!(socket.as_mut().poll_ready(context))?;
        }
        if let Some(message) = message.take() {
            socket.as_mut().start_send(message)?;
        }
        socket.poll_flush(context)
    }
}

/// Converts an error of the WebSocket. Its message contains no received data.
fn websocket_error(problem: tokio_websockets::Error) -> Error {
    Error::session(match problem {
        tokio_websockets::Error::AlreadyClosed => "is closed".to_owned(),
        tokio_websockets::Error::PayloadTooLong { max_len, .. } => {
            format!("was interrupted: a message exceeds the limit of {max_len} bytes")
        }
        problem => format!("was interrupted: {problem}"),
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

/// Omits the headers, because they may contain secrets.
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

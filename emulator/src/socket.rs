//! A TCP stream that can end in a reset, or be handed over instead of being closed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::malformed_request::{self, RejectedConnection};

/// Whether a connection is to end in a reset; shared with the requests on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resetter(Arc<AtomicBool>);

impl Resetter {
    /// From now on, closing the connection resets it.
    pub(crate) fn reset(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A stream that is reset, instead of closed in good order, when its [`Resetter`] says so. What
/// hyper answers by itself it does not send: it hands itself over for a better answer.
#[derive(Debug)]
pub(crate) struct Socket {
    /// `None` only while it is being dropped.
    stream: Option<TcpStream>,
    resetter: Resetter,
    /// The status that hyper answered by itself.
    rejected_status: Option<u16>,
    handover: Option<oneshot::Sender<RejectedConnection>>,
}

impl Socket {
    /// The socket, and where its stream arrives if hyper refuses a request by itself.
    pub(crate) fn new(
        stream: TcpStream,
        resetter: Resetter,
    ) -> (Self, oneshot::Receiver<RejectedConnection>) {
        let (handover, receiver) = oneshot::channel();
        let socket = Self {
            stream: Some(stream),
            resetter,
            rejected_status: None,
            handover: Some(handover),
        };
        (socket, receiver)
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        let stream = self.stream.as_mut().map(Pin::new);
        stream.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let Some(stream) = self.stream.take() else {
            return;
        };
        if self.resetter.is_set() {
            // Where the system cannot, the connection merely ends early.
            let _ = stream.set_zero_linger();
        } else if let (Some(status), Some(handover)) = (self.rejected_status, self.handover.take())
        {
            // Nobody waits for it when the server is stopping: then it is closed without an answer.
            let _ = handover.send((status, stream));
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(status) = malformed_request::hyper_error_status(bytes) {
            self.rejected_status = Some(status);
            return Poll::Ready(Ok(bytes.len()));
        }
        self.stream()?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.resetter.is_set() || self.rejected_status.is_some() {
            return Poll::Ready(Ok(()));
        }
        self.stream()?.poll_shutdown(context)
    }
}

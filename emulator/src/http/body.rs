//! Response bodies.
//!
//! Written by hand: the bodies of `http_body_util` cannot break the connection after a part of them was
//! sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::events::StreamBody;
use crate::faults::Effect;

/// The body of a response.
#[derive(Debug)]
pub(super) enum HttpBody {
    Full(FullBody),
    /// Sent in chunks.
    Stream(Box<StreamBody>),
}

/// A body that is sent as a whole, and whether the connection breaks after it.
#[derive(Debug)]
pub(super) struct FullBody {
    bytes: Option<Bytes>,
    breaks_connection: bool,
    /// Whether the bytes before the break had a chance to be written.
    flushed: bool,
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Full(full) => full.poll(context),
            Self::Stream(stream) => {
                let bytes = stream.poll_bytes(context);
                bytes.map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(full) => full.bytes.is_none() && !full.breaks_connection,
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(full) => full.size_hint(),
            Self::Stream(stream) => stream.size_hint(),
        }
    }
}

impl HttpBody {
    pub(super) fn full(bytes: Bytes) -> Self {
        Self::Full(FullBody {
            bytes: Some(bytes).filter(|bytes| !bytes.is_empty()),
            breaks_connection: false,
            flushed: false,
        })
    }
}

impl FullBody {
    /// Applies the effect of a fault and returns the original size.
    pub(super) fn corrupt(&mut self, effect: Effect) -> usize {
        let full = self.bytes.take().unwrap_or_default();
        let half = full.slice(..full.len() / 2);
        let bytes = match effect {
            Effect::Malformed if half.is_empty() => Bytes::from_static(b"{"),
            Effect::Malformed | Effect::Truncate => half,
            Effect::None | Effect::Status(_) | Effect::Reset => full.clone(),
        };
        self.bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        self.breaks_connection = effect == Effect::Truncate;
        full.len()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = match self.bytes.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if self.breaks_connection && !self.flushed => {
                self.flushed = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None if self.breaks_connection => {
                Some(Err(io::Error::other("injected fault: truncated response")))
            }
            None => None,
        };
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.bytes, self.breaks_connection) {
            (_, true) => SizeHint::default(),
            (Some(bytes), false) => SizeHint::with_exact(bytes.len() as u64),
            (None, false) => SizeHint::with_exact(0),
        }
    }
}

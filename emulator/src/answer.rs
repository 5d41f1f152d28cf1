//! Answers on their way out: status, headers and bytes, whole or spoilt.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::faults::{Effect, Strike};
use crate::reply::{Answer, Refusal, Reply};

/// The bytes of a body, and whether the connection breaks behind them.
#[derive(Debug)]
pub(crate) struct Payload {
    bytes: Option<Bytes>,
    broken: bool,
    /// Whether what came before the break has had its chance to be sent.
    flushed: bool,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let rest = match self.bytes.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if self.broken && !self.flushed => {
                self.flushed = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None if self.broken => Some(Err(io::Error::other("cut off on demand"))),
            None => None,
        };
        Poll::Ready(rest)
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && !self.broken
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.bytes, self.broken) {
            (_, true) => SizeHint::default(),
            (Some(bytes), false) => SizeHint::with_exact(bytes.len() as u64),
            (None, false) => SizeHint::with_exact(0),
        }
    }
}

/// The response for an answer.
pub(crate) fn response(answer: Answer) -> Response<Payload> {
    let json = "application/json";
    let (status, content_type, body) = match answer {
        Ok(Reply::Json(body)) => (200, json, body.to_string().into_bytes()),
        Ok(Reply::Bytes(content_type, bytes)) => (200, content_type, bytes),
        Err(refusal) => (refusal.status, json, refusal.body.to_string().into_bytes()),
    };
    let mut response = Response::new(Payload {
        bytes: Some(Bytes::from(body)).filter(|body| !body.is_empty()),
        broken: false,
        flushed: false,
    });
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// What a fault answers with instead.
pub(crate) fn refusal(status: u16) -> Refusal {
    Refusal::new(status, None, "the emulator was told to fail")
}

/// Does to a response what a fault says.
pub(crate) fn spoil(response: &mut Response<Payload>, strike: &Strike) {
    let whole = response.body_mut().bytes.take().unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    let body = match strike.effect {
        Effect::Malformed if half.is_empty() => Some(Bytes::from_static(b"{")),
        Effect::Malformed | Effect::Truncate => Some(half),
        Effect::None | Effect::Status(_) | Effect::Reset => Some(whole.clone()),
    };
    *response.body_mut() = Payload {
        bytes: body.filter(|body| !body.is_empty()),
        broken: strike.effect == Effect::Truncate,
        flushed: false,
    };
    let headers = response.headers_mut();
    if strike.effect == Effect::Truncate {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len() + 1));
    }
    let retry_after = strike.retry_after.as_deref();
    if let Some(Ok(value)) = retry_after.map(HeaderValue::from_str) {
        headers.insert(RETRY_AFTER, value);
    }
}

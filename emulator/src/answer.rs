//! Answers on their way out: status, headers and bytes, whole or spoilt.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT,
    UPGRADE,
};
use hyper::{Response, StatusCode};

use crate::faults::{Effect, Strike};
use crate::gateway::stream::Streamed;
use crate::reply::{Answer, Refusal, Reply};

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Payload {
    Whole(Whole),
    /// Sent piece by piece.
    Stream(Box<Streamed>),
}

/// The bytes of a body, and whether the connection breaks behind them.
#[derive(Debug)]
pub(crate) struct Whole {
    bytes: Option<Bytes>,
    broken: bool,
    /// Whether what came before the break has had its chance to be sent.
    flushed: bool,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(whole) => whole.poll(context),
            Self::Stream(streamed) => {
                let bytes = streamed.poll_bytes(context);
                bytes.map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.bytes.is_none() && !whole.broken,
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Stream(streamed) => streamed.size_hint(),
        }
    }
}

impl Payload {
    fn whole(bytes: Bytes) -> Self {
        Self::Whole(Whole {
            bytes: Some(bytes).filter(|bytes| !bytes.is_empty()),
            broken: false,
            flushed: false,
        })
    }
}

impl Whole {
    /// Does what a fault says; how many bytes there were.
    fn spoil(&mut self, effect: Effect) -> usize {
        let whole = self.bytes.take().unwrap_or_default();
        let half = whole.slice(..whole.len() / 2);
        let bytes = match effect {
            Effect::Malformed if half.is_empty() => Bytes::from_static(b"{"),
            Effect::Malformed | Effect::Truncate => half,
            Effect::None | Effect::Status(_) | Effect::Reset => whole.clone(),
        };
        self.bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        self.broken = effect == Effect::Truncate;
        whole.len()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
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
    let streamed = |content_type, streamed| {
        let mut response = Response::new(Payload::Stream(Box::new(streamed)));
        let value = HeaderValue::from_static(content_type);
        response.headers_mut().insert(CONTENT_TYPE, value);
        response
    };
    let (status, content_type, body) = match answer {
        Ok(Reply::Events(events)) => {
            return streamed("text/event-stream; charset=utf-8", Streamed::events(events));
        }
        Ok(Reply::Content(content_type, content)) => {
            return streamed(content_type, Streamed::content(content));
        }
        Ok(Reply::Session(session)) => return switching(&session.accept),
        Ok(Reply::Json(body)) => (200, json, body.to_string().into_bytes()),
        Ok(Reply::Bytes(content_type, bytes)) => (200, content_type, bytes),
        Err(refusal) => (refusal.status, json, refusal.body.to_string().into_bytes()),
    };
    let mut response = Response::new(Payload::whole(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// The connection becomes a websocket.
fn switching(accept: &str) -> Response<Payload> {
    let mut response = Response::new(Payload::whole(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// What a fault answers with instead.
pub(crate) fn refusal(status: u16) -> Refusal {
    Refusal::new(status, None, "the emulator was told to fail")
}

/// Does to a response what a fault says.
pub(crate) fn spoil(response: &mut Response<Payload>, strike: &Strike) {
    let retry_after = strike.retry_after.as_deref();
    if let Some(Ok(value)) = retry_after.map(HeaderValue::from_str) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // There is no body; a session is spoilt by a script.
        return;
    }
    match response.body_mut() {
        Payload::Stream(streamed) => streamed.spoil(strike.effect),
        Payload::Whole(whole) => {
            let size = whole.spoil(strike.effect);
            if strike.effect == Effect::Truncate {
                let headers = response.headers_mut();
                headers.insert(CONTENT_LENGTH, HeaderValue::from(size + 1));
            }
        }
    }
}

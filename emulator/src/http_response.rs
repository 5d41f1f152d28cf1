//! Conversion of handler results to HTTP responses, and their corruption by faults.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT,
    UPGRADE,
};
use hyper::{Response, StatusCode};

use crate::faults::{Effect, InjectedFault};
use crate::gateway::stream::StreamBody;
use crate::response::{ApiError, HandlerResult, ResponseBody};

/// The body of a response.
#[derive(Debug)]
pub(crate) enum HttpBody {
    Full(FullBody),
    /// Sent in chunks.
    Stream(Box<StreamBody>),
}

/// A body that is sent as a whole, and whether the connection breaks after it.
#[derive(Debug)]
pub(crate) struct FullBody {
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
    fn full(bytes: Bytes) -> Self {
        Self::Full(FullBody {
            bytes: Some(bytes).filter(|bytes| !bytes.is_empty()),
            breaks_connection: false,
            flushed: false,
        })
    }
}

impl FullBody {
    /// Applies the effect of a fault and returns the original size.
    fn corrupt(&mut self, effect: Effect) -> usize {
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

/// Converts a handler result to an HTTP response.
pub(crate) fn from_result(result: HandlerResult) -> Response<HttpBody> {
    let json = "application/json";
    let stream_response = |content_type, stream| {
        let mut response = Response::new(HttpBody::Stream(Box::new(stream)));
        let value = HeaderValue::from_static(content_type);
        response.headers_mut().insert(CONTENT_TYPE, value);
        response
    };
    let (status, content_type, body) = match result {
        Ok(ResponseBody::Events(events)) => {
            return stream_response(
                "text/event-stream; charset=utf-8",
                StreamBody::events(events),
            );
        }
        Ok(ResponseBody::Content(content_type, content)) => {
            return stream_response(content_type, StreamBody::content(content));
        }
        Ok(ResponseBody::WebSocket(session)) => return switching_protocols(&session.accept_key),
        Ok(ResponseBody::Json(body)) => (200, json, body.to_string().into_bytes()),
        Ok(ResponseBody::Bytes(content_type, bytes)) => (200, content_type, bytes),
        Err(error) => (error.status, json, error.body.to_string().into_bytes()),
    };
    let mut response = Response::new(HttpBody::full(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Builds the response that switches the connection to WebSocket.
fn switching_protocols(accept: &str) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::full(Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// Builds the error response of an injected fault.
pub(crate) fn injected_error(status: u16) -> ApiError {
    ApiError::new(status, None, "injected fault")
}

/// Applies an injected fault to a response.
pub(crate) fn corrupt(response: &mut Response<HttpBody>, fault: &InjectedFault) {
    let retry_after = fault.retry_after.as_deref();
    if let Some(Ok(value)) = retry_after.map(HeaderValue::from_str) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // There is no body to corrupt; scripts corrupt realtime sessions.
        return;
    }
    match response.body_mut() {
        HttpBody::Stream(stream) => stream.corrupt(fault.effect),
        HttpBody::Full(full) => {
            let size = full.corrupt(fault.effect);
            if fault.effect == Effect::Truncate {
                let headers = response.headers_mut();
                headers.insert(CONTENT_LENGTH, HeaderValue::from(size + 1));
            }
        }
    }
}

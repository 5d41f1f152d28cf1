//! Handler results on the wire: headers, bodies, scripted delivery, and corruption by faults.

use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RETRY_AFTER,
};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};

use super::body::HttpBody;
use super::connection_end::ConnectionEnd;
use super::events::StreamBody;
use super::range::{RequestedRange, requested_range};
use super::websocket::{self, Sessions};
use crate::error::ApiError;
use crate::faults::{Effect, InjectedFault};
use crate::response::{HandlerResult, ResponseBody};
use crate::scripts::Script;

/// The request that a response belongs to, as far as its body depends on it.
pub(super) struct Exchange<'a> {
    pub(super) head: &'a mut Parts,
    pub(super) script: Option<&'a Script>,
    pub(super) connection: &'a ConnectionEnd,
    pub(super) sessions: &'a Sessions,
}

/// Converts a handler result to an HTTP response.
pub(super) fn from_result(result: HandlerResult, exchange: Exchange<'_>) -> Response<HttpBody> {
    match result {
        Ok(ResponseBody::Json(body)) => full_response(200, "application/json", body.to_string()),
        Ok(ResponseBody::Bytes(content_type, bytes)) => full_response(200, content_type, bytes),
        Ok(ResponseBody::Events(events)) => {
            let content_type = "text/event-stream; charset=utf-8";
            stream_response(content_type, StreamBody::events(events), &exchange)
        }
        Ok(ResponseBody::Content(content_type, content)) => {
            stream_response(content_type, StreamBody::content(content), &exchange)
        }
        Ok(ResponseBody::WebSocket(conversation)) => {
            let Exchange {
                head,
                script,
                connection,
                sessions,
            } = exchange;
            websocket::open(sessions, head, conversation, script, connection)
                .unwrap_or_else(|error| error_response(&error))
        }
        Err(error) => error_response(&error),
    }
}

/// Converts an error to an HTTP response.
pub(super) fn error_response(error: &ApiError) -> Response<HttpBody> {
    full_response(error.status, "application/json", error.body.to_string())
}

fn full_response(
    status: u16,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::full(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Builds a response that is sent in chunks, as the script sets, and limited to the requested
/// range.
fn stream_response(
    content_type: &'static str,
    mut stream: StreamBody,
    exchange: &Exchange<'_>,
) -> Response<HttpBody> {
    stream.set_connection(exchange.connection);
    if let Some(script) = exchange.script {
        stream.set_delivery(script.delivery.clone());
        if let Some(events) = &script.events {
            stream.replace_events(events.clone());
        }
        if let Some(content) = &script.content {
            stream.replace_content(content.clone());
        }
    }
    let range = stream
        .size()
        .map(|size| (requested_range(exchange.head, size), size));
    if let Some((RequestedRange::Part(start, end), _)) = range {
        stream.set_range(start, end);
    }
    let mut response = Response::new(HttpBody::Stream(Box::new(stream)));
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    let content_range = match range {
        None | Some((RequestedRange::Unsupported, _)) => return response,
        Some((RequestedRange::Full, _)) => None,
        Some((RequestedRange::Part(start, end), size)) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            Some(format!("bytes {start}-{}/{size}", end - 1))
        }
        Some((RequestedRange::Unsatisfiable, size)) => {
            let message = "header `range`: starts after the end of the content";
            response = error_response(&ApiError::new(416, None, message));
            Some(format!("bytes */{size}"))
        }
    };
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(Ok(range)) = content_range.map(HeaderValue::try_from) {
        headers.insert(CONTENT_RANGE, range);
    }
    response
}

/// Applies an injected fault to a response.
pub(super) fn corrupt(response: &mut Response<HttpBody>, fault: &InjectedFault) {
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

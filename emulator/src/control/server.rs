//! The server of the control interface: a listener of its own, on loopback only.
//!
//! Any process on the machine may use it; a page in a browser may not: requests with an `Origin`, and
//! requests to another host name (DNS rebinding), are refused.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Control, routes};

/// The maximum size of a request body; a snapshot is the largest.
const MAX_BODY_SIZE: usize = 256 * 1024 * 1024;

const MAX_CONNECTIONS: usize = 64;

/// The timeouts for the head of a request, and for its body.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// The host names that a request may name.
const LOCAL_HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// An error response.
#[derive(Debug)]
pub(super) struct ControlError {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl ControlError {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

/// Returns the address of the control interface, which is always loopback.
pub(crate) fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Serves until the task is aborted, which also ends the open connections.
pub(crate) async fn serve(listener: TcpListener, control: Control) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve_connection(stream, control.clone()));
            }
            // Most likely out of file descriptors; wait for some to be freed.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn serve_connection(stream: TcpStream, control: Control) {
    let service = service_fn(|request| {
        let control = control.clone();
        async move { Ok::<_, hyper::Error>(respond(&control, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // The client has closed the connection, or sent no valid HTTP.
    let _ = connection.await;
}

async fn respond(control: &Control, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, body) = match handle(control, request).await {
        Ok(body) => (StatusCode::OK, body),
        Err(ControlError { status, message }) => (status, json!({"error": message})),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

async fn handle(control: &Control, request: Request<Incoming>) -> Result<Value, ControlError> {
    let (head, body) = request.into_parts();
    check_origin(&head.headers)?;
    let body = read_body(body).await?;
    routes::handle(control, &head.method, head.uri.path(), &body)
}

fn check_origin(headers: &HeaderMap) -> Result<(), ControlError> {
    let refused = |reason: &str| Err(ControlError::new(StatusCode::FORBIDDEN, reason));
    if headers.contains_key(ORIGIN) {
        return refused("header `origin`: requests of web pages are refused");
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    match LOCAL_HOSTS.contains(&name) {
        true => Ok(()),
        false => refused("header `host`: expected `127.0.0.1` or `localhost`"),
    }
}

async fn read_body(body: Incoming) -> Result<Bytes, ControlError> {
    let full = Limited::new(body, MAX_BODY_SIZE).collect();
    match tokio::time::timeout(BODY_TIMEOUT, full).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ControlError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("body: exceeds the limit of {MAX_BODY_SIZE} bytes"),
        )),
        Ok(Err(_)) => Err(ControlError::new(
            StatusCode::BAD_REQUEST,
            "body: truncated or malformed",
        )),
        Err(_) => Err(ControlError::new(
            StatusCode::REQUEST_TIMEOUT,
            "body: timed out",
        )),
    }
}

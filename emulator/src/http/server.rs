//! The HTTP server: connections, requests, and response headers.
//!
//! On hyper without a framework, since faults and malformed requests need the connection itself.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming as RequestBody;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot, watch};

use super::body::HttpBody;
use super::connection_end::ConnectionEnd;
use super::form::Form;
use super::malformed_request;
use super::multipart;
use super::request_body::{BodyMemory, ReceivedBody, SMALL_SIZE};
use super::response::{self, Exchange};
use super::socket::{Socket, UnfinishedConnection, linger};
use super::uploads::Uploads;
use super::websocket::Sessions;
use crate::dispatch::{Dispatcher, IncomingRequest};
use crate::error::ApiError;
use crate::faults::{Effect, Faults, InjectedFault};
use crate::request_log::{AccessLogEntry, RecordedRequest, RequestLog};
use crate::route::{Matched, Routing, decode_path};
use crate::scripts::Scripts;

/// How many requests with large bodies are processed concurrently. Parsed bodies take a multiple of
/// their size in memory.
const MAX_LARGE_REQUESTS: usize = 2;

/// The maximum number of open connections, and of connections waiting to be accepted. The system
/// rejects further connections; clients retry after a second.
const MAX_CONNECTIONS: u32 = 1024;
const BACKLOG: u32 = 1024;

/// The timeout for receiving a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a stopping server waits for responses in progress.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);

/// The form operation that stores the content of files.
const STORED_CONTENT_OPERATION: &str = "upload_file";

/// The state of one emulator, shared by its connections.
pub(crate) struct Server {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) faults: Faults,
    pub(crate) request_log: RequestLog,
    pub(crate) uploads: Uploads,
    pub(crate) scripts: Scripts,
    sessions: Sessions,
    /// Signals connections and sessions that the server is stopping.
    stopping: watch::Sender<bool>,
    log: Option<fn(&AccessLogEntry)>,
    body_memory: BodyMemory,
    large_requests: Semaphore,
}

impl Server {
    pub(crate) fn new(
        dispatcher: Dispatcher,
        faults: Faults,
        log: Option<fn(&AccessLogEntry)>,
    ) -> Self {
        let stopping = watch::Sender::new(false);
        Self {
            dispatcher,
            faults,
            request_log: RequestLog::default(),
            uploads: Uploads::default(),
            scripts: Scripts::default(),
            sessions: Sessions::new(stopping.subscribe()),
            stopping,
            log,
            body_memory: BodyMemory::default(),
            large_requests: Semaphore::new(MAX_LARGE_REQUESTS),
        }
    }
}

/// Listens on an address, with a large accept backlog.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On other systems this would let two processes listen on the same address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `shutdown` receives a message or its sender is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    server: Arc<Server>,
    mut shutdown: oneshot::Receiver<()>,
) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    loop {
        let accepted = tokio::select! {
            _ = &mut shutdown => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let Ok((stream, peer, permit)) = accepted else {
            // Most likely out of file descriptors; wait for some to be freed.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        tokio::spawn(handle_connection(stream, peer, Arc::clone(&server), permit));
    }
    drop(listener);
    server.stopping.send_replace(true);
    // All permits are available once every connection has ended.
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, connections.acquire_many(MAX_CONNECTIONS)).await;
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await;
    let permit = permit.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

/// Serves a connection, sends the error response if hyper rejects a request, and reads the rest of a
/// request that was not read to its end.
async fn handle_connection(
    stream: TcpStream,
    peer: SocketAddr,
    server: Arc<Server>,
    permit: OwnedSemaphorePermit,
) {
    let connection = ConnectionEnd::default();
    let (socket, mut unfinished) = Socket::new(stream, connection.clone());
    let result = serve_socket(socket, connection, peer, Arc::clone(&server)).await;
    if let Ok(UnfinishedConnection {
        mut stream,
        rejected_status,
    }) = unfinished.try_recv()
    {
        // Errors without a rejected request, such as a closed connection, are ignored.
        if let (Some(status), Err(error)) = (rejected_status, result) {
            let id = server.dispatcher.new_id();
            malformed_request::respond(&mut stream, status, &error, &id).await;
        }
        linger(stream).await;
    }
    drop(permit);
}

/// Serves a socket until it is closed or, when the server stops, until the current request is done.
async fn serve_socket(
    socket: Socket,
    connection: ConnectionEnd,
    peer: SocketAddr,
    server: Arc<Server>,
) -> hyper::Result<()> {
    let mut stopping = server.stopping.subscribe();
    let service = service_fn(move |request| {
        let (server, connection) = (Arc::clone(&server), connection.clone());
        async move { handle_request(&server, peer, request, &connection).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        result = connection.as_mut() => result,
        () = wait_for_shutdown(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

/// Waits until the server stops.
async fn wait_for_shutdown(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is already gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Handles one request; an error closes the connection without a response.
async fn handle_request(
    server: &Server,
    peer: SocketAddr,
    request: Request<RequestBody>,
    connection: &ConnectionEnd,
) -> io::Result<Response<HttpBody>> {
    let started = Instant::now();
    let (mut head, body) = request.into_parts();
    let routing = server
        .dispatcher
        .route(head.method.as_str(), head.uri.path());
    let operation = routing.operation_id();
    let received = read_body(server, &head, &routing, body).await;
    if received.is_err() {
        connection.linger();
    }
    let recorded = recorded_request(&head, operation, &received);
    server.request_log.push(recorded);
    let is_gateway = routing.is_gateway();
    let fault = server.faults.inject(operation);
    if let Some(fault) = &fault {
        tokio::time::sleep(fault.latency).await;
    }
    let request_id = server.dispatcher.new_id();
    let script = server.scripts.take(operation);
    let result = match (replacement_error(fault.as_ref(), is_gateway), received) {
        (Some(error), _) | (None, Err(error)) => Err(error),
        (None, Ok((mut body, form))) => {
            let is_large = body.bytes.len() > SMALL_SIZE;
            let _permit = acquire_if_large(&server.large_requests, is_large).await;
            let request = IncomingRequest {
                method: head.method.as_str().to_owned(),
                path: head.uri.path().to_owned(),
                query: head.uri.query().unwrap_or_default().to_owned(),
                headers: head.headers.clone(),
                client_ip: peer.ip().to_string(),
                body: std::mem::take(&mut body.bytes),
                form,
                script: script.clone(),
                request_id: request_id.clone(),
            };
            server.dispatcher.handle(routing, &request)
        }
    };
    let result = match fault.as_ref().map(|fault| fault.effect) {
        Some(Effect::Status(status)) => Err(injected_error(status, is_gateway)),
        _ => result,
    };
    let exchange = Exchange {
        head: &mut head,
        script: script.as_ref(),
        connection,
        sessions: &server.sessions,
    };
    let mut response = response::from_result(result, exchange);
    finish_response(server, &head, &mut response, fault.as_ref(), &request_id);
    if let Some(log) = server.log {
        log(&AccessLogEntry {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            operation: operation.map(str::to_owned),
            status: response.status().as_u16(),
            duration: started.elapsed(),
        });
    }
    if fault.is_some_and(|fault| fault.effect == Effect::Reset) {
        connection.reset();
        return Err(io::Error::other("injected fault: connection reset"));
    }
    Ok(response)
}

/// Builds the error response of an injected fault, in the envelope of the gateway or the control plane.
fn injected_error(status: u16, is_gateway: bool) -> ApiError {
    match is_gateway {
        true => ApiError::gateway(status, "injected fault"),
        false => ApiError::with_status_code(status, "injected fault"),
    }
}

/// Returns the error that replaces the execution of the request.
fn replacement_error(fault: Option<&InjectedFault>, is_gateway: bool) -> Option<ApiError> {
    let fault = fault.filter(|fault| !fault.after_execution)?;
    match fault.effect {
        Effect::Status(status) => Some(injected_error(status, is_gateway)),
        Effect::Reset => Some(injected_error(500, is_gateway)),
        Effect::None | Effect::Truncate | Effect::Malformed => None,
    }
}

fn finish_response(
    server: &Server,
    head: &Parts,
    response: &mut Response<HttpBody>,
    fault: Option<&InjectedFault>,
    request_id: &str,
) {
    if let Some(fault) = fault {
        response::corrupt(response, fault);
    }
    // A trace id sent by the caller is returned unchanged.
    let trace = head.headers.get("x-portkey-trace-id").cloned();
    let trace = trace.unwrap_or_else(|| header_value(&server.dispatcher.new_id()));
    let headers = response.headers_mut();
    headers.insert("x-portkey-trace-id", trace);
    headers.insert("x-portkey-request-id", header_value(request_id));
}

fn recorded_request(
    head: &Parts,
    operation: Option<&str>,
    received: &Result<(ReceivedBody<'_>, Option<Form>), ApiError>,
) -> RecordedRequest {
    let body = received.as_ref().map(|(body, _)| body.bytes.as_slice());
    let target = head.uri.path_and_query();
    RecordedRequest {
        method: head.method.as_str().to_owned(),
        operation: operation.map(str::to_owned),
        target: target.map_or("/", |target| target.as_str()).to_owned(),
        segments: decode_path(head.uri.path()),
        headers: headers(&head.headers),
        body: body.unwrap_or_default().to_vec(),
    }
}

/// Reads the body, as bytes or as a multipart form.
async fn read_body<'a>(
    server: &'a Server,
    head: &Parts,
    routing: &Routing,
    body: RequestBody,
) -> Result<(ReceivedBody<'a>, Option<Form>), ApiError> {
    let memory = &server.body_memory;
    let operation = match routing {
        Routing::Operation(Matched { operation, .. }) if operation.takes_form => operation,
        _ => return Ok((ReceivedBody::read(memory, body).await?, None)),
    };
    let id = operation.entry.id.as_str();
    let quota = (id == STORED_CONTENT_OPERATION).then_some(&server.dispatcher.content_quota);
    let form = Box::pin(multipart::receive(head, body, quota)).await?;
    server.uploads.push(id, &form);
    Ok((ReceivedBody::empty(memory), Some(form)))
}

/// Acquires a permit for a large body.
async fn acquire_if_large(semaphore: &Semaphore, is_large: bool) -> Option<SemaphorePermit<'_>> {
    match is_large {
        true => semaphore.acquire().await.ok(),
        false => None,
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let string = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), string(value)))
        .collect()
}

fn header_value(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("none"))
}

//! HTTP: connections, bodies and headers, in and out.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming as RequestBody};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot, watch};

use crate::answer::{self, Payload};
use crate::faults::{Effect, Faults, Strike};
use crate::gateway::form::Form;
use crate::gateway::realtime::Sessions;
use crate::gateway::script::Scripts;
use crate::gateway::{self, Space, Uploads};
use crate::malformed;
use crate::plane::{ControlPlane, Incoming};
use crate::reply::Refusal;
use crate::requests::{Record, RequestLine, SeenRequest};
use crate::route::decode;
use crate::socket::{Resetter, Socket};

/// Larger bodies are refused; no operation of the control plane comes near.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Bodies that are larger than this take turns.
const SMALL_BODY: u64 = 64 * 1024;

/// How many large bodies are received at a time, and how many are looked at: parsed they take a
/// multiple of their size.
const LARGE_BODIES: usize = 8;
const LARGE_ANSWERS: usize = 2;

/// How many connections are open at a time, and how many more wait to be accepted; the system turns
/// away the rest, whose clients try again after a second.
const CONNECTIONS: u32 = 1024;
const BACKLOG: u32 = 1024;

/// How long a connection may take to send the head of a request, and then its body.
const HEAD_TIME: Duration = Duration::from_secs(30);
const BODY_TIME: Duration = Duration::from_secs(30);

/// How long the server waits for answers that are still being written when it stops.
const PATIENCE: Duration = Duration::from_secs(3);

/// One emulator, as its connections see it.
pub(crate) struct Server {
    pub(crate) plane: ControlPlane,
    pub(crate) faults: Faults,
    pub(crate) seen: Record,
    pub(crate) uploads: Uploads,
    pub(crate) scripts: Scripts,
    sessions: Sessions,
    /// Tells connections and sessions that the server stops.
    stopping: watch::Sender<bool>,
    /// Where the content of uploaded files goes.
    space: Space,
    log: Option<fn(&RequestLine)>,
    large_bodies: Semaphore,
    large_answers: Semaphore,
}

impl Server {
    pub(crate) fn new(plane: ControlPlane, faults: Faults, log: Option<fn(&RequestLine)>) -> Self {
        let stopping = watch::Sender::new(false);
        Self {
            plane,
            faults,
            seen: Record::default(),
            uploads: Uploads::default(),
            scripts: Scripts::default(),
            sessions: Sessions::new(stopping.subscribe()),
            stopping,
            space: Space::default(),
            log,
            large_bodies: Semaphore::new(LARGE_BODIES),
            large_answers: Semaphore::new(LARGE_ANSWERS),
        }
    }
}

/// Listens at an address, with room for a crowd before the door.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Elsewhere this would let two programs listen at one address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stopped` is told so, or its sender is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    server: Arc<Server>,
    mut stopped: oneshot::Receiver<()>,
) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS as usize));
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let Ok((stream, peer, permit)) = accepted else {
            // Out of descriptors, most likely: some will be free again soon.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        tokio::spawn(attend(stream, peer, Arc::clone(&server), permit));
    }
    drop(listener);
    server.stopping.send_replace(true);
    // All of them are free once every connection has ended.
    let _ = tokio::time::timeout(PATIENCE, connections.acquire_many(CONNECTIONS)).await;
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

/// Serves a connection; what hyper refuses by itself is answered behind it.
async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    server: Arc<Server>,
    permit: OwnedSemaphorePermit,
) {
    let resetter = Resetter::default();
    let (socket, mut refused) = Socket::new(stream, resetter.clone());
    let ended = serve_socket(socket, resetter, peer, Arc::clone(&server)).await;
    // A client that went away is no concern of the server's.
    if let Err(problem) = ended
        && let Ok(refused) = refused.try_recv()
    {
        malformed::answer(refused, &problem, &server.plane.new_id()).await;
    }
    drop(permit);
}

/// Serves a socket to its end; when the server stops, no more than the request that it is at.
async fn serve_socket(
    socket: Socket,
    resetter: Resetter,
    peer: SocketAddr,
    server: Arc<Server>,
) -> hyper::Result<()> {
    let mut stopping = server.stopping.subscribe();
    let service = service_fn(move |request| {
        let (server, resetter) = (Arc::clone(&server), resetter.clone());
        async move { respond(&server, peer, request, &resetter).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

/// Waits until the server stops.
async fn stop(stopping: &mut watch::Receiver<bool>) {
    // An error says that the server is gone already.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Answers one request; an error closes the connection without an answer.
async fn respond(
    server: &Server,
    peer: SocketAddr,
    request: Request<RequestBody>,
    resetter: &Resetter,
) -> io::Result<Response<Payload>> {
    let started = Instant::now();
    let (mut head, body) = request.into_parts();
    let segments = decode(head.uri.path());
    let operation = server.plane.operation(head.method.as_str(), &segments);
    let (body, form) = receive(server, &head, operation, body).await;
    server.seen.push(seen(&head, operation, &segments, &body));
    let strike = server.faults.strike(operation);
    if let Some(strike) = &strike {
        tokio::time::sleep(strike.latency).await;
    }
    let request_id = server.plane.new_id();
    let script = server.scripts.take(operation);
    let answer = match (instead(strike.as_ref()), body) {
        (Some(refusal), _) | (None, Err(refusal)) => Err(refusal),
        (None, Ok(body)) => {
            let large = body.len() as u64 > SMALL_BODY;
            let _turn = turn(&server.large_answers, large).await;
            let mut incoming = incoming(&head, segments, peer, body, &request_id);
            incoming.gateway = gateway::Extras::new(&head, form, script.clone());
            let answer = server.plane.answer(&incoming);
            gateway::realtime::open(
                &server.sessions,
                &mut head,
                answer,
                script.as_ref(),
                resetter,
            )
        }
    };
    let answer = match strike.as_ref().map(|strike| strike.effect) {
        Some(Effect::Status(status)) => Err(answer::refusal(status)),
        _ => answer,
    };
    let mut response = answer::response(answer);
    gateway::deliver(&mut response, &head, script.as_ref(), resetter);
    finish(server, &head, &mut response, strike.as_ref(), &request_id);
    if let Some(log) = server.log {
        log(&RequestLine {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            operation: operation.map(str::to_owned),
            status: response.status().as_u16(),
            took: started.elapsed(),
        });
    }
    if strike.is_some_and(|strike| strike.effect == Effect::Reset) {
        resetter.reset();
        return Err(io::Error::other("reset on demand"));
    }
    Ok(response)
}

/// What answers in place of the control plane.
fn instead(strike: Option<&Strike>) -> Option<Refusal> {
    let strike = strike.filter(|strike| !strike.carried_out)?;
    match strike.effect {
        Effect::Status(status) => Some(answer::refusal(status)),
        Effect::Reset => Some(answer::refusal(500)),
        Effect::None | Effect::Truncate | Effect::Malformed => None,
    }
}

fn finish(
    server: &Server,
    head: &Parts,
    response: &mut Response<Payload>,
    strike: Option<&Strike>,
    request_id: &str,
) {
    if let Some(strike) = strike {
        answer::spoil(response, strike);
    }
    // A trace that the caller has begun keeps its name.
    let trace = head.headers.get("x-portkey-trace-id").cloned();
    let trace = trace.unwrap_or_else(|| header(&server.plane.new_id()));
    let headers = response.headers_mut();
    headers.insert("x-portkey-trace-id", trace);
    headers.insert("x-portkey-request-id", header(request_id));
}

fn seen(
    head: &Parts,
    operation: Option<&str>,
    segments: &[String],
    body: &Result<Vec<u8>, Refusal>,
) -> SeenRequest {
    let target = head.uri.path_and_query();
    SeenRequest {
        method: head.method.as_str().to_owned(),
        operation: operation.map(str::to_owned),
        target: target.map_or("/", |target| target.as_str()).to_owned(),
        segments: segments.to_vec(),
        headers: headers(&head.headers),
        body: body.as_deref().unwrap_or_default().to_vec(),
    }
}

fn incoming(
    head: &Parts,
    segments: Vec<String>,
    peer: SocketAddr,
    body: Vec<u8>,
    request_id: &str,
) -> Incoming {
    let text = |name: &str| {
        let value = head.headers.get(name)?;
        Some(value.to_str().map(str::to_owned).map_err(|_| ()))
    };
    Incoming {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        segments,
        key: text("x-portkey-api-key"),
        user_agent: text("user-agent").and_then(Result::ok),
        client_ip: peer.ip().to_string(),
        body,
        gateway: gateway::Extras::default(),
        request_id: request_id.to_owned(),
    }
}

/// The body: as bytes, or as the form that it is.
async fn receive(
    server: &Server,
    head: &Parts,
    operation: Option<&'static str>,
    body: RequestBody,
) -> (Result<Vec<u8>, Refusal>, Option<Form>) {
    let Some(operation) = operation.filter(|operation| gateway::takes_form(operation)) else {
        return (collect(server, body).await, None);
    };
    let keep = gateway::keeps_content(operation).then_some(&server.space);
    match Box::pin(gateway::form::receive(head, body, keep)).await {
        Ok(form) => {
            server.uploads.push(operation, &form);
            (Ok(Vec::new()), Some(form))
        }
        Err(refusal) => (Err(refusal), None),
    }
}

/// A turn for something large.
async fn turn(turns: &Semaphore, large: bool) -> Option<SemaphorePermit<'_>> {
    match large {
        true => turns.acquire().await.ok(),
        false => None,
    }
}

/// The whole body, or why there is none.
async fn collect(server: &Server, body: RequestBody) -> Result<Vec<u8>, Refusal> {
    let size = body.size_hint().upper();
    let large = size.is_none_or(|size| size > SMALL_BODY);
    let _turn = turn(&server.large_bodies, large).await;
    let whole = Limited::new(body, LARGEST_BODY).collect();
    match tokio::time::timeout(BODY_TIME, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("body: is larger than {LARGEST_BODY} bytes");
            Err(Refusal::new(413, None, message))
        }
        Ok(Err(_)) => Err(Refusal::invalid(
            "body: is cut off, or its chunks are malformed",
        )),
        Err(_) => Err(Refusal::new(408, None, "body: took too long to arrive")),
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("none"))
}

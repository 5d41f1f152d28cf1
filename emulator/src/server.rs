//! From HTTP to a [`Call`] and back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State as Shelf};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::Utc;
use portkey_admin_codegen::ledger::Plane;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::api_keys::Credential;
use crate::call::{Call, Handler};
use crate::model::Model;
use crate::reply::{Answer, Refusal, Reply};
use crate::requests::SeenRequest;
use crate::route::{Found, Retired, Route, decode};
use crate::state::State;

/// Larger bodies are refused; no operation of the control plane comes near.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// What all requests to one emulator share.
pub(crate) struct Shared {
    model: &'static Model,
    origin: String,
    state: Mutex<State>,
    seen: Mutex<Vec<SeenRequest>>,
}

impl Shared {
    /// A fresh organisation, and its first key.
    pub(crate) fn new(model: &'static Model, origin: String) -> (Self, String) {
        let (state, key) = State::seeded(Utc::now());
        let shared = Self {
            model,
            origin,
            state: Mutex::new(state),
            seen: Mutex::new(Vec::new()),
        };
        (shared, key)
    }

    /// A copy of the requests so far.
    pub(crate) fn seen(&self) -> Vec<SeenRequest> {
        lock(&self.seen).clone()
    }
}

/// A handler that panicked has not left anything half done that a test could mistake for state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until `stopped` is told so, or its sender is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) {
    let router = Router::new().fallback(answer).with_state(shared);
    let stop = async {
        // Sent or dropped: both mean stop.
        let _ = stopped.await;
    };
    // Serving never fails; the result is a formality of its type.
    let _ = axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await;
}

async fn answer(Shelf(shared): Shelf<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let segments = decode(path);
    let body = to_bytes(body, LARGEST_BODY).await;
    lock(&shared.seen).push(SeenRequest {
        method: head.method.as_str().to_owned(),
        target: target.clone(),
        segments: segments.clone(),
        headers: headers(&head.headers),
        body: body.as_deref().unwrap_or_default().to_vec(),
    });
    let Ok(body) = body else {
        return respond(
            Err(Refusal::new(
                413,
                None,
                "the body is too large or was cut off",
            )),
            &head.headers,
        );
    };
    let incoming = Incoming {
        method: head.method.as_str(),
        segments: &segments,
        query,
        body: &body,
    };
    respond(shared.dispatch(&incoming, &head.headers), &head.headers)
}

/// What routing and checking look at.
struct Incoming<'a> {
    method: &'a str,
    segments: &'a [String],
    query: &'a str,
    body: &'a Bytes,
}

impl Shared {
    /// Route, authenticate, authorise, check, handle: in that order.
    fn dispatch(&self, incoming: &Incoming<'_>, headers: &HeaderMap) -> Answer {
        let (route, values) = match self.model.routes.find(incoming.method, incoming.segments) {
            Found::Operation(route, values) => (route, values),
            Found::OtherMethod(route) => {
                self.authenticate(route, headers)?;
                return Err(other_method(route, incoming.method));
            }
            Found::Retired(retired) => return Err(retired_path(retired, incoming)),
            Found::Nothing => return Err(unknown_route()),
        };
        let credential = self.authenticate(route, headers)?;
        if let Some(credential) = &credential {
            authorise(route, credential)?;
        }
        let handler = route.handler.ok_or_else(|| not_yet(route))?;
        self.handle(route, handler, values, credential, incoming)
    }

    fn authenticate(
        &self,
        route: &Route,
        headers: &HeaderMap,
    ) -> Result<Option<Credential>, Refusal> {
        if route.entry.plane == Plane::Public {
            return Ok(None);
        }
        let key = headers
            .get("x-portkey-api-key")
            .and_then(|value| value.to_str().ok());
        let credential =
            key.and_then(|key| lock(&self.state).api_keys.authenticate(key, Utc::now()));
        credential.map(Some).ok_or_else(|| {
            let problem = if key.is_none() {
                "no key was sent"
            } else {
                "the key sent is not valid"
            };
            Refusal::new(401, None, format!("header `x-portkey-api-key`: {problem}"))
        })
    }

    fn handle(
        &self,
        route: &Route,
        handler: Handler,
        path: Vec<String>,
        credential: Option<Credential>,
        incoming: &Incoming<'_>,
    ) -> Answer {
        let check = route.check(&self.model.document).map_err(|problem| {
            Refusal::new(
                500,
                None,
                format!("no request check for `{}`: {problem}", route.key()),
            )
        })?;
        let named: Vec<(&str, &str)> = route.names().zip(path.iter().map(String::as_str)).collect();
        let checked = check.check(&named, incoming.query, incoming.body)?;
        let call = Call {
            caller: credential.map_or(crate::call::Caller::Organisation, |credential| {
                credential.caller
            }),
            paging: route.entry.paging.clone(),
            path,
            query: checked.query,
            body: checked.body,
            now: Utc::now(),
            origin: self.origin.clone(),
        };
        handler(&mut lock(&self.state), &call)
    }
}

/// The ledger says which kinds of key and which scopes an operation takes; empty where unknown.
fn authorise(route: &Route, credential: &Credential) -> Result<(), Refusal> {
    let access = &route.entry.access;
    let kind = credential.kind();
    if !access.keys.is_empty() && !access.keys.iter().any(|known| known == kind) {
        let message = format!("`{}` does not take {kind} keys", route.entry.id);
        return Err(Refusal::forbidden(message));
    }
    if !access.scopes.is_empty() && !access.scopes.iter().any(|scope| credential.has(scope)) {
        let message = format!(
            "`{}` needs one of the scopes {}",
            route.entry.id,
            access.scopes.join(", ")
        );
        return Err(Refusal::forbidden(message));
    }
    Ok(())
}

fn not_yet(route: &Route) -> Refusal {
    Refusal::new(
        501,
        None,
        format!("the emulator does not answer `{}` yet", route.entry.id),
    )
}

/// What the service was seen to answer at a path that it does not know.
fn retired_path(retired: &Retired, incoming: &Incoming<'_>) -> Refusal {
    let hint = retired
        .instead
        .as_ref()
        .map(|instead| format!("; there is `{instead}`"))
        .unwrap_or_default();
    match retired.status {
        400 => unknown_route(),
        404 => Refusal::missing(&format!(
            "{} /{}{hint}:",
            incoming.method,
            incoming.segments.join("/")
        )),
        status => Refusal::new(
            status,
            None,
            format!("this path does not take {}{hint}", incoming.method),
        ),
    }
}

/// The path exists under another method.
fn other_method(route: &Route, method: &str) -> Refusal {
    Refusal::missing(&format!("{method} `{}`:", route.path))
}

/// An unknown path falls through to the gateway, which does not know where to send it.
fn unknown_route() -> Refusal {
    let message = "no operation has this path, and the gateway needs a header x-portkey-config or x-portkey-provider";
    Refusal::new(400, None, message)
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

fn respond(answer: Answer, request: &HeaderMap) -> Response {
    let (status, body) = match answer {
        Ok(Reply(body)) => (200, body),
        Err(refusal) => (refusal.status, Some(refusal.body)),
    };
    let mut response = Response::new(
        body.as_ref()
            .map_or_else(Body::empty, |body: &Value| Body::from(body.to_string())),
    );
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if body.is_some() {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    let fresh = || {
        HeaderValue::from_str(&Uuid::new_v4().to_string())
            .unwrap_or(HeaderValue::from_static("none"))
    };
    // A trace that the caller has begun keeps its name.
    let trace = request
        .get("x-portkey-trace-id")
        .cloned()
        .unwrap_or_else(fresh);
    headers.insert("x-portkey-trace-id", trace);
    headers.insert("x-portkey-request-id", fresh());
    response
}

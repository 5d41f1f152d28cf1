//! The opening handshake of a websocket (RFC 6455, section 4).

use std::pin::pin;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha1_smol::Sha1;

use super::{
    Exchange, IdleTimeout, Outcome, TracedResponse,
    attempt::{AttemptContext, interrupted, read_body, response_head, send_error, status_error},
    identity,
};
use crate::{
    Error,
    error::{ErrorResponse, MAX_BODY_LEN},
    retry::{AttemptSummary, Failure, FailureKind},
};

/// The GUID that a server appends to the key before it hashes it.
const WEBSOCKET_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A connection after the handshake.
pub(crate) struct Upgraded {
    pub(crate) headers: HeaderMap,
    pub(crate) connection: reqwest::Upgraded,
    pub(crate) history: AttemptSummary,
}

impl TracedResponse for Upgraded {
    fn head(&self) -> (StatusCode, &HeaderMap) {
        (StatusCode::SWITCHING_PROTOCOLS, &self.headers)
    }

    fn set_history(&mut self, history: AttemptSummary) {
        self.history = history;
    }
}

impl Exchange {
    /// Sends the request and upgrades the connection to a websocket.
    pub(crate) async fn upgrade(self) -> Result<Upgraded, Error> {
        let http = self.client.http1_client();
        let http = http.map_err(|error| error.with_operation(&self.label))?;
        let attempt = |context| handshake(context, &http);
        self.send_with_retries(attempt, identity).await
    }
}

/// Makes one attempt, with its own key, because a key is valid for one connection.
async fn handshake(context: AttemptContext<'_>, http: &reqwest::Client) -> Outcome<Upgraded> {
    let key = BASE64_STANDARD.encode(fastrand::u128(..).to_ne_bytes());
    let mut request = context.build_request();
    insert_handshake_headers(request.headers_mut(), &key);
    let mut timer = IdleTimeout::new(context.timeout);
    let sending = pin!(http.execute(request));
    let response = response_head(timer.wait_for(sending).await, &timer, context.client())?;
    match response.status() {
        StatusCode::SWITCHING_PROTOCOLS => {}
        status if status.is_success() => return Err(not_switched(response, &mut timer).await),
        _ => return Err(status_error(response, &mut timer).await),
    }
    let upgraded = timer.wait_for(pin!(upgrade(response, &key))).await;
    upgraded.unwrap_or_else(|| Err(interrupted(Error::timed_out(context.timeout))))
}

fn insert_handshake_headers(headers: &mut HeaderMap, key: &str) {
    let fixed = HeaderValue::from_static;
    headers.insert(header::CONNECTION, fixed("Upgrade"));
    headers.insert(header::UPGRADE, fixed("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, fixed("13"));
    // Base64 is always a valid header value.
    if let Ok(key) = HeaderValue::from_str(key) {
        headers.insert(header::SEC_WEBSOCKET_KEY, key);
    }
}

async fn upgrade(response: Box<reqwest::Response>, key: &str) -> Outcome<Upgraded> {
    let headers = response.headers().clone();
    if let Some(problem) = handshake_problem(&headers, key) {
        let status = response.status();
        return Err(unexpected_response(problem, status, headers, Bytes::new()));
    }
    let connection = response.upgrade().await.map_err(send_error)?;
    Ok(Upgraded {
        headers,
        connection,
        history: AttemptSummary::default(),
    })
}

/// Checks the headers of a 101 response: the hash of the key must match, and no extension or
/// protocol is accepted, because none was offered.
fn handshake_problem(headers: &HeaderMap, key: &str) -> Option<&'static str> {
    let digest = Sha1::from(format!("{key}{WEBSOCKET_GUID}")).digest();
    let expected = BASE64_STANDARD.encode(digest.bytes());
    let accept = headers.get(header::SEC_WEBSOCKET_ACCEPT);
    if !has_token(headers, header::UPGRADE, "websocket") {
        return Some("header `upgrade` does not contain `websocket`");
    }
    if !has_token(headers, header::CONNECTION, "upgrade") {
        return Some("header `connection` does not contain `upgrade`");
    }
    if accept.is_none_or(|accept| *accept != expected) {
        return Some("header `sec-websocket-accept` does not match the key that was sent");
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Some("the server selected a websocket extension that was not offered");
    }
    if headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        return Some("the server selected a websocket protocol that was not offered");
    }
    None
}

/// Returns `true` if a comma-separated header contains `token`, ignoring case.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut tokens = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tokens.any(|other| other.trim().eq_ignore_ascii_case(token))
}

/// Returns the failure for a success status other than 101.
async fn not_switched(
    mut response: Box<reqwest::Response>,
    timer: &mut IdleTimeout,
) -> Failure<Error> {
    let (body, _) = read_body(&mut response, timer, MAX_BODY_LEN + 1).await;
    let headers = std::mem::take(response.headers_mut());
    let problem = "the service did not switch to the websocket protocol";
    unexpected_response(problem, response.status(), headers, body)
}

fn unexpected_response(
    problem: &str,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
) -> Failure<Error> {
    let response = ErrorResponse::new(status, headers, body);
    Failure {
        error: Error::unexpected_response(problem).with_response(response),
        kind: FailureKind::Permanent,
        retry_after: None,
    }
}

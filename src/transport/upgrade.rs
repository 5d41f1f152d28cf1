//! The opening handshake of a websocket (RFC 6455, section 4).

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha1_smol::Sha1;

use super::{
    attempt::{Attempt, interrupted, read_body, send_error, status_error},
    deadline::Deadline,
    response::{Outcome, RawResponse},
};
use crate::{
    Error,
    error::{ErrorResponse, MAX_BODY_LEN},
    retry::{Failure, FailureKind},
};

/// The GUID that a server appends to the key before it hashes it.
const WEBSOCKET_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Makes one attempt, with its own key, because a key is valid for one connection.
pub(super) async fn handshake(
    attempt: Attempt<'_>,
    http: &reqwest::Client,
) -> Outcome<RawResponse<reqwest::Upgraded>> {
    let key = BASE64_STANDARD.encode(fastrand::u128(..).to_ne_bytes());
    let mut request = attempt.build_request();
    insert_handshake_headers(request.headers_mut(), &key);
    let deadline = &attempt.deadline;
    let response = attempt.receive_head(http.execute(request)).await?;
    match response.status() {
        StatusCode::SWITCHING_PROTOCOLS => {}
        status if status.is_success() => return Err(not_switched(response, deadline).await),
        _ => return Err(status_error(response, deadline).await),
    }
    let upgraded = deadline.wait_for(upgrade(response, &key)).await;
    upgraded.map_err(interrupted)?
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

async fn upgrade(
    response: reqwest::Response,
    key: &str,
) -> Outcome<RawResponse<reqwest::Upgraded>> {
    let (status, headers) = (response.status(), response.headers().clone());
    if let Some(problem) = handshake_problem(&headers, key) {
        return Err(unexpected_response(problem, status, headers, Bytes::new()));
    }
    let connection = response.upgrade().await.map_err(send_error)?;
    Ok(RawResponse::new(status, headers, connection))
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
async fn not_switched(mut response: reqwest::Response, deadline: &Deadline) -> Failure<Error> {
    let (body, _) = read_body(&mut response, deadline, MAX_BODY_LEN + 1).await;
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
    let error = Error::unexpected_response(problem).with_response(response);
    Failure::new(error, FailureKind::Permanent)
}

//! A connection that ceases to be HTTP: the opening handshake of a websocket (RFC 6455, section 4).

use std::pin::pin;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha1_smol::Sha1;

use super::{
    Exchange, IdleTimeout, Outcome, TracedResponse,
    attempt::{AttemptContext, collect, lost, received, refused, unanswered},
    unchanged,
};
use crate::{
    Error,
    error::{ErrorResponse, LIMIT},
    retry::{AttemptSummary, Failure, FailureKind},
};

/// What a server appends to the key before it hashes it.
const PROOF: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A connection on which a websocket begins.
pub(crate) struct Upgraded {
    pub(crate) headers: HeaderMap,
    pub(crate) connection: reqwest::Upgraded,
    pub(crate) history: AttemptSummary,
}

impl TracedResponse for Upgraded {
    fn head(&self) -> (StatusCode, &HeaderMap) {
        (StatusCode::SWITCHING_PROTOCOLS, &self.headers)
    }

    fn keep(&mut self, history: AttemptSummary) {
        self.history = history;
    }
}

impl Exchange {
    /// Sends the request until the other side agrees to a websocket.
    pub(crate) async fn upgrade(self) -> Result<Upgraded, Error> {
        let http = self.client.http1_client();
        let http = http.map_err(|error| error.of(&self.label))?;
        let attempt = |context| shake_hands(context, &http);
        self.attempts(attempt, unchanged).await
    }
}

/// One attempt. A key is for one connection, so each attempt has its own.
async fn shake_hands(context: AttemptContext<'_>, http: &reqwest::Client) -> Outcome<Upgraded> {
    let key = BASE64_STANDARD.encode(fastrand::u128(..).to_ne_bytes());
    let mut request = context.request();
    ask(request.headers_mut(), &key);
    let mut timer = IdleTimeout::new(context.timeout);
    let sent = pin!(http.execute(request));
    let answer = received(timer.wait_for(sent).await, &timer, context.client())?;
    match answer.status() {
        StatusCode::SWITCHING_PROTOCOLS => {}
        status if status.is_success() => return Err(unwilling(answer, &mut timer).await),
        _ => return Err(refused(answer, &mut timer).await),
    }
    let upgraded = timer.wait_for(pin!(upgraded(answer, &key))).await;
    upgraded.unwrap_or_else(|| Err(lost(Error::timed_out(context.timeout))))
}

/// Puts in what asks for a websocket.
fn ask(headers: &mut HeaderMap, key: &str) {
    let fixed = HeaderValue::from_static;
    headers.insert(header::CONNECTION, fixed("Upgrade"));
    headers.insert(header::UPGRADE, fixed("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, fixed("13"));
    // Base64 is always the value of a header.
    if let Ok(key) = HeaderValue::from_str(key) {
        headers.insert(header::SEC_WEBSOCKET_KEY, key);
    }
}

async fn upgraded(answer: Box<reqwest::Response>, key: &str) -> Outcome<Upgraded> {
    let headers = answer.headers().clone();
    if let Some(problem) = problem(&headers, key) {
        return Err(unusable(problem, answer.status(), headers, Bytes::new()));
    }
    let connection = answer.upgrade().await.map_err(unanswered)?;
    Ok(Upgraded {
        headers,
        connection,
        history: AttemptSummary::default(),
    })
}

/// What is wrong with an agreement: whoever understood the question proves it with a hash of the key,
/// and takes nothing that was not offered.
fn problem(headers: &HeaderMap, key: &str) -> Option<&'static str> {
    let proof = Sha1::from(format!("{key}{PROOF}")).digest().bytes();
    let accepted = headers.get(header::SEC_WEBSOCKET_ACCEPT);
    if !lists(headers, header::UPGRADE, "websocket") {
        return Some("it switches to something other than a websocket");
    }
    if !lists(headers, header::CONNECTION, "upgrade") {
        return Some("its header `connection` does not say `upgrade`");
    }
    if accepted.is_none_or(|accepted| *accepted != BASE64_STANDARD.encode(proof)) {
        return Some(
            "its header `sec-websocket-accept` does not fit the key, so no websocket was meant",
        );
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Some("it takes an extension of the websocket that was not offered");
    }
    if headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        return Some("it takes a protocol of the websocket that was not offered");
    }
    None
}

/// Whether a header lists a word, in whatever case.
fn lists(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut words = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    words.any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

/// A success, but no websocket.
async fn unwilling(mut answer: Box<reqwest::Response>, timer: &mut IdleTimeout) -> Failure<Error> {
    let (body, _) = collect(&mut answer, timer, LIMIT + 1).await;
    let headers = std::mem::take(answer.headers_mut());
    let problem = "the service did not switch to a websocket";
    unusable(problem, answer.status(), headers, body)
}

fn unusable(problem: &str, status: StatusCode, headers: HeaderMap, body: Bytes) -> Failure<Error> {
    Failure {
        error: Error::unusable(problem).with_response(ErrorResponse::new(status, headers, body)),
        kind: FailureKind::Permanent,
        retry_after: None,
    }
}

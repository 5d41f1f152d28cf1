//! Connection failures: the error that the caller gets, the requests that arrive, and that nothing hangs.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod calls;
mod connections;
mod failures;
mod responses;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use portkey_admin::{Client, Error, providers};
use support::{
    KEY, attempts, boxed_call, builder, render_error,
    server::{ScriptedResponse, Server},
};

/// For calls that must not time out.
const LONG_TIMEOUT: Duration = Duration::from_secs(15);
/// For calls that must time out.
const SHORT_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum size of a response body in the table.
const MAX_RESPONSE_SIZE: usize = 1 << 20;

fn response_longer_than_the_limit() -> ScriptedResponse {
    ScriptedResponse::json(200, "x".repeat(MAX_RESPONSE_SIZE + 1))
}

const HTML: &str = "<html><body>Bad gateway</body></html>";

/// `{}`, compressed.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";

fn with_headers(response: ScriptedResponse, count: usize) -> ScriptedResponse {
    (0..count).fold(response, |response, number| {
        response.with_header(&format!("x-header-{number}"), "canary")
    })
}

fn list() -> ScriptedResponse {
    ScriptedResponse::json(200, r#"{"object":"list","total":0,"data":[]}"#)
}

fn html(status: u16) -> ScriptedResponse {
    let response = ScriptedResponse::empty(status).with_header("content-type", "text/html");
    response.with_body(HTML)
}

/// Returns the names of the predicates that return `true`.
fn predicates(error: &Error) -> Vec<&'static str> {
    let all = [
        ("configuration", error.is_configuration()),
        ("invalid_request", error.is_invalid_request()),
        ("paging", error.is_paging()),
        ("timeout", error.is_timeout()),
        ("connect", error.is_connect()),
        ("decode", error.is_decode()),
        ("response_too_large", error.is_response_too_large()),
        ("unauthorized", error.is_unauthorized()),
        ("forbidden", error.is_forbidden()),
        ("not_found", error.is_not_found()),
        ("gone_or_hidden", error.is_gone_or_hidden()),
        ("conflict", error.is_conflict()),
        ("rate_limited", error.is_rate_limited()),
    ];
    all.into_iter()
        .filter(|(_, holds)| *holds)
        .map(|(name, _)| name)
        .collect()
}

/// Returns a client with up to two attempts per call. All of its secrets contain `canary`.
fn client(server: &Server, timeout: Duration) -> Client {
    let options = attempts(2)
        .timeout(timeout)
        .header("x-tenant", "canary-of-a-header");
    builder(server).options(options).build().unwrap()
}

async fn read(client: &Client) -> Result<(), Error> {
    boxed_call(client.list_users().email("canary-of-the-query").send()).await
}

async fn create(client: &Client) -> Result<(), Error> {
    let body = providers::CreateVirtualKeyRequest::builder();
    let body = body
        .name("one")
        .provider("openai")
        .key("canary-of-the-body");
    boxed_call(client.create_virtual_key().body(body).send()).await
}

/// Asserts what holds for every error.
fn assert_common_properties(name: &str, error: &Error) {
    let line = error.to_string();
    assert!(!line.contains('\n'), "{name}: {line}");
    assert!(
        !render_error(error).contains("canary"),
        "{name}: {}",
        render_error(error)
    );
    let start = format!("{}: ", error.operation().unwrap());
    assert!(line.starts_with(&start), "{name}: {line}");
}

/// Asserts that each request contains the key once, in its header.
fn assert_key_sent_once(name: &str, server: &Server) {
    for request in server.requests() {
        assert_eq!(request.header("x-portkey-api-key"), [KEY], "{name}");
        assert_eq!(request.header("x-tenant"), ["canary-of-a-header"], "{name}");
        assert_eq!(format!("{request:?}").matches(KEY).count(), 1, "{name}");
    }
}

//! Connection failures: the error that the caller gets, the requests that arrive, and that nothing hangs.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use portkey_admin::{Client, Error, RequestOptions, RetryPolicy, providers};
use serde_json::{Value, json};
use support::{
    KEY, attempts, boxed_call, builder, render_error,
    server::{ClosedPort, ScriptedResponse, Server},
    spans::Recorder,
    wait_until,
};
use tokio::task::JoinSet;

/// For calls that must not time out.
const LONG_TIMEOUT: Duration = Duration::from_secs(15);
/// For calls that must time out.
const SHORT_TIMEOUT: Duration = Duration::from_secs(2);

/// A response and the expected error.
struct Case {
    name: &'static str,
    response: ScriptedResponse,
    timeout: Duration,
    /// The names of the predicates of the error that return `true`.
    predicates: &'static [&'static str],
    status: Option<u16>,
    /// Whether a read is retried. A create never is in this table.
    retried: bool,
    /// Whether the service may have executed the request.
    may_have_executed: bool,
    /// Parts of the error message.
    message_parts: &'static [&'static str],
}

/// No response: it may have been executed, so only idempotent calls are retried.
fn no_response(name: &'static str, response: ScriptedResponse) -> Case {
    Case {
        name,
        response,
        timeout: LONG_TIMEOUT,
        predicates: &[],
        status: None,
        retried: true,
        may_have_executed: true,
        message_parts: &["no response: error sending request"],
    }
}

/// A success whose body is incomplete.
fn truncated(name: &'static str, response: ScriptedResponse) -> Case {
    Case {
        status: Some(200),
        message_parts: &["200 OK, but the response was interrupted: "],
        ..no_response(name, response)
    }
}

fn timing_out(case: Case) -> Case {
    Case {
        timeout: SHORT_TIMEOUT,
        predicates: &["timeout"],
        message_parts: match case.status {
            None => &["timed out: no response within 2s"],
            Some(_) => &["200 OK, but the response was not complete within 2s"],
        },
        ..case
    }
}

/// A success that cannot be decoded: it was executed, and a retry would not change the response.
fn undecodable(
    name: &'static str,
    response: ScriptedResponse,
    message_parts: &'static [&'static str],
) -> Case {
    Case {
        predicates: &["decode"],
        status: Some(200),
        retried: false,
        message_parts,
        ..no_response(name, response)
    }
}

/// A 4xx response: nothing was executed.
fn refused(name: &'static str, status: u16, predicates: &'static [&'static str]) -> Case {
    let body = json!({"success": false, "data": {"message": "no\nway", "errorCode": "AB01"}});
    Case {
        predicates,
        status: Some(status),
        retried: false,
        may_have_executed: false,
        message_parts: &[" AB01: no way"],
        ..no_response(name, ScriptedResponse::json(status, body.to_string()))
    }
}

/// A response that exceeds a limit: it was executed, and a retry would not change the response.
fn too_large(
    name: &'static str,
    response: ScriptedResponse,
    message_parts: &'static [&'static str],
) -> Case {
    Case {
        predicates: &["response_too_large"],
        retried: false,
        message_parts,
        ..no_response(name, response)
    }
}

/// A status that says nothing about whether the request was executed.
fn unknown_outcome(name: &'static str, status: u16) -> Case {
    Case {
        status: Some(status),
        retried: false,
        message_parts: &[],
        ..no_response(name, ScriptedResponse::empty(status))
    }
}

/// A failure of the service.
fn server_error(
    name: &'static str,
    status: u16,
    response: ScriptedResponse,
    message_parts: &'static [&'static str],
) -> Case {
    Case {
        status: Some(status),
        message_parts,
        ..no_response(name, response)
    }
}

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

fn cases() -> Vec<Case> {
    let nothing_sent = || ScriptedResponse::empty(200).sending_nothing();
    let stalled_refusal = ScriptedResponse::json(500, "{\"message\":\"a b c\"}").stalling(3);
    vec![
        no_response("closed without a response", nothing_sent()),
        no_response("reset without a response", nothing_sent().then_reset()),
        no_response(
            "closed in the middle of the head",
            list().truncated_after(20),
        ),
        no_response(
            "reset in the middle of the head",
            list().truncated_after(20).then_reset(),
        ),
        no_response(
            "not HTTP",
            ScriptedResponse::garbage("SSH-2.0-Scripted\r\n"),
        ),
        truncated("closed in the middle of the body", list().truncated_by(5)),
        truncated(
            "reset in the middle of the body",
            list().truncated_by(5).then_reset(),
        ),
        timing_out(no_response(
            "stalled before the head",
            nothing_sent().then_stall(),
        )),
        timing_out(no_response(
            "stalled in the middle of the head",
            list().truncated_after(20).then_stall(),
        )),
        timing_out(truncated(
            "stalled in the middle of the body",
            list().stalling(5),
        )),
        timing_out(truncated(
            "too slow",
            list().byte_by_byte(SHORT_TIMEOUT / 5),
        )),
        undecodable(
            "truncated JSON",
            ScriptedResponse::json(200, r#"{"data":[{"id":"canary"#),
            &[
                "200 OK, but the response could not be decoded: ",
                "data[0].id: EOF while parsing a string",
            ],
        ),
        undecodable(
            "HTML",
            html(200),
            &[
                "could not be decoded: expected value",
                "(the response has the content type text/html)",
            ],
        ),
        undecodable(
            "unrequested gzip",
            ScriptedResponse::empty(200)
                .with_header("content-type", "application/json")
                .with_header("content-encoding", "gzip")
                .with_bytes(GZIP),
            &[
                "could not be decoded: ",
                "(the response has the content encoding gzip)",
            ],
        ),
        undecodable(
            "a string instead of an object",
            ScriptedResponse::json(200, "\"canary\""),
            &["could not be decoded: expected an object, found a string"],
        ),
        undecodable(
            "invalid UTF-8",
            ScriptedResponse::json(200, "").with_bytes(&b"{\"data\":\"\xff\xfe\"}"[..]),
            &["could not be decoded: data"],
        ),
        Case {
            status: Some(200),
            ..too_large(
                "longer than the limit",
                response_longer_than_the_limit(),
                &["response too large: the body is longer than the limit of 1048576 bytes"],
            )
        },
        Case {
            status: Some(200),
            ..too_large(
                "longer than the limit without a length",
                response_longer_than_the_limit().without_content_length(),
                &["response too large: the body is longer"],
            )
        },
        Case {
            status: Some(200),
            ..too_large(
                "endless",
                ScriptedResponse::json(200, "[\"xxxx\",".repeat(1000)).endless(),
                &["response too large: the body is longer"],
            )
        },
        too_large(
            "more than 256 headers",
            with_headers(list(), 300),
            &["response too large: the head has too many headers or is too long"],
        ),
        too_large(
            "a header of 1 MiB",
            list().with_header("x-long", "x".repeat(1 << 20)),
            &["response too large: the head has too many headers or is too long"],
        ),
        too_large(
            "an endless header",
            ScriptedResponse::garbage("HTTP/1.1 200 OK\r\nx-long: ")
                .with_body("x".repeat(1000))
                .endless(),
            &["response too large: the head"],
        ),
        Case {
            message_parts: &["redirects are not followed"],
            ..unknown_outcome("see other", 303)
        },
        Case {
            message_parts: &["redirects are not followed"],
            ..unknown_outcome("found", 302)
        },
        unknown_outcome("a status without a class", 600),
        unknown_outcome("the last status", 999),
        refused("bad request", 400, &[]),
        refused("unauthorized", 401, &["unauthorized"]),
        refused("forbidden", 403, &["forbidden"]),
        refused("not found", 404, &["not_found", "gone_or_hidden"]),
        refused("conflict", 409, &["conflict"]),
        refused("too large", 413, &[]),
        Case {
            retried: true,
            ..refused("rate limited", 429, &["rate_limited"])
        },
        server_error(
            "request timeout",
            408,
            ScriptedResponse::empty(408),
            &["408 Request Timeout"],
        ),
        server_error(
            "internal error",
            500,
            ScriptedResponse::json(500, "null"),
            &["500 Internal Server Error"],
        ),
        server_error("HTML from a proxy", 502, html(502), &["502 Bad Gateway"]),
        server_error(
            "overload",
            503,
            ScriptedResponse::json(503, "{}"),
            &["503 Service Unavailable"],
        ),
        server_error("gateway timeout", 504, html(504), &["504 Gateway Timeout"]),
        server_error("unknown error of the edge", 520, html(520), &["520"]),
        server_error("origin is down", 521, html(521), &["521"]),
        server_error("no connection to the origin", 522, html(522), &["522"]),
        server_error("origin is unreachable", 523, html(523), &["523"]),
        server_error("origin timed out", 524, html(524), &["524"]),
        server_error("site is overloaded", 529, html(529), &["529"]),
        Case {
            retried: false,
            ..server_error(
                "invalid certificate of the origin",
                526,
                html(526),
                &["526"],
            )
        },
        Case {
            timeout: SHORT_TIMEOUT,
            ..server_error(
                "endless server error",
                500,
                ScriptedResponse::empty(500)
                    .with_body("x".repeat(1000))
                    .endless(),
                &["500 Internal Server Error; response body truncated to 1 MiB"],
            )
        },
        Case {
            timeout: SHORT_TIMEOUT,
            ..server_error(
                "server error whose body stalls",
                500,
                stalled_refusal,
                &["500 Internal Server Error"],
            )
        },
    ]
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

impl Case {
    /// Starts a server with the response, and returns it with a client of it.
    fn server_and_client(&self) -> (Server, Client) {
        let server = Server::with_response(self.response.clone());
        let options = RequestOptions::new().max_response_size(MAX_RESPONSE_SIZE);
        let client = client(&server, self.timeout).with_options(options);
        (server, client)
    }

    /// Sends a call and checks the error.
    async fn check(&self, operation: &str, attempts: u32, (server, client): (Server, Client)) {
        let name = format!("{} ({operation})", self.name);
        let outcome = match operation {
            "list_users" => read(&client).await,
            _ => create(&client).await,
        };
        let error = outcome.expect_err(&name);
        assert_eq!(error.operation(), Some(operation), "{name}");
        assert_eq!(predicates(&error), self.predicates, "{name}: {error}");
        let status = error.status().map(|status| status.as_u16());
        assert_eq!(status, self.status, "{name}: {error}");
        assert_eq!(error.attempts(), attempts, "{name}: {error}");
        assert_eq!(
            error.may_have_executed(),
            self.may_have_executed,
            "{name}: {error}"
        );
        assert_eq!(error.retry_after(), None, "{name}");
        assert_eq!(server.requests().len(), attempts as usize, "{name}");
        for part in self.message_parts {
            assert!(error.to_string().contains(part), "{name}: {part}: {error}");
        }
        let retried = error.to_string().contains(", after 2 attempts");
        assert_eq!(retried, attempts == 2, "{name}: {error}");
        assert_common_properties(&name, &error);
        assert_key_sent_once(&name, &server);
    }
}

#[tokio::test]
async fn every_failure_is_reported_and_retried_if_safe() {
    let recorder = Recorder::start();
    let mut running = JoinSet::new();
    // All clients are built first: building one takes time that would count against running timeouts.
    let prepared: Vec<_> = cases()
        .into_iter()
        .map(|case| (case.server_and_client(), case.server_and_client(), case))
        .collect();
    for (for_get, for_post, case) in prepared {
        running.spawn(async move {
            let attempts = if case.retried { 2 } else { 1 };
            case.check("list_users", attempts, for_get).await;
            case.check("create_virtual_key", 1, for_post).await;
        });
    }
    while let Some(outcome) = running.join_next().await {
        outcome.unwrap();
    }
    assert!(!recorder.spans("portkey.call").is_empty());
    assert!(
        !recorder.debug_output().contains("canary"),
        "{}",
        recorder.debug_output()
    );
}

#[tokio::test]
async fn timeout_error_contains_the_timeout_and_the_partial_body() {
    let server = Server::with_response(list().stalling(5));
    let error = read(&client(&server, SHORT_TIMEOUT)).await.unwrap_err();
    assert_eq!(error.body().unwrap(), r#"{"object":"list","total":0,"data"#);
    let line = error.to_string();
    assert!(line.contains("not complete within 2s"), "{line}");
    wait_until(|| server.client_disconnects() == 2).await;
}

// ---- Other responses

#[tokio::test]
async fn redirects_are_errors_and_their_target_is_not_contacted() {
    for status in [300, 301, 302, 303, 307, 308] {
        let other = Server::with_response(list());
        let redirect = ScriptedResponse::empty(status)
            .with_header("location", other.url("/v1/elsewhere"))
            .with_header("refresh", format!("0; url={}", other.url("/")))
            .with_header("alt-svc", format!("http/1.1=\"{}\"", other.url("")));
        let server = Server::with_response(redirect);
        let client = client(&server, LONG_TIMEOUT);
        for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
            let line = error.to_string();
            assert_eq!(error.status().unwrap().as_u16(), status, "{line}");
            assert!(line.contains("redirects are not followed"), "{line}");
            // 307 and 308 ask for the same request again.
            let may_have_executed = status < 307;
            assert_eq!(
                (error.attempts(), error.may_have_executed()),
                (1, may_have_executed),
                "{line}"
            );
            assert_eq!(predicates(&error), [""; 0], "{line}");
            assert_common_properties("redirect", &error);
        }
        assert_eq!(server.requests().len(), 2);
        assert_eq!(other.connections(), 0);
        assert_key_sent_once("redirect", &server);
    }
}

#[tokio::test]
async fn content_type_of_a_response_is_ignored() {
    for kind in ["text/plain", "text/html", "application/octet-stream"] {
        let server = Server::with_response(list().with_header("content-type", kind));
        read(&client(&server, LONG_TIMEOUT)).await.unwrap();
    }
    let nameless = ScriptedResponse::empty(200).with_body(r#"{"data":[]}"#);
    read(&client(&Server::with_response(nameless), LONG_TIMEOUT))
        .await
        .unwrap();
}

#[tokio::test]
async fn requests_have_no_accept_encoding() {
    let server = Server::with_response(list());
    read(&client(&server, LONG_TIMEOUT)).await.unwrap();
    assert_eq!(server.request().header("accept-encoding"), [""; 0]);
}

#[tokio::test]
async fn slow_response_within_the_timeout_succeeds() {
    let server = Server::with_response(list().byte_by_byte(Duration::from_millis(5)));
    read(&client(&server, LONG_TIMEOUT)).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn response_of_100_megabytes_is_received_completely() {
    let mut body = br#"{"data":[],"new_field":""#.to_vec();
    body.resize(100 << 20, b'x');
    body.extend(br#""}"#);
    let size = body.len();
    let server = Server::with_response(ScriptedResponse::json(200, "").with_bytes(body));
    let call = client(&server, LONG_TIMEOUT)
        .list_users()
        .send_with_response();
    let response = tokio::time::timeout(LONG_TIMEOUT, call)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(response.body().len(), size);
    assert!(response.value().data.is_empty());
    assert!(!format!("{response:?}").contains("xxxxx"));
}

#[tokio::test]
async fn response_up_to_the_maximum_size_is_received() {
    for (size, is_received) in [(99, false), (100, true)] {
        let mut body = br#"{"data":[]}"#.to_vec();
        body.resize(100, b' ');
        for response in [
            ScriptedResponse::json(200, "").with_bytes(body.clone()),
            ScriptedResponse::json(200, "")
                .with_bytes(body)
                .without_content_length(),
        ] {
            let server = Server::with_response(response);
            let options = RequestOptions::new().max_response_size(size);
            let client = client(&server, LONG_TIMEOUT).with_options(options);
            assert_eq!(read(&client).await.is_ok(), is_received, "{size}");
            let raw = client.request(Method::GET, "/things").send_raw().await;
            assert_eq!(raw.is_ok(), is_received, "{size}");
            if let Err(error) = raw {
                assert_eq!(error.body().unwrap().len(), 100);
            }
        }
    }
}

#[tokio::test]
async fn response_with_more_than_100_headers_is_received() {
    for count in [99, 150, 240] {
        let server = Server::with_response(with_headers(list(), count));
        let call = client(&server, LONG_TIMEOUT)
            .list_users()
            .send_with_response();
        let response = call.await.unwrap();
        assert_eq!(
            response.headers()[&format!("x-header-{}", count - 1)],
            "canary"
        );
    }
}

/// A current-thread runtime checks the timeout only between the reads of the connection.
#[tokio::test]
async fn call_ends_while_a_server_sends_endless_interim_responses() {
    for status in ["102 Processing", "103 Early Hints"] {
        let head = format!("HTTP/1.1 {status}\r\nlink: {}\r\n\r\n", "x".repeat(8000));
        let response = ScriptedResponse::garbage(head.clone()).with_body(head);
        let server = Server::with_response(response.endless());
        let client = client(&server, SHORT_TIMEOUT).with_options(attempts(1));
        let start = Instant::now();
        let error = read(&client).await.unwrap_err();
        assert!(error.is_timeout() && error.may_have_executed(), "{error}");
        assert!(start.elapsed() < LONG_TIMEOUT, "{:?}", start.elapsed());
    }
}

/// The maximum number of body bytes that an error keeps.
const MAX_ERROR_BODY: usize = 1 << 20;

#[tokio::test]
async fn long_error_body_is_truncated_at_1_mib_and_the_error_says_so() {
    for (size, is_truncated) in [
        (MAX_ERROR_BODY - 1, false),
        (MAX_ERROR_BODY, false),
        (MAX_ERROR_BODY + 1, true),
        (100 << 20, true),
    ] {
        let body = Bytes::from(vec![b'x'; size]);
        let server = Server::with_response(ScriptedResponse::empty(400).with_bytes(body));
        let error = read(&client(&server, LONG_TIMEOUT)).await.unwrap_err();
        assert_eq!(error.body().unwrap().len(), size.min(MAX_ERROR_BODY));
        assert_eq!(error.is_body_truncated(), is_truncated);
        let line = error.to_string();
        assert_eq!(
            line.contains("response body truncated to 1 MiB"),
            is_truncated,
            "{line}"
        );
        assert!(
            line.len() < 200 && !render_error(&error).contains("xxxxx"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn long_undecodable_body_is_truncated_at_1_mib() {
    let server = Server::with_response(ScriptedResponse::json(
        200,
        "[\"".to_owned() + &"x".repeat(MAX_ERROR_BODY),
    ));
    let error = read(&client(&server, LONG_TIMEOUT)).await.unwrap_err();
    assert!(error.is_decode() && error.is_body_truncated(), "{error}");
    assert_eq!(error.body().unwrap().len(), MAX_ERROR_BODY);
    assert!(
        error
            .to_string()
            .contains("response body truncated to 1 MiB"),
        "{error}"
    );
}

// ---- Connections

#[tokio::test]
async fn refused_connection_is_retried_for_reads_and_creates() {
    let closed = ClosedPort::new();
    let client = Client::builder().api_key(KEY).base_url(closed.url("/v1"));
    let client = client.options(attempts(3)).build().unwrap();
    for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
        assert_eq!(predicates(&error), ["connect"], "{error}");
        assert_eq!(
            (error.attempts(), error.may_have_executed()),
            (3, false),
            "{error}"
        );
        assert_eq!((error.status(), error.body()), (None, None));
        let line = error.to_string();
        assert!(
            line.contains("no response: ") && line.contains(", after 3 attempts"),
            "{line}"
        );
        assert_common_properties("refused connection", &error);
    }
}

/// How a full accept queue is handled depends on the system; Linux does not reply.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn slow_connection_is_reported_as_timeout_and_connect_error() {
    let deaf = support::server::UnresponsivePort::new();
    let client = Client::builder().api_key(KEY).base_url(deaf.url("/v1"));
    let client = client.connect_timeout(Duration::from_millis(100));
    let client = client.options(attempts(2)).build().unwrap();
    for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
        assert_eq!(predicates(&error), ["timeout", "connect"], "{error}");
        assert_eq!(
            (error.attempts(), error.may_have_executed()),
            (2, false),
            "{error}"
        );
        assert_common_properties("slow connection", &error);
    }
}

/// A timeout before the connection is established, for which the request cannot have been sent.
async fn assert_not_sent(client: &Client) {
    let timeout = RequestOptions::new().timeout(Duration::from_millis(300));
    let client = client.with_options(attempts(2)).with_options(timeout);
    for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
        assert_eq!(predicates(&error), ["timeout", "connect"], "{error}");
        assert_eq!(
            (error.attempts(), error.may_have_executed()),
            (2, false),
            "{error}"
        );
        let line = error.to_string();
        assert!(
            line.contains("timed out: no connection within 300ms"),
            "{line}"
        );
        assert_common_properties("no connection", &error);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn attempt_that_times_out_while_connecting_was_not_sent() {
    let deaf = support::server::UnresponsivePort::new();
    let client = Client::builder().api_key(KEY).base_url(deaf.url("/v1"));
    assert_not_sent(&client.build().unwrap()).await;
}

#[cfg(any(feature = "rustls", feature = "rustls-ring", feature = "native-tls"))]
#[tokio::test]
async fn attempt_that_times_out_during_the_tls_handshake_was_not_sent() {
    // The system accepts the connection, but no process reads from it.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let base_url = format!("https://{}/v1", listener.local_addr().unwrap());
    let server = Server::with_response(list());
    let client = builder(&server).base_url(base_url).build().unwrap();
    assert_not_sent(&client).await;
}

#[cfg(any(feature = "rustls", feature = "rustls-ring", feature = "native-tls"))]
#[tokio::test]
async fn attempt_that_times_out_while_a_proxy_connects_was_not_sent() {
    let proxy = Server::with_response(ScriptedResponse::empty(200).sending_nothing().then_stall());
    let client = builder(&proxy)
        .base_url("https://host.example/v1")
        .proxy(proxy.url(""))
        .build()
        .unwrap();
    assert_not_sent(&client).await;
    assert!(
        proxy
            .requests()
            .iter()
            .all(|request| request.method == "CONNECT")
    );
}

#[tokio::test]
async fn attempt_that_times_out_on_a_reused_connection_may_have_been_sent() {
    let server = Server::with_responses([
        list().keep_alive(),
        ScriptedResponse::empty(200).sending_nothing().then_stall(),
    ]);
    let client = client(&server, SHORT_TIMEOUT);
    read(&client).await.unwrap();
    let error = create(&client).await.unwrap_err();
    assert_eq!(predicates(&error), ["timeout"], "{error}");
    assert!(error.may_have_executed(), "{error}");
    assert_eq!(server.connections(), 1);
}

/// The pool may contain a connection that the server has closed in the meantime.
#[tokio::test]
async fn create_on_a_stale_pooled_connection_is_sent_once() {
    for end in [
        ScriptedResponse::sending_nothing,
        |response: ScriptedResponse| response.sending_nothing().then_reset(),
    ] {
        let server =
            Server::with_responses([list().keep_alive(), end(ScriptedResponse::empty(200))]);
        let client = client(&server, LONG_TIMEOUT);
        read(&client).await.unwrap();
        let error = create(&client).await.unwrap_err();
        assert!(error.may_have_executed(), "{error}");
        assert_eq!(error.attempts(), 1, "{error}");
        let methods: Vec<_> = server
            .requests()
            .into_iter()
            .map(|request| request.method)
            .collect();
        assert_eq!(methods, ["GET", "POST"]);
        assert_eq!(
            server.connections(),
            1,
            "the second request must reuse the connection of the first"
        );
    }
}

// ---- Deadlines

#[tokio::test]
async fn attempt_ends_at_the_deadline() {
    let server = Server::with_response(ScriptedResponse::empty(200).sending_nothing().then_stall());
    let policy = RetryPolicy::default()
        .max_attempts(5)
        .deadline(Duration::from_millis(300));
    let options = RequestOptions::new()
        .retry(policy)
        .timeout(Duration::from_secs(3600));
    let client = builder(&server).options(options).build().unwrap();
    let start = Instant::now();
    let error = read(&client).await.unwrap_err();
    // Far above the deadline, for a slow machine, and far below any other timeout.
    assert!(start.elapsed() < Duration::from_secs(10), "{error}");
    assert_eq!(predicates(&error), ["timeout"], "{error}");
    assert_eq!(error.attempts(), 1, "{error}");
}

#[tokio::test]
async fn retry_wait_beyond_the_deadline_is_not_started() {
    let refusal = ScriptedResponse::empty(429).with_header("retry-after", "40");
    let server = Server::with_response(refusal);
    let policy = RetryPolicy::default().deadline(Duration::from_secs(30));
    let client = builder(&server).options(RequestOptions::new().retry(policy));
    let error = read(&client.build().unwrap()).await.unwrap_err();
    assert_eq!(error.attempts(), 1, "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
}

// ---- Concurrent and dropped calls

/// Starts a server that responds with the last segment of the path as `id`.
fn echo_server() -> Server {
    Server::start(|request| {
        let id = request.segments().pop().unwrap();
        ScriptedResponse::json(200, json!({"id": id}).to_string()).keep_alive()
    })
}

#[tokio::test]
async fn concurrent_calls_get_their_own_responses() {
    let server = echo_server();
    let client = client(&server, LONG_TIMEOUT);
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let client = client.clone();
        calls.spawn(async move {
            let call = client.request(Method::GET, format!("/things/{number}"));
            let response: Value = call.send().await.unwrap();
            assert_eq!(response, json!({"id": number.to_string()}));
        });
    }
    while let Some(outcome) = calls.join_next().await {
        outcome.unwrap();
    }
    assert_eq!(server.requests().len(), 200);
}

#[tokio::test]
async fn dropped_call_closes_its_connection() {
    let recorder = Recorder::start();
    let stalled = ScriptedResponse::empty(200).sending_nothing().then_stall();
    let server = Server::with_response(stalled);
    let client = client(&server, LONG_TIMEOUT);
    let call = tokio::spawn(async move { read(&client).await });
    wait_until(|| server.requests().len() == 1).await;
    assert_eq!(server.client_disconnects(), 0);
    call.abort();
    wait_until(|| server.client_disconnects() == 1).await;
    let [span] = &recorder.spans("portkey.call")[..] else {
        panic!("{}", recorder.debug_output());
    };
    assert_eq!(span.field("error.type"), Some("cancelled"));
    assert!(span.is_closed());
    assert!(
        recorder
            .spans("portkey.attempt")
            .iter()
            .all(|attempt| attempt.is_closed())
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn call_dropped_during_a_retry_wait_sends_no_further_request() {
    let recorder = Recorder::start();
    let refusal = ScriptedResponse::empty(503).with_header("retry-after-ms", "200");
    let server = Server::with_response(refusal);
    let client = client(&server, LONG_TIMEOUT);
    let call = tokio::spawn(async move { read(&client).await });
    wait_until(|| recorder.events("trying again").len() == 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let span = &recorder.spans("portkey.call")[0];
    assert_eq!(span.field("error.type"), Some("cancelled"));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(server.requests().len(), 1);
}

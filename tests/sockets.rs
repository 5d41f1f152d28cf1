//! What can go wrong on a connection: what the caller sees of it, what arrives, and that nothing hangs.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use portkey_admin::{Client, Error, RequestOptions, RetryPolicy, types};
use serde_json::{Value, json};
use support::{
    KEY, attempts, builder, sending,
    server::{Answer, Closed, Server},
    shown,
    spans::Recorder,
    until,
};
use tokio::task::JoinSet;

/// Longer than anything takes that is not meant to time out.
const AMPLE: Duration = Duration::from_secs(15);
/// For what is meant to.
const SHORT: Duration = Duration::from_secs(2);

/// An answer, and what comes of it.
struct Case {
    name: &'static str,
    answer: Answer,
    timeout: Duration,
    /// The predicates of the error that hold.
    says: &'static [&'static str],
    status: Option<u16>,
    /// Whether a read is tried again; a create never is, here.
    repeated: bool,
    /// Whether the service may have done it.
    executed: bool,
    /// Parts of the line.
    shows: &'static [&'static str],
}

/// No whole answer: repeated if that does no harm, for it may have been executed.
fn lost(name: &'static str, answer: Answer) -> Case {
    Case {
        name,
        answer,
        timeout: AMPLE,
        says: &[],
        status: None,
        repeated: true,
        executed: true,
        shows: &["no answer: error sending request"],
    }
}

/// A success of which only the beginning came.
fn broken(name: &'static str, answer: Answer) -> Case {
    Case {
        status: Some(200),
        shows: &["200 OK that broke off: "],
        ..lost(name, answer)
    }
}

fn late(case: Case) -> Case {
    Case {
        timeout: SHORT,
        says: &["timeout"],
        shows: match case.status {
            None => &["no answer within 2s"],
            Some(_) => &["200 OK that was not complete within 2s"],
        },
        ..case
    }
}

/// A success that is none to us: it has been executed, and would be the same the next time.
fn unreadable(name: &'static str, answer: Answer, shows: &'static [&'static str]) -> Case {
    Case {
        says: &["decode"],
        status: Some(200),
        repeated: false,
        shows,
        ..lost(name, answer)
    }
}

/// An answer that is no success and of which nothing was executed.
fn refused(name: &'static str, status: u16, says: &'static [&'static str]) -> Case {
    let body = json!({"success": false, "data": {"message": "no\nway", "errorCode": "AB01"}});
    Case {
        says,
        status: Some(status),
        repeated: false,
        executed: false,
        shows: &[" AB01: no way"],
        ..lost(name, Answer::json(status, body.to_string()))
    }
}

/// A failure on the service's side.
fn failed(name: &'static str, status: u16, answer: Answer, shows: &'static [&'static str]) -> Case {
    Case {
        status: Some(status),
        shows,
        ..lost(name, answer)
    }
}

const HTML: &str = "<html><body>Bad gateway</body></html>";

/// `{}`, compressed.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";

fn list() -> Answer {
    Answer::json(200, r#"{"object":"list","total":0,"data":[]}"#)
}

fn html(status: u16) -> Answer {
    let answer = Answer::empty(status).with_header("content-type", "text/html");
    answer.with_body(HTML)
}

fn cases() -> Vec<Case> {
    let nothing = || Answer::empty(200).hanging_up();
    let stalled_refusal = Answer::json(500, "{\"message\":\"a b c\"}").stalling(3);
    vec![
        lost("closed without an answer", nothing()),
        lost("reset without an answer", nothing().then_reset()),
        lost("closed amid the head", list().cut_after(20)),
        lost("reset amid the head", list().cut_after(20).then_reset()),
        lost("no HTTP", Answer::garbage("SSH-2.0-Scripted\r\n")),
        broken("closed amid the body", list().closing_early(5)),
        broken("reset amid the body", list().closing_early(5).then_reset()),
        late(lost("stalled before the head", nothing().then_stall())),
        late(lost(
            "stalled amid the head",
            list().cut_after(20).then_stall(),
        )),
        late(broken("stalled amid the body", list().stalling(5))),
        late(broken("too slow", list().trickling(SHORT / 5))),
        unreadable(
            "half of a document",
            Answer::json(200, r#"{"data":[{"id":"canary"#),
            &[
                "200 OK could not be decoded: ",
                "data[0].id: EOF while parsing a string",
            ],
        ),
        unreadable(
            "HTML",
            html(200),
            &[
                "could not be decoded: expected value",
                "(the answer says it is text/html)",
            ],
        ),
        unreadable(
            "gzip, which nobody asked for",
            Answer::empty(200)
                .with_header("content-type", "application/json")
                .with_header("content-encoding", "gzip")
                .with_bytes(GZIP),
            &["could not be decoded: ", "(the answer is encoded as gzip)"],
        ),
        unreadable(
            "text in the place of an object",
            Answer::json(200, "\"canary\""),
            &["could not be decoded: found text"],
        ),
        unreadable(
            "no text at all",
            Answer::json(200, "").with_bytes(&b"{\"data\":\"\xff\xfe\"}"[..]),
            &["could not be decoded: data"],
        ),
        refused("bad request", 400, &[]),
        refused("unauthorized", 401, &["unauthorized"]),
        refused("forbidden", 403, &["forbidden"]),
        refused("not found", 404, &["not_found", "gone_or_hidden"]),
        refused("conflict", 409, &["conflict"]),
        refused("too large", 413, &[]),
        Case {
            repeated: true,
            ..refused("rate limited", 429, &["rate_limited"])
        },
        failed(
            "timeout over there",
            408,
            Answer::empty(408),
            &["408 Request Timeout"],
        ),
        failed(
            "failure",
            500,
            Answer::json(500, "null"),
            &["500 Internal Server Error"],
        ),
        failed("HTML of a proxy", 502, html(502), &["502 Bad Gateway"]),
        failed(
            "overload",
            503,
            Answer::json(503, "{}"),
            &["503 Service Unavailable"],
        ),
        failed("gateway timeout", 504, html(504), &["504 Gateway Timeout"]),
        Case {
            timeout: SHORT,
            ..failed(
                "a failure whose body stalls",
                500,
                stalled_refusal,
                &["500 Internal Server Error"],
            )
        },
    ]
}

/// The predicates that hold, by name.
fn says(error: &Error) -> Vec<&'static str> {
    let all = [
        ("configuration", error.is_configuration()),
        ("invalid_request", error.is_invalid_request()),
        ("paging", error.is_paging()),
        ("timeout", error.is_timeout()),
        ("connect", error.is_connect()),
        ("decode", error.is_decode()),
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

/// A client whose secrets all hold `canary`, which tries a call twice.
fn client(server: &Server, timeout: Duration) -> Client {
    let options = attempts(2)
        .timeout(timeout)
        .header("x-tenant", "canary-of-a-header");
    builder(server).options(options).build().unwrap()
}

async fn read(client: &Client) -> Result<(), Error> {
    sending(client.list_users().email("canary-of-the-query").send()).await
}

async fn create(client: &Client) -> Result<(), Error> {
    let body = types::CreateVirtualKeyRequest::builder();
    let body = body
        .name("one")
        .provider("openai")
        .key("canary-of-the-body");
    sending(client.create_virtual_key().body(body).send()).await
}

/// Everything that holds of an error, whatever went wrong.
fn check_manners(name: &str, error: &Error) {
    let line = error.to_string();
    assert!(!line.contains('\n'), "{name}: {line}");
    assert!(!shown(error).contains("canary"), "{name}: {}", shown(error));
    let start = format!("{}: ", error.operation().unwrap());
    assert!(line.starts_with(&start), "{name}: {line}");
}

/// The key is where it belongs, once, and nowhere else.
fn check_key(name: &str, server: &Server) {
    for request in server.requests() {
        assert_eq!(request.header("x-portkey-api-key"), [KEY], "{name}");
        assert_eq!(request.header("x-tenant"), ["canary-of-a-header"], "{name}");
        assert_eq!(format!("{request:?}").matches(KEY).count(), 1, "{name}");
    }
}

impl Case {
    /// A server of its own, and a client of it.
    fn pair(&self) -> (Server, Client) {
        let server = Server::answering(self.answer.clone());
        let client = client(&server, self.timeout);
        (server, client)
    }

    /// Sends a call and compares.
    async fn check(&self, operation: &str, attempts: u32, (server, client): (Server, Client)) {
        let name = format!("{} ({operation})", self.name);
        let outcome = match operation {
            "list_users" => read(&client).await,
            _ => create(&client).await,
        };
        let error = outcome.expect_err(&name);
        assert_eq!(error.operation(), Some(operation), "{name}");
        assert_eq!(says(&error), self.says, "{name}: {error}");
        let status = error.status().map(|status| status.as_u16());
        assert_eq!(status, self.status, "{name}: {error}");
        assert_eq!(error.attempts(), attempts, "{name}: {error}");
        assert_eq!(error.may_have_executed(), self.executed, "{name}: {error}");
        assert_eq!(error.retry_after(), None, "{name}");
        assert_eq!(server.requests().len(), attempts as usize, "{name}");
        for part in self.shows {
            assert!(error.to_string().contains(part), "{name}: {part}: {error}");
        }
        let repeated = error.to_string().contains(", after 2 attempts");
        assert_eq!(repeated, attempts == 2, "{name}: {error}");
        check_manners(&name, &error);
        check_key(&name, &server);
    }
}

#[tokio::test]
async fn every_failure_is_told_and_repeated_where_that_is_safe() {
    let recorder = Recorder::start();
    let mut running = JoinSet::new();
    // Building a client takes its time, which no call that is under way should lose.
    let prepared: Vec<_> = cases()
        .into_iter()
        .map(|case| (case.pair(), case.pair(), case))
        .collect();
    for (for_get, for_post, case) in prepared {
        running.spawn(async move {
            let attempts = if case.repeated { 2 } else { 1 };
            case.check("list_users", attempts, for_get).await;
            case.check("create_virtual_key", 1, for_post).await;
        });
    }
    while let Some(outcome) = running.join_next().await {
        outcome.unwrap();
    }
    assert!(!recorder.spans("portkey.call").is_empty());
    assert!(!recorder.text().contains("canary"), "{}", recorder.text());
}

#[tokio::test]
async fn a_timeout_names_the_time_and_keeps_what_came() {
    let server = Server::answering(list().stalling(5));
    let error = read(&client(&server, SHORT)).await.unwrap_err();
    assert_eq!(error.body().unwrap(), r#"{"object":"list","total":0,"data"#);
    let line = error.to_string();
    assert!(line.contains("not complete within 2s"), "{line}");
    until(|| server.hangups() == 2).await;
}

// ---- Other answers

#[tokio::test]
async fn redirects_are_errors_and_nobody_else_is_asked() {
    for status in [300, 301, 302, 303, 307, 308] {
        let other = Server::answering(list());
        let redirect = Answer::empty(status)
            .with_header("location", other.url("/v1/elsewhere"))
            .with_header("refresh", format!("0; url={}", other.url("/")))
            .with_header("alt-svc", format!("http/1.1=\"{}\"", other.url("")));
        let server = Server::answering(redirect);
        let client = client(&server, AMPLE);
        for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
            let line = error.to_string();
            assert_eq!(error.status().unwrap().as_u16(), status, "{line}");
            assert!(line.contains("redirects are not followed"), "{line}");
            assert_eq!(
                (error.attempts(), error.may_have_executed()),
                (1, false),
                "{line}"
            );
            assert_eq!(says(&error), [""; 0], "{line}");
            check_manners("redirect", &error);
        }
        assert_eq!(server.requests().len(), 2);
        assert_eq!(other.connections(), 0);
        check_key("redirect", &server);
    }
}

#[tokio::test]
async fn what_the_content_type_says_does_not_matter() {
    for kind in ["text/plain", "text/html", "application/octet-stream"] {
        let server = Server::answering(list().with_header("content-type", kind));
        read(&client(&server, AMPLE)).await.unwrap();
    }
    let nameless = Answer::empty(200).with_body(r#"{"data":[]}"#);
    read(&client(&Server::answering(nameless), AMPLE))
        .await
        .unwrap();
}

#[tokio::test]
async fn no_compression_is_asked_for() {
    let server = Server::answering(list());
    read(&client(&server, AMPLE)).await.unwrap();
    assert_eq!(server.request().header("accept-encoding"), [""; 0]);
}

#[tokio::test]
async fn a_slow_answer_in_time_is_an_answer() {
    let server = Server::answering(list().trickling(Duration::from_millis(5)));
    read(&client(&server, AMPLE)).await.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_of_100_megabytes_arrives_whole() {
    let mut body = br#"{"data":[],"new_field":""#.to_vec();
    body.resize(100 << 20, b'x');
    body.extend(br#""}"#);
    let size = body.len();
    let server = Server::answering(Answer::json(200, "").with_bytes(body));
    let call = client(&server, AMPLE).list_users().send_with_response();
    let answer = tokio::time::timeout(AMPLE, call).await.unwrap().unwrap();
    assert_eq!(answer.body().len(), size);
    assert!(answer.value().data.is_empty());
    assert!(!format!("{answer:?}").contains("xxxxx"));
}

/// As much of the body as an error keeps.
const KEPT: usize = 1 << 20;

#[tokio::test]
async fn a_long_body_of_an_error_is_cut_and_the_error_says_so() {
    for (size, is_cut) in [
        (KEPT - 1, false),
        (KEPT, false),
        (KEPT + 1, true),
        (100 << 20, true),
    ] {
        let body = Bytes::from(vec![b'x'; size]);
        let server = Server::answering(Answer::empty(400).with_bytes(body));
        let error = read(&client(&server, AMPLE)).await.unwrap_err();
        assert_eq!(error.body().unwrap().len(), size.min(KEPT));
        assert_eq!(error.is_body_truncated(), is_cut);
        let line = error.to_string();
        assert_eq!(line.contains("the body is cut at 1 MiB"), is_cut, "{line}");
        assert!(
            line.len() < 200 && !shown(&error).contains("xxxxx"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_long_body_that_cannot_be_decoded_is_cut_too() {
    let server = Server::answering(Answer::json(200, "[\"".to_owned() + &"x".repeat(KEPT)));
    let error = read(&client(&server, AMPLE)).await.unwrap_err();
    assert!(error.is_decode() && error.is_body_truncated(), "{error}");
    assert_eq!(error.body().unwrap().len(), KEPT);
    assert!(
        error.to_string().contains("the body is cut at 1 MiB"),
        "{error}"
    );
}

// ---- Connections

#[tokio::test]
async fn a_refused_connection_executes_nothing_so_everything_is_repeated() {
    let closed = Closed::new();
    let client = Client::builder().api_key(KEY).base_url(closed.url("/v1"));
    let client = client.options(attempts(3)).build().unwrap();
    for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
        assert_eq!(says(&error), ["connect"], "{error}");
        assert_eq!(
            (error.attempts(), error.may_have_executed()),
            (3, false),
            "{error}"
        );
        assert_eq!((error.status(), error.body()), (None, None));
        let line = error.to_string();
        assert!(
            line.contains("no answer: ") && line.contains(", after 3 attempts"),
            "{line}"
        );
        check_manners("refused connection", &error);
    }
}

/// How full queues are treated is up to the system; Linux does not answer.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_takes_too_long_is_a_timeout_of_connecting() {
    let deaf = support::server::Deaf::new();
    let client = Client::builder().api_key(KEY).base_url(deaf.url("/v1"));
    let client = client.connect_timeout(Duration::from_millis(100));
    let client = client.options(attempts(2)).build().unwrap();
    for error in [read(&client).await, create(&client).await].map(Result::unwrap_err) {
        assert_eq!(says(&error), ["timeout", "connect"], "{error}");
        assert_eq!(
            (error.attempts(), error.may_have_executed()),
            (2, false),
            "{error}"
        );
        check_manners("slow connection", &error);
    }
}

/// A pool may hold a connection that is gone by the time it is used.
#[tokio::test]
async fn a_create_over_an_old_connection_is_sent_once() {
    for end in [Answer::hanging_up, |answer: Answer| {
        answer.hanging_up().then_reset()
    }] {
        let server = Server::playing([list().keeping_alive(), end(Answer::empty(200))]);
        let client = client(&server, AMPLE);
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
            "the second request used the first one's connection"
        );
    }
}

// ---- Deadlines

#[tokio::test]
async fn no_attempt_outlives_the_deadline() {
    let server = Server::answering(Answer::empty(200).hanging_up().then_stall());
    let policy = RetryPolicy::default()
        .max_attempts(5)
        .deadline(Duration::from_millis(300));
    let options = RequestOptions::new()
        .retry(policy)
        .timeout(Duration::from_secs(3600));
    let client = builder(&server).options(options).build().unwrap();
    let begun = Instant::now();
    let error = read(&client).await.unwrap_err();
    // Far above the deadline, for a busy machine, and far below whatever else would end it.
    assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
    assert_eq!(says(&error), ["timeout"], "{error}");
    assert_eq!(error.attempts(), 1, "{error}");
}

#[tokio::test]
async fn no_wait_is_begun_that_the_deadline_would_cut_off() {
    let busy = Answer::empty(429).with_header("retry-after", "40");
    let server = Server::answering(busy);
    let policy = RetryPolicy::default().deadline(Duration::from_secs(30));
    let client = builder(&server).options(RequestOptions::new().retry(policy));
    let error = read(&client.build().unwrap()).await.unwrap_err();
    assert_eq!(error.attempts(), 1, "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
}

// ---- Many at a time, and none

/// Answers with the last segment of the path.
fn echo() -> Server {
    Server::start(|request| {
        let id = request.segments().pop().unwrap();
        Answer::json(200, json!({"id": id}).to_string()).keeping_alive()
    })
}

#[tokio::test]
async fn calls_at_the_same_time_get_their_own_answers() {
    let server = echo();
    let client = client(&server, AMPLE);
    let mut calls = JoinSet::new();
    for number in 0..200 {
        let client = client.clone();
        calls.spawn(async move {
            let call = client.request(Method::GET, format!("/things/{number}"));
            let answer: Value = call.send().await.unwrap();
            assert_eq!(answer, json!({"id": number.to_string()}));
        });
    }
    while let Some(outcome) = calls.join_next().await {
        outcome.unwrap();
    }
    assert_eq!(server.requests().len(), 200);
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection() {
    let recorder = Recorder::start();
    let stalled = Answer::empty(200).hanging_up().then_stall();
    let server = Server::answering(stalled);
    let client = client(&server, AMPLE);
    let call = tokio::spawn(async move { read(&client).await });
    until(|| server.requests().len() == 1).await;
    assert_eq!(server.hangups(), 0);
    call.abort();
    until(|| server.hangups() == 1).await;
    let [span] = &recorder.spans("portkey.call")[..] else {
        panic!("{}", recorder.text());
    };
    assert_eq!(span.field("error.type"), Some("cancelled"));
    assert!(span.is_over());
    assert!(
        recorder
            .spans("portkey.attempt")
            .iter()
            .all(|attempt| attempt.is_over())
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_waits_sends_no_more() {
    let recorder = Recorder::start();
    let busy = Answer::empty(503).with_header("retry-after-ms", "200");
    let server = Server::answering(busy);
    let client = client(&server, AMPLE);
    let call = tokio::spawn(async move { read(&client).await });
    until(|| recorder.events("trying again").len() == 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let span = &recorder.spans("portkey.call")[0];
    assert_eq!(span.field("error.type"), Some("cancelled"));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(server.requests().len(), 1);
}

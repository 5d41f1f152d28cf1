//! What is sent again, when, and what that means for the outcome.
//!
//! `src/call/every.rs` holds every operation to its class; here is what else a caller relies on.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use portkey_admin::{Client, Error, RequestOptions, RetryPolicy, types};
use support::{
    Sending, attempts, builder, sending,
    server::{Answer, Closed, Server},
    until,
};
use tokio::task::JoinSet;

fn client(server: &Server, options: RequestOptions) -> Client {
    builder(server).options(options).build().unwrap()
}

fn read(client: &Client) -> Sending {
    sending(client.list_users().send())
}

fn create(client: &Client) -> Sending {
    let body = types::CreateVirtualKeyRequest::builder();
    let body = body.name("one").provider("openai").key("two");
    sending(client.create_virtual_key().body(body).send())
}

fn delete(client: &Client) -> Sending {
    sending(client.delete_user("one").send())
}

fn replace(client: &Client) -> Sending {
    let body = types::UpdateWorkspaceRequest::builder().name("one");
    sending(client.update_workspace("one").body(body).send())
}

fn done() -> Answer {
    Answer::json(200, "{}")
}

/// An attempt that was refused, and never executed.
fn busy(status: u16) -> Answer {
    Answer::empty(status).with_header("retry-after-ms", "1")
}

/// Attempts that may have been executed.
fn doubtful() -> [Answer; 7] {
    let nothing = || Answer::empty(200).hanging_up();
    [
        nothing(),
        nothing().then_reset(),
        done().closing_early(1),
        Answer::empty(408),
        Answer::empty(500),
        Answer::empty(502),
        Answer::empty(503),
    ]
}

/// Plays `answers` to a call of up to three attempts; gives its outcome and how many requests arrived.
async fn play(
    answers: impl IntoIterator<Item = Answer>,
    call: fn(&Client) -> Sending,
    options: RequestOptions,
) -> (Result<(), Error>, usize) {
    let server = Server::playing(answers);
    let outcome = call(&client(&server, options)).await;
    (outcome, server.requests().len())
}

// ---- Deletions

#[tokio::test]
async fn a_repeated_deletion_that_finds_nothing_has_succeeded() {
    for doubt in doubtful() {
        let (outcome, arrived) = play([doubt, Answer::empty(404)], delete, attempts(3)).await;
        outcome.unwrap();
        assert_eq!(arrived, 2);
    }
    // In between it was refused, which does not make it undone.
    let answers = [Answer::empty(500), busy(429), Answer::empty(404)];
    let (outcome, arrived) = play(answers, delete, attempts(3)).await;
    outcome.unwrap();
    assert_eq!(arrived, 3);
}

#[tokio::test]
async fn the_answer_to_such_a_deletion_says_404() {
    let gone = Answer::json(404, r#"{"message":"no such user"}"#);
    let server = Server::playing([Answer::empty(500), gone]);
    let client = client(&server, attempts(3));
    let answer = client
        .delete_user("one")
        .send_with_response()
        .await
        .unwrap();
    assert_eq!(
        (answer.status(), answer.attempts()),
        (StatusCode::NOT_FOUND, 2)
    );
    assert!(answer.body().is_empty());

    let server = Server::playing([Answer::empty(500), Answer::empty(404)]);
    let client = support::builder(&server)
        .options(attempts(2))
        .build()
        .unwrap();
    let answer = client
        .request(Method::DELETE, "/things/one")
        .send_raw()
        .await
        .unwrap();
    assert_eq!(
        (answer.status(), answer.attempts()),
        (StatusCode::NOT_FOUND, 2)
    );
}

/// 403 `AB03` is "gone" or "a scope is missing" (E10); taken for a success, the latter would be a
/// deletion that never was.
#[tokio::test]
async fn a_repeated_deletion_that_may_not_look_says_both_readings() {
    let hidden = r#"{"success":false,"data":{"message":"no","errorCode":"AB03"}}"#;
    let hidden = || Answer::json(403, hidden);
    let (outcome, _) = play([Answer::empty(500), hidden()], delete, attempts(3)).await;
    let error = outcome.unwrap_err();
    assert!(
        error.is_gone_or_hidden() && error.may_have_executed(),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("an attempt before has deleted it"),
        "{error}"
    );

    let (outcome, _) = play([busy(429), hidden()], delete, attempts(3)).await;
    let error = outcome.unwrap_err();
    assert!(!error.may_have_executed(), "{error}");
    assert!(!error.to_string().contains("attempt before"), "{error}");
}

#[tokio::test]
async fn a_deletion_that_nobody_executed_before_finds_nothing() {
    for answers in [
        vec![Answer::empty(404)],
        vec![busy(429), Answer::empty(404)],
        vec![busy(503), Answer::empty(404)],
    ] {
        let expected = answers.len();
        let (outcome, arrived) = play(answers, delete, attempts(3)).await;
        let error = outcome.unwrap_err();
        assert!(
            error.is_not_found() && !error.may_have_executed(),
            "{error}"
        );
        assert_eq!((error.attempts() as usize, arrived), (expected, expected));
    }
}

#[tokio::test]
async fn only_a_deletion_succeeds_by_finding_nothing() {
    for call in [read, replace] {
        let answers = [Answer::empty(500), Answer::empty(404)];
        let (outcome, _) = play(answers, call, attempts(3)).await;
        let error = outcome.unwrap_err();
        assert!(error.is_not_found() && error.may_have_executed(), "{error}");
        assert_eq!(error.attempts(), 2);
    }
    let answers = [Answer::empty(500), Answer::empty(409)];
    let (outcome, _) = play(answers, delete, attempts(3)).await;
    assert!(outcome.unwrap_err().is_conflict());
}

// ---- Creations

#[tokio::test]
async fn a_create_is_sent_once_where_it_may_have_been_executed() {
    for doubt in doubtful() {
        let (outcome, arrived) = play([doubt, done()], create, attempts(3)).await;
        let error = outcome.unwrap_err();
        assert!(error.may_have_executed(), "{error}");
        assert_eq!((error.attempts(), arrived), (1, 1), "{error}");
    }
    // 429 without a time to come back is no promise, either.
    let (outcome, arrived) = play([Answer::empty(429), done()], create, attempts(3)).await;
    assert!(outcome.unwrap_err().is_rate_limited());
    assert_eq!(arrived, 1);
}

#[tokio::test]
async fn a_create_is_sent_again_where_it_was_refused_with_a_time_to_come_back() {
    for status in [429, 503] {
        let (outcome, arrived) = play([busy(status), done()], create, attempts(3)).await;
        outcome.unwrap();
        assert_eq!(arrived, 2);
    }
    let (outcome, arrived) = play([busy(503), Answer::empty(500)], create, attempts(9)).await;
    assert!(outcome.unwrap_err().may_have_executed());
    assert_eq!(arrived, 2);
}

#[tokio::test]
async fn a_trigger_makes_an_update_a_create() {
    let update = |client: &Client, reset: bool| {
        let body = types::UpdateApiKeyRequest::builder()
            .name("one")
            .reset_usage(reset);
        sending(client.update_api_key("one").body(body).send())
    };
    for (reset, expected) in [(false, 2), (true, 1)] {
        let server = Server::playing([Answer::empty(500), done()]);
        let outcome = update(&client(&server, attempts(3)), reset).await;
        assert_eq!(outcome.is_ok(), !reset);
        assert_eq!(server.requests().len(), expected);
    }
}

#[tokio::test]
async fn the_caller_may_say_otherwise() {
    for doubt in doubtful() {
        let knows = || attempts(3).idempotent(true);
        let (outcome, arrived) = play([doubt.clone(), done()], create, knows()).await;
        outcome.unwrap();
        assert_eq!(arrived, 2);
        for call in [read, delete, replace] {
            let fears = attempts(3).idempotent(false);
            let (outcome, arrived) = play([doubt.clone(), done()], call, fears).await;
            assert!(outcome.unwrap_err().may_have_executed());
            assert_eq!(arrived, 1);
        }
    }
    let (outcome, arrived) = play([busy(429), done()], read, attempts(3).idempotent(false)).await;
    outcome.unwrap();
    assert_eq!(arrived, 2);
}

#[tokio::test]
async fn every_attempt_is_the_same_request() {
    let server = Server::playing([Answer::empty(500), Answer::empty(200).hanging_up(), done()]);
    replace(&client(&server, attempts(3).header("x-tenant", "one")))
        .await
        .unwrap();
    let sent: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| {
            (
                request.method,
                request.target,
                request.headers,
                request.body,
            )
        })
        .collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| *request == sent[0]));
    assert_eq!(sent[0].3, br#"{"name":"one"}"#);
}

#[tokio::test]
async fn raw_requests_are_repeated_by_their_method() {
    for (method, expected) in [
        (Method::GET, 2),
        (Method::HEAD, 2),
        (Method::DELETE, 2),
        (Method::PUT, 1),
        (Method::POST, 1),
        (Method::PATCH, 1),
    ] {
        let server = Server::playing([Answer::empty(500), Answer::empty(200)]);
        let client = client(&server, attempts(3));
        let outcome = client.request(method.clone(), "/things").send_raw().await;
        assert_eq!(server.requests().len(), expected, "{method}");
        assert_eq!(outcome.is_ok(), expected == 2, "{method}");
    }
}

// ---- Waiting

/// Plays a refusal with a header, then a success, to a read and to a create; gives how long after
/// the first request the second one came.
async fn waited(status: u16, header: (&str, String)) -> [Duration; 2] {
    let mut waits = [Duration::ZERO; 2];
    for (wait, call) in waits.iter_mut().zip([read, create]) {
        let refusal = Answer::empty(status).with_header(header.0, header.1.clone());
        let server = Server::playing([refusal, done()]);
        call(&client(&server, attempts(3))).await.unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{header:?}");
        *wait = requests[1].at - requests[0].at;
    }
    waits
}

#[tokio::test]
async fn the_service_is_left_alone_for_as_long_as_it_asks() {
    let mut running = JoinSet::new();
    for (name, value, expected) in [
        ("retry-after", "1", 1000),
        ("retry-after", "0.15", 150),
        ("Retry-After", "0", 0),
        ("retry-after-ms", "150", 150),
        ("retry-after-ms", "150.5", 150),
    ] {
        for status in [429, 503] {
            running.spawn(async move {
                for wait in waited(status, (name, value.to_owned())).await {
                    assert!(
                        wait >= Duration::from_millis(expected),
                        "{name} {value} {wait:?}"
                    );
                }
            });
        }
    }
    while let Some(outcome) = running.join_next().await {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn a_date_is_waited_for() {
    let date = SystemTime::now() + Duration::from_secs(2);
    let text = httpdate::fmt_http_date(date);
    let server = Server::playing([
        Answer::empty(429).with_header("retry-after", &*text),
        done(),
    ]);
    create(&client(&server, attempts(2))).await.unwrap();
    // HTTP dates have no fractions of a second.
    assert!(SystemTime::now() >= httpdate::parse_http_date(&text).unwrap());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn who_is_asked_to_wait_too_long_fails_at_once_and_says_how_long() {
    let next_year = SystemTime::now() + Duration::from_secs(365 * 24 * 60 * 60);
    for (name, value) in [
        ("retry-after", "61".to_owned()),
        ("retry-after", "60.5".to_owned()),
        ("retry-after-ms", "60001".to_owned()),
        ("retry-after", httpdate::fmt_http_date(next_year)),
        ("retry-after", "1e300".to_owned()),
    ] {
        for call in [read, create] {
            let answer = Answer::empty(429).with_header(name, value.clone());
            let (outcome, arrived) = play([answer, done()], call, attempts(3)).await;
            let error = outcome.unwrap_err();
            assert!(
                error.is_rate_limited() && !error.may_have_executed(),
                "{error}"
            );
            assert_eq!((error.attempts(), arrived), (1, 1), "{value}");
            let asked = error.retry_after().unwrap();
            assert!(asked > Duration::from_secs(60), "{value}: {asked:?}");
            assert!(error.to_string().contains(", asked to wait "), "{error}");
        }
    }
}

#[tokio::test]
async fn the_longest_wait_can_be_set() {
    let policy = RetryPolicy::default().max_retry_after(Duration::from_millis(500));
    let answer = Answer::empty(503).with_header("retry-after", "1");
    let (outcome, arrived) = play(
        [answer, done()],
        create,
        RequestOptions::new().retry(policy),
    )
    .await;
    let error = outcome.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert!(
        error.to_string().ends_with(", asked to wait 1 s"),
        "{error}"
    );
    assert_eq!(arrived, 1);
}

// ---- Storms

/// 500 tokens at 5 each.
const REPEATS: usize = 100;

#[tokio::test]
async fn all_clones_share_what_stops_a_storm() {
    let server = Server::answering(Answer::empty(503));
    let origin = client(&server, attempts(1000));
    let mut calls = JoinSet::new();
    for number in 0..40 {
        let client = match number % 2 {
            0 => origin.clone(),
            _ => origin.with_options(RequestOptions::new().header("x-tenant", "one")),
        };
        calls.spawn(read(&client));
    }
    while let Some(outcome) = calls.join_next().await {
        let error = outcome.unwrap().unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    }
    assert_eq!(server.requests().len(), 40 + REPEATS);
    // From here on a failure is a failure, and another client has tokens of its own.
    assert_eq!(read(&origin).await.unwrap_err().attempts(), 1);
    let other = client(&server, attempts(3));
    assert_eq!(read(&other).await.unwrap_err().attempts(), 3);
}

#[tokio::test]
async fn successes_bring_tokens_back() {
    let server = Server::start(|request| match request.method.as_str() {
        "GET" => Answer::empty(503),
        _ => done(),
    });
    let client = client(&server, attempts(1000));
    assert_eq!(
        read(&client).await.unwrap_err().attempts() as usize,
        1 + REPEATS
    );
    for _ in 0..5 {
        delete(&client).await.unwrap();
    }
    assert_eq!(read(&client).await.unwrap_err().attempts(), 2);
}

#[tokio::test]
async fn refused_connections_cost_tokens_too() {
    let closed = Closed::new();
    let client = Client::builder().api_key("key").base_url(closed.url("/v1"));
    let client = client.options(attempts(1000)).build().unwrap();
    assert_eq!(
        create(&client).await.unwrap_err().attempts() as usize,
        1 + REPEATS
    );
}

// ---- Timeouts

/// Sends a call to a server that stalls once, and then compares how many requests have arrived.
async fn stall_once(call: fn(&Client) -> Sending, expected: usize) {
    let stalled = Answer::empty(200).hanging_up().then_stall();
    let server = Server::playing([stalled, done()]);
    // Ample for an answer; whatever takes longer is not coming.
    let options = attempts(2).timeout(Duration::from_secs(2));
    let outcome = call(&client(&server, options)).await;
    assert_eq!(outcome.is_ok(), expected == 2);
    assert_eq!(server.requests().len(), expected);
    until(|| server.hangups() == 1).await;
}

#[tokio::test]
async fn a_read_that_stalls_is_tried_again_and_a_create_is_not() {
    tokio::join!(stall_once(read, 2), stall_once(create, 1));
}

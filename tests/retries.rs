//! Which requests are retried, when, and what the outcome is.
//!
//! `src/call/all_operations.rs` checks the retry class of every operation.

#![cfg(feature = "admin")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use portkey_admin::{Client, Error, RequestOptions, RetryPolicy, api_keys, providers, workspaces};
use support::{
    BoxedCall, attempts, boxed_call, builder,
    server::{ClosedPort, ScriptedResponse, Server},
    wait_until,
};
use tokio::task::JoinSet;

fn client(server: &Server, options: RequestOptions) -> Client {
    builder(server).options(options).build().unwrap()
}

fn read(client: &Client) -> BoxedCall {
    boxed_call(client.list_users().send())
}

fn create(client: &Client) -> BoxedCall {
    let body = providers::CreateVirtualKeyRequest::builder();
    let body = body.name("one").provider("openai").key("two");
    boxed_call(client.create_virtual_key().body(body).send())
}

fn delete(client: &Client) -> BoxedCall {
    boxed_call(client.delete_user("one").send())
}

fn replace(client: &Client) -> BoxedCall {
    let body = workspaces::UpdateWorkspaceRequest::builder().name("one");
    boxed_call(client.update_workspace("one").body(body).send())
}

fn success() -> ScriptedResponse {
    ScriptedResponse::json(200, "{}")
}

/// A refusal with `retry-after-ms`: the attempt was not executed.
fn refusal(status: u16) -> ScriptedResponse {
    ScriptedResponse::empty(status).with_header("retry-after-ms", "1")
}

/// Responses after which the attempt may have been executed.
fn possibly_executed() -> [ScriptedResponse; 9] {
    let no_response = || ScriptedResponse::empty(200).sending_nothing();
    [
        no_response(),
        no_response().then_reset(),
        success().truncated_by(1),
        ScriptedResponse::empty(408),
        ScriptedResponse::empty(500),
        ScriptedResponse::empty(502),
        ScriptedResponse::empty(503),
        ScriptedResponse::empty(522),
        ScriptedResponse::empty(529).with_header("retry-after", "0"),
    ]
}

/// Sends `responses` to a call; returns its outcome and the number of requests.
async fn run_script(
    responses: impl IntoIterator<Item = ScriptedResponse>,
    call: fn(&Client) -> BoxedCall,
    options: RequestOptions,
) -> (Result<(), Error>, usize) {
    let server = Server::with_responses(responses);
    let outcome = call(&client(&server, options)).await;
    (outcome, server.requests().len())
}

// ---- Deletions

#[tokio::test]
async fn delete_that_finds_404_after_a_possibly_executed_attempt_succeeds() {
    for first in possibly_executed() {
        let (outcome, request_count) =
            run_script([first, ScriptedResponse::empty(404)], delete, attempts(3)).await;
        outcome.unwrap();
        assert_eq!(request_count, 2);
    }
    // A refusal in between does not undo the first attempt.
    let responses = [
        ScriptedResponse::empty(500),
        refusal(429),
        ScriptedResponse::empty(404),
    ];
    let (outcome, request_count) = run_script(responses, delete, attempts(3)).await;
    outcome.unwrap();
    assert_eq!(request_count, 3);
}

#[tokio::test]
async fn response_of_a_delete_that_finds_404_on_retry_has_status_404() {
    let gone = ScriptedResponse::json(404, r#"{"message":"no such user"}"#);
    let server = Server::with_responses([ScriptedResponse::empty(500), gone]);
    let client = client(&server, attempts(3));
    let response = client
        .delete_user("one")
        .send_with_response()
        .await
        .unwrap();
    assert_eq!(
        (response.status(), response.attempts()),
        (StatusCode::NOT_FOUND, 2)
    );
    assert!(response.body().is_empty());

    let server =
        Server::with_responses([ScriptedResponse::empty(500), ScriptedResponse::empty(404)]);
    let client = support::builder(&server)
        .options(attempts(2))
        .build()
        .unwrap();
    let response = client
        .request(Method::DELETE, "/things/one")
        .send_raw()
        .await
        .unwrap();
    assert_eq!(
        (response.status(), response.attempts()),
        (StatusCode::NOT_FOUND, 2)
    );
}

/// 403 `AB03` means "already deleted" or "a scope is missing" (E10). If it were treated as success, a
/// missing scope would be reported as a deletion.
#[tokio::test]
async fn retried_delete_with_403_ab03_fails_and_mentions_both_causes() {
    let hidden = r#"{"success":false,"data":{"message":"no","errorCode":"AB03"}}"#;
    let hidden = || ScriptedResponse::json(403, hidden);
    let (outcome, _) = run_script(
        [ScriptedResponse::empty(500), hidden()],
        delete,
        attempts(3),
    )
    .await;
    let error = outcome.unwrap_err();
    assert!(
        error.is_gone_or_hidden() && error.may_have_executed(),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("an earlier attempt has deleted it"),
        "{error}"
    );

    let (outcome, _) = run_script([refusal(429), hidden()], delete, attempts(3)).await;
    let error = outcome.unwrap_err();
    assert!(!error.may_have_executed(), "{error}");
    assert!(!error.to_string().contains("attempt before"), "{error}");
}

#[tokio::test]
async fn delete_with_404_fails_if_no_earlier_attempt_may_have_executed() {
    for responses in [
        vec![ScriptedResponse::empty(404)],
        vec![refusal(429), ScriptedResponse::empty(404)],
        vec![refusal(503), ScriptedResponse::empty(404)],
    ] {
        let expected = responses.len();
        let (outcome, request_count) = run_script(responses, delete, attempts(3)).await;
        let error = outcome.unwrap_err();
        assert!(
            error.is_not_found() && !error.may_have_executed(),
            "{error}"
        );
        assert_eq!(
            (error.attempts() as usize, request_count),
            (expected, expected)
        );
    }
}

#[tokio::test]
async fn only_a_delete_succeeds_with_404_on_retry() {
    for call in [read, replace] {
        let responses = [ScriptedResponse::empty(500), ScriptedResponse::empty(404)];
        let (outcome, _) = run_script(responses, call, attempts(3)).await;
        let error = outcome.unwrap_err();
        assert!(error.is_not_found() && error.may_have_executed(), "{error}");
        assert_eq!(error.attempts(), 2);
    }
    let responses = [ScriptedResponse::empty(500), ScriptedResponse::empty(409)];
    let (outcome, _) = run_script(responses, delete, attempts(3)).await;
    assert!(outcome.unwrap_err().is_conflict());
}

// ---- Creations

#[tokio::test]
async fn create_is_not_retried_if_it_may_have_executed() {
    for first in possibly_executed() {
        let (outcome, request_count) = run_script([first, success()], create, attempts(3)).await;
        let error = outcome.unwrap_err();
        assert!(error.may_have_executed(), "{error}");
        assert_eq!((error.attempts(), request_count), (1, 1), "{error}");
    }
    // 429 without a `Retry-After` does not guarantee that nothing was executed.
    let (outcome, request_count) = run_script(
        [ScriptedResponse::empty(429), success()],
        create,
        attempts(3),
    )
    .await;
    assert!(outcome.unwrap_err().is_rate_limited());
    assert_eq!(request_count, 1);
}

#[tokio::test]
async fn create_is_retried_after_a_refusal_with_retry_after() {
    for status in [429, 503] {
        let (outcome, request_count) =
            run_script([refusal(status), success()], create, attempts(3)).await;
        outcome.unwrap();
        assert_eq!(request_count, 2);
    }
    let (outcome, request_count) = run_script(
        [refusal(503), ScriptedResponse::empty(500)],
        create,
        attempts(9),
    )
    .await;
    assert!(outcome.unwrap_err().may_have_executed());
    assert_eq!(request_count, 2);
}

#[tokio::test]
async fn update_is_not_retried_if_a_non_idempotent_field_is_true() {
    let update = |client: &Client, reset: bool| {
        let body = api_keys::UpdateApiKeyRequest::builder()
            .name("one")
            .reset_usage(reset);
        boxed_call(client.update_api_key("one").body(body).send())
    };
    for (reset, expected) in [(false, 2), (true, 1)] {
        let server = Server::with_responses([ScriptedResponse::empty(500), success()]);
        let outcome = update(&client(&server, attempts(3)), reset).await;
        assert_eq!(outcome.is_ok(), !reset);
        assert_eq!(server.requests().len(), expected);
    }
}

#[tokio::test]
async fn idempotent_option_overrides_the_default_of_the_operation() {
    for first in possibly_executed() {
        let idempotent = || attempts(3).idempotent(true);
        let (outcome, request_count) =
            run_script([first.clone(), success()], create, idempotent()).await;
        outcome.unwrap();
        assert_eq!(request_count, 2);
        for call in [read, delete, replace] {
            let non_idempotent = attempts(3).idempotent(false);
            let (outcome, request_count) =
                run_script([first.clone(), success()], call, non_idempotent).await;
            assert!(outcome.unwrap_err().may_have_executed());
            assert_eq!(request_count, 1);
        }
    }
    let (outcome, request_count) = run_script(
        [refusal(429), success()],
        read,
        attempts(3).idempotent(false),
    )
    .await;
    outcome.unwrap();
    assert_eq!(request_count, 2);
}

#[tokio::test]
async fn every_attempt_sends_the_same_request() {
    let server = Server::with_responses([
        ScriptedResponse::empty(500),
        ScriptedResponse::empty(200).sending_nothing(),
        success(),
    ]);
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
async fn raw_requests_are_retried_according_to_their_method() {
    for (method, expected) in [
        (Method::GET, 2),
        (Method::HEAD, 2),
        (Method::DELETE, 2),
        (Method::PUT, 1),
        (Method::POST, 1),
        (Method::PATCH, 1),
    ] {
        let server =
            Server::with_responses([ScriptedResponse::empty(500), ScriptedResponse::empty(200)]);
        let client = client(&server, attempts(3));
        let outcome = client.request(method.clone(), "/things").send_raw().await;
        assert_eq!(server.requests().len(), expected, "{method}");
        assert_eq!(outcome.is_ok(), expected == 2, "{method}");
    }
}

// ---- Waiting

/// Sends a refusal with a header, then a success, to a read and to a create; returns the time between
/// the two requests of each.
async fn retry_delays(status: u16, header: (&str, String)) -> [Duration; 2] {
    let mut delays = [Duration::ZERO; 2];
    for (delay, call) in delays.iter_mut().zip([read, create]) {
        let refusal = ScriptedResponse::empty(status).with_header(header.0, header.1.clone());
        let server = Server::with_responses([refusal, success()]);
        call(&client(&server, attempts(3))).await.unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{header:?}");
        *delay = requests[1].received_at - requests[0].received_at;
    }
    delays
}

#[tokio::test]
async fn retry_waits_for_the_duration_in_retry_after() {
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
                for delay in retry_delays(status, (name, value.to_owned())).await {
                    assert!(
                        delay >= Duration::from_millis(expected),
                        "{name} {value} {delay:?}"
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
async fn retry_waits_until_the_date_in_retry_after() {
    let date = SystemTime::now() + Duration::from_secs(2);
    let text = httpdate::fmt_http_date(date);
    let server = Server::with_responses([
        ScriptedResponse::empty(429).with_header("retry-after", &*text),
        success(),
    ]);
    create(&client(&server, attempts(2))).await.unwrap();
    // HTTP dates have no fractions of a second.
    assert!(SystemTime::now() >= httpdate::parse_http_date(&text).unwrap());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn retry_after_above_the_maximum_fails_immediately_and_is_reported() {
    let next_year = SystemTime::now() + Duration::from_secs(365 * 24 * 60 * 60);
    for (name, value) in [
        ("retry-after", "61".to_owned()),
        ("retry-after", "60.5".to_owned()),
        ("retry-after-ms", "60001".to_owned()),
        ("retry-after", httpdate::fmt_http_date(next_year)),
        ("retry-after", "1e300".to_owned()),
    ] {
        for call in [read, create] {
            let response = ScriptedResponse::empty(429).with_header(name, value.clone());
            let (outcome, request_count) =
                run_script([response, success()], call, attempts(3)).await;
            let error = outcome.unwrap_err();
            assert!(
                error.is_rate_limited() && !error.may_have_executed(),
                "{error}"
            );
            assert_eq!((error.attempts(), request_count), (1, 1), "{value}");
            let asked = error.retry_after().unwrap();
            assert!(asked > Duration::from_secs(60), "{value}: {asked:?}");
            assert!(error.to_string().contains(", retry after "), "{error}");
        }
    }
}

#[tokio::test]
async fn max_retry_after_can_be_configured() {
    let policy = RetryPolicy::default().max_retry_after(Duration::from_millis(500));
    let response = ScriptedResponse::empty(503).with_header("retry-after", "1");
    let (outcome, request_count) = run_script(
        [response, success()],
        create,
        RequestOptions::new().retry(policy),
    )
    .await;
    let error = outcome.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert!(error.to_string().ends_with(", retry after 1 s"), "{error}");
    assert_eq!(request_count, 1);
}

/// `Retry-After` is longer than a call to the control plane may take.
#[tokio::test]
async fn call_to_the_gateway_has_a_longer_deadline() {
    let refusal = || ScriptedResponse::empty(503).with_header("retry-after", "200");
    let policy = || RetryPolicy::default().max_retry_after(Duration::from_secs(1000));
    let options = || RequestOptions::new().retry(policy());
    let (outcome, request_count) = run_script([refusal(), success()], read, options()).await;
    let error = outcome.unwrap_err();
    assert_eq!((error.attempts(), request_count), (1, 1), "{error}");

    let read_log = |client: &Client| boxed_call(client.get_log("one").send());
    let server = Server::with_responses([refusal(), success()]);
    let call = read_log(&client(&server, options()));
    let waiting = tokio::time::timeout(Duration::from_millis(300), call).await;
    assert!(waiting.is_err(), "{waiting:?}");
    assert_eq!(server.requests().len(), 1);

    // A deadline that is set applies to both planes.
    let policy = policy().deadline(Duration::from_secs(120));
    let options = RequestOptions::new().retry(policy);
    let server = Server::with_responses([refusal(), success()]);
    let error = read_log(&client(&server, options)).await.unwrap_err();
    assert_eq!(error.attempts(), 1, "{error}");
}

// ---- Retry budget

/// The budget of 500 tokens allows this many retries of 5 tokens each.
const MAX_RETRIES: usize = 100;

#[tokio::test]
async fn clones_of_a_client_share_the_retry_budget() {
    let server = Server::with_response(ScriptedResponse::empty(503));
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
    assert_eq!(server.requests().len(), 40 + MAX_RETRIES);
    // The shared budget is used up; another client has its own.
    assert_eq!(read(&origin).await.unwrap_err().attempts(), 1);
    let other = client(&server, attempts(3));
    assert_eq!(read(&other).await.unwrap_err().attempts(), 3);
}

#[tokio::test]
async fn successes_refill_the_retry_budget() {
    let server = Server::start(|request| match request.method.as_str() {
        "GET" => ScriptedResponse::empty(503),
        _ => success(),
    });
    let client = client(&server, attempts(1000));
    assert_eq!(
        read(&client).await.unwrap_err().attempts() as usize,
        1 + MAX_RETRIES
    );
    for _ in 0..5 {
        delete(&client).await.unwrap();
    }
    assert_eq!(read(&client).await.unwrap_err().attempts(), 2);
}

#[tokio::test]
async fn refused_connections_consume_the_retry_budget() {
    let closed = ClosedPort::new();
    let client = Client::builder().api_key("key").base_url(closed.url("/v1"));
    let client = client.options(attempts(1000)).build().unwrap();
    assert_eq!(
        create(&client).await.unwrap_err().attempts() as usize,
        1 + MAX_RETRIES
    );
}

// ---- Timeouts

/// Sends a call to a server that stalls once; checks the number of requests.
async fn stall_once(call: fn(&Client) -> BoxedCall, expected: usize) {
    let stalled = ScriptedResponse::empty(200).sending_nothing().then_stall();
    let server = Server::with_responses([stalled, success()]);
    // Much longer than a response takes on loopback.
    let options = attempts(2).timeout(Duration::from_secs(2));
    let outcome = call(&client(&server, options)).await;
    assert_eq!(outcome.is_ok(), expected == 2);
    assert_eq!(server.requests().len(), expected);
    wait_until(|| server.client_disconnects() == 1).await;
}

#[tokio::test]
async fn stalled_read_is_retried_and_stalled_create_is_not() {
    tokio::join!(stall_once(read, 2), stall_once(create, 1));
}

//! Deadlines, and calls that run concurrently or are dropped.

use std::time::{Duration, Instant};

use http::Method;
use portkey_admin::{RequestOptions, RetryPolicy};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    LONG_TIMEOUT, client, predicates, read,
    support::{
        builder,
        server::{ScriptedResponse, Server},
        spans::Recorder,
        wait_until,
    },
};

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

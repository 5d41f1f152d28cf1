//! What is retried, and what is printed.

use serde_json::json;

use crate::{
    event_stream, events, events_with_done, open_chat, read_all,
    support::{
        attempts, client, render_error,
        server::{ScriptedResponse, Server},
        server_and_client,
    },
    word_chunks,
};

#[tokio::test]
async fn usual_retry_rules_apply_before_the_first_event() {
    let good = || event_stream(events_with_done(&word_chunks(&["a"])));
    let refusal = || ScriptedResponse::json(429, "{}").with_header("retry-after", "0");
    let without_events = || event_stream(": not yet\n\n").truncated_by(1);
    let no_response = || ScriptedResponse::empty(200).sending_nothing();
    for (responses, options, requests, succeeds) in [
        (vec![refusal(), good()], attempts(3), 2, true),
        (
            vec![ScriptedResponse::json(400, "{}"), good()],
            attempts(3),
            1,
            false,
        ),
        // It may have been executed, so it is only retried with `idempotent(true)`.
        (vec![no_response(), good()], attempts(3), 1, false),
        (vec![without_events(), good()], attempts(3), 1, false),
        (
            vec![no_response(), without_events(), good()],
            attempts(3).idempotent(true),
            3,
            true,
        ),
        (
            vec![without_events()],
            attempts(2).idempotent(true),
            2,
            false,
        ),
    ] {
        let server = Server::with_responses(responses);
        let opened = open_chat(&client(&server).with_options(options)).await;
        assert_eq!(server.requests().len(), requests);
        match opened {
            Ok(stream) if succeeds => assert_eq!(read_all(stream).await.0, ["a"]),
            Ok(_) => panic!("expected an error"),
            Err(error) => {
                assert!(!succeeds, "{error}");
                assert_eq!(error.attempts() as usize, requests);
                assert!(!render_error(&error).contains("canary"));
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_retried_after_the_first_event() {
    let half = event_stream(events(&word_chunks(&["a"])) + "data: {").truncated_by(1);
    let server = Server::with_responses([
        ScriptedResponse::json(503, "{}"),
        half,
        event_stream(events_with_done(&[])),
    ]);
    let client = client(&server).with_options(attempts(5).idempotent(true));
    let (texts, error) = read_all(open_chat(&client).await.unwrap()).await;
    assert_eq!(texts, ["a"]);
    assert_eq!(error.unwrap().attempts(), 2);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn error_as_the_first_event_fails_the_call() {
    let event = json!({"error": {"message": "overloaded"}});
    let server = Server::with_response(event_stream(events_with_done(&[event])));
    let client = client(&server).with_options(attempts(3).idempotent(true));
    let error = open_chat(&client).await.unwrap_err();
    assert_eq!(error.message(), Some("overloaded"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn debug_output_contains_no_secrets() {
    let client_body = word_chunks(&["canary of the response"]);
    let (server, client) = server_and_client(
        event_stream(events_with_done(&client_body)).with_header("x-a", "canary"),
    );
    let opening = open_chat(&client);
    let before = format!("{opening:?} {opening:#?}");
    let stream = opening.await.unwrap();
    let after = format!("{stream:?} {stream:#?}");
    assert!(
        !format!("{before}{after}").contains("canary"),
        "{before}{after}"
    );
    drop((stream, server));
}

//! Event streams: the request, the events, and how a stream ends.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod support;

use std::time::Duration;

use portkey_admin::{
    Client, Error, RequestOptions,
    gateway::chat::{CreateChatCompletionRequest, CreateChatCompletionResponse, UserMessage},
    gateway::completions::CreateCompletionRequest,
    gateway::responses::{CreateResponseRequest, ResponseStreamEvent},
    gateway::threads::{AssistantStreamEvent, CreateRunRequest},
    gateway::{EventStream, OpenStream},
    types::ChatCompletionChunk,
};
use serde_json::{Value, json};
use support::{
    KEY, attempts, builder, client, render_error,
    server::{ScriptedResponse, Server},
    server_and_client, values_that_serde_json_rejects, wait_until,
};

type Chat = EventStream<ChatCompletionChunk>;

/// Returns a response that is an event stream.
fn event_stream(body: impl Into<String>) -> ScriptedResponse {
    ScriptedResponse::empty(200)
        .with_header("Content-Type", "Text/Event-Stream; charset=utf-8")
        .with_body(body)
}

/// Encodes unnamed events, followed by `[DONE]`.
fn events_with_done(data: &[Value]) -> String {
    events(data) + "data: [DONE]\n\n"
}

/// Encodes unnamed events.
fn events(data: &[Value]) -> String {
    data.iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect()
}

/// Returns a chunk of a chat completion with one choice.
fn chunk(delta: &Value, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "chat-1", "object": "chat.completion.chunk", "created": 7, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    })
}

fn word_chunks(words: &[&str]) -> Vec<Value> {
    words
        .iter()
        .map(|word| chunk(&json!({"content": word}), None))
        .collect()
}

fn chat_request() -> portkey_admin::gateway::chat::CreateChatCompletionRequestBuilder {
    let message = UserMessage::builder()
        .role("user")
        .content("canary of the prompt")
        .build()
        .unwrap();
    CreateChatCompletionRequest::builder()
        .model("m")
        .messages([message])
}

fn open_chat(client: &Client) -> OpenStream<ChatCompletionChunk> {
    client
        .create_chat_completion()
        .body(chat_request())
        .stream()
}

async fn start_chat(response: ScriptedResponse) -> (Server, Result<Chat, Error>) {
    let (server, client) = server_and_client(response);
    let opened = open_chat(&client).await;
    (server, opened)
}

/// Reads a stream to its end; returns the text of every event and the final error, if any.
async fn read_all(mut stream: Chat) -> (Vec<String>, Option<Error>) {
    let mut texts = Vec::new();
    let error = loop {
        match stream.next().await {
            None => break None,
            Some(Err(error)) => break Some(error),
            Some(Ok(event)) => {
                let delta = event
                    .choices
                    .into_iter()
                    .next()
                    .and_then(|choice| choice.delta);
                texts.push(delta.and_then(|delta| delta.content).unwrap_or_default());
            }
        }
    };
    // The stream is exhausted after its end and after an error.
    assert!(stream.next().await.is_none());
    (texts, error)
}

/// Reads a chat that fails; returns the texts before the error, and the error.
async fn read_until_error(response: ScriptedResponse) -> (Vec<String>, Error) {
    let (_server, opened) = start_chat(response).await;
    let (texts, error) = read_all(opened.unwrap()).await;
    let error = error.expect("an error");
    assert!(error.may_have_executed(), "{error}");
    assert_eq!(error.operation(), Some("create_chat_completion"));
    let rendered = render_error(&error);
    assert!(!rendered.contains("canary"), "{rendered}");
    (texts, error)
}

#[tokio::test]
async fn stream_is_requested_in_the_body_and_in_the_accept_header() {
    let server = Server::with_response(event_stream(events_with_done(&[])));
    let request = chat_request().stream(false).temperature(0.5).user("u");
    let opened = client(&server).create_chat_completion().body(request);
    assert!(opened.stream().await.unwrap().next().await.is_none());
    let request = server.request();
    assert_eq!(request.target, "/v1/chat/completions");
    assert_eq!(request.header("accept"), ["text/event-stream"]);
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("x-portkey-api-key"), [KEY]);
    assert_eq!(
        request.json(),
        json!({
            "model": "m", "messages": [{"role": "user", "content": "canary of the prompt"}],
            "stream": true, "temperature": 0.5, "user": "u",
        })
    );
}

#[tokio::test]
async fn request_without_required_fields_is_not_sent() {
    let (server, client) = server_and_client(event_stream(""));
    let error = client.create_chat_completion().stream().await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn events_are_typed_and_keep_unknown_fields() {
    let unusual = json!({"choices": [{"index": "x", "delta": {"reasoning": "r"}}], "new": 1});
    let body = format!(
        ": hello\n\nevent: special\ndata: {unusual}\n\n{}",
        events_with_done(&word_chunks(&["a"]))
    );
    let response = event_stream(body).with_header("x-portkey-request-id", "request-1");
    let (_server, opened) = start_chat(response).await;
    let mut stream = opened.unwrap();
    assert_eq!(stream.request_id(), Some("request-1"));
    let event = stream.next().await.unwrap().unwrap();
    assert_eq!(stream.event_name(), Some("special"));
    assert_eq!(event.extra["new"], 1);
    assert_eq!(serde_json::to_value(&event).unwrap(), unusual);
    let event = stream.next().await.unwrap().unwrap();
    assert_eq!(stream.event_name(), None);
    assert_eq!(event.model.as_deref(), Some("m"));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn events_are_decoded_from_single_byte_chunks() {
    fn is_stream<S: futures_core::Stream<Item = Result<T, Error>>, T>(_: &S) {}
    let texts = ["ü", "€", "😀", "\n", "[DONE]", r#""error""#];
    let body = format!(
        "\u{feff}{}",
        events_with_done(&word_chunks(&texts)).replace('\n', "\r\n")
    );
    let (_server, opened) = start_chat(event_stream(body).byte_by_byte(Duration::ZERO)).await;
    let stream = opened.unwrap();
    is_stream(&stream);
    let (read, error) = read_all(stream).await;
    assert_eq!(read, texts);
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn data_after_done_is_ignored_and_the_connection_is_reused() {
    let body = events_with_done(&word_chunks(&["a"])) + "data: rest\n\n";
    let (server, client) = server_and_client(event_stream(body).keep_alive());
    for _ in 0..2 {
        let (texts, error) = read_all(open_chat(&client).await.unwrap()).await;
        assert_eq!(texts, ["a"]);
        assert!(error.is_none(), "{error:?}");
        // A background task of the HTTP client notices the end of the body.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn stream_with_a_finish_reason_needs_no_done() {
    let mut data = word_chunks(&["a"]);
    data.push(chunk(&json!({}), Some("stop")));
    // The blank line after the last event may also be missing.
    let body = events(&data).trim_end().to_owned();
    let (_server, opened) = start_chat(event_stream(body).without_content_length()).await;
    let (texts, error) = read_all(opened.unwrap()).await;
    assert_eq!(texts, ["a", ""]);
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn error_event_is_an_error() {
    let message = format!("quota of {KEY}\nis used up");
    for (name, event) in [
        ("", json!({"error": {"message": message, "code": "quota"}})),
        (
            "",
            json!({"type": "error", "message": message, "code": "quota"}),
        ),
        (
            "event: error\n",
            json!({"message": message, "code": "quota"}),
        ),
    ] {
        let body = events(&word_chunks(&["a", "b"]))
            + name
            + &events_with_done(std::slice::from_ref(&event));
        let (texts, error) = read_until_error(event_stream(body)).await;
        assert_eq!(texts, ["a", "b"]);
        assert_eq!(error.code(), Some("quota"));
        assert_eq!(error.body().unwrap(), event.to_string().as_str());
        assert_eq!(
            error.to_string(),
            "create_chat_completion: stream error (event 3) quota: quota of [redacted] is used up"
        );
    }
}

#[tokio::test]
async fn error_in_json_behind_the_events_is_an_error_of_the_service() {
    let error = json!({"error": {"code": 503, "message": format!("high demand of {KEY}")}});
    for rest in [
        format!("{error}\n"),
        error.to_string(),
        format!("{error:#}\r\n\r\n"),
        format!(": comment\n\n{error}"),
    ] {
        for words in [&["a", "b"][..], &["a"]] {
            let body = events(&word_chunks(words)) + &rest;
            for response in [
                event_stream(&body),
                event_stream(&body).byte_by_byte(Duration::ZERO),
            ] {
                let (texts, error) = read_until_error(response).await;
                assert_eq!(texts, words);
                assert_eq!(error.code(), Some("503"));
                assert_eq!(error.message(), Some("high demand of [redacted]"));
                let sent: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
                assert_eq!(sent["error"]["code"], 503);
            }
        }
    }
    // Without any event, it fails the call, which is not repeated.
    let server = Server::with_response(event_stream(format!("{error}\n")));
    let client = client(&server).with_options(attempts(3).idempotent(true));
    let error = open_chat(&client).await.unwrap_err();
    assert_eq!(error.message(), Some("high demand of [redacted]"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn text_behind_the_events_is_in_the_body_of_the_error() {
    for rest in [
        "<html>\nno upstream\n</html>",
        "upstream error: high demand",
        "{\"unknown\":\"x\"}",
    ] {
        let body = events(&word_chunks(&["a"])) + rest + "\n";
        let (texts, error) = read_until_error(event_stream(body)).await;
        assert_eq!(texts, ["a"]);
        assert_eq!((error.code(), error.message()), (None, None));
        assert_eq!(error.body().unwrap(), rest);
        let text = error.to_string();
        assert!(
            text.contains("ended before the response was complete"),
            "{text}"
        );
    }
    // Also if the connection breaks.
    let body = events(&word_chunks(&["a"])) + "no upstream\n\n\n";
    let (_, error) = read_until_error(event_stream(body).truncated_by(1)).await;
    assert_eq!(error.body().unwrap(), "no upstream");
}

#[tokio::test]
async fn empty_data_is_skipped() {
    for keep_alive in [
        "data:\n\n",
        "data\n\n",
        "data: \n\n",
        "event: keep-alive\ndata:\n\n",
        "data:\ndata:\n\n",
        "data: \t\r\n\r\n",
    ] {
        let body = [
            keep_alive,
            &events(&word_chunks(&["a"])),
            keep_alive,
            &events_with_done(&word_chunks(&["b"])),
        ]
        .concat();
        let (_server, opened) = start_chat(event_stream(body)).await;
        let (texts, error) = read_all(opened.unwrap()).await;
        assert_eq!(texts, ["a", "b"], "{keep_alive:?}");
        assert!(error.is_none(), "{keep_alive:?}: {error:?}");
    }
}

#[tokio::test]
async fn echoed_key_is_redacted_in_errors() {
    let nested = format!(r#"{{"choices":[{{"delta":{{"{KEY}":"half"#);
    for response in [
        ScriptedResponse::empty(200).with_header("content-type", KEY),
        ScriptedResponse::empty(200)
            .with_header("content-type", format!("text/{KEY}"))
            .with_body("{}"),
        event_stream(format!("data: {nested}\n\n")),
        event_stream(format!("data: {nested}")),
        event_stream(format!("data: {nested}\n\n")).with_header("content-encoding", KEY),
    ] {
        let (_server, opened) = start_chat(response).await;
        let error = match opened {
            Err(error) => error,
            Ok(stream) => read_all(stream).await.1.unwrap(),
        };
        let rendered = render_error(&error);
        assert!(!rendered.contains("canary"), "{rendered}");
        assert!(rendered.contains("[redacted]"), "{rendered}");
    }
}

#[tokio::test]
async fn events_decode_if_they_are_valid_json() {
    for value in values_that_serde_json_rejects() {
        let body = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"a\\ud83d\"}}}}],\"new\":{value}}}\n\n\
             data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"b\"}}}}]}}\n\ndata: [DONE]\n\n"
        );
        let (words, error) = {
            let (_server, stream) = start_chat(event_stream(body)).await;
            read_all(stream.unwrap()).await
        };
        assert!(error.is_none(), "{error:?}");
        assert_eq!(words, ["a\u{fffd}", "b"], "{value}");
        let failing = format!("data: {{\"error\":{{\"message\":\"no\"}},\"new\":{value}}}\n\n");
        let (_server, stream) = start_chat(event_stream(failing)).await;
        let error = stream.unwrap_err();
        assert_eq!(error.message(), Some("no"), "{value}");
    }
}

#[tokio::test]
async fn undecodable_event_is_an_error_with_its_number() {
    for (event, problem) in [
        ("canary", "is not valid JSON"),
        ("{\"a\": \"canary", "is not valid JSON"),
        ("[\"canary\"]", "does not match its type"),
    ] {
        for before in [&[][..], &["a"]] {
            let rest = events_with_done(&word_chunks(&["b"]));
            let body = events(&word_chunks(before)) + "data: " + event + "\n\n" + &rest;
            let (texts, error) = read_until_error(event_stream(body)).await;
            assert_eq!(texts, before);
            assert!(error.is_decode());
            assert_eq!(error.body().unwrap(), event.trim_end());
            let number = before.len() + 1;
            let expected = format!("event {number} of the stream {problem}");
            assert!(error.to_string().contains(&expected), "{error}");
        }
    }
}

#[tokio::test]
async fn broken_connection_is_an_error_after_the_received_events() {
    let body = events(&word_chunks(&["a", "b"]));
    let half = body.clone() + "data: {\"canary\": 1";
    for (response, problem) in [
        (event_stream(&half).truncated_by(3), "interrupted"),
        (event_stream(&half).stalling(3).then_reset(), "interrupted"),
        (
            event_stream(&half).without_content_length(),
            "event 3 of the stream is incomplete",
        ),
        (
            event_stream(&body).without_content_length(),
            "ended before the response was complete",
        ),
        (
            event_stream(body.clone() + "dat").without_content_length(),
            "ended before the response",
        ),
        (
            event_stream(&body).with_bytes(b"data: {\"a\":\"\xff\"}\n\n".as_slice()),
            "not valid UTF-8",
        ),
    ] {
        let is_text = problem != "not valid UTF-8";
        if !is_text {
            let (_server, opened) = start_chat(response).await;
            let error = opened.unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            continue;
        }
        let (texts, error) = read_until_error(response).await;
        assert_eq!(texts, ["a", "b"]);
        let text = error.to_string();
        assert!(text.contains(problem), "{text}");
        let has_event_number = text.contains("2 events were received") || text.contains("event 3");
        assert!(has_event_number, "{text}");
    }
}

#[tokio::test]
async fn stream_ends_after_the_idle_timeout_but_has_no_total_timeout() {
    let body = events_with_done(&word_chunks(&["a", "b"]));
    let (server, client) = server_and_client(event_stream(&body).stalling(14));
    let idle_timeout = Duration::from_millis(300);
    let stream = open_chat(&client).idle_timeout(idle_timeout).await.unwrap();
    let (texts, error) = read_all(stream).await;
    let error = error.unwrap();
    assert_eq!(texts, ["a", "b"]);
    assert!(error.is_timeout(), "{error}");
    assert!(
        error
            .to_string()
            .contains("no more data received for 300ms"),
        "{error}"
    );
    wait_until(|| server.client_disconnects() == 1).await;

    // The stream lasts longer than the attempt timeout and than the idle timeout.
    let comments = ": keep-alive\n\n".repeat(40);
    let response = event_stream(comments + &body).byte_by_byte(Duration::from_millis(1));
    let server = Server::with_response(response);
    let short_timeout = RequestOptions::new().timeout(Duration::from_millis(200));
    let client = builder(&server)
        .build()
        .unwrap()
        .with_options(short_timeout);
    let stream = open_chat(&client).idle_timeout(idle_timeout).await.unwrap();
    assert_eq!(read_all(stream).await.0, ["a", "b"]);
}

#[tokio::test]
async fn dropping_a_stream_closes_the_connection() {
    let (server, client) = server_and_client(
        event_stream(events(&word_chunks(&["a"])))
            .without_content_length()
            .then_stall(),
    );
    let mut stream = open_chat(&client).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    assert_eq!(server.client_disconnects(), 0);
    drop(stream);
    wait_until(|| server.client_disconnects() == 1).await;

    // Dropping the future that opens a stream also closes the connection.
    let (server, client) = server_and_client(
        event_stream(": not yet\n\n")
            .without_content_length()
            .then_stall(),
    );
    let opening = open_chat(&client).into_future();
    assert!(
        tokio::time::timeout(Duration::from_millis(200), opening)
            .await
            .is_err()
    );
    wait_until(|| server.client_disconnects() == 1).await;
}

#[tokio::test]
async fn event_longer_than_16_mib_is_an_error() {
    let long = "x".repeat(1 << 20);
    let (_server, opened) =
        start_chat(event_stream(events_with_done(&word_chunks(&[&long])))).await;
    assert_eq!(read_all(opened.unwrap()).await.0, [long]);
    let body = events(&word_chunks(&["a"])) + "data: " + &"x".repeat(17 << 20);
    let (texts, error) = read_until_error(event_stream(body)).await;
    assert_eq!(texts, ["a"]);
    assert!(error.is_response_too_large(), "{error}");
    assert!(
        error.to_string().contains("exceeds the limit of 16 MiB"),
        "{error}"
    );
    // A retry would not change the response.
    let server = Server::with_response(event_stream("data: ".to_owned() + &"x".repeat(17 << 20)));
    let client = client(&server).with_options(attempts(3).idempotent(true));
    let error = open_chat(&client).await.unwrap_err();
    assert!(error.is_response_too_large(), "{error}");
    assert_eq!((error.attempts(), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn response_that_is_not_a_stream_is_an_error() {
    let plain = json!({"id": "chat-1", "choices": [], "canary": KEY}).to_string();
    let (server, opened) = start_chat(ScriptedResponse::json(200, plain.as_str())).await;
    let error = opened.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("found the content type application/json"),
        "{error}"
    );
    assert_eq!(error.body().unwrap(), plain.as_str());
    assert!(error.may_have_executed());
    assert!(!render_error(&error).contains("canary"));
    assert_eq!(server.requests().len(), 1);

    let refusal = json!({"error": {"message": "no streams here", "code": "c"}});
    let (_server, opened) = start_chat(ScriptedResponse::json(200, refusal.to_string())).await;
    let error = opened.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Some("c"), Some("no streams here"))
    );
}

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

/// Returns the chunks of a chat in which every field is split, and the complete response.
fn chunks_and_response() -> (Vec<Value>, Value) {
    let call = |index: u32, rest: &Value| {
        let mut call = json!({"index": index});
        for (name, value) in rest.as_object().unwrap() {
            call[name] = value.clone();
        }
        chunk(&json!({"tool_calls": [call]}), None)
    };
    let second_choice = |delta: &Value, finish: Option<&str>| {
        let mut chunk = chunk(delta, finish);
        chunk["choices"][0]["index"] = 1.into();
        chunk
    };
    let token =
        |token: &str| json!({"token": token, "logprob": -0.5, "bytes": null, "top_logprobs": []});
    let with_token = |mut chunk: Value, text: &str| {
        chunk["choices"][0]["logprobs"] = json!({"content": [token(text)]});
        chunk
    };
    let mut usage = chunk(&json!({}), None);
    usage["choices"] = json!([]);
    usage["usage"] = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    let chunks = vec![
        chunk(&json!({"role": "assistant", "content": ""}), None),
        second_choice(&json!({"role": "assistant", "content": "sec"}), None),
        with_token(chunk(&json!({"content": "Hel"}), None), "Hel"),
        with_token(
            chunk(&json!({"content": "lo", "reasoning_content": "be"}), None),
            "lo",
        ),
        chunk(
            &json!({"reasoning_content": "cause", "content": null}),
            None,
        ),
        call(
            1,
            &json!({"id": "call-2", "type": "function", "function": {"name": "g", "arguments": "{}"}}),
        ),
        call(
            0,
            &json!({"id": "call-1", "type": "function", "function": {"name": "f", "arguments": ""}}),
        ),
        call(0, &json!({"function": {"arguments": "{\"a\":"}})),
        second_choice(&json!({"content": "ond"}), Some("stop")),
        call(0, &json!({"function": {"arguments": " 1}"}})),
        chunk(&json!({}), Some("tool_calls")),
        usage,
    ];
    let complete = json!({
        "id": "chat-1", "object": "chat.completion", "created": 7, "model": "m",
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "logprobs": {"content": [token("Hel"), token("lo")]},
                "message": {
                    "role": "assistant", "content": "Hello", "reasoning_content": "because",
                    "tool_calls": [
                        {"id": "call-1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}},
                        {"id": "call-2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                    ],
                },
            },
            {"index": 1, "finish_reason": "stop", "message": {"role": "assistant", "content": "second"}},
        ],
    });
    (chunks, complete)
}

#[tokio::test]
async fn collected_chat_equals_the_response_without_a_stream() {
    let (chunks, complete) = chunks_and_response();
    let server = Server::with_responses([
        event_stream(events_with_done(&chunks)),
        ScriptedResponse::json(200, complete.to_string()),
    ]);
    let client = client(&server);
    let collected = open_chat(&client)
        .await
        .unwrap()
        .final_response()
        .await
        .unwrap();
    let call = client.create_chat_completion().body(chat_request());
    let sent: CreateChatCompletionResponse = call.send().await.unwrap();
    assert_eq!(
        serde_json::to_value(&collected).unwrap(),
        serde_json::to_value(&sent).unwrap()
    );
    let message = collected.choices[0].message.as_ref().unwrap();
    assert_eq!(message.content.as_deref(), Some("Hello"));
    assert_eq!(message.tool_calls.len(), 2);
}

#[tokio::test]
async fn content_blocks_and_tool_calls_without_an_index_are_collected() {
    let chunks = [
        chunk(
            &json!({"content_blocks": [{"index": 0, "delta": {"type": "thinking", "thinking": "so"}}]}),
            None,
        ),
        chunk(
            &json!({"content_blocks": [{"index": 0, "delta": {"thinking": " what"}}]}),
            None,
        ),
        chunk(
            &json!({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}),
            None,
        ),
        chunk(
            &json!({"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "{}"}}]}),
            Some("stop"),
        ),
    ];
    let (_server, opened) = start_chat(event_stream(events_with_done(&chunks))).await;
    let response = opened.unwrap().final_response().await.unwrap();
    let message = serde_json::to_value(&response.choices[0].message).unwrap();
    assert_eq!(
        message["content_blocks"],
        json!([{"type": "thinking", "thinking": "so what"}])
    );
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn tool_calls_with_the_same_index_and_another_id_are_collected_separately() {
    let chunk_of = |calls: Value| chunk(&json!({"tool_calls": calls}), None);
    let named = |id: &str, name: &str| json!({"index": 0, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
    let arguments = |id: Option<&str>, arguments: &str| json!({"index": 0, "id": id, "function": {"arguments": arguments}});
    let expected = json!([
        {"id": "call-1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
        {"id": "call-2", "type": "function", "function": {"name": "g", "arguments": "{\"b\":2}"}},
    ]);
    for chunks in [
        // The id is in the first delta of each call.
        vec![
            chunk_of(json!([named("call-1", "f")])),
            chunk_of(json!([arguments(None, "{\"a\":")])),
            chunk_of(json!([arguments(Some(""), "1}")])),
            chunk_of(json!([named("call-2", "g")])),
            chunk_of(json!([arguments(None, "{\"b\":2}")])),
        ],
        // The id is in each delta.
        vec![
            chunk_of(json!([named("call-1", "f")])),
            chunk_of(json!([arguments(Some("call-1"), "{\"a\":1}")])),
            chunk_of(json!([
                named("call-2", "g"),
                arguments(Some("call-2"), "{\"b\":2}")
            ])),
        ],
        // Both calls are in one chunk.
        vec![chunk_of(json!([
            named("call-1", "f"),
            arguments(None, "{\"a\":1}"),
            named("call-2", "g"),
            arguments(None, "{\"b\":2}"),
        ]))],
    ] {
        let (_server, opened) = start_chat(event_stream(events_with_done(&chunks))).await;
        let response = opened.unwrap().final_response().await.unwrap();
        let message = serde_json::to_value(&response.choices[0].message).unwrap();
        assert_eq!(message["tool_calls"], expected);
    }
}

#[tokio::test]
async fn error_of_final_response_contains_the_partial_response() {
    let (chunks, _) = chunks_and_response();
    let failure = json!({"error": {"message": "overloaded", "code": "c"}});
    for (rest, code) in [
        (events_with_done(&[failure]), Some("c")),
        ("data: {".to_owned(), None),
    ] {
        let body = events(&chunks[..4]) + &rest;
        let (_server, opened) = start_chat(event_stream(body).without_content_length()).await;
        let error = opened.unwrap().final_response().await.unwrap_err();
        assert_eq!(error.code(), code);
        let partial: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
        assert_eq!(partial["choices"][0]["message"]["content"], "Hello");
        assert!(error.to_string().contains("event 5"), "{error}");
    }
    // One choice has a finish reason, the other has none, and there is no `[DONE]`.
    let body = events(&chunks[..9]);
    let (_server, opened) = start_chat(event_stream(body).without_content_length()).await;
    let error = opened.unwrap().final_response().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("before the response was complete"),
        "{error}"
    );
    assert!(!error.body().unwrap().is_empty());
}

#[tokio::test]
async fn completion_chunks_are_collected() {
    let piece = |text: &str, finish: Option<&str>| {
        json!({
            "id": "text-1", "object": "text_completion", "created": 7, "model": "m",
            "choices": [{
                "index": 0, "text": text, "finish_reason": finish,
                "logprobs": {"tokens": [text], "token_logprobs": [-0.5]},
            }],
        })
    };
    let (server, client) = server_and_client(event_stream(events_with_done(&[
        piece("a", None),
        piece("b", Some("stop")),
    ])));
    let request = CreateCompletionRequest::builder().model("m").prompt("p");
    let stream = client
        .create_completion()
        .body(request)
        .stream()
        .await
        .unwrap();
    let response = stream.final_response().await.unwrap();
    assert_eq!(response.choices[0].text.as_deref(), Some("ab"));
    let mut complete = piece("ab", Some("stop"));
    complete["choices"][0]["logprobs"] =
        json!({"tokens": ["a", "b"], "token_logprobs": [-0.5, -0.5]});
    assert_eq!(serde_json::to_value(&response).unwrap(), complete);
    assert_eq!(server.request().json()["stream"], true);
}

#[tokio::test]
async fn final_response_is_taken_from_the_completed_event() {
    let response = json!({"id": "response-1", "status": "completed", "model": "m", "new": 1});
    let named = |name: &str, mut data: Value| {
        data["type"] = name.into();
        format!("event: {name}\ndata: {data}\n\n")
    };
    let body = named(
        "response.created",
        json!({"response": {"id": "response-1"}}),
    ) + &named(
        "response.output_text.delta",
        json!({"delta": "a", "item_id": "i"}),
    ) + &named("response.new_kind", json!({"a": 1}))
        + &named("response.completed", json!({"response": response}));
    let (_server, client) = server_and_client(event_stream(body).without_content_length());
    let open = || {
        let request = CreateResponseRequest::builder().model("m").input("canary");
        client.create_response().body(request).stream()
    };
    let mut stream = open().await.unwrap();
    let mut kinds = Vec::new();
    while let Some(event) = stream.next().await {
        kinds.push(match event.unwrap() {
            ResponseStreamEvent::ResponseCreated(_) => "created",
            ResponseStreamEvent::ResponseOutputTextDelta(delta) => {
                assert_eq!(delta.delta.as_deref(), Some("a"));
                "delta"
            }
            ResponseStreamEvent::Unknown(fields) => {
                assert_eq!(fields["a"], 1);
                "unknown"
            }
            ResponseStreamEvent::ResponseCompleted(_) => "completed",
            _ => "other",
        });
    }
    assert_eq!(kinds, ["created", "delta", "unknown", "completed"]);
    let collected = open().await.unwrap().final_response().await.unwrap();
    assert_eq!(serde_json::to_value(&collected).unwrap(), response);
}

#[tokio::test]
async fn run_is_streamed_as_named_events() {
    let event = |name: &str, data: Value| format!("event: {name}\ndata: {data}\n\n");
    let run = |status: &str| json!({"id": "run-1", "object": "thread.run", "status": status});
    let body = event("thread.run.created", run("queued"))
        + &event(
            "thread.message.delta",
            json!({"id": "m", "object": "thread.message.delta"}),
        )
        + &event("thread.new", json!({"a": 1}))
        + &event("thread.run.completed", run("completed"))
        + "event: done\ndata: [DONE]\n\n";
    let (server, client) = server_and_client(event_stream(body));
    let open = || {
        let request = CreateRunRequest::builder().assistant_id("a");
        client.create_run("thread-1").body(request).stream()
    };
    let mut stream = open().await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    match &first {
        AssistantStreamEvent::ThreadRunCreated(event) => {
            assert_eq!(event.data.as_ref().unwrap().id.as_deref(), Some("run-1"));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        stream.next().await.unwrap().unwrap(),
        AssistantStreamEvent::ThreadMessageDelta(_)
    ));
    let unknown = stream.next().await.unwrap().unwrap();
    assert_eq!(
        serde_json::to_value(&unknown).unwrap(),
        json!({"event": "thread.new", "data": {"a": 1}})
    );
    assert!(stream.next().await.unwrap().is_ok());
    assert!(stream.next().await.is_none());
    let response = open().await.unwrap().final_response().await.unwrap();
    assert_eq!(serde_json::to_value(&response).unwrap(), run("completed"));
    assert_eq!(server.requests()[0].target, "/v1/threads/thread-1/runs");

    let (_server, client) = server_and_client(event_stream(event(
        "thread.run.created",
        json!("}, \"canary\": 1"),
    )));
    let request = CreateRunRequest::builder().assistant_id("a");
    let opened = client.create_run("thread-1").body(request).stream().await;
    drop(opened.unwrap());
}

#[cfg(feature = "prompts")]
#[tokio::test]
async fn run_prompt_can_be_streamed() {
    use portkey_admin::prompts::RunPromptRequest;

    let (chunks, complete) = chunks_and_response();
    let (server, client) = server_and_client(event_stream(events_with_done(&chunks)));
    let request = RunPromptRequest::builder().variables(serde_json::Map::new());
    let stream = client.run_prompt("p").body(request).stream().await.unwrap();
    let mut text = String::new();
    let response = stream
        .final_response_with(|chunk| text.push_str(chunk.text()))
        .await
        .unwrap();
    assert_eq!(response.text(), Some(text.as_str()));
    let message = serde_json::to_value(&response.choices[0].message).unwrap();
    assert_eq!(message, complete["choices"][0]["message"]);
    let request = server.request();
    assert_eq!(request.target, "/v1/prompts/p/completions");
    assert_eq!(request.json()["stream"], true);
}

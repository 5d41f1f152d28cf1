//! Answers as streams of events: what is asked for, what comes of it, and how it ends.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

mod support;

use std::time::Duration;

use portkey_admin::{
    Client, Error, EventStream, OpenStream, RequestOptions,
    types::{
        AssistantStreamEvent, ChatCompletionChunk, ChatCompletionRequestUserMessage,
        CreateChatCompletionRequest, CreateChatCompletionResponse, CreateCompletionRequest,
        CreateResponse, CreateRunRequest, ResponseStreamEvent,
    },
};
use serde_json::{Value, json};
use support::{
    KEY, answered, attempts, builder, client,
    server::{Answer, Server},
    shown, until,
};

type Chat = EventStream<ChatCompletionChunk>;

/// An answer that is an event stream, ended by the connection as nothing says how long it is.
fn streamed(body: impl Into<String>) -> Answer {
    Answer::empty(200)
        .with_header("Content-Type", "Text/Event-Stream; charset=utf-8")
        .with_body(body)
}

/// Events without names, and the mark behind them.
fn events(data: &[Value]) -> String {
    begun(data) + "data: [DONE]\n\n"
}

fn begun(data: &[Value]) -> String {
    data.iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect()
}

/// A chunk of a chat with one choice.
fn chunk(delta: &Value, finish_reason: Option<&str>) -> Value {
    json!({
        "id": "chat-1", "object": "chat.completion.chunk", "created": 7, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    })
}

fn words(words: &[&str]) -> Vec<Value> {
    words
        .iter()
        .map(|word| chunk(&json!({"content": word}), None))
        .collect()
}

fn question() -> portkey_admin::types::builder::CreateChatCompletionRequest {
    let message = ChatCompletionRequestUserMessage::builder()
        .role("user")
        .content("canary of the question")
        .build()
        .unwrap();
    CreateChatCompletionRequest::builder()
        .model("m")
        .messages([message])
}

fn opening(client: &Client) -> OpenStream<ChatCompletionChunk> {
    client.create_chat_completion().body(question()).stream()
}

async fn chat(answer: Answer) -> (Server, Result<Chat, Error>) {
    let (server, client) = answered(answer);
    let opened = opening(&client).await;
    (server, opened)
}

/// The text of every event, and the error at the end, if there is one.
async fn read(mut stream: Chat) -> (Vec<String>, Option<Error>) {
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
    // After the end and after an error there is nothing more.
    assert!(stream.next().await.is_none());
    (texts, error)
}

/// What comes of an answer: the texts before an error, and the error.
async fn broken(answer: Answer) -> (Vec<String>, Error) {
    let (_server, opened) = chat(answer).await;
    let (texts, error) = read(opened.unwrap()).await;
    let error = error.expect("an error");
    assert!(error.may_have_executed(), "{error}");
    assert_eq!(error.operation(), Some("create_chat_completion"));
    let shown = shown(&error);
    assert!(!shown.contains("canary"), "{shown}");
    (texts, error)
}

#[tokio::test]
async fn it_is_asked_for_in_the_body_and_in_a_header() {
    let server = Server::answering(streamed(events(&[])));
    let request = question().stream(false).temperature(0.5).user("u");
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
            "model": "m", "messages": [{"role": "user", "content": "canary of the question"}],
            "stream": true, "temperature": 0.5, "user": "u",
        })
    );
}

#[tokio::test]
async fn nothing_is_sent_without_what_is_required() {
    let (server, client) = answered(streamed(""));
    let error = client.create_chat_completion().stream().await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn events_are_typed_and_keep_what_is_unknown() {
    let odd = json!({"choices": [{"index": "x", "delta": {"reasoning": "r"}}], "new": 1});
    let body = format!(
        ": hello\n\nevent: special\ndata: {odd}\n\n{}",
        events(&words(&["a"]))
    );
    let answer = streamed(body).with_header("x-portkey-request-id", "request-1");
    let (_server, opened) = chat(answer).await;
    let mut stream = opened.unwrap();
    assert_eq!(stream.request_id(), Some("request-1"));
    let event = stream.next().await.unwrap().unwrap();
    assert_eq!(stream.event_name(), Some("special"));
    assert_eq!(event.extra["new"], 1);
    assert_eq!(serde_json::to_value(&event).unwrap(), odd);
    let event = stream.next().await.unwrap().unwrap();
    assert_eq!(stream.event_name(), None);
    assert_eq!(event.model.as_deref(), Some("m"));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn it_is_a_stream_of_whatever_comes_in_crumbs() {
    fn is_stream<S: futures_core::Stream<Item = Result<T, Error>>, T>(_: &S) {}
    let texts = ["ü", "€", "😀", "\n", "[DONE]", r#""error""#];
    let body = format!("\u{feff}{}", events(&words(&texts)).replace('\n', "\r\n"));
    let (_server, opened) = chat(streamed(body).trickling(Duration::ZERO)).await;
    let stream = opened.unwrap();
    is_stream(&stream);
    let (read, error) = read(stream).await;
    assert_eq!(read, texts);
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn nothing_behind_the_mark_counts_and_the_connection_is_used_again() {
    let body = events(&words(&["a"])) + "data: rest\n\n";
    let (server, client) = answered(streamed(body).keeping_alive());
    for _ in 0..2 {
        let (texts, error) = read(opening(&client).await.unwrap()).await;
        assert_eq!(texts, ["a"]);
        assert!(error.is_none(), "{error:?}");
        // The end of the body is noticed by a task of the HTTP client's own.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_answer_that_says_why_it_ends_needs_no_mark() {
    let mut data = words(&["a"]);
    data.push(chunk(&json!({}), Some("stop")));
    // The blank line behind the last event may be missing, too.
    let body = begun(&data).trim_end().to_owned();
    let (_server, opened) = chat(streamed(body).without_length()).await;
    let (texts, error) = read(opened.unwrap()).await;
    assert_eq!(texts, ["a", ""]);
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn an_error_among_the_events_is_an_error() {
    let spoken = format!("quota of {KEY}\nis used up");
    for (name, event) in [
        ("", json!({"error": {"message": spoken, "code": "quota"}})),
        (
            "",
            json!({"type": "error", "message": spoken, "code": "quota"}),
        ),
        (
            "event: error\n",
            json!({"message": spoken, "code": "quota"}),
        ),
    ] {
        let body = begun(&words(&["a", "b"])) + name + &events(std::slice::from_ref(&event));
        let (texts, error) = broken(streamed(body)).await;
        assert_eq!(texts, ["a", "b"]);
        assert_eq!(error.code(), Some("quota"));
        assert_eq!(error.body().unwrap(), event.to_string().as_str());
        assert_eq!(
            error.to_string(),
            "create_chat_completion: event 3 of the stream is an error quota: quota of [redacted] is used up"
        );
    }
}

#[tokio::test]
async fn an_event_that_is_no_json_is_named() {
    for (event, problem) in [
        ("canary", "is not JSON"),
        ("{\"a\": \"canary", "is not JSON"),
        ("[\"canary\"]", "is of another kind"),
    ] {
        for before in [&[][..], &["a"]] {
            let rest = events(&words(&["b"]));
            let body = begun(&words(before)) + "data: " + event + "\n\n" + &rest;
            let (texts, error) = broken(streamed(body)).await;
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
async fn a_connection_that_breaks_is_an_error_behind_what_has_come() {
    let body = begun(&words(&["a", "b"]));
    let half = body.clone() + "data: {\"canary\": 1";
    for (answer, problem) in [
        (streamed(&half).closing_early(3), "broke off"),
        (streamed(&half).stalling(3).then_reset(), "broke off"),
        (
            streamed(&half).without_length(),
            "event 3 of the stream is not whole",
        ),
        (
            streamed(&body).without_length(),
            "ended before the answer was complete",
        ),
        (
            streamed(body.clone() + "dat").without_length(),
            "ended before the answer",
        ),
        (
            streamed(&body).with_bytes(b"data: {\"a\":\"\xff\"}\n\n".as_slice()),
            "no text in UTF-8",
        ),
    ] {
        let is_text = problem != "no text in UTF-8";
        if !is_text {
            let (_server, opened) = chat(answer).await;
            let error = opened.unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            continue;
        }
        let (texts, error) = broken(answer).await;
        assert_eq!(texts, ["a", "b"]);
        let text = error.to_string();
        assert!(text.contains(problem), "{text}");
        let told = text.contains("2 events have come") || text.contains("event 3");
        assert!(told, "{text}");
    }
}

#[tokio::test]
async fn silence_ends_it_but_time_does_not() {
    let body = events(&words(&["a", "b"]));
    let (server, client) = answered(streamed(&body).stalling(14));
    let patience = Duration::from_millis(300);
    let stream = opening(&client).idle_timeout(patience).await.unwrap();
    let (texts, error) = read(stream).await;
    let error = error.unwrap();
    assert_eq!(texts, ["a", "b"]);
    assert!(error.is_timeout(), "{error}");
    assert!(
        error.to_string().contains("nothing more came for 300ms"),
        "{error}"
    );
    until(|| server.hangups() == 1).await;

    // Longer than an attempt may take, and than nothing may come.
    let comments = ": keep-alive\n\n".repeat(40);
    let answer = streamed(comments + &body).trickling(Duration::from_millis(1));
    let server = Server::answering(answer);
    let hurried = RequestOptions::new().timeout(Duration::from_millis(200));
    let client = builder(&server).build().unwrap().with_options(hurried);
    let stream = opening(&client).idle_timeout(patience).await.unwrap();
    assert_eq!(read(stream).await.0, ["a", "b"]);
}

#[tokio::test]
async fn dropping_it_closes_the_connection() {
    let (server, client) = answered(
        streamed(begun(&words(&["a"])))
            .without_length()
            .then_stall(),
    );
    let mut stream = opening(&client).await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    assert_eq!(server.hangups(), 0);
    drop(stream);
    until(|| server.hangups() == 1).await;

    // Nor is anything left of one that nobody waits for any longer.
    let (server, client) = answered(streamed(": not yet\n\n").without_length().then_stall());
    let waiting = opening(&client).into_future();
    assert!(
        tokio::time::timeout(Duration::from_millis(200), waiting)
            .await
            .is_err()
    );
    until(|| server.hangups() == 1).await;
}

#[tokio::test]
async fn an_event_may_be_long_but_not_without_end() {
    let long = "x".repeat(1 << 20);
    let (_server, opened) = chat(streamed(events(&words(&[&long])))).await;
    assert_eq!(read(opened.unwrap()).await.0, [long]);
    let body = begun(&words(&["a"])) + "data: " + &"x".repeat(17 << 20);
    let (texts, error) = broken(streamed(body)).await;
    assert_eq!(texts, ["a"]);
    assert!(error.to_string().contains("longer than 16 MiB"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_no_stream_says_so() {
    let plain = json!({"id": "chat-1", "choices": [], "canary": KEY}).to_string();
    let (server, opened) = chat(Answer::json(200, plain.as_str())).await;
    let error = opened.unwrap_err();
    assert!(
        error.to_string().contains("the answer is application/json"),
        "{error}"
    );
    assert_eq!(error.body().unwrap(), plain.as_str());
    assert!(error.may_have_executed());
    assert!(!shown(&error).contains("canary"));
    assert_eq!(server.requests().len(), 1);

    let refusal = json!({"error": {"message": "no streams here", "code": "c"}});
    let (_server, opened) = chat(Answer::json(200, refusal.to_string())).await;
    let error = opened.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (Some("c"), Some("no streams here"))
    );
}

#[tokio::test]
async fn before_the_first_event_the_ordinary_rules_hold() {
    let good = || streamed(events(&words(&["a"])));
    let full = || Answer::json(429, "{}").with_header("retry-after", "0");
    let silent = || streamed(": not yet\n\n").closing_early(1);
    let lost = || Answer::empty(200).hanging_up();
    for (answers, options, requests, succeeds) in [
        (vec![full(), good()], attempts(3), 2, true),
        (vec![Answer::json(400, "{}"), good()], attempts(3), 1, false),
        // It may have been executed, and is not idempotent, unless somebody says so.
        (vec![lost(), good()], attempts(3), 1, false),
        (vec![silent(), good()], attempts(3), 1, false),
        (
            vec![lost(), silent(), good()],
            attempts(3).idempotent(true),
            3,
            true,
        ),
        (vec![silent()], attempts(2).idempotent(true), 2, false),
    ] {
        let server = Server::playing(answers);
        let opened = opening(&client(&server).with_options(options)).await;
        assert_eq!(server.requests().len(), requests);
        match opened {
            Ok(stream) if succeeds => assert_eq!(read(stream).await.0, ["a"]),
            Ok(_) => panic!("it should have failed"),
            Err(error) => {
                assert!(!succeeds, "{error}");
                assert_eq!(error.attempts() as usize, requests);
                assert!(!shown(&error).contains("canary"));
            }
        }
    }
}

#[tokio::test]
async fn after_the_first_event_nothing_is_sent_again() {
    let half = streamed(begun(&words(&["a"])) + "data: {").closing_early(1);
    let server = Server::playing([Answer::json(503, "{}"), half, streamed(events(&[]))]);
    let client = client(&server).with_options(attempts(5).idempotent(true));
    let (texts, error) = read(opening(&client).await.unwrap()).await;
    assert_eq!(texts, ["a"]);
    assert_eq!(error.unwrap().attempts(), 2);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_error_as_the_first_event_is_an_error_of_the_call() {
    let event = json!({"error": {"message": "overloaded"}});
    let server = Server::answering(streamed(events(&[event])));
    let client = client(&server).with_options(attempts(3).idempotent(true));
    let error = opening(&client).await.unwrap_err();
    assert_eq!(error.message(), Some("overloaded"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nothing_secret_shows() {
    let client_body = words(&["canary of the answer"]);
    let (server, client) = answered(streamed(events(&client_body)).with_header("x-a", "canary"));
    let opening = opening(&client);
    let before = format!("{opening:?} {opening:#?}");
    let stream = opening.await.unwrap();
    let after = format!("{stream:?} {stream:#?}");
    assert!(
        !format!("{before}{after}").contains("canary"),
        "{before}{after}"
    );
    drop((stream, server));
}

/// A chat with everything that comes in pieces, and the answer that it adds up to.
fn conversation() -> (Vec<Value>, Value) {
    let call = |index: u32, rest: &Value| {
        let mut call = json!({"index": index});
        for (name, value) in rest.as_object().unwrap() {
            call[name] = value.clone();
        }
        chunk(&json!({"tool_calls": [call]}), None)
    };
    let second = |delta: &Value, finish: Option<&str>| {
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
    let pieces = vec![
        chunk(&json!({"role": "assistant", "content": ""}), None),
        second(&json!({"role": "assistant", "content": "sec"}), None),
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
        second(&json!({"content": "ond"}), Some("stop")),
        call(0, &json!({"function": {"arguments": " 1}"}})),
        chunk(&json!({}), Some("tool_calls")),
        usage,
    ];
    let whole = json!({
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
    (pieces, whole)
}

#[tokio::test]
async fn a_chat_adds_up_to_the_answer_without_a_stream() {
    let (pieces, whole) = conversation();
    let server = Server::playing([
        streamed(events(&pieces)),
        Answer::json(200, whole.to_string()),
    ]);
    let client = client(&server);
    let collected = opening(&client)
        .await
        .unwrap()
        .final_response()
        .await
        .unwrap();
    let call = client.create_chat_completion().body(question());
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
async fn thoughts_in_blocks_and_calls_without_an_index_add_up() {
    let pieces = [
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
    let (_server, opened) = chat(streamed(events(&pieces))).await;
    let answer = opened.unwrap().final_response().await.unwrap();
    let message = serde_json::to_value(&answer.choices[0].message).unwrap();
    assert_eq!(
        message["content_blocks"],
        json!([{"type": "thinking", "thinking": "so what"}])
    );
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_collected_before_an_error_is_in_it() {
    let (pieces, _) = conversation();
    let failure = json!({"error": {"message": "overloaded", "code": "c"}});
    for (behind, code) in [
        (events(&[failure]), Some("c")),
        ("data: {".to_owned(), None),
    ] {
        let body = begun(&pieces[..4]) + &behind;
        let (_server, opened) = chat(streamed(body).without_length()).await;
        let error = opened.unwrap().final_response().await.unwrap_err();
        assert_eq!(error.code(), code);
        let partial: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
        assert_eq!(partial["choices"][0]["message"]["content"], "Hello");
        assert!(error.to_string().contains("event 5"), "{error}");
    }
    // One choice says why it ends, the other does not, and neither does the stream.
    let body = begun(&pieces[..9]);
    let (_server, opened) = chat(streamed(body).without_length()).await;
    let error = opened.unwrap().final_response().await.unwrap_err();
    assert!(
        error.to_string().contains("before the answer was complete"),
        "{error}"
    );
    assert!(!error.body().unwrap().is_empty());
}

#[tokio::test]
async fn a_completion_adds_up() {
    let piece = |text: &str, finish: Option<&str>| {
        json!({
            "id": "text-1", "object": "text_completion", "created": 7, "model": "m",
            "choices": [{
                "index": 0, "text": text, "finish_reason": finish,
                "logprobs": {"tokens": [text], "token_logprobs": [-0.5]},
            }],
        })
    };
    let (server, client) = answered(streamed(events(&[
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
    let answer = stream.final_response().await.unwrap();
    assert_eq!(answer.choices[0].text.as_deref(), Some("ab"));
    let mut whole = piece("ab", Some("stop"));
    whole["choices"][0]["logprobs"] = json!({"tokens": ["a", "b"], "token_logprobs": [-0.5, -0.5]});
    assert_eq!(serde_json::to_value(&answer).unwrap(), whole);
    assert_eq!(server.request().json()["stream"], true);
}

#[tokio::test]
async fn a_response_ends_with_what_is_complete() {
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
    let (_server, client) = answered(streamed(body).without_length());
    let ask = || {
        let request = CreateResponse::builder().model("m").input("canary");
        client.create_response().body(request).stream()
    };
    let mut stream = ask().await.unwrap();
    let mut kinds = Vec::new();
    while let Some(event) = stream.next().await {
        kinds.push(match event.unwrap() {
            ResponseStreamEvent::ResponseCreated(_) => "created",
            ResponseStreamEvent::ResponseOutputTextDelta(delta) => {
                assert_eq!(delta.delta.as_deref(), Some("a"));
                "delta"
            }
            ResponseStreamEvent::Unknown(members) => {
                assert_eq!(members["a"], 1);
                "unknown"
            }
            ResponseStreamEvent::ResponseCompleted(_) => "completed",
            _ => "other",
        });
    }
    assert_eq!(kinds, ["created", "delta", "unknown", "completed"]);
    let answer = ask().await.unwrap().final_response().await.unwrap();
    assert_eq!(serde_json::to_value(&answer).unwrap(), response);
}

#[tokio::test]
async fn a_run_is_told_by_named_events() {
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
    let (server, client) = answered(streamed(body));
    let ask = || {
        let request = CreateRunRequest::builder().assistant_id("a");
        client.create_run("thread-1").body(request).stream()
    };
    let mut stream = ask().await.unwrap();
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
    let answer = ask().await.unwrap().final_response().await.unwrap();
    assert_eq!(serde_json::to_value(&answer).unwrap(), run("completed"));
    assert_eq!(server.requests()[0].target, "/v1/threads/thread-1/runs");

    let (_server, client) = answered(streamed(event(
        "thread.run.created",
        json!("}, \"canary\": 1"),
    )));
    let request = CreateRunRequest::builder().assistant_id("a");
    let opened = client.create_run("thread-1").body(request).stream().await;
    drop(opened.unwrap());
}

#[cfg(feature = "prompts")]
#[tokio::test]
async fn a_prompt_streams_what_its_template_makes() {
    use portkey_admin::types::RunPromptRequest;

    let (pieces, whole) = conversation();
    let (server, client) = answered(streamed(events(&pieces)));
    let request = RunPromptRequest::builder().variables(serde_json::Map::new());
    let stream = client.run_prompt("p").body(request).stream().await.unwrap();
    let answer = stream.final_response().await.unwrap();
    let message = serde_json::to_value(&answer.choices[0].message).unwrap();
    assert_eq!(message, whole["choices"][0]["message"]);
    let request = server.request();
    assert_eq!(request.target, "/v1/prompts/p/completions");
    assert_eq!(request.json()["stream"], true);
}

//! Streams whose events are collected into one response.

use portkey_admin::gateway::{
    chat::CreateChatCompletionResponse,
    completions::CreateCompletionRequest,
    responses::{CreateResponseRequest, ResponseStreamEvent},
};
use serde_json::{Value, json};

use crate::{
    chat_request, chunk, event_stream, events, events_with_done, open_chat, start_chat,
    support::{
        client,
        server::{ScriptedResponse, Server},
        server_and_client,
    },
};

/// Returns the chunks of a chat in which every field is split, and the complete response.
pub fn chunks_and_response() -> (Vec<Value>, Value) {
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

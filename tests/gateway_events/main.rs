//! Event streams: the request, the events, and how a stream ends.

#![cfg(feature = "gateway")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

mod assistants;
mod collected;
mod events;
mod failures;
mod retries;
#[path = "../support/mod.rs"]
mod support;

use portkey_admin::{
    Client, Error,
    gateway::{
        EventStream, OpenStream,
        chat::{CreateChatCompletionRequest, UserMessage},
    },
    types::ChatCompletionChunk,
};
use serde_json::{Value, json};
use support::{
    render_error,
    server::{ScriptedResponse, Server},
    server_and_client,
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

//! The client against the emulator's gateway: complete calls, and calls with scripted failures.

#![cfg(all(feature = "gateway", feature = "prompts"))]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic fails the test

use std::time::Duration;

use portkey_admin::{
    Client, JsonObject, RequestOptions, RetryPolicy,
    api_keys::{ApiKeySubType, ApiKeyType, CreateApiKeyRequest},
    gateway::audio::CreateSpeechRequest,
    gateway::batches::OpenAiBatchJob,
    gateway::chat::{ChatCompletionTool, CreateChatCompletionRequest, UserMessage},
    gateway::completions::CreateCompletionRequest,
    gateway::responses::{CreateResponseRequest, ResponseStreamEvent},
    gateway::{ClientEvent, FilePart, FunctionDefinitionInput, GatewayOptions},
    prompts::RunPromptRequest,
};
use portkey_admin_emulator::{Content, Emulator, Key, LineEnding, Organisation, Script};
use serde_json::{Value, json};

/// Starts an emulator; returns it with a client that has a workspace key.
async fn emulator_and_client() -> (Emulator, Client) {
    let organisation = Organisation::named("Acme")
        .workspace("Main")
        .key(Key::workspace("Main", "app"));
    let emulator = Emulator::builder().organisation(organisation);
    let emulator = emulator.start().await.unwrap();
    let client = Client::builder()
        .api_key(emulator.key("app").unwrap())
        .base_url(emulator.base_url())
        .options(
            RequestOptions::default()
                .retry(RetryPolicy::none())
                .gateway(GatewayOptions::new().provider("openai")),
        );
    (emulator, client.build().unwrap())
}

/// A request that is built and validated when it is sent.
type ChatRequest = portkey_admin::gateway::chat::CreateChatCompletionRequestBuilder;

fn chat_request(text: &str) -> ChatRequest {
    let message = UserMessage::builder().role("user").content(text).build();
    CreateChatCompletionRequest::builder()
        .model("gpt-4o")
        .messages([message.unwrap()])
}

fn tool_request() -> ChatRequest {
    let properties = json!({"city": {"type": "string"}});
    let function = FunctionDefinitionInput::builder()
        .name("weather")
        .parameters(JsonObject::from([
            ("type", json!("object")),
            ("properties", properties),
        ]));
    let tool = ChatCompletionTool::builder()
        .type_("function")
        .function(function)
        .build();
    chat_request("the weather in Tromsø, please").tools([tool.unwrap()])
}

/// Removes what differs between a streamed and a complete response: ids, times and usage.
fn comparable(response: &impl serde::Serialize) -> Value {
    let mut response = serde_json::to_value(response).unwrap();
    response["id"] = Value::Null;
    response["created"] = Value::Null;
    response["usage"] = Value::Null;
    for choice in response["choices"].as_array_mut().unwrap() {
        for call in choice["message"]["tool_calls"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            call["id"] = Value::Null;
        }
        let message = choice["message"].as_object_mut();
        message.and_then(|message| message.remove("refusal"));
        remove_nulls(choice);
    }
    response
}

fn remove_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, value| !value.is_null());
        fields.values_mut().for_each(remove_nulls);
    }
}

#[tokio::test]
async fn collected_chat_equals_the_complete_response() {
    let (_emulator, client) = emulator_and_client().await;
    for request in [|| chat_request("hello there"), tool_request] {
        let call = || client.create_chat_completion().body(request());
        let complete = call().send().await.unwrap();
        let streamed = call()
            .stream()
            .await
            .unwrap()
            .final_response()
            .await
            .unwrap();
        assert_eq!(comparable(&streamed), comparable(&complete));
    }
    let response = client
        .create_chat_completion()
        .body(tool_request())
        .send()
        .await
        .unwrap();
    let message = response.choices[0].message.as_ref().unwrap();
    let function = message.tool_calls[0].function.as_ref().unwrap();
    assert_eq!(
        function.arguments.as_deref(),
        Some(r#"{"city":"the weather in Tromsø, please"}"#)
    );
}

#[tokio::test]
async fn collected_completion_and_response_equal_the_complete_ones() {
    let (_emulator, client) = emulator_and_client().await;
    let request = || {
        CreateCompletionRequest::builder()
            .model("m")
            .prompt("once upon")
    };
    let complete = client
        .create_completion()
        .body(request())
        .send()
        .await
        .unwrap();
    let stream = client
        .create_completion()
        .body(request())
        .stream()
        .await
        .unwrap();
    let streamed = stream.final_response().await.unwrap();
    assert_eq!(comparable(&streamed), comparable(&complete));
    assert_eq!(
        complete.choices[0].text.as_deref(),
        Some("You said: once upon")
    );

    let request = || {
        CreateResponseRequest::builder()
            .model("gpt-4o")
            .input("hello")
    };
    let mut stream = client
        .create_response()
        .body(request())
        .stream()
        .await
        .unwrap();
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        if let ResponseStreamEvent::ResponseOutputTextDelta(delta) = event.unwrap() {
            text.push_str(delta.delta.as_deref().unwrap());
        }
    }
    assert_eq!(text, "You said: hello");
    let stream = client
        .create_response()
        .body(request())
        .stream()
        .await
        .unwrap();
    let response = stream.final_response().await.unwrap();
    let id = response.id.clone().unwrap();
    let read_back = client.get_response(id).send().await.unwrap();
    assert_eq!(
        serde_json::to_value(&read_back).unwrap(),
        serde_json::to_value(&response).unwrap()
    );
}

#[tokio::test]
async fn prompt_can_be_run_as_a_stream() {
    let emulator = Emulator::start().await.unwrap();
    let admin = Client::builder()
        .api_key(emulator.api_key())
        .base_url(emulator.base_url());
    let admin = admin.build().unwrap();
    let workspace = admin.list_workspaces().send().await.unwrap().data.remove(0);
    let prompt = admin.list_prompts().send().await.unwrap().data.remove(0);
    let key = CreateApiKeyRequest::builder()
        .name("app")
        .scopes(["completions.write"])
        .workspace_id(&workspace.id);
    let key = admin
        .create_api_key(ApiKeyType::Workspace, ApiKeySubType::Service)
        .body(key)
        .send()
        .await
        .unwrap();
    let client = Client::builder()
        .api_key(key.key.expose())
        .base_url(emulator.base_url());
    let client = client.build().unwrap();
    let variables: serde_json::Map<String, Value> = serde_json::Map::new();
    let request = RunPromptRequest::builder().variables(variables);
    let stream = client
        .run_prompt(&prompt.id)
        .body(request)
        .stream()
        .await
        .unwrap();
    let response = stream.final_response().await.unwrap();
    let response = serde_json::to_value(&response).unwrap().to_string();
    assert!(response.contains("You said"), "{response}");
}

#[tokio::test]
async fn stream_is_decoded_from_any_chunking() {
    let (emulator, client) = emulator_and_client().await;
    let script = Script::on("create_chat_completion")
        .text("größe über alles")
        .chunk_size(1)
        .line_ending(LineEnding::CrLf)
        .comment("still here")
        .pace(Duration::from_millis(5))
        .keep_alive(Duration::from_millis(2));
    emulator.add_script(script).unwrap();
    let stream = client
        .create_chat_completion()
        .body(chat_request("x"))
        .stream()
        .await
        .unwrap();
    let response = stream.final_response().await.unwrap();
    let message = response.choices[0].message.as_ref().unwrap();
    assert_eq!(message.content.as_deref(), Some("größe über alles"));
}

#[tokio::test]
async fn broken_stream_is_an_error_with_the_partial_response() {
    let (emulator, client) = emulator_and_client().await;
    let script = || {
        Script::on("create_chat_completion")
            .times(1)
            .text("one two three")
    };
    let call = || {
        client
            .create_chat_completion()
            .body(chat_request("x"))
            .stream()
    };
    for script in [
        script().close_after(3),
        script().truncate_after(3),
        script().reset_after(3),
        script().end_after(3),
    ] {
        emulator.add_script(script.clone()).unwrap();
        let error = call().await.unwrap().final_response().await.unwrap_err();
        let partial: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
        let content = &partial["choices"][0]["message"]["content"];
        assert_eq!(content, "one two", "{script:?}: {error}");
    }
    emulator.add_script(script().stall_after(3)).unwrap();
    let stream = call()
        .idle_timeout(Duration::from_millis(100))
        .await
        .unwrap();
    let error = stream.final_response().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    emulator.add_script(script().stall_after(0)).unwrap();
    let error = call()
        .idle_timeout(Duration::from_millis(100))
        .await
        .err()
        .unwrap();
    assert!(error.is_timeout(), "{error}");
    emulator
        .add_script(script().event(r#"{"error": {"message": "overloaded"}}"#))
        .unwrap();
    let error = call().await.err().unwrap();
    assert!(error.to_string().contains("overloaded"), "{error}");
}

#[tokio::test]
async fn uploads_are_received_byte_for_byte_from_every_source() {
    let (emulator, client) = emulator_and_client().await;
    let content = Content::synthetic(3_000_000, 11);
    let bytes = content.read(0, 3_000_000);
    let path = std::env::temp_dir().join(format!("portkey-admin-{}.jsonl", std::process::id()));
    std::fs::write(&path, &bytes).unwrap();
    let sources = [
        FilePart::bytes("a.jsonl", bytes.clone()),
        FilePart::path(&path),
        FilePart::reader("b.jsonl", std::io::Cursor::new(bytes.clone())),
        FilePart::reader_of_length("c.jsonl", std::io::Cursor::new(bytes.clone()), 3_000_000),
    ];
    for source in sources {
        let file = client
            .upload_file()
            .file(source)
            .purpose("batch")
            .send()
            .await
            .unwrap();
        assert_eq!(file.bytes, Some(3_000_000));
        let arrived = emulator.uploads().pop().unwrap();
        let part = arrived.part("file").unwrap();
        assert_eq!((part.size, &part.sha256), (3_000_000, &content.sha256()));
        assert_eq!(
            arrived.part("purpose").unwrap().text.as_deref(),
            Some("batch")
        );
        let stream = client
            .get_file_content(file.id.unwrap())
            .open()
            .await
            .unwrap();
        assert_eq!(stream.bytes(3_000_000).await.unwrap(), bytes);
    }
    std::fs::remove_file(path).unwrap();

    let image = FilePart::bytes("a.png", "png");
    let images = client
        .create_image_edit()
        .image(image)
        .prompt("green")
        .n(2)
        .send();
    assert_eq!(images.await.unwrap().data.len(), 2);
    let sound = FilePart::bytes("a.mp3", "sound");
    let text = client
        .create_transcription()
        .file(sound)
        .model("whisper-1")
        .send()
        .await
        .unwrap();
    let text = serde_json::to_value(&text).unwrap();
    assert!(
        text["text"]
            .as_str()
            .unwrap()
            .starts_with("5 bytes of audio/mpeg"),
        "{text}"
    );
}

#[tokio::test]
async fn binary_responses_are_complete_or_errors() {
    let (emulator, client) = emulator_and_client().await;
    let request = || {
        CreateSpeechRequest::builder()
            .model("tts-1")
            .voice("nova")
            .input("a b")
    };
    let audio = client.create_speech().body(request()).open().await.unwrap();
    assert_eq!(audio.headers()["content-type"], "audio/mpeg");
    assert_eq!(audio.bytes(4096).await.unwrap().len(), 2048);

    // Too large to collect: it is read, counted and discarded.
    let large = Content::synthetic(64 << 20, 1);
    let script = Script::on("create_speech").times(1).content(large);
    emulator.add_script(script).unwrap();
    let audio = client.create_speech().body(request()).open().await.unwrap();
    let read = audio
        .write_to(&mut tokio::io::sink(), |_| ())
        .await
        .unwrap();
    assert_eq!(read, 64 << 20);

    let large = Content::synthetic(1 << 20, 1);
    for script in [
        Script::on("create_speech")
            .content(large.clone())
            .close_after(2),
        Script::on("create_speech")
            .content(large.clone())
            .truncate_after(2),
        Script::on("create_speech")
            .content(large.clone())
            .reset_after(2),
    ] {
        emulator.add_script(script.times(1)).unwrap();
        let audio = client.create_speech().body(request()).open().await.unwrap();
        audio
            .write_to(&mut tokio::io::sink(), |_| ())
            .await
            .unwrap_err();
    }
}

#[tokio::test]
async fn batch_reads_an_input_file_and_has_an_output() {
    let (emulator, client) = emulator_and_client().await;
    let line = json!({
        "custom_id": "a", "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    });
    let file = FilePart::bytes("in.jsonl", line.to_string());
    let file = client
        .upload_file()
        .file(file)
        .purpose("batch")
        .send()
        .await
        .unwrap();
    let request = OpenAiBatchJob::builder()
        .input_file_id(file.id.unwrap())
        .endpoint("/v1/chat/completions")
        .completion_window("24h")
        .build();
    let batch = client
        .create_batch()
        .body(request.unwrap())
        .send()
        .await
        .unwrap();
    let id = batch.id.unwrap();
    let error = client.get_batch_output(&id).open().await.err().unwrap();
    assert!(error.is_not_found(), "{error}");
    emulator.advance(Duration::from_secs(2));
    let output = client.get_batch_output(&id).open().await.unwrap();
    let output: Value = serde_json::from_slice(&output.bytes(4096).await.unwrap()).unwrap();
    assert_eq!(output["custom_id"], "a");
}

#[tokio::test]
async fn realtime_session_exchanges_events_and_closes() {
    let (emulator, client) = emulator_and_client().await;
    let mut session = client
        .connect_realtime()
        .model("m")
        .connect()
        .await
        .unwrap();
    assert_eq!(
        session.next().await.unwrap().unwrap().kind(),
        "session.created"
    );
    let content = json!([{"type": "input_text", "text": "hi"}]);
    let item = json!({"type": "message", "role": "user", "content": content});
    let item = ClientEvent::new("conversation.item.create").set("item", item);
    session.send(item).await.unwrap();
    session
        .send(ClientEvent::new("response.create"))
        .await
        .unwrap();
    let mut text = String::new();
    loop {
        let event = session.next().await.unwrap().unwrap();
        if let Some(delta) = event.get("delta") {
            text.push_str(delta.as_str().unwrap());
        }
        if event.kind() == "response.done" {
            break;
        }
    }
    assert_eq!(text, "You said: hi");
    session.close(1000, "done").await.unwrap();

    emulator
        .add_script(Script::on("connect_realtime").times(1).reset_after(1))
        .unwrap();
    let mut session = client.connect_realtime().connect().await.unwrap();
    session.next().await.unwrap().unwrap();
    session.send(ClientEvent::new("x")).await.unwrap();
    session.next().await.unwrap().unwrap_err();

    let unauthorized = Client::builder()
        .api_key("wrong")
        .base_url(emulator.base_url());
    let error = unauthorized
        .build()
        .unwrap()
        .connect_realtime()
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(error.status().unwrap().as_u16(), 401);
}

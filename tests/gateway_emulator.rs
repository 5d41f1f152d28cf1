//! The client against the emulator's gateway: whole exchanges, and what a script makes of them.

#![cfg(all(feature = "gateway", feature = "prompts"))]
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that panics fails, as it should

use std::time::Duration;

use portkey_admin::{
    Client, ClientEvent, FilePart, JsonObject, RequestOptions, RetryPolicy,
    types::{
        ApiKeySubType, ApiKeyType, ChatCompletionRequestUserMessage, ChatCompletionTool,
        CreateApiKeyRequest, CreateChatCompletionRequest, CreateCompletionRequest, CreateResponse,
        CreateSpeechRequest, FunctionObjectInput, OpenAiBatchJob, ResponseStreamEvent,
        RunPromptRequest, builder,
    },
};
use portkey_admin_emulator::{Content, Emulator, Key, LineEnding, Organisation, Script};
use serde_json::{Value, json};

/// An emulator, and a client with a key of a workspace.
async fn both() -> (Emulator, Client) {
    let organisation = Organisation::named("Acme")
        .workspace("Main")
        .key(Key::workspace("Main", "app"));
    let emulator = Emulator::builder().organisation(organisation);
    let emulator = emulator.start().await.unwrap();
    let client = Client::builder()
        .api_key(emulator.key("app").unwrap())
        .base_url(emulator.base_url())
        .options(RequestOptions::default().retry(RetryPolicy::none()));
    (emulator, client.build().unwrap())
}

/// Builders are finished and checked where they are sent.
type Question = builder::CreateChatCompletionRequest;

fn question(text: &str) -> Question {
    let message = ChatCompletionRequestUserMessage::builder()
        .role("user")
        .content(text)
        .build();
    CreateChatCompletionRequest::builder()
        .model("gpt-4o")
        .messages([message.unwrap()])
}

fn weather() -> Question {
    let properties = json!({"city": {"type": "string"}});
    let function = FunctionObjectInput::builder()
        .name("weather")
        .parameters(JsonObject::from([
            ("type", json!("object")),
            ("properties", properties),
        ]));
    let tool = ChatCompletionTool::builder()
        .type_("function")
        .function(function)
        .build();
    question("the weather in Tromsø, please").tools([tool.unwrap()])
}

/// What is the same for a stream and a complete answer: all but ids and times.
fn essence(answer: &impl serde::Serialize) -> Value {
    let mut answer = serde_json::to_value(answer).unwrap();
    answer["id"] = Value::Null;
    answer["created"] = Value::Null;
    answer["usage"] = Value::Null;
    for choice in answer["choices"].as_array_mut().unwrap() {
        for call in choice["message"]["tool_calls"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            call["id"] = Value::Null;
        }
        let members = choice["message"].as_object_mut();
        members.and_then(|members| members.remove("refusal"));
        without_nulls(choice);
    }
    answer
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, value| !value.is_null());
        members.values_mut().for_each(without_nulls);
    }
}

#[tokio::test]
async fn a_chat_adds_up_to_the_complete_answer() {
    let (_emulator, client) = both().await;
    for request in [|| question("hello there"), weather] {
        let call = || client.create_chat_completion().body(request());
        let whole = call().send().await.unwrap();
        let streamed = call()
            .stream()
            .await
            .unwrap()
            .final_response()
            .await
            .unwrap();
        assert_eq!(essence(&streamed), essence(&whole));
    }
    let call = client
        .create_chat_completion()
        .body(weather())
        .send()
        .await
        .unwrap();
    let message = call.choices[0].message.as_ref().unwrap();
    let function = message.tool_calls[0].function.as_ref().unwrap();
    assert_eq!(
        function.arguments.as_deref(),
        Some(r#"{"city":"the weather in Tromsø, please"}"#)
    );
}

#[tokio::test]
async fn other_answers_add_up_as_well() {
    let (_emulator, client) = both().await;
    let request = || {
        CreateCompletionRequest::builder()
            .model("m")
            .prompt("once upon")
    };
    let whole = client
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
    assert_eq!(essence(&streamed), essence(&whole));
    assert_eq!(
        whole.choices[0].text.as_deref(),
        Some("You said: once upon")
    );

    let request = || CreateResponse::builder().model("gpt-4o").input("hello");
    let mut stream = client
        .create_response()
        .body(request())
        .stream()
        .await
        .unwrap();
    let mut said = String::new();
    while let Some(event) = stream.next().await {
        if let ResponseStreamEvent::ResponseOutputTextDelta(delta) = event.unwrap() {
            said.push_str(delta.delta.as_deref().unwrap());
        }
    }
    assert_eq!(said, "You said: hello");
    let stream = client
        .create_response()
        .body(request())
        .stream()
        .await
        .unwrap();
    let response = stream.final_response().await.unwrap();
    let id = response.id.clone().unwrap();
    let again = client.get_response(id).send().await.unwrap();
    assert_eq!(
        serde_json::to_value(&again).unwrap(),
        serde_json::to_value(&response).unwrap()
    );
}

#[tokio::test]
async fn a_prompt_is_run_word_by_word() {
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
    let answer = stream.final_response().await.unwrap();
    let answer = serde_json::to_value(&answer).unwrap().to_string();
    assert!(answer.contains("You said"), "{answer}");
}

#[tokio::test]
async fn a_stream_arrives_however_it_is_cut() {
    let (emulator, client) = both().await;
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
        .body(question("x"))
        .stream()
        .await
        .unwrap();
    let answer = stream.final_response().await.unwrap();
    let message = answer.choices[0].message.as_ref().unwrap();
    assert_eq!(message.content.as_deref(), Some("größe über alles"));
}

#[tokio::test]
async fn a_stream_that_breaks_is_an_error_with_what_has_come() {
    let (emulator, client) = both().await;
    let on = || {
        Script::on("create_chat_completion")
            .times(1)
            .text("one two three")
    };
    let call = || client.create_chat_completion().body(question("x")).stream();
    for script in [
        on().close_after(3),
        on().truncate_after(3),
        on().reset_after(3),
        on().end_after(3),
    ] {
        emulator.add_script(script.clone()).unwrap();
        let error = call().await.unwrap().final_response().await.unwrap_err();
        let partial: Value = serde_json::from_slice(error.body().unwrap()).unwrap();
        let said = &partial["choices"][0]["message"]["content"];
        assert_eq!(said, "one two", "{script:?}: {error}");
    }
    emulator.add_script(on().stall_after(3)).unwrap();
    let stream = call()
        .idle_timeout(Duration::from_millis(100))
        .await
        .unwrap();
    let error = stream.final_response().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    emulator.add_script(on().stall_after(0)).unwrap();
    let error = call()
        .idle_timeout(Duration::from_millis(100))
        .await
        .err()
        .unwrap();
    assert!(error.is_timeout(), "{error}");
    emulator
        .add_script(on().event(r#"{"error": {"message": "overloaded"}}"#))
        .unwrap();
    let error = call().await.err().unwrap();
    assert!(error.to_string().contains("overloaded"), "{error}");
}

#[tokio::test]
async fn uploads_arrive_byte_for_byte_from_every_source() {
    let (emulator, client) = both().await;
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
async fn binary_answers_are_read_to_the_end_or_are_errors() {
    let (emulator, client) = both().await;
    let request = || {
        CreateSpeechRequest::builder()
            .model("tts-1")
            .voice("nova")
            .input("a b")
    };
    let audio = client.create_speech().body(request()).open().await.unwrap();
    assert_eq!(audio.headers()["content-type"], "audio/mpeg");
    assert_eq!(audio.bytes(4096).await.unwrap().len(), 2048);

    // Far more than anybody would keep: read, counted and thrown away.
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
async fn a_batch_is_made_of_a_file_and_ends_in_one() {
    let (emulator, client) = both().await;
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
    let early = client.get_batch_output(&id).open().await.err().unwrap();
    assert!(early.is_not_found(), "{early}");
    emulator.advance(Duration::from_secs(2));
    let output = client.get_batch_output(&id).open().await.unwrap();
    let output: Value = serde_json::from_slice(&output.bytes(4096).await.unwrap()).unwrap();
    assert_eq!(output["custom_id"], "a");
}

#[tokio::test]
async fn a_session_is_talked_in_and_ended() {
    let (emulator, client) = both().await;
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
    let mut said = String::new();
    loop {
        let event = session.next().await.unwrap().unwrap();
        if let Some(delta) = event.get("delta") {
            said.push_str(delta.as_str().unwrap());
        }
        if event.kind() == "response.done" {
            break;
        }
    }
    assert_eq!(said, "You said: hi");
    session.close(1000, "done").await.unwrap();

    emulator
        .add_script(Script::on("connect_realtime").times(1).reset_after(1))
        .unwrap();
    let mut session = client.connect_realtime().connect().await.unwrap();
    session.next().await.unwrap().unwrap();
    session.send(ClientEvent::new("x")).await.unwrap();
    session.next().await.unwrap().unwrap_err();

    let stranger = Client::builder()
        .api_key("wrong")
        .base_url(emulator.base_url());
    let error = stranger
        .build()
        .unwrap()
        .connect_realtime()
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(error.status().unwrap().as_u16(), 401);
}

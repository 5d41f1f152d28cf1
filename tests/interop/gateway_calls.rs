//! Our client's half of the comparison with the official Python SDK; `gateway_calls.py` is the other
//! half, makes the same calls in the same order and writes the same kind of JSON. `run` starts both.
//!
//! What is sent stands in `gateway.json` and in the files that `run` makes.

#![allow(clippy::unwrap_used)] // a call that fails is to end the run

use std::{env, error::Error, fs, path::PathBuf};

use portkey_admin::{
    ByteStream, Client, FilePart, JsonObject,
    types::{
        ChatCompletionRequestUserMessage, ChatCompletionTool, CreateChatCompletionRequest,
        CreateCollectionRequest, CreateCompletionRequest, CreateEmbeddingRequest,
        CreatePromptRequest, CreateResponse, CreateSpeechRequest, FunctionObjectInput,
        ResponseStreamEvent, RunPromptRequest, builder,
    },
};
use portkey_admin_emulator::Content;
use serde_json::{Map, Value, json};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// More than any answer here has.
const MOST_BYTES: usize = 16 << 20;

/// What is sent, and what has come of it so far.
struct Tour {
    client: Client,
    inputs: Value,
    files: PathBuf,
    results: Map<String, Value>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let client = Client::builder()
        .api_key(env::var("INTEROP_WORKSPACE_KEY")?)
        .base_url(env::var("INTEROP_BASE_URL")?);
    let mut tour = Tour {
        client: client.build()?,
        inputs: serde_json::from_str(&fs::read_to_string(env::var("INTEROP_INPUTS")?)?)?,
        files: env::var("INTEROP_FILES")?.into(),
        results: Map::new(),
    };
    tour.chats().await?;
    tour.completions().await?;
    tour.responses().await?;
    tour.prompts().await?;
    tour.embeddings().await?;
    tour.files().await?;
    tour.images().await?;
    tour.audio().await?;
    let results = Value::Object(tour.results).to_string();
    fs::write(env::var("INTEROP_RESULTS")?, results)?;
    Ok(())
}

/// What a stream gave: how many events, and the answer that they add up to. It is asked for twice,
/// once for each.
macro_rules! streamed {
    ($call:expr) => {{
        let mut stream = $call.stream().await?;
        let mut events = 0;
        while let Some(event) = stream.next().await {
            event?;
            events += 1;
        }
        let answer = $call.stream().await?.final_response().await?;
        (events, serde_json::to_value(&answer)?)
    }};
}

impl Tour {
    /// The text of an input: of this request, this member.
    fn text(&self, request: &str, member: &str) -> String {
        self.inputs[request][member].as_str().unwrap().to_owned()
    }

    /// The conversation of an input, and everything else in it that a chat here has.
    fn chat(&self, name: &str) -> builder::CreateChatCompletionRequest {
        let input = &self.inputs[name];
        let text = input["messages"][0]["content"].as_str().unwrap();
        let message = ChatCompletionRequestUserMessage::builder()
            .role("user")
            .content(text)
            .build();
        let request = CreateChatCompletionRequest::builder()
            .model(self.text(name, "model"))
            .messages([message.unwrap()]);
        let Some(function) = input.pointer("/tools/0/function") else {
            return request;
        };
        let parameters = function["parameters"].as_object().unwrap();
        let parameters = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        let function = FunctionObjectInput::builder()
            .name(function["name"].as_str().unwrap())
            .parameters(parameters.collect::<JsonObject>());
        let tool = ChatCompletionTool::builder()
            .type_("function")
            .function(function)
            .build();
        request.tools([tool.unwrap()])
    }

    fn note(&mut self, name: &str, result: Value) {
        self.results.insert(name.to_owned(), result);
    }

    fn note_stream(&mut self, name: &str, (events, answer): (u64, Value)) {
        let mut result = essence(&answer);
        result["events"] = json!(events);
        self.note(name, result);
    }

    async fn chats(&mut self) -> Outcome {
        for name in ["chat", "tools"] {
            let call = self.client.create_chat_completion().body(self.chat(name));
            let whole = call.clone().send().await?;
            let stream = streamed!(call.clone());
            self.note(name, essence(&serde_json::to_value(&whole)?));
            self.note_stream(&format!("{name}, streamed"), stream);
        }
        let call = self
            .client
            .create_chat_completion()
            .body(self.chat("chat").n(2));
        let stream = streamed!(call.clone());
        self.note_stream("two choices, streamed", stream);
        Ok(())
    }

    async fn completions(&mut self) -> Outcome {
        let request = CreateCompletionRequest::builder()
            .model(self.text("completion", "model"))
            .prompt(self.text("completion", "prompt"));
        let call = self.client.create_completion().body(request);
        let whole = call.clone().send().await?;
        let stream = streamed!(call.clone());
        self.note("completion", essence(&serde_json::to_value(&whole)?));
        self.note_stream("completion, streamed", stream);
        Ok(())
    }

    async fn responses(&mut self) -> Outcome {
        let request = CreateResponse::builder()
            .model(self.text("response", "model"))
            .input(self.text("response", "input"));
        let call = self.client.create_response().body(request);
        let whole = serde_json::to_value(call.clone().send().await?)?;
        self.note("response", response(&whole));
        let mut stream = call.stream().await?;
        let (mut kinds, mut text, mut last) = (Vec::new(), String::new(), Value::Null);
        while let Some(event) = stream.next().await {
            let event = event?;
            if let ResponseStreamEvent::ResponseOutputTextDelta(delta) = &event {
                text.push_str(delta.delta.as_deref().unwrap_or_default());
            }
            last = serde_json::to_value(&event)?;
            kinds.push(last["type"].clone());
        }
        let mut result = response(&last["response"]);
        result["events"] = json!(kinds);
        result["deltas"] = json!(text);
        self.note("response, streamed", result);
        Ok(())
    }

    async fn prompts(&mut self) -> Outcome {
        let collection = CreateCollectionRequest::builder().name("interop");
        let collection = self.client.create_collection().body(collection);
        let collection = collection.send().await?.id.unwrap();
        let prompt = CreatePromptRequest::builder()
            .name("greeting")
            .collection_id(collection)
            .string("Hello {{who}}")
            .model("gpt-4o")
            .virtual_key("some-key")
            .parameters([("max_tokens", 10)]);
        let prompt = self.client.create_prompt().body(prompt);
        let prompt = prompt.send().await?.slug.unwrap();
        let variables = self.inputs["prompt_variables"].as_object().unwrap().clone();
        let request = RunPromptRequest::builder().variables(variables);
        let call = self.client.run_prompt(prompt).body(request);
        let whole = call.clone().send().await?;
        let stream = streamed!(call.clone());
        self.note("prompt", essence(&serde_json::to_value(&whole)?));
        self.note_stream("prompt, streamed", stream);
        Ok(())
    }

    async fn embeddings(&mut self) -> Outcome {
        let request = CreateEmbeddingRequest::builder()
            .model(self.text("embedding", "model"))
            .input(self.text("embedding", "input"));
        let call = self.client.create_embedding().body(request);
        let answer = serde_json::to_value(call.send().await?)?;
        self.note("embedding", answer);
        Ok(())
    }

    async fn files(&mut self) -> Outcome {
        let content = self.path("large.json");
        let typed = FilePart::bytes("größe \"x\".txt", "größe\n").content_type("text/plain");
        let empty = FilePart::bytes("empty.json", "");
        for (name, file) in [
            ("file", content),
            ("typed file", typed),
            ("empty file", empty),
        ] {
            let call = self.client.upload_file().file(file).purpose("batch");
            let made = call.send().await?;
            let id = made.id.clone().unwrap();
            let read = self.client.get_file(&id).send().await?;
            let content = self.client.get_file_content(&id).open().await?;
            let deleted = self.client.delete_file(&id).send().await?;
            self.note(&format!("{name}, uploaded"), serde_json::to_value(&made)?);
            self.note(&format!("{name}, read"), serde_json::to_value(&read)?);
            self.note(&format!("{name}, content"), received(content).await?);
            self.note(&format!("{name}, deleted"), serde_json::to_value(&deleted)?);
        }
        Ok(())
    }

    async fn images(&mut self) -> Outcome {
        let edit = self.client.create_image_edit();
        let edit = edit
            .image(self.path("image.png"))
            .mask(self.path("mask.png"))
            .prompt("make it größer")
            .n(2)
            .size("256x256".parse::<portkey_admin::types::SquareImageSize>()?)
            .response_format("b64_json".parse::<portkey_admin::types::ImageResponseFormat>()?);
        let edit = edit.send().await?;
        self.note("image edit", serde_json::to_value(&edit)?);
        let variation = self.client.create_image_variation();
        let variation = variation
            .image(self.path("image.png"))
            .n(1)
            .response_format("b64_json".parse::<portkey_admin::types::ImageResponseFormat>()?);
        let variation = variation.send().await?;
        self.note("image variation", serde_json::to_value(&variation)?);
        Ok(())
    }

    async fn audio(&mut self) -> Outcome {
        for (name, file) in [("mp3", "speech.mp3")] {
            let transcription = self.client.create_transcription();
            let transcription = transcription
                .file(self.path(file))
                .model("whisper-1")
                .language("de")
                .temperature(0.5);
            let transcription = transcription.send().await?;
            let result = serde_json::to_value(&transcription)?;
            self.note(&format!("transcription of {name}"), result);
        }
        let translation = self.client.create_translation();
        let translation = translation
            .file(self.path("speech.mp3"))
            .model("whisper-1")
            .prompt("größe");
        let translation = translation.send().await?;
        self.note("translation", serde_json::to_value(&translation)?);
        let request = CreateSpeechRequest::builder()
            .model(self.text("speech", "model"))
            .voice(self.text("speech", "voice"))
            .input(self.text("speech", "input"));
        let speech = self.client.create_speech().body(request).open().await?;
        let result = received(speech).await?;
        self.note("speech", result);
        Ok(())
    }

    fn path(&self, name: &str) -> FilePart {
        FilePart::path(self.files.join(name))
    }
}

/// What an answer says, in whole or put together: choices and usage.
fn essence(answer: &Value) -> Value {
    let choices = answer["choices"].as_array().into_iter().flatten();
    let choices = choices.map(|choice| {
        let message = &choice["message"];
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let calls = calls.map(|call| {
            json!([
                call["type"],
                call["function"]["name"],
                call["function"]["arguments"]
            ])
        });
        let text = choice.get("text").unwrap_or(&message["content"]);
        json!({
            "index": choice["index"],
            "role": message["role"],
            "text": text,
            "tool_calls": calls.collect::<Value>(),
            "finish_reason": choice["finish_reason"],
        })
    });
    json!({
        "model": answer["model"],
        "choices": choices.collect::<Value>(),
        "usage": answer["usage"],
    })
}

/// What a response says.
fn response(response: &Value) -> Value {
    let output = response["output"].as_array().into_iter().flatten();
    let texts = output.flat_map(|item| item["content"].as_array().into_iter().flatten());
    json!({
        "model": response["model"],
        "status": response["status"],
        "texts": texts.map(|part| part["text"].clone()).collect::<Value>(),
        "usage": response["usage"],
    })
}

/// What was received as bytes.
async fn received(stream: ByteStream) -> Outcome<Value> {
    let kind = stream.headers()["content-type"].to_str()?.to_owned();
    // The emulator's type for the sake of its checksum.
    let content = Content::bytes(stream.bytes(MOST_BYTES).await?);
    Ok(json!({"content_type": kind, "size": content.size(), "sha256": content.sha256()}))
}

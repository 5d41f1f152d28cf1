//! The half of the comparison with the official Python SDK that uses this client. `gateway_calls.py` makes
//! the same calls in the same order and writes JSON in the same format. `run` starts both.
//!
//! The inputs are in `gateway.json` and in the files that `run` creates.

#![allow(clippy::unwrap_used)] // a failed call ends the run

use std::{env, error::Error, fs, path::PathBuf};

use portkey_admin::{
    ByteStream, Client, JsonObject, RequestOptions,
    gateway::audio::CreateSpeechRequest,
    gateway::chat::{
        ChatCompletionTool, CreateChatCompletionRequest, CreateChatCompletionRequestBuilder,
        UserMessage,
    },
    gateway::completions::CreateCompletionRequest,
    gateway::embeddings::CreateEmbeddingRequest,
    gateway::responses::{CreateResponseRequest, ResponseStreamEvent},
    gateway::{FilePart, FunctionDefinitionInput, GatewayOptions},
    prompts::{CreateCollectionRequest, CreatePromptRequest, RunPromptRequest},
};
use portkey_admin_emulator::Content;
use serde_json::{Map, Value, json};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The limit for binary responses, larger than any of them.
const MAX_BYTES: usize = 16 << 20;

/// The inputs, and the results so far.
struct Comparison {
    client: Client,
    inputs: Value,
    files: PathBuf,
    results: Map<String, Value>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let client = Client::builder()
        .api_key(env::var("INTEROP_WORKSPACE_KEY")?)
        .base_url(env::var("INTEROP_BASE_URL")?)
        .options(RequestOptions::new().gateway(GatewayOptions::new().provider("@openai-main")));
    let mut comparison = Comparison {
        client: client.build()?,
        inputs: serde_json::from_str(&fs::read_to_string(env::var("INTEROP_INPUTS")?)?)?,
        files: env::var("INTEROP_FILES")?.into(),
        results: Map::new(),
    };
    comparison.chats().await?;
    comparison.completions().await?;
    comparison.responses().await?;
    comparison.prompts().await?;
    comparison.embeddings().await?;
    comparison.files().await?;
    comparison.images().await?;
    comparison.audio().await?;
    let results = Value::Object(comparison.results).to_string();
    fs::write(env::var("INTEROP_RESULTS")?, results)?;
    Ok(())
}

/// Returns the number of events of a stream, and the response that they result in. The stream is requested
/// twice, once for each.
macro_rules! streamed {
    ($call:expr) => {{
        let mut stream = $call.stream().await?;
        let mut events = 0;
        while let Some(event) = stream.next().await {
            event?;
            events += 1;
        }
        let response = $call.stream().await?.final_response().await?;
        (events, serde_json::to_value(&response)?)
    }};
}

impl Comparison {
    /// Returns a string field of an input.
    fn text(&self, request: &str, field: &str) -> String {
        self.inputs[request][field].as_str().unwrap().to_owned()
    }

    /// Builds a chat completion request from an input.
    fn chat(&self, name: &str) -> CreateChatCompletionRequestBuilder {
        let input = &self.inputs[name];
        let text = input["messages"][0]["content"].as_str().unwrap();
        let message = UserMessage::builder().role("user").content(text).build();
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
        let function = FunctionDefinitionInput::builder()
            .name(function["name"].as_str().unwrap())
            .parameters(parameters.collect::<JsonObject>());
        let tool = ChatCompletionTool::builder()
            .type_("function")
            .function(function)
            .build();
        request.tools([tool.unwrap()])
    }

    fn record(&mut self, name: &str, result: Value) {
        self.results.insert(name.to_owned(), result);
    }

    fn record_stream(&mut self, name: &str, (events, response): (u64, Value)) {
        let mut result = comparable(&response);
        result["events"] = json!(events);
        self.record(name, result);
    }

    async fn chats(&mut self) -> Outcome {
        for name in ["chat", "tools"] {
            let call = self.client.create_chat_completion().body(self.chat(name));
            let complete = call.clone().send().await?;
            let stream = streamed!(call.clone());
            self.record(name, comparable(&serde_json::to_value(&complete)?));
            self.record_stream(&format!("{name}, streamed"), stream);
        }
        let call = self
            .client
            .create_chat_completion()
            .body(self.chat("chat").n(2));
        let stream = streamed!(call.clone());
        self.record_stream("two choices, streamed", stream);
        Ok(())
    }

    async fn completions(&mut self) -> Outcome {
        let request = CreateCompletionRequest::builder()
            .model(self.text("completion", "model"))
            .prompt(self.text("completion", "prompt"));
        let call = self.client.create_completion().body(request);
        let complete = call.clone().send().await?;
        let stream = streamed!(call.clone());
        self.record("completion", comparable(&serde_json::to_value(&complete)?));
        self.record_stream("completion, streamed", stream);
        Ok(())
    }

    async fn responses(&mut self) -> Outcome {
        let request = CreateResponseRequest::builder()
            .model(self.text("response", "model"))
            .input(self.text("response", "input"));
        let call = self.client.create_response().body(request);
        let complete = serde_json::to_value(call.clone().send().await?)?;
        self.record("response", comparable_response(&complete));
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
        let mut result = comparable_response(&last["response"]);
        result["events"] = json!(kinds);
        result["deltas"] = json!(text);
        self.record("response, streamed", result);
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
            .virtual_key("openai-main")
            .parameters(json!({"max_tokens": 10}));
        let prompt = self.client.create_prompt().body(prompt);
        let prompt = prompt.send().await?.slug.unwrap();
        let variables = self.inputs["prompt_variables"].as_object().unwrap().clone();
        let request = RunPromptRequest::builder().variables(variables);
        let call = self.client.run_prompt(prompt).body(request);
        let complete = call.clone().send().await?;
        let stream = streamed!(call.clone());
        self.record("prompt", comparable(&serde_json::to_value(&complete)?));
        self.record_stream("prompt, streamed", stream);
        Ok(())
    }

    async fn embeddings(&mut self) -> Outcome {
        let request = CreateEmbeddingRequest::builder()
            .model(self.text("embedding", "model"))
            .input(self.text("embedding", "input"));
        let call = self.client.create_embedding().body(request);
        let response = serde_json::to_value(call.send().await?)?;
        self.record("embedding", response);
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
            let created = call.send().await?;
            let id = created.id.clone().unwrap();
            let read = self.client.get_file(&id).send().await?;
            let content = self.client.get_file_content(&id).open().await?;
            let deleted = self.client.delete_file(&id).send().await?;
            self.record(
                &format!("{name}, uploaded"),
                serde_json::to_value(&created)?,
            );
            self.record(&format!("{name}, read"), serde_json::to_value(&read)?);
            self.record(&format!("{name}, content"), body_summary(content).await?);
            self.record(&format!("{name}, deleted"), serde_json::to_value(&deleted)?);
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
            .size("256x256".parse::<portkey_admin::gateway::images::SquareImageSize>()?)
            .response_format(
                "b64_json".parse::<portkey_admin::gateway::images::ImageResponseFormat>()?,
            );
        let edit = edit.send().await?;
        self.record("image edit", serde_json::to_value(&edit)?);
        let variation = self.client.create_image_variation();
        let variation = variation
            .image(self.path("image.png"))
            .n(1)
            .response_format(
                "b64_json".parse::<portkey_admin::gateway::images::ImageResponseFormat>()?,
            );
        let variation = variation.send().await?;
        self.record("image variation", serde_json::to_value(&variation)?);
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
            self.record(&format!("transcription of {name}"), result);
        }
        let translation = self.client.create_translation();
        let translation = translation
            .file(self.path("speech.mp3"))
            .model("whisper-1")
            .prompt("größe");
        let translation = translation.send().await?;
        self.record("translation", serde_json::to_value(&translation)?);
        let request = CreateSpeechRequest::builder()
            .model(self.text("speech", "model"))
            .voice(self.text("speech", "voice"))
            .input(self.text("speech", "input"));
        let speech = self.client.create_speech().body(request).open().await?;
        let result = body_summary(speech).await?;
        self.record("speech", result);
        Ok(())
    }

    fn path(&self, name: &str) -> FilePart {
        FilePart::path(self.files.join(name))
    }
}

/// Returns the parts of a complete or collected response that are compared: model, choices and usage.
fn comparable(response: &Value) -> Value {
    let choices = response["choices"].as_array().into_iter().flatten();
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
        "model": response["model"],
        "choices": choices.collect::<Value>(),
        "usage": response["usage"],
    })
}

/// Returns the parts of a response of the Responses API that are compared.
fn comparable_response(response: &Value) -> Value {
    let output = response["output"].as_array().into_iter().flatten();
    let texts = output.flat_map(|item| item["content"].as_array().into_iter().flatten());
    json!({
        "model": response["model"],
        "status": response["status"],
        "texts": texts.map(|part| part["text"].clone()).collect::<Value>(),
        "usage": response["usage"],
    })
}

/// Reads a binary response; returns its content type, size and checksum.
async fn body_summary(stream: ByteStream) -> Outcome<Value> {
    let kind = stream.headers()["content-type"].to_str()?.to_owned();
    // `Content` computes the checksum.
    let content = Content::bytes(stream.bytes(MAX_BYTES).await?);
    Ok(json!({"content_type": kind, "size": content.size(), "sha256": content.sha256()}))
}

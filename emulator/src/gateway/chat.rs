//! Chat and text completions: returned complete or as a stream of chunks.

use std::iter;

use serde_json::{Map, Value, json};

use super::model_stub::{self, ModelInput, ModelOutput};
use super::requests::{log_request, wants_stream};
use crate::call::Call;
use crate::http::events::{Event, Events};
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;

/// The kind of completion.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CompletionKind {
    Chat,
    Text,
}

/// The fields common to all chunks of a completion.
#[derive(Clone)]
struct CompletionHead {
    kind: CompletionKind,
    id: String,
    created: i64,
    model: Value,
}

pub(super) fn create_chat_completion(state: &mut State, call: &Call) -> HandlerResult {
    chat(state, call, &call.body)
}

pub(super) fn create_completion(state: &mut State, call: &Call) -> HandlerResult {
    text(state, call, &call.body)
}

/// Completes a chat; the output depends on the last message.
pub(crate) fn chat(state: &mut State, call: &Call, request: &Value) -> HandlerResult {
    let messages = request["messages"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let last = messages.last().unwrap_or(&Value::Null);
    let text = model_stub::content_text(&last["content"]);
    let input = match last["role"].as_str() {
        Some("tool" | "function") => ModelInput::ToolResult(text),
        _ => ModelInput::UserMessage(text),
    };
    let output = model_stub::generate(call, &input, request);
    let texts = messages.iter();
    let prompt = texts
        .map(|message| model_stub::count_words(&model_stub::content_text(&message["content"])));
    complete(
        state,
        call,
        request,
        (CompletionKind::Chat, output, prompt.sum()),
    )
}

/// Completes a text; of several prompts, only the first is used.
pub(crate) fn text(state: &mut State, call: &Call, request: &Value) -> HandlerResult {
    let prompt = match &request["prompt"] {
        Value::Array(prompts) => prompts.first().and_then(Value::as_str),
        prompt => prompt.as_str(),
    };
    let prompt = prompt.unwrap_or_default().to_owned();
    let length = model_stub::count_words(&prompt);
    // Text completions do not support tools.
    let output = model_stub::generate(call, &ModelInput::UserMessage(prompt), &Value::Null);
    complete(state, call, request, (CompletionKind::Text, output, length))
}

fn complete(
    state: &mut State,
    call: &Call,
    request: &Value,
    (kind, output, prompt): (CompletionKind, ModelOutput, usize),
) -> HandlerResult {
    let choices = request["n"].as_u64().unwrap_or(1).clamp(1, 128);
    let completion = output
        .tokens()
        .saturating_mul(usize::try_from(choices).unwrap_or(1));
    let usage = json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    });
    let head = CompletionHead {
        kind,
        id: kind.id(call),
        created: call.now.timestamp(),
        model: request["model"].clone(),
    };
    log_request(
        state,
        call,
        request,
        &json!({"model": head.model, "usage": usage}),
    )?;
    if wants_stream(request) {
        let include_usage = request["stream_options"]["include_usage"] == true;
        let usage = include_usage.then_some(usage);
        return Ok(ResponseBody::Events(Events::new(chunks(
            head, &output, choices, usage,
        ))));
    }
    let choices = (0..choices).map(|index| head.choice(index, &output));
    let choices: Vec<Value> = choices.collect();
    respond(json!({
        "id": head.id,
        "object": kind.object(),
        "created": head.created,
        "model": head.model,
        "choices": choices,
        "usage": usage,
    }))
}

impl CompletionKind {
    fn id(self, call: &Call) -> String {
        let prefix = match self {
            Self::Chat => "chatcmpl",
            Self::Text => "cmpl",
        };
        format!("{prefix}-{}", call.ids.uuid())
    }

    fn object(self) -> &'static str {
        match self {
            Self::Chat => "chat.completion",
            Self::Text => "text_completion",
        }
    }
}

impl CompletionHead {
    /// Returns a complete choice.
    fn choice(&self, index: u64, output: &ModelOutput) -> Value {
        let mut choice = json!({
            "index": index,
            "logprobs": null,
            "finish_reason": finish_reason(self.kind, output),
        });
        match (self.kind, output) {
            (CompletionKind::Text, output) => choice["text"] = json!(plain_text(output)),
            (CompletionKind::Chat, ModelOutput::Text(text)) => {
                choice["message"] =
                    json!({"role": "assistant", "content": &**text, "refusal": null});
            }
            (CompletionKind::Chat, ModelOutput::ToolCalls(calls)) => {
                let calls = calls.iter().map(|call| {
                    let function = json!({"name": call.name, "arguments": &*call.arguments});
                    json!({"id": call.id, "type": "function", "function": function})
                });
                let calls: Vec<Value> = calls.collect();
                choice["message"] = json!({
                    "role": "assistant", "content": null, "refusal": null, "tool_calls": calls,
                });
            }
        }
        choice
    }

    fn chunk(&self, choices: Value) -> Event {
        let object = match self.kind {
            CompletionKind::Chat => "chat.completion.chunk",
            CompletionKind::Text => "text_completion",
        };
        Event::data(self.with_choices(object, choices).to_string())
    }

    fn with_choices(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }

    /// Returns a chunk with a part of one choice.
    fn chunk_with(&self, index: u64, name: &str, value: Value, finish_reason: Value) -> Event {
        let mut choice = Map::new();
        choice.insert("index".to_owned(), json!(index));
        choice.insert(name.to_owned(), value);
        choice.insert("logprobs".to_owned(), Value::Null);
        choice.insert("finish_reason".to_owned(), finish_reason);
        self.chunk(json!([choice]))
    }
}

/// Returns the output as text. Text completions have no tool calls, so the arguments of scripted
/// tool calls are returned instead.
fn plain_text(output: &ModelOutput) -> String {
    match output {
        ModelOutput::Text(text) => text.to_string(),
        ModelOutput::ToolCalls(calls) => calls.iter().map(|call| &*call.arguments).collect(),
    }
}

fn finish_reason(kind: CompletionKind, output: &ModelOutput) -> &'static str {
    match (kind, output) {
        (CompletionKind::Chat, ModelOutput::ToolCalls(_)) => "tool_calls",
        _ => "stop",
    }
}

/// Returns the events of a stream: the choices in order, the usage if requested, and `[DONE]`.
fn chunks(
    head: CompletionHead,
    output: &ModelOutput,
    choices: u64,
    usage: Option<Value>,
) -> impl Iterator<Item = Event> + Send + use<> {
    let last = usage.map(|usage| {
        let mut chunk = head.with_choices("chat.completion.chunk", json!([]));
        if head.kind == CompletionKind::Text {
            chunk["object"] = json!("text_completion");
        }
        chunk["usage"] = usage;
        Event::data(chunk.to_string())
    });
    let output = output.clone();
    let chunks = (0..choices).flat_map(move |index| choice_chunks(&head, index, &output));
    chunks.chain(last).chain([Event::data("[DONE]")])
}

/// Returns the events of one choice.
fn choice_chunks(
    head: &CompletionHead,
    index: u64,
    output: &ModelOutput,
) -> Box<dyn Iterator<Item = Event> + Send> {
    let end = json!(finish_reason(head.kind, output));
    let head = head.clone();
    if head.kind == CompletionKind::Text {
        let end = head.chunk_with(index, "text", json!(""), end);
        let words = model_stub::word_chunks(&plain_text(output).into());
        let words = words.map(move |word| head.chunk_with(index, "text", json!(word), Value::Null));
        return Box::new(words.chain([end]));
    }
    let end = head.chunk_with(index, "delta", json!({}), end);
    let deltas: Box<dyn Iterator<Item = Value> + Send> = match output {
        ModelOutput::Text(text) => {
            let words = model_stub::word_chunks(text).map(|word| json!({"content": word}));
            Box::new(iter::once(json!({"role": "assistant", "content": ""})).chain(words))
        }
        ModelOutput::ToolCalls(calls) => {
            let start = json!({"role": "assistant", "content": null});
            let calls = calls.clone().into_iter().enumerate().flat_map(tool_call);
            Box::new(iter::once(start).chain(calls))
        }
    };
    let deltas = deltas.map(move |delta| head.chunk_with(index, "delta", delta, Value::Null));
    Box::new(deltas.chain([end]))
}

/// Returns the deltas of one tool call: the name first, then the arguments.
fn tool_call((index, call): (usize, model_stub::ToolCall)) -> impl Iterator<Item = Value> + Send {
    let delta = |call: Value| json!({"tool_calls": [call]});
    let function = json!({"name": call.name, "arguments": ""});
    let start = json!({"index": index, "id": call.id, "type": "function", "function": function});
    let chunks = model_stub::argument_chunks(&call.arguments)
        .map(move |chunk| json!({"index": index, "function": {"arguments": chunk}}));
    iter::once(start).chain(chunks).map(delta)
}

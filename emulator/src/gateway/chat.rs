//! Conversations and texts to be continued: complete or as a stream of chunks.

use std::iter;

use serde_json::{Map, Value, json};

use super::stream::{Event, Events};
use super::voice::{self, Said, Told};
use super::{record, wants_stream};
use crate::call::Call;
use crate::reply::{Answer, Reply};
use crate::rooms::State;

/// The kind of answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Chat,
    Text,
}

/// What every chunk of an answer has.
#[derive(Clone)]
struct Head {
    kind: Kind,
    id: String,
    created: i64,
    model: Value,
}

pub(super) fn create_chat_completion(state: &mut State, call: &Call) -> Answer {
    chat(state, call, &call.body)
}

pub(super) fn create_completion(state: &mut State, call: &Call) -> Answer {
    text(state, call, &call.body)
}

/// Answers the last message of a conversation.
pub(crate) fn chat(state: &mut State, call: &Call, request: &Value) -> Answer {
    let messages = request["messages"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let last = messages.last().unwrap_or(&Value::Null);
    let text = voice::text_of(&last["content"]);
    let told = match last["role"].as_str() {
        Some("tool" | "function") => Told::ToolOutput(text),
        _ => Told::Question(text),
    };
    let said = voice::said(call, &told, request);
    let texts = messages.iter();
    let prompt = texts.map(|message| voice::words(&voice::text_of(&message["content"])));
    answer(state, call, request, (Kind::Chat, said, prompt.sum()))
}

/// Continues a text; of several, the first one.
pub(crate) fn text(state: &mut State, call: &Call, request: &Value) -> Answer {
    let prompt = match &request["prompt"] {
        Value::Array(prompts) => prompts.first().and_then(Value::as_str),
        prompt => prompt.as_str(),
    };
    let prompt = prompt.unwrap_or_default().to_owned();
    let length = voice::words(&prompt);
    // Only a conversation has tools.
    let said = voice::said(call, &Told::Question(prompt), &Value::Null);
    answer(state, call, request, (Kind::Text, said, length))
}

fn answer(
    state: &mut State,
    call: &Call,
    request: &Value,
    (kind, said, prompt): (Kind, Said, usize),
) -> Answer {
    let choices = request["n"].as_u64().unwrap_or(1).clamp(1, 128);
    let completion = said
        .tokens()
        .saturating_mul(usize::try_from(choices).unwrap_or(1));
    let usage = json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    });
    let head = Head {
        kind,
        id: kind.id(call),
        created: call.now.timestamp(),
        model: request["model"].clone(),
    };
    record(
        state,
        call,
        request,
        &json!({"model": head.model, "usage": usage}),
    )?;
    if wants_stream(request) {
        let asked = request["stream_options"]["include_usage"] == true;
        let usage = asked.then_some(usage);
        return Ok(Reply::Events(Events::new(chunks(
            head, &said, choices, usage,
        ))));
    }
    let choices = (0..choices).map(|index| head.choice(index, &said));
    let choices: Vec<Value> = choices.collect();
    Ok(Reply::json(json!({
        "id": head.id,
        "object": kind.object(),
        "created": head.created,
        "model": head.model,
        "choices": choices,
        "usage": usage,
    })))
}

impl Kind {
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

impl Head {
    /// A whole choice.
    fn choice(&self, index: u64, said: &Said) -> Value {
        let mut choice = json!({
            "index": index,
            "logprobs": null,
            "finish_reason": finish_reason(self.kind, said),
        });
        match (self.kind, said) {
            (Kind::Text, said) => choice["text"] = json!(plain(said)),
            (Kind::Chat, Said::Text(text)) => {
                choice["message"] =
                    json!({"role": "assistant", "content": &**text, "refusal": null});
            }
            (Kind::Chat, Said::Tools(calls)) => {
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
            Kind::Chat => "chat.completion.chunk",
            Kind::Text => "text_completion",
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

    /// A chunk with a piece of one choice.
    fn piece(&self, index: u64, name: &str, piece: Value, finish_reason: Value) -> Event {
        let mut choice = Map::new();
        choice.insert("index".to_owned(), json!(index));
        choice.insert(name.to_owned(), piece);
        choice.insert("logprobs".to_owned(), Value::Null);
        choice.insert("finish_reason".to_owned(), finish_reason);
        self.chunk(json!([choice]))
    }
}

/// A model that continues texts knows no tools; a script may make it say their arguments.
fn plain(said: &Said) -> String {
    match said {
        Said::Text(text) => text.to_string(),
        Said::Tools(calls) => calls.iter().map(|call| &*call.arguments).collect(),
    }
}

fn finish_reason(kind: Kind, said: &Said) -> &'static str {
    match (kind, said) {
        (Kind::Chat, Said::Tools(_)) => "tool_calls",
        _ => "stop",
    }
}

/// The events of a stream: one choice after the other, the usage where it is asked for, the mark.
fn chunks(
    head: Head,
    said: &Said,
    choices: u64,
    usage: Option<Value>,
) -> impl Iterator<Item = Event> + Send + use<> {
    let last = usage.map(|usage| {
        let mut chunk = head.with_choices("chat.completion.chunk", json!([]));
        if head.kind == Kind::Text {
            chunk["object"] = json!("text_completion");
        }
        chunk["usage"] = usage;
        Event::data(chunk.to_string())
    });
    let said = said.clone();
    let pieces = (0..choices).flat_map(move |index| pieces(&head, index, &said));
    pieces.chain(last).chain([Event::data("[DONE]")])
}

/// The events of one choice.
fn pieces(head: &Head, index: u64, said: &Said) -> Box<dyn Iterator<Item = Event> + Send> {
    let end = json!(finish_reason(head.kind, said));
    let head = head.clone();
    if head.kind == Kind::Text {
        let end = head.piece(index, "text", json!(""), end);
        let words = voice::word_by_word(&plain(said).into());
        let words = words.map(move |word| head.piece(index, "text", json!(word), Value::Null));
        return Box::new(words.chain([end]));
    }
    let end = head.piece(index, "delta", json!({}), end);
    let deltas: Box<dyn Iterator<Item = Value> + Send> = match said {
        Said::Text(text) => {
            let words = voice::word_by_word(text).map(|word| json!({"content": word}));
            Box::new(iter::once(json!({"role": "assistant", "content": ""})).chain(words))
        }
        Said::Tools(calls) => {
            let start = json!({"role": "assistant", "content": null});
            let calls = calls.clone().into_iter().enumerate().flat_map(tool_call);
            Box::new(iter::once(start).chain(calls))
        }
    };
    let deltas = deltas.map(move |delta| head.piece(index, "delta", delta, Value::Null));
    Box::new(deltas.chain([end]))
}

/// The pieces of one call: its name first, then the arguments.
fn tool_call((index, call): (usize, voice::ToolCall)) -> impl Iterator<Item = Value> + Send {
    let delta = |call: Value| json!({"tool_calls": [call]});
    let function = json!({"name": call.name, "arguments": ""});
    let start = json!({"index": index, "id": call.id, "type": "function", "function": function});
    let bits = voice::bit_by_bit(&call.arguments)
        .map(move |bit| json!({"index": index, "function": {"arguments": bit}}));
    iter::once(start).chain(bits).map(delta)
}

//! Responses: complete or as a stream of named events, and kept to be read again.

use std::iter;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::stream::{Event, Events};
use super::voice::{self, Said, Told};
use super::{Owned, record, wants_stream};
use crate::call::Call;
use crate::reply::{Answer, Reply};
use crate::rooms::State;
use crate::shelf::Item;

/// How many responses are kept; beyond that, the oldest go.
const KEPT: usize = 1000;

/// A response that can be read again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    owned: Owned,
    response: Value,
    /// What it was asked, as items.
    input: Vec<Value>,
}

impl Item for Stored {
    const NAME: &'static str = "response";

    fn id(&self) -> &str {
        &self.owned.id
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.owned.workspace_id)
    }
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let request = &call.body;
    let input = items(&request["input"], call);
    let last = input.last().unwrap_or(&Value::Null);
    let told = match last["type"].as_str() {
        Some("function_call_output") => Told::ToolOutput(voice::text_of(&last["output"])),
        _ => Told::Question(voice::text_of(&last["content"])),
    };
    let said = voice::said(call, &told, request);
    let texts = input.iter().map(|item| voice::text_of(&item["content"]));
    let prompt: usize = texts.map(|text| voice::words(&text)).sum();
    let id = format!("resp_{}", call.ids.uuid().replace('-', ""));
    let parts = Parts::of(call, said);
    let usage = json!({
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": parts.said.tokens(),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + parts.said.tokens(),
    });
    let begun = begun(request, &id, call);
    let mut completed = begun.clone();
    completed["status"] = json!("completed");
    completed["output"] = parts.items("completed").into();
    completed["usage"] = usage;
    let logged = json!({"model": completed["model"], "usage": completed["usage"]});
    record(state, call, request, &logged)?;
    if request["store"] != false {
        let owned = Owned::new(state, call, id)?;
        let response = completed.clone();
        keep(
            state,
            Stored {
                owned,
                response,
                input,
            },
        );
    }
    if wants_stream(request) {
        return Ok(Reply::Events(Events::new(parts.events(begun, completed))));
    }
    Ok(Reply::json(completed))
}

fn keep(state: &mut State, stored: Stored) {
    let shelf = &mut state.gateway.responses;
    shelf.put(stored);
    if shelf.len() > KEPT {
        let oldest = shelf.iter().next().map(|stored| stored.owned.id.clone());
        oldest.and_then(|oldest| shelf.remove(&oldest));
    }
}

pub(super) fn get(state: &State, call: &Call) -> Answer {
    let stored = state.gateway.responses.find(call.id(0), call)?;
    Ok(Reply::json(stored.response.clone()))
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let id = state
        .gateway
        .responses
        .find(call.id(0), call)?
        .owned
        .id
        .clone();
    state.gateway.responses.remove(&id);
    Ok(Reply::done())
}

pub(super) fn list_input_items(state: &State, call: &Call) -> Answer {
    let stored = state.gateway.responses.find(call.id(0), call)?;
    // The latest first, unless it is asked for otherwise.
    let mut items: Vec<&Value> = stored.input.iter().rev().collect();
    if call.query_text("order") == Some("asc") {
        items.reverse();
    }
    Ok(super::listing(call, &items, id, Value::clone))
}

fn id(item: &Value) -> &str {
    item["id"].as_str().unwrap_or_default()
}

/// The input as items with ids.
fn items(input: &Value, call: &Call) -> Vec<Value> {
    let id = |prefix: &str| json!(format!("{prefix}_{}", call.ids.uuid().replace('-', "")));
    let message = |text: &str| {
        json!({
            "id": id("msg"), "type": "message", "role": "user", "status": "completed",
            "content": [{"type": "input_text", "text": text}],
        })
    };
    let Value::Array(items) = input else {
        return vec![message(input.as_str().unwrap_or_default())];
    };
    let items = items.iter().map(|item| {
        let mut item = item.clone();
        if let Value::String(text) = &item["content"] {
            item["content"] = json!([{"type": "input_text", "text": text}]);
        }
        if item["type"].is_null() {
            item["type"] = json!("message");
        }
        if item["id"].is_null() {
            item["id"] = id("msg");
        }
        item
    });
    items.collect()
}

/// The response before anything was said.
fn begun(request: &Value, id: &str, call: &Call) -> Value {
    let or = |name: &str, usual: Value| match &request[name] {
        Value::Null => usual,
        given => given.clone(),
    };
    let mut response = json!({
        "id": id,
        "object": "response",
        "created_at": call.now.timestamp(),
        "status": "in_progress",
        "error": null,
        "incomplete_details": null,
        "instructions": request["instructions"],
        "max_output_tokens": request["max_output_tokens"],
        "metadata": or("metadata", json!({})),
        "model": request["model"],
        "output": [],
        "parallel_tool_calls": or("parallel_tool_calls", json!(true)),
        "previous_response_id": request["previous_response_id"],
        "temperature": or("temperature", json!(1)),
        "text": or("text", json!({"format": {"type": "text"}})),
        "tool_choice": or("tool_choice", json!("auto")),
        "tools": or("tools", json!([])),
        "top_p": or("top_p", json!(1)),
        "truncation": or("truncation", json!("disabled")),
        "usage": null,
    });
    if let Some(user) = request.get("user") {
        response["user"] = user.clone();
    }
    response
}

/// What is said, and the ids of its items.
struct Parts {
    said: Said,
    ids: Vec<String>,
}

impl Parts {
    fn of(call: &Call, said: Said) -> Self {
        let id = |prefix: &str| format!("{prefix}_{}", call.ids.uuid().replace('-', ""));
        let ids = match &said {
            Said::Text(_) => vec![id("msg")],
            Said::Tools(calls) => calls.iter().map(|_| id("fc")).collect(),
        };
        Self { said, ids }
    }

    /// The items of the output; without what they consist of while they are in progress.
    fn items(&self, status: &str) -> Vec<Value> {
        let is_whole = status == "completed";
        match &self.said {
            Said::Text(text) => {
                let content = match is_whole {
                    true => json!([part(text)]),
                    false => json!([]),
                };
                let id = self.ids.first();
                vec![json!({
                    "id": id, "type": "message", "role": "assistant", "status": status,
                    "content": content,
                })]
            }
            Said::Tools(calls) => {
                let calls = calls.iter().zip(&self.ids);
                let items = calls.map(|(call, id)| {
                    let arguments = if is_whole { &*call.arguments } else { "" };
                    json!({
                        "id": id, "type": "function_call", "status": status,
                        "call_id": call.id, "name": call.name, "arguments": arguments,
                    })
                });
                items.collect()
            }
        }
    }

    /// All events of the stream.
    fn events(self, begun: Value, completed: Value) -> impl Iterator<Item = Event> + Send {
        let start = ["response.created", "response.in_progress"];
        let start = start.map(|kind| event(kind, json!({"response": begun})));
        let (open, whole) = (self.items("in_progress"), self.items("completed"));
        let items = open.into_iter().zip(whole).enumerate();
        let said = self.said;
        let items = items.flat_map(move |(index, (open, whole))| {
            let place = json!({"item_id": open["id"], "output_index": index});
            let item =
                |kind: &str, item: Value| event(kind, json!({"item": item, "output_index": index}));
            let start = item("response.output_item.added", open);
            let end = item("response.output_item.done", whole);
            iter::once(start)
                .chain(inside(&said, index, place))
                .chain([end])
        });
        let end = event("response.completed", json!({"response": completed}));
        start.into_iter().chain(items).chain([end])
    }
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

/// An event, whose name is its type.
fn event(kind: &str, mut data: Value) -> Event {
    data["type"] = json!(kind);
    Event::named(kind, data.to_string())
}

/// The events inside of an item; `place` is what they say of where they belong.
fn inside(said: &Said, index: usize, mut place: Value) -> Box<dyn Iterator<Item = Event> + Send> {
    match said {
        Said::Text(text) => {
            place["content_index"] = json!(0);
            let ends = [
                inner("response.output_text.done", &place, "text", json!(&**text)),
                inner("response.content_part.done", &place, "part", part(text)),
            ];
            let start = inner("response.content_part.added", &place, "part", part(""));
            let words = voice::word_by_word(text)
                .map(move |word| inner("response.output_text.delta", &place, "delta", json!(word)));
            Box::new(iter::once(start).chain(words).chain(ends))
        }
        Said::Tools(calls) => {
            let call = calls.get(index);
            let arguments = call.map_or_else(|| "".into(), |call| call.arguments.clone());
            let kind = "response.function_call_arguments.done";
            let end = inner(kind, &place, "arguments", json!(&*arguments));
            let bits = voice::bit_by_bit(&arguments).map(move |bit| {
                let kind = "response.function_call_arguments.delta";
                inner(kind, &place, "delta", json!(bit))
            });
            Box::new(bits.chain([end]))
        }
    }
}

/// An event at a place with one more member.
fn inner(kind: &str, place: &Value, name: &str, value: Value) -> Event {
    let mut data = place.clone();
    data[name] = value;
    event(kind, data)
}

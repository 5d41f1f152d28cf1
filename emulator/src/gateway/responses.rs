//! Operations on model responses: returned complete or as a stream of named events, and stored for later reads.

use std::iter;

use serde_json::{Value, json};

use super::requests::{cursor_page, log_request, wants_stream};
use crate::call::Call;
use crate::gateway::model_stub;
use crate::gateway::model_stub::{ModelInput, ModelOutput};
use crate::http::events::{Event, Events};
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::gateway::key::ResourceKey;
use crate::state::gateway::responses::{StoredResponse, id, items};

/// The maximum number of stored responses; the oldest are dropped first.
const MAX_STORED: usize = 1000;

pub(super) fn create(state: &mut State, call: &Call) -> HandlerResult {
    let request = &call.body;
    let input = items(&request["input"], call);
    let last = input.last().unwrap_or(&Value::Null);
    let input_text = match last["type"].as_str() {
        Some("function_call_output") => {
            ModelInput::ToolResult(model_stub::content_text(&last["output"]))
        }
        _ => ModelInput::UserMessage(model_stub::content_text(&last["content"])),
    };
    let output = model_stub::generate(call, &input_text, request);
    let texts = input
        .iter()
        .map(|item| model_stub::content_text(&item["content"]));
    let prompt: usize = texts.map(|text| model_stub::count_words(&text)).sum();
    let id = format!("resp_{}", call.ids.uuid().replace('-', ""));
    let items = OutputItems::new(call, output);
    let usage = json!({
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": items.output.tokens(),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + items.output.tokens(),
    });
    let initial = initial_response(request, &id, call);
    let mut completed = initial.clone();
    completed["status"] = json!("completed");
    completed["output"] = items.items("completed").into();
    completed["usage"] = usage;
    let logged = json!({"model": completed["model"], "usage": completed["usage"]});
    log_request(state, call, request, &logged)?;
    if request["store"] != false {
        let key = ResourceKey::new(call, id)?;
        let response = completed.clone();
        store(
            state,
            StoredResponse {
                key,
                response,
                input,
            },
        );
    }
    if wants_stream(request) {
        return Ok(ResponseBody::Events(Events::new(
            items.events(initial, completed),
        )));
    }
    respond(completed)
}

fn store(state: &mut State, stored: StoredResponse) {
    let table = &mut state.gateway.responses;
    table.put(stored);
    if table.len() > MAX_STORED {
        let oldest = table.iter().next().map(|stored| stored.key.id.clone());
        oldest.and_then(|oldest| table.remove(&oldest));
    }
}

pub(super) fn get(state: &State, call: &Call) -> HandlerResult {
    let stored = state.gateway.responses.find_by_path(call)?;
    respond(stored.response.clone())
}

pub(super) fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = state.gateway.responses.find_by_path(call)?.key.id.clone();
    state.gateway.responses.remove(&id);
    Ok(ResponseBody::empty_object())
}

pub(super) fn list_input_items(state: &State, call: &Call) -> HandlerResult {
    let stored = state.gateway.responses.find_by_path(call)?;
    // The default order is latest first.
    let mut items: Vec<&Value> = stored.input.iter().rev().collect();
    if call.query_param("order") == Some("asc") {
        items.reverse();
    }
    Ok(cursor_page(call, &items, id, Value::clone))
}

/// Returns the response before any output.
fn initial_response(request: &Value, id: &str, call: &Call) -> Value {
    let or_default = |name: &str, default: Value| match &request[name] {
        Value::Null => default,
        value => value.clone(),
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
        "metadata": or_default("metadata", json!({})),
        "model": request["model"],
        "output": [],
        "parallel_tool_calls": or_default("parallel_tool_calls", json!(true)),
        "previous_response_id": request["previous_response_id"],
        "temperature": or_default("temperature", json!(1)),
        "text": or_default("text", json!({"format": {"type": "text"}})),
        "tool_choice": or_default("tool_choice", json!("auto")),
        "tools": or_default("tools", json!([])),
        "top_p": or_default("top_p", json!(1)),
        "truncation": or_default("truncation", json!("disabled")),
        "usage": null,
    });
    if let Some(user) = request.get("user") {
        response["user"] = user.clone();
    }
    response
}

/// The output, and the ids of its items.
struct OutputItems {
    output: ModelOutput,
    ids: Vec<String>,
}

impl OutputItems {
    fn new(call: &Call, output: ModelOutput) -> Self {
        let id = |prefix: &str| format!("{prefix}_{}", call.ids.uuid().replace('-', ""));
        let ids = match &output {
            ModelOutput::Text(_) => vec![id("msg")],
            ModelOutput::ToolCalls(calls) => calls.iter().map(|_| id("fc")).collect(),
        };
        Self { output, ids }
    }

    /// Returns the output items; items in progress have no content.
    fn items(&self, status: &str) -> Vec<Value> {
        let is_completed = status == "completed";
        match &self.output {
            ModelOutput::Text(text) => {
                let content = match is_completed {
                    true => json!([output_text(text)]),
                    false => json!([]),
                };
                let id = self.ids.first();
                vec![json!({
                    "id": id, "type": "message", "role": "assistant", "status": status,
                    "content": content,
                })]
            }
            ModelOutput::ToolCalls(calls) => {
                let calls = calls.iter().zip(&self.ids);
                let items = calls.map(|(call, id)| {
                    let arguments = if is_completed { &*call.arguments } else { "" };
                    json!({
                        "id": id, "type": "function_call", "status": status,
                        "call_id": call.id, "name": call.name, "arguments": arguments,
                    })
                });
                items.collect()
            }
        }
    }

    /// Returns all events of the stream.
    fn events(self, initial: Value, response: Value) -> impl Iterator<Item = Event> + Send {
        let start = ["response.created", "response.in_progress"];
        let start = start.map(|kind| event(kind, json!({"response": initial})));
        let (in_progress, completed) = (self.items("in_progress"), self.items("completed"));
        let items = in_progress.into_iter().zip(completed).enumerate();
        let output = self.output;
        let items = items.flat_map(move |(index, (in_progress, completed))| {
            let location = json!({"item_id": in_progress["id"], "output_index": index});
            let item =
                |kind: &str, item: Value| event(kind, json!({"item": item, "output_index": index}));
            let start = item("response.output_item.added", in_progress);
            let end = item("response.output_item.done", completed);
            iter::once(start)
                .chain(content_events(&output, index, location))
                .chain([end])
        });
        let end = event("response.completed", json!({"response": response}));
        start.into_iter().chain(items).chain([end])
    }
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

/// Creates an event whose name is its type.
fn event(kind: &str, mut data: Value) -> Event {
    data["type"] = json!(kind);
    Event::named(kind, data.to_string())
}

/// Returns the events within an item; `location` has the fields that identify the item.
fn content_events(
    output: &ModelOutput,
    index: usize,
    mut location: Value,
) -> Box<dyn Iterator<Item = Event> + Send> {
    match output {
        ModelOutput::Text(text) => {
            location["content_index"] = json!(0);
            let ends = [
                field_event(
                    "response.output_text.done",
                    &location,
                    "text",
                    json!(&**text),
                ),
                field_event(
                    "response.content_part.done",
                    &location,
                    "part",
                    output_text(text),
                ),
            ];
            let start = field_event(
                "response.content_part.added",
                &location,
                "part",
                output_text(""),
            );
            let words = model_stub::word_chunks(text).map(move |word| {
                field_event(
                    "response.output_text.delta",
                    &location,
                    "delta",
                    json!(word),
                )
            });
            Box::new(iter::once(start).chain(words).chain(ends))
        }
        ModelOutput::ToolCalls(calls) => {
            let call = calls.get(index);
            let arguments = call.map_or_else(|| "".into(), |call| call.arguments.clone());
            let kind = "response.function_call_arguments.done";
            let end = field_event(kind, &location, "arguments", json!(&*arguments));
            let chunks = model_stub::argument_chunks(&arguments).map(move |chunk| {
                let kind = "response.function_call_arguments.delta";
                field_event(kind, &location, "delta", json!(chunk))
            });
            Box::new(chunks.chain([end]))
        }
    }
}

/// Creates an event with the fields of `location` and one more field.
fn field_event(kind: &str, location: &Value, name: &str, value: Value) -> Event {
    let mut data = location.clone();
    data[name] = value;
    event(kind, data)
}

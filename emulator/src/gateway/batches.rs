//! Operations on batches, which execute the requests of an uploaded file like single requests.
//!
//! The requests are executed when the batch is created; by the emulator's clock the batch is in
//! progress for two seconds.

use serde_json::{Value, json};

use super::requests::cursor_page;
use crate::call::Call;
use crate::error::ApiError;
use crate::gateway::{chat, embeddings, files};
use crate::http::content::Content;
use crate::json;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::gateway::batches::{Batch, RUN_DURATION};
use crate::state::gateway::files::File;
use crate::state::gateway::key::ResourceKey;
use crate::state::table::Row;

/// The maximum number of requests, size of the output in bytes, and number of listed errors.
const MAX_REQUESTS: usize = 10_000;

const MAX_OUTPUT_SIZE: usize = 16 * 1024 * 1024;

const MAX_ERRORS: usize = 10;

pub(super) fn create(state: &mut State, call: &Call) -> HandlerResult {
    let input = state
        .gateway
        .files
        .find(call.required_str("input_file_id")?, call)?;
    let input_file_id = input.id().to_owned();
    let input = input.content()?.clone();
    let id = format!("batch_{}", call.ids.uuid().replace('-', ""));
    let key = ResourceKey::new(call, id)?;
    let string = |name: &str, default: &str| call.body_str(name).unwrap_or(default).to_owned();
    let mut batch = Batch {
        key: key.clone(),
        input_file_id,
        endpoint: string("endpoint", "/v1/chat/completions"),
        completion_window: string("completion_window", "24h"),
        metadata: call.body_value("metadata"),
        created_at: call.now,
        cancelled_at: None,
        total: 0,
        errors: Vec::new(),
        output_file_id: None,
    };
    match parse_requests(&input) {
        Err(errors) => batch.errors = errors,
        Ok(requests) => {
            batch.total = requests.len();
            match run_requests(state, call, &requests) {
                Err(error) => batch.errors.push(error),
                Ok(output) => {
                    let id = files::new_id(call);
                    batch.output_file_id = Some(id.clone());
                    let name = format!("{}_output.jsonl", key.id);
                    let key = ResourceKey { id, ..key };
                    let at = (call.now + RUN_DURATION).timestamp();
                    let file = File::generated(key, at, &name, output);
                    state.gateway.files.put(file);
                }
            }
        }
    }
    let body = batch.json(call.now);
    state.gateway.batches.put(batch);
    respond(body)
}

fn batch_error(line: Option<usize>, code: &str, message: &str) -> Value {
    json!({"code": code, "line": line, "message": message, "param": null})
}

/// Returns the lines of a file, each with a request, or the errors of invalid lines. Only one line at
/// a time is parsed, since parsed lines take a multiple of their size in memory.
fn parse_requests(input: &Content) -> Result<Vec<&[u8]>, Vec<Value>> {
    let error = batch_error;
    let bytes = input.as_bytes().unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    let (mut requests, mut errors) = (Vec::new(), Vec::new());
    for (index, line) in lines {
        let line_number = Some(index + 1);
        match json::parse(line) {
            Err(cause) => {
                let message = format!("line: {cause}");
                errors.push(error(line_number, "invalid_json_line", &message));
            }
            Ok(request) => match missing_field(&request) {
                Some(name) => {
                    let message = format!("`{name}` is missing");
                    errors.push(error(line_number, "missing_required_parameter", &message));
                }
                None => requests.push(line),
            },
        }
        if requests.len() > MAX_REQUESTS {
            let message = format!("batch exceeds the limit of {MAX_REQUESTS} requests");
            return Err(vec![error(None, "too_many_tasks", &message)]);
        }
        if errors.len() == MAX_ERRORS {
            break;
        }
    }
    if requests.is_empty() && errors.is_empty() {
        errors.push(error(None, "empty_file", "file contains no requests"));
    }
    match errors.is_empty() {
        true => Ok(requests),
        false => Err(errors),
    }
}

fn missing_field(request: &Value) -> Option<&'static str> {
    if !request["custom_id"].is_string() {
        return Some("custom_id");
    }
    if !request["url"].is_string() {
        return Some("url");
    }
    (!request["body"].is_object()).then_some("body")
}

/// Executes the requests; the output has one line for each. Returns the error of a batch whose
/// output is too large: its requests are executed nevertheless.
fn run_requests(state: &mut State, call: &Call, requests: &[&[u8]]) -> Result<Content, Value> {
    let mut output = Vec::new();
    for line in requests {
        let request = json::parse(line).unwrap_or_default();
        let (status, body) = match run_request(state, call, &request) {
            Ok(ResponseBody::Json(body)) => (200, body),
            Ok(_) => (500, Value::Null),
            Err(error) => (error.status, error.body),
        };
        let response = json!({"status_code": status, "request_id": call.ids.uuid(), "body": body});
        let line = json!({
            "id": format!("batch_req_{}", call.ids.uuid().replace('-', "")),
            "custom_id": request["custom_id"],
            "response": response,
            "error": null,
        });
        output.extend(line.to_string().into_bytes());
        output.push(b'\n');
        if output.len() > MAX_OUTPUT_SIZE {
            let message = format!("batch exceeds the limit of {MAX_OUTPUT_SIZE} bytes of output");
            return Err(batch_error(None, "output_too_large", &message));
        }
    }
    Ok(Content::bytes(output))
}

/// Executes one request of a batch.
fn run_request(state: &mut State, call: &Call, request: &Value) -> HandlerResult {
    let mut body = request["body"].clone();
    body["stream"] = Value::Null;
    let url = request["url"].as_str().unwrap_or_default();
    match url.trim_start_matches("/v1") {
        "/chat/completions" => chat::chat(state, call, &body),
        "/completions" => chat::text(state, call, &body),
        "/embeddings" => embeddings::embed(state, call, &body),
        _ => Err(ApiError::invalid_field(
            "url",
            "is not supported in batches by the emulator",
        )),
    }
}

/// Lists batches, latest first.
pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let batches = state.gateway.batches.list_for(call);
    let batches: Vec<&Batch> = batches.iter().rev().collect();
    Ok(cursor_page(
        call,
        &batches,
        |batch| batch.id(),
        |batch| batch.json(call.now),
    ))
}

pub(super) fn get(state: &State, call: &Call) -> HandlerResult {
    let batch = state.gateway.batches.find_by_path(call)?;
    respond(batch.json(call.now))
}

pub(super) fn cancel(state: &mut State, call: &Call) -> HandlerResult {
    let mut batch = state.gateway.batches.find_by_path(call)?.clone();
    let status = batch.status(call.now);
    if status != "in_progress" {
        return Err(ApiError::conflict(format!("the batch is {status}")));
    }
    batch.cancelled_at = Some(call.now);
    let body = batch.json(call.now);
    state.gateway.batches.put(batch);
    respond(body)
}

pub(super) fn download(state: &State, call: &Call) -> HandlerResult {
    if call.has_scripted_content {
        return Ok(ResponseBody::Content(
            files::CONTENT_TYPE,
            Content::bytes([]),
        ));
    }
    let batch = state.gateway.batches.find_by_path(call)?;
    let status = batch.status(call.now);
    let id = batch.output_file_id.as_deref();
    let Some(id) = id.filter(|_| status == "completed") else {
        let message = format!("the batch has no output: its status is {status}");
        return Err(ApiError::new(404, Some("AB08"), message));
    };
    let file = state.gateway.files.find(id, call)?;
    Ok(ResponseBody::Content(
        files::CONTENT_TYPE,
        file.content()?.clone(),
    ))
}

//! The gateway operations, which the service forwards to models. Here `model_stub.rs` takes the
//! place of the models.
//!
//! The operations are the handlers of a resource like any other (`RESOURCE` below, by manifest id),
//! so that keys, scopes and request validation work as in the control plane. A multipart form is in
//! `Call::form`; event streams, binary content and WebSocket sessions are variants of
//! `ResponseBody`.
//!
//! Write operations are a `Handler::Gateway`: they are recorded in the `logs` resource
//! ([`log_request`]) instead of the audit log.

mod audio;
mod batches;
mod chat;
mod embeddings;
mod files;
mod images;
mod model_stub;
mod models;
mod moderations;
mod realtime;
mod rerank;
mod responses;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use chat::{chat, text};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::Handler::{Gateway as Write, Read};
use crate::handlers::{Resource, State, logs, usage_policies};
use crate::response::ResponseBody;
use crate::table::Table;

pub(crate) const RESOURCE: Resource = Resource {
    links: &[("images", images::serve)],
    remove_workspace: |state, workspace| {
        state.gateway.files.remove_workspace(workspace);
        state.gateway.batches.remove_workspace(workspace);
        state.gateway.responses.remove_workspace(workspace);
    },
    ..Resource::new(&[
        (
            "create_chat_completion",
            Write(chat::create_chat_completion),
        ),
        ("create_completion", Write(chat::create_completion)),
        ("create_response", Write(responses::create)),
        ("get_response", Read(responses::get)),
        ("delete_response", Write(responses::delete)),
        (
            "list_response_input_items",
            Read(responses::list_input_items),
        ),
        ("create_embedding", Write(embeddings::create)),
        ("create_rerank", Write(rerank::create)),
        ("create_moderation", Read(moderations::create)),
        ("list_models", Read(models::list)),
        ("get_model", Read(models::get)),
        ("create_image", Read(images::create)),
        ("create_image_edit", Read(images::create)),
        ("create_image_variation", Read(images::create)),
        ("create_speech", Read(audio::create_speech)),
        ("create_transcription", Read(audio::transcribe)),
        ("create_translation", Read(audio::transcribe)),
        ("connect_realtime", Read(realtime::connect)),
        ("upload_file", Write(files::upload)),
        ("list_files", Read(files::list)),
        ("get_file", Read(files::get)),
        ("delete_file", Write(files::delete)),
        ("get_file_content", Read(files::download)),
        ("create_batch", Write(batches::create)),
        ("list_batches", Read(batches::list)),
        ("get_batch", Read(batches::get)),
        ("cancel_batch", Write(batches::cancel)),
        ("get_batch_output", Read(batches::download)),
    ])
};

/// The gateway's state of one organisation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GatewayState {
    files: Table<files::File>,
    batches: Table<batches::Batch>,
    responses: Table<responses::StoredResponse>,
}

/// The id and workspace of a stored resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ResourceKey {
    id: String,
    workspace_id: String,
}

impl ResourceKey {
    fn new(state: &State, call: &Call, id: String) -> Result<Self, ApiError> {
        let workspace_id = workspace_or_default(state, call)?;
        Ok(Self { id, workspace_id })
    }
}

/// Returns the workspace of the call, or else the default workspace.
fn workspace_or_default(state: &State, call: &Call) -> Result<String, ApiError> {
    match call.workspace() {
        Some(workspace) => Ok(workspace.to_owned()),
        None => logs::default_workspace(state),
    }
}

fn wants_stream(request: &Value) -> bool {
    request["stream"] == true
}

/// The maximum size of a logged request body; of larger bodies only the model is logged.
const MAX_LOGGED_BODY: usize = 64 * 1024;

/// Logs a call to a model, as the service does, and counts it for usage-limit policies.
fn log_request(
    state: &mut State,
    call: &Call,
    request: &Value,
    response: &Value,
) -> Result<(), ApiError> {
    let workspace = workspace_or_default(state, call)?;
    let headers = &call.request.gateway;
    let mut metadata = headers
        .get("x-portkey-metadata")
        .and_then(|json| serde_json::from_str(json).ok())
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({}));
    for (header, name) in [
        ("x-portkey-trace-id", "trace_id"),
        ("x-portkey-span-id", "span_id"),
    ] {
        if let Some(value) = headers.get(header) {
            metadata[name] = json!(value);
        }
    }
    let body = match request.to_string().len() > MAX_LOGGED_BODY {
        true => json!({"model": request["model"]}),
        false => request.clone(),
    };
    let entry = json!({
        "metadata": metadata,
        "request": {
            "method": call.request.method,
            "url": format!("{}{}", call.origin, call.request.uri),
            "headers": headers,
            "body": body,
        },
        "response": {"status": 200, "response_time": 0, "body": response},
    });
    let at = call.now.timestamp_millis();
    let attributes = state
        .logs
        .insert(&workspace, at, &call.caller.key_id, &entry);
    usage_policies::record_usage(state, &workspace, &attributes, call);
    Ok(())
}

/// The default and the maximum page size.
const PAGE_SIZES: (u64, u64) = (20, 100);

/// Returns a page of a list with cursor paging: `limit`, and the id in `after`.
fn cursor_page<'a, T>(
    call: &Call,
    rows: &[&'a T],
    id: impl Fn(&'a T) -> &'a str,
    to_json: impl Fn(&'a T) -> Value,
) -> ResponseBody {
    let limit = call.query.get("limit").and_then(Value::as_u64);
    let limit = limit.unwrap_or(PAGE_SIZES.0).clamp(1, PAGE_SIZES.1);
    let start = call.query_param("after").map_or(0, |after| {
        let position = rows.iter().position(|row| id(row) == after);
        position.map_or(rows.len(), |position| position + 1)
    });
    let rest = rows.get(start..).unwrap_or_default();
    let page = rest.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
    let (page, more) = rest.split_at(page);
    let data: Vec<Value> = page.iter().map(|row| to_json(row)).collect();
    ResponseBody::json(json!({
        "object": "list",
        "data": data,
        "first_id": page.first().map(|row| id(row)),
        "last_id": page.last().map(|row| id(row)),
        "has_more": !more.is_empty(),
    }))
}

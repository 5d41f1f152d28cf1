//! The gateway: what is passed on to models. There is none here; `model_stub.rs` says what is answered.
//!
//! Its operations are handlers of a resource like any other (`RESOURCE` below, by the ledger's ids), so that
//! keys, scopes and the request check are the control plane's. What is different is how bodies come and
//! go:
//!
//! - `form.rs` reads a form part by part. `Call::form` has what came; `uploads.rs` remembers it.
//! - `ResponseBody::Events` and `ResponseBody::Content` are sent piece by piece (`stream.rs`), as a script wants it
//!   (`script.rs`).
//! - `ResponseBody::WebSocket` makes a websocket of the connection (`realtime.rs`).
//!
//! A writer here is a `Handler::Gateway`: the audit log has no record of it, the `logs` resource has
//! ([`log_request`]).

mod audio;
mod batches;
mod chat;
mod content;
mod embeddings;
mod files;
pub(crate) mod form;
mod images;
mod model_stub;
mod models;
mod moderations;
mod range;
pub(crate) mod realtime;
mod rerank;
mod responses;
pub(crate) mod script;
pub(crate) mod stream;
mod uploads;

use std::collections::BTreeMap;

use hyper::Response;
use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use content::Content;
pub use script::{LineEnding, Script, ScriptError};
pub use uploads::{Upload, UploadPart};

pub(crate) use chat::{chat, text};
pub(crate) use content::ContentQuota;
pub(crate) use uploads::Uploads;

use crate::call::Call;
use crate::handlers::Handler::{Gateway as Write, Read};
use crate::handlers::{Resource, State, logs, usage_policies};
use crate::http_response::HttpBody;
use crate::response::{ApiError, ResponseBody};
use crate::socket::Resetter;
use crate::table::Table;
use form::Form;
use script::ScriptedReply;

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

/// The operations whose body is a form, and of which the content of files is kept.
const FORM_OPERATIONS: [&str; 5] = [
    "upload_file",
    "create_image_edit",
    "create_image_variation",
    "create_transcription",
    "create_translation",
];
const STORED_CONTENT_OPERATION: &str = "upload_file";

/// The operations that a script can be for.
const SCRIPTABLE_OPERATIONS: [&str; 8] = [
    "create_chat_completion",
    "create_completion",
    "create_response",
    "run_prompt",
    "create_speech",
    "get_file_content",
    "get_batch_output",
    "connect_realtime",
];

/// What the gateway remembers of an organisation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GatewayState {
    files: Table<files::File>,
    batches: Table<batches::Batch>,
    responses: Table<responses::StoredResponse>,
}

/// What everything has that the gateway keeps.
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

/// What a request to the gateway has besides what every request has.
#[derive(Debug, Default)]
pub(crate) struct GatewayContext {
    /// What came instead of a body that is one piece.
    pub(crate) form: Option<Form>,
    pub(crate) script: Option<Script>,
    /// The headers that its log has, by name.
    pub(crate) headers: BTreeMap<String, String>,
}

/// The headers that a log has. A config that is no name of one may hold secrets.
const LOGGED_HEADERS: [&str; 8] = [
    "x-portkey-provider",
    "x-portkey-virtual-key",
    "x-portkey-config",
    "x-portkey-metadata",
    "x-portkey-trace-id",
    "x-portkey-span-id",
    "x-portkey-span-name",
    "x-portkey-parent-span-id",
];

impl GatewayContext {
    pub(crate) fn new(head: &Parts, form: Option<Form>, script: Option<Script>) -> Self {
        let value = |name: &str| head.headers.get(name)?.to_str().ok();
        let headers = LOGGED_HEADERS.iter().filter_map(|name| {
            let value = value(name)?;
            let is_inline = *name == "x-portkey-config" && value.trim_start().starts_with('{');
            (!is_inline).then(|| ((*name).to_owned(), value.to_owned()))
        });
        Self {
            form,
            script,
            headers: headers.collect(),
        }
    }

    /// What the script makes the model say.
    pub(crate) fn scripted_reply(&self) -> Option<ScriptedReply> {
        self.script.as_ref()?.reply.clone()
    }

    /// Whether the script says what a binary answer consists of.
    pub(crate) fn has_scripted_content(&self) -> bool {
        let script = self.script.as_ref();
        script.is_some_and(|script| script.content.is_some())
    }
}

/// Whether the body of an operation is a form.
pub(crate) fn has_form_body(operation: &str) -> bool {
    FORM_OPERATIONS.contains(&operation)
}

/// Whether the content of files is kept.
pub(crate) fn stores_content(operation: &str) -> bool {
    operation == STORED_CONTENT_OPERATION
}

/// The workspace of the key, or the default one.
fn workspace_or_default(state: &State, call: &Call) -> Result<String, ApiError> {
    match call.workspace() {
        Some(workspace) => Ok(workspace.to_owned()),
        None => logs::default_workspace(state),
    }
}

fn wants_stream(request: &Value) -> bool {
    request["stream"] == true
}

/// Requests whose body is longer are logged with no more of it than the model.
const MAX_LOGGED_BODY: usize = 64 * 1024;

/// Leaves a log of a call to a model, as the service does, and counts it for usage-limit policies.
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
        .and_then(|text| serde_json::from_str(text).ok())
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

/// How many items a page has, where it is not asked for, and at most.
const PAGE_SIZES: (u64, u64) = (20, 100);

/// A page of a list that goes on behind an id: `limit` and `after`.
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

/// Makes an answer arrive as a script wants it, and cuts out of it what is asked for.
pub(crate) fn apply_script(
    response: &mut Response<HttpBody>,
    head: &Parts,
    script: Option<&Script>,
    resetter: &Resetter,
) {
    let HttpBody::Stream(stream) = response.body_mut() else {
        return;
    };
    stream.set_resetter(resetter);
    if let Some(script) = script {
        stream.set_delivery(script.delivery.clone());
        if let Some(events) = &script.events {
            stream.replace_events(events.clone());
        }
        if let Some(content) = &script.content {
            stream.replace_content(content.clone());
        }
    }
    range::apply(response, head);
}

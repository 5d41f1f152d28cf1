//! Operations on uploaded files: metadata, and content within the quota.

use serde_json::{Value, json};

use crate::call::Call;
use crate::http::content::Content;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::gateway::files::File;
use crate::state::gateway::key::ResourceKey;

/// The content type of downloads.
pub(super) const CONTENT_TYPE: &str = "application/octet-stream";

/// Returns a new file id.
pub(super) fn new_id(call: &Call) -> String {
    format!("file-{}", call.ids.uuid().replace('-', ""))
}

pub(super) fn upload(state: &mut State, call: &Call) -> HandlerResult {
    let part = call.form_file("file")?;
    let file = File {
        key: ResourceKey::new(call, new_id(call))?,
        bytes: part.info.size,
        created_at: call.now.timestamp(),
        filename: part.info.file_name.clone().unwrap_or_default(),
        purpose: call.required_str("purpose")?.to_owned(),
        content: part.content.clone(),
    };
    let body = file.json();
    state.gateway.files.put(file);
    respond(body)
}

/// Lists files, latest first.
pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let files = state.gateway.files.list_for(call);
    let files = files
        .iter()
        .rev()
        .filter(|file| call.matches_filter("purpose", &file.purpose));
    let files: Vec<Value> = files.map(File::json).collect();
    respond(json!({"object": "list", "data": files}))
}

pub(super) fn get(state: &State, call: &Call) -> HandlerResult {
    let file = state.gateway.files.find_by_path(call)?;
    respond(file.json())
}

pub(super) fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = state.gateway.files.find_by_path(call)?.key.id.clone();
    state.gateway.files.remove(&id);
    respond(json!({"id": id, "object": "file", "deleted": true}))
}

pub(super) fn download(state: &State, call: &Call) -> HandlerResult {
    if call.has_scripted_content {
        return Ok(ResponseBody::Content(CONTENT_TYPE, Content::bytes([])));
    }
    let file = state.gateway.files.find_by_path(call)?;
    Ok(ResponseBody::Content(CONTENT_TYPE, file.content()?.clone()))
}

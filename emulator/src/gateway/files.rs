//! Uploaded files: particulars always, content as far as there is room for it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ResourceKey;
use super::content::Content;
use crate::call::Call;
use crate::handlers::State;
use crate::response::{ApiError, HandlerResult, ResponseBody};
use crate::table::Row;

/// What the content of any file is sent as.
pub(super) const CONTENT_TYPE: &str = "application/octet-stream";

/// An uploaded file, or one that the gateway has made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct File {
    key: ResourceKey,
    bytes: u64,
    created_at: i64,
    filename: String,
    purpose: String,
    /// Neither snapshots on disk nor a state file have it.
    #[serde(skip)]
    content: Option<Content>,
}

impl Row for File {
    const NAME: &'static str = "file";

    fn id(&self) -> &str {
        &self.key.id
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.key.workspace_id)
    }
}

impl File {
    /// A file that is made here.
    pub(super) fn generated(key: ResourceKey, at: i64, filename: &str, content: Content) -> Self {
        Self {
            key,
            bytes: content.size(),
            created_at: at,
            filename: filename.to_owned(),
            purpose: "batch_output".to_owned(),
            content: Some(content),
        }
    }

    /// The content, or why there is none.
    pub(super) fn content(&self) -> Result<&Content, ApiError> {
        self.content.as_ref().ok_or_else(|| {
            let problem = "the emulator remembers size and name of this file only: it keeps content of up to 16 MiB, 64 MiB in all, and none over a restart; a script can say what to send";
            ApiError::new(501, None, problem)
        })
    }

    fn json(&self) -> Value {
        json!({
            "id": self.key.id,
            "object": "file",
            "bytes": self.bytes,
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
        })
    }
}

/// A new id of a file.
pub(super) fn new_id(call: &Call) -> String {
    format!("file-{}", call.ids.uuid().replace('-', ""))
}

pub(super) fn upload(state: &mut State, call: &Call) -> HandlerResult {
    let part = call.form_file("file")?;
    let file = File {
        key: ResourceKey::new(state, call, new_id(call))?,
        bytes: part.info.size,
        created_at: call.now.timestamp(),
        filename: part.info.file_name.clone().unwrap_or_default(),
        purpose: call.required_str("purpose")?.to_owned(),
        content: part.content.clone(),
    };
    let body = file.json();
    state.gateway.files.put(file);
    Ok(ResponseBody::json(body))
}

/// The latest first.
pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let files = state.gateway.files.list_for(call);
    let files = files
        .iter()
        .rev()
        .filter(|file| call.matches_filter("purpose", &file.purpose));
    let files: Vec<Value> = files.map(File::json).collect();
    Ok(ResponseBody::json(json!({"object": "list", "data": files})))
}

pub(super) fn get(state: &State, call: &Call) -> HandlerResult {
    let file = state.gateway.files.find(call.path_param(0), call)?;
    Ok(ResponseBody::json(file.json()))
}

pub(super) fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = state
        .gateway
        .files
        .find(call.path_param(0), call)?
        .key
        .id
        .clone();
    state.gateway.files.remove(&id);
    Ok(ResponseBody::json(
        json!({"id": id, "object": "file", "deleted": true}),
    ))
}

pub(super) fn download(state: &State, call: &Call) -> HandlerResult {
    if call.has_scripted_content {
        return Ok(ResponseBody::Content(CONTENT_TYPE, Content::bytes([])));
    }
    let file = state.gateway.files.find(call.path_param(0), call)?;
    Ok(ResponseBody::Content(CONTENT_TYPE, file.content()?.clone()))
}

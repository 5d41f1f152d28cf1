//! Operations on labels.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::labels::Label;
use crate::state::table::Row;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_labels", Read(list)),
    ("get_label", Read(get)),
    ("create_label", Write(create)),
    ("update_label", Write(update)),
    ("delete_label", Write(delete)),
]);

impl Label {
    fn json(&self, state: &State) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "color_code": self.color_code,
            "organisation_id": state.organisation.id,
            "workspace_id": self.workspace_id,
            "is_universal": i32::from(self.workspace_id.is_none()),
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
        })
    }
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let search = call
        .query_param("search")
        .unwrap_or_default()
        .to_lowercase();
    let matching = state.labels.all().filter(|label| {
        let in_workspace = match (label.workspace(), call.workspace()) {
            (Some(id), Some(requested)) => id == requested,
            _ => true,
        };
        in_workspace && label.name.to_lowercase().contains(&search)
    });
    Ok(call.page(matching, |label| label.json(state)))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let label = state.labels.find(call.path_param(0), call)?;
    Ok(ResponseBody::json(label.json(state)))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    if call.workspace().is_none() && call.body_str("organisation_id").is_none() {
        let reason = "or `/organisation_id` is required with an organisation key";
        return Err(ApiError::invalid_field("workspace_id", reason));
    }
    let label = Label {
        id: call.ids.uuid(),
        name: call.required_str("name")?.to_owned(),
        color_code: call.body_value("color_code"),
        workspace_id: call.workspace_id.clone(),
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
    };
    let body = json!({"id": label.id});
    state.labels.put(label);
    Ok(ResponseBody::json(body))
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut label = state.labels.find(call.path_param(0), call)?.clone();
    if let Some(name) = call.body_str("name") {
        label.name = name.to_owned();
    }
    if let Some(color) = call.body_field("color_code") {
        label.color_code = color.clone();
    }
    label.last_updated_at = call.timestamp();
    state.labels.put(label);
    Ok(ResponseBody::empty_object())
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = state.labels.find(call.path_param(0), call)?.id.clone();
    state.labels.remove(&id);
    super::prompts::remove_label(state, &id);
    Ok(ResponseBody::empty_object())
}

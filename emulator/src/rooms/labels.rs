//! Labels, which mark versions of prompts.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Handler::{Read, Write};
use super::{Room, State};
use crate::call::{Call, Caller};
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Item, Shelf};

pub(crate) const ROOM: Room = Room {
    forget_workspace: |state, workspace| state.labels.forget_workspace(workspace),
    ..Room::of(&[
        ("list_labels", Read(list)),
        ("get_label", Read(get)),
        ("create_label", Write(create)),
        ("update_label", Write(update)),
        ("delete_label", Write(delete)),
    ])
};

pub(crate) type Labels = Shelf<Label>;

/// A label of a workspace, or of all of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) id: String,
    pub(crate) name: String,
    color_code: Value,
    workspace_id: Option<String>,
    created_at: String,
    last_updated_at: String,
}

impl Item for Label {
    const NAME: &'static str = "label";

    fn id(&self) -> &str {
        &self.id
    }

    fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// One without a workspace is for all of them.
    fn visible_to(&self, caller: &Caller) -> bool {
        let own = self.workspace();
        own.is_none_or(|own| caller.sees(own))
    }
}

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

fn list(state: &State, call: &Call) -> Answer {
    let search = call.query_text("search").unwrap_or_default().to_lowercase();
    let wanted = state.labels.all().filter(|label| {
        let here = match (label.workspace(), call.workspace()) {
            (Some(own), Some(wanted)) => own == wanted,
            _ => true,
        };
        here && label.name.to_lowercase().contains(&search)
    });
    Ok(call.page(wanted, |label| label.json(state)))
}

fn get(state: &State, call: &Call) -> Answer {
    let label = state.labels.find(call.id(0), call)?;
    Ok(Reply::json(label.json(state)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    if call.workspace().is_none() && call.text("organisation_id").is_none() {
        let problem = "or `/organisation_id` is required with an organisation key";
        return Err(Refusal::invalid_field("workspace_id", problem));
    }
    let label = Label {
        id: call.ids.uuid(),
        name: call.required("name")?.to_owned(),
        color_code: call.value("color_code"),
        workspace_id: call.workspace_id.clone(),
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
    };
    let body = json!({"id": label.id});
    state.labels.put(label);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut label = state.labels.find(call.id(0), call)?.clone();
    if let Some(name) = call.text("name") {
        label.name = name.to_owned();
    }
    if let Some(color) = call.given("color_code") {
        label.color_code = color.clone();
    }
    label.last_updated_at = call.timestamp();
    state.labels.put(label);
    Ok(Reply::done())
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let id = state.labels.find(call.id(0), call)?.id.clone();
    state.labels.remove(&id);
    super::prompts::take_label_off(state, &id);
    Ok(Reply::done())
}

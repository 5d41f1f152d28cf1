//! Collections, the folders of prompts.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::call::{Call, Handlers, timestamp};
use crate::reply::{Answer, Refusal, Reply};
use crate::state::{State, new_id, new_slug};

pub(crate) const HANDLERS: Handlers = &[
    ("list_collections", list),
    ("get_collection", get),
    ("create_collection", create),
    ("update_collection", update),
];

/// A collection.
pub(crate) struct Collection {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    name: String,
    parent_id: Option<String>,
    is_default: bool,
    created_at: String,
    last_updated_at: String,
}

impl Collection {
    /// The collection that exists from the start.
    pub(crate) fn seed(workspace_id: &str, now: DateTime<Utc>) -> Self {
        Self {
            is_default: true,
            ..Self::new("Default", workspace_id, None, &timestamp(now))
        }
    }

    fn new(name: &str, workspace_id: &str, parent_id: Option<String>, at: &str) -> Self {
        Self {
            id: new_id(),
            slug: new_slug("col", name),
            workspace_id: workspace_id.to_owned(),
            name: name.to_owned(),
            parent_id,
            is_default: false,
            created_at: at.to_owned(),
            last_updated_at: at.to_owned(),
        }
    }

    /// Whether `key` is this collection's UUID or slug.
    pub(crate) fn is(&self, key: &str) -> bool {
        self.id == key || self.slug == key
    }

    fn json(&self) -> Map<String, Value> {
        let body = json!({
            "id": self.id,
            "name": self.name,
            "workspace_id": self.workspace_id,
            "slug": self.slug,
            "is_default": i32::from(self.is_default),
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "collection",
        });
        let mut body = body.as_object().cloned().unwrap_or_default();
        if let Some(parent) = &self.parent_id {
            body.insert("parent_collection_id".to_owned(), json!(parent));
        }
        body
    }

    fn list_json(&self, state: &State) -> Value {
        let prompts: Vec<&str> = state
            .prompts
            .iter()
            .filter(|p| p.collection_id == self.id)
            .map(|p| p.last_updated_at())
            .collect();
        let children: Vec<&str> = self
            .children(state)
            .map(|child| child.last_updated_at.as_str())
            .collect();
        let mut body = Value::Object(self.json());
        body["collection_details"] = json!({
            "child_collections_count": children.len(),
            "prompts_count": prompts.len(),
            "child_collections_last_updated_at": children.iter().max(),
            "prompts_last_updated_at": prompts.iter().max(),
        });
        body
    }

    fn children<'a>(&'a self, state: &'a State) -> impl Iterator<Item = &'a Self> {
        state
            .collections
            .iter()
            .filter(|other| other.parent_id.as_ref() == Some(&self.id))
    }
}

fn position(state: &State, key: &str, call: &Call) -> Result<usize, Refusal> {
    let found = state
        .collections
        .iter()
        .position(|collection| collection.is(key) && call.caller.sees(&collection.workspace_id));
    found.ok_or_else(|| Refusal::missing("collection"))
}

fn list(state: &mut State, call: &Call) -> Answer {
    let Some(workspace) = state.workspace_filter(call)? else {
        return Err(Refusal::invalid(
            "query parameter `workspace_id` is required with an organisation key",
        ));
    };
    let search = call.query_text("search").unwrap_or_default().to_lowercase();
    let wanted =
        |c: &&Collection| c.workspace_id == workspace && c.name.to_lowercase().contains(&search);
    Ok(call.page(
        state
            .collections
            .iter()
            .filter(wanted)
            .map(|c| c.list_json(state))
            .collect(),
    ))
}

fn get(state: &mut State, call: &Call) -> Answer {
    let collection = &state.collections[position(state, call.id(0), call)?];
    let mut body = Value::Object(collection.json());
    body["child_collections"] = collection
        .children(state)
        .map(|child| Value::Object(child.json()))
        .collect();
    Ok(Reply::json(body))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let workspace_id = state.workspace_for_new(call)?;
    let parent = match call
        .text("parent_collection_id")
        .filter(|parent| !parent.is_empty())
    {
        Some(parent) => Some(state.collections[position(state, parent, call)?].id.clone()),
        None => None,
    };
    let collection = Collection::new(
        call.required("name")?,
        &workspace_id,
        parent,
        &call.timestamp(),
    );
    let body = json!({"id": collection.id, "slug": collection.slug});
    state.collections.push(collection);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let position = position(state, call.id(0), call)?;
    let collection = &mut state.collections[position];
    collection.name = call.required("name")?.to_owned();
    collection.last_updated_at = call.timestamp();
    Ok(Reply::done())
}

//! Operations on collections.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::collections::Collection;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_collections", Read(list)),
    ("get_collection", Read(get)),
    ("create_collection", Write(create)),
    ("update_collection", Write(update)),
    ("delete_collection", Write(delete)),
]);

impl Collection {
    fn list_json(&self, state: &State) -> Value {
        let prompts = state.prompts.in_workspace(&self.workspace_id).iter();
        let prompts: Vec<&str> = prompts
            .filter(|prompt| prompt.collection_id == self.id)
            .map(|prompt| prompt.last_updated_at())
            .collect();
        let children: Vec<&str> = self
            .children(state)
            .map(|child| child.last_updated_at.as_str())
            .collect();
        let mut body = self.json();
        body["collection_details"] = json!({
            "child_collections_count": children.len(),
            "prompts_count": prompts.len(),
            "child_collections_last_updated_at": children.iter().max(),
            "prompts_last_updated_at": prompts.iter().max(),
        });
        body
    }

    fn children<'a>(&'a self, state: &'a State) -> impl Iterator<Item = &'a Self> {
        let all = state.collections.in_workspace(&self.workspace_id).iter();
        all.filter(|other| other.parent_id.as_ref() == Some(&self.id))
    }
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let collections = state.collections.list_for(call);
    let matching = collections.filter(|collection| call.matches_search(&[&collection.name]));
    Ok(call.page(matching, |collection| collection.list_json(state)))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let collection = state.collections.find_by_path(call)?;
    let mut body = collection.json();
    body["child_collections"] = collection
        .children(state)
        .map(|child| child.json())
        .collect();
    respond(body)
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, workspace) = (call.required_str("name")?, call.required_workspace()?);
    let mut collection = Collection::new(name, workspace, &call.timestamp(), &call.ids);
    if let Some(parent) = call
        .body_str("parent_collection_id")
        .filter(|key| !key.is_empty())
    {
        collection.parent_id = Some(state.collections.find(parent, call)?.id.clone());
    }
    let body = json!({"id": collection.id, "slug": collection.slug});
    state.collections.put(collection);
    respond(body)
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut collection = state.collections.find_by_path(call)?.clone();
    call.set_str("name", &mut collection.name);
    if let Some(parent) = call.body_field("parent_collection_id") {
        collection.parent_id = match parent.as_str() {
            Some(key) => Some(parent_for(state, call, &collection, key)?),
            None => None,
        };
    }
    collection.last_updated_at = call.timestamp();
    state.collections.put(collection);
    Ok(ResponseBody::empty_object())
}

/// Returns the UUID of the collection that an update moves a collection to (V099). That the service
/// refuses to move a collection into itself is assumed.
fn parent_for(
    state: &State,
    call: &Call,
    collection: &Collection,
    key: &str,
) -> Result<String, ApiError> {
    let parent = state.collections.find(key, call)?;
    if tree(state, collection).contains(&parent.id) {
        let reason = "is the collection itself or one inside it";
        return Err(ApiError::invalid_field("parent_collection_id", reason));
    }
    Ok(parent.id.clone())
}

/// Returns the UUIDs of a collection and of all collections inside it.
fn tree(state: &State, collection: &Collection) -> Vec<String> {
    let mut ids = vec![collection.id.clone()];
    let mut position = 0;
    while let Some(id) = ids.get(position).cloned() {
        let parent = state.collections.get(&id);
        let children = parent.into_iter().flat_map(|parent| parent.children(state));
        ids.extend(children.map(|child| child.id.clone()));
        position += 1;
    }
    ids
}

/// Returns the UUID of the default collection of a workspace.
pub(crate) fn default_collection_id(state: &State, workspace: &str) -> Option<String> {
    let mut all = state.collections.in_workspace(workspace).iter();
    let collection = all.find(|collection| collection.is_default)?;
    Some(collection.id.clone())
}

/// Deletes a collection other than the default one, and with `cascade` what is in it (V100). Without
/// it, its child collections, prompts, partials and tools move to its parent; without a parent, all but
/// the collections move to the default one.
fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let collection = state.collections.find_by_path(call)?.clone();
    if collection.is_default {
        return Err(ApiError::not_found("deletable collection"));
    }
    if call.query.get("cascade") == Some(&json!(true)) {
        let ids = tree(state, &collection);
        let is_inside = |id: &String| ids.contains(id);
        state
            .prompts
            .remove_where(|prompt| is_inside(&prompt.collection_id));
        state
            .partials
            .remove_where(|partial| is_inside(&partial.collection_id));
        state
            .prompt_tools
            .remove_where(|tool| is_inside(&tool.collection_id));
        state
            .collections
            .remove_where(|collection| is_inside(&collection.id));
        return Ok(ResponseBody::empty_object());
    }
    let parent_id = collection.parent_id.clone();
    let target_id = parent_id
        .clone()
        .or_else(|| default_collection_id(state, &collection.workspace_id));
    let target_id = target_id.unwrap_or_default();
    state.collections.update_where(
        |child| child.parent_id.as_ref() == Some(&collection.id),
        |child| child.parent_id.clone_from(&parent_id),
    );
    state.prompts.update_where(
        |prompt| prompt.collection_id == collection.id,
        |prompt| prompt.collection_id.clone_from(&target_id),
    );
    state.partials.update_where(
        |partial| partial.collection_id == collection.id,
        |partial| partial.collection_id.clone_from(&target_id),
    );
    state.prompt_tools.update_where(
        |tool| tool.collection_id == collection.id,
        |tool| tool.collection_id.clone_from(&target_id),
    );
    state.collections.remove(&collection.id);
    Ok(ResponseBody::empty_object())
}

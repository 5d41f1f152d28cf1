//! Operations on prompt partials.

use serde_json::json;

use crate::call::Call;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::partials::{Partial, Version};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_prompt_partials", Read(list)),
    ("get_prompt_partial", Read(get)),
    ("create_prompt_partial", Write(create)),
    ("update_prompt_partial", Write(update)),
    ("delete_prompt_partial", Write(delete)),
    ("list_prompt_partial_versions", Read(list_versions)),
    ("make_prompt_partial_version_default", Write(make_default)),
]);

fn list(state: &State, call: &Call) -> HandlerResult {
    let partials = state.partials.list_for(call);
    let Some(key) = call.query_param("collection_id") else {
        return Ok(call.page(partials, Partial::default_json));
    };
    let collection = &state.collections.find(key, call)?.id;
    let matching = partials.filter(|partial| partial.collection_id == *collection);
    Ok(call.page(matching, Partial::default_json))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let partial = state.partials.find_by_path(call)?;
    let requested = call.query_param("version").unwrap_or("default");
    respond(partial.json(partial.version(requested)?))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, workspace) = (call.required_str("name")?, call.required_workspace()?);
    let version = Version::new(1, call.required_str("string")?, call);
    let partial = Partial {
        id: call.ids.uuid(),
        slug: call.ids.slug("pl", name),
        workspace_id: workspace.to_owned(),
        collection_id: super::collections::default_collection_id(state, workspace)
            .unwrap_or_default(),
        name: name.to_owned(),
        status: "active".to_owned(),
        default: version.number,
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
        versions: vec![version],
    };
    let version_id = partial.versions.last().map(|version| &version.id);
    let body = json!({"id": partial.id, "slug": partial.slug, "version_id": version_id});
    state.partials.put(partial);
    respond(body)
}

/// A new template creates a version, which does not become the default; other changes create none.
fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut partial = state.partials.find_by_path(call)?.clone();
    call.set_str("name", &mut partial.name);
    call.set_str("status", &mut partial.status);
    partial.last_updated_at = call.timestamp();
    let mut body = json!({});
    if let Some(template) = call.body_str("string") {
        let number = partial.versions.last().map_or(0, |latest| latest.number) + 1;
        let version = Version::new(number, template, call);
        body = json!({"prompt_partial_version_id": version.id});
        partial.versions.push(version);
    }
    state.partials.put(partial);
    respond(body)
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    state.partials.take(call)?;
    Ok(ResponseBody::empty_object())
}

fn list_versions(state: &State, call: &Call) -> HandlerResult {
    let partial = state.partials.find_by_path(call)?;
    let newest_first: Vec<&Version> = partial.versions.iter().rev().collect();
    Ok(call.page(newest_first, |version| version.json(partial)))
}

/// Expects the number of a version, not its id.
fn make_default(state: &mut State, call: &Call) -> HandlerResult {
    let mut partial = state.partials.find_by_path(call)?.clone();
    let number = partial
        .version(&call.body_value("version").to_string())?
        .number;
    partial.default = number;
    state.partials.put(partial);
    Ok(ResponseBody::empty_object())
}

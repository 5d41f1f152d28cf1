//! Operations on prompt partials.

use serde_json::json;

use crate::call::Call;
use crate::handlers::plain::{delete, make_version_default};
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::partials::{Content, Partial};
use crate::state::versions::{Versioned, Versions};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_prompt_partials", Read(list)),
    ("get_prompt_partial", Read(get)),
    ("create_prompt_partial", Write(create)),
    ("update_prompt_partial", Write(update)),
    ("delete_prompt_partial", Write(delete::<Partial>)),
    ("list_prompt_partial_versions", Read(list_versions)),
    (
        "make_prompt_partial_version_default",
        Write(make_version_default::<Partial>),
    ),
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
    let string = call.required_str("string")?.to_owned();
    let description = call.body_value("version_description");
    let (content, at) = (Content { string }, call.timestamp());
    let versions = Versions::new(content, description, &at, &call.ids);
    let partial = Partial {
        id: call.ids.uuid(),
        slug: call.ids.slug("pl", name),
        workspace_id: workspace.to_owned(),
        collection_id: super::collections::default_collection_id(state, workspace)
            .unwrap_or_default(),
        name: name.to_owned(),
        status: "active".to_owned(),
        created_at: at.clone(),
        last_updated_at: at,
        versions,
    };
    let version_id = partial.versions.latest().map(|version| &version.id);
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
    if let Some(string) = call.body_str("string").map(str::to_owned) {
        let description = call.body_value("version_description");
        let (content, at) = (Content { string }, call.timestamp());
        let id = partial.versions.push(content, description, &at, &call.ids);
        body = json!({"prompt_partial_version_id": id});
    }
    state.partials.put(partial);
    respond(body)
}

fn list_versions(state: &State, call: &Call) -> HandlerResult {
    let partial = state.partials.find_by_path(call)?;
    let to_json = |version| partial.version_json(version);
    Ok(call.page(partial.versions.newest_first(), to_json))
}

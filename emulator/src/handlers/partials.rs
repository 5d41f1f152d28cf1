//! Operations on prompt partials.

use serde_json::{Value, json};

use crate::call::Call;
use crate::handlers::plain::{delete, make_version_default};
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::handlers::sharing;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::partials::{Content, Partial};
use crate::state::sharing::Sharing;
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
    ("share_prompt_partial", Write(sharing::share::<Partial>)),
    (
        "update_prompt_partial_share",
        Write(sharing::update_share::<Partial>),
    ),
    ("unshare_prompt_partial", Write(sharing::unshare::<Partial>)),
    ("fork_prompt_partial", Write(fork)),
]);

fn list(state: &State, call: &Call) -> HandlerResult {
    sharing::list(
        state,
        call,
        |partial: &Partial| &partial.collection_id,
        |partial| &partial.name,
        Partial::default_json,
    )
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let partial = state.partials.find_readable(call)?;
    let requested = call.query_param("version").unwrap_or("default");
    respond(partial.json(partial.version(requested)?))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, workspace) = (call.required_str("name")?, call.required_workspace()?);
    let string = call.required_str("string")?.to_owned();
    let description = call.body_value("version_description");
    let (content, at) = (Content { string }, call.timestamp());
    let versions = Versions::new(content, description, &at, &call.ids);
    let collection_id = match call.body_str("collection_id") {
        Some(key) => state.collections.find(key, call)?.id.clone(),
        None => super::collections::default_collection_id(state, workspace).unwrap_or_default(),
    };
    let partial = Partial {
        id: call.ids.uuid(),
        slug: call.ids.slug("pl", name),
        workspace_id: workspace.to_owned(),
        collection_id,
        name: name.to_owned(),
        status: "active".to_owned(),
        created_at: at.clone(),
        last_updated_at: at,
        sharing: Sharing::default(),
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
    let partial = state.partials.find_readable(call)?;
    let to_json = |version| partial.version_json(version);
    Ok(call.page(partial.versions.newest_first(), to_json))
}

fn fork(state: &mut State, call: &Call) -> HandlerResult {
    let original = state.partials.find_readable(call)?;
    let copy = sharing::Copy::new(state, call, original, &original.name)?;
    let (content, at) = (copy.content, call.timestamp());
    let partial = Partial {
        id: call.ids.uuid(),
        slug: call.ids.slug("pl", &copy.name),
        workspace_id: copy.collection.workspace_id.clone(),
        collection_id: copy.collection.id.clone(),
        name: copy.name,
        status: "active".to_owned(),
        created_at: at.clone(),
        last_updated_at: at.clone(),
        sharing: copy.sharing,
        versions: Versions::new(content, Value::Null, &at, &call.ids),
    };
    let body = json!({"id": partial.id, "slug": partial.slug});
    state.partials.put(partial);
    respond(body)
}

//! Operations on MCP and agent servers.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::upstreams::Operations;
use crate::response::{HandlerResult, ResponseBody, merge, respond};
use crate::state::access_list::Shared;
use crate::state::table::Row;
use crate::state::upstreams::integrations::UpstreamIntegration;
use crate::state::upstreams::probe;
use crate::state::upstreams::servers::UpstreamServer;
use crate::state::upstreams::users::UserAccess;
use crate::state::{State, masking, slugs};

/// The default and the maximum page size.
const PAGE_SIZES: (u64, u64) = (100, 100);

/// The reported response time of a test, in milliseconds. It is fixed, since nothing is sent.
const RESPONSE_TIME_MS: u32 = 42;

/// Returns the integration of a server.
pub(in crate::handlers) fn integration_of<'a, P: Operations>(
    state: &'a State,
    server: &UpstreamServer<P>,
) -> Result<&'a UpstreamIntegration<P>, ApiError> {
    find_integration::<P>(state, &server.integration_id)
}

fn find_integration<'a, P: Operations>(
    state: &'a State,
    key: &str,
) -> Result<&'a UpstreamIntegration<P>, ApiError> {
    let integration = P::upstreams(state).integrations.get(key);
    integration.ok_or_else(|| ApiError::not_found(P::INTEGRATION_NAME))
}

/// Returns the server; some fields are for service keys only.
fn json<P: Operations>(server: &UpstreamServer<P>, state: &State, call: &Call) -> Value {
    let name = |end: &str| format!("{}_integration_{end}", P::PREFIX);
    let mut body = json!({
        "id": server.id,
        "slug": server.slug,
        "name": server.name,
        "description": server.description,
        (name("id")): server.integration_id,
        "organisation_id": state.organisation.id,
        "owner_id": server.owner_id,
        "status": "active",
        "created_at": server.created_at,
        "object": object::<P>(),
    });
    let Ok(integration) = integration_of::<P>(state, server) else {
        return body;
    };
    body["auth_type"] = json!(integration.auth_type);
    body[name("slug")] = json!(integration.slug);
    body[name("url")] = json!(integration.url);
    if call.caller.user_id.is_none() {
        let workspace = state.workspaces.get(&server.workspace_id);
        body["workspace_id"] = json!(server.workspace_id);
        body["workspace_name"] = json!(workspace.map(|workspace| workspace.display_name()));
        body["workspace_slug"] = json!(workspace.map(|workspace| &workspace.slug));
        body[name("details")] = integration_details::<P>(integration);
    }
    body
}

/// Returns the `object` of a server.
fn object<P: Operations>() -> String {
    format!("{}-server", P::PREFIX)
}

fn integration_details<P: Operations>(integration: &UpstreamIntegration<P>) -> Value {
    let mut details = json!({
        "id": integration.id,
        "slug": integration.slug,
        "url": integration.url,
        "auth_type": integration.auth_type,
        "configurations": masking::mask_settings(&integration.configurations),
        "status": "active",
    });
    merge(&mut details, P::connection_fields(integration));
    details
}

/// Returns the server of the path.
pub(in crate::handlers) fn find<'a, P: Operations>(
    state: &'a State,
    call: &Call,
) -> Result<&'a UpstreamServer<P>, ApiError> {
    P::upstreams(state).servers.find_by_path(call)
}

pub(in crate::handlers) fn put<P: Operations>(state: &mut State, server: UpstreamServer<P>) {
    P::upstreams_mut(state).servers.put(server);
}

/// Removes all servers of an integration.
pub(super) fn remove_integration<P: Operations>(state: &mut State, integration: &str) {
    let all = P::upstreams(state).servers.iter();
    let dependent = all.filter(|server| server.integration_id == integration);
    let ids: Vec<String> = dependent.map(|server| server.id.clone()).collect();
    for id in ids {
        remove::<P>(state, &id);
    }
}

/// Removes a server.
pub(super) fn remove<P: Operations>(state: &mut State, id: &str) {
    P::upstreams_mut(state).servers.remove(id);
    P::server_removed(state, id);
}

pub(in crate::handlers) fn list<P: Operations>(state: &State, call: &Call) -> HandlerResult {
    let ids = call
        .query_param("id")
        .map(|ids| ids.split(',').map(str::trim));
    let ids: Option<HashSet<&str>> = ids.map(Iterator::collect);
    let matching = P::upstreams(state).servers.list_for(call);
    let matching = matching.filter(|server| {
        let is_named = |ids: &HashSet<&str>| {
            ids.contains(server.id.as_str()) || ids.contains(server.slug.as_str())
        };
        ids.as_ref().is_none_or(is_named) && call.matches_search(&[&server.name, &server.slug])
    });
    Ok(call.page_sized(PAGE_SIZES, matching, |server| {
        let mut body = json::<P>(server, state, call);
        merge(&mut body, P::server_in_list(server, state));
        body
    }))
}

pub(in crate::handlers) fn get<P: Operations>(state: &State, call: &Call) -> HandlerResult {
    let server = find::<P>(state, call)?;
    let mut body = json::<P>(server, state, call);
    merge(&mut body, P::single_server(server, state));
    respond(body)
}

pub(in crate::handlers) fn create<P: Operations>(state: &mut State, call: &Call) -> HandlerResult {
    let (name, workspace) = (call.required_str("name")?, call.required_workspace()?);
    let key = call.required_str(&format!("{}_integration_id", P::PREFIX))?;
    let integration = find_integration::<P>(state, key)?;
    if !integration.allows_workspace(workspace) {
        let name = UpstreamIntegration::<P>::NAME;
        let message = format!("the {name} is not enabled for the workspace");
        return Err(ApiError::forbidden(message));
    }
    let is_taken = |slug: &str| P::upstreams(state).servers.get(slug).is_some();
    let slug = slugs::choose(call.body_str("slug"), "slug", is_taken, name, &call.ids)?;
    let server = UpstreamServer {
        id: call.ids.uuid(),
        slug,
        workspace_id: workspace.to_owned(),
        name: name.to_owned(),
        description: call.body_value("description"),
        integration_id: integration.id.clone(),
        owner_id: state.users.acting_user(call).to_owned(),
        own_capabilities: None,
        toggles: BTreeMap::new(),
        users: UserAccess::default(),
        created_at: call.timestamp(),
        last_updated_at: None,
        settings: P::new_server(call),
    };
    let body = json!({"id": server.id, "slug": server.slug});
    put::<P>(state, server);
    respond(body)
}

pub(in crate::handlers) fn update<P: Operations>(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find::<P>(state, call)?.clone();
    call.set_str("name", &mut server.name);
    call.set_value("description", &mut server.description);
    server.last_updated_at = Some(call.timestamp());
    let body = json!({"id": server.id, "slug": server.slug, "object": object::<P>()});
    put::<P>(state, server);
    respond(body)
}

pub(in crate::handlers) fn delete<P: Operations>(state: &mut State, call: &Call) -> HandlerResult {
    let id = find::<P>(state, call)?.id.clone();
    remove::<P>(state, &id);
    Ok(ResponseBody::empty_object())
}

/// An unreachable server is reported with status 200.
pub(in crate::handlers) fn test<P: Operations>(state: &State, call: &Call) -> HandlerResult {
    let server = find::<P>(state, call)?;
    let url = &integration_of::<P>(state, server)?.url;
    let error = probe::connection_error(url);
    let is_reachable = error.is_none();
    respond(json!({
        "success": is_reachable,
        "error": error,
        "url": url,
        "server_name": server.name,
        "status_code": is_reachable.then_some(200),
        "response_time_ms": is_reachable.then_some(RESPONSE_TIME_MS),
        "object": format!("{}-test", object::<P>()),
    }))
}

//! Operations on MCP and agent integrations.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::upstreams::{Operations, servers};
use crate::response::{HandlerResult, ResponseBody, merge, respond};
use crate::state::access_list::Shared;
use crate::state::upstreams::access::{Access, set_access};
use crate::state::upstreams::integrations::UpstreamIntegration;
use crate::state::{State, custom_host, slugs};

/// The default and the maximum page size.
const PAGE_SIZES: (u64, u64) = (100, 1000);

/// Returns the integration as a single resource.
fn json<P: Operations>(integration: &UpstreamIntegration<P>) -> Value {
    let mut body = integration.json();
    merge(&mut body, P::integration_fields(integration));
    body
}

/// Applies a create or update request.
fn apply<P: Operations>(
    integration: &mut UpstreamIntegration<P>,
    state: &State,
    call: &Call,
) -> Result<(), ApiError> {
    call.set_str("name", &mut integration.name);
    call.set_str("url", &mut integration.url);
    call.set_str("auth_type", &mut integration.auth_type);
    call.set_value("description", &mut integration.description);
    call.set_value("configurations", &mut integration.configurations);
    custom_host::validate(&json!(integration.url), "url")?;
    P::apply(integration, state, call)
}

/// Returns the integration of the path.
pub(in crate::handlers) fn find<'a, P: Operations>(
    state: &'a State,
    call: &Call,
) -> Result<&'a UpstreamIntegration<P>, ApiError> {
    P::upstreams(state).integrations.find_by_path(call)
}

/// Returns the integration of the path for an update. A workspace key can only change integrations
/// of its workspace.
pub(in crate::handlers) fn find_editable<'a, P: Operations>(
    state: &'a State,
    call: &Call,
) -> Result<&'a UpstreamIntegration<P>, ApiError> {
    let integration = find::<P>(state, call)?;
    integration.require_owner(call, "change")?;
    Ok(integration)
}

pub(in crate::handlers) fn put<P: Operations>(
    state: &mut State,
    integration: UpstreamIntegration<P>,
) {
    P::upstreams_mut(state).integrations.put(integration);
}

pub(in crate::handlers) fn list<P: Operations>(state: &State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let matching = P::upstreams(state).integrations.all();
    let matching = matching.filter(|integration| {
        let workspace = call.workspace();
        let is_usable = workspace.is_none_or(|workspace| {
            integration.allows_workspace(workspace)
                || integration.workspace_id.as_deref() == Some(workspace)
        });
        is_usable
            && integration.matches_type(call)
            && call.matches_search(&[&integration.name, &integration.slug])
    });
    Ok(call.page_sized(PAGE_SIZES, matching, |integration| {
        let mut body = json(integration);
        body["workspaces_count"] = json!(integration.count_workspaces(&state.workspaces));
        P::integration_in_list(&mut body, integration, state);
        body
    }))
}

pub(in crate::handlers) fn get<P: Operations>(state: &State, call: &Call) -> HandlerResult {
    respond(json(find::<P>(state, call)?))
}

pub(in crate::handlers) fn create<P: Operations>(state: &mut State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let name = call.required_str("name")?;
    let is_taken = |slug: &str| P::upstreams(state).integrations.get(slug).is_some();
    let slug = slugs::choose(call.body_str("slug"), "slug", is_taken, name, &call.ids)?;
    let mut integration = UpstreamIntegration {
        id: call.ids.uuid(),
        slug,
        workspace_id: call.workspace_id.clone(),
        name: name.to_owned(),
        description: Value::Null,
        url: call.required_str("url")?.to_owned(),
        auth_type: call.required_str("auth_type")?.to_owned(),
        configurations: Value::Null,
        owner_id: state.users.acting_user(call).to_owned(),
        access: Access::default(),
        capabilities: Vec::new(),
        created_at: call.timestamp(),
        last_updated_at: None,
        settings: P::new_integration(call)?,
    };
    apply::<P>(&mut integration, state, call)?;
    if let Some(workspace) = call.workspace() {
        set_access(&mut integration.access, workspace, true, &call.timestamp());
    }
    let body = json!({"id": integration.id, "slug": integration.slug});
    put::<P>(state, integration);
    respond(body)
}

pub(in crate::handlers) fn update<P: Operations>(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find_editable::<P>(state, call)?.clone();
    apply::<P>(&mut integration, state, call)?;
    integration.last_updated_at = Some(call.timestamp());
    put::<P>(state, integration);
    Ok(ResponseBody::empty_object())
}

/// Also deletes the servers of the integration.
pub(in crate::handlers) fn delete<P: Operations>(state: &mut State, call: &Call) -> HandlerResult {
    let id = find_editable::<P>(state, call)?.id.clone();
    remove::<P>(state, &id);
    Ok(ResponseBody::empty_object())
}

/// Removes an integration and its servers.
pub(super) fn remove<P: Operations>(state: &mut State, id: &str) {
    P::upstreams_mut(state).integrations.remove(id);
    servers::remove_integration::<P>(state, id);
}

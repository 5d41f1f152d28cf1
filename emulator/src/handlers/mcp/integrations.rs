//! Operations on MCP integrations.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::mcp::{capabilities, probe, servers};
use crate::handlers::secret_references;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::access_list::Shared;
use crate::state::mcp::access::{Access, set_access};
use crate::state::mcp::capabilities::Capability;
use crate::state::mcp::capabilities::{apply_toggles, merge_synced, parse_toggles};
use crate::state::mcp::integrations::McpIntegration;
use crate::state::mcp::metadata::Metadata;
use crate::state::table::Table;
use crate::state::{State, slugs};

/// The default and the maximum page size.
const PAGE_SIZES: (u64, u64) = (100, 1000);

/// The fields that a secret reference can fill.
const SECRET_TARGETS: [&str; 1] = ["configurations."];

/// The fields that an update can change.
const UPDATABLE_FIELDS: [&str; 7] = [
    "name",
    "description",
    "url",
    "auth_type",
    "transport",
    "configurations",
    "secret_mappings",
];

impl McpIntegration {
    fn list_json(&self, state: &State) -> Value {
        let mut body = self.json();
        body["workspaces_count"] = json!(self.count_workspaces(&state.workspaces));
        body
    }

    /// Applies a create or update request.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), ApiError> {
        call.set_str("name", &mut self.name);
        call.set_str("url", &mut self.url);
        call.set_str("auth_type", &mut self.auth_type);
        call.set_str("transport", &mut self.transport);
        call.set_value("description", &mut self.description);
        call.set_value("configurations", &mut self.configurations);
        let workspace = self.workspace_id.as_deref();
        let mappings = &mut self.secret_mappings;
        secret_references::update_mappings(state, call, &SECRET_TARGETS, workspace, mappings)?;
        self.validate()
    }
}

/// Returns the MCP integration of the path.
pub(super) fn find<'a>(state: &'a State, call: &Call) -> Result<&'a McpIntegration, ApiError> {
    state.mcp.integrations.find_by_path(call)
}

/// Returns the MCP integration of the path for an update. A workspace key can only change
/// integrations of its workspace.
pub(super) fn find_editable<'a>(
    state: &'a State,
    call: &Call,
) -> Result<&'a McpIntegration, ApiError> {
    let integration = find(state, call)?;
    integration.require_owner(call, "change")?;
    Ok(integration)
}

fn table(state: &mut State) -> &mut Table<McpIntegration> {
    &mut state.mcp.integrations
}

pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let matching = state.mcp.integrations.all().filter(|integration| {
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
        integration.list_json(state)
    }))
}

pub(super) fn get(state: &State, call: &Call) -> HandlerResult {
    respond(find(state, call)?.json())
}

pub(super) fn create(state: &mut State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let name = call.required_str("name")?;
    let is_taken = |slug: &str| state.mcp.integrations.get(slug).is_some();
    let slug = slugs::choose(call.body_str("slug"), "slug", is_taken, name, &call.ids)?;
    let mut integration = McpIntegration {
        id: call.ids.uuid(),
        slug,
        secret_mappings: Vec::new(),
        workspace_id: call.workspace_id.clone(),
        name: name.to_owned(),
        description: Value::Null,
        url: call.required_str("url")?.to_owned(),
        auth_type: call.required_str("auth_type")?.to_owned(),
        transport: call.required_str("transport")?.to_owned(),
        configurations: Value::Null,
        owner_id: state.users.acting_user(call).to_owned(),
        access: Access::default(),
        capabilities: Vec::new(),
        metadata: Metadata::default(),
        created_at: call.timestamp(),
        last_updated_at: None,
    };
    integration.apply(state, call)?;
    if let Some(workspace) = call.workspace() {
        set_access(&mut integration.access, workspace, true, &call.timestamp());
    }
    let body = json!({"id": integration.id, "slug": integration.slug});
    table(state).put(integration);
    respond(body)
}

pub(super) fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find_editable(state, call)?.clone();
    if !UPDATABLE_FIELDS
        .iter()
        .any(|name| call.body_field(name).is_some())
    {
        return Err(ApiError::bad_request(
            "body: expected at least one field to update",
        ));
    }
    integration.apply(state, call)?;
    integration.last_updated_at = Some(call.timestamp());
    table(state).put(integration);
    Ok(ResponseBody::empty_object())
}

/// Also deletes the servers of the integration.
pub(super) fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = find_editable(state, call)?.id.clone();
    table(state).remove(&id);
    servers::remove_integration(state, &id);
    Ok(ResponseBody::empty_object())
}

pub(super) fn metadata(state: &State, call: &Call) -> HandlerResult {
    respond(find(state, call)?.metadata.json())
}

pub(super) fn sync(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find_editable(state, call)?.clone();
    if call.body_field("capabilities").is_some() {
        integration.capabilities = merge_synced(&integration.capabilities, call)?;
    }
    integration
        .metadata
        .update_from_server_info(&call.body_value("server_info"), &call.timestamp());
    let count = integration.capabilities.len();
    table(state).put(integration);
    respond(json!({
        "success": true,
        "message": "the server information was stored",
        "details": {"capabilities": count},
    }))
}

pub(super) fn test(state: &State, call: &Call) -> HandlerResult {
    let integration = find(state, call)?;
    let error = probe::connection_error(&integration.url);
    respond(json!({
        "success": error.is_none(),
        "message": error.unwrap_or("the server is reachable"),
        "details": {"url": integration.url, "transport": integration.transport},
    }))
}

pub(super) fn list_capabilities(state: &State, call: &Call) -> HandlerResult {
    let rows: Vec<&Capability> = find(state, call)?.capabilities.iter().collect();
    Ok(capabilities::page(
        call,
        rows,
        |capability| (capability, capability.enabled),
        Capability::integration_json,
    ))
}

pub(super) fn update_capabilities(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find_editable(state, call)?.clone();
    let known: HashSet<String> = integration
        .capabilities
        .iter()
        .map(Capability::key)
        .collect();
    let toggles = parse_toggles(call, &known)?;
    apply_toggles(&mut integration.capabilities, &toggles, &call.timestamp());
    table(state).put(integration);
    respond(json!({"success": true}))
}

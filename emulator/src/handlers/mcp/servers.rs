//! Operations on MCP servers.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::guardrails;
use crate::handlers::mcp::{capabilities, probe};
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::access_list::Shared;
use crate::state::mcp::capabilities::CapabilityKey;
use crate::state::mcp::capabilities::{merge_synced, parse_toggles};
use crate::state::mcp::integrations::McpIntegration;
use crate::state::mcp::metadata::Metadata;
use crate::state::mcp::servers::McpServer;
use crate::state::mcp::users::UserAccess;
use crate::state::table::Row;
use crate::state::{State, masking, slugs};

/// The default and the maximum page size.
const PAGE_SIZES: (u64, u64) = (100, 100);

/// The reported response time of a test, in milliseconds. It is fixed, since nothing is sent.
const RESPONSE_TIME_MS: u32 = 42;

impl McpServer {
    fn integration<'a>(&self, state: &'a State) -> Result<&'a McpIntegration, ApiError> {
        let integration = state.mcp.integrations.get(&self.integration_id);
        integration.ok_or_else(|| ApiError::not_found(McpIntegration::NAME))
    }

    /// Returns the server; some fields are for service keys only.
    fn json(&self, state: &State, call: &Call) -> Value {
        let mut body = json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "description": self.description,
            "mcp_integration_id": self.integration_id,
            "organisation_id": state.organisation.id,
            "owner_id": self.owner_id,
            "status": "active",
            "created_at": self.created_at,
            "object": "mcp-server",
        });
        let Ok(integration) = self.integration(state) else {
            return body;
        };
        body["auth_type"] = json!(integration.auth_type);
        body["mcp_integration_slug"] = json!(integration.slug);
        body["mcp_integration_url"] = json!(integration.url);
        if call.caller.user_id.is_none() {
            let workspace = state.workspaces.get(&self.workspace_id);
            body["workspace_id"] = json!(self.workspace_id);
            body["workspace_name"] = json!(workspace.map(|workspace| workspace.display_name()));
            body["workspace_slug"] = json!(workspace.map(|workspace| &workspace.slug));
            body["mcp_integration_details"] = integration_details(integration);
        }
        body
    }
}

fn integration_details(integration: &McpIntegration) -> Value {
    json!({
        "id": integration.id,
        "slug": integration.slug,
        "url": integration.url,
        "auth_type": integration.auth_type,
        "transport": integration.transport,
        "configurations": masking::mask_settings(&integration.configurations),
        "status": "active",
    })
}

/// Returns the MCP server of the path.
pub(super) fn find<'a>(state: &'a State, call: &Call) -> Result<&'a McpServer, ApiError> {
    state.mcp.servers.find_by_path(call)
}

/// Removes all servers of an integration.
pub(super) fn remove_integration(state: &mut State, integration: &str) {
    let all = state.mcp.servers.iter();
    let dependent = all.filter(|server| server.integration_id == integration);
    let ids: Vec<String> = dependent.map(|server| server.id.clone()).collect();
    for id in ids {
        remove(state, &id);
    }
}

/// Removes a server, and its mappings from guardrails.
pub(super) fn remove(state: &mut State, id: &str) {
    state.mcp.servers.remove(id);
    guardrails::remove_mcp_server(state, id);
}

pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let ids = call
        .query_param("id")
        .map(|ids| ids.split(',').map(str::trim));
    let ids: Option<HashSet<&str>> = ids.map(Iterator::collect);
    let matching = state.mcp.servers.list_for(call).filter(|server| {
        let is_named = |ids: &HashSet<&str>| {
            ids.contains(server.id.as_str()) || ids.contains(server.slug.as_str())
        };
        ids.as_ref().is_none_or(is_named) && call.matches_search(&[&server.name, &server.slug])
    });
    Ok(call.page_sized(PAGE_SIZES, matching, |server| server.json(state, call)))
}

pub(super) fn get(state: &State, call: &Call) -> HandlerResult {
    respond(find(state, call)?.json(state, call))
}

pub(super) fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, workspace) = (call.required_str("name")?, call.required_workspace()?);
    let key = call.required_str("mcp_integration_id")?;
    let integration = state.mcp.integrations.get(key);
    let integration = integration.ok_or_else(|| ApiError::not_found(McpIntegration::NAME))?;
    if !integration.allows_workspace(workspace) {
        let message = "the MCP integration is not enabled for the workspace";
        return Err(ApiError::forbidden(message));
    }
    let is_taken = |slug: &str| state.mcp.servers.get(slug).is_some();
    let slug = slugs::choose(call.body_str("slug"), "slug", is_taken, name, &call.ids)?;
    let server = McpServer {
        id: call.ids.uuid(),
        slug,
        workspace_id: workspace.to_owned(),
        name: name.to_owned(),
        description: call.body_value("description"),
        integration_id: integration.id.clone(),
        owner_id: state.users.acting_user(call).to_owned(),
        client_id: call.ids.uuid(),
        own_capabilities: None,
        toggles: BTreeMap::new(),
        metadata: Metadata::default(),
        users: UserAccess::default(),
        created_at: call.timestamp(),
    };
    let body = json!({"id": server.id, "slug": server.slug});
    state.mcp.servers.put(server);
    respond(body)
}

pub(super) fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find(state, call)?.clone();
    if call.body_field("name").is_none() && call.body_field("description").is_none() {
        return Err(ApiError::bad_request(
            "body: expected at least one field to update",
        ));
    }
    call.set_str("name", &mut server.name);
    call.set_value("description", &mut server.description);
    let body = json!({"id": server.id, "slug": server.slug, "object": "mcp-server"});
    state.mcp.servers.put(server);
    respond(body)
}

pub(super) fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = find(state, call)?.id.clone();
    remove(state, &id);
    Ok(ResponseBody::empty_object())
}

/// An unreachable server is reported with status 200.
pub(super) fn test(state: &State, call: &Call) -> HandlerResult {
    let server = find(state, call)?;
    let url = &server.integration(state)?.url;
    let error = probe::connection_error(url);
    let is_reachable = error.is_none();
    respond(json!({
        "success": is_reachable,
        "error": error,
        "url": url,
        "server_name": server.name,
        "status_code": is_reachable.then_some(200),
        "response_time_ms": is_reachable.then_some(RESPONSE_TIME_MS),
        "object": "mcp-server-test",
    }))
}

pub(super) fn list_capabilities(state: &State, call: &Call) -> HandlerResult {
    let server = find(state, call)?;
    let rows = server.capabilities(server.integration(state)?);
    Ok(capabilities::page(
        call,
        rows,
        |row| (row.capability, row.enabled),
        |row| row.json(call),
    ))
}

pub(super) fn update_capabilities(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find(state, call)?.clone();
    let all = server.capabilities(server.integration(state)?).into_iter();
    let known: HashSet<CapabilityKey> = all.map(|row| row.capability.key()).collect();
    let toggles = parse_toggles(call, &known)?;
    server.toggles.extend(toggles);
    state.mcp.servers.put(server);
    respond(json!({"success": true}))
}

pub(super) fn sync_capabilities(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find(state, call)?.clone();
    let before = server.own_capabilities.unwrap_or_default();
    let found = merge_synced(&before, call)?;
    let count = found.len();
    server.own_capabilities = Some(found);
    state.mcp.servers.put(server);
    respond(json!({"success": true, "total": count}))
}

/// Returns the server's own metadata once synced, or else that of its integration.
pub(super) fn metadata(state: &State, call: &Call) -> HandlerResult {
    let server = find(state, call)?;
    let metadata = match server.metadata.is_synced() {
        true => &server.metadata,
        false => &server.integration(state)?.metadata,
    };
    respond(metadata.json())
}

pub(super) fn sync_metadata(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find(state, call)?.clone();
    server
        .metadata
        .update_from_request(&call.body, &call.timestamp());
    state.mcp.servers.put(server);
    respond(json!({"success": true}))
}

/// Returns the OAuth client configured in the integration, or else, with `oauth_auto`, the one that
/// the service registered.
pub(super) fn client_info(state: &State, call: &Call) -> HandlerResult {
    let server = find(state, call)?;
    let integration = server.integration(state)?;
    let empty = Map::new();
    let settings = integration.configurations.as_object().unwrap_or(&empty);
    let oauth_metadata = settings.get("oauth_metadata");
    let setting = |name: &str| {
        let nested_setting = || oauth_metadata.and_then(|oauth_metadata| oauth_metadata.get(name));
        settings.get(name).or_else(nested_setting).cloned()
    };
    let registered = (integration.auth_type == "oauth_auto").then(|| json!(server.client_id));
    respond(json!({
        "client_id": setting("client_id").or(registered),
        "client_secret": setting("client_secret"),
        "object": "client-info",
    }))
}

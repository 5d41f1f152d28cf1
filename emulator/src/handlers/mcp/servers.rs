//! Operations that only MCP servers have.

use std::collections::HashSet;

use serde_json::{Map, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::mcp::capabilities;
pub(super) use crate::handlers::upstreams::servers::{find, integration_of, put};
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::mcp::capabilities::{json, parse_all, parse_toggles};
use crate::state::mcp::metadata::Metadata;
use crate::state::mcp::{Mcp, McpServer};
use crate::state::upstreams::capabilities::{CapabilityKey, merge_synced};

pub(super) fn list_capabilities(state: &State, call: &Call) -> HandlerResult {
    let server = find::<Mcp>(state, call)?;
    let rows = server.capabilities(integration_of(state, server)?);
    Ok(capabilities::page(
        call,
        rows,
        |row| (row.capability, row.enabled),
        |row| row.with_integration_state(json(row.capability, row.enabled), call),
    ))
}

pub(super) fn update_capabilities(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find::<Mcp>(state, call)?.clone();
    let all = server.capabilities(integration_of(state, &server)?);
    let known: HashSet<CapabilityKey> = all.iter().map(|row| row.capability.key()).collect();
    let toggles = parse_toggles(call, &known)?;
    server.toggles.extend(toggles);
    put(state, server);
    respond(json!({"success": true}))
}

pub(super) fn sync_capabilities(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find::<Mcp>(state, call)?.clone();
    let before = server.own_capabilities.unwrap_or_default();
    let found = merge_synced(&before, parse_all(call)?, "capabilities")?;
    let count = found.len();
    server.own_capabilities = Some(found);
    put(state, server);
    respond(json!({"success": true, "total": count}))
}

pub(super) fn metadata(state: &State, call: &Call) -> HandlerResult {
    let server = find::<Mcp>(state, call)?;
    respond(metadata_of(state, server)?.json())
}

/// Returns the server's own metadata once synced, or else that of its integration.
pub(super) fn metadata_of<'a>(
    state: &'a State,
    server: &'a McpServer,
) -> Result<&'a Metadata, ApiError> {
    match server.settings.metadata.is_synced() {
        true => Ok(&server.settings.metadata),
        false => Ok(&integration_of(state, server)?.settings.metadata),
    }
}

pub(super) fn sync_metadata(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find::<Mcp>(state, call)?.clone();
    let metadata = &mut server.settings.metadata;
    metadata.update_from_request(&call.body, &call.timestamp());
    server.last_updated_at = Some(call.timestamp());
    put(state, server);
    respond(json!({"success": true}))
}

/// Returns the OAuth client configured in the integration, or else, with `oauth_auto`, the one that
/// the service registered.
pub(super) fn client_info(state: &State, call: &Call) -> HandlerResult {
    let server = find::<Mcp>(state, call)?;
    let integration = integration_of(state, server)?;
    let empty = Map::new();
    let settings = integration.configurations.as_object().unwrap_or(&empty);
    let oauth_metadata = settings.get("oauth_metadata");
    let setting = |name: &str| {
        let nested_setting = || oauth_metadata.and_then(|oauth_metadata| oauth_metadata.get(name));
        settings.get(name).or_else(nested_setting).cloned()
    };
    let client_id = &server.settings.client_id;
    let registered = (integration.auth_type == "oauth_auto").then(|| json!(client_id));
    respond(json!({
        "client_id": setting("client_id").or(registered),
        "client_secret": setting("client_secret"),
        "object": "client-info",
    }))
}

//! Operations on the MCP servers that a guardrail applies to.

use std::collections::BTreeMap;

use serde_json::json;

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::guardrails::find_editable;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::guardrails::Guardrail;
use crate::state::guardrails::mcp_servers::Mapping;

/// Returns the UUID of an MCP server that the guardrail can apply to.
fn resolve_server(state: &State, guardrail: &Guardrail, key: &str) -> Option<String> {
    let server = state.mcp.servers.get(key)?;
    let workspace = guardrail.workspace_id.as_ref();
    workspace
        .is_none_or(|workspace| *workspace == server.workspace_id)
        .then(|| server.id.clone())
}

/// Removes a deleted server from all guardrails.
pub(crate) fn remove_server(state: &mut State, server: &str) {
    let is_mapped = |guardrail: &Guardrail| {
        guardrail
            .mcp_servers
            .iter()
            .any(|mapping| mapping.server_id == server)
    };
    state.guardrails.table.update_where(is_mapped, |guardrail| {
        guardrail
            .mcp_servers
            .retain(|mapping| mapping.server_id != server);
    });
}

/// The response is a JSON array without an envelope.
pub(super) fn list(state: &State, call: &Call) -> HandlerResult {
    let guardrail = state.guardrails.table.find_by_path(call)?;
    let rows: Vec<&Mapping> = guardrail.mcp_servers.iter().collect();
    Ok(call.page(rows, |mapping| mapping.json(&guardrail.id)))
}

pub(super) fn replace(state: &mut State, call: &Call) -> HandlerResult {
    let mut guardrail = find_editable(state, call)?.clone();
    let existing_mappings = guardrail.mcp_servers.iter();
    let mut existing_mappings: BTreeMap<&str, &Mapping> = existing_mappings
        .map(|mapping| (mapping.server_id.as_str(), mapping))
        .collect();
    let (mut new_mappings, mut added, mut updated) = (Vec::new(), 0, 0);
    let requested = call.body_value("mcp_servers");
    for (key, item) in requested.as_object().into_iter().flatten() {
        let field_path = format!("mcp_servers/{key}");
        let server = resolve_server(state, &guardrail, key).ok_or_else(|| {
            ApiError::invalid_field(
                &field_path,
                "is not an MCP server that the guardrail can apply to",
            )
        })?;
        if new_mappings
            .iter()
            .any(|mapping: &Mapping| mapping.server_id == server)
        {
            return Err(ApiError::invalid_field(
                &field_path,
                "names the same MCP server as an earlier entry",
            ));
        }
        let existing = existing_mappings.remove(server.as_str());
        let id = existing.map_or_else(|| call.ids.uuid(), |existing| existing.id.clone());
        let mapping = Mapping::new(&server, item, id);
        match existing {
            None => added += 1,
            Some(existing) if *existing != mapping => updated += 1,
            Some(_) => {}
        }
        new_mappings.push(mapping);
    }
    let removed = existing_mappings.len();
    guardrail.mcp_servers = new_mappings;
    state.guardrails.table.put(guardrail);
    respond(json!({
        "changed": added + updated + removed > 0,
        "added": added,
        "updated": updated,
        "removed": removed,
        "object": "guardrail-mcp-servers",
    }))
}

pub(super) fn upsert(state: &mut State, call: &Call) -> HandlerResult {
    let mut guardrail = find_editable(state, call)?.clone();
    let server = resolve_server(state, &guardrail, call.path_param(1));
    let server = server.ok_or_else(|| ApiError::not_found("MCP server"))?;
    let mut mappings = guardrail.mcp_servers.iter_mut();
    let existing = mappings.find(|mapping| mapping.server_id == server);
    let id = existing
        .as_ref()
        .map_or_else(|| call.ids.uuid(), |existing| existing.id.clone());
    let mapping = Mapping::new(&server, &call.body, id.clone());
    match existing {
        Some(existing) => *existing = mapping,
        None => guardrail.mcp_servers.push(mapping),
    }
    state.guardrails.table.put(guardrail);
    respond(json!({"map_id": id}))
}

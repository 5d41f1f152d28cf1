//! Operations that only MCP integrations have.

use std::collections::HashSet;

use serde_json::json;

use crate::call::Call;
use crate::handlers::mcp::capabilities;
use crate::handlers::upstreams::integrations::{find, find_editable, put};
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::mcp::Mcp;
use crate::state::mcp::capabilities::{json, parse_all, parse_toggles};
use crate::state::upstreams::capabilities::{Capability, apply_toggles, merge_synced};
use crate::state::upstreams::probe;

pub(super) fn metadata(state: &State, call: &Call) -> HandlerResult {
    respond(find::<Mcp>(state, call)?.settings.metadata.json())
}

pub(super) fn sync(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find_editable::<Mcp>(state, call)?.clone();
    if call.body_field("capabilities").is_some() {
        let found = parse_all(call)?;
        integration.capabilities = merge_synced(&integration.capabilities, found, "capabilities")?;
    }
    let metadata = &mut integration.settings.metadata;
    metadata.update_from_server_info(&call.body_value("server_info"), &call.timestamp());
    let count = integration.capabilities.len();
    put(state, integration);
    respond(json!({
        "success": true,
        "message": "the server information was stored",
        "details": {"capabilities": count},
    }))
}

pub(super) fn test(state: &State, call: &Call) -> HandlerResult {
    let integration = find::<Mcp>(state, call)?;
    let error = probe::connection_error(&integration.url);
    respond(json!({
        "success": error.is_none(),
        "message": error.unwrap_or("the server is reachable"),
        "details": {"url": integration.url, "transport": integration.settings.transport},
    }))
}

pub(super) fn list_capabilities(state: &State, call: &Call) -> HandlerResult {
    let rows: Vec<&Capability> = find::<Mcp>(state, call)?.capabilities.iter().collect();
    Ok(capabilities::page(
        call,
        rows,
        |capability| (capability, capability.enabled),
        |capability| capability.with_times(json(capability, capability.enabled)),
    ))
}

pub(super) fn update_capabilities(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find_editable::<Mcp>(state, call)?.clone();
    let all = integration.capabilities.iter();
    let known: HashSet<String> = all.map(Capability::key).collect();
    let toggles = parse_toggles(call, &known)?;
    apply_toggles(&mut integration.capabilities, &toggles, &call.timestamp());
    put(state, integration);
    respond(json!({"success": true}))
}

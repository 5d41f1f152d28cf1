//! The MCP servers that a guardrail watches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Guardrail, find_own};
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::State;

/// How a guardrail watches one MCP server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mapping {
    id: String,
    /// The UUID of the server.
    server_id: String,
    run_on: Value,
    /// The UUIDs of the tools; none means all.
    capability_ids: Value,
}

impl Mapping {
    /// What a request says; without it, at input and output, and all tools.
    fn new(server_id: &str, given: &Value, id: String) -> Self {
        let member = |name: &str, otherwise: Value| match given.get(name) {
            Some(value) if !value.is_null() => value.clone(),
            _ => otherwise,
        };
        Self {
            id,
            server_id: server_id.to_owned(),
            run_on: member("run_on", json!(["input", "output"])),
            capability_ids: member("mcp_integration_capability_ids", json!([])),
        }
    }

    pub(super) fn json(&self, guardrail: &str) -> Value {
        json!({
            "id": self.id,
            "guardrail_id": guardrail,
            "mcp_server_id": self.server_id,
            "run_on": self.run_on,
            "capability_ids": self.capability_ids,
        })
    }
}

/// The UUID of an MCP server that the guardrail can watch.
fn watchable(state: &State, guardrail: &Guardrail, key: &str) -> Option<String> {
    let server = state.mcp.servers.get(key)?;
    let own = guardrail.workspace_id.as_ref();
    own.is_none_or(|own| *own == server.workspace_id)
        .then(|| server.id.clone())
}

/// A server that is gone is watched no longer.
pub(crate) fn forget(state: &mut State, server: &str) {
    let watches = |own: &Guardrail| own.mcp_servers.iter().any(|map| map.server_id == server);
    state.guardrails.shelf.edit_all(watches, |own| {
        own.mcp_servers.retain(|map| map.server_id != server);
    });
}

/// A bare list.
pub(super) fn list(state: &State, call: &Call) -> Answer {
    let own = state.guardrails.shelf.find(call.id(0), call)?;
    let rows: Vec<&Mapping> = own.mcp_servers.iter().collect();
    Ok(call.page(rows, |map| map.json(&own.id)))
}

pub(super) fn replace(state: &mut State, call: &Call) -> Answer {
    let mut own = find_own(state, call)?.clone();
    let before = own.mcp_servers.iter();
    let mut before: BTreeMap<&str, &Mapping> =
        before.map(|map| (map.server_id.as_str(), map)).collect();
    let (mut after, mut added, mut updated) = (Vec::new(), 0, 0);
    let wanted = call.value("mcp_servers");
    for (key, given) in wanted.as_object().into_iter().flatten() {
        let place = format!("mcp_servers/{key}");
        let server = watchable(state, &own, key)
            .ok_or_else(|| Refusal::invalid_field(&place, "is no MCP server of the guardrail"))?;
        if after.iter().any(|map: &Mapping| map.server_id == server) {
            return Err(Refusal::invalid_field(
                &place,
                "is there under another name",
            ));
        }
        let old = before.remove(server.as_str());
        let id = old.map_or_else(|| call.ids.uuid(), |old| old.id.clone());
        let new = Mapping::new(&server, given, id);
        match old {
            None => added += 1,
            Some(old) if *old != new => updated += 1,
            Some(_) => {}
        }
        after.push(new);
    }
    let removed = before.len();
    own.mcp_servers = after;
    state.guardrails.shelf.put(own);
    Ok(Reply::json(json!({
        "changed": added + updated + removed > 0,
        "added": added,
        "updated": updated,
        "removed": removed,
    })))
}

pub(super) fn upsert(state: &mut State, call: &Call) -> Answer {
    let mut own = find_own(state, call)?.clone();
    let server = watchable(state, &own, call.id(1));
    let server = server.ok_or_else(|| Refusal::missing("MCP server"))?;
    let mut maps = own.mcp_servers.iter_mut();
    let old = maps.find(|map| map.server_id == server);
    let id = old
        .as_ref()
        .map_or_else(|| call.ids.uuid(), |old| old.id.clone());
    let new = Mapping::new(&server, &call.body, id.clone());
    match old {
        Some(old) => *old = new,
        None => own.mcp_servers.push(new),
    }
    state.guardrails.shelf.put(own);
    Ok(Reply::json(json!({"map_id": id})))
}

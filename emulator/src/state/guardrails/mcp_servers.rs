//! The MCP servers that a guardrail applies to.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The settings of a guardrail for one MCP server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mapping {
    pub(crate) id: String,
    /// The UUID of the server.
    pub(crate) server_id: String,
    pub(crate) run_on: Value,
    /// The UUIDs of the tools; empty means all.
    pub(crate) capability_ids: Value,
}

impl Mapping {
    /// Creates a mapping from a request; the defaults are input and output, and all tools.
    pub(crate) fn new(server_id: &str, item: &Value, id: String) -> Self {
        let field = |name: &str, default: Value| match item.get(name) {
            Some(value) if !value.is_null() => value.clone(),
            _ => default,
        };
        Self {
            id,
            server_id: server_id.to_owned(),
            run_on: field("run_on", json!(["input", "output"])),
            capability_ids: field("mcp_integration_capability_ids", json!([])),
        }
    }

    pub(crate) fn json(&self, guardrail: &str) -> Value {
        json!({
            "id": self.id,
            "guardrail_id": guardrail,
            "mcp_server_id": self.server_id,
            "run_on": self.run_on,
            "capability_ids": self.capability_ids,
        })
    }
}

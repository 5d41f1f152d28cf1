//! Capabilities of integrations and servers: the tools, prompts, resources and resource templates of
//! an MCP server, and the skills of an agent.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;

/// A capability of an MCP server or an agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Capability {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) enabled: bool,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

/// Identifies a capability: kind and name, joined by a slash.
pub(crate) type CapabilityKey = String;

pub(crate) fn capability_key(kind: &str, name: &str) -> CapabilityKey {
    format!("{kind}/{name}")
}

impl Capability {
    /// Creates a capability, which is enabled initially.
    pub(crate) fn new(kind: &str, name: &str, attributes: Map<String, Value>, at: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            enabled: true,
            attributes,
            created_at: at.to_owned(),
            last_updated_at: at.to_owned(),
        }
    }

    pub(crate) fn key(&self) -> CapabilityKey {
        capability_key(&self.kind, &self.name)
    }

    /// Adds the times to the JSON of a list item of an integration.
    pub(crate) fn with_times(&self, mut body: Value) -> Value {
        body["created_at"] = json!(self.created_at);
        body["last_updated_at"] = json!(self.last_updated_at);
        body
    }
}

/// A capability of a server.
pub(crate) struct ServerCapability<'a> {
    pub(crate) capability: &'a Capability,
    /// Whether the capability is enabled for the server.
    pub(crate) enabled: bool,
    /// Whether the capability is enabled in the integration.
    pub(crate) integration_enabled: bool,
}

impl ServerCapability<'_> {
    /// Adds `integration_enabled`, which is for service keys only, to the JSON of a list item.
    pub(crate) fn with_integration_state(&self, mut body: Value, call: &Call) -> Value {
        if call.caller.user_id.is_none() {
            body["integration_enabled"] = json!(self.integration_enabled);
        }
        body
    }
}

/// Returns the synced capabilities, which replace the known ones. A capability that is already
/// known stays enabled or disabled. `field` is their list in the body.
pub(crate) fn merge_synced(
    known: &[Capability],
    mut found: Vec<Capability>,
    field: &str,
) -> Result<Vec<Capability>, ApiError> {
    let known: HashMap<CapabilityKey, &Capability> = known
        .iter()
        .map(|capability| (capability.key(), capability))
        .collect();
    let mut seen = HashSet::new();
    for (index, capability) in found.iter_mut().enumerate() {
        if !seen.insert(capability.key()) {
            let field_path = format!("{field}/{index}");
            let reason = "duplicates an earlier capability";
            return Err(ApiError::invalid_field(&field_path, reason));
        }
        if let Some(existing) = known.get(&capability.key()) {
            capability.enabled = existing.enabled;
            capability.created_at.clone_from(&existing.created_at);
        }
    }
    Ok(found)
}

/// Enables or disables capabilities.
pub(crate) fn apply_toggles(
    list: &mut [Capability],
    toggles: &BTreeMap<CapabilityKey, bool>,
    at: &str,
) {
    for capability in list {
        if let Some(enabled) = toggles.get(&capability.key()) {
            capability.enabled = *enabled;
            at.clone_into(&mut capability.last_updated_at);
        }
    }
}

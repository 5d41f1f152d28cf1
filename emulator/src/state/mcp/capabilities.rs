//! Capabilities of MCP integrations and servers: tools, prompts, resources and resource templates.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;

/// The attributes of a capability, and their names in the MCP protocol.
pub(crate) const ATTRIBUTES: [(&str, &str); 12] = [
    ("title", "title"),
    ("description", "description"),
    ("icons", "icons"),
    ("input_schema", "inputSchema"),
    ("output_schema", "outputSchema"),
    ("execution", "execution"),
    ("annotations", "annotations"),
    ("arguments", "arguments"),
    ("uri", "uri"),
    ("uri_template", "uriTemplate"),
    ("mime_type", "mimeType"),
    ("size", "size"),
];

/// A capability of an MCP server.
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
    pub(crate) fn key(&self) -> CapabilityKey {
        capability_key(&self.kind, &self.name)
    }

    /// Parses the MCP server's description of a capability, which is enabled initially.
    pub(crate) fn parse(item: &Value, field_path: &str, at: &str) -> Result<Self, ApiError> {
        let string = |field: &str| {
            let value = item[field].as_str().filter(|value| !value.is_empty());
            value.map(str::to_owned).ok_or_else(|| {
                ApiError::invalid_field(&format!("{field_path}/{field}"), "is required")
            })
        };
        let mut attributes = Map::new();
        for (attribute, protocol_name) in ATTRIBUTES {
            let value = item.get(attribute).or_else(|| item.get(protocol_name));
            attributes.insert(attribute.to_owned(), value.cloned().unwrap_or(Value::Null));
        }
        // The sync operation of servers names the input schema `schema`.
        if let Some(schema) = item.get("schema") {
            attributes.insert("input_schema".to_owned(), schema.clone());
        }
        Ok(Self {
            name: string("name")?,
            kind: string("type")?,
            enabled: true,
            attributes,
            created_at: at.to_owned(),
            last_updated_at: at.to_owned(),
        })
    }

    pub(crate) fn json(&self, enabled: bool) -> Value {
        let mut body = self.attributes.clone();
        body.insert("name".to_owned(), json!(self.name));
        body.insert("type".to_owned(), json!(self.kind));
        body.insert("enabled".to_owned(), json!(enabled));
        Value::Object(body)
    }

    /// Returns the capability as a list item of its integration.
    pub(crate) fn integration_json(&self) -> Value {
        let mut body = self.json(self.enabled);
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
    /// Returns the capability as a list item; `integration_enabled` is for service keys only.
    pub(crate) fn json(&self, call: &Call) -> Value {
        let mut body = self.capability.json(self.enabled);
        if call.caller.user_id.is_none() {
            body["integration_enabled"] = json!(self.integration_enabled);
        }
        body
    }
}

/// Returns the synced capabilities, which replace the known ones. A capability that is already
/// known stays enabled or disabled.
pub(crate) fn merge_synced(known: &[Capability], call: &Call) -> Result<Vec<Capability>, ApiError> {
    let known: HashMap<CapabilityKey, &Capability> = known
        .iter()
        .map(|capability| (capability.key(), capability))
        .collect();
    let mut found: Vec<Capability> = Vec::new();
    let mut seen = HashSet::new();
    for (index, item) in call.body_items("capabilities").iter().enumerate() {
        let field_path = format!("capabilities/{index}");
        let mut capability = Capability::parse(item, &field_path, &call.timestamp())?;
        if !seen.insert(capability.key()) {
            return Err(ApiError::invalid_field(
                &field_path,
                "duplicates an earlier capability",
            ));
        }
        if let Some(existing) = known.get(&capability.key()) {
            capability.enabled = existing.enabled;
            capability.created_at.clone_from(&existing.created_at);
        }
        found.push(capability);
    }
    Ok(found)
}

/// Returns the capabilities that a request enables or disables; all of them must be known.
pub(crate) fn parse_toggles(
    call: &Call,
    known: &HashSet<CapabilityKey>,
) -> Result<BTreeMap<CapabilityKey, bool>, ApiError> {
    let items = call.body_items("capabilities").iter().enumerate();
    let toggles = items.map(|(index, item)| {
        let string = |field: &str| item[field].as_str().unwrap_or_default();
        let key = capability_key(string("type"), string("name"));
        if !known.contains(&key) {
            let field_path = format!("capabilities/{index}/name");
            return Err(ApiError::invalid_field(
                &field_path,
                "is not a known capability",
            ));
        }
        Ok((key, item["enabled"] == true))
    });
    toggles.collect()
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

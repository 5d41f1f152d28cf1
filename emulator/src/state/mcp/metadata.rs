//! Metadata that an MCP server provides about itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The metadata fields, and their names in the `server_info` of the MCP protocol.
pub(crate) const FIELDS: [(&str, &str); 9] = [
    ("server_name", "name"),
    ("server_version", "version"),
    ("protocol_version", "protocol_version"),
    ("title", "title"),
    ("description", "description"),
    ("website_url", "website_url"),
    ("icons", "icons"),
    ("capability_flags", "capabilities"),
    ("instructions", "instructions"),
];

/// The metadata, and the time of the last sync.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) values: Map<String, Value>,
    pub(crate) last_synced_at: Option<String>,
}

impl Metadata {
    /// Updates the fields from the `server_info` of a session.
    pub(crate) fn update_from_server_info(&mut self, info: &Value, at: &str) {
        let values = FIELDS.map(|(name, protocol_name)| (name, info.get(protocol_name)));
        self.set_fields(values, at);
    }

    /// Updates the fields from a request body, which has the same names as the response.
    pub(crate) fn update_from_request(&mut self, body: &Value, at: &str) {
        let values = FIELDS.map(|(name, _)| (name, body.get(name)));
        self.set_fields(values, at);
    }

    pub(crate) fn set_fields(&mut self, values: [(&str, Option<&Value>); 9], at: &str) {
        for (name, value) in values {
            if let Some(value) = value {
                self.values.insert(name.to_owned(), value.clone());
            }
        }
        self.last_synced_at = Some(at.to_owned());
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.last_synced_at.is_some()
    }

    pub(crate) fn json(&self) -> Value {
        let value = |name: &str| self.values.get(name).cloned().unwrap_or(Value::Null);
        let fields = FIELDS.map(|(name, _)| (name.to_owned(), value(name)));
        let mut body = Value::Object(fields.into_iter().collect());
        let status = if self.is_synced() {
            "synced"
        } else {
            "pending"
        };
        body["sync_status"] = json!(status);
        body["sync_error"] = Value::Null;
        body["last_synced_at"] = json!(self.last_synced_at);
        body["object"] = json!("metadata");
        body
    }
}

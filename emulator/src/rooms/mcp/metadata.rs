//! What an MCP server says about itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The members, and what the MCP protocol calls each where a session begins.
const MEMBERS: [(&str, &str); 9] = [
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

/// What was said, and when.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Metadata {
    said: Map<String, Value>,
    last_synced_at: Option<String>,
}

impl Metadata {
    /// Takes over what a server says where a session begins.
    pub(super) fn hear(&mut self, info: &Value, at: &str) {
        let said = MEMBERS.map(|(name, other)| (name, info.get(other)));
        self.take(said, at);
    }

    /// Takes over members by the names that reads have.
    pub(super) fn apply(&mut self, body: &Value, at: &str) {
        let said = MEMBERS.map(|(name, _)| (name, body.get(name)));
        self.take(said, at);
    }

    fn take(&mut self, said: [(&str, Option<&Value>); 9], at: &str) {
        for (name, value) in said {
            if let Some(value) = value {
                self.said.insert(name.to_owned(), value.clone());
            }
        }
        self.last_synced_at = Some(at.to_owned());
    }

    pub(super) fn is_known(&self) -> bool {
        self.last_synced_at.is_some()
    }

    pub(super) fn json(&self) -> Value {
        let said = |name: &str| self.said.get(name).cloned().unwrap_or(Value::Null);
        let members = MEMBERS.map(|(name, _)| (name.to_owned(), said(name)));
        let mut body = Value::Object(members.into_iter().collect());
        let status = if self.is_known() { "synced" } else { "pending" };
        body["sync_status"] = json!(status);
        body["sync_error"] = Value::Null;
        body["last_synced_at"] = json!(self.last_synced_at);
        body["object"] = json!("metadata");
        body
    }
}

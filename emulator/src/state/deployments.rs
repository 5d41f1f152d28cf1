//! Deployments: self-hosted gateways of an organisation.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::state::table::{Row, Table, row};

pub(crate) type Deployments = Table<Deployment>;

/// A deployment. A deleted deployment remains as archived.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) archived: bool,
    pub(crate) is_default: bool,
    pub(crate) created_by: String,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
    pub(crate) config: Value,
    /// The scalar settings, by name.
    pub(crate) settings: Map<String, Value>,
    /// The slugs of the workspaces that may use it; empty means all.
    pub(crate) workspaces: Vec<String>,
    pub(crate) jwt_subjects: Vec<String>,
    pub(crate) token: String,
}

row! { Deployment: "deployment", id: id }

impl Deployment {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "slug": self.slug,
            "type": self.kind,
            "status": if self.archived { "archived" } else { "active" },
            "is_default": i32::from(self.is_default),
            "connection_status": "unknown",
            "created_by": self.created_by,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "last_synced_at": null,
            "last_resynced_at": null,
            "object": "deployment",
        })
    }

    pub(crate) fn gateway(&self) -> Option<&str> {
        self.settings.get("gateway_base_url")?.as_str()
    }

    pub(crate) fn apply_settings(&mut self, settings: &Value) {
        const SETTINGS: [&str; 5] = [
            "gateway_base_url",
            "mcp_gateway_base_url",
            "is_dataservice_hosted",
            "is_playground_proxy_allowed",
            "jwt_sub_workspace_mapping",
        ];
        for name in SETTINGS {
            if let Some(value) = settings.get(name) {
                self.settings.insert(name.to_owned(), value.clone());
            }
        }
    }
}

//! Credentials for the partners whose guardrail checks the organisation uses.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::organisation::OrganisationInfo;
use super::plain::Plain;
use super::table::{Row, Table, row};
use super::{catalogue, masking};
use crate::call::Call;
use crate::error::ApiError;

pub(crate) type Plugins = Table<Plugin>;

/// The credentials for one partner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plugin {
    id: String,
    slug: String,
    name: Value,
    integration_id: Value,
    plugin_provider_id: Value,
    credentials: Value,
    status: String,
    owner_id: String,
    created_at: String,
    last_updated_at: String,
}

row! { Plugin: "plugin", id: id, slug: slug }

impl Plain for Plugin {
    fn new(call: &Call) -> Result<Self, ApiError> {
        let partner = [
            call.body_str("plugin_provider_id"),
            call.body_str("integration_id"),
        ];
        let partner = partner.into_iter().flatten().next();
        let mut plugin = Self {
            id: call.ids.uuid(),
            slug: call.ids.slug("plugin", partner.unwrap_or_default()),
            name: Value::Null,
            integration_id: call.body_value("integration_id"),
            plugin_provider_id: call.body_value("plugin_provider_id"),
            credentials: Value::Null,
            status: "active".to_owned(),
            owner_id: call.caller.actor().to_owned(),
            created_at: call.timestamp(),
            last_updated_at: call.timestamp(),
        };
        plugin.apply(call)?;
        Ok(plugin)
    }

    fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        call.set_value("name", &mut self.name);
        call.set_str("status", &mut self.status);
        call.set_value("credentials", &mut self.credentials);
        self.last_updated_at = call.timestamp();
        Ok(())
    }

    fn json(&self, _: &OrganisationInfo, _: &Call) -> Value {
        let slug = |id: &Value| catalogue::plugin_provider(id.as_str()?);
        json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "integration_id": self.integration_id,
            "integration_slug": slug(&self.integration_id),
            "plugin_provider_id": self.plugin_provider_id,
            "plugin_provider_slug": slug(&self.plugin_provider_id),
            "credentials": masking::mask_values(&self.credentials),
            "status": self.status,
            "owner_id": self.owner_id,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "plugin",
        })
    }

    fn created_json(&self) -> Value {
        json!({"id": self.id, "slug": self.slug, "success": true, "object": "plugin"})
    }
}

//! Gateway configs and their versions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::timestamp;
use crate::ids::Ids;
use crate::state::table::{Row, Table, row};
use crate::state::virtual_keys::VirtualKey;

pub(crate) type Configs = Table<Config>;

/// A config with its versions, oldest first; the last one is current.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) name: String,
    pub(crate) is_default: bool,
    pub(crate) status: String,
    pub(crate) owner_id: String,
    pub(crate) created_at: String,
    pub(crate) versions: Vec<Version>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: String,
    /// A JSON string, as returned by the service.
    pub(crate) config: String,
    pub(crate) created_at: String,
}

row! { Config: "config", id: id, slug: slug, workspace: workspace_id }

impl Config {
    /// Creates the seeded config: two attempts with the seeded virtual key.
    pub(crate) fn seed(
        workspace_id: &str,
        owner: &str,
        key: &VirtualKey,
        now: DateTime<Utc>,
        ids: &Ids,
    ) -> Self {
        let config = json!({"retry": {"attempts": 2}, "virtual_key": key.slug});
        let version = Version::new(config.to_string(), &timestamp(now), ids);
        Self::new("Default", workspace_id, owner, version, ids)
    }

    pub(crate) fn new(
        name: &str,
        workspace_id: &str,
        owner: &str,
        version: Version,
        ids: &Ids,
    ) -> Self {
        Self {
            id: ids.uuid(),
            slug: ids.slug("pc", name),
            workspace_id: workspace_id.to_owned(),
            name: name.to_owned(),
            is_default: false,
            status: "active".to_owned(),
            owner_id: owner.to_owned(),
            created_at: version.created_at.clone(),
            versions: vec![version],
        }
    }

    pub(crate) fn version_id(&self) -> &str {
        self.versions
            .last()
            .map_or("", |version| version.id.as_str())
    }
}

impl Version {
    pub(crate) fn new(config: String, at: &str, ids: &Ids) -> Self {
        Self {
            id: ids.uuid(),
            config,
            created_at: at.to_owned(),
        }
    }
}

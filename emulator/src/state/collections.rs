//! Collections: folders of prompts and partials.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::timestamp;
use crate::ids::Ids;
use crate::state::table::{Row, Table, row};

pub(crate) type Collections = Table<Collection>;

/// A folder in a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Collection {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) name: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) is_default: bool,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

row! { Collection: "collection", id: id, slug: slug, workspace: workspace_id }

impl Collection {
    /// Creates the default collection of a workspace.
    pub(crate) fn seed(workspace_id: &str, now: DateTime<Utc>, ids: &Ids) -> Self {
        Self {
            is_default: true,
            ..Self::new("Default", workspace_id, &timestamp(now), ids)
        }
    }

    pub(crate) fn new(name: &str, workspace_id: &str, at: &str, ids: &Ids) -> Self {
        Self {
            id: ids.uuid(),
            slug: ids.slug("col", name),
            workspace_id: workspace_id.to_owned(),
            name: name.to_owned(),
            parent_id: None,
            is_default: false,
            created_at: at.to_owned(),
            last_updated_at: at.to_owned(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut body = json!({
            "id": self.id,
            "name": self.name,
            "workspace_id": self.workspace_id,
            "slug": self.slug,
            "is_default": i32::from(self.is_default),
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "collection",
        });
        if let Some(parent) = &self.parent_id {
            body["parent_collection_id"] = json!(parent);
        }
        body
    }
}

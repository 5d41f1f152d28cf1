//! Tools that prompts of a collection can use, and their versions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::state::table::{Row, Table, row};
use crate::state::versions::{Version, Versioned, Versions, versioned};

pub(crate) type PromptTools = Table<PromptTool>;

/// A tool with its versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PromptTool {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) collection_id: String,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) created_by: String,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
    #[serde(flatten)]
    pub(crate) versions: Versions<Content>,
}

/// The content of a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) tool_def: Value,
    pub(crate) created_by: String,
}

row! { PromptTool: "tool", id: id, slug: slug, workspace: workspace_id }
versioned! { PromptTool: Content }

impl PromptTool {
    /// Returns the tool with the definition of its default version.
    pub(crate) fn json(&self) -> Value {
        let version = self.versions.default_or_latest();
        json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "collection_id": self.collection_id,
            "provider_api_key_id": null,
            "status": self.status,
            "tool_def": version.map(|version| &version.content.tool_def),
            "created_by": self.created_by,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "tool",
        })
    }

    pub(crate) fn version_json(&self, version: &Version<Content>) -> Value {
        json!({
            "tool_id": self.id,
            "tool_version_id": version.id,
            "slug": self.slug,
            "version": version.number,
            "version_description": version.description,
            "tool_def": version.content.tool_def,
            "tool_version_status": "active",
            "created_by": version.content.created_by,
            "created_at": version.created_at,
            "object": "tool",
        })
    }
}

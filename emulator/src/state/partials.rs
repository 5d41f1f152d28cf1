//! Prompt partials, which prompts can include, and their versions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::response::merge;
use crate::state::sharing::{Shareable, Sharing, shareable};
use crate::state::table::{Row, Table, row};
use crate::state::versions::{Version, Versioned, Versions, versioned};

pub(crate) type Partials = Table<Partial>;

/// A partial with its versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Partial {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) collection_id: String,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
    #[serde(default)]
    pub(crate) sharing: Sharing,
    #[serde(flatten)]
    pub(crate) versions: Versions<Content>,
}

/// The content of a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) string: String,
}

row! { Partial: "prompt partial", id: id, slug: slug, workspace: workspace_id }
versioned! { Partial: Content }
shareable! { Partial }

impl Partial {
    /// Returns the template of the default version.
    pub(crate) fn template(&self) -> Option<&str> {
        let version = self.version("default").ok()?;
        Some(&version.content.string)
    }

    /// Returns a partial; the fields of sharing are not in recorded responses, so that only shared
    /// partials and copies have them.
    pub(crate) fn json(&self, version: &Version<Content>) -> Value {
        let mut body = json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "collection_id": self.collection_id,
            "status": self.status,
            "string": version.content.string,
            "version": version.number,
            "version_description": version.description,
            "prompt_partial_version_id": version.id,
            "prompt_partial_version_status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "partial",
        });
        if self.sharing.is_set() {
            merge(&mut body, self.sharing.json("partial"));
        }
        body
    }

    pub(crate) fn default_json(&self) -> Value {
        let version = self.versions.default_or_latest();
        version.map_or(Value::Null, |version| self.json(version))
    }

    pub(crate) fn version_json(&self, version: &Version<Content>) -> Value {
        json!({
            "prompt_partial_id": self.id,
            "prompt_partial_version_id": version.id,
            "slug": self.slug,
            "version": version.number,
            "string": version.content.string,
            "created_at": version.created_at,
            "prompt_version_status": "active",
            "object": "partial",
        })
    }
}

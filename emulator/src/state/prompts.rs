//! Prompts and their versions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::timestamp;
use crate::error::ApiError;
use crate::ids::Ids;
use crate::response::merge;
use crate::state::collections::Collection;
use crate::state::sharing::{Shareable, Sharing, shareable};
use crate::state::table::{Row, Table, row};
use crate::state::versions::{self, Versioned, Versions, versioned};
use crate::state::virtual_keys::VirtualKey;

pub(crate) type Prompts = Table<Prompt>;

/// A prompt with its versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Prompt {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) collection_id: String,
    pub(crate) name: String,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
    #[serde(default)]
    pub(crate) sharing: Sharing,
    #[serde(default)]
    pub(crate) is_archived: bool,
    #[serde(flatten)]
    pub(crate) versions: Versions<Content>,
}

/// The content of a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) label_id: Value,
    /// Template and parameters, by their names in the response.
    #[serde(rename = "content")]
    pub(crate) fields: Map<String, Value>,
}

pub(crate) type Version = versions::Version<Content>;

row! { Prompt: "prompt", id: id, slug: slug, workspace: workspace_id }
versioned! { Prompt: Content }
shareable! { Prompt }

impl Prompt {
    /// Creates the seeded prompt, which has two versions; the first is the default.
    pub(crate) fn seed(
        collection: &Collection,
        key: &VirtualKey,
        now: DateTime<Utc>,
        ids: &Ids,
    ) -> Self {
        let content = |template: &str| {
            let content = json!({
                "string": template, "parameters": {"model": "example-model", "max_tokens": 64},
                "model": "example-model", "virtual_key": key.slug, "is_raw_template": 0,
            });
            Content::new(content.as_object().cloned().unwrap_or_default())
        };
        let (at, null) = (timestamp(now), Value::Null);
        let mut versions = Versions::new(content("Greet {{name}}."), null, &at, ids);
        let (second, description) = (
            content("Greet {{name}} in {{language}}."),
            json!("In any language"),
        );
        versions.push(second, description, &at, ids);
        Self::new("Greeting", collection, versions, &at, ids)
    }

    pub(crate) fn new(
        name: &str,
        collection: &Collection,
        versions: Versions<Content>,
        at: &str,
        ids: &Ids,
    ) -> Self {
        Self {
            id: ids.uuid(),
            slug: ids.slug("pp", name),
            workspace_id: collection.workspace_id.clone(),
            collection_id: collection.id.clone(),
            name: name.to_owned(),
            created_at: at.to_owned(),
            last_updated_at: at.to_owned(),
            sharing: Sharing::default(),
            is_archived: false,
            versions,
        }
    }

    /// Returns the time of the last update.
    pub(crate) fn last_updated_at(&self) -> &str {
        &self.last_updated_at
    }

    /// Returns the version with this id for a change.
    pub(crate) fn version_mut(&mut self, id: &str) -> Result<&mut Version, ApiError> {
        let mut versions = self.versions.iter_mut();
        let version = versions.find(|version| version.id == id);
        version.ok_or_else(|| ApiError::not_found("prompt version"))
    }

    /// Returns the fields that lists and single prompts share.
    pub(crate) fn json(&self) -> Value {
        let mut body = json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "collection_id": self.collection_id,
            "status": if self.is_archived { "archived" } else { "active" },
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "prompt_owning_workspace_id": self.workspace_id,
            "object": "prompt",
        });
        merge(&mut body, self.sharing.json("prompt"));
        body
    }
}

impl Content {
    pub(crate) fn new(fields: Map<String, Value>) -> Self {
        Self {
            label_id: Value::Null,
            fields,
        }
    }

    pub(crate) fn field(&self, name: &str) -> Value {
        self.fields.get(name).cloned().unwrap_or(Value::Null)
    }
}

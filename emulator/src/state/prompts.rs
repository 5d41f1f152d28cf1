//! Prompts and their versions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::timestamp;
use crate::error::ApiError;
use crate::ids::Ids;
use crate::state::collections::Collection;
use crate::state::table::{ResourceState, Row, Table, row};
use crate::state::virtual_keys::VirtualKey;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Prompts {
    pub(crate) table: Table<Prompt>,
}

/// A prompt with its versions, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Prompt {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) collection_id: String,
    pub(crate) name: String,
    /// The number of the default version.
    pub(crate) default: u64,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
    pub(crate) versions: Vec<Version>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) number: u64,
    pub(crate) description: Value,
    pub(crate) label_id: Value,
    pub(crate) created_at: String,
    /// Template and parameters, by their names in the response.
    pub(crate) content: Map<String, Value>,
}

row! { Prompt: "prompt", id: id, slug: slug, workspace: workspace_id }

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
            content.as_object().cloned().unwrap_or_default()
        };
        let at = timestamp(now);
        let first = Version::new(1, content("Greet {{name}}."), &at, ids);
        let mut second = Version::new(2, content("Greet {{name}} in {{language}}."), &at, ids);
        second.description = json!("In any language");
        let mut prompt = Self::new("Greeting", collection, first, ids);
        prompt.versions.push(second);
        prompt
    }

    pub(crate) fn new(name: &str, collection: &Collection, version: Version, ids: &Ids) -> Self {
        Self {
            id: ids.uuid(),
            slug: ids.slug("pp", name),
            workspace_id: collection.workspace_id.clone(),
            collection_id: collection.id.clone(),
            name: name.to_owned(),
            default: version.number,
            created_at: version.created_at.clone(),
            last_updated_at: version.created_at.clone(),
            versions: vec![version],
        }
    }

    /// Returns the time of the last update.
    pub(crate) fn last_updated_at(&self) -> &str {
        &self.last_updated_at
    }

    /// Returns a version by `latest`, `default` or a number.
    pub(crate) fn version(&self, requested: &str) -> Result<&Version, ApiError> {
        let found = match requested {
            "latest" => self.versions.last(),
            "default" => self
                .versions
                .iter()
                .find(|version| version.number == self.default),
            number => {
                let number: u64 = number.parse().map_err(|_| {
                    ApiError::bad_request(
                        "query parameter `version` must be `latest`, `default` or a version number",
                    )
                })?;
                self.versions
                    .iter()
                    .find(|version| version.number == number)
            }
        };
        found.ok_or_else(|| ApiError::not_found("prompt version"))
    }

    /// Returns the fields that lists and single prompts share. The sharing fields are never set.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "collection_id": self.collection_id,
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "access_level": null,
            "allow_all_workspaces": 0,
            "share_organisation_id": null,
            "shared_at": null,
            "shared_by_user_id": null,
            "shared_from_version_id": null,
            "forked_from_prompt_id": null,
            "forked_from_prompt_version_id": null,
            "prompt_owning_workspace_id": self.workspace_id,
            "object": "prompt",
        })
    }
}

impl Version {
    pub(crate) fn new(number: u64, content: Map<String, Value>, at: &str, ids: &Ids) -> Self {
        Self {
            id: ids.uuid(),
            number,
            description: Value::Null,
            label_id: Value::Null,
            created_at: at.to_owned(),
            content,
        }
    }

    pub(crate) fn field(&self, name: &str) -> Value {
        self.content.get(name).cloned().unwrap_or(Value::Null)
    }
}

impl ResourceState for Prompts {
    fn remove_workspace(&mut self, workspace: &str) {
        self.table.remove_workspace(workspace);
    }
}

//! Prompt partials, which prompts can include, and their versions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::state::table::{Row, Table, row};

pub(crate) type Partials = Table<Partial>;

/// A partial with its versions, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Partial {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) collection_id: String,
    pub(crate) name: String,
    pub(crate) status: String,
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
    pub(crate) string: String,
    pub(crate) description: Value,
    pub(crate) created_at: String,
}

row! { Partial: "prompt partial", id: id, slug: slug, workspace: workspace_id }

impl Partial {
    /// Returns the template of the default version.
    pub(crate) fn template(&self) -> Option<&str> {
        let version = self.version("default").ok()?;
        Some(&version.string)
    }

    /// Returns a version by `latest`, `default` or a number.
    pub(crate) fn version(&self, requested: &str) -> Result<&Version, ApiError> {
        let number = match requested {
            "latest" => self.versions.last().map(|version| version.number),
            "default" => Some(self.default),
            number => Some(number.parse().map_err(|_| {
                ApiError::bad_request(
                    "query parameter `version` must be `latest`, `default` or a version number",
                )
            })?),
        };
        let mut versions = self.versions.iter();
        let found = versions.find(|version| Some(version.number) == number);
        found.ok_or_else(|| ApiError::not_found("prompt partial version"))
    }

    pub(crate) fn json(&self, version: &Version) -> Value {
        json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "collection_id": self.collection_id,
            "status": self.status,
            "string": version.string,
            "version": version.number,
            "version_description": version.description,
            "prompt_partial_version_id": version.id,
            "prompt_partial_version_status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "partial",
        })
    }

    pub(crate) fn default_json(&self) -> Value {
        let version = self.version("default").or_else(|_| self.version("latest"));
        version.map_or(Value::Null, |version| self.json(version))
    }
}

impl Version {
    pub(crate) fn new(number: u64, string: &str, call: &Call) -> Self {
        Self {
            id: call.ids.uuid(),
            number,
            string: string.to_owned(),
            description: call.body_value("version_description"),
            created_at: call.timestamp(),
        }
    }

    pub(crate) fn json(&self, partial: &Partial) -> Value {
        json!({
            "prompt_partial_id": partial.id,
            "prompt_partial_version_id": self.id,
            "slug": partial.slug,
            "version": self.number,
            "string": self.string,
            "created_at": self.created_at,
            "prompt_version_status": "active",
            "object": "partial",
        })
    }
}

//! Prompt partials, which prompts can include, and their versions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Handler::{Read, Write};
use super::{Resource, State};
use crate::call::Call;
use crate::error::ApiError;
use crate::response::{HandlerResult, ResponseBody};
use crate::table::{Row, Table};

pub(crate) const RESOURCE: Resource = Resource {
    remove_workspace: |state, workspace| state.partials.remove_workspace(workspace),
    ..Resource::new(&[
        ("list_prompt_partials", Read(list)),
        ("get_prompt_partial", Read(get)),
        ("create_prompt_partial", Write(create)),
        ("update_prompt_partial", Write(update)),
        ("delete_prompt_partial", Write(delete)),
        ("list_prompt_partial_versions", Read(list_versions)),
        ("make_prompt_partial_version_default", Write(make_default)),
    ])
};

pub(crate) type Partials = Table<Partial>;

/// A partial with its versions, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Partial {
    id: String,
    slug: String,
    workspace_id: String,
    pub(crate) collection_id: String,
    name: String,
    status: String,
    /// The number of the default version.
    default: u64,
    created_at: String,
    last_updated_at: String,
    versions: Vec<Version>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Version {
    id: String,
    number: u64,
    string: String,
    description: Value,
    created_at: String,
}

impl Row for Partial {
    const NAME: &'static str = "prompt partial";

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.workspace_id)
    }
}

impl Partial {
    /// Returns the template of the default version.
    pub(crate) fn template(&self) -> Option<&str> {
        let version = self.version("default").ok()?;
        Some(&version.string)
    }

    /// Returns a version by `latest`, `default` or a number.
    fn version(&self, requested: &str) -> Result<&Version, ApiError> {
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

    fn json(&self, version: &Version) -> Value {
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

    fn default_json(&self) -> Value {
        let version = self.version("default").or_else(|_| self.version("latest"));
        version.map_or(Value::Null, |version| self.json(version))
    }
}

impl Version {
    fn new(number: u64, string: &str, call: &Call) -> Self {
        Self {
            id: call.ids.uuid(),
            number,
            string: string.to_owned(),
            description: call.body_value("version_description"),
            created_at: call.timestamp(),
        }
    }

    fn json(&self, partial: &Partial) -> Value {
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

fn list(state: &State, call: &Call) -> HandlerResult {
    let partials = state.partials.list_for(call);
    let Some(key) = call.query_param("collection_id") else {
        return Ok(call.page(partials, Partial::default_json));
    };
    let collection = &state.collections.find(key, call)?.id;
    let matching = partials.filter(|partial| partial.collection_id == *collection);
    Ok(call.page(matching, Partial::default_json))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let partial = state.partials.find(call.path_param(0), call)?;
    let requested = call.query_param("version").unwrap_or("default");
    Ok(ResponseBody::json(
        partial.json(partial.version(requested)?),
    ))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, workspace) = (call.required_str("name")?, call.required_workspace()?);
    let version = Version::new(1, call.required_str("string")?, call);
    let partial = Partial {
        id: call.ids.uuid(),
        slug: call.ids.slug("pl", name),
        workspace_id: workspace.to_owned(),
        collection_id: super::collections::default_collection_id(state, workspace)
            .unwrap_or_default(),
        name: name.to_owned(),
        status: "active".to_owned(),
        default: version.number,
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
        versions: vec![version],
    };
    let version_id = partial.versions.last().map(|version| &version.id);
    let body = json!({"id": partial.id, "slug": partial.slug, "version_id": version_id});
    state.partials.put(partial);
    Ok(ResponseBody::json(body))
}

/// A new template creates a version, which does not become the default; other changes create none.
fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut partial = state.partials.find(call.path_param(0), call)?.clone();
    if let Some(name) = call.body_str("name") {
        partial.name = name.to_owned();
    }
    if let Some(status) = call.body_str("status") {
        partial.status = status.to_owned();
    }
    partial.last_updated_at = call.timestamp();
    let mut body = json!({});
    if let Some(template) = call.body_str("string") {
        let number = partial.versions.last().map_or(0, |latest| latest.number) + 1;
        let version = Version::new(number, template, call);
        body = json!({"prompt_partial_version_id": version.id});
        partial.versions.push(version);
    }
    state.partials.put(partial);
    Ok(ResponseBody::json(body))
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = state.partials.find(call.path_param(0), call)?.id.clone();
    state.partials.remove(&id);
    Ok(ResponseBody::empty_object())
}

fn list_versions(state: &State, call: &Call) -> HandlerResult {
    let partial = state.partials.find(call.path_param(0), call)?;
    let newest_first: Vec<&Version> = partial.versions.iter().rev().collect();
    Ok(call.page(newest_first, |version| version.json(partial)))
}

/// Expects the number of a version, not its id.
fn make_default(state: &mut State, call: &Call) -> HandlerResult {
    let mut partial = state.partials.find(call.path_param(0), call)?.clone();
    let number = partial
        .version(&call.body_value("version").to_string())?
        .number;
    partial.default = number;
    state.partials.put(partial);
    Ok(ResponseBody::empty_object())
}

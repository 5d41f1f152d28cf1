//! Operations on gateway configs and their versions.

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::configs::{Config, Version};
use crate::state::workspaces::Workspace;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_configs", Read(list)),
    ("get_config", Read(get)),
    ("create_config", Write(create)),
    ("update_config", Write(update)),
    ("delete_config", Write(delete)),
    ("list_config_versions", Read(list_versions)),
    ("get_config_version", Read(get_version)),
]);

impl Config {
    fn json(&self, state: &State, version: Option<&Version>) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "workspace_id": self.workspace_id,
            "slug": self.slug,
            "organisation_id": state.organisation.id,
            "is_default": i32::from(self.is_default),
            "status": self.status,
            "owner_id": self.owner_id,
            "updated_by": self.owner_id,
            "created_at": self.created_at,
            "last_updated_at": version.map(|version| &version.created_at),
            "object": "config",
        })
    }

    /// Returns a single config or version; `config` is a JSON string.
    fn detail_json(&self, state: &State, version: Option<&Version>) -> Value {
        let mut body = self.json(state, version);
        body["config"] = json!(version.map(|version| &version.config));
        body["format"] = json!("json");
        body["type"] = json!("ORG_CONFIG");
        body["version_id"] = json!(version.map(|version| &version.id));
        body["version_created_at"] = json!(version.map(|version| &version.created_at));
        body["version_owner_id"] = json!(self.owner_id);
        body
    }
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let to_json = |config: &Config| config.json(state, config.versions.last());
    Ok(call.page(state.configs.list_for(call), to_json))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let config = state.configs.find_by_path(call)?;
    let body = config.detail_json(state, config.versions.last());
    respond(body)
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, workspace) = (call.required_str("name")?, call.required_workspace()?);
    let config = call
        .body_field("config")
        .ok_or_else(|| ApiError::invalid_field("config", "is required"))?;
    let version = Version::new(config.to_string(), &call.timestamp(), &call.ids);
    let owner = state.users.acting_user(call);
    let mut config = Config::new(name, workspace, owner, version, &call.ids);
    config.is_default = call.body_value("isDefault").as_i64() == Some(1);
    if config.is_default {
        let is_current_default =
            |other: &Config| other.workspace_id == workspace && other.is_default;
        state
            .configs
            .update_where(is_current_default, |other| other.is_default = false);
    }
    let body = json!({"id": config.id, "slug": config.slug, "version_id": config.version_id(), "object": "config"});
    state.configs.put(config);
    respond(body)
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut config = state.configs.find_by_path(call)?.clone();
    call.set_str("name", &mut config.name);
    call.set_str("status", &mut config.status);
    if let Some(new) = call.body_field("config") {
        let version = Version::new(new.to_string(), &call.timestamp(), &call.ids);
        config.versions.push(version);
    }
    let body = json!({"version_id": config.version_id(), "object": "config"});
    state.configs.put(config);
    respond(body)
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let config = state.configs.find_by_path(call)?;
    if state.api_keys.is_config_used(&config.id) {
        return Err(ApiError::conflict(
            "the config is the default config of an API key",
        ));
    }
    // V056.
    let is_default_of = |workspace: &Workspace| {
        let default = &workspace.defaults["user_api_key_config"];
        *default == config.id || *default == config.slug
    };
    if state.workspaces.iter().any(is_default_of) {
        return Err(ApiError::conflict(
            "the config is the default config of a workspace",
        ));
    }
    let id = config.id.clone();
    state.configs.remove(&id);
    Ok(ResponseBody::empty_object())
}

fn list_versions(state: &State, call: &Call) -> HandlerResult {
    let config = state.configs.find_by_path(call)?;
    let newest_first: Vec<&Version> = config.versions.iter().rev().collect();
    Ok(call.page(newest_first, |version| {
        config.detail_json(state, Some(version))
    }))
}

fn get_version(state: &State, call: &Call) -> HandlerResult {
    let config = state.configs.find_by_path(call)?;
    let mut versions = config.versions.iter();
    let version = versions.find(|version| version.id == call.path_param(1));
    let version = version.ok_or_else(|| ApiError::not_found("config version"))?;
    respond(config.detail_json(state, Some(version)))
}

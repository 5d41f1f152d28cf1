//! Gateway configs and their versions.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::call::{Call, Handlers, timestamp};
use crate::reply::{Answer, Refusal, Reply};
use crate::state::{State, new_id, new_slug};
use crate::virtual_keys::VirtualKey;

pub(crate) const HANDLERS: Handlers = &[
    ("list_configs", list),
    ("get_config", get),
    ("create_config", create),
    ("update_config", update),
    ("delete_config", delete),
    ("list_config_versions", list_versions),
];

/// A config with its versions, oldest first; the last one is in force.
pub(crate) struct Config {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    name: String,
    is_default: bool,
    status: String,
    owner_id: String,
    created_at: String,
    versions: Vec<Version>,
}

struct Version {
    id: String,
    /// JSON as text, which is how the service hands it out.
    config: String,
    created_at: String,
}

impl Config {
    /// The config that exists from the start: two attempts with the seeded virtual key.
    pub(crate) fn seed(
        workspace_id: &str,
        owner: &str,
        key: &VirtualKey,
        now: DateTime<Utc>,
    ) -> Self {
        let config = json!({"retry": {"attempts": 2}, "virtual_key": key.slug});
        Self::new(
            "Default",
            workspace_id,
            owner,
            config.to_string(),
            &timestamp(now),
        )
    }

    fn new(name: &str, workspace_id: &str, owner: &str, config: String, at: &str) -> Self {
        Self {
            id: new_id(),
            slug: new_slug("pc", name),
            workspace_id: workspace_id.to_owned(),
            name: name.to_owned(),
            is_default: false,
            status: "active".to_owned(),
            owner_id: owner.to_owned(),
            created_at: at.to_owned(),
            versions: vec![Version::new(config, at)],
        }
    }

    fn json(&self, state: &State, version: Option<&Version>) -> Map<String, Value> {
        let body = json!({
            "id": self.id,
            "name": self.name,
            "workspace_id": self.workspace_id,
            "slug": self.slug,
            "organisation_id": state.organisation_id,
            "is_default": i32::from(self.is_default),
            "status": self.status,
            "owner_id": self.owner_id,
            "updated_by": self.owner_id,
            "created_at": self.created_at,
            "last_updated_at": version.map(|version| &version.created_at),
            "object": "config",
        });
        body.as_object().cloned().unwrap_or_default()
    }

    /// A single config: flat, with the config itself as JSON text.
    fn detail_json(&self, state: &State, version: Option<&Version>) -> Value {
        let mut body = Value::Object(self.json(state, version));
        body["config"] = json!(version.map(|version| &version.config));
        body["format"] = json!("json");
        body["type"] = json!("ORG_CONFIG");
        body["version_id"] = json!(version.map(|version| &version.id));
        body
    }

    fn version_id(&self) -> &str {
        self.versions
            .last()
            .map_or("", |version| version.id.as_str())
    }
}

impl Version {
    fn new(config: String, at: &str) -> Self {
        Self {
            id: new_id(),
            config,
            created_at: at.to_owned(),
        }
    }
}

/// The service parses and rewrites the JSON: spacing does not survive.
fn config_text(given: &Value) -> Result<String, Refusal> {
    let parsed = match given.as_str() {
        Some(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        None => given.clone(),
    };
    if parsed.is_object() {
        Ok(parsed.to_string())
    } else {
        Err(Refusal::invalid_field("config", "is not a JSON object"))
    }
}

fn position(state: &State, call: &Call) -> Result<usize, Refusal> {
    let found = state
        .configs
        .iter()
        .position(|config| config.slug == call.id(0) && call.caller.sees(&config.workspace_id));
    found.ok_or_else(|| Refusal::missing("config"))
}

fn list(state: &mut State, call: &Call) -> Answer {
    let workspace = state.workspace_filter(call)?;
    let wanted = |config: &&Config| {
        workspace
            .as_ref()
            .is_none_or(|id| *id == config.workspace_id)
    };
    let configs = state.configs.iter().filter(wanted);
    Ok(call.page(
        configs
            .map(|config| Value::Object(config.json(state, config.versions.last())))
            .collect(),
    ))
}

fn get(state: &mut State, call: &Call) -> Answer {
    let config = &state.configs[position(state, call)?];
    Ok(Reply::json(
        config.detail_json(state, config.versions.last()),
    ))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let workspace_id = state.workspace_for_new(call)?;
    let text = config_text(&call.value("config"))?;
    let mut config = Config::new(
        call.required("name")?,
        &workspace_id,
        state.owner(),
        text,
        &call.timestamp(),
    );
    config.is_default = call.value("isDefault").as_i64() == Some(1);
    if config.is_default {
        let others = state
            .configs
            .iter_mut()
            .filter(|other| other.workspace_id == workspace_id);
        others.for_each(|other| other.is_default = false);
    }
    let body = json!({"id": config.id, "slug": config.slug, "version_id": config.version_id(), "object": "config"});
    state.configs.push(config);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let position = position(state, call)?;
    let text = call.given("config").map(config_text).transpose()?;
    let config = &mut state.configs[position];
    if let Some(name) = call.text("name") {
        config.name = name.to_owned();
    }
    if let Some(status) = call.text("status") {
        config.status = status.to_owned();
    }
    if let Some(text) = text {
        config.versions.push(Version::new(text, &call.timestamp()));
    }
    Ok(Reply::json(
        json!({"version_id": config.version_id(), "object": "config"}),
    ))
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let position = position(state, call)?;
    if state.api_keys.any_with_config(&state.configs[position].id) {
        return Err(Refusal::conflict("an API key uses this config by default"));
    }
    state.configs.remove(position);
    Ok(Reply::done())
}

fn list_versions(state: &mut State, call: &Call) -> Answer {
    let config = &state.configs[position(state, call)?];
    let versions = config.versions.iter().rev();
    Ok(call.page(
        versions
            .map(|version| config.detail_json(state, Some(version)))
            .collect(),
    ))
}

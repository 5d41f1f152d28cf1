//! Prompts and their versions.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::call::{Call, Handlers, timestamp};
use crate::collections::Collection;
use crate::reply::{Answer, Refusal, Reply};
use crate::state::{State, new_id, new_slug};
use crate::virtual_keys::VirtualKey;

pub(crate) const HANDLERS: Handlers = &[
    ("list_prompts", list),
    ("get_prompt", get),
    ("create_prompt", create),
    ("update_prompt", update),
    ("delete_prompt", delete),
    ("list_prompt_versions", list_versions),
    ("get_prompt_version", get_version),
    ("update_prompt_version", update_version),
    ("make_prompt_version_default", make_default),
];

/// What a new version consists of: an update without `patch` has to give all of these.
const CONTENT: [&str; 5] = [
    "string",
    "parameters",
    "model",
    "virtual_key",
    "is_raw_template",
];

/// What also makes a new version when it changes.
const MORE_CONTENT: [&str; 4] = ["functions", "tools", "tool_choice", "prompt_metadata"];

/// A prompt with its versions, oldest first.
pub(crate) struct Prompt {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) collection_id: String,
    name: String,
    /// The number of the default version.
    default: u64,
    created_at: String,
    last_updated_at: String,
    versions: Vec<Version>,
}

#[derive(Clone)]
struct Version {
    id: String,
    number: u64,
    description: Value,
    label_id: Value,
    created_at: String,
    /// Template and parameters, by the names of the answer.
    content: Map<String, Value>,
}

impl Prompt {
    /// The prompt that exists from the start, with two versions, the first of them the default.
    pub(crate) fn seed(collection: &Collection, key: &VirtualKey, now: DateTime<Utc>) -> Self {
        let content = |template: &str| {
            let content = json!({
                "string": template, "parameters": {"model": "example-model", "max_tokens": 64},
                "model": "example-model", "virtual_key": key.slug, "is_raw_template": 0,
            });
            content.as_object().cloned().unwrap_or_default()
        };
        let at = timestamp(now);
        let mut prompt = Self::new(
            "Greeting",
            collection,
            Version::new(1, Value::Null, content("Greet {{name}}."), &at),
        );
        let second = content("Greet {{name}} in {{language}}.");
        prompt
            .versions
            .push(Version::new(2, json!("In any language"), second, &at));
        prompt
    }

    fn new(name: &str, collection: &Collection, version: Version) -> Self {
        Self {
            id: new_id(),
            slug: new_slug("pp", name),
            workspace_id: collection.workspace_id.clone(),
            collection_id: collection.id.clone(),
            name: name.to_owned(),
            default: version.number,
            created_at: version.created_at.clone(),
            last_updated_at: version.created_at.clone(),
            versions: vec![version],
        }
    }

    /// When it last changed.
    pub(crate) fn last_updated_at(&self) -> &str {
        &self.last_updated_at
    }

    fn is(&self, key: &str) -> bool {
        self.id == key || self.slug == key
    }

    /// `latest`, `default` or a number.
    fn version(&self, wanted: &str) -> Result<&Version, Refusal> {
        let found = match wanted {
            "latest" => self.versions.last(),
            "default" => self
                .versions
                .iter()
                .find(|version| version.number == self.default),
            number => {
                let number: u64 = number.parse().map_err(|_| {
                    Refusal::invalid("query parameter `version` is not latest, default or a number")
                })?;
                self.versions
                    .iter()
                    .find(|version| version.number == number)
            }
        };
        found.ok_or_else(|| Refusal::missing("prompt version"))
    }

    /// What a list shows, and a single prompt too; most of it is about sharing and not set here.
    fn json(&self) -> Map<String, Value> {
        let body = json!({
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
        });
        body.as_object().cloned().unwrap_or_default()
    }

    fn list_json(&self) -> Value {
        let mut body = Value::Object(self.json());
        let version = self.version("default").or_else(|_| self.version("latest"));
        body["model"] = version.map_or(Value::Null, |version| version.member("model"));
        body
    }

    fn detail_json(&self, version: &Version) -> Value {
        let mut body = self.json();
        body.extend(version.json());
        Value::Object(body)
    }
}

impl Version {
    fn new(number: u64, description: Value, content: Map<String, Value>, at: &str) -> Self {
        let (id, created_at) = (new_id(), at.to_owned());
        Self {
            id,
            number,
            description,
            label_id: Value::Null,
            created_at,
            content,
        }
    }

    fn member(&self, name: &str) -> Value {
        self.content.get(name).cloned().unwrap_or(Value::Null)
    }

    /// The part of a single prompt that belongs to a version.
    fn json(&self) -> Map<String, Value> {
        let text = self.member("string");
        let metadata = Some(self.member("template_metadata")).filter(Value::is_object);
        let labels: Vec<&Value> = Some(&self.label_id)
            .filter(|label| !label.is_null())
            .into_iter()
            .collect();
        let body = json!({
            "string": text,
            "parameters": self.member("parameters"),
            "prompt_version": self.number,
            "prompt_version_id": self.id,
            "prompt_version_status": "active",
            "prompt_version_description": self.description,
            "prompt_version_label_id": self.label_id,
            "prompt_version_label_name": null,
            "prompt_version_labels": labels.iter().map(|id| json!({"id": id})).collect::<Vec<_>>(),
            "virtual_key": self.member("virtual_key"),
            "model": self.member("model"),
            "functions": self.member("functions"),
            "tools": self.member("tools"),
            "tool_choice": self.member("tool_choice"),
            "template_metadata": metadata.unwrap_or_else(|| json!({})),
            "is_raw_template": self.content.get("is_raw_template").and_then(Value::as_i64).unwrap_or(0),
            "variable_components": {
                "partials": [], "sections": [], "variables": variables(text.as_str().unwrap_or_default()),
                "sectionVariables": [], "variablePartials": [],
            },
        });
        body.as_object().cloned().unwrap_or_default()
    }

    fn list_json(&self, prompt: &Prompt) -> Value {
        json!({
            "id": self.id,
            "prompt_id": prompt.id,
            "prompt_template": {"string": self.member("string")},
            "prompt_version": self.number,
            "prompt_description": self.description,
            "label_id": self.label_id,
            "created_at": self.created_at,
            "status": "active",
            "object": "prompt",
        })
    }
}

/// The names between double braces, each once, in order.
fn variables(template: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in template.split("{{").skip(1) {
        let name = part.split_once("}}").map_or("", |(name, _)| name.trim());
        if !name.is_empty()
            && !name.starts_with(['#', '/', '^', '>', '!'])
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

fn position(state: &State, call: &Call) -> Result<usize, Refusal> {
    let found = state
        .prompts
        .iter()
        .position(|prompt| prompt.is(call.id(0)) && call.caller.sees(&prompt.workspace_id));
    found.ok_or_else(|| Refusal::missing("prompt"))
}

fn collection<'a>(state: &'a State, call: &Call, key: &str) -> Result<&'a Collection, Refusal> {
    let found = state
        .collections
        .iter()
        .find(|c| c.is(key) && call.caller.sees(&c.workspace_id));
    found.ok_or_else(|| Refusal::missing("collection"))
}

fn list(state: &mut State, call: &Call) -> Answer {
    let workspace = state.workspace_filter(call)?;
    let wanted_collection = match call.query_text("collection_id") {
        Some(key) => Some(collection(state, call, key)?.id.clone()),
        None => None,
    };
    let search = call.query_text("search").unwrap_or_default().to_lowercase();
    let wanted = |prompt: &&Prompt| {
        workspace
            .as_ref()
            .is_none_or(|id| *id == prompt.workspace_id)
            && wanted_collection
                .as_ref()
                .is_none_or(|id| *id == prompt.collection_id)
            && prompt.name.to_lowercase().contains(&search)
    };
    Ok(call.page(
        state
            .prompts
            .iter()
            .filter(wanted)
            .map(Prompt::list_json)
            .collect(),
    ))
}

fn get(state: &mut State, call: &Call) -> Answer {
    let prompt = &state.prompts[position(state, call)?];
    let wanted = match call.query.get("version") {
        Some(Value::String(text)) => text.clone(),
        Some(number) => number.to_string(),
        None => "default".to_owned(),
    };
    Ok(Reply::json(prompt.detail_json(prompt.version(&wanted)?)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let collection = collection(state, call, call.required("collection_id")?)?;
    let content = content(state, call, Map::new(), "template_metadata");
    let version = Version::new(
        1,
        call.value("version_description"),
        content,
        &call.timestamp(),
    );
    let prompt = Prompt::new(call.required("name")?, collection, version);
    let version_id = prompt.versions.first().map(|version| &version.id);
    let body =
        json!({"id": prompt.id, "slug": prompt.slug, "version_id": version_id, "object": "prompt"});
    state.prompts.push(prompt);
    Ok(Reply::json(body))
}

/// The content of a version: what the request gives, over what there was.
fn content(
    state: &State,
    call: &Call,
    mut content: Map<String, Value>,
    metadata: &str,
) -> Map<String, Value> {
    for name in CONTENT
        .into_iter()
        .chain(["functions", "tools", "tool_choice"])
    {
        if let Some(value) = call.given(name) {
            content.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(value) = call.given(metadata) {
        content.insert("template_metadata".to_owned(), value.clone());
    }
    // Whatever names the virtual key, its slug comes back.
    let key = content.get("virtual_key").and_then(Value::as_str);
    if let Some(key) = state
        .virtual_keys
        .iter()
        .find(|other| Some(other.id.as_str()) == key)
    {
        content.insert("virtual_key".to_owned(), json!(key.slug));
    }
    // The service writes the model into the parameters.
    let model = content.get("model").cloned();
    let parameters = content
        .get_mut("parameters")
        .filter(|parameters| parameters.is_object());
    if let (Some(model), Some(parameters)) = (model, parameters) {
        parameters["model"] = model;
    }
    content
}

/// New content becomes a version that is not the default; a name or collection alone does not.
fn update(state: &mut State, call: &Call) -> Answer {
    let position = position(state, call)?;
    let has_content = CONTENT
        .iter()
        .chain(&MORE_CONTENT)
        .any(|name| call.given(name).is_some());
    let patch = call.value("patch") == true;
    if let (true, false, Some(missing)) = (
        has_content,
        patch,
        CONTENT.iter().find(|name| call.given(name).is_none()),
    ) {
        return Err(Refusal::invalid_field(
            missing,
            "is required, unless `/patch` is true",
        ));
    }
    let collection_id = match call.text("collection_id") {
        Some(key) => Some(collection(state, call, key)?.id.clone()),
        None => None,
    };
    let version = has_content.then(|| next_version(state, call, position, patch));
    let prompt = &mut state.prompts[position];
    prompt.collection_id = collection_id.unwrap_or_else(|| prompt.collection_id.clone());
    prompt.name = call.text("name").unwrap_or(&prompt.name).to_owned();
    prompt.last_updated_at = call.timestamp();
    let Some(version) = version else {
        return Ok(Reply::done());
    };
    let body = json!({"id": prompt.id, "slug": prompt.slug, "prompt_version_id": version.id});
    prompt.versions.push(version);
    Ok(Reply::json(body))
}

fn next_version(state: &State, call: &Call, position: usize, patch: bool) -> Version {
    let latest = state.prompts[position].versions.last();
    let base = latest
        .filter(|_| patch)
        .map(|version| version.content.clone())
        .unwrap_or_default();
    let content = content(state, call, base, "prompt_metadata");
    let number = latest.map_or(0, |version| version.number) + 1;
    Version::new(
        number,
        call.value("version_description"),
        content,
        &call.timestamp(),
    )
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let position = position(state, call)?;
    state.prompts.remove(position);
    Ok(Reply::done())
}

fn list_versions(state: &mut State, call: &Call) -> Answer {
    let prompt = &state.prompts[position(state, call)?];
    Ok(call.page(
        prompt
            .versions
            .iter()
            .rev()
            .map(|version| version.list_json(prompt))
            .collect(),
    ))
}

fn version_position(prompt: &Prompt, id: &str) -> Result<usize, Refusal> {
    let found = prompt.versions.iter().position(|version| version.id == id);
    found.ok_or_else(|| Refusal::missing("prompt version"))
}

fn get_version(state: &mut State, call: &Call) -> Answer {
    let prompt = &state.prompts[position(state, call)?];
    let version = &prompt.versions[version_position(prompt, call.id(1))?];
    Ok(Reply::json(prompt.detail_json(version)))
}

/// Only the label of a version can change; null takes it off.
fn update_version(state: &mut State, call: &Call) -> Answer {
    let position = position(state, call)?;
    let prompt = &mut state.prompts[position];
    let position = version_position(prompt, call.id(1))?;
    if let Some(label) = call.given("label_id") {
        prompt.versions[position].label_id = label.clone();
    }
    Ok(Reply::done())
}

/// Takes the number of a version, never its id.
fn make_default(state: &mut State, call: &Call) -> Answer {
    let position = position(state, call)?;
    let number = call.value("version");
    let number = number
        .as_u64()
        .ok_or_else(|| Refusal::invalid_field("version", "is not the number of a version"))?;
    let prompt = &mut state.prompts[position];
    if !prompt
        .versions
        .iter()
        .any(|version| version.number == number)
    {
        return Err(Refusal::missing("prompt version"));
    }
    prompt.default = number;
    Ok(Reply::done())
}

#[cfg(test)]
mod tests {
    use super::variables;

    #[test]
    fn variables_are_listed_once() {
        assert_eq!(variables("{{a}} {{ b }} {{a}} {{#s}} {{c"), ["a", "b"]);
    }
}

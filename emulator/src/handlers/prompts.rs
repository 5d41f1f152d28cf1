//! Operations on prompts and their versions.

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::gateway::{self, routing};
use crate::handlers::plain::{delete, make_version_default};
use crate::handlers::resource::Handler::{Gateway, Read, Write};
use crate::handlers::resource::Resource;
use crate::handlers::sharing;
use crate::json;
use crate::response::{HandlerResult, ResponseBody, merge, respond};
use crate::state::State;
use crate::state::partials::Partial;
use crate::state::prompts::{Content, Prompt, Version};
use crate::state::sharing::Shareable;
use crate::state::versions::{Versioned, Versions};
use crate::template::Template;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_prompts", Read(list)),
    ("get_prompt", Read(get)),
    ("create_prompt", Write(create)),
    ("update_prompt", Write(update)),
    ("delete_prompt", Write(delete::<Prompt>)),
    ("list_prompt_versions", Read(list_versions)),
    ("get_prompt_version", Read(get_version)),
    ("update_prompt_version", Write(update_version)),
    (
        "make_prompt_version_default",
        Write(make_version_default::<Prompt>),
    ),
    ("share_prompt", Write(share)),
    (
        "update_prompt_share",
        Write(sharing::update_share::<Prompt>),
    ),
    ("unshare_prompt", Write(sharing::unshare::<Prompt>)),
    ("fork_prompt", Write(fork)),
    ("render_prompt", Read(render)),
    ("run_prompt", Gateway(run)),
]);

/// The content of a version. An update without `patch` must contain all of these fields, or those
/// that stand for them.
const CONTENT_FIELDS: [&str; 5] = [
    "string",
    "parameters",
    "model",
    "virtual_key",
    "is_raw_template",
];

/// The fields that name the model of a prompt, and its provider (V405).
const MODEL_FIELDS: [&str; 3] = ["model", "ai_model_id", "finetune_id"];
const PROVIDER_FIELDS: [&str; 2] = ["virtual_key", "provider_api_key_id"];

/// Fields that also create a new version when they change.
const OPTIONAL_CONTENT_FIELDS: [&str; 4] = ["functions", "tools", "tool_choice", "prompt_metadata"];

impl Prompt {
    fn list_json(&self) -> Value {
        let mut body = self.json();
        let version = self.versions.default_or_latest();
        body["model"] = version.map_or(Value::Null, |version| version.content.field("model"));
        body
    }

    fn detail_json(&self, state: &State, version: &Version) -> Value {
        let mut body = self.json();
        merge(&mut body, version.json(state));
        body
    }
}

impl Version {
    /// Returns the fields of a single prompt that depend on the version.
    fn json(&self, state: &State) -> Value {
        let template = self.content.field("string");
        let references = Template::parse(template.as_str().unwrap_or_default()).references();
        let metadata = Some(self.content.field("template_metadata")).filter(Value::is_object);
        let label = self
            .content
            .label_id
            .as_str()
            .and_then(|id| state.labels.get(id));
        let labels: Vec<Value> = label
            .map(|label| json!({"id": label.id, "name": label.name}))
            .into_iter()
            .collect();
        json!({
            "string": template,
            "parameters": self.content.field("parameters"),
            "prompt_version": self.number,
            "prompt_version_id": self.id,
            "prompt_version_status": "active",
            "prompt_version_description": self.description,
            "prompt_version_label_id": self.content.label_id,
            "prompt_version_label_name": label.map(|label| &label.name),
            "prompt_version_labels": labels,
            "virtual_key": self.content.field("virtual_key"),
            "model": self.content.field("model"),
            "functions": self.content.field("functions"),
            "tools": self.content.field("tools"),
            "tool_choice": self.content.field("tool_choice"),
            "template_metadata": metadata.unwrap_or_else(|| json!({})),
            "is_raw_template": self.content.fields.get("is_raw_template").and_then(Value::as_i64).unwrap_or(0),
            "variable_components": {
                "partials": references.partials, "sections": references.sections, "variables": references.variables,
                "sectionVariables": references.section_variables, "variablePartials": [],
            },
        })
    }

    fn list_json(&self, prompt: &Prompt) -> Value {
        json!({
            "id": self.id,
            "prompt_id": prompt.id,
            "prompt_template": {"string": self.content.field("string")},
            "prompt_version": self.number,
            "prompt_description": self.description,
            "label_id": self.content.label_id,
            "created_at": self.created_at,
            "status": "active",
            "object": "prompt",
        })
    }
}

fn list(state: &State, call: &Call) -> HandlerResult {
    sharing::list(
        state,
        call,
        |prompt: &Prompt| &prompt.collection_id,
        |prompt| &prompt.name,
        Prompt::list_json,
    )
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let prompt = state.prompts.find_readable(call)?;
    let requested = match call.query.get("version") {
        Some(Value::String(version)) => version.clone(),
        Some(number) => number.to_string(),
        None => "default".to_owned(),
    };
    let version = prompt.version(&requested)?;
    respond(prompt.detail_json(state, version))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let collection = state
        .collections
        .find(call.required_str("collection_id")?, call)?;
    let content = merge_content(state, call, Map::new(), "template_metadata")?;
    let description = call.body_value("version_description");
    let (content, at) = (Content::new(content), call.timestamp());
    let versions = Versions::new(content, description, &at, &call.ids);
    let name = call.required_str("name")?;
    let prompt = Prompt::new(name, collection, versions, &at, &call.ids);
    let version_id = prompt.versions.latest().map(|version| &version.id);
    let body =
        json!({"id": prompt.id, "slug": prompt.slug, "version_id": version_id, "object": "prompt"});
    state.prompts.put(prompt);
    respond(body)
}

/// Merges the fields of the request into the content of a version.
fn merge_content(
    state: &State,
    call: &Call,
    mut content: Map<String, Value>,
    metadata: &str,
) -> Result<Map<String, Value>, ApiError> {
    for name in CONTENT_FIELDS
        .into_iter()
        .chain(["functions", "tools", "tool_choice"])
    {
        if let Some(value) = call.body_field(name) {
            content.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(value) = call.body_field(metadata) {
        content.insert("template_metadata".to_owned(), value.clone());
    }
    // Responses contain the slug of the virtual key, even if the request has its UUID (M036).
    for name in PROVIDER_FIELDS {
        let Some(key) = call.body_str(name) else {
            continue;
        };
        let found = state.virtual_keys.get(key.strip_prefix('@').unwrap_or(key));
        let found = found.ok_or_else(|| {
            let reason = "is not the id or slug of a virtual key";
            ApiError::invalid_field(name, reason)
        })?;
        content.insert("virtual_key".to_owned(), json!(found.slug));
    }
    // The service copies the model into the parameters.
    let model = content.get("model").cloned();
    let parameters = content
        .get_mut("parameters")
        .filter(|parameters| parameters.is_object());
    if let (Some(model), Some(parameters)) = (model, parameters) {
        parameters["model"] = model;
    }
    Ok(content)
}

/// New content creates a version, which does not become the default; a new name or collection does
/// not create one.
fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut prompt = state.prompts.find_by_path(call)?.clone();
    let has_content = CONTENT_FIELDS
        .iter()
        .chain(&OPTIONAL_CONTENT_FIELDS)
        .chain(&MODEL_FIELDS)
        .chain(&PROVIDER_FIELDS)
        .any(|name| call.body_field(name).is_some());
    let has_field = |name: &str| {
        let alternatives: &[&str] = match name {
            "model" => &MODEL_FIELDS,
            "virtual_key" => &PROVIDER_FIELDS,
            _ => &[],
        };
        let mut names = alternatives.iter().copied().chain([name]);
        names.any(|name| call.body_field(name).is_some())
    };
    let patch = call.body_value("patch") == true;
    if let (true, false, Some(missing)) = (
        has_content,
        patch,
        CONTENT_FIELDS.iter().find(|name| !has_field(name)),
    ) {
        return Err(ApiError::invalid_field(
            missing,
            "is required unless `/patch` is true",
        ));
    }
    if let Some(key) = call.body_str("collection_id") {
        prompt.collection_id = state.collections.find(key, call)?.id.clone();
    }
    call.set_str("name", &mut prompt.name);
    if let Some(status) = call.body_str("status") {
        prompt.is_archived = status == "archived";
    }
    prompt.last_updated_at = call.timestamp();
    let mut body = json!({});
    if has_content {
        let latest = prompt.versions.latest().filter(|_| patch);
        let base = latest.map(|version| version.content.fields.clone());
        let base = base.unwrap_or_default();
        let content = Content::new(merge_content(state, call, base, "prompt_metadata")?);
        let description = call.body_value("version_description");
        let at = call.timestamp();
        let id = prompt.versions.push(content, description, &at, &call.ids);
        body = json!({"id": prompt.id, "slug": prompt.slug, "prompt_version_id": id});
    }
    state.prompts.put(prompt);
    respond(body)
}

fn list_versions(state: &State, call: &Call) -> HandlerResult {
    let prompt = state.prompts.find_readable(call)?;
    let versions = prompt.versions.newest_first();
    Ok(call.page(versions, |version| version.list_json(prompt)))
}

fn get_version(state: &State, call: &Call) -> HandlerResult {
    let prompt = state.prompts.find_readable(call)?;
    let mut versions = prompt.versions.newest_first().into_iter();
    let version = versions.find(|version| version.id == call.path_param(1));
    let version = version.ok_or_else(|| ApiError::not_found("prompt version"))?;
    respond(prompt.detail_json(state, version))
}

/// Only the label of a version can be updated; null removes it.
fn update_version(state: &mut State, call: &Call) -> HandlerResult {
    let mut prompt = state.prompts.find_by_path(call)?.clone();
    let version = prompt.version_mut(call.path_param(1))?;
    call.set_value("label_id", &mut version.content.label_id);
    state.prompts.put(prompt);
    Ok(ResponseBody::empty_object())
}

/// Removes a deleted label from all versions.
pub(crate) fn remove_label(state: &mut State, label: &str) {
    let has_label = |version: &Version| version.content.label_id == label;
    state.prompts.update_where(
        |prompt| prompt.versions.newest_first().into_iter().any(has_label),
        |prompt| {
            let versions = prompt.versions.iter_mut();
            versions
                .filter(|version| has_label(version))
                .for_each(|version| version.content.label_id = Value::Null);
        },
    );
}

/// The partials of the prompt must be shared first (V096).
fn share(state: &mut State, call: &Call) -> HandlerResult {
    let prompt = state.prompts.find_by_path(call)?;
    require_partials(state, prompt, |partial| partial.sharing.is_shared())?;
    sharing::share::<Prompt>(state, call)
}

/// Rejects a prompt with a partial that the rule does not accept.
fn require_partials(
    state: &State,
    prompt: &Prompt,
    is_shared: impl Fn(&Partial) -> bool,
) -> Result<(), ApiError> {
    let template = prompt.version("default")?.content.field("string");
    let references = Template::parse(template.as_str().unwrap_or_default()).references();
    let missing = references.partials.iter().find(|slug| {
        let partial = state.partials.get(slug);
        partial.is_some_and(|partial| !is_shared(partial))
    });
    match missing {
        None => Ok(()),
        Some(slug) => Err(ApiError::bad_request(format!(
            "the partial `{slug}` of the prompt must be shared first"
        ))),
    }
}

/// Copies the default version of a shared prompt to a workspace.
fn fork(state: &mut State, call: &Call) -> HandlerResult {
    let original = state.prompts.find_readable(call)?;
    let copy = sharing::Copy::new(state, call, original, &original.name)?;
    let workspace = &copy.collection.workspace_id;
    require_partials(state, original, |partial| partial.is_readable_in(workspace))?;
    let mut fields = copy.content.fields;
    if let Some(slug) = fields.get("virtual_key").and_then(Value::as_str) {
        let slug = provider_in(state, original, slug, workspace)?;
        fields.insert("virtual_key".to_owned(), json!(slug));
    }
    let at = call.timestamp();
    let versions = Versions::new(Content::new(fields), Value::Null, &at, &call.ids);
    let mut prompt = Prompt::new(&copy.name, copy.collection, versions, &at, &call.ids);
    prompt.sharing = copy.sharing;
    let body = json!({"id": prompt.id, "slug": prompt.slug, "object": "prompt"});
    state.prompts.put(prompt);
    respond(body)
}

/// Returns the slug of the provider that stands for the provider of a prompt in another workspace: one
/// of the same integration.
fn provider_in(
    state: &State,
    prompt: &Prompt,
    slug: &str,
    workspace: &str,
) -> Result<String, ApiError> {
    if workspace == prompt.workspace_id {
        return Ok(slug.to_owned());
    }
    let mut owned = state.virtual_keys.in_workspace(&prompt.workspace_id).iter();
    let original = owned.find(|key| key.slug == slug);
    let mut keys = state.virtual_keys.in_workspace(workspace).iter();
    let found = original
        .and_then(|original| keys.find(|key| key.integration_id == original.integration_id));
    let found = found.ok_or_else(|| {
        let message = "the integration of the prompt has no provider in the workspace";
        ApiError::bad_request(message)
    })?;
    Ok(found.slug.clone())
}

/// Returns the request that would be sent to the model for the default version. Parameters in the
/// request, other than `variables`, override those of the version.
fn render(state: &State, call: &Call) -> HandlerResult {
    let data = build_request(state, call)?;
    respond(json!({"success": true, "data": data}))
}

/// Runs a prompt: its model request is handled as if it had been sent to the gateway.
fn run(state: &mut State, call: &Call) -> HandlerResult {
    let request = Value::Object(build_request(state, call)?);
    let call = &with_provider(state, call)?;
    routing::check_limits(state, call, &request)?;
    match request["messages"].is_array() {
        true => gateway::chat(state, call, &request),
        false => gateway::text(state, call, &request),
    }
}

/// Adds the provider of the prompt to the logged headers.
fn with_provider(state: &State, call: &Call) -> Result<Call, ApiError> {
    let mut call = call.clone();
    let prompt = state.prompts.find_readable(&call)?;
    let content = &prompt.version("default")?.content;
    if let Some(slug) = content.field("virtual_key").as_str() {
        let workspace = call.workspace().unwrap_or(&prompt.workspace_id);
        let slug = provider_in(state, prompt, slug, workspace)?;
        routing::use_saved_provider(state, &mut call, &slug)?;
    }
    Ok(call)
}

/// Builds the model request for a prompt.
fn build_request(state: &State, call: &Call) -> Result<Map<String, Value>, ApiError> {
    let prompt = state.prompts.find_readable(call)?;
    let version = prompt.version("default")?;
    let parameters = version.content.field("parameters");
    let mut data = parameters.as_object().cloned().unwrap_or_default();
    for name in ["model", "functions", "tools", "tool_choice"] {
        let value = version.content.field(name);
        if !value.is_null() {
            data.insert(name.to_owned(), value);
        }
    }
    let template = version.content.field("string");
    let template = template.as_str().unwrap_or_default();
    let (name, value) = fill_template(state, prompt, template, &call.body_value("variables"));
    data.insert(name.to_owned(), value);
    let parameters = call.body.as_object().into_iter().flatten();
    for (name, value) in parameters.filter(|(name, _)| *name != "variables") {
        data.insert(name.clone(), value.clone());
    }
    Ok(data)
}

/// Fills in a template and returns its request field: `messages` of a chat prompt, in which every
/// string is filled in, or else `prompt`.
fn fill_template(
    state: &State,
    prompt: &Prompt,
    template: &str,
    variables: &Value,
) -> (&'static str, Value) {
    let find_partial = |slug: &str| {
        let partial = state.partials.get(slug)?;
        let is_readable = partial.is_readable_in(&prompt.workspace_id);
        partial.template().filter(|_| is_readable)
    };
    let fill = |template: &str| Template::parse(template).render(variables, &find_partial);
    match json::parse(template.as_bytes()) {
        Ok(Value::Array(messages)) => {
            let messages = Value::Array(messages);
            ("messages", map_strings(&messages, &fill))
        }
        _ => ("prompt", Value::from(fill(template))),
    }
}

/// Replaces every string in a value.
fn map_strings(value: &Value, replace: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(string) => Value::from(replace(string)),
        Value::Array(items) => items
            .iter()
            .map(|item| map_strings(item, replace))
            .collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| (name.clone(), map_strings(value, replace)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

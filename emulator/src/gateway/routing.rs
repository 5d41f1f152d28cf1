//! Which provider a model request goes to, and whether its key and its policies allow it.
//!
//! The service checks this before it validates the body (V204). Nothing is forwarded here: a request
//! that names an existing provider goes to the model stub. Inline configs are not blocked (V012).

use serde_json::{Value, json};

use super::config_schema::{self, ConfigError};
use super::requests;
use crate::call::Call;
use crate::error::ApiError;
use crate::json;
use crate::state::State;
use crate::state::api_keys::ApiKey;
use crate::state::configs::Config;
use crate::state::logs::attributes::LogAttributes;
use crate::state::logs::strings::StringPool;
use crate::state::usage_policies::UsagePolicy;
use crate::state::virtual_keys::VirtualKey;

pub(crate) const CONFIG_HEADER: &str = "x-portkey-config";
const PROVIDER_HEADER: &str = "x-portkey-provider";
const VIRTUAL_KEY_HEADER: &str = "x-portkey-virtual-key";

/// Operations that need no provider: without one, the service lists the models of the organisation
/// (V027).
const PROVIDER_OPTIONAL: &[&str] = &["list_models"];

/// A provider that a request names.
#[derive(Debug)]
enum Provider<'a> {
    Saved(&'a VirtualKey),
    /// The name of an AI provider; its credentials are in the request.
    Inline(String),
}

/// Returns whether an operation goes to a provider.
pub(crate) fn is_model_request(operation: &str) -> bool {
    let mut handlers = super::RESOURCE.handlers.iter();
    handlers.any(|(id, _)| *id == operation)
}

fn is_provider_optional(call: &Call) -> bool {
    PROVIDER_OPTIONAL.contains(&call.operation.as_str())
}

/// Finds the provider of a request and adds it to the logged headers. `config` is the config header.
///
/// Rejects a request that names no provider, or a config or a provider that does not exist, and one
/// whose key, provider or policy is exhausted.
pub(crate) fn route(state: &State, call: &mut Call, config: Option<&str>) -> Result<(), ApiError> {
    match find_provider(state, call, config)? {
        Some(Provider::Saved(key)) => use_provider(call, key)?,
        Some(Provider::Inline(name)) => set_header(call, PROVIDER_HEADER, name),
        None if is_provider_optional(call) => return Ok(()),
        None => {}
    }
    check_limits(state, call, &call.body)
}

/// Rejects a request whose API key, or a policy that applies to it, is exhausted (V019, V023).
pub(crate) fn check_limits(state: &State, call: &Call, body: &Value) -> Result<(), ApiError> {
    let key = api_key(state, call);
    if key.is_some_and(|key| key.limits().is_exhausted(&key.usage, call.now)) {
        return Err(exhausted("the API key"));
    }
    // Without a workspace, there are no policies.
    let Some(workspace) = call.workspace() else {
        return Ok(());
    };
    let policies = state.usage_policies.in_workspace(workspace);
    if policies.iter().next().is_none() {
        return Ok(());
    }
    let body = json!({"model": body["model"], "user": body["user"]});
    let entry = requests::log_entry(call, &body, &Value::Null);
    let mut strings = StringPool::default();
    let attributes = LogAttributes::from_entry(&entry, &call.caller.key_id, &mut strings);
    let is_used_up = |policy: &UsagePolicy| {
        let organisation = &state.organisation;
        let group = policy
            .policy
            .group(organisation, &strings, workspace, &attributes);
        group.is_some_and(|group| policy.is_exhausted(&group, call.now))
    };
    match policies.iter().any(is_used_up) {
        true => Err(exhausted("a usage limits policy")),
        false => Ok(()),
    }
}

/// Adds the saved provider of a prompt to the logged headers.
pub(crate) fn use_saved_provider(
    state: &State,
    call: &mut Call,
    slug: &str,
) -> Result<(), ApiError> {
    let slug = slug.strip_prefix('@').unwrap_or(slug);
    let key = saved_provider(state, call, slug, "the virtual key of the prompt")?;
    use_provider(call, key)
}

fn use_provider(call: &mut Call, key: &VirtualKey) -> Result<(), ApiError> {
    if key.limits().is_exhausted(&key.usage, call.now) {
        return Err(exhausted("the provider"));
    }
    set_header(call, PROVIDER_HEADER, key.provider.clone());
    set_header(call, VIRTUAL_KEY_HEADER, key.slug.clone());
    Ok(())
}

fn set_header(call: &mut Call, name: &str, value: String) {
    call.request.gateway.insert(name.to_owned(), value);
}

/// Finds a saved provider of the workspace by slug or UUID.
fn saved_provider<'a>(
    state: &'a State,
    call: &Call,
    slug: &str,
    named_in: &str,
) -> Result<&'a VirtualKey, ApiError> {
    let workspace = call.required_workspace()?;
    let mut keys = state.virtual_keys.in_workspace(workspace).iter();
    let found = keys.find(|key| key.slug == slug || key.id == slug);
    found.ok_or_else(|| bad_request(format!("{named_in}: expected the slug of a provider")))
}

/// Returns the provider that is used: that of the headers, else of the config, else of the model.
/// All providers that the request names must exist.
fn find_provider<'a>(
    state: &'a State,
    call: &Call,
    config: Option<&str>,
) -> Result<Option<Provider<'a>>, ApiError> {
    let header = |name: &str| {
        let value = call.request.gateway.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    };
    let mut found = Vec::new();
    if let Some(slug) = header(VIRTUAL_KEY_HEADER) {
        let named_in = format!("header `{VIRTUAL_KEY_HEADER}`");
        let saved = saved_provider(state, call, slug, &named_in)?;
        found.push(Provider::Saved(saved));
    }
    if let Some(name) = header(PROVIDER_HEADER) {
        let named_in = format!("header `{PROVIDER_HEADER}`");
        found.push(named_provider(state, call, name, &named_in)?);
    }
    let config = find_config(state, call, config.filter(|value| !value.is_empty()))?;
    let has_prompt = config.as_ref().is_some_and(|config| config.names_prompt());
    if let Some(config) = &config {
        found.extend(config.providers(state, call)?);
    }
    let model = call.body["model"].as_str();
    if let Some(slug) = model.and_then(saved_in_model) {
        let saved = saved_provider(state, call, slug, "body: `/model`")?;
        found.push(Provider::Saved(saved));
    }
    if found.is_empty() && !has_prompt && !is_provider_optional(call) {
        return Err(bad_request(format!(
            "a header `{PROVIDER_HEADER}`, `{VIRTUAL_KEY_HEADER}` or `{CONFIG_HEADER}` that names \
             a provider is required"
        )));
    }
    Ok(found.into_iter().next())
}

/// Returns the provider that a header or a config names: `@slug` is a saved provider.
fn named_provider<'a>(
    state: &'a State,
    call: &Call,
    name: &str,
    named_in: &str,
) -> Result<Provider<'a>, ApiError> {
    match name.strip_prefix('@') {
        Some(slug) => Ok(Provider::Saved(saved_provider(
            state, call, slug, named_in,
        )?)),
        None => Ok(Provider::Inline(name.to_owned())),
    }
}

/// Returns the slug in a model of the form `@slug/model`.
fn saved_in_model(model: &str) -> Option<&str> {
    Some(model.strip_prefix('@')?.split_once('/')?.0)
}

/// The config of a request.
struct RequestConfig {
    config: Value,
    /// Where the config is from, for error messages.
    source: String,
}

impl RequestConfig {
    fn names_prompt(&self) -> bool {
        let targets = config_schema::targets(&self.config, "");
        targets
            .iter()
            .any(|(_, target)| target["prompt_id"].is_string())
    }

    /// Returns the providers that the config and its targets name.
    fn providers<'a>(&self, state: &'a State, call: &Call) -> Result<Vec<Provider<'a>>, ApiError> {
        let mut found = Vec::new();
        for (location, target) in config_schema::targets(&self.config, "") {
            let named_in = |name: &str| format!("{}: `{location}/{name}`", self.source);
            if let Some(slug) = target["virtual_key"].as_str() {
                let saved = saved_provider(state, call, slug, &named_in("virtual_key"))?;
                found.push(Provider::Saved(saved));
            }
            if let Some(name) = target["provider"].as_str() {
                found.push(named_provider(state, call, name, &named_in("provider"))?);
            }
            let model = target["override_params"]["model"].as_str();
            if let Some(slug) = model.and_then(saved_in_model) {
                let named_in = named_in("override_params/model");
                let saved = saved_provider(state, call, slug, &named_in)?;
                found.push(Provider::Saved(saved));
            }
        }
        Ok(found)
    }
}

/// Returns the config of the header, inline or by slug, or else the default config of the API key
/// (V206).
fn find_config(
    state: &State,
    call: &Call,
    header: Option<&str>,
) -> Result<Option<RequestConfig>, ApiError> {
    let key = api_key(state, call);
    let default = key.and_then(|key| state.configs.get(key.config_id.as_deref()?));
    let source = format!("header `{CONFIG_HEADER}`");
    let Some(header) = header else {
        let source = "the default config of the API key".to_owned();
        return Ok(default.map(|config| saved_config(config, source)));
    };
    let allows_override =
        key.is_none_or(|key| key.fields.get("allow_config_override") != Some(&json!(0)));
    if default.is_some() && !allows_override {
        let message = "the default config of the API key cannot be overridden";
        return Err(bad_request(format!("{source}: {message}")));
    }
    if !header.trim_start().starts_with('{') {
        let visible = |config: &&Config| call.caller.can_see(&config.workspace_id);
        let config = state.configs.get(header.trim()).filter(visible);
        let config = config
            .ok_or_else(|| bad_request(format!("{source}: expected the slug of a config")))?;
        return Ok(Some(saved_config(config, source)));
    }
    let config = json::parse(header.as_bytes())
        .map_err(|error| bad_request(format!("{source}: {error}")))?;
    match config_schema::check(&config) {
        Ok(()) => Ok(Some(RequestConfig { config, source })),
        Err(ConfigError { location, reason }) => {
            Err(bad_request(format!("{source}: `{location}` {reason}")))
        }
    }
}

fn saved_config(config: &Config, source: String) -> RequestConfig {
    let current = config.versions.last();
    let parsed = current.and_then(|version| serde_json::from_str(&version.config).ok());
    RequestConfig {
        config: parsed.unwrap_or(Value::Null),
        source,
    }
}

fn api_key<'a>(state: &'a State, call: &Call) -> Option<&'a ApiKey> {
    state.api_keys.table.get(&call.caller.key_id)
}

fn bad_request(message: String) -> ApiError {
    ApiError::gateway(400, message)
}

fn exhausted(what: &str) -> ApiError {
    ApiError::gateway(412, format!("the usage limit of {what} is exhausted"))
}

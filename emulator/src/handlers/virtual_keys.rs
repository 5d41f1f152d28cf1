//! Operations on virtual keys.

mod providers;

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::handlers::{integrations, secret_references};
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::integrations::Integration;
use crate::state::integrations::require_key;
use crate::state::logs::attributes::LogAttributes;
use crate::state::secret_references::is_mapped;
use crate::state::table::Row;
use crate::state::virtual_keys::VirtualKey;
use crate::state::{State, slugs};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_virtual_keys", Read(list)),
    ("get_virtual_key", Read(get)),
    ("create_virtual_key", Write(create)),
    ("update_virtual_key", Write(update)),
    ("delete_virtual_key", Write(delete)),
    ("list_providers", Read(providers::list)),
    ("get_provider", Read(providers::get)),
    ("create_provider", Write(providers::create)),
    ("update_provider", Write(providers::update)),
    ("delete_provider", Write(providers::delete)),
    ("list_provider_models", Read(providers::list_models)),
    ("migrate_virtual_key", Write(migrate)),
]);

/// The default and the maximum page size; no maximum was observed.
const PAGE_SIZES: (u64, u64) = (50, u64::MAX);

/// The fields that a secret reference can fill.
const SECRET_TARGETS: [&str; 2] = ["key", "model_config."];

/// Request fields that are not settings of the AI provider.
const NON_SETTING_FIELDS: [&str; 17] = [
    "aiModelId",
    "ai_provider_id",
    "expires_at",
    "integration_id",
    "key",
    "model_config",
    "name",
    "note",
    "provider",
    "rate_limits",
    "reset_usage",
    "secret_mappings",
    "slug",
    "source_provider_api_key_id",
    "tags",
    "usage_limits",
    "workspace_id",
];

impl VirtualKey {
    /// Returns a list item; unset fields are null.
    fn list_json(&self, state: &State, call: &Call) -> Value {
        let workspace = state.workspaces.get(&self.workspace_id);
        let mut body = self.json(call);
        body["provider"] = json!(self.provider);
        body["organisation_id"] = json!(state.organisation.id);
        body["workspace_id"] = json!(self.workspace_id);
        body["workspace_name"] = json!(workspace.map(|workspace| workspace.display_name()));
        body["reset_usage"] = Value::Null;
        body["last_reset_at"] = json!(self.last_reset_at);
        body["object"] = json!("virtual-key");
        body
    }

    /// Returns a single virtual key. It has other fields than a list item, and unset `rate_limits`
    /// and `model_config` are empty instead of null.
    fn detail_json(&self, state: &State, call: &Call) -> Value {
        let integration = state.integrations.get(&self.integration_id);
        let mut body = self.json(call);
        body["ai_provider_name"] = json!(self.provider);
        body["key"] = json!("");
        body["masked_api_key"] = json!(integration.and_then(Integration::masked_key));
        body["last_reset_at"] = json!(self.last_reset_at);
        body["object"] = json!("virtual-key");
        for (name, empty) in [("rate_limits", json!([])), ("model_config", json!({}))] {
            if body[name].is_null() {
                body[name] = empty;
            }
        }
        body
    }

    /// Applies the fields that only virtual key requests have: secret mappings, and settings of the
    /// AI provider at the top level.
    fn apply_settings(&mut self, state: &State, call: &Call) -> Result<(), ApiError> {
        let workspace = Some(self.workspace_id.as_str());
        let mappings = &mut self.secret_mappings;
        secret_references::update_mappings(state, call, &SECRET_TARGETS, workspace, mappings)?;
        let fields = call.body.as_object().into_iter().flatten();
        let new_settings = fields.filter(|(name, value)| {
            !NON_SETTING_FIELDS.contains(&name.as_str()) && !value.is_null()
        });
        let mut settings = self.model_config.as_object().cloned().unwrap_or_default();
        settings.extend(new_settings.map(|(name, value)| (name.clone(), value.clone())));
        if !settings.is_empty() {
            self.model_config = Value::Object(settings);
        }
        Ok(())
    }
}

/// Returns the virtual key with the id or slug of the path in the workspace of the request; `name`
/// is for the error message.
fn find<'a>(state: &'a State, call: &Call, name: &str) -> Result<&'a VirtualKey, ApiError> {
    let key = call.path_param(0);
    let found = state.virtual_keys.get(key).filter(|virtual_key| {
        let workspace = call.workspace();
        workspace.is_none_or(|workspace| workspace == virtual_key.workspace_id)
    });
    // The table may have found a virtual key of another workspace with the same slug.
    let by_slug = || {
        let mut listed = state.virtual_keys.list_for(call).iter();
        listed.find(|virtual_key| virtual_key.slug == key)
    };
    found
        .or_else(by_slug)
        .ok_or_else(|| ApiError::not_found(name))
}

fn is_slug_taken(state: &State, workspace: &str, slug: &str) -> bool {
    let mut keys = state.virtual_keys.in_workspace(workspace).iter();
    state
        .virtual_keys
        .get(slug)
        .is_some_and(|other| other.id == slug || other.workspace_id == workspace)
        || keys.any(|virtual_key| virtual_key.slug == slug)
}

/// Returns the provider that is created when a workspace gains access to an integration.
pub(crate) fn new_default_provider(
    state: &State,
    call: &Call,
    integration: &Integration,
    workspace: &str,
    slug: Option<&str>,
) -> Result<VirtualKey, ApiError> {
    let is_taken = |slug: &str| is_slug_taken(state, workspace, slug);
    let provider = integration.ai_provider_id();
    let slug = slugs::choose(slug, "default_provider_slug", is_taken, provider, &call.ids)?;
    let uses = (provider, integration.slug.as_str());
    let mut virtual_key = VirtualKey::new(slug, workspace, uses, &call.timestamp(), &call.ids);
    let note = format!(
        "Created automatically for the integration `{}`.",
        integration.slug
    );
    virtual_key.note = json!(note);
    Ok(virtual_key)
}

/// Returns whether a workspace has a provider that uses this integration.
pub(crate) fn has_provider(state: &State, integration: &str, workspace: &str) -> bool {
    let mut keys = state.virtual_keys.in_workspace(workspace).iter();
    keys.any(|virtual_key| virtual_key.integration_id == integration)
}

/// Resets the usage of an integration in a workspace to zero.
pub(crate) fn reset_usage(state: &mut State, integration: &str, workspace: &str, at: &str) {
    state.virtual_keys.update_where(
        |virtual_key| {
            virtual_key.integration_id == integration && virtual_key.workspace_id == workspace
        },
        |virtual_key| virtual_key.reset_usage(at),
    );
}

/// Counts a logged request against the limits of its virtual key, if it has one.
pub(crate) fn record_usage(
    state: &mut State,
    workspace: &str,
    attributes: &LogAttributes,
    call: &Call,
) {
    let Some(slug) = attributes.virtual_key else {
        return;
    };
    let slug = state.logs.strings.resolve(slug);
    let mut keys = state.virtual_keys.in_workspace(workspace).iter();
    let counted = keys.find(|key| key.slug == slug && key.limits().is_limited());
    let id = counted.map(|key| key.id.clone());
    drop(keys);
    if let Some(id) = id {
        let record = |key: &mut VirtualKey| key.record_usage(attributes, call.now);
        state.virtual_keys.update(&id, record);
    }
}

/// Removes all virtual keys that use an integration.
pub(crate) fn remove_integration(state: &mut State, integration: &str) {
    let uses = |virtual_key: &VirtualKey| virtual_key.integration_id == integration;
    state.virtual_keys.remove_where(uses);
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let keys = state.virtual_keys.list_for(call);
    Ok(call.page_sized(PAGE_SIZES, keys, |key| key.list_json(state, call)))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let key = find(state, call, VirtualKey::NAME)?;
    respond(key.detail_json(state, call))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, provider) = (call.required_str("name")?, call.required_str("provider")?);
    let workspace = call.required_workspace()?;
    let is_taken = |slug: &str| {
        is_slug_taken(state, workspace, slug) || state.integrations.get(slug).is_some()
    };
    let slug = slugs::choose(call.body_str("slug"), "slug", is_taken, name, &call.ids)?;
    let uses = (provider, slug.as_str());
    let at = call.timestamp();
    let mut key = VirtualKey::new(slug.clone(), workspace, uses, &at, &call.ids);
    key.apply(call);
    key.apply_settings(state, call)?;
    let secret = call.body_str("key").filter(|secret| !secret.is_empty());
    let key_is_mapped = is_mapped(&key.secret_mappings, "key");
    require_key(provider, secret.is_some() || key_is_mapped)?;
    let owner = state.users.acting_user(call);
    let integration = Integration::for_virtual_key(&key, secret, owner, &call.ids);
    // The OpenAPI document has the slug in `data`; clients expect it at the top level.
    let body = json!({
        "success": true, "data": {"slug": key.slug},
        "id": key.id, "slug": key.slug, "object": "virtual-key",
    });
    state.integrations.put(integration);
    state.virtual_keys.put(key);
    respond(body)
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut key = find(state, call, VirtualKey::NAME)?.clone();
    key.apply(call);
    key.apply_settings(state, call)?;
    key.last_updated_at = Some(call.timestamp());
    if call.body_value("reset_usage") == true {
        key.reset_usage(&call.timestamp());
    }
    if let Some(secret) = call.body_str("key") {
        let integration = state.integrations.get(&key.integration_id);
        if !integration.is_some_and(|integration| integration.is_for_virtual_key(&key)) {
            let reason = "belongs to an integration and can only be changed there";
            return Err(ApiError::invalid_field("key", reason));
        }
        integrations::update_key(state, &key.integration_id, secret, &call.timestamp());
    }
    let body = json!({"id": key.id, "slug": key.slug, "object": "virtual-key"});
    state.virtual_keys.put(key);
    respond(body)
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let key = find(state, call, VirtualKey::NAME)?.clone();
    remove(state, &key);
    Ok(ResponseBody::empty_object())
}

/// Separates a virtual key from the integration that was created for it. The virtual key stays as a
/// provider of the integration, which then outlives it.
fn migrate(state: &mut State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let key = state.virtual_keys.get(call.required_str("virtual_key_id")?);
    let key = key.ok_or_else(|| ApiError::not_found(VirtualKey::NAME))?;
    let integration = state.integrations.get(&key.integration_id);
    let integration = integration.filter(|integration| integration.is_for_virtual_key(key));
    let Some(integration) = integration else {
        let message = "the virtual key is already a provider of an integration";
        return Err(ApiError::conflict(message));
    };
    let body = json!({
        "id": key.id,
        "slug": key.slug,
        "integration_id": integration.id,
        "integration_slug": integration.slug,
        "object": "provider",
    });
    let slug = key.integration_id.clone();
    state.integrations.update(&slug, |integration| {
        integration.virtual_key = None;
    });
    respond(body)
}

fn remove(state: &mut State, key: &VirtualKey) {
    state.virtual_keys.remove(&key.id);
    integrations::remove_virtual_key(state, key);
}

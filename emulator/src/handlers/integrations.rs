//! Operations on integrations.

mod models;
mod workspaces;

use serde_json::{Value, json};

pub(super) use workspaces::add_default_providers;

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::handlers::{secret_references, virtual_keys};
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::access_list::Shared;
use crate::state::integrations::Integration;
use crate::state::virtual_keys::VirtualKey;
use crate::state::{State, masking, slugs};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_integrations", Read(list)),
    ("get_integration", Read(get)),
    ("create_integration", Write(create)),
    ("update_integration", Write(update)),
    ("delete_integration", Write(delete)),
    ("list_integration_models", Read(models::list)),
    ("update_integration_models", Write(models::update)),
    ("delete_integration_models", Write(models::delete)),
    ("list_integration_workspaces", Read(workspaces::list)),
    ("update_integration_workspaces", Write(workspaces::update)),
]);

/// The default and the maximum page size; no maximum was observed.
const PAGE_SIZES: (u64, u64) = (100, u64::MAX);

/// The fields that a secret reference can fill.
const SECRET_TARGETS: [&str; 2] = ["key", "configurations."];

impl Integration {
    fn list_json(&self, state: &State) -> Value {
        json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "description": self.description,
            "ai_provider_id": self.ai_provider_id,
            "organisation_id": state.organisation.id,
            "type": self.kind(),
            "workspace_id": self.workspace_id,
            "owner_id": self.owner_id,
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "tags": self.tags,
            "workspaces_count": self.count_workspaces(&state.workspaces),
            "object": "integration",
        })
    }

    fn detail_json(&self, state: &State) -> Value {
        let mut body = self.list_json(state);
        if let Some(body) = body.as_object_mut() {
            body.remove("workspaces_count");
        }
        body["masked_key"] = json!(self.masked_key());
        body["configurations"] = masking::mask_settings(&self.configurations);
        body["allow_all_models"] = json!(self.models.allow_all);
        body["global_workspace_access_settings"] = self.access.global.clone();
        body["pricing_adjustments"] = self.pricing_adjustments.clone();
        body["secret_mappings"] = json!(self.secret_mappings);
        body["workspace_count"] = json!(self.count_workspaces(&state.workspaces));
        body
    }

    /// Applies a create or update request.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), ApiError> {
        call.set_str("name", &mut self.name);
        if let Some(key) = call.body_str("key") {
            self.key = Some(key.to_owned()).filter(|key| !key.is_empty());
        }
        call.set_value("description", &mut self.description);
        call.set_value("configurations", &mut self.configurations);
        call.set_value("pricing_adjustments", &mut self.pricing_adjustments);
        call.set_value("tags", &mut self.tags);
        let workspace = self.workspace_id.as_deref();
        let mappings = &mut self.secret_mappings;
        secret_references::update_mappings(state, call, &SECRET_TARGETS, workspace, mappings)?;
        self.validate_settings()
    }
}

/// Returns the integration of the path. A workspace key cannot access integrations of the
/// organisation.
fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Integration, ApiError> {
    let integration = state.integrations.find_by_path(call)?;
    integration.require_owner(call, "access")?;
    Ok(integration)
}

/// Removes the integration that was created for a deleted virtual key.
pub(crate) fn remove_virtual_key(state: &mut State, key: &VirtualKey) {
    let integration = state.integrations.get(&key.integration_id);
    if integration.is_some_and(|integration| integration.is_for_virtual_key(key)) {
        state.integrations.remove(&key.integration_id);
    }
}

/// Replaces the key of the integration of a virtual key.
pub(crate) fn update_key(state: &mut State, slug: &str, secret: &str, at: &str) {
    state.integrations.update(slug, |integration| {
        integration.key = Some(secret.to_owned());
        integration.last_updated_at = Some(at.to_owned());
    });
}

pub(super) fn remove_workspace(state: &mut State, workspace: &str) {
    let integrations = state.integrations.in_workspace(workspace).iter();
    let slugs: Vec<String> = integrations
        .map(|integration| integration.slug.clone())
        .collect();
    state.integrations.remove_workspace(workspace);
    for slug in slugs {
        virtual_keys::remove_integration(state, &slug);
    }
    state
        .integrations
        .update_where(|_| true, |integration| integration.access.remove(workspace));
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let matching = state.integrations.all().filter(|integration| {
        let is_usable = call
            .workspace()
            .is_none_or(|workspace| integration.allows_workspace(workspace));
        is_usable && integration.matches_type(call) && call.matches_tags(&integration.tags)
    });
    Ok(call.page_sized(PAGE_SIZES, matching, |integration| {
        integration.list_json(state)
    }))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    respond(find(state, call)?.detail_json(state))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    let (name, provider) = (
        call.required_str("name")?,
        call.required_str("ai_provider_id")?,
    );
    let is_taken = |slug: &str| state.integrations.get(slug).is_some();
    let slug = slugs::choose(call.body_str("slug"), "slug", is_taken, name, &call.ids)?;
    let owner = state.users.acting_user(call);
    let mut integration =
        Integration::new(slug, name, provider, owner, &call.timestamp(), &call.ids);
    if let Some(workspace) = call.workspace() {
        integration.assign_to_workspace(workspace);
    }
    // The default since August 2026 (V102).
    integration.models.allow_all = call.body_value("allow_all_models") == true;
    integration.apply(state, call)?;
    let with_provider = call.body_value("create_default_provider") != false;
    let provider = match call.workspace().filter(|_| with_provider) {
        Some(workspace) => {
            let slug = call.body_str("default_provider_slug");
            Some(virtual_keys::new_default_provider(
                state,
                call,
                &integration,
                workspace,
                slug,
            )?)
        }
        None => None,
    };
    let body = json!({
        "id": integration.id,
        "slug": integration.slug,
        "provider_id": provider.as_ref().map(|provider| &provider.id),
        "object": "integration",
    });
    state.integrations.put(integration);
    if let Some(provider) = provider {
        state.virtual_keys.put(provider);
    }
    respond(body)
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find(state, call)?.clone();
    integration.apply(state, call)?;
    integration.last_updated_at = Some(call.timestamp());
    state.integrations.put(integration);
    Ok(ResponseBody::empty_object())
}

/// Also deletes the providers that use the integration.
fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let integration = find(state, call)?;
    let (id, slug) = (integration.id.clone(), integration.slug.clone());
    state.integrations.remove(&id);
    virtual_keys::remove_integration(state, &slug);
    Ok(ResponseBody::empty_object())
}

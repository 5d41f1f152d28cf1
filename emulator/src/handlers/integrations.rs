//! Integrations: credentials of AI providers, and the workspaces that may use them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::virtual_keys::{self, VirtualKey};
use super::{Resource, State, masking, secret_references, slugs};
use crate::call::{Call, Caller};
use crate::error::ApiError;
use crate::ids::Ids;
use crate::response::{HandlerResult, ResponseBody};
use crate::table::{Row, Table};

mod models;
mod workspaces;

pub(crate) use workspaces::add_default_providers;

pub(crate) const RESOURCE: Resource = Resource {
    remove_workspace,
    ..Resource::new(&[
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
    ])
};

pub(crate) type Integrations = Table<Integration>;

/// The default and the maximum page size; no maximum was observed.
const PAGE_SIZES: (u64, u64) = (100, u64::MAX);

/// AI providers that require no key.
const KEYLESS_PROVIDERS: [&str; 5] = ["bedrock", "ollama", "sagemaker", "triton", "vertex-ai"];

/// Settings that the service requires, by AI provider.
const REQUIRED_SETTINGS: [(&str, &[&str]); 2] = [
    (
        "azure-openai",
        &[
            "azure_auth_mode",
            "azure_resource_name",
            "azure_deployment_config",
        ],
    ),
    ("azure-ai", &["azure_auth_mode", "azure_foundry_url"]),
];

/// The fields that a secret reference can fill.
const SECRET_TARGETS: [&str; 2] = ["key", "configurations."];

/// The credentials of an AI provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Integration {
    pub(crate) id: String,
    pub(crate) slug: String,
    /// `None` for an integration of the organisation.
    pub(crate) workspace_id: Option<String>,
    pub(crate) secret_mappings: Vec<Value>,
    name: String,
    description: Value,
    ai_provider_id: String,
    owner_id: String,
    key: Option<String>,
    configurations: Value,
    pricing_adjustments: Value,
    /// The virtual key for which the integration was created, if any.
    virtual_key: Option<String>,
    models: models::Models,
    access: workspaces::Access,
    created_at: String,
    last_updated_at: Option<String>,
}

impl Row for Integration {
    const NAME: &'static str = "integration";

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// An integration of the organisation is visible to every key.
    fn visible_to(&self, caller: &Caller) -> bool {
        self.workspace()
            .is_none_or(|workspace| caller.can_see(workspace))
    }
}

impl Integration {
    fn new(
        slug: String,
        name: &str,
        ai_provider_id: &str,
        owner: &str,
        at: &str,
        ids: &Ids,
    ) -> Self {
        Self {
            id: ids.uuid(),
            slug,
            workspace_id: None,
            secret_mappings: Vec::new(),
            name: name.to_owned(),
            description: Value::Null,
            ai_provider_id: ai_provider_id.to_owned(),
            owner_id: owner.to_owned(),
            key: None,
            configurations: Value::Null,
            pricing_adjustments: Value::Null,
            virtual_key: None,
            models: models::Models::built_in(ai_provider_id, at),
            access: workspaces::Access::default(),
            created_at: at.to_owned(),
            last_updated_at: None,
        }
    }

    /// Creates the integration that holds the credentials of a virtual key. It has the key's slug.
    pub(crate) fn for_virtual_key(
        key: &VirtualKey,
        secret: Option<&str>,
        owner: &str,
        ids: &Ids,
    ) -> Self {
        let slug = key.integration_id.clone();
        let mut integration =
            Self::new(slug, &key.name, &key.provider, owner, &key.created_at, ids);
        integration.assign_to_workspace(&key.workspace_id);
        integration.key = secret.map(str::to_owned);
        integration.virtual_key = Some(key.id.clone());
        integration
    }

    fn assign_to_workspace(&mut self, workspace: &str) {
        self.workspace_id = Some(workspace.to_owned());
        self.access.allow(workspace);
    }

    pub(crate) fn ai_provider_id(&self) -> &str {
        &self.ai_provider_id
    }

    /// Returns whether the integration was created for this virtual key.
    pub(crate) fn is_for_virtual_key(&self, key: &VirtualKey) -> bool {
        self.virtual_key.as_ref() == Some(&key.id)
    }

    /// Returns the masked key, as shown in responses.
    pub(crate) fn masked_key(&self) -> Option<String> {
        self.key.as_deref().map(masking::mask)
    }

    /// Returns whether a workspace may use the integration.
    pub(crate) fn allows_workspace(&self, workspace: &str) -> bool {
        self.access.allows(workspace)
    }

    fn kind(&self) -> &'static str {
        match self.workspace_id {
            Some(_) => "workspace",
            None => "organisation",
        }
    }

    fn list_json(&self, state: &State) -> Map<String, Value> {
        let body = json!({
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
            "object": "integration",
        });
        body.as_object().cloned().unwrap_or_default()
    }

    fn detail_json(&self, state: &State) -> Value {
        let mut body = Value::Object(self.list_json(state));
        let all = state.workspaces.iter();
        let count = all
            .filter(|workspace| self.allows_workspace(&workspace.id))
            .count();
        body["masked_key"] = json!(self.masked_key());
        body["configurations"] = masking::mask_settings(&self.configurations);
        body["allow_all_models"] = json!(self.models.allow_all);
        body["global_workspace_access_settings"] = self.access.global.clone();
        body["pricing_adjustments"] = self.pricing_adjustments.clone();
        body["secret_mappings"] = json!(self.secret_mappings);
        body["workspace_count"] = json!(count);
        body
    }

    /// Applies a create or update request.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), ApiError> {
        if let Some(name) = call.body_str("name") {
            name.clone_into(&mut self.name);
        }
        if let Some(key) = call.body_str("key") {
            self.key = Some(key.to_owned()).filter(|key| !key.is_empty());
        }
        let values = [
            ("description", &mut self.description),
            ("configurations", &mut self.configurations),
            ("pricing_adjustments", &mut self.pricing_adjustments),
        ];
        for (name, target) in values {
            if let Some(value) = call.body_field(name) {
                target.clone_from(value);
            }
        }
        let workspace = self.workspace_id.as_deref();
        if let Some(mappings) =
            secret_references::parse_mappings(state, call, &SECRET_TARGETS, workspace)?
        {
            self.secret_mappings = mappings;
        }
        self.validate_settings()
    }

    /// Rejects settings with which the service could not authenticate.
    fn validate_settings(&self) -> Result<(), ApiError> {
        let settings = REQUIRED_SETTINGS.iter();
        let required = settings.filter(|(provider, _)| *provider == self.ai_provider_id);
        for name in required.flat_map(|(_, names)| *names) {
            let target = format!("configurations.{name}");
            if self.configurations[*name].is_null()
                && !secret_references::is_mapped(&self.secret_mappings, &target)
            {
                let field_path = format!("configurations/{name}");
                return Err(ApiError::invalid_field(&field_path, "is required"));
            }
        }
        // Azure has authentication modes that need no key.
        let mode = self.configurations["azure_auth_mode"].as_str();
        if mode.is_some_and(|mode| mode != "default") {
            return Ok(());
        }
        let key_is_mapped = secret_references::is_mapped(&self.secret_mappings, "key");
        require_key(&self.ai_provider_id, self.key.is_some() || key_is_mapped)
    }
}

/// Rejects credentials without a key if the AI provider requires one.
pub(crate) fn require_key(ai_provider_id: &str, has_key: bool) -> Result<(), ApiError> {
    match has_key || KEYLESS_PROVIDERS.contains(&ai_provider_id) {
        true => Ok(()),
        false => Err(ApiError::invalid_field(
            "key",
            "is required by the provider",
        )),
    }
}

/// Returns the integration of the path. A workspace key cannot access integrations of the
/// organisation.
fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Integration, ApiError> {
    let integration = state.integrations.find(call.path_param(0), call)?;
    if integration.workspace_id.is_none() && !call.caller.is_organisation_key() {
        let message = "a workspace key cannot access an integration of the organisation";
        return Err(ApiError::forbidden(message));
    }
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

fn remove_workspace(state: &mut State, workspace: &str) {
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
    let kind = call.query_param("type").filter(|kind| *kind != "all");
    let matching = state.integrations.all().filter(|integration| {
        let is_usable = call
            .workspace()
            .is_none_or(|workspace| integration.allows_workspace(workspace));
        is_usable && kind.is_none_or(|kind| kind == integration.kind())
    });
    Ok(call.page_sized(PAGE_SIZES, matching, |integration| {
        Value::Object(integration.list_json(state))
    }))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    Ok(ResponseBody::json(find(state, call)?.detail_json(state)))
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
    let body = json!({"id": integration.id, "slug": integration.slug});
    state.integrations.put(integration);
    if let Some(provider) = provider {
        state.virtual_keys.put(provider);
    }
    Ok(ResponseBody::json(body))
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

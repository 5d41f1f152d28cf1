//! Integrations: credentials of AI providers, and who may use them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::virtual_keys::{self, VirtualKey};
use super::{Room, State, masks, secret_references, slugs};
use crate::call::{Call, Caller};
use crate::ids::Ids;
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Item, Shelf};

mod models;
mod workspaces;

pub(crate) use workspaces::welcome;

pub(crate) const ROOM: Room = Room {
    forget_workspace,
    ..Room::of(&[
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

pub(crate) type Integrations = Shelf<Integration>;

/// A page where no size is asked for, and the largest; nobody saw a limit to the latter.
const PAGE: (u64, u64) = (100, u64::MAX);

/// AI providers that are signed in to without a key.
const KEYLESS: [&str; 5] = ["bedrock", "ollama", "sagemaker", "triton", "vertex-ai"];

/// Settings without which the service refuses an integration.
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

/// The fields of an integration that a secret can fill.
const FILLABLE: [&str; 2] = ["key", "configurations."];

/// An integration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Integration {
    pub(crate) id: String,
    pub(crate) slug: String,
    /// `None` for one of the organisation.
    pub(crate) workspace_id: Option<String>,
    pub(crate) secret_mappings: Vec<Value>,
    name: String,
    description: Value,
    ai_provider_id: String,
    owner_id: String,
    key: Option<String>,
    configurations: Value,
    pricing_adjustments: Value,
    /// The virtual key that it was made for, if it was.
    virtual_key: Option<String>,
    models: models::Models,
    access: workspaces::Access,
    created_at: String,
    last_updated_at: Option<String>,
}

impl Item for Integration {
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

    /// Of an integration of the organisation every key may know that it is there.
    fn visible_to(&self, caller: &Caller) -> bool {
        self.workspace().is_none_or(|own| caller.sees(own))
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
            models: models::Models::of(ai_provider_id, at),
            access: workspaces::Access::default(),
            created_at: at.to_owned(),
            last_updated_at: None,
        }
    }

    /// The integration that holds the credentials of a virtual key. It bears the key's slug.
    pub(crate) fn behind(key: &VirtualKey, secret: Option<&str>, owner: &str, ids: &Ids) -> Self {
        let slug = key.integration_id.clone();
        let mut own = Self::new(slug, &key.name, &key.provider, owner, &key.created_at, ids);
        own.belong_to(&key.workspace_id);
        own.key = secret.map(str::to_owned);
        own.virtual_key = Some(key.id.clone());
        own
    }

    fn belong_to(&mut self, workspace: &str) {
        self.workspace_id = Some(workspace.to_owned());
        self.access.allow(workspace);
    }

    pub(crate) fn ai_provider_id(&self) -> &str {
        &self.ai_provider_id
    }

    /// Whether it was made for this virtual key and for nothing else.
    pub(crate) fn is_behind(&self, key: &VirtualKey) -> bool {
        self.virtual_key.as_ref() == Some(&key.id)
    }

    /// Its key as reads show it.
    pub(crate) fn masked_key(&self) -> Option<String> {
        self.key.as_deref().map(masks::mask)
    }

    /// Whether a workspace may use it.
    pub(crate) fn serves(&self, workspace: &str) -> bool {
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
        let count = all.filter(|workspace| self.serves(&workspace.id)).count();
        body["masked_key"] = json!(self.masked_key());
        body["configurations"] = masks::masked(&self.configurations);
        body["allow_all_models"] = json!(self.models.allow_all);
        body["global_workspace_access_settings"] = self.access.global.clone();
        body["pricing_adjustments"] = self.pricing_adjustments.clone();
        body["secret_mappings"] = json!(self.secret_mappings);
        body["workspace_count"] = json!(count);
        body
    }

    /// Takes over what a create or update request gives.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), Refusal> {
        if let Some(name) = call.text("name") {
            name.clone_into(&mut self.name);
        }
        if let Some(key) = call.text("key") {
            self.key = Some(key.to_owned()).filter(|key| !key.is_empty());
        }
        let values = [
            ("description", &mut self.description),
            ("configurations", &mut self.configurations),
            ("pricing_adjustments", &mut self.pricing_adjustments),
        ];
        for (name, slot) in values {
            if let Some(value) = call.given(name) {
                slot.clone_from(value);
            }
        }
        let workspace = self.workspace_id.as_deref();
        if let Some(mappings) = secret_references::mappings(state, call, &FILLABLE, workspace)? {
            self.secret_mappings = mappings;
        }
        self.check_settings()
    }

    /// Refuses what the service could not sign in with.
    fn check_settings(&self) -> Result<(), Refusal> {
        let settings = REQUIRED_SETTINGS.iter();
        let required = settings.filter(|(provider, _)| *provider == self.ai_provider_id);
        for name in required.flat_map(|(_, names)| *names) {
            let place = format!("configurations.{name}");
            if self.configurations[*name].is_null()
                && !secret_references::fill(&self.secret_mappings, &place)
            {
                let place = format!("configurations/{name}");
                return Err(Refusal::invalid_field(&place, "is required"));
            }
        }
        // Azure has ways of its own to sign in besides the key.
        let mode = self.configurations["azure_auth_mode"].as_str();
        if mode.is_some_and(|mode| mode != "default") {
            return Ok(());
        }
        let filled = secret_references::fill(&self.secret_mappings, "key");
        check_key(&self.ai_provider_id, self.key.is_some() || filled)
    }
}

/// Refuses credentials without a key where the AI provider wants one.
pub(crate) fn check_key(ai_provider_id: &str, has_key: bool) -> Result<(), Refusal> {
    match has_key || KEYLESS.contains(&ai_provider_id) {
        true => Ok(()),
        false => Err(Refusal::invalid_field("key", "is required by the provider")),
    }
}

/// The integration of the path. A key of a workspace is refused those of the organisation.
fn find<'a>(state: &'a State, call: &Call) -> Result<&'a Integration, Refusal> {
    let integration = state.integrations.find(call.id(0), call)?;
    if integration.workspace_id.is_none() && !call.caller.is_organisation() {
        let message = "a workspace key may not use an integration of the organisation";
        return Err(Refusal::forbidden(message));
    }
    Ok(integration)
}

/// Takes away what was made for a virtual key that is gone.
pub(crate) fn forget_virtual_key(state: &mut State, key: &VirtualKey) {
    let integration = state.integrations.get(&key.integration_id);
    if integration.is_some_and(|own| own.is_behind(key)) {
        state.integrations.remove(&key.integration_id);
    }
}

/// Gives the integration behind a virtual key another key.
pub(crate) fn change_key(state: &mut State, slug: &str, secret: &str, at: &str) {
    state.integrations.edit(slug, |own| {
        own.key = Some(secret.to_owned());
        own.last_updated_at = Some(at.to_owned());
    });
}

fn forget_workspace(state: &mut State, workspace: &str) {
    let own = state.integrations.in_workspace(workspace).iter();
    let slugs: Vec<String> = own.map(|own| own.slug.clone()).collect();
    state.integrations.forget_workspace(workspace);
    for slug in slugs {
        virtual_keys::forget_integration(state, &slug);
    }
    state
        .integrations
        .edit_all(|_| true, |own| own.access.forget(workspace));
}

fn list(state: &State, call: &Call) -> Answer {
    let kind = call.query_text("type").filter(|kind| *kind != "all");
    let wanted = state.integrations.all().filter(|own| {
        let usable = call.workspace().is_none_or(|named| own.serves(named));
        usable && kind.is_none_or(|kind| kind == own.kind())
    });
    Ok(call.page_sized(PAGE, wanted, |own| Value::Object(own.list_json(state))))
}

fn get(state: &State, call: &Call) -> Answer {
    Ok(Reply::json(find(state, call)?.detail_json(state)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let (name, provider) = (call.required("name")?, call.required("ai_provider_id")?);
    let taken = |slug: &str| state.integrations.get(slug).is_some();
    let slug = slugs::choose(call.text("slug"), "slug", taken, name, &call.ids)?;
    let owner = state.users.acting(call);
    let mut own = Integration::new(slug, name, provider, owner, &call.timestamp(), &call.ids);
    if let Some(workspace) = call.workspace() {
        own.belong_to(workspace);
    }
    own.apply(state, call)?;
    let wanted = call.value("create_default_provider") != false;
    let provider = match call.workspace().filter(|_| wanted) {
        Some(workspace) => {
            let slug = call.text("default_provider_slug");
            Some(virtual_keys::automatic(state, call, &own, workspace, slug)?)
        }
        None => None,
    };
    let body = json!({"id": own.id, "slug": own.slug});
    state.integrations.put(own);
    if let Some(provider) = provider {
        state.virtual_keys.put(provider);
    }
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut own = find(state, call)?.clone();
    own.apply(state, call)?;
    own.last_updated_at = Some(call.timestamp());
    state.integrations.put(own);
    Ok(Reply::done())
}

/// The providers that use it have nothing left to stand on, and go too.
fn delete(state: &mut State, call: &Call) -> Answer {
    let own = find(state, call)?;
    let (id, slug) = (own.id.clone(), own.slug.clone());
    state.integrations.remove(&id);
    virtual_keys::forget_integration(state, &slug);
    Ok(Reply::done())
}

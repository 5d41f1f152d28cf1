//! Virtual keys, and the same things under their newer name: providers.
//!
//! Both stand on an integration, which holds the credentials. A virtual key that is created as such
//! brings an integration of its own.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::integrations::{self, Integration};
use super::logs::Facts;
use super::meter::{Limits, Meter};
use super::{Room, State, limits, masks, secret_references, slugs};
use crate::call::{Call, timestamp};
use crate::ids::Ids;
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Item, Shelf};

mod providers;

pub(crate) const ROOM: Room = Room {
    owned: &[("virtual keys", |state, workspace| {
        !state.virtual_keys.in_workspace(workspace).is_empty()
    })],
    forget_workspace: |state, workspace| state.virtual_keys.forget_workspace(workspace),
    ..Room::of(&[
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
    ])
};

pub(crate) type VirtualKeys = Shelf<VirtualKey>;

/// A page where no size is asked for, and the largest; nobody saw a limit to the latter.
const PAGE: (u64, u64) = (50, u64::MAX);

/// The fields of a virtual key that a secret can fill.
const FILLABLE: [&str; 2] = ["key", "model_config."];

/// Members of a request that are no settings of the AI provider.
const NO_SETTINGS: [&str; 11] = [
    "expires_at",
    "key",
    "model_config",
    "name",
    "note",
    "provider",
    "rate_limits",
    "secret_mappings",
    "slug",
    "usage_limits",
    "workspace_id",
];

/// A virtual key, or provider. Slugs are unique within a workspace only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VirtualKey {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    pub(crate) name: String,
    pub(crate) provider: String,
    /// The slug of the integration.
    pub(crate) integration_id: String,
    pub(crate) secret_mappings: Vec<Value>,
    pub(crate) created_at: String,
    note: Value,
    model_config: Value,
    usage_limits: Value,
    rate_limits: Value,
    expires_at: Value,
    last_reset_at: Option<String>,
    last_updated_at: Option<String>,
    /// What was used of `usage_limits`.
    #[serde(default)]
    meter: Meter,
}

impl Item for VirtualKey {
    const NAME: &'static str = "virtual key";

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

impl VirtualKey {
    /// The virtual key that exists from the start.
    pub(crate) fn seed(workspace_id: &str, now: DateTime<Utc>, ids: &Ids) -> Self {
        let slug = "openai-main".to_owned();
        let of = ("openai", slug.as_str());
        Self::new(
            "OpenAI main",
            slug.clone(),
            workspace_id,
            of,
            &timestamp(now),
            ids,
        )
    }

    /// `of` is the AI provider and the slug of the integration.
    fn new(
        name: &str,
        slug: String,
        workspace_id: &str,
        of: (&str, &str),
        at: &str,
        ids: &Ids,
    ) -> Self {
        Self {
            id: ids.uuid(),
            slug,
            workspace_id: workspace_id.to_owned(),
            name: name.to_owned(),
            provider: of.0.to_owned(),
            integration_id: of.1.to_owned(),
            secret_mappings: Vec::new(),
            created_at: at.to_owned(),
            note: Value::Null,
            model_config: Value::Null,
            usage_limits: Value::Null,
            rate_limits: Value::Null,
            expires_at: Value::Null,
            last_reset_at: None,
            last_updated_at: None,
            meter: Meter::default(),
        }
    }

    fn status(&self, now: DateTime<Utc>) -> &'static str {
        let expires = self.expires_at.as_str().map(DateTime::parse_from_rfc3339);
        match expires {
            Some(Ok(at)) if at <= now => "expired",
            _ if self.limits().exhausted(&self.meter, now) => "exhausted",
            _ => "active",
        }
    }

    fn limits(&self) -> Limits<'_> {
        let created = self.created_at.parse().unwrap_or_default();
        Limits::new(&self.usage_limits, created)
    }

    /// Sets what was used to zero.
    fn reset_usage(&mut self, at: &str) {
        self.meter = Meter::default();
        self.last_reset_at = Some(at.to_owned());
    }

    /// What every view of it shows.
    fn json(&self, call: &Call) -> Map<String, Value> {
        let body = json!({
            "id": self.id,
            "name": self.name,
            "note": self.note,
            "status": self.status(call.now),
            "slug": self.slug,
            "integration_id": self.integration_id,
            "usage_limits": self.usage_limits,
            "rate_limits": self.rate_limits,
            "model_config": masks::masked(&self.model_config),
            "expires_at": self.expires_at,
            "created_at": self.created_at,
        });
        body.as_object().cloned().unwrap_or_default()
    }

    /// A list item: unset members are null.
    fn list_json(&self, state: &State, call: &Call) -> Value {
        let workspace = state.workspaces.get(&self.workspace_id);
        let mut body = Value::Object(self.json(call));
        body["provider"] = json!(self.provider);
        body["organisation_id"] = json!(state.organisation.id);
        body["workspace_id"] = json!(self.workspace_id);
        body["workspace_name"] = json!(workspace.map(|workspace| workspace.shown_name()));
        body["reset_usage"] = Value::Null;
        body["last_reset_at"] = json!(self.last_reset_at);
        body["tags"] = Value::Null;
        body["object"] = json!("virtual-key");
        body
    }

    /// A single virtual key: other members than in a list, and empty values instead of null.
    fn detail_json(&self, state: &State, call: &Call) -> Value {
        let integration = state.integrations.get(&self.integration_id);
        let mut body = Value::Object(self.json(call));
        body["ai_provider_name"] = json!(self.provider);
        body["key"] = json!("");
        body["masked_api_key"] = json!(integration.and_then(Integration::masked_key));
        body["last_reset_at"] = json!(self.last_reset_at);
        body["tags"] = Value::Null;
        body["object"] = json!("virtual-key");
        for (name, empty) in [("rate_limits", json!([])), ("model_config", json!({}))] {
            if body[name].is_null() {
                body[name] = empty;
            }
        }
        body
    }

    /// Takes over what a request of either name gives.
    fn apply(&mut self, call: &Call) -> Result<(), Refusal> {
        limits::check_usage(&call.value("usage_limits"), "usage_limits")?;
        limits::check_one(&call.value("rate_limits"), "rate_limits")?;
        if let Some(name) = call.text("name") {
            name.clone_into(&mut self.name);
        }
        let values = [
            ("note", &mut self.note),
            ("usage_limits", &mut self.usage_limits),
            ("rate_limits", &mut self.rate_limits),
            ("expires_at", &mut self.expires_at),
            ("model_config", &mut self.model_config),
        ];
        for (name, slot) in values {
            if let Some(value) = call.given(name) {
                slot.clone_from(value);
            }
        }
        Ok(())
    }

    /// What only a request for a virtual key has: secrets, and settings among the other members.
    fn apply_settings(&mut self, state: &State, call: &Call) -> Result<(), Refusal> {
        let workspace = Some(self.workspace_id.as_str());
        if let Some(mappings) = secret_references::mappings(state, call, &FILLABLE, workspace)? {
            self.secret_mappings = mappings;
        }
        let members = call.body.as_object().into_iter().flatten();
        let given = members
            .filter(|(name, value)| !NO_SETTINGS.contains(&name.as_str()) && !value.is_null());
        let mut settings = self.model_config.as_object().cloned().unwrap_or_default();
        settings.extend(given.map(|(name, value)| (name.clone(), value.clone())));
        if !settings.is_empty() {
            self.model_config = Value::Object(settings);
        }
        Ok(())
    }
}

/// The virtual key with this id or slug in the workspace of the request; `name` is for the refusal.
fn find<'a>(state: &'a State, call: &Call, name: &str) -> Result<&'a VirtualKey, Refusal> {
    let key = call.id(0);
    let found = state.virtual_keys.get(key).filter(|own| {
        let named = call.workspace();
        named.is_none_or(|named| named == own.workspace_id)
    });
    // The slug may be that of another one elsewhere.
    let elsewhere = || {
        let mut listed = state.virtual_keys.listed(call).iter();
        listed.find(|own| own.slug == key)
    };
    found
        .or_else(elsewhere)
        .ok_or_else(|| Refusal::missing(name))
}

fn is_taken(state: &State, workspace: &str, slug: &str) -> bool {
    let mut own = state.virtual_keys.in_workspace(workspace).iter();
    state
        .virtual_keys
        .get(slug)
        .is_some_and(|other| other.id == slug || other.workspace_id == workspace)
        || own.any(|own| own.slug == slug)
}

/// The provider that a workspace gets with its access to an integration.
pub(crate) fn automatic(
    state: &State,
    call: &Call,
    integration: &Integration,
    workspace: &str,
    slug: Option<&str>,
) -> Result<VirtualKey, Refusal> {
    let taken = |slug: &str| is_taken(state, workspace, slug);
    let provider = integration.ai_provider_id();
    let slug = slugs::choose(slug, "default_provider_slug", taken, provider, &call.ids)?;
    let of = (provider, integration.slug.as_str());
    let mut own = VirtualKey::new(
        &slug,
        slug.clone(),
        workspace,
        of,
        &call.timestamp(),
        &call.ids,
    );
    let note = format!("Made by itself for the integration `{}`.", integration.slug);
    own.note = json!(note);
    Ok(own)
}

/// Whether a workspace has a provider that stands on this integration.
pub(crate) fn any_of(state: &State, integration: &str, workspace: &str) -> bool {
    let mut own = state.virtual_keys.in_workspace(workspace).iter();
    own.any(|own| own.integration_id == integration)
}

/// Sets to zero what a workspace has used of an integration.
pub(crate) fn reset_usage(state: &mut State, integration: &str, workspace: &str, at: &str) {
    state.virtual_keys.edit_all(
        |own| own.integration_id == integration && own.workspace_id == workspace,
        |own| own.reset_usage(at),
    );
}

/// Counts a request that is being logged, if it says which key it was made with.
pub(crate) fn count(state: &mut State, workspace: &str, facts: &Facts, call: &Call) {
    let Some(slug) = facts.virtual_key.map(|name| state.logs.names.text(name)) else {
        return;
    };
    let own = state.virtual_keys.in_workspace(workspace);
    let counts = |own: &&VirtualKey| own.slug == slug && own.limits().limits();
    let id = own.iter().find(counts).map(|own| own.id.clone());
    if let Some(id) = id {
        state.virtual_keys.edit(&id, |key| {
            let mut meter = std::mem::take(&mut key.meter);
            key.limits().count(&mut meter, facts, call.now);
            key.meter = meter;
        });
    }
}

/// Takes away everything that stands on an integration.
pub(crate) fn forget_integration(state: &mut State, integration: &str) {
    let all = state.virtual_keys.iter();
    let standing = all.filter(|own| own.integration_id == integration);
    let ids: Vec<String> = standing.map(|own| own.id.clone()).collect();
    for id in ids {
        state.virtual_keys.remove(&id);
    }
}

fn list(state: &State, call: &Call) -> Answer {
    let keys = state.virtual_keys.listed(call);
    Ok(call.page_sized(PAGE, keys, |key| key.list_json(state, call)))
}

fn get(state: &State, call: &Call) -> Answer {
    let key = find(state, call, VirtualKey::NAME)?;
    Ok(Reply::json(key.detail_json(state, call)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    let (name, provider) = (call.required("name")?, call.required("provider")?);
    let workspace = call.needed_workspace()?;
    let taken =
        |slug: &str| is_taken(state, workspace, slug) || state.integrations.get(slug).is_some();
    let slug = slugs::choose(call.text("slug"), "slug", taken, name, &call.ids)?;
    let of = (provider, slug.as_str());
    let mut key = VirtualKey::new(
        name,
        slug.clone(),
        workspace,
        of,
        &call.timestamp(),
        &call.ids,
    );
    key.apply(call)?;
    key.apply_settings(state, call)?;
    let secret = call.text("key").filter(|secret| !secret.is_empty());
    let filled = secret_references::fill(&key.secret_mappings, "key");
    integrations::check_key(provider, secret.is_some() || filled)?;
    let owner = state.users.acting(call);
    let integration = Integration::behind(&key, secret, owner, &call.ids);
    // The document has the slug in `data`, clients look for it at the top.
    let body = json!({
        "success": true, "data": {"slug": key.slug},
        "id": key.id, "slug": key.slug, "object": "virtual-key",
    });
    state.integrations.put(integration);
    state.virtual_keys.put(key);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut key = find(state, call, VirtualKey::NAME)?.clone();
    key.apply(call)?;
    key.apply_settings(state, call)?;
    key.last_updated_at = Some(call.timestamp());
    if let Some(secret) = call.text("key") {
        let integration = state.integrations.get(&key.integration_id);
        if !integration.is_some_and(|own| own.is_behind(&key)) {
            let problem = "is that of an integration, and can be changed only there";
            return Err(Refusal::invalid_field("key", problem));
        }
        integrations::change_key(state, &key.integration_id, secret, &call.timestamp());
    }
    let body = json!({"id": key.id, "slug": key.slug, "object": "virtual-key"});
    state.virtual_keys.put(key);
    Ok(Reply::json(body))
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let key = find(state, call, VirtualKey::NAME)?.clone();
    remove(state, &key);
    Ok(Reply::done())
}

fn remove(state: &mut State, key: &VirtualKey) {
    state.virtual_keys.remove(&key.id);
    integrations::forget_virtual_key(state, key);
}

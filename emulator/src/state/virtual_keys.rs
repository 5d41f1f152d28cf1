//! Virtual keys, which are called providers in the newer API.
//!
//! Both use an integration, which holds the credentials. Creating a virtual key also creates an
//! integration; creating a provider requires an existing one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, timestamp};
use crate::ids::Ids;
use crate::state::logs::attributes::LogAttributes;
use crate::state::masking;
use crate::state::table::{Row, Table, row};
use crate::state::usage::{UsageCounter, UsageLimits};

pub(crate) type VirtualKeys = Table<VirtualKey>;

/// A virtual key or provider. Slugs are only unique within a workspace.
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
    pub(crate) note: Value,
    pub(crate) model_config: Value,
    pub(crate) usage_limits: Value,
    pub(crate) rate_limits: Value,
    #[serde(default)]
    pub(crate) tags: Value,
    pub(crate) expires_at: Value,
    pub(crate) last_reset_at: Option<String>,
    pub(crate) last_updated_at: Option<String>,
    /// The usage counted against `usage_limits`.
    #[serde(default)]
    pub(crate) usage: UsageCounter,
}

row! { VirtualKey: "virtual key", id: id, slug: slug, workspace: workspace_id }

impl VirtualKey {
    /// Creates the seeded virtual key.
    pub(crate) fn seed(workspace_id: &str, now: DateTime<Utc>, ids: &Ids) -> Self {
        let uses = ("openai", "openai-main");
        let slug = "openai-main".to_owned();
        Self {
            name: "OpenAI main".to_owned(),
            ..Self::new(slug, workspace_id, uses, &timestamp(now), ids)
        }
    }

    /// Creates a virtual key with its slug as the name; the pair is the AI provider and the slug of the
    /// integration.
    pub(crate) fn new(
        slug: String,
        workspace_id: &str,
        (provider, integration): (&str, &str),
        at: &str,
        ids: &Ids,
    ) -> Self {
        Self {
            id: ids.uuid(),
            name: slug.clone(),
            slug,
            workspace_id: workspace_id.to_owned(),
            provider: provider.to_owned(),
            integration_id: integration.to_owned(),
            secret_mappings: Vec::new(),
            created_at: at.to_owned(),
            note: Value::Null,
            model_config: Value::Null,
            usage_limits: Value::Null,
            rate_limits: Value::Null,
            tags: Value::Null,
            expires_at: Value::Null,
            last_reset_at: None,
            last_updated_at: None,
            usage: UsageCounter::default(),
        }
    }

    pub(crate) fn status(&self, now: DateTime<Utc>) -> &'static str {
        let expires = self.expires_at.as_str().map(DateTime::parse_from_rfc3339);
        match expires {
            Some(Ok(at)) if at <= now => "expired",
            _ if self.limits().is_exhausted(&self.usage, now) => "exhausted",
            _ => "active",
        }
    }

    pub(crate) fn limits(&self) -> UsageLimits<'_> {
        let created = self.created_at.parse().unwrap_or_default();
        UsageLimits::new(&self.usage_limits, created)
    }

    /// Counts a logged request against the limits.
    pub(crate) fn record_usage(&mut self, attributes: &LogAttributes, now: DateTime<Utc>) {
        let mut usage = std::mem::take(&mut self.usage);
        self.limits().record(&mut usage, attributes, now);
        self.usage = usage;
    }

    /// Resets the usage to zero.
    pub(crate) fn reset_usage(&mut self, at: &str) {
        self.usage = UsageCounter::default();
        self.last_reset_at = Some(at.to_owned());
    }

    /// Returns the fields that all representations share.
    pub(crate) fn json(&self, call: &Call) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "note": self.note,
            "status": self.status(call.now),
            "slug": self.slug,
            "integration_id": self.integration_id,
            "usage_limits": self.usage_limits,
            "rate_limits": self.rate_limits,
            "model_config": masking::mask_settings(&self.model_config),
            "expires_at": self.expires_at,
            "tags": self.tags,
            "created_at": self.created_at,
        })
    }

    /// Applies a create or update request for a virtual key or a provider.
    pub(crate) fn apply(&mut self, call: &Call) {
        call.set_str("name", &mut self.name);
        call.set_value("note", &mut self.note);
        call.set_value("usage_limits", &mut self.usage_limits);
        call.set_value("rate_limits", &mut self.rate_limits);
        call.set_value("tags", &mut self.tags);
        call.set_value("expires_at", &mut self.expires_at);
        call.set_value("model_config", &mut self.model_config);
    }
}

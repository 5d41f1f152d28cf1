//! Virtual keys: names for provider credentials. Read only, so far.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::call::{Call, Handlers, timestamp};
use crate::reply::{Answer, Refusal, Reply};
use crate::state::{State, new_id};

pub(crate) const HANDLERS: Handlers = &[("list_virtual_keys", list), ("get_virtual_key", get)];

/// A virtual key.
pub(crate) struct VirtualKey {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) workspace_id: String,
    name: String,
    provider: String,
    created_at: String,
}

impl VirtualKey {
    /// The virtual key that exists from the start.
    pub(crate) fn seed(workspace_id: &str, now: DateTime<Utc>) -> Self {
        Self {
            id: new_id(),
            slug: "openai-main".to_owned(),
            workspace_id: workspace_id.to_owned(),
            name: "OpenAI main".to_owned(),
            provider: "openai".to_owned(),
            created_at: timestamp(now),
        }
    }

    /// A list item: unset members are null.
    fn list_json(&self, state: &State) -> Value {
        let workspace = state
            .workspaces
            .iter()
            .find(|workspace| workspace.id == self.workspace_id);
        json!({
            "id": self.id,
            "name": self.name,
            "note": null,
            "status": "active",
            "slug": self.slug,
            "provider": self.provider,
            "organisation_id": state.organisation_id,
            "workspace_id": self.workspace_id,
            "workspace_name": workspace.map(|workspace| workspace.shown_name()),
            "integration_id": self.slug,
            "usage_limits": null,
            "rate_limits": null,
            "reset_usage": null,
            "last_reset_at": null,
            "model_config": null,
            "tags": null,
            "expires_at": null,
            "created_at": self.created_at,
            "object": "virtual-key",
        })
    }

    /// A single virtual key: other members than in a list, and empty values instead of null.
    fn detail_json(&self) -> Value {
        json!({
            "id": self.id,
            "ai_provider_name": self.provider,
            "name": self.name,
            "note": null,
            "status": "active",
            "slug": self.slug,
            "key": "",
            "masked_api_key": "em*****key",
            "integration_id": self.slug,
            "usage_limits": null,
            "rate_limits": [],
            "last_reset_at": null,
            "model_config": {},
            "tags": null,
            "expires_at": null,
            "created_at": self.created_at,
            "object": "virtual-key",
        })
    }
}

fn list(state: &mut State, call: &Call) -> Answer {
    let workspace = state.workspace_filter(call)?;
    let wanted = |key: &&VirtualKey| workspace.as_ref().is_none_or(|id| *id == key.workspace_id);
    Ok(call.page(
        state
            .virtual_keys
            .iter()
            .filter(wanted)
            .map(|key| key.list_json(state))
            .collect(),
    ))
}

fn get(state: &mut State, call: &Call) -> Answer {
    let seen = |key: &&VirtualKey| key.slug == call.id(0) && call.caller.sees(&key.workspace_id);
    let key = state
        .virtual_keys
        .iter()
        .find(seen)
        .ok_or_else(|| Refusal::missing("virtual key"))?;
    Ok(Reply::json(key.detail_json()))
}

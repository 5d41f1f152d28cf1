//! The common part of usage-limit and rate-limit policies: the requests that they apply to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::error::ApiError;

/// The condition keys of the OpenAPI document, apart from `metadata.<key>`. The service is assumed
/// to support all of them.
pub(crate) const CONDITION_KEYS: [&str; 8] = [
    "api_key",
    "organisation_id",
    "workspace_id",
    "config",
    "model",
    "prompt",
    "provider",
    "virtual_key",
];

/// The fields that every policy has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) id: String,
    pub(crate) workspace_id: String,
    pub(crate) name: Option<String>,
    /// Pairs of `key` and `value`, all of which must match a request.
    pub(crate) conditions: Vec<Value>,
    /// Objects with a `key`.
    pub(crate) group_by: Vec<Value>,
    pub(crate) kind: String,
    pub(crate) archived: bool,
    pub(crate) created_at: String,
    pub(crate) last_updated_at: String,
}

impl Policy {
    /// Creates a policy from a validated body.
    pub(crate) fn new(call: &Call) -> Result<Self, ApiError> {
        let policy = Self {
            id: call.ids.uuid(),
            workspace_id: call.required_workspace()?.to_owned(),
            name: call.body_str("name").map(str::to_owned),
            conditions: call.body_items("conditions").to_vec(),
            group_by: call.body_items("group_by").to_vec(),
            kind: call.required_str("type")?.to_owned(),
            archived: false,
            created_at: call.timestamp(),
            last_updated_at: call.timestamp(),
        };
        validate_keys("conditions", &policy.conditions)?;
        validate_keys("group_by", &policy.group_by)?;
        Ok(policy)
    }

    /// Applies an update request.
    pub(crate) fn apply(&mut self, call: &Call) {
        if let Some(name) = call.body_str("name") {
            self.name = Some(name.to_owned());
        }
        if let Some(status) = call.body_str("status") {
            self.archived = status == "archived";
        }
        self.last_updated_at = call.timestamp();
    }

    /// Returns whether the policy passes the query filters; by default only active policies do.
    pub(crate) fn matches_query(&self, call: &Call) -> bool {
        call.query_param("status").unwrap_or("active") == self.status()
            && call.matches_filter("type", &self.kind)
    }

    pub(crate) fn status(&self) -> &'static str {
        if self.archived { "archived" } else { "active" }
    }
}

pub(crate) fn validate_keys(name: &str, items: &[Value]) -> Result<(), ApiError> {
    for (index, item) in items.iter().enumerate() {
        let key = item["key"].as_str().unwrap_or_default();
        let metadata_key = key.strip_prefix("metadata.").unwrap_or_default();
        if metadata_key.is_empty() && !CONDITION_KEYS.contains(&key) {
            let field_path = format!("{name}/{index}/key");
            let known = CONDITION_KEYS.join(", ");
            let reason = format!("must be `metadata.` followed by a key, or one of {known}");
            return Err(ApiError::invalid_field(&field_path, &reason));
        }
    }
    Ok(())
}

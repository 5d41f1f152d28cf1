//! The common part of usage-limit and rate-limit policies: the requests that they apply to.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::logs::attributes::LogAttributes;
use super::logs::strings::{StringId, StringPool};
use super::organisation::OrganisationInfo;
use crate::call::Call;
use crate::error::ApiError;

/// The condition keys of the OpenAPI document and of the vendor's documentation, apart from
/// `metadata.<key>`. The service is assumed to support all of them. Logs have neither the type of an
/// endpoint nor MCP tools, so that conditions on these match nothing.
pub(crate) const CONDITION_KEYS: [&str; 11] = [
    "api_key",
    "organisation_id",
    "workspace_id",
    "config",
    "endpoint_type",
    "mcp_server",
    "mcp_tool",
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
    #[serde(default)]
    pub(crate) description: Value,
    #[serde(default)]
    pub(crate) created_by: String,
    /// Objects with `key`, `value` and `excludes`, all of which must match a request.
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
            description: call.body_value("description"),
            created_by: call.caller.key_id.clone(),
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

    /// Applies an update request. Conditions can change (V132), the grouping cannot.
    pub(crate) fn apply(&mut self, call: &Call) -> Result<(), ApiError> {
        if call.body_field("conditions").is_some() {
            let conditions = call.body_items("conditions");
            validate_keys("conditions", conditions)?;
            self.conditions = conditions.to_vec();
        }
        if let Some(name) = call.body_str("name") {
            self.name = Some(name.to_owned());
        }
        call.set_value("description", &mut self.description);
        if let Some(status) = call.body_str("status") {
            self.archived = status == "archived";
        }
        self.last_updated_at = call.timestamp();
        Ok(())
    }

    /// Returns whether the policy passes the query filters; by default only active policies do.
    pub(crate) fn matches_query(&self, call: &Call) -> bool {
        call.query_param("status").unwrap_or("active") == self.status()
            && call.matches_filter("type", &self.kind)
            && call.matches_search(&[self.name.as_deref().unwrap_or_default()])
    }

    pub(crate) fn json(&self, organisation: &OrganisationInfo) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "created_by": self.created_by,
            "conditions": self.conditions,
            "group_by": self.group_by,
            "type": self.kind,
            "status": self.status(),
            "organisation_id": organisation.id,
            "workspace_id": self.workspace_id,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "policy",
        })
    }

    /// Returns the group that a request counts towards, as `key:value,key:value`; `None` if the
    /// policy does not apply to the request, or the request lacks a value.
    pub(crate) fn group(
        &self,
        organisation: &OrganisationInfo,
        strings: &StringPool,
        workspace: &str,
        attributes: &LogAttributes,
    ) -> Option<String> {
        if self.archived || self.workspace_id != workspace {
            return None;
        }
        let value = |key: &Value| match key["key"].as_str()? {
            "organisation_id" => Some(organisation.id.as_str()),
            "workspace_id" => Some(workspace),
            key => request_value(strings, attributes, key),
        };
        let matches = |condition: &Value| {
            value(condition).is_some_and(|value| matches_condition(condition, value))
        };
        if !self.conditions.iter().all(matches) {
            return None;
        }
        let part = |key: &Value| Some(format!("{}:{}", key["key"].as_str()?, value(key)?));
        let parts: Option<Vec<String>> = self.group_by.iter().map(part).collect();
        Some(parts?.join(","))
    }

    /// Returns the response to a creation.
    pub(crate) fn created_json(&self) -> Value {
        json!({"id": self.id, "object": "policy"})
    }

    pub(crate) fn status(&self) -> &'static str {
        if self.archived { "archived" } else { "active" }
    }
}

/// Returns whether a value is one of the values of a condition, and none that it excludes (V139).
fn matches_condition(condition: &Value, value: &str) -> bool {
    let names = |names: &Value| match names {
        Value::Array(names) => names.iter().any(|name| *name == value || *name == "*"),
        name => *name == value || *name == "*",
    };
    let (included, excluded) = (&condition["value"], &condition["excludes"]);
    (included.is_null() || names(included)) && !names(excluded)
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

/// Returns a request's value for the key of a condition or a grouping.
fn request_value<'a>(
    strings: &'a StringPool,
    attributes: &LogAttributes,
    key: &str,
) -> Option<&'a str> {
    let string = |id: Option<StringId>| id.map(|id| strings.resolve(id));
    match key {
        "api_key" => string(Some(attributes.api_key)),
        "config" => string(attributes.config),
        "model" => string(attributes.model),
        "prompt" => string(attributes.prompt),
        "provider" => string(attributes.provider),
        "virtual_key" => string(attributes.virtual_key),
        other => {
            let key = strings.get(other.strip_prefix("metadata.")?)?;
            let mut metadata = attributes.metadata.iter();
            string(
                metadata
                    .find(|(name, _)| *name == key)
                    .map(|(_, value)| *value),
            )
        }
    }
}

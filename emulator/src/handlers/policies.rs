//! The requests that a policy applies to.

use serde_json::{Value, json};

use crate::state::State;
use crate::state::logs::attributes::LogAttributes;
use crate::state::logs::log_store::StringId;
use crate::state::policies::Policy;

impl Policy {
    pub(crate) fn json(&self, state: &State) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "conditions": self.conditions,
            "group_by": self.group_by,
            "type": self.kind,
            "status": self.status(),
            "organisation_id": state.organisation.id,
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
        state: &State,
        workspace: &str,
        attributes: &LogAttributes,
    ) -> Option<String> {
        if self.archived || self.workspace_id != workspace {
            return None;
        }
        let value = |key: &Value| request_value(state, workspace, attributes, key["key"].as_str()?);
        let matches = |condition: &Value| value(condition) == condition["value"].as_str();
        if !self.conditions.iter().all(matches) {
            return None;
        }
        let part = |key: &Value| Some(format!("{}:{}", key["key"].as_str()?, value(key)?));
        let parts: Option<Vec<String>> = self.group_by.iter().map(part).collect();
        Some(parts?.join(","))
    }
}

/// Returns a request's value for the key of a condition or a grouping.
fn request_value<'a>(
    state: &'a State,
    workspace: &'a str,
    attributes: &LogAttributes,
    key: &str,
) -> Option<&'a str> {
    let strings = &state.logs.strings;
    let string = |id: Option<StringId>| id.map(|id| strings.resolve(id));
    match key {
        "api_key" => string(Some(attributes.api_key)),
        "organisation_id" => Some(&state.organisation.id),
        "workspace_id" => Some(workspace),
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

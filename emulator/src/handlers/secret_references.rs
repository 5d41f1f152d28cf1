//! Operations on secret references, and mappings to them in other resources.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::organisation::Plan;
use crate::state::secret_references::SecretReference;
use crate::state::table::Row;
use crate::state::{State, masking, slugs};

pub(crate) const RESOURCE: Resource = Resource {
    guards: &[
        ("list_secret_references", require_enterprise_plan),
        ("get_secret_reference", require_enterprise_plan),
        ("create_secret_reference", require_enterprise_plan),
        ("update_secret_reference", require_enterprise_plan),
        ("delete_secret_reference", require_enterprise_plan),
    ],
    ..Resource::new(&[
        ("list_secret_references", Read(list)),
        ("get_secret_reference", Read(get)),
        ("create_secret_reference", Write(create)),
        ("update_secret_reference", Write(update)),
        ("delete_secret_reference", Write(delete)),
    ])
};

/// The default and the maximum page size.
const PAGE_SIZES: (u64, u64) = (20, 100);

impl SecretReference {
    fn detail_json(&self, state: &State) -> Value {
        let mut body = self.list_json();
        body["organisation_id"] = json!(state.organisation.id);
        body["description"] = self.description.clone();
        body["secret_path"] = json!(self.secret_path);
        body["secret_key"] = self.secret_key.clone();
        body["allow_all_workspaces"] = json!(self.allow_all_workspaces);
        body["tags"] = self.tags.clone();
        body["created_by"] = json!(self.created_by);
        body["auth_config"] = masking::mask_settings(&Value::Object(self.auth_config.clone()));
        body
    }

    /// Applies a create or update request.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), ApiError> {
        call.set_str("name", &mut self.name);
        call.set_str("secret_path", &mut self.secret_path);
        call.set_value("description", &mut self.description);
        call.set_value("secret_key", &mut self.secret_key);
        call.set_value("tags", &mut self.tags);
        self.last_updated_at = call.timestamp();
        self.apply_auth(call.body_field("auth_config"))?;
        self.apply_workspaces(state, call)
    }

    fn apply_workspaces(&mut self, state: &State, call: &Call) -> Result<(), ApiError> {
        let all = call
            .body_field("allow_all_workspaces")
            .and_then(Value::as_bool);
        if call.body_field("allowed_workspaces").is_some() {
            self.allowed_workspaces = workspace_ids(state, call)?;
            self.allow_all_workspaces = false;
        } else if let Some(all) = all {
            self.allow_all_workspaces = all;
            if all {
                self.allowed_workspaces.clear();
            }
        }
        Ok(())
    }
}

/// Returns the UUIDs of the workspaces in `allowed_workspaces`.
fn workspace_ids(state: &State, call: &Call) -> Result<Vec<String>, ApiError> {
    let items = call.body_items("allowed_workspaces").iter().enumerate();
    let resolved = items.map(|(index, key)| {
        let field_path = format!("allowed_workspaces/{index}");
        state.workspaces.resolve_field(key, &field_path, call)
    });
    resolved.collect()
}

/// Replaces `mappings` with the `secret_mappings` of the body, if any. `targets` are the fields that
/// can be filled; a target that ends with a dot is a prefix.
pub(crate) fn update_mappings(
    state: &State,
    call: &Call,
    targets: &[&str],
    workspace: Option<&str>,
    mappings: &mut Vec<Value>,
) -> Result<(), ApiError> {
    if call.body_field("secret_mappings").is_some() {
        *mappings = parse_mappings(state, call, targets, workspace)?;
    }
    Ok(())
}

/// Validates and returns the `secret_mappings` of the body.
fn parse_mappings(
    state: &State,
    call: &Call,
    targets: &[&str],
    workspace: Option<&str>,
) -> Result<Vec<Value>, ApiError> {
    let mut seen = HashSet::new();
    for (index, mapping) in call.body_items("secret_mappings").iter().enumerate() {
        let error = |name: &str, reason: &str| {
            let field_path = format!("secret_mappings/{index}/{name}");
            Err(ApiError::invalid_field(&field_path, reason))
        };
        let target = mapping["target_field"].as_str().unwrap_or_default();
        let is_match = |known: &&str| match known.strip_suffix('.') {
            Some(_) => target.len() > known.len() && target.starts_with(*known),
            None => target == *known,
        };
        if !targets.iter().any(is_match) {
            return error(
                "target_field",
                "is not a field that a secret reference can fill",
            );
        }
        if !seen.insert(target) {
            return error("target_field", "is already filled by an earlier mapping");
        }
        let key = mapping["secret_reference_id"].as_str().unwrap_or_default();
        match state.secret_references.get(key) {
            None => {
                let reason = "is not the id or slug of a secret reference";
                return error("secret_reference_id", reason);
            }
            Some(reference) if workspace.is_some_and(|id| !reference.allows_workspace(id)) => {
                return error("secret_reference_id", "is not available to this workspace");
            }
            Some(_) => {}
        }
    }
    Ok(call.body_items("secret_mappings").to_vec())
}

fn require_enterprise_plan(state: &State, _: &Call) -> Result<(), ApiError> {
    match state.organisation.plan {
        Plan::Enterprise => Ok(()),
        Plan::Free => Err(ApiError::forbidden(
            "secret references require the Enterprise plan",
        )),
    }
}

pub(super) fn remove_workspace(state: &mut State, workspace: &str) {
    let allows = |reference: &SecretReference| {
        reference
            .allowed_workspaces
            .iter()
            .any(|id| id == workspace)
    };
    state.secret_references.update_where(allows, |reference| {
        reference.allowed_workspaces.retain(|id| id != workspace);
    });
}

fn list(state: &State, call: &Call) -> HandlerResult {
    let tags = match call.query_param("tags").map(serde_json::from_str) {
        None => Map::new(),
        Some(Ok(Value::Object(tags))) => tags,
        Some(_) => {
            let message = "query parameter `tags` is not a JSON object";
            return Err(ApiError::bad_request(message));
        }
    };
    let matching = state.secret_references.all().filter(|reference| {
        reference.visible_to(&call.caller)
            && call.matches_filter("manager_type", &reference.manager_type)
            && call.matches_search(&[&reference.name])
            && tags.iter().all(|(name, tag)| reference.tags[name] == *tag)
    });
    Ok(call.page_sized(PAGE_SIZES, matching, |reference| reference.list_json()))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let reference = state.secret_references.find_by_path(call)?;
    respond(reference.detail_json(state))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let name = call.required_str("name")?;
    let is_taken = |slug: &str| state.secret_references.get(slug).is_some();
    let slug = slugs::choose(call.body_str("slug"), "slug", is_taken, name, &call.ids)?;
    let mut reference = SecretReference {
        id: call.ids.uuid(),
        slug,
        name: name.to_owned(),
        description: Value::Null,
        manager_type: call.required_str("manager_type")?.to_owned(),
        auth_config: Map::new(),
        secret_path: call.required_str("secret_path")?.to_owned(),
        secret_key: Value::Null,
        tags: Value::Null,
        allow_all_workspaces: true,
        allowed_workspaces: Vec::new(),
        created_by: state.users.acting_user(call).to_owned(),
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
    };
    reference.apply(state, call)?;
    let body = json!({"id": reference.id, "slug": reference.slug, "object": "secret-reference"});
    state.secret_references.put(reference);
    respond(body)
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut reference = state.secret_references.find_by_path(call)?.clone();
    reference.apply(state, call)?;
    state.secret_references.put(reference);
    Ok(ResponseBody::empty_object())
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let reference = state.secret_references.find_by_path(call)?;
    if let Some(user) = find_usage(state, reference) {
        let message = format!("the secret reference is in use by {user}");
        return Err(ApiError::bad_request(message));
    }
    let id = reference.id.clone();
    state.secret_references.remove(&id);
    Ok(ResponseBody::empty_object())
}

/// Returns a resource that uses this reference, for the error message.
fn find_usage(state: &State, reference: &SecretReference) -> Option<String> {
    let is_used_in = |secret_mappings: &[Value]| {
        let mut keys = secret_mappings
            .iter()
            .map(|mapping| &mapping["secret_reference_id"]);
        keys.any(|key| *key == reference.id || *key == reference.slug)
    };
    let integration = state
        .integrations
        .iter()
        .find(|holder| is_used_in(&holder.secret_mappings));
    let key = state
        .virtual_keys
        .iter()
        .find(|holder| is_used_in(&holder.secret_mappings));
    let mcp = &state.mcp.integrations;
    let mcp = mcp
        .iter()
        .find(|holder| is_used_in(&holder.settings.secret_mappings));
    integration
        .map(|holder| format!("the integration `{}`", holder.slug))
        .or_else(|| key.map(|holder| format!("the virtual key `{}`", holder.slug)))
        .or_else(|| mcp.map(|holder| format!("the MCP integration `{}`", holder.slug)))
}

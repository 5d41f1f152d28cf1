//! Authorisation, checked for every operation before its handler runs.
//!
//! The manifest declares what an operation accepts (`access`: kinds of key, scopes, plan). This
//! module applies these rules and lists the operations that require a workspace.

use portkey_admin_codegen::manifest::Entry;

use crate::call::{Call, Caller};
use crate::error::ApiError;
use crate::state::State;
use crate::state::organisation::Plan;

/// Operations that require a `workspace_id` with an organisation key. A workspace key implies it.
const WORKSPACE_REQUIRED: &[&str] = &[
    "create_collection",
    "create_config",
    "create_mcp_server",
    "create_prompt_partial",
    "create_provider",
    "create_rate_limits_policy",
    "create_scim_workspace_mapping",
    "create_usage_limits_policy",
    "create_virtual_key",
    "delete_provider",
    "get_provider",
    "list_collections",
    "list_guardrails",
    "list_prompt_partials",
    "list_providers",
    "list_rate_limits_policies",
    "list_usage_limits_policies",
    "update_provider",
];

/// Operations whose `workspace_id` is only a filter or a reference.
const WORKSPACE_ID_IS_FILTER: &[&str] = &["list_audit_logs", "list_scim_workspace_mappings"];

/// Checks the kind of the key, its scopes, and the organisation's plan.
pub(crate) fn authorise(entry: &Entry, caller: &Caller, plan: Plan) -> Result<(), ApiError> {
    let access = &entry.access;
    let kind = caller.kind();
    if !access.keys.is_empty() && !access.keys.iter().any(|known| known == kind) {
        let message = format!("`{}` does not accept {kind} keys", entry.id);
        return Err(ApiError::forbidden(message));
    }
    if !access.scopes.is_empty() && !access.scopes.iter().any(|scope| caller.scopes.has(scope)) {
        let scopes = access.scopes.join(", ");
        let message = format!("`{}` requires one of the scopes {scopes}", entry.id);
        return Err(ApiError::forbidden(message));
    }
    if plan != Plan::Enterprise && access.plan.as_deref() == Some("enterprise") {
        let message = format!("`{}` requires the Enterprise plan", entry.id);
        return Err(ApiError::forbidden(message));
    }
    Ok(())
}

/// Returns the UUID of the workspace that the request names by UUID or slug, or of the key's
/// workspace. A workspace that does not exist or is not accessible to the key is a 403. `in_query`
/// is whether the parameter is expected in the query rather than the body.
pub(crate) fn resolve_workspace(
    state: &State,
    call: &Call,
    in_query: bool,
) -> Result<Option<String>, ApiError> {
    let key_workspace = call.caller.workspace_id.clone();
    let operation = call.operation.as_str();
    if WORKSPACE_ID_IS_FILTER.contains(&operation) {
        return Ok(key_workspace);
    }
    let requested = call
        .query_param("workspace_id")
        .or_else(|| call.body_str("workspace_id"))
        .filter(|key| !key.is_empty());
    match requested {
        Some(key) => state.workspaces.resolve(key, &call.caller).map(Some),
        None if key_workspace.is_none() && WORKSPACE_REQUIRED.contains(&operation) => {
            Err(if in_query {
                ApiError::bad_request(
                    "query parameter `workspace_id` is required with an organisation key",
                )
            } else {
                ApiError::invalid_field("workspace_id", "is required with an organisation key")
            })
        }
        None => Ok(key_workspace),
    }
}

#[cfg(test)]
mod tests {
    use super::{WORKSPACE_ID_IS_FILTER, WORKSPACE_REQUIRED};

    #[test]
    fn the_lists_name_known_operations() {
        let routes = &crate::api_spec::get().unwrap().routes;
        for id in WORKSPACE_REQUIRED.iter().chain(WORKSPACE_ID_IS_FILTER) {
            assert!(routes.iter().any(|route| route.entry.id == *id), "{id}");
        }
    }
}

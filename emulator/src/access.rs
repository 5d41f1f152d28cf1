//! Who may do what: decided here for every operation, before any handler runs.
//!
//! What an operation takes stands in the ledger (`access`: kinds of key, scopes, plan). Here stands
//! how the service applies it, and which operations want the workspace named.

use portkey_admin_codegen::manifest::Entry;

use crate::call::{Call, Caller};
use crate::handlers::State;
use crate::response::ApiError;
use crate::seed::Plan;

/// With a key of the organisation, these want a `workspace_id`; a workspace key implies its own.
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

/// What these call `workspace_id` is no more than a filter or a reference of their own.
const WORKSPACE_ID_IS_FILTER: &[&str] = &["list_audit_logs", "list_scim_workspace_mappings"];

/// Refuses a key whose kind, scopes or organisation's plan the operation does not take.
pub(crate) fn authorise(entry: &Entry, caller: &Caller, plan: Plan) -> Result<(), ApiError> {
    let access = &entry.access;
    let kind = caller.kind();
    if !access.keys.is_empty() && !access.keys.iter().any(|known| known == kind) {
        let message = format!("`{}` does not take {kind} keys", entry.id);
        return Err(ApiError::forbidden(message));
    }
    if !access.scopes.is_empty() && !access.scopes.iter().any(|scope| caller.scopes.has(scope)) {
        let scopes = access.scopes.join(", ");
        let message = format!("`{}` needs one of the scopes {scopes}", entry.id);
        return Err(ApiError::forbidden(message));
    }
    if plan != Plan::Enterprise && access.plan.as_deref() == Some("enterprise") {
        let message = format!("`{}` is part of the Enterprise plan", entry.id);
        return Err(ApiError::forbidden(message));
    }
    Ok(())
}

/// The workspace that a request is about, by UUID: the one that it names by UUID or slug, or the
/// key's own. One that is gone, or not the key's, is 403. `in_query` says where a name is missed.
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
        Some(key) => crate::handlers::workspaces::resolve(state, key, &call.caller).map(Some),
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

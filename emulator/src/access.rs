//! Who may do what: decided here for every operation, before any handler runs.
//!
//! What an operation takes stands in the ledger (`access`: kinds of key, scopes, plan). Here stands
//! how the service applies it, and which operations want the workspace named.

use portkey_admin_codegen::ledger::Entry;

use crate::call::{Call, Caller};
use crate::reply::Refusal;
use crate::rooms::State;
use crate::seed::Plan;

/// With a key of the organisation, these want a `workspace_id`; a workspace key implies its own.
const NAMES_WORKSPACE: &[&str] = &[
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
const MEANS_SOMETHING_ELSE: &[&str] = &["list_audit_logs", "list_scim_workspace_mappings"];

/// Refuses a key whose kind, scopes or organisation's plan the operation does not take.
pub(crate) fn authorise(entry: &Entry, caller: &Caller, plan: Plan) -> Result<(), Refusal> {
    let access = &entry.access;
    let kind = caller.kind();
    if !access.keys.is_empty() && !access.keys.iter().any(|known| known == kind) {
        let message = format!("`{}` does not take {kind} keys", entry.id);
        return Err(Refusal::forbidden(message));
    }
    if !access.scopes.is_empty() && !access.scopes.iter().any(|scope| caller.scopes.has(scope)) {
        let scopes = access.scopes.join(", ");
        let message = format!("`{}` needs one of the scopes {scopes}", entry.id);
        return Err(Refusal::forbidden(message));
    }
    if plan != Plan::Enterprise && access.plan.as_deref() == Some("enterprise") {
        let message = format!("`{}` is part of the Enterprise plan", entry.id);
        return Err(Refusal::forbidden(message));
    }
    Ok(())
}

/// The workspace that a request is about, by UUID: the one that it names by UUID or slug, or the
/// key's own. One that is gone, or not the key's, is 403. `in_query` says where a name is missed.
pub(crate) fn workspace(
    state: &State,
    call: &Call,
    in_query: bool,
) -> Result<Option<String>, Refusal> {
    let own = call.caller.workspace_id.clone();
    let operation = call.operation.as_str();
    if MEANS_SOMETHING_ELSE.contains(&operation) {
        return Ok(own);
    }
    let named = call
        .query_text("workspace_id")
        .or_else(|| call.text("workspace_id"))
        .filter(|key| !key.is_empty());
    match named {
        Some(key) => crate::rooms::workspaces::resolve(state, key, &call.caller).map(Some),
        None if own.is_none() && NAMES_WORKSPACE.contains(&operation) => Err(if in_query {
            Refusal::invalid("query parameter `workspace_id` is required with an organisation key")
        } else {
            Refusal::invalid_field("workspace_id", "is required with an organisation key")
        }),
        None => Ok(own),
    }
}

#[cfg(test)]
mod tests {
    use super::{MEANS_SOMETHING_ELSE, NAMES_WORKSPACE};

    #[test]
    fn the_lists_name_operations() {
        let routes = &crate::model::get().unwrap().routes;
        for id in NAMES_WORKSPACE.iter().chain(MEANS_SOMETHING_ELSE) {
            assert!(routes.iter().any(|route| route.entry.id == *id), "{id}");
        }
    }
}

//! Authorisation, checked for every operation before its handler runs.
//!
//! The manifest declares what an operation accepts (`access`: kinds of key, scopes, plan). This
//! module applies these rules and lists the operations that require a workspace.

use portkey_admin_codegen::manifest::{Entry, RequiredScopes};
use uuid::Uuid;

use crate::call::{Call, Caller};
use crate::error::ApiError;
use crate::state::State;
use crate::state::organisation::Plan;
use crate::validate::Check;

/// Operations that require a `workspace_id` in the body with an organisation key. A workspace key
/// implies it. For the query, the manifest declares it (`default_workspace`).
const WORKSPACE_REQUIRED: &[&str] = &[
    "create_access_policy",
    "create_agent_server",
    "create_collection",
    "create_config",
    "create_mcp_server",
    "create_prompt_partial",
    "create_provider",
    "create_rate_limits_policy",
    "create_scim_workspace_mapping",
    "create_usage_limits_policy",
    "create_virtual_key",
];

/// Operations that accept only the UUID of a workspace with an organisation key, not its slug
/// (M122).
const WORKSPACE_UUID_ONLY: &[&str] = &[
    "create_provider",
    "delete_provider",
    "get_provider",
    "list_providers",
    "update_provider",
];

/// Operations whose `workspace_id` is only a filter or a reference.
const WORKSPACE_ID_IS_FILTER: &[&str] = &[
    "list_audit_logs",
    "list_mcp_registry_servers",
    "list_scim_workspace_mappings",
];

/// Checks the kind of the key, its scopes, and the organisation's plan.
pub(crate) fn authorise(entry: &Entry, caller: &Caller, plan: Plan) -> Result<(), ApiError> {
    let access = &entry.access;
    let kind = caller.kind();
    if !access.keys.is_empty() && !access.keys.iter().any(|known| known == kind) {
        let message = format!("`{}` does not accept {kind} keys", entry.id);
        return Err(ApiError::forbidden(message));
    }
    if let Some(scopes) = &access.scopes
        && !scopes.are_granted(|scope| caller.scopes.has(scope))
    {
        let quantity = match scopes {
            RequiredScopes::AnyOf(_) => "one",
            RequiredScopes::AllOf(_) => "all",
        };
        let names = scopes.names().join(", ");
        let message = format!("`{}` requires {quantity} of the scopes {names}", entry.id);
        return Err(ApiError::forbidden(message));
    }
    if plan != Plan::Enterprise && access.plan.as_deref() == Some("enterprise") {
        let message = format!("`{}` requires the Enterprise plan", entry.id);
        return Err(ApiError::forbidden(message));
    }
    Ok(())
}

/// How an operation takes its workspace. The default is that of links: it takes none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WorkspaceParameter {
    /// Whether it is in the query rather than the body.
    in_query: bool,
    /// Whether an organisation key must send it.
    is_required: bool,
}

impl WorkspaceParameter {
    pub(crate) fn new(entry: &Entry, check: &Check) -> Self {
        let is_required =
            entry.default_workspace || WORKSPACE_REQUIRED.contains(&entry.id.as_str());
        Self {
            in_query: check.declares_query_param("workspace_id"),
            is_required,
        }
    }

    fn error(self, reason: &str) -> ApiError {
        match self.in_query {
            true => ApiError::bad_request(format!("query parameter `workspace_id` {reason}")),
            false => ApiError::invalid_field("workspace_id", reason),
        }
    }
}

/// Returns the UUID of the workspace that the request names by UUID or slug, or of the key's
/// workspace. A workspace that does not exist or is not accessible to the key is a 403.
pub(crate) fn resolve_workspace(
    state: &State,
    call: &Call,
    parameter: WorkspaceParameter,
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
    let is_organisation_key = key_workspace.is_none();
    let uuid_only = is_organisation_key && WORKSPACE_UUID_ONLY.contains(&operation);
    match requested {
        Some(key) if uuid_only && Uuid::try_parse(key).is_err() => {
            Err(parameter.error("must be the UUID of the workspace with an organisation key"))
        }
        Some(key) => state.workspaces.resolve(key, &call.caller).map(Some),
        None if is_organisation_key && parameter.is_required => {
            Err(parameter.error("is required with an organisation key"))
        }
        None => Ok(key_workspace),
    }
}

#[cfg(test)]
mod tests {
    use super::{WORKSPACE_ID_IS_FILTER, WORKSPACE_REQUIRED, WORKSPACE_UUID_ONLY};

    #[test]
    fn the_lists_name_known_operations() {
        let routes = &crate::api_spec::get().unwrap().routes;
        let lists = [
            WORKSPACE_REQUIRED,
            WORKSPACE_UUID_ONLY,
            WORKSPACE_ID_IS_FILTER,
        ];
        for id in lists.into_iter().flatten() {
            assert!(routes.iter().any(|route| route.entry.id == *id), "{id}");
        }
    }
}

//! Names of scopes, which are the permissions of an API key.
//!
//! The scopes were observed on keys or are documented. Apart from recorded 403 responses, their
//! descriptions follow from their names. The service has more scopes and adds others, so requests
//! accept any string as a scope:
//!
//! ```
//! # #[cfg(feature = "api_keys")] {
//! use portkey_admin::{scopes, api_keys::CreateApiKeyRequest};
//!
//! let body = CreateApiKeyRequest::builder()
//!     .name("ci")
//!     .scopes([scopes::COMPLETIONS_WRITE, scopes::LOGS_VIEW]);
//! # }
//! ```

/// Defines a constant for each scope, and a list of all.
macro_rules! scopes {
    ($($name:ident = $scope:literal, $description:literal;)*) => {
        $(#[doc = concat!("`", $scope, "`: ", $description, ".")] pub const $name: &str = $scope;)*

        /// All scopes of this module, in alphabetical order.
        pub const ALL: &[&str] = &[$($name,)*];
    };
}

scopes! {
    AGENTS_INVOKE = "agents.invoke", "calls agents";
    ANALYTICS_VIEW = "analytics.view", "reads analytics";
    COMPLETIONS_WRITE = "completions.write", "makes completions through the gateway";
    CONFIGS_CREATE = "configs.create", "creates configs";
    CONFIGS_DELETE = "configs.delete", "deletes configs";
    CONFIGS_LIST = "configs.list", "lists configs";
    CONFIGS_READ = "configs.read", "reads configs";
    CONFIGS_UPDATE = "configs.update", "changes configs";
    LOGS_EXPORT = "logs.export", "exports logs";
    LOGS_LIST = "logs.list", "lists logs";
    LOGS_VIEW = "logs.view", "reads logs";
    MCP_INVOKE = "mcp.invoke", "calls MCP servers";
    ORGANISATION_AGENT_INTEGRATIONS_LIST = "organisation_agent_integrations.list", "lists the organisation's agent integrations";
    ORGANISATION_EXCLUSIONS_LIST = "organisation_exclusions.list", "lists the workspaces that are exempt from the organisation's guardrails";
    ORGANISATION_EXCLUSIONS_UPDATE = "organisation_exclusions.update", "changes which workspaces are exempt from the organisation's guardrails";
    ORGANISATION_INTEGRATIONS_LIST = "organisation_integrations.list", "lists the organisation's integrations";
    ORGANISATION_INTEGRATIONS_READ = "organisation_integrations.read", "reads the organisation's integrations";
    ORGANISATION_SERVICE_API_KEYS_CREATE = "organisation_service_api_keys.create", "creates service keys of the organisation";
    ORGANISATION_SERVICE_API_KEYS_DELETE = "organisation_service_api_keys.delete", "deletes service keys of the organisation";
    ORGANISATION_SERVICE_API_KEYS_LIST = "organisation_service_api_keys.list", "lists service keys of the organisation";
    ORGANISATION_SERVICE_API_KEYS_READ = "organisation_service_api_keys.read", "reads service keys of the organisation";
    ORGANISATION_SERVICE_API_KEYS_ROTATE = "organisation_service_api_keys.rotate", "rotates service keys of the organisation";
    ORGANISATION_SERVICE_API_KEYS_UPDATE = "organisation_service_api_keys.update", "changes service keys of the organisation";
    ORGANISATION_SETTINGS_READ = "organisation_settings.read", "reads the organisation's settings";
    ORGANISATION_SETTINGS_UPDATE = "organisation_settings.update", "changes the organisation's settings";
    ORGANISATION_USERS_CREATE = "organisation_users.create", "invites users to the organisation";
    ORGANISATION_USERS_DELETE = "organisation_users.delete", "removes users from the organisation";
    ORGANISATION_USERS_LIST = "organisation_users.list", "lists the organisation's users";
    ORGANISATION_USERS_READ = "organisation_users.read", "reads the organisation's users";
    ORGANISATION_USERS_UPDATE = "organisation_users.update", "changes the organisation's users";
    PROMPTS_CREATE = "prompts.create", "creates prompts";
    PROMPTS_LIST = "prompts.list", "lists prompts";
    PROMPTS_READ = "prompts.read", "reads prompts";
    VIRTUAL_KEYS_CREATE = "virtual_keys.create", "creates virtual keys";
    VIRTUAL_KEYS_DELETE = "virtual_keys.delete", "deletes virtual keys";
    VIRTUAL_KEYS_LIST = "virtual_keys.list", "lists virtual keys";
    VIRTUAL_KEYS_READ = "virtual_keys.read", "reads virtual keys";
    VIRTUAL_KEYS_UPDATE = "virtual_keys.update", "changes virtual keys";
    WORKSPACE_SERVICE_API_KEYS_CREATE = "workspace_service_api_keys.create", "creates service keys of a workspace";
    WORKSPACE_SERVICE_API_KEYS_DELETE = "workspace_service_api_keys.delete", "deletes service keys of a workspace";
    WORKSPACE_SERVICE_API_KEYS_LIST = "workspace_service_api_keys.list", "lists service keys of a workspace";
    WORKSPACE_SERVICE_API_KEYS_READ = "workspace_service_api_keys.read", "reads service keys of a workspace";
    WORKSPACE_SERVICE_API_KEYS_ROTATE = "workspace_service_api_keys.rotate", "rotates service keys of a workspace";
    WORKSPACE_SERVICE_API_KEYS_UPDATE = "workspace_service_api_keys.update", "changes service keys of a workspace";
    WORKSPACE_USER_API_KEYS_CREATE = "workspace_user_api_keys.create", "creates users' keys of a workspace";
    WORKSPACE_USER_API_KEYS_DELETE = "workspace_user_api_keys.delete", "deletes users' keys of a workspace";
    WORKSPACE_USER_API_KEYS_LIST = "workspace_user_api_keys.list", "lists users' keys of a workspace";
    WORKSPACE_USER_API_KEYS_READ = "workspace_user_api_keys.read", "reads users' keys of a workspace";
    WORKSPACE_USER_API_KEYS_ROTATE = "workspace_user_api_keys.rotate", "rotates users' keys of a workspace";
    WORKSPACE_USER_API_KEYS_UPDATE = "workspace_user_api_keys.update", "changes users' keys of a workspace";
    WORKSPACE_USERS_CREATE = "workspace_users.create", "adds members to a workspace";
    WORKSPACE_USERS_DELETE = "workspace_users.delete", "removes members from a workspace";
    WORKSPACE_USERS_LIST = "workspace_users.list", "lists the members of a workspace";
    WORKSPACE_USERS_READ = "workspace_users.read", "reads the members of a workspace";
    WORKSPACE_USERS_UPDATE = "workspace_users.update", "changes the members of a workspace";
    WORKSPACES_CREATE = "workspaces.create", "creates workspaces";
    WORKSPACES_DELETE = "workspaces.delete", "deletes workspaces";
    WORKSPACES_LIST = "workspaces.list", "lists workspaces";
    WORKSPACES_READ = "workspaces.read", "reads workspaces";
    WORKSPACES_UPDATE = "workspaces.update", "changes workspaces";
}

//! Names of scopes, which are the permissions of an API key.
//!
//! The scopes were observed on keys or are documented; their descriptions follow from their names.
//! Each scope stands for one verb: `configs.list` does not include `configs.read`. The service adds
//! scopes, so requests accept any string as a scope. The families `agent_server_skills`,
//! `agent_integration_skills` and `agent_server_user_access` have no constants, because their verbs
//! are not documented.
//!
//! [`needed_by`] returns the scopes that a list of operations needs.
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

mod needed;

pub use needed::{NeededScopes, needed_by};

/// Defines a constant for each scope, and a list of all.
macro_rules! scopes {
    ($($name:ident = $scope:literal, $description:literal;)*) => {
        $(#[doc = concat!("`", $scope, "`: ", $description, ".")] pub const $name: &str = $scope;)*

        /// All scopes of this module, in alphabetical order.
        pub const ALL: &[&str] = &[$($name,)*];
    };
}

// Observed on keys (T25), or documented (V600 to V626, V187).
scopes! {
    AGENT_SERVERS_CREATE = "agent_servers.create", "creates agent servers";
    AGENT_SERVERS_DELETE = "agent_servers.delete", "deletes agent servers";
    AGENT_SERVERS_LIST = "agent_servers.list", "lists agent servers";
    AGENT_SERVERS_READ = "agent_servers.read", "reads agent servers";
    AGENT_SERVERS_UPDATE = "agent_servers.update", "changes agent servers";
    AGENTS_INVOKE = "agents.invoke", "calls agents";
    ANALYTICS_VIEW = "analytics.view", "reads analytics";
    AUDIT_LOGS_LIST = "audit_logs.list", "reads the audit log";
    COMPLETIONS_READ = "completions.read", "reads completions, in tokens that the gateway verifies";
    COMPLETIONS_WRITE = "completions.write", "makes completions through the gateway";
    CONFIGS_CREATE = "configs.create", "creates configs";
    CONFIGS_DELETE = "configs.delete", "deletes configs";
    CONFIGS_LIST = "configs.list", "lists configs";
    CONFIGS_READ = "configs.read", "reads configs";
    CONFIGS_UPDATE = "configs.update", "changes configs";
    DEPLOYMENTS_CREATE = "deployments.create", "creates deployments";
    DEPLOYMENTS_DELETE = "deployments.delete", "deletes deployments";
    DEPLOYMENTS_LIST = "deployments.list", "lists deployments";
    DEPLOYMENTS_READ = "deployments.read", "reads deployments";
    DEPLOYMENTS_UPDATE = "deployments.update", "changes deployments";
    FEEDBACKS_READ = "feedbacks.read", "reads feedback, in tokens that the gateway verifies";
    FEEDBACKS_WRITE = "feedbacks.write", "writes feedback, in tokens that the gateway verifies";
    GUARDRAILS_CREATE = "guardrails.create", "creates guardrails of a workspace";
    GUARDRAILS_DELETE = "guardrails.delete", "deletes guardrails of a workspace";
    GUARDRAILS_INVOKE = "guardrails.invoke", "calls guardrails through the gateway";
    GUARDRAILS_LIST = "guardrails.list", "lists guardrails of a workspace";
    GUARDRAILS_READ = "guardrails.read", "reads guardrails of a workspace";
    GUARDRAILS_UPDATE = "guardrails.update", "changes guardrails of a workspace";
    LOGS_EXPORT = "logs.export", "exports logs";
    LOGS_LIST = "logs.list", "lists logs";
    LOGS_READ = "logs.read", "reads logs";
    LOGS_VIEW = "logs.view", "reads logs";
    LOGS_WRITE = "logs.write", "writes logs and feedback";
    MCP_INVOKE = "mcp.invoke", "calls MCP servers";
    MCP_SERVERS_CREATE = "mcp_servers.create", "creates MCP servers";
    MCP_SERVERS_DELETE = "mcp_servers.delete", "deletes MCP servers";
    MCP_SERVERS_LIST = "mcp_servers.list", "lists MCP servers";
    MCP_SERVERS_READ = "mcp_servers.read", "reads MCP servers";
    MCP_SERVERS_UPDATE = "mcp_servers.update", "changes MCP servers";
    ORGANISATION_AGENT_INTEGRATIONS_CREATE = "organisation_agent_integrations.create", "creates the organisation's agent integrations";
    ORGANISATION_AGENT_INTEGRATIONS_DELETE = "organisation_agent_integrations.delete", "deletes the organisation's agent integrations";
    ORGANISATION_AGENT_INTEGRATIONS_LIST = "organisation_agent_integrations.list", "lists the organisation's agent integrations";
    ORGANISATION_AGENT_INTEGRATIONS_READ = "organisation_agent_integrations.read", "reads the organisation's agent integrations";
    ORGANISATION_AGENT_INTEGRATIONS_UPDATE = "organisation_agent_integrations.update", "changes the organisation's agent integrations";
    ORGANISATION_EXCLUSIONS_LIST = "organisation_exclusions.list", "lists the workspaces that are exempt from the organisation's guardrails";
    ORGANISATION_EXCLUSIONS_UPDATE = "organisation_exclusions.update", "changes which workspaces are exempt from the organisation's guardrails";
    ORGANISATION_GUARDRAILS_CREATE = "organisation_guardrails.create", "creates the organisation's guardrails";
    ORGANISATION_GUARDRAILS_DELETE = "organisation_guardrails.delete", "deletes the organisation's guardrails";
    ORGANISATION_GUARDRAILS_LIST = "organisation_guardrails.list", "lists the organisation's guardrails";
    ORGANISATION_GUARDRAILS_READ = "organisation_guardrails.read", "reads the organisation's guardrails";
    ORGANISATION_GUARDRAILS_UPDATE = "organisation_guardrails.update", "changes the organisation's guardrails";
    ORGANISATION_INTEGRATIONS_CREATE = "organisation_integrations.create", "creates the organisation's integrations";
    ORGANISATION_INTEGRATIONS_DELETE = "organisation_integrations.delete", "deletes the organisation's integrations";
    ORGANISATION_INTEGRATIONS_LIST = "organisation_integrations.list", "lists the organisation's integrations";
    ORGANISATION_INTEGRATIONS_READ = "organisation_integrations.read", "reads the organisation's integrations";
    ORGANISATION_INTEGRATIONS_UPDATE = "organisation_integrations.update", "changes the organisation's integrations";
    ORGANISATION_MCP_INTEGRATIONS_CREATE = "organisation_mcp_integrations.create", "creates the organisation's MCP integrations";
    ORGANISATION_MCP_INTEGRATIONS_DELETE = "organisation_mcp_integrations.delete", "deletes the organisation's MCP integrations";
    ORGANISATION_MCP_INTEGRATIONS_LIST = "organisation_mcp_integrations.list", "lists the organisation's MCP integrations";
    ORGANISATION_MCP_INTEGRATIONS_READ = "organisation_mcp_integrations.read", "reads the organisation's MCP integrations";
    ORGANISATION_MCP_INTEGRATIONS_UPDATE = "organisation_mcp_integrations.update", "changes the organisation's MCP integrations";
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
    PLUGINS_CREATE = "plugins.create", "creates guardrail plugins";
    PLUGINS_LIST = "plugins.list", "lists guardrail plugins";
    PLUGINS_UPDATE = "plugins.update", "changes guardrail plugins";
    POLICIES_CREATE = "policies.create", "creates usage limits policies and rate limits policies";
    POLICIES_DELETE = "policies.delete", "deletes usage limits policies and rate limits policies";
    POLICIES_LIST = "policies.list", "lists usage limits policies and rate limits policies";
    POLICIES_READ = "policies.read", "reads usage limits policies and rate limits policies";
    POLICIES_UPDATE = "policies.update", "changes usage limits policies and rate limits policies";
    PROMPTS_CREATE = "prompts.create", "creates prompts";
    PROMPTS_DELETE = "prompts.delete", "deletes prompts";
    PROMPTS_LIST = "prompts.list", "lists prompts";
    PROMPTS_PUBLISH = "prompts.publish", "publishes versions of prompts";
    PROMPTS_READ = "prompts.read", "reads prompts";
    PROMPTS_RENDER = "prompts.render", "renders prompts";
    PROMPTS_UPDATE = "prompts.update", "changes prompts";
    PROVIDERS_CREATE = "providers.create", "creates providers";
    PROVIDERS_DELETE = "providers.delete", "deletes providers";
    PROVIDERS_LIST = "providers.list", "lists providers";
    PROVIDERS_READ = "providers.read", "reads providers";
    PROVIDERS_UPDATE = "providers.update", "changes providers";
    SECRET_REFERENCES_CREATE = "secret_references.create", "creates secret references";
    SECRET_REFERENCES_DELETE = "secret_references.delete", "deletes secret references";
    SECRET_REFERENCES_LIST = "secret_references.list", "lists secret references";
    SECRET_REFERENCES_READ = "secret_references.read", "reads secret references";
    SECRET_REFERENCES_UPDATE = "secret_references.update", "changes secret references";
    VIRTUAL_KEYS_COPY = "virtual_keys.copy", "copies virtual keys";
    VIRTUAL_KEYS_CREATE = "virtual_keys.create", "creates virtual keys";
    VIRTUAL_KEYS_DELETE = "virtual_keys.delete", "deletes virtual keys";
    VIRTUAL_KEYS_DUPLICATE = "virtual_keys.duplicate", "duplicates virtual keys";
    VIRTUAL_KEYS_LIST = "virtual_keys.list", "lists virtual keys";
    VIRTUAL_KEYS_READ = "virtual_keys.read", "reads virtual keys";
    VIRTUAL_KEYS_UPDATE = "virtual_keys.update", "changes virtual keys";
    WORKSPACE_AGENT_INTEGRATIONS_CREATE = "workspace_agent_integrations.create", "creates agent integrations of a workspace";
    WORKSPACE_AGENT_INTEGRATIONS_DELETE = "workspace_agent_integrations.delete", "deletes agent integrations of a workspace";
    WORKSPACE_AGENT_INTEGRATIONS_LIST = "workspace_agent_integrations.list", "lists agent integrations of a workspace";
    WORKSPACE_AGENT_INTEGRATIONS_READ = "workspace_agent_integrations.read", "reads agent integrations of a workspace";
    WORKSPACE_AGENT_INTEGRATIONS_UPDATE = "workspace_agent_integrations.update", "changes agent integrations of a workspace";
    WORKSPACE_INTEGRATIONS_CREATE = "workspace_integrations.create", "creates integrations of a workspace";
    WORKSPACE_INTEGRATIONS_DELETE = "workspace_integrations.delete", "deletes integrations of a workspace";
    WORKSPACE_INTEGRATIONS_LIST = "workspace_integrations.list", "lists integrations of a workspace";
    WORKSPACE_INTEGRATIONS_READ = "workspace_integrations.read", "reads integrations of a workspace";
    WORKSPACE_INTEGRATIONS_UPDATE = "workspace_integrations.update", "changes integrations of a workspace";
    WORKSPACE_MCP_INTEGRATIONS_CREATE = "workspace_mcp_integrations.create", "creates MCP integrations of a workspace";
    WORKSPACE_MCP_INTEGRATIONS_DELETE = "workspace_mcp_integrations.delete", "deletes MCP integrations of a workspace";
    WORKSPACE_MCP_INTEGRATIONS_LIST = "workspace_mcp_integrations.list", "lists MCP integrations of a workspace";
    WORKSPACE_MCP_INTEGRATIONS_READ = "workspace_mcp_integrations.read", "reads MCP integrations of a workspace";
    WORKSPACE_MCP_INTEGRATIONS_UPDATE = "workspace_mcp_integrations.update", "changes MCP integrations of a workspace";
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

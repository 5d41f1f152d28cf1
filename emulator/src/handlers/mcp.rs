//! Operations on MCP integrations and MCP servers.

mod capabilities;
mod integrations;
mod registry;
mod servers;
mod users;

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::handlers::upstreams::Operations;
use crate::handlers::{guardrails, secret_references, upstreams};
use crate::state::State;
use crate::state::mcp::metadata::Metadata;
use crate::state::mcp::{IntegrationSettings, Mcp, McpIntegration, McpServer, ServerSettings};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    (
        "list_mcp_integrations",
        Read(upstreams::integrations::list::<Mcp>),
    ),
    (
        "get_mcp_integration",
        Read(upstreams::integrations::get::<Mcp>),
    ),
    (
        "create_mcp_integration",
        Write(upstreams::integrations::create::<Mcp>),
    ),
    (
        "update_mcp_integration",
        Write(upstreams::integrations::update::<Mcp>),
    ),
    (
        "delete_mcp_integration",
        Write(upstreams::integrations::delete::<Mcp>),
    ),
    ("get_mcp_integration_metadata", Read(integrations::metadata)),
    ("sync_mcp_integration", Write(integrations::sync)),
    ("test_mcp_integration", Read(integrations::test)),
    (
        "list_mcp_integration_workspaces",
        Read(upstreams::access::list::<Mcp>),
    ),
    (
        "update_mcp_integration_workspaces",
        Write(upstreams::access::update::<Mcp>),
    ),
    (
        "list_mcp_integration_capabilities",
        Read(integrations::list_capabilities),
    ),
    (
        "update_mcp_integration_capabilities",
        Write(integrations::update_capabilities),
    ),
    ("list_mcp_registry_servers", Read(registry::list)),
    ("list_mcp_servers", Read(upstreams::servers::list::<Mcp>)),
    ("get_mcp_server", Read(upstreams::servers::get::<Mcp>)),
    (
        "create_mcp_server",
        Write(upstreams::servers::create::<Mcp>),
    ),
    (
        "update_mcp_server",
        Write(upstreams::servers::update::<Mcp>),
    ),
    (
        "delete_mcp_server",
        Write(upstreams::servers::delete::<Mcp>),
    ),
    ("test_mcp_server", Read(upstreams::servers::test::<Mcp>)),
    (
        "list_mcp_server_capabilities",
        Read(servers::list_capabilities),
    ),
    (
        "update_mcp_server_capabilities",
        Write(servers::update_capabilities),
    ),
    (
        "sync_mcp_server_capabilities",
        Write(servers::sync_capabilities),
    ),
    ("get_mcp_server_metadata", Read(servers::metadata)),
    ("sync_mcp_server_metadata", Write(servers::sync_metadata)),
    ("get_mcp_server_client_info", Read(servers::client_info)),
    (
        "list_mcp_server_user_access",
        Read(upstreams::users::list_access::<Mcp>),
    ),
    (
        "update_mcp_server_user_access",
        Write(upstreams::users::update_access::<Mcp>),
    ),
    ("check_mcp_server_user_access", Read(users::check_access)),
    ("list_mcp_server_connections", Read(users::list_connections)),
    (
        "delete_mcp_server_connections",
        Write(users::delete_connection),
    ),
    ("get_mcp_server_tokens", Read(users::get_tokens)),
    ("update_mcp_server_tokens", Write(users::update_tokens)),
    ("delete_mcp_server_tokens", Write(users::delete_tokens)),
]);

/// The fields that a secret reference can fill.
const SECRET_TARGETS: [&str; 1] = ["configurations."];

impl Operations for Mcp {
    fn new_integration(call: &Call) -> Result<IntegrationSettings, ApiError> {
        Ok(IntegrationSettings {
            secret_mappings: Vec::new(),
            transport: call.required_str("transport")?.to_owned(),
            metadata: Metadata::default(),
        })
    }

    fn new_server(call: &Call) -> ServerSettings {
        ServerSettings {
            client_id: call.ids.uuid(),
            metadata: Metadata::default(),
        }
    }

    fn apply(integration: &mut McpIntegration, state: &State, call: &Call) -> Result<(), ApiError> {
        call.set_str("transport", &mut integration.settings.transport);
        let workspace = integration.workspace_id.as_deref();
        let mappings = &mut integration.settings.secret_mappings;
        secret_references::update_mappings(state, call, &SECRET_TARGETS, workspace, mappings)?;
        integration.validate()
    }

    fn integration_fields(integration: &McpIntegration) -> Value {
        json!({
            "transport": integration.settings.transport,
            "secret_mappings": integration.settings.secret_mappings,
        })
    }

    fn connection_fields(integration: &McpIntegration) -> Value {
        json!({"transport": integration.settings.transport})
    }

    /// In lists, the configuration is a string (V176).
    fn integration_in_list(body: &mut Value, integration: &McpIntegration, state: &State) {
        if body["configurations"].is_object() {
            body["configurations"] = json!(body["configurations"].to_string());
        }
        body["organisation_id"] = json!(state.organisation.id);
        body["metadata"] = integration.settings.metadata.json();
    }

    fn server_in_list(server: &McpServer, state: &State) -> Value {
        json!({"metadata": servers::metadata_of(state, server).map(Metadata::json).ok()})
    }

    fn single_server(server: &McpServer, state: &State) -> Value {
        let guardrails = state.guardrails.table.iter();
        let mappings = guardrails.flat_map(|guardrail| {
            let mappings = guardrail.mcp_servers.iter();
            let own = mappings.filter(|mapping| mapping.server_id == server.id);
            own.map(|mapping| mapping.json(&guardrail.id))
        });
        json!({"guardrail_mappings": mappings.collect::<Vec<_>>()})
    }

    fn server_removed(state: &mut State, id: &str) {
        guardrails::remove_mcp_server(state, id);
    }
}

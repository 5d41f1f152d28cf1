//! Operations on MCP integrations and MCP servers.

mod access;
mod capabilities;
mod integrations;
mod probe;
mod servers;
mod users;

use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::state::State;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_mcp_integrations", Read(integrations::list)),
    ("get_mcp_integration", Read(integrations::get)),
    ("create_mcp_integration", Write(integrations::create)),
    ("update_mcp_integration", Write(integrations::update)),
    ("delete_mcp_integration", Write(integrations::delete)),
    ("get_mcp_integration_metadata", Read(integrations::metadata)),
    ("sync_mcp_integration", Write(integrations::sync)),
    ("test_mcp_integration", Read(integrations::test)),
    ("list_mcp_integration_workspaces", Read(access::list)),
    ("update_mcp_integration_workspaces", Write(access::update)),
    (
        "list_mcp_integration_capabilities",
        Read(integrations::list_capabilities),
    ),
    (
        "update_mcp_integration_capabilities",
        Write(integrations::update_capabilities),
    ),
    ("list_mcp_servers", Read(servers::list)),
    ("get_mcp_server", Read(servers::get)),
    ("create_mcp_server", Write(servers::create)),
    ("update_mcp_server", Write(servers::update)),
    ("delete_mcp_server", Write(servers::delete)),
    ("test_mcp_server", Read(servers::test)),
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
    ("list_mcp_server_user_access", Read(users::list_access)),
    ("update_mcp_server_user_access", Write(users::update_access)),
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

/// The default and the maximum page size of the lists within a server or integration.
const PAGE_SIZES: (u64, u64) = (100, 500);

pub(super) fn remove_workspace(state: &mut State, workspace: &str) {
    let in_workspace = state.mcp.servers.in_workspace(workspace).iter();
    let ids: Vec<String> = in_workspace.map(|server| server.id.clone()).collect();
    for id in ids {
        servers::remove(state, &id);
    }
    let in_workspace = state.mcp.integrations.in_workspace(workspace).iter();
    let ids: Vec<String> = in_workspace
        .map(|integration| integration.id.clone())
        .collect();
    for id in ids {
        state.mcp.integrations.remove(&id);
        servers::remove_integration(state, &id);
    }
    state
        .mcp
        .integrations
        .update_where(|_| true, |integration| integration.access.remove(workspace));
}

//! The operations on MCP integrations and servers that agents have, too.

pub(super) mod access;
pub(super) mod integrations;
pub(super) mod servers;
pub(super) mod users;

use serde_json::{Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::state::State;
use crate::state::upstreams::Protocol;
use crate::state::upstreams::integrations::UpstreamIntegration;
use crate::state::upstreams::servers::UpstreamServer;

/// What the operations of a protocol do in their own way.
pub(super) trait Operations: Protocol {
    /// Returns the settings of a new integration, before [`Self::apply`].
    fn new_integration(call: &Call) -> Result<Self::Integration, ApiError>;

    /// Returns the settings of a new server.
    fn new_server(call: &Call) -> Self::Server;

    /// Applies the fields of a create or update request that only this protocol has, and checks the
    /// integration.
    fn apply(
        integration: &mut UpstreamIntegration<Self>,
        state: &State,
        call: &Call,
    ) -> Result<(), ApiError>;

    /// Returns the fields of an integration that only this protocol has.
    fn integration_fields(integration: &UpstreamIntegration<Self>) -> Value;

    /// Returns those that a server has in the details of its integration.
    fn connection_fields(integration: &UpstreamIntegration<Self>) -> Value;

    /// Changes an integration in a list, which differs from a single one.
    fn integration_in_list(
        _body: &mut Value,
        _integration: &UpstreamIntegration<Self>,
        _state: &State,
    ) {
    }

    /// Returns the fields that a server has in lists only.
    fn server_in_list(_server: &UpstreamServer<Self>, _state: &State) -> Value {
        json!({})
    }

    /// Returns the fields that a single server has.
    fn single_server(_server: &UpstreamServer<Self>, _state: &State) -> Value {
        json!({})
    }

    /// Updates what refers to a removed server.
    fn server_removed(_state: &mut State, _id: &str) {}
}

/// The default and the maximum page size of the lists within a server or integration.
pub(super) const PAGE_SIZES: (u64, u64) = (100, 500);

/// Removes the integrations and servers of a deleted workspace, and its access to others.
pub(super) fn remove_workspace<P: Operations>(state: &mut State, workspace: &str) {
    let upstreams = P::upstreams(state);
    let in_workspace = upstreams.servers.in_workspace(workspace).iter();
    let server_ids: Vec<String> = in_workspace.map(|server| server.id.clone()).collect();
    let in_workspace = upstreams.integrations.in_workspace(workspace).iter();
    let integration_ids: Vec<String> = in_workspace
        .map(|integration| integration.id.clone())
        .collect();
    for id in server_ids {
        servers::remove::<P>(state, &id);
    }
    for id in integration_ids {
        integrations::remove::<P>(state, &id);
    }
    P::upstreams_mut(state)
        .integrations
        .update_where(|_| true, |integration| integration.access.remove(workspace));
}

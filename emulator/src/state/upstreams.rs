//! Servers of a protocol that the organisation connects to: MCP servers, and agents.
//!
//! An integration is such a server configured in the organisation or in one workspace; a server
//! makes an integration available in a workspace. The emulator does not connect to any of them.

pub(crate) mod access;
pub(crate) mod capabilities;
pub(crate) mod integrations;
pub(crate) mod probe;
pub(crate) mod servers;
pub(crate) mod users;

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::state::table::{ResourceState, Table};
use crate::state::upstreams::integrations::UpstreamIntegration;
use crate::state::upstreams::servers::UpstreamServer;

/// A protocol, with its names in requests and responses.
pub(crate) trait Protocol: Debug + Clone + Default + 'static {
    /// The prefix of the names of its objects and fields: `mcp` in `mcp-server` and
    /// `mcp_integration_id`.
    const PREFIX: &'static str;
    /// The names in error messages.
    const INTEGRATION_NAME: &'static str;
    const SERVER_NAME: &'static str;

    /// What integrations of this protocol have in addition.
    type Integration: Settings;
    /// What servers of this protocol have in addition.
    type Server: Settings;

    fn upstreams(state: &State) -> &Upstreams<Self>;
    fn upstreams_mut(state: &mut State) -> &mut Upstreams<Self>;
}

/// What the additional data of a protocol must implement.
pub(crate) trait Settings: Debug + Clone + Serialize + DeserializeOwned {}

impl<T: Debug + Clone + Serialize + DeserializeOwned> Settings for T {}

/// The integrations and the servers of a protocol.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Upstreams<P: Protocol> {
    pub(crate) integrations: Table<UpstreamIntegration<P>>,
    pub(crate) servers: Table<UpstreamServer<P>>,
}

impl<P: Protocol> ResourceState for Upstreams<P> {
    fn remove_workspace(&mut self, workspace: &str) {
        self.servers.remove_workspace(workspace);
        self.integrations.remove_workspace(workspace);
    }
}

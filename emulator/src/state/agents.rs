//! What agent integrations and agent servers have in addition to those of other protocols.

pub(crate) mod cards;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::State;
use crate::state::upstreams::integrations::UpstreamIntegration;
use crate::state::upstreams::{Protocol, Upstreams};

/// The Agent2Agent protocol.
#[derive(Debug, Clone, Default)]
pub(crate) struct A2a;

pub(crate) type AgentIntegration = UpstreamIntegration<A2a>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IntegrationSettings {
    /// The agent card of the request; null if it is that of the agent's address.
    pub(crate) agent_card: Value,
}

/// Agent servers have no settings of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServerSettings {}

impl Protocol for A2a {
    const PREFIX: &'static str = "agent";
    const INTEGRATION_NAME: &'static str = "agent integration";
    const SERVER_NAME: &'static str = "agent server";

    type Integration = IntegrationSettings;
    type Server = ServerSettings;

    fn upstreams(state: &State) -> &Upstreams<Self> {
        &state.agents
    }

    fn upstreams_mut(state: &mut State) -> &mut Upstreams<Self> {
        &mut state.agents
    }
}

impl AgentIntegration {
    /// Returns the agent card of the integration, or else of its address; `None` if that is not
    /// reachable.
    pub(crate) fn card(&self) -> Option<Value> {
        match &self.settings.agent_card {
            Value::Null => cards::published_at(&self.url),
            card => Some(card.clone()),
        }
    }
}

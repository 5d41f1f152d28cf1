//! The data of one organisation, with the rules that need no more than this data: one file for each
//! resource. Nothing here depends on handlers.

use serde::{Deserialize, Serialize};

use audit_log::AuditRecords;
use organisation::OrganisationInfo;
use table::ResourceState;

pub(crate) mod access_list;
pub(crate) mod access_policies;
pub(crate) mod agents;
pub(crate) mod api_keys;
pub(crate) mod audit_log;
pub(crate) mod catalogue;
pub(crate) mod collections;
pub(crate) mod configs;
pub(crate) mod custom_host;
pub(crate) mod deployments;
pub(crate) mod egress_allowlist;
pub(crate) mod feedback;
pub(crate) mod gateway;
pub(crate) mod guardrails;
pub(crate) mod integrations;
pub(crate) mod labels;
pub(crate) mod log_exports;
pub(crate) mod logs;
pub(crate) mod masking;
pub(crate) mod mcp;
pub(crate) mod organisation;
pub(crate) mod organisations;
pub(crate) mod partials;
pub(crate) mod plain;
pub(crate) mod plugins;
pub(crate) mod policies;
pub(crate) mod pricing;
pub(crate) mod prompt_tools;
pub(crate) mod prompts;
pub(crate) mod rate_policies;
pub(crate) mod scim;
pub(crate) mod secret_references;
pub(crate) mod sharing;
pub(crate) mod slugs;
pub(crate) mod table;
pub(crate) mod upstreams;
pub(crate) mod usage;
pub(crate) mod usage_policies;
pub(crate) mod users;
pub(crate) mod versions;
pub(crate) mod virtual_keys;
pub(crate) mod workspaces;

/// Defines the state of one organisation.
macro_rules! state {
    ($($resource:ident: $state:ty),+ $(,)?) => {
        /// The state of one organisation, with a field for each resource.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        pub(crate) struct State {
            pub(crate) organisation: OrganisationInfo,
            /// Written by the dispatcher; the records of deleted workspaces are kept.
            #[serde(default)]
            pub(crate) audit_records: AuditRecords,
            $(#[serde(default)] pub(crate) $resource: $state,)+
        }

        $(impl AsRef<$state> for State {
            fn as_ref(&self) -> &$state {
                &self.$resource
            }
        }

        impl AsMut<$state> for State {
            fn as_mut(&mut self) -> &mut $state {
                &mut self.$resource
            }
        })+

        impl State {
            /// Creates an organisation without resources.
            pub(crate) fn empty(organisation: OrganisationInfo) -> Self {
                Self {
                    organisation,
                    audit_records: AuditRecords::default(),
                    $($resource: <$state>::default(),)+
                }
            }

            /// Removes the rows of a deleted workspace.
            pub(crate) fn remove_workspace(&mut self, workspace: &str) {
                $(ResourceState::remove_workspace(&mut self.$resource, workspace);)+
            }
        }
    };
}
state! {
    access_policies: access_policies::AccessPolicies,
    agents: upstreams::Upstreams<agents::A2a>,
    api_keys: api_keys::ApiKeys,
    collections: collections::Collections,
    configs: configs::Configs,
    deployments: deployments::Deployments,
    egress_allowlist: egress_allowlist::EgressAllowlist,
    feedback: feedback::Feedback,
    gateway: gateway::GatewayState,
    guardrails: guardrails::Guardrails,
    integrations: integrations::Integrations,
    labels: labels::Labels,
    log_exports: log_exports::LogExports,
    logs: logs::Logs,
    mcp: upstreams::Upstreams<mcp::Mcp>,
    partials: partials::Partials,
    plugins: plugins::Plugins,
    prompt_tools: prompt_tools::PromptTools,
    prompts: prompts::Prompts,
    rate_policies: rate_policies::RatePolicies,
    scim: scim::Scim,
    secret_references: secret_references::SecretReferences,
    usage_policies: usage_policies::UsagePolicies,
    users: users::Users,
    virtual_keys: virtual_keys::VirtualKeys,
    workspaces: workspaces::Workspaces,
}

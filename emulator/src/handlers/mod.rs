//! The resources: one file for each kind of resource, with its state and the handlers of its
//! operations. To add a resource, add a file here and its two lines below (`pub(crate) mod`,
//! `resources!`).
//!
//! # How a resource is built
//!
//! - **State** is one type that derives `Debug`, `Clone`, `Default`, `Serialize` and `Deserialize`;
//!   it is a field of [`State`], which holds one organisation. Rows are stored in
//!   [`Table`](crate::table::Table)s: implement [`Row`](crate::table::Row) (name, id, slug,
//!   workspace, and `MISSING_STATUS` if the service returns 403 for a missing resource), and read
//!   with `get`, `find`, `list_for`, `in_workspace`. To change a row, clone it, edit the clone and
//!   `put` it back, so that an error half-way leaves the state unchanged.
//! - **Handlers** are listed in `RESOURCE` by operation id, as
//!   `Read(fn(&State, &Call) -> HandlerResult)` or `Write(fn(&mut State, &Call) -> HandlerResult)`.
//!   A write handler depends on its arguments only: the time is `call.now` / `call.timestamp()`, ids
//!   and secrets come from `call.ids.uuid()`, `.slug(prefix, name)` and `.secret(kind)`. A handler
//!   returns a [`ResponseBody`](crate::response::ResponseBody) (`json`, `empty_object`, `bytes`) or
//!   an [`ApiError`] (`invalid_field`, `forbidden`, `not_found`, `conflict`, `new`).
//! - **Access** is checked before a handler runs. The dispatcher checks the kind of key, its scopes
//!   and the plan against the manifest, and that the workspace named in the request (`workspace_id`
//!   in query or body, UUID or slug) exists and is accessible to the key. `call.workspace()` is the
//!   UUID of that workspace or of the key's own workspace, or `None` for the whole organisation;
//!   `call.required_workspace()?` returns an error instead of `None`. Operations that require a
//!   workspace with an organisation key are listed in `access.rs`. `table.find(key, call)?` hides
//!   rows that the key cannot see; `table.list_for(call)` returns the rows for a list. A finer rule
//!   is a **guard**: `guards: &[("update_thing", rule)]`.
//! - **Quirks** are rules that run after the guards and before request validation, on an
//!   unvalidated query and body (`call.workspace()` is then only the key's own workspace).
//! - **Lists**: `call.page(rows, |row| json)`, where `rows` is a slice of a table (only the rows of
//!   the page are converted) or a `Vec` of references to the rows that passed a filter.
//! - **Audit**: the dispatcher records every successful write; handlers do not need to.
//! - **Workspaces**: `deletion_blockers` lists the resources that prevent the deletion of a
//!   workspace, `remove_workspace` removes the rows of a deleted workspace.
//! - **Links** (`links`) handle `GET {origin}/emulator/{organisation id}/{name}/…` without a key,
//!   for example signed URLs: `call.path` is the rest of the path, and all query values are
//!   strings. `link_actions` handle a POST to a link.

use serde::{Deserialize, Serialize};

use crate::audit;
use crate::call::Call;
use crate::error::ApiError;
use crate::gateway;
use crate::response::HandlerResult;
use crate::seed::Plan;

pub(crate) mod analytics;
pub(crate) mod api_keys;
pub(crate) mod audit_logs;
pub(crate) mod collections;
pub(crate) mod configs;
pub(crate) mod deployments;
pub(crate) mod feedback;
pub(crate) mod guardrails;
pub(crate) mod integrations;
pub(crate) mod labels;
pub(crate) mod limits;
pub(crate) mod log_exports;
pub(crate) mod logs;
pub(crate) mod masking;
pub(crate) mod mcp;
pub(crate) mod partials;
pub(crate) mod policies;
pub(crate) mod pricing;
pub(crate) mod prompts;
pub(crate) mod rate_policies;
pub(crate) mod scim;
pub(crate) mod secret_references;
pub(crate) mod slugs;
pub(crate) mod usage;
pub(crate) mod usage_policies;
pub(crate) mod users;
pub(crate) mod virtual_keys;
pub(crate) mod workspaces;

/// Defines the state of one organisation, with a field for each resource, and the list of
/// resources.
macro_rules! resources {
    ($($resource:ident: $state:ty),+ $(,)?) => {
        /// The state of one organisation, with a field for each resource.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        pub(crate) struct State {
            pub(crate) organisation: OrganisationInfo,
            /// Written by the dispatcher, read by the `audit_logs` resource.
            #[serde(default)]
            pub(crate) audit_records: audit::AuditRecords,
            $(#[serde(default)] pub(crate) $resource: $state,)+
        }

        impl State {
            /// Creates an organisation without resources.
            pub(crate) fn empty(organisation: OrganisationInfo) -> Self {
                Self {
                    organisation,
                    audit_records: audit::AuditRecords::default(),
                    $($resource: <$state>::default(),)+
                }
            }
        }

        /// All resources.
        pub(crate) const RESOURCES: &[Resource] = &[$($resource::RESOURCE),+];
    };
}
resources! {
    analytics: analytics::Analytics,
    api_keys: api_keys::ApiKeys,
    audit_logs: audit_logs::AuditLogs,
    collections: collections::Collections,
    configs: configs::Configs,
    deployments: deployments::Deployments,
    feedback: feedback::Feedback,
    gateway: gateway::GatewayState,
    guardrails: guardrails::Guardrails,
    integrations: integrations::Integrations,
    labels: labels::Labels,
    log_exports: log_exports::LogExports,
    logs: logs::Logs,
    mcp: mcp::Mcp,
    partials: partials::Partials,
    pricing: pricing::Pricing,
    prompts: prompts::Prompts,
    rate_policies: rate_policies::RatePolicies,
    scim: scim::Scim,
    secret_references: secret_references::SecretReferences,
    usage_policies: usage_policies::UsagePolicies,
    users: users::Users,
    virtual_keys: virtual_keys::VirtualKeys,
    workspaces: workspaces::Workspaces,
}

/// The handlers and rules of a resource. Start from [`Resource::new`] and set the fields that the
/// resource needs.
pub(crate) struct Resource {
    /// Handlers, by operation id.
    pub(crate) handlers: &'static [(&'static str, Handler)],
    /// Access rules that are finer than those of the manifest, by operation id.
    pub(crate) guards: &'static [(&'static str, Rule)],
    /// Rules that the service applies before it validates the request, by operation id.
    pub(crate) quirks: &'static [(&'static str, Rule)],
    /// Handlers of `GET /emulator/{organisation}/{name}/…`, links that responses contain, by name.
    pub(crate) links: &'static [(&'static str, ReadHandler)],
    /// Handlers of `POST` requests to such a link: the name of the link, the name of the action in
    /// the audit log (`verb_noun`), and the handler. The caller is a user with a new id.
    pub(crate) link_actions: &'static [(&'static str, &'static str, WriteHandler)],
    /// Resources that prevent the deletion of a workspace: their name, and whether the workspace
    /// owns any.
    pub(crate) deletion_blockers: &'static [(&'static str, OwnershipCheck)],
    /// Removes the rows of a deleted workspace.
    pub(crate) remove_workspace: fn(&mut State, &str),
}

/// Handles an operation that does not change the state.
pub(crate) type ReadHandler = fn(&State, &Call) -> HandlerResult;
/// Handles an operation that may change the state. Its effect must depend on its arguments only:
/// time and ids come from the call.
pub(crate) type WriteHandler = fn(&mut State, &Call) -> HandlerResult;
/// Rejects some requests. It runs before request validation, so the body may have any content.
pub(crate) type Rule = fn(&State, &Call) -> Result<(), ApiError>;
/// Returns whether a workspace owns any rows of a resource.
pub(crate) type OwnershipCheck = fn(&State, &str) -> bool;

/// The handler of an operation.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    Read(ReadHandler),
    /// Recorded in the audit log, and in the journal if the emulator has a state file.
    Write(WriteHandler),
    /// Like `Write`, without the audit record: model calls and related operations.
    Gateway(WriteHandler),
}

impl Resource {
    /// Creates a resource that has handlers only.
    pub(crate) const fn new(handlers: &'static [(&'static str, Handler)]) -> Self {
        Self {
            handlers,
            guards: &[],
            quirks: &[],
            links: &[],
            link_actions: &[],
            deletion_blockers: &[],
            remove_workspace: |_, _| (),
        }
    }
}

/// The organisation that owns the resources.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OrganisationInfo {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) plan: Plan,
}

impl OrganisationInfo {
    /// Rejects a request whose query or body names another organisation.
    pub(crate) fn reject_other_organisation(&self, call: &Call) -> Result<(), ApiError> {
        let name = "organisation_id";
        let named = call.query_param(name).or_else(|| call.body_str(name));
        match named.is_none_or(|named| named.is_empty() || named == self.id) {
            true => Ok(()),
            false => Err(ApiError::forbidden(
                "the key does not belong to this organisation",
            )),
        }
    }
}

/// Returns the handler of an operation.
pub(crate) fn handler(operation: &str) -> Option<Handler> {
    let mut all = RESOURCES.iter().flat_map(|resource| resource.handlers);
    all.find(|(id, _)| *id == operation)
        .map(|(_, handler)| *handler)
}

/// Returns the guards and the quirks of an operation.
pub(crate) fn rules(operation: &str) -> (Vec<Rule>, Vec<Rule>) {
    let matching = |rules: &'static [(&str, Rule)]| {
        rules
            .iter()
            .filter(|(id, _)| *id == operation)
            .map(|(_, rule)| *rule)
    };
    (
        RESOURCES
            .iter()
            .flat_map(|resource| matching(resource.guards))
            .collect(),
        RESOURCES
            .iter()
            .flat_map(|resource| matching(resource.quirks))
            .collect(),
    )
}

/// Returns the handler of the links with this name.
pub(crate) fn link_handler(name: &str) -> Option<ReadHandler> {
    let mut all = RESOURCES.iter().flat_map(|resource| resource.links);
    all.find(|(link, _)| *link == name)
        .map(|(_, handler)| *handler)
}

/// Returns the action of the links with this name: its name in the audit log, and its handler.
pub(crate) fn link_action(name: &str) -> Option<(&'static str, WriteHandler)> {
    let mut all = RESOURCES.iter().flat_map(|resource| resource.link_actions);
    all.find(|(link, ..)| *link == name)
        .map(|(_, link_action, write)| (*link_action, *write))
}

/// Returns the handler of a link's action by its name in the audit log.
pub(crate) fn link_action_handler(operation: &str) -> Option<WriteHandler> {
    let mut all = RESOURCES.iter().flat_map(|resource| resource.link_actions);
    all.find(|(_, link_action, _)| *link_action == operation)
        .map(|(.., write)| *write)
}

/// Returns the names of the resources that prevent the deletion of a workspace.
pub(crate) fn deletion_blockers(state: &State, workspace: &str) -> Vec<&'static str> {
    let all = RESOURCES
        .iter()
        .flat_map(|resource| resource.deletion_blockers);
    all.filter(|(_, is_owned)| is_owned(state, workspace))
        .map(|(name, _)| *name)
        .collect()
}

/// Removes the rows of a workspace from all resources.
pub(crate) fn remove_workspace(state: &mut State, workspace: &str) {
    for resource in RESOURCES {
        (resource.remove_workspace)(state, workspace);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::RESOURCES;

    #[test]
    fn handlers_guards_and_quirks_name_known_operations() {
        let routes = &crate::api_spec::get().unwrap().routes;
        let known: BTreeSet<&str> = routes.iter().map(|route| route.entry.id.as_str()).collect();
        let mut seen = BTreeSet::new();
        for resource in RESOURCES {
            for (id, _) in resource.handlers {
                assert!(known.contains(id), "`{id}` has a handler but no operation");
                assert!(seen.insert(*id), "`{id}` has two handlers");
            }
            for (id, _) in resource.guards.iter().chain(resource.quirks) {
                assert!(known.contains(id), "`{id}` has a rule but no operation");
            }
            for (link, link_action, _) in resource.link_actions {
                assert!(
                    super::link_handler(link).is_some(),
                    "`{link_action}` has no link to read"
                );
                assert!(
                    !known.contains(link_action),
                    "`{link_action}` is an operation"
                );
            }
        }
    }
}

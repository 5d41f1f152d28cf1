//! The resources: one file for each kind of resource, with its state and the handlers that answer its
//! operations. A new resource is a file here and its two lines below (`pub(crate) mod`, `resources!`).
//!
//! # How a resource is built
//!
//! - **State** is one type that derives `Debug`, `Clone`, `Default`, `Serialize` and
//!   `Deserialize`; it becomes a member of [`State`], which is one organisation. Rows are kept in
//!   [`Table`](crate::table::Table)s: implement [`Row`](crate::table::Row) (name, id, slug,
//!   workspace, and `MISSING_STATUS` where the service answers 403 for what is gone), read with `get`,
//!   `find`, `list_for`, `in_workspace`; change by cloning an item, editing the clone and `put`ting
//!   it back, so that an error half-way changes nothing.
//! - **Handlers** stand in `RESOURCE`, by operation id: `Read(fn(&State, &Call) -> HandlerResult)` or
//!   `Write(fn(&mut State, &Call) -> HandlerResult)`. A writer depends on its arguments only: time is
//!   `call.now` / `call.timestamp()`, ids and secrets are `call.ids.uuid()`, `.slug(prefix, name)`
//!   and `.secret(kind)`. Answers are a [`ResponseBody`](crate::response::ResponseBody) (`json`, `empty_object`,
//!   `bytes`) or an [`ApiError`] (`invalid_field`, `forbidden`, `not_found`, `conflict`, `new`).
//! - **Access** is no concern of handlers. The dispatcher has checked the kind of key, its scopes and
//!   the plan against the manifest, and that the workspace that the request names (`workspace_id` in
//!   query or body, UUID or slug) exists and is the key's. `call.workspace()` is its UUID, or that
//!   of the key's own workspace, or `None` for the whole organisation; `call.required_workspace()?`
//!   insists. Operations that want a workspace named with an organisation key are listed in
//!   `access.rs`. `table.find(key, call)?` hides what the key may not see, and
//!   `table.list_for(call)` is what a list is about. A finer rule is a **guard**:
//!   `guards: &[("update_thing", rule)]`.
//! - **Quirks** are rules too. They run after guards and before the request check, on an
//!   unchecked query and body (`call.workspace()` is only the key's own then).
//! - **Lists**: `call.page(rows, |row| json)`, where rows are a slice of a table (costs what the
//!   page costs) or a `Vec` of references to what a filter let through.
//! - **Audit**: the dispatcher takes down every write that succeeds; there is nothing to do.
//! - **Workspaces**: `deletion_blockers` says what keeps one from being deleted, `remove_workspace` removes
//!   what belongs to one.
//! - **Links** (`links`) answer `GET {origin}/emulator/{organisation id}/{name}/…` without a key:
//!   `call.path` is the rest of the path, the query is all texts. For signed URLs and the like. What
//!   may be done with a link stands in `link_actions` and answers its POST.

use serde::{Deserialize, Serialize};

use crate::audit;
use crate::call::Call;
use crate::gateway;
use crate::response::{ApiError, HandlerResult};
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

/// Defines the state of one organisation, a member for each resource, and the list of resources.
macro_rules! resources {
    ($($resource:ident: $state:ty),+ $(,)?) => {
        /// Everything one organisation consists of: a member for each resource.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        pub(crate) struct State {
            pub(crate) organisation: OrganisationInfo,
            /// What the dispatch writes down; the resource of the audit log reads it.
            #[serde(default)]
            pub(crate) audit_records: audit::AuditRecords,
            $(#[serde(default)] pub(crate) $resource: $state,)+
        }

        impl State {
            /// An organisation with nothing in it.
            pub(crate) fn empty(organisation: OrganisationInfo) -> Self {
                Self {
                    organisation,
                    audit_records: audit::AuditRecords::default(),
                    $($resource: <$state>::default(),)+
                }
            }
        }

        /// Every resource there is.
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

/// What a resource offers to the dispatcher. Start from [`Resource::new`] and set what the resource has.
pub(crate) struct Resource {
    /// Operation ids and what answers them.
    pub(crate) handlers: &'static [(&'static str, Handler)],
    /// Finer rules of access than the ledger has, by operation id.
    pub(crate) guards: &'static [(&'static str, Rule)],
    /// What the service refuses before it looks at the request as a whole, by operation id.
    pub(crate) quirks: &'static [(&'static str, Rule)],
    /// What answers `GET /emulator/{organisation}/{name}/…`: links that answers hand out.
    pub(crate) links: &'static [(&'static str, ReadHandler)],
    /// What answers `POST` at such a link: the name of the link, what the audit log calls the action
    /// (`verb_noun`), and the action itself. Whoever follows the link acts as a user with a new id.
    pub(crate) link_actions: &'static [(&'static str, &'static str, WriteHandler)],
    /// What stands in the way of deleting a workspace: its name, and whether there is any.
    pub(crate) deletion_blockers: &'static [(&'static str, OwnershipCheck)],
    /// Removes what belongs to a workspace that is deleted.
    pub(crate) remove_workspace: fn(&mut State, &str),
}

/// Answers an operation that changes nothing.
pub(crate) type ReadHandler = fn(&State, &Call) -> HandlerResult;
/// Answers an operation that may change something. What it does must depend on its arguments only:
/// time and ids come from the call.
pub(crate) type WriteHandler = fn(&mut State, &Call) -> HandlerResult;
/// Refuses some requests. It runs before the request check: nothing about the body is certain.
pub(crate) type Rule = fn(&State, &Call) -> Result<(), ApiError>;
/// Whether a workspace owns any of something.
pub(crate) type OwnershipCheck = fn(&State, &str) -> bool;

/// The function that answers an operation.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    Read(ReadHandler),
    /// Leaves a record in the audit log, and is written down where the emulator has a state file.
    Write(WriteHandler),
    /// The same without the record: a call that is passed on to a model, or what belongs to such calls.
    Gateway(WriteHandler),
}

impl Resource {
    /// A resource with handlers and nothing else.
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

/// The organisation whose things the resources hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OrganisationInfo {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) plan: Plan,
}

impl OrganisationInfo {
    /// Refuses a request whose query or body names another organisation.
    pub(crate) fn reject_other_organisation(&self, call: &Call) -> Result<(), ApiError> {
        let name = "organisation_id";
        let named = call.query_param(name).or_else(|| call.body_str(name));
        match named.is_none_or(|named| named.is_empty() || named == self.id) {
            true => Ok(()),
            false => Err(ApiError::forbidden("the key is not of this organisation")),
        }
    }
}

/// What answers an operation.
pub(crate) fn handler(operation: &str) -> Option<Handler> {
    let mut all = RESOURCES.iter().flat_map(|resource| resource.handlers);
    all.find(|(id, _)| *id == operation)
        .map(|(_, handler)| *handler)
}

/// The guards and then the quirks of an operation.
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

/// What answers the links of this name.
pub(crate) fn link_handler(name: &str) -> Option<ReadHandler> {
    let mut all = RESOURCES.iter().flat_map(|resource| resource.links);
    all.find(|(link, _)| *link == name)
        .map(|(_, reader)| *reader)
}

/// What may be done with links of this name: what the audit log calls it.
pub(crate) fn link_action(name: &str) -> Option<&'static str> {
    let mut all = RESOURCES.iter().flat_map(|resource| resource.link_actions);
    all.find(|(link, ..)| *link == name)
        .map(|(_, link_action, _)| *link_action)
}

/// What carries out a write: an operation, or the action of a link.
pub(crate) fn write_handler(operation: &str) -> Option<WriteHandler> {
    if let Some(Handler::Write(write)) = handler(operation) {
        return Some(write);
    }
    let mut all = RESOURCES.iter().flat_map(|resource| resource.link_actions);
    all.find(|(_, link_action, _)| *link_action == operation)
        .map(|(.., write)| *write)
}

/// The names of what a workspace owns that costs.
pub(crate) fn deletion_blockers(state: &State, workspace: &str) -> Vec<&'static str> {
    let all = RESOURCES
        .iter()
        .flat_map(|resource| resource.deletion_blockers);
    all.filter(|(_, is_owned)| is_owned(state, workspace))
        .map(|(name, _)| *name)
        .collect()
}

/// Removes everything that belongs to a workspace, in all resources.
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

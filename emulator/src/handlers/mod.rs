//! The operations: one file for each kind of resource, with functions over the state and the call.
//! To add a resource, add its data to [`state`](crate::state) and its file here, with their lines in
//! the lists of both modules; `CONTRIBUTING.md` has an example.
//!
//! # How a resource is built
//!
//! - **State** is a [`Table`](crate::state::table::Table) of rows, or a type that contains tables:
//!   implement [`Row`](crate::state::table::Row) (name, id, slug, workspace, and `MISSING_STATUS` if
//!   the service returns 403 for a missing resource), and read with `get`, `find`, `list_for`,
//!   `in_workspace`. To change a row, clone it, edit the clone and `put` it back, so that an error
//!   half-way leaves the state unchanged.
//! - **Handlers** are listed in `RESOURCE` by operation id, as
//!   `Read(fn(&State, &Call) -> HandlerResult)` or `Write(fn(&mut State, &Call) -> HandlerResult)`.
//!   A write handler depends on its arguments only: the time is `call.now` / `call.timestamp()`, ids
//!   and secrets come from `call.ids.uuid()`, `.slug(prefix, name)` and `.secret(kind)`. A handler
//!   returns a [`ResponseBody`](crate::response::ResponseBody) (`json`, `empty_object`, `bytes`) or
//!   an [`ApiError`](crate::error::ApiError) (`invalid_field`, `forbidden`, `not_found`,
//!   `conflict`, `new`).
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
//! - **Workspaces**: the rows of a deleted workspace are removed from every table. Rules across
//!   resources are in `workspaces.rs`, with the resources that prevent the deletion.
//! - **Links** (`links`) handle `GET {origin}/emulator/{organisation id}/{name}/…` without a key,
//!   for example signed URLs: `call.path` is the rest of the path, and all query values are
//!   strings. `link_actions` handle a POST to a link.

use plain::plain_resource;
use resource::{Handler, ReadHandler, Resource, Rule, WriteHandler};

use crate::gateway;
use crate::state::egress_allowlist::EgressAllowlistEntry;
use crate::state::plugins::Plugin;
use crate::state::rate_policies::RatePolicy;

mod access_policies;
mod agents;
mod analytics;
mod api_keys;
mod audit_logs;
mod collections;
mod configs;
mod deployments;
pub(crate) mod feedback;
mod guardrails;
mod integrations;
mod labels;
mod log_exports;
pub(crate) mod logs;
mod mcp;
mod partials;
mod plain;
mod pricing;
mod prompt_tools;
mod prompts;
pub(crate) mod resource;
mod scim;
mod secret_references;
mod sharing;
mod upstreams;
pub(crate) mod usage_policies;
pub(crate) mod users;
mod utilities;
mod virtual_keys;
mod workspaces;

/// All resources.
const RESOURCES: &[Resource] = &[
    access_policies::RESOURCE,
    agents::RESOURCE,
    analytics::RESOURCE,
    api_keys::RESOURCE,
    audit_logs::RESOURCE,
    collections::RESOURCE,
    configs::RESOURCE,
    deployments::RESOURCE,
    plain_resource!(
        EgressAllowlistEntry,
        "list_egress_allowlist_entries",
        "get_egress_allowlist_entry",
        "create_egress_allowlist_entry",
        "update_egress_allowlist_entry",
        "delete_egress_allowlist_entry"
    ),
    feedback::RESOURCE,
    gateway::RESOURCE,
    guardrails::RESOURCE,
    integrations::RESOURCE,
    labels::RESOURCE,
    log_exports::RESOURCE,
    logs::RESOURCE,
    mcp::RESOURCE,
    partials::RESOURCE,
    pricing::RESOURCE,
    Resource::new(&[
        ("list_plugins", Handler::Read(plain::list::<Plugin>)),
        ("create_plugin", Handler::Write(plain::create::<Plugin>)),
        ("update_plugin", Handler::Write(plain::update::<Plugin>)),
    ]),
    prompt_tools::RESOURCE,
    prompts::RESOURCE,
    plain_resource!(
        RatePolicy,
        "list_rate_limits_policies",
        "get_rate_limits_policy",
        "create_rate_limits_policy",
        "update_rate_limits_policy",
        "delete_rate_limits_policy"
    ),
    scim::RESOURCE,
    secret_references::RESOURCE,
    usage_policies::RESOURCE,
    users::RESOURCE,
    utilities::RESOURCE,
    virtual_keys::RESOURCE,
    workspaces::RESOURCE,
];

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

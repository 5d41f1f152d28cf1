//! The rooms: one file for each kind of resource, with its state and the handlers that answer its
//! operations. A new room is a file here and its two lines below (`pub(crate) mod`, `rooms!`).
//!
//! # How a room is built
//!
//! - **State** is one type that derives `Debug`, `Clone`, `Default`, `Serialize` and
//!   `Deserialize`; it becomes a member of [`State`], which is one organisation. Things lie on
//!   [`Shelf`](crate::shelf::Shelf)s: implement [`Item`](crate::shelf::Item) (name, id, slug,
//!   workspace, and `GONE` where the service answers 403 for what is gone), read with `get`,
//!   `find`, `listed`, `in_workspace`; change by cloning an item, editing the clone and `put`ting
//!   it back, so that a refusal half-way changes nothing.
//! - **Handlers** stand in `ROOM`, by operation id: `Read(fn(&State, &Call) -> Answer)` or
//!   `Write(fn(&mut State, &Call) -> Answer)`. A writer depends on its arguments only: time is
//!   `call.now` / `call.timestamp()`, ids and secrets are `call.ids.uuid()`, `.slug(prefix, name)`
//!   and `.secret(kind)`. Answers are a [`Reply`](crate::reply::Reply) (`json`, `done`,
//!   `bytes`) or a [`Refusal`] (`invalid_field`, `forbidden`, `missing`, `conflict`, `new`).
//! - **Access** is no concern of handlers. The dispatch has checked the kind of key, its scopes and
//!   the plan against the ledger, and that the workspace that the request names (`workspace_id` in
//!   query or body, UUID or slug) exists and is the key's. `call.workspace()` is its UUID, or that
//!   of the key's own workspace, or `None` for the whole organisation; `call.needed_workspace()?`
//!   insists. Operations that want a workspace named with an organisation key are listed in
//!   `access.rs`. `shelf.find(key, call)?` hides what the key may not see, and
//!   `shelf.listed(call)` is what a list is about. A finer rule is a **guard**:
//!   `guards: &[("update_thing", rule)]`.
//! - **Quirks** are rules too. They run after guards and before the request check, on an
//!   unchecked query and body (`call.workspace()` is only the key's own then).
//! - **Lists**: `call.page(rows, |row| json)`, where rows are a view of a shelf (costs what the
//!   page costs) or a `Vec` of references to what a filter let through.
//! - **Audit**: the dispatch takes down every write that succeeds; there is nothing to do.
//! - **Workspaces**: `owned` says what keeps one from being deleted, `forget_workspace` removes
//!   what belongs to one.
//! - **Links** (`links`) answer `GET {origin}/emulator/{organisation id}/{name}/…` without a key:
//!   `call.path` is the rest of the path, the query is all texts. For signed URLs and the like. What
//!   may be done with a link stands in `deeds` and answers its POST.

use serde::{Deserialize, Serialize};

use crate::audit;
use crate::call::Call;
use crate::gateway;
use crate::reply::{Answer, Refusal};
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
pub(crate) mod masks;
pub(crate) mod mcp;
pub(crate) mod meter;
pub(crate) mod partials;
pub(crate) mod policies;
pub(crate) mod pricing;
pub(crate) mod prompts;
pub(crate) mod rate_policies;
pub(crate) mod scim;
pub(crate) mod secret_references;
pub(crate) mod slugs;
pub(crate) mod usage_policies;
pub(crate) mod users;
pub(crate) mod virtual_keys;
pub(crate) mod workspaces;

/// Defines the state of one organisation, a member for each room, and the list of rooms.
macro_rules! rooms {
    ($($room:ident: $state:ty),+ $(,)?) => {
        /// Everything one organisation consists of: a member for each room.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        pub(crate) struct State {
            pub(crate) organisation: Organisation,
            /// What the dispatch writes down; the room of the audit log reads it.
            #[serde(default)]
            pub(crate) audit_records: audit::Records,
            $(#[serde(default)] pub(crate) $room: $state,)+
        }

        impl State {
            /// An organisation with nothing in it.
            pub(crate) fn empty(organisation: Organisation) -> Self {
                Self {
                    organisation,
                    audit_records: audit::Records::default(),
                    $($room: <$state>::default(),)+
                }
            }
        }

        /// Every room there is.
        pub(crate) const ROOMS: &[Room] = &[$($room::ROOM),+];
    };
}
rooms! {
    analytics: analytics::Analytics,
    api_keys: api_keys::ApiKeys,
    audit_logs: audit_logs::AuditLogs,
    collections: collections::Collections,
    configs: configs::Configs,
    deployments: deployments::Deployments,
    feedback: feedback::Feedback,
    gateway: gateway::Gateway,
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

/// What a room offers to the dispatch. Start from [`Room::of`] and set what the room has.
pub(crate) struct Room {
    /// Operation ids and what answers them.
    pub(crate) handlers: &'static [(&'static str, Handler)],
    /// Finer rules of access than the ledger has, by operation id.
    pub(crate) guards: &'static [(&'static str, Rule)],
    /// What the service refuses before it looks at the request as a whole, by operation id.
    pub(crate) quirks: &'static [(&'static str, Rule)],
    /// What answers `GET /emulator/{organisation}/{name}/…`: links that answers hand out.
    pub(crate) links: &'static [(&'static str, Reader)],
    /// What answers `POST` at such a link: the name of the link, what the audit log calls the deed
    /// (`verb_noun`), and the deed itself. Whoever follows the link acts as a user with a new id.
    pub(crate) deeds: &'static [(&'static str, &'static str, Writer)],
    /// What stands in the way of deleting a workspace: its name, and whether there is any.
    pub(crate) owned: &'static [(&'static str, Owns)],
    /// Removes what belongs to a workspace that is deleted.
    pub(crate) forget_workspace: fn(&mut State, &str),
}

/// Answers an operation that changes nothing.
pub(crate) type Reader = fn(&State, &Call) -> Answer;
/// Answers an operation that may change something. What it does must depend on its arguments only:
/// time and ids come from the call.
pub(crate) type Writer = fn(&mut State, &Call) -> Answer;
/// Refuses some requests. It runs before the request check: nothing about the body is certain.
pub(crate) type Rule = fn(&State, &Call) -> Result<(), Refusal>;
/// Whether a workspace owns any of something.
pub(crate) type Owns = fn(&State, &str) -> bool;

/// The function that answers an operation.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    Read(Reader),
    /// Leaves a record in the audit log, and is written down where the emulator has a state file.
    Write(Writer),
    /// The same without the record: a call that is passed on to a model, or what belongs to such calls.
    Gateway(Writer),
}

impl Room {
    /// A room with handlers and nothing else.
    pub(crate) const fn of(handlers: &'static [(&'static str, Handler)]) -> Self {
        Self {
            handlers,
            guards: &[],
            quirks: &[],
            links: &[],
            deeds: &[],
            owned: &[],
            forget_workspace: |_, _| (),
        }
    }
}

/// The organisation whose things the rooms hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Organisation {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) plan: Plan,
}

impl Organisation {
    /// Refuses a request whose query or body names another organisation.
    pub(crate) fn refuse_other(&self, call: &Call) -> Result<(), Refusal> {
        let name = "organisation_id";
        let named = call.query_text(name).or_else(|| call.text(name));
        match named.is_none_or(|named| named.is_empty() || named == self.id) {
            true => Ok(()),
            false => Err(Refusal::forbidden("the key is not of this organisation")),
        }
    }
}

/// What answers an operation.
pub(crate) fn handler(operation: &str) -> Option<Handler> {
    let mut all = ROOMS.iter().flat_map(|room| room.handlers);
    all.find(|(id, _)| *id == operation)
        .map(|(_, handler)| *handler)
}

/// The guards and then the quirks of an operation.
pub(crate) fn rules(operation: &str) -> (Vec<Rule>, Vec<Rule>) {
    let of = |rules: &'static [(&str, Rule)]| {
        rules
            .iter()
            .filter(|(id, _)| *id == operation)
            .map(|(_, rule)| *rule)
    };
    (
        ROOMS.iter().flat_map(|room| of(room.guards)).collect(),
        ROOMS.iter().flat_map(|room| of(room.quirks)).collect(),
    )
}

/// What answers the links of this name.
pub(crate) fn link(name: &str) -> Option<Reader> {
    let mut all = ROOMS.iter().flat_map(|room| room.links);
    all.find(|(own, _)| *own == name).map(|(_, reader)| *reader)
}

/// What may be done with links of this name: what the audit log calls it.
pub(crate) fn deed(name: &str) -> Option<&'static str> {
    let mut all = ROOMS.iter().flat_map(|room| room.deeds);
    all.find(|(own, ..)| *own == name).map(|(_, deed, _)| *deed)
}

/// What carries out a write: an operation, or the deed of a link.
pub(crate) fn writer(operation: &str) -> Option<Writer> {
    if let Some(Handler::Write(write)) = handler(operation) {
        return Some(write);
    }
    let mut all = ROOMS.iter().flat_map(|room| room.deeds);
    all.find(|(_, deed, _)| *deed == operation)
        .map(|(.., write)| *write)
}

/// The names of what a workspace owns that costs.
pub(crate) fn owned(state: &State, workspace: &str) -> Vec<&'static str> {
    let all = ROOMS.iter().flat_map(|room| room.owned);
    all.filter(|(_, owns)| owns(state, workspace))
        .map(|(name, _)| *name)
        .collect()
}

/// Removes everything that belongs to a workspace, in all rooms.
pub(crate) fn forget_workspace(state: &mut State, workspace: &str) {
    for room in ROOMS {
        (room.forget_workspace)(state, workspace);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ROOMS;

    #[test]
    fn handlers_guards_and_quirks_name_operations_of_the_ledger() {
        let routes = &crate::model::get().unwrap().routes;
        let known: BTreeSet<&str> = routes.iter().map(|route| route.entry.id.as_str()).collect();
        let mut seen = BTreeSet::new();
        for room in ROOMS {
            for (id, _) in room.handlers {
                assert!(known.contains(id), "`{id}` has a handler but no operation");
                assert!(seen.insert(*id), "`{id}` has two handlers");
            }
            for (id, _) in room.guards.iter().chain(room.quirks) {
                assert!(known.contains(id), "`{id}` has a rule but no operation");
            }
            for (link, deed, _) in room.deeds {
                assert!(super::link(link).is_some(), "`{deed}` has no link to read");
                assert!(!known.contains(deed), "`{deed}` is an operation");
            }
        }
    }
}

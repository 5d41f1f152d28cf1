//! Guardrails: checks on what goes to models and what comes back, or on calls of MCP tools.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::{Room, State};
use crate::call::{Call, Caller};
use crate::ids::Ids;
use crate::reply::{Answer, Refusal, Reply};
use crate::shelf::{Gone, Item, Shelf};

mod defaults;
mod exclusions;
mod mcp_servers;

pub(crate) use mcp_servers::forget as forget_mcp_server;

pub(crate) const ROOM: Room = Room {
    forget_workspace,
    ..Room::of(&[
        ("list_guardrails", Read(list)),
        ("get_guardrail", Read(get)),
        ("create_guardrail", Write(create)),
        ("update_guardrail", Write(update)),
        ("delete_guardrail", Write(delete)),
        ("list_guardrail_mcp_servers", Read(mcp_servers::list)),
        ("replace_guardrail_mcp_servers", Write(mcp_servers::replace)),
        ("upsert_guardrail_mcp_server", Write(mcp_servers::upsert)),
        ("get_organisation_defaults", Read(defaults::get)),
        ("update_organisation_defaults", Write(defaults::update)),
        (
            "list_input_guardrail_exclusions",
            Read(exclusions::list_input),
        ),
        (
            "update_input_guardrail_exclusions",
            Write(exclusions::update_input),
        ),
        (
            "list_output_guardrail_exclusions",
            Read(exclusions::list_output),
        ),
        (
            "update_output_guardrail_exclusions",
            Write(exclusions::update_output),
        ),
    ])
};

/// A page where no size is asked for, and the largest.
const PAGE: (u64, u64) = (100, 1000);

/// Guardrails, and which of them hold for the whole organisation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Guardrails {
    shelf: Shelf<Guardrail>,
    defaults: defaults::Defaults,
    exclusions: exclusions::Exclusions,
}

/// A guardrail with its versions, oldest first; the last one is in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Guardrail {
    id: String,
    slug: String,
    /// `None` for one of the organisation.
    workspace_id: Option<String>,
    name: String,
    target: Option<String>,
    owner_id: String,
    updated_by: Option<String>,
    created_at: String,
    last_updated_at: String,
    versions: Vec<Version>,
    mcp_servers: Vec<mcp_servers::Mapping>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Version {
    id: String,
    checks: Value,
    actions: Value,
}

impl Item for Guardrail {
    const NAME: &'static str = "guardrail";
    const GONE: Gone = Gone::Forbidden;

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// One of the organisation is there for all.
    fn visible_to(&self, caller: &Caller) -> bool {
        self.workspace().is_none_or(|own| caller.sees(own))
    }
}

impl Version {
    /// What a request gives, and the rest from the version before.
    fn new(call: &Call, before: Option<&Self>) -> Self {
        let part = |name: &str, old: Option<&Value>| {
            let given = call.given(name).or(old);
            given.cloned().unwrap_or(Value::Null)
        };
        Self {
            id: call.ids.uuid(),
            checks: part("checks", before.map(|own| &own.checks)),
            actions: part("actions", before.map(|own| &own.actions)),
        }
    }

    /// That a check is enabled goes without saying.
    fn shown_checks(&self) -> Value {
        let mut checks = self.checks.clone();
        for check in checks.as_array_mut().into_iter().flatten() {
            if let Some(check) = check.as_object_mut()
                && check.get("is_enabled") == Some(&json!(true))
            {
                check.remove("is_enabled");
            }
        }
        checks
    }
}

impl Guardrail {
    fn json(&self, state: &State) -> Map<String, Value> {
        let body = json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "organisation_id": state.organisation.id,
            "workspace_id": self.workspace_id,
            "owner_id": self.owner_id,
            "updated_by": self.updated_by,
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
        });
        body.as_object().cloned().unwrap_or_default()
    }

    fn detail_json(&self, state: &State) -> Value {
        let version = self.versions.last();
        let mut body = Value::Object(self.json(state));
        body["checks"] = json!(version.map(Version::shown_checks));
        body["actions"] = json!(version.map(|version| &version.actions));
        body["version_id"] = json!(version.map(|version| &version.id));
        if let Some(target) = &self.target {
            body["target"] = json!(target);
        }
        let mappings = self.mcp_servers.iter();
        body["mcp_server_mappings"] = mappings.map(|own| own.json(&self.id)).collect();
        body
    }

    /// What creating it and changing it answers.
    fn ids(&self) -> Value {
        let version = self.versions.last().map(|version| &version.id);
        json!({"id": self.id, "slug": self.slug, "version_id": version})
    }
}

/// `guard_` and six random characters.
fn new_slug(ids: &Ids) -> String {
    ids.slug("guard", "").replacen('-', "_", 1)
}

fn forget_workspace(state: &mut State, workspace: &str) {
    let guardrails = &mut state.guardrails;
    let own = guardrails.shelf.in_workspace(workspace).iter();
    for id in own.map(|own| own.id.clone()).collect::<Vec<_>>() {
        guardrails.defaults.forget(&id);
    }
    guardrails.shelf.forget_workspace(workspace);
    guardrails.exclusions.forget(workspace);
}

/// Those of the organisation are listed where the organisation is asked for.
fn list(state: &State, call: &Call) -> Answer {
    state.organisation.refuse_other(call)?;
    let all = call.asks_for(&["organisation_id"]);
    let wanted =
        state
            .guardrails
            .shelf
            .all()
            .filter(|own| match (own.workspace(), call.workspace()) {
                (Some(own), Some(named)) => own == named,
                (None, Some(_)) => all,
                (_, None) => true,
            });
    Ok(call.page_sized(PAGE, wanted, |own| Value::Object(own.json(state))))
}

fn get(state: &State, call: &Call) -> Answer {
    let own = state.guardrails.shelf.find(call.id(0), call)?;
    Ok(Reply::json(own.detail_json(state)))
}

fn create(state: &mut State, call: &Call) -> Answer {
    state.organisation.refuse_other(call)?;
    if call.workspace().is_none() && call.text("organisation_id").is_none() {
        let problem = "or `/organisation_id` is required with an organisation key";
        return Err(Refusal::invalid_field("workspace_id", problem));
    }
    let target = call.text("target").map(str::to_owned);
    if target.as_ref().is_none_or(|target| target == "llm") {
        for name in ["checks", "actions"] {
            if call.value(name).is_null() {
                return Err(Refusal::invalid_field(name, "is required"));
            }
        }
    }
    let own = Guardrail {
        id: call.ids.uuid(),
        slug: new_slug(&call.ids),
        workspace_id: call.workspace_id.clone(),
        name: call.required("name")?.to_owned(),
        target,
        owner_id: state.users.acting(call).to_owned(),
        updated_by: None,
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
        versions: vec![Version::new(call, None)],
        mcp_servers: Vec::new(),
    };
    let body = own.ids();
    state.guardrails.shelf.put(own);
    Ok(Reply::json(body))
}

fn update(state: &mut State, call: &Call) -> Answer {
    let mut own = find_own(state, call)?.clone();
    if let Some(name) = call.text("name") {
        name.clone_into(&mut own.name);
    }
    let version = Version::new(call, own.versions.last());
    own.versions.push(version);
    own.updated_by = Some(state.users.acting(call).to_owned());
    own.last_updated_at = call.timestamp();
    let body = own.ids();
    state.guardrails.shelf.put(own);
    Ok(Reply::json(body))
}

fn delete(state: &mut State, call: &Call) -> Answer {
    let id = find_own(state, call)?.id.clone();
    state.guardrails.shelf.remove(&id);
    state.guardrails.defaults.forget(&id);
    Ok(Reply::done())
}

/// The guardrail of the path, to change: a workspace key changes those of its workspace only.
fn find_own<'a>(state: &'a State, call: &Call) -> Result<&'a Guardrail, Refusal> {
    let own = state.guardrails.shelf.find(call.id(0), call)?;
    if own.workspace_id.is_none() && !call.caller.is_organisation() {
        return Err(Guardrail::GONE.refusal(Guardrail::NAME));
    }
    Ok(own)
}

//! Guardrails: checks on model requests and responses, or on MCP tool calls.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Handler::{Read, Write};
use super::{Resource, State};
use crate::call::{Call, Caller};
use crate::error::ApiError;
use crate::ids::Ids;
use crate::response::{HandlerResult, ResponseBody};
use crate::table::{MissingStatus, Row, Table};

mod defaults;
mod exclusions;
mod mcp_servers;

pub(crate) use mcp_servers::remove_server as remove_mcp_server;

pub(crate) const RESOURCE: Resource = Resource {
    remove_workspace,
    ..Resource::new(&[
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

/// The default and the maximum page size.
const PAGE_SIZES: (u64, u64) = (100, 1000);

/// Guardrails, the default guardrails of the organisation, and the exclusions from them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Guardrails {
    table: Table<Guardrail>,
    defaults: defaults::Defaults,
    exclusions: exclusions::Exclusions,
}

/// A guardrail with its versions, oldest first; the last one is current.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Guardrail {
    id: String,
    slug: String,
    /// `None` for a guardrail of the organisation.
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

impl Row for Guardrail {
    const NAME: &'static str = "guardrail";
    const MISSING_STATUS: MissingStatus = MissingStatus::Forbidden;

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// A guardrail of the organisation is visible to all keys.
    fn visible_to(&self, caller: &Caller) -> bool {
        self.workspace()
            .is_none_or(|workspace| caller.can_see(workspace))
    }
}

impl Version {
    /// Creates a version from a request; fields that it lacks come from the previous version.
    fn new(call: &Call, previous: Option<&Self>) -> Self {
        let field = |name: &str, previous: Option<&Value>| {
            let value = call.body_field(name).or(previous);
            value.cloned().unwrap_or(Value::Null)
        };
        Self {
            id: call.ids.uuid(),
            checks: field("checks", previous.map(|version| &version.checks)),
            actions: field("actions", previous.map(|version| &version.actions)),
        }
    }

    /// Returns the checks; `is_enabled` is omitted if true.
    fn checks_json(&self) -> Value {
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
        body["checks"] = json!(version.map(Version::checks_json));
        body["actions"] = json!(version.map(|version| &version.actions));
        body["version_id"] = json!(version.map(|version| &version.id));
        if let Some(target) = &self.target {
            body["target"] = json!(target);
        }
        let mappings = self.mcp_servers.iter();
        body["mcp_server_mappings"] = mappings.map(|mapping| mapping.json(&self.id)).collect();
        body
    }

    /// Returns the response to a creation or an update.
    fn ids_json(&self) -> Value {
        let version = self.versions.last().map(|version| &version.id);
        json!({"id": self.id, "slug": self.slug, "version_id": version})
    }
}

/// Returns `guard_` and six random characters.
fn new_slug(ids: &Ids) -> String {
    ids.slug("guard", "").replacen('-', "_", 1)
}

fn remove_workspace(state: &mut State, workspace: &str) {
    let guardrails = &mut state.guardrails;
    let in_workspace = guardrails.table.in_workspace(workspace).iter();
    for id in in_workspace
        .map(|guardrail| guardrail.id.clone())
        .collect::<Vec<_>>()
    {
        guardrails.defaults.remove(&id);
    }
    guardrails.table.remove_workspace(workspace);
    guardrails.exclusions.remove(workspace);
}

/// With a workspace, guardrails of the organisation are only listed if `organisation_id` is given.
fn list(state: &State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let includes_organisation = call.has_query_param(&["organisation_id"]);
    let matching = state.guardrails.table.all().filter(|guardrail| {
        match (guardrail.workspace(), call.workspace()) {
            (Some(id), Some(workspace)) => id == workspace,
            (None, Some(_)) => includes_organisation,
            (_, None) => true,
        }
    });
    Ok(call.page_sized(PAGE_SIZES, matching, |guardrail| {
        Value::Object(guardrail.json(state))
    }))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let guardrail = state.guardrails.table.find(call.path_param(0), call)?;
    Ok(ResponseBody::json(guardrail.detail_json(state)))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    if call.workspace().is_none() && call.body_str("organisation_id").is_none() {
        let reason = "or `/organisation_id` is required with an organisation key";
        return Err(ApiError::invalid_field("workspace_id", reason));
    }
    let target = call.body_str("target").map(str::to_owned);
    if target.as_ref().is_none_or(|target| target == "llm") {
        for name in ["checks", "actions"] {
            if call.body_value(name).is_null() {
                return Err(ApiError::invalid_field(name, "is required"));
            }
        }
    }
    let guardrail = Guardrail {
        id: call.ids.uuid(),
        slug: new_slug(&call.ids),
        workspace_id: call.workspace_id.clone(),
        name: call.required_str("name")?.to_owned(),
        target,
        owner_id: state.users.acting_user(call).to_owned(),
        updated_by: None,
        created_at: call.timestamp(),
        last_updated_at: call.timestamp(),
        versions: vec![Version::new(call, None)],
        mcp_servers: Vec::new(),
    };
    let body = guardrail.ids_json();
    state.guardrails.table.put(guardrail);
    Ok(ResponseBody::json(body))
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut guardrail = find_editable(state, call)?.clone();
    if let Some(name) = call.body_str("name") {
        name.clone_into(&mut guardrail.name);
    }
    let version = Version::new(call, guardrail.versions.last());
    guardrail.versions.push(version);
    guardrail.updated_by = Some(state.users.acting_user(call).to_owned());
    guardrail.last_updated_at = call.timestamp();
    let body = guardrail.ids_json();
    state.guardrails.table.put(guardrail);
    Ok(ResponseBody::json(body))
}

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let id = find_editable(state, call)?.id.clone();
    state.guardrails.table.remove(&id);
    state.guardrails.defaults.remove(&id);
    Ok(ResponseBody::empty_object())
}

/// Returns the guardrail of the path for an update. A workspace key can only change guardrails of
/// its workspace.
fn find_editable<'a>(state: &'a State, call: &Call) -> Result<&'a Guardrail, ApiError> {
    let guardrail = state.guardrails.table.find(call.path_param(0), call)?;
    if guardrail.workspace_id.is_none() && !call.caller.is_organisation_key() {
        return Err(Guardrail::MISSING_STATUS.error(Guardrail::NAME));
    }
    Ok(guardrail)
}

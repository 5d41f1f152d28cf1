//! Operations on guardrails.

mod defaults;
mod exclusions;
mod mcp_servers;

use serde_json::{Value, json};

pub(super) use mcp_servers::remove_server as remove_mcp_server;

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::ids::Ids;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::guardrails::{Guardrail, Version};
use crate::state::table::Row;

pub(crate) const RESOURCE: Resource = Resource::new(&[
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
]);

/// The default and the maximum page size.
const PAGE_SIZES: (u64, u64) = (100, 1000);

impl Guardrail {
    fn json(&self, state: &State) -> Value {
        json!({
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
        })
    }

    fn detail_json(&self, state: &State) -> Value {
        let version = self.versions.last();
        let mut body = self.json(state);
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
}

/// Returns `guard_` and six random characters.
fn new_slug(ids: &Ids) -> String {
    ids.slug("guard", "").replacen('-', "_", 1)
}

/// With a workspace, guardrails of the organisation are only listed if `organisation_id` is given.
fn list(state: &State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let includes_organisation = call.has_query_param(&["organisation_id"]);
    let matching = state.guardrails.table.all().filter(|guardrail| {
        let is_included = match (guardrail.workspace(), call.workspace()) {
            (Some(id), Some(workspace)) => id == workspace,
            (None, Some(_)) => includes_organisation,
            (_, None) => true,
        };
        is_included && call.matches_list("ids", &guardrail.id)
    });
    Ok(call.page_sized(PAGE_SIZES, matching, |guardrail| guardrail.json(state)))
}

fn get(state: &State, call: &Call) -> HandlerResult {
    let guardrail = state.guardrails.table.find_by_path(call)?;
    respond(guardrail.detail_json(state))
}

fn create(state: &mut State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    call.require_workspace_or_organisation()?;
    let target = call.body_str("target").map(str::to_owned);
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
    let mut body = guardrail.ids_json();
    body["created_at"] = json!(guardrail.created_at);
    body["created_by"] = json!(guardrail.owner_id);
    body["object"] = json!("guardrail");
    state.guardrails.table.put(guardrail);
    respond(body)
}

fn update(state: &mut State, call: &Call) -> HandlerResult {
    let mut guardrail = find_editable(state, call)?.clone();
    call.set_str("name", &mut guardrail.name);
    let version = Version::new(call, guardrail.versions.last());
    guardrail.versions.push(version);
    guardrail.updated_by = Some(state.users.acting_user(call).to_owned());
    guardrail.last_updated_at = call.timestamp();
    let body = guardrail.ids_json();
    state.guardrails.table.put(guardrail);
    respond(body)
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
    let guardrail = state.guardrails.table.find_by_path(call)?;
    if guardrail.workspace_id.is_none() && !call.caller.is_organisation_key() {
        return Err(Guardrail::MISSING_STATUS.error(Guardrail::NAME));
    }
    Ok(guardrail)
}

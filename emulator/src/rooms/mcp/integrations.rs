//! MCP integrations.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::access::Access;
use super::capabilities::{self, Capability};
use super::metadata::Metadata;
use super::{probe, servers};
use crate::call::{Call, Caller};
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::{State, masks, secret_references, slugs};
use crate::shelf::{Item, Shelf};

/// A page where no size is asked for, and the largest.
const PAGE: (u64, u64) = (100, 1000);

/// The fields that a secret can fill.
const FILLABLE: [&str; 1] = ["configurations."];

/// What an update can change.
const CHANGEABLE: [&str; 7] = [
    "name",
    "description",
    "url",
    "auth_type",
    "transport",
    "configurations",
    "secret_mappings",
];

/// An MCP server that the organisation, or one workspace, knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct McpIntegration {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) secret_mappings: Vec<Value>,
    /// `None` for one of the organisation.
    workspace_id: Option<String>,
    name: String,
    description: Value,
    pub(super) url: String,
    pub(super) auth_type: String,
    pub(super) transport: String,
    pub(super) configurations: Value,
    owner_id: String,
    pub(super) access: Access,
    pub(super) capabilities: Vec<Capability>,
    pub(super) metadata: Metadata,
    created_at: String,
    last_updated_at: Option<String>,
}

impl Item for McpIntegration {
    const NAME: &'static str = "MCP integration";

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn workspace(&self) -> Option<&str> {
        self.workspace_id.as_deref()
    }

    /// A workspace key sees what its workspace may use.
    fn visible_to(&self, caller: &Caller) -> bool {
        let own = caller.workspace();
        own.is_none_or(|own| self.access.allows(own) || self.workspace() == Some(own))
    }
}

impl McpIntegration {
    /// Whether a workspace may use it.
    pub(super) fn serves(&self, workspace: &str) -> bool {
        self.access.allows(workspace)
    }

    fn kind(&self) -> &'static str {
        match self.workspace_id {
            Some(_) => "workspace",
            None => "organisation",
        }
    }

    fn json(&self) -> Map<String, Value> {
        let body = json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "description": self.description,
            "type": self.kind(),
            "workspace_id": self.workspace_id,
            "url": self.url,
            "auth_type": self.auth_type,
            "transport": self.transport,
            "configurations": masks::masked(&self.configurations),
            "secret_mappings": self.secret_mappings,
            "global_workspace_access": self.access.global,
            "owner_id": self.owner_id,
            "status": "active",
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "object": "mcp-integration",
        });
        body.as_object().cloned().unwrap_or_default()
    }

    fn list_json(&self, state: &State) -> Value {
        let all = state.workspaces.iter();
        let count = all.filter(|workspace| self.serves(&workspace.id)).count();
        let mut body = self.json();
        body.insert("workspaces_count".to_owned(), json!(count));
        Value::Object(body)
    }

    /// Takes over what a create or update request gives.
    fn apply(&mut self, state: &State, call: &Call) -> Result<(), Refusal> {
        let texts = [
            ("name", &mut self.name),
            ("url", &mut self.url),
            ("auth_type", &mut self.auth_type),
            ("transport", &mut self.transport),
        ];
        for (name, slot) in texts {
            if let Some(text) = call.text(name) {
                text.clone_into(slot);
            }
        }
        let values = [
            ("description", &mut self.description),
            ("configurations", &mut self.configurations),
        ];
        for (name, slot) in values {
            if let Some(value) = call.given(name) {
                slot.clone_from(value);
            }
        }
        let workspace = self.workspace_id.as_deref();
        if let Some(mappings) = secret_references::mappings(state, call, &FILLABLE, workspace)? {
            self.secret_mappings = mappings;
        }
        self.check()
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.transport == "interactive" {
            return Err(Refusal::invalid_field("transport", "can only be read"));
        }
        let headers = "configurations.custom_headers";
        if self.auth_type == "headers"
            && self.configurations["custom_headers"].is_null()
            && !secret_references::fill(&self.secret_mappings, headers)
        {
            let place = "configurations/custom_headers";
            let problem = "is required where `/auth_type` is `headers`";
            return Err(Refusal::invalid_field(place, problem));
        }
        Ok(())
    }
}

/// The MCP integration of the path, to look at.
pub(super) fn find<'a>(state: &'a State, call: &Call) -> Result<&'a McpIntegration, Refusal> {
    state.mcp.integrations.find(call.id(0), call)
}

/// The MCP integration of the path, to change: a workspace key changes those of its workspace only.
pub(super) fn find_own<'a>(state: &'a State, call: &Call) -> Result<&'a McpIntegration, Refusal> {
    let integration = find(state, call)?;
    if integration.workspace_id.is_none() && !call.caller.is_organisation() {
        let message = "a workspace key may not change an MCP integration of the organisation";
        return Err(Refusal::forbidden(message));
    }
    Ok(integration)
}

fn shelf(state: &mut State) -> &mut Shelf<McpIntegration> {
    &mut state.mcp.integrations
}

pub(super) fn list(state: &State, call: &Call) -> Answer {
    state.organisation.refuse_other(call)?;
    let kind = call.query_text("type").filter(|kind| *kind != "all");
    let search = call.query_text("search").unwrap_or_default().to_lowercase();
    let wanted = state.mcp.integrations.all().filter(|own| {
        let named = call.workspace();
        let usable = named
            .is_none_or(|named| own.serves(named) || own.workspace_id.as_deref() == Some(named));
        let matches = |text: &str| text.to_lowercase().contains(&search);
        usable
            && kind.is_none_or(|kind| kind == own.kind())
            && (matches(&own.name) || matches(&own.slug))
    });
    Ok(call.page_sized(PAGE, wanted, |own| own.list_json(state)))
}

pub(super) fn get(state: &State, call: &Call) -> Answer {
    Ok(Reply::json(Value::Object(find(state, call)?.json())))
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    state.organisation.refuse_other(call)?;
    let name = call.required("name")?;
    let taken = |slug: &str| state.mcp.integrations.get(slug).is_some();
    let slug = slugs::choose(call.text("slug"), "slug", taken, name, &call.ids)?;
    let mut own = McpIntegration {
        id: call.ids.uuid(),
        slug,
        secret_mappings: Vec::new(),
        workspace_id: call.workspace_id.clone(),
        name: name.to_owned(),
        description: Value::Null,
        url: call.required("url")?.to_owned(),
        auth_type: call.required("auth_type")?.to_owned(),
        transport: call.required("transport")?.to_owned(),
        configurations: Value::Null,
        owner_id: state.users.acting(call).to_owned(),
        access: Access::default(),
        capabilities: Vec::new(),
        metadata: Metadata::default(),
        created_at: call.timestamp(),
        last_updated_at: None,
    };
    own.apply(state, call)?;
    if let Some(workspace) = call.workspace() {
        own.access.set(workspace, true, &call.timestamp());
    }
    let body = json!({"id": own.id, "slug": own.slug});
    shelf(state).put(own);
    Ok(Reply::json(body))
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let mut own = find_own(state, call)?.clone();
    if !CHANGEABLE.iter().any(|name| call.given(name).is_some()) {
        return Err(Refusal::invalid("body: there is nothing to change"));
    }
    own.apply(state, call)?;
    own.last_updated_at = Some(call.timestamp());
    shelf(state).put(own);
    Ok(Reply::done())
}

/// The servers that make it available go with it.
pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let id = find_own(state, call)?.id.clone();
    shelf(state).remove(&id);
    servers::forget_integration(state, &id);
    Ok(Reply::done())
}

pub(super) fn metadata(state: &State, call: &Call) -> Answer {
    Ok(Reply::json(find(state, call)?.metadata.json()))
}

pub(super) fn sync(state: &mut State, call: &Call) -> Answer {
    let mut own = find_own(state, call)?.clone();
    if call.given("capabilities").is_some() {
        own.capabilities = capabilities::synced(&own.capabilities, call)?;
    }
    own.metadata
        .hear(&call.value("server_info"), &call.timestamp());
    let count = own.capabilities.len();
    shelf(state).put(own);
    Ok(Reply::json(json!({
        "success": true,
        "message": "what the server said was stored",
        "details": {"capabilities": count},
    })))
}

pub(super) fn test(state: &State, call: &Call) -> Answer {
    let own = find(state, call)?;
    let problem = probe::problem(&own.url);
    Ok(Reply::json(json!({
        "success": problem.is_none(),
        "message": problem.unwrap_or("the server was reached"),
        "details": {"url": own.url, "transport": own.transport},
    })))
}

pub(super) fn list_capabilities(state: &State, call: &Call) -> Answer {
    let rows: Vec<&Capability> = find(state, call)?.capabilities.iter().collect();
    Ok(capabilities::page(
        call,
        rows,
        |own| (own, own.enabled),
        Capability::integration_json,
    ))
}

pub(super) fn update_capabilities(state: &mut State, call: &Call) -> Answer {
    let mut own = find_own(state, call)?.clone();
    let known: HashSet<String> = own.capabilities.iter().map(Capability::key).collect();
    let switches = capabilities::switches(call, &known)?;
    capabilities::switch(&mut own.capabilities, &switches, &call.timestamp());
    shelf(state).put(own);
    Ok(Reply::json(json!({"success": true})))
}

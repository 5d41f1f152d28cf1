//! MCP servers.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::capabilities::{self, Capability, Name, Offered};
use super::integrations::McpIntegration;
use super::metadata::Metadata;
use super::probe;
use super::users::Users;
use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};
use crate::rooms::{State, guardrails, masks, slugs};
use crate::shelf::Item;

/// A page where no size is asked for, and the largest.
const PAGE: (u64, u64) = (100, 100);

/// How long a server takes to answer a test, in milliseconds: nothing is sent.
const RESPONSE_TIME: u32 = 42;

/// An MCP integration made available in a workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct McpServer {
    pub(crate) id: String,
    slug: String,
    pub(crate) workspace_id: String,
    name: String,
    description: Value,
    /// The UUID of the integration.
    integration_id: String,
    owner_id: String,
    /// What the service signs in as where it registers itself.
    client_id: String,
    /// What this server was found to offer; `None` while that is what the integration offers.
    own_capabilities: Option<Vec<Capability>>,
    /// What was switched on or off here.
    switches: BTreeMap<Name, bool>,
    metadata: Metadata,
    pub(super) users: Users,
    created_at: String,
}

impl Item for McpServer {
    const NAME: &'static str = "MCP server";

    fn id(&self) -> &str {
        &self.id
    }

    fn slug(&self) -> Option<&str> {
        Some(&self.slug)
    }

    fn workspace(&self) -> Option<&str> {
        Some(&self.workspace_id)
    }
}

impl McpServer {
    fn integration<'a>(&self, state: &'a State) -> Result<&'a McpIntegration, Refusal> {
        let integration = state.mcp.integrations.get(&self.integration_id);
        integration.ok_or_else(|| Refusal::missing(McpIntegration::NAME))
    }

    /// Service keys are told more than those of users.
    fn json(&self, state: &State, call: &Call) -> Value {
        let mut body = json!({
            "id": self.id,
            "slug": self.slug,
            "name": self.name,
            "description": self.description,
            "mcp_integration_id": self.integration_id,
            "organisation_id": state.organisation.id,
            "owner_id": self.owner_id,
            "status": "active",
            "created_at": self.created_at,
            "object": "mcp-server",
        });
        let Ok(integration) = self.integration(state) else {
            return body;
        };
        body["auth_type"] = json!(integration.auth_type);
        body["mcp_integration_slug"] = json!(integration.slug);
        body["mcp_integration_url"] = json!(integration.url);
        if call.caller.user_id.is_none() {
            let workspace = state.workspaces.get(&self.workspace_id);
            body["workspace_id"] = json!(self.workspace_id);
            body["workspace_name"] = json!(workspace.map(|own| own.shown_name()));
            body["workspace_slug"] = json!(workspace.map(|own| &own.slug));
            body["mcp_integration_details"] = details(integration);
        }
        body
    }

    /// What it offers, each with whether it may be used.
    fn offers<'a>(&'a self, integration: &'a McpIntegration) -> Vec<Offered<'a>> {
        let above = integration.capabilities.iter();
        let above: HashMap<Name, bool> = above.map(|own| (own.key(), own.enabled)).collect();
        let list = self.own_capabilities.as_ref();
        let list = list.unwrap_or(&integration.capabilities).iter();
        let offer = |capability: &'a Capability| {
            let key = capability.key();
            let integration_enabled = above.get(&key).copied().unwrap_or(true);
            let switched = self.switches.get(&key).copied().unwrap_or(true);
            Offered {
                capability,
                enabled: switched && integration_enabled,
                integration_enabled,
            }
        };
        list.map(offer).collect()
    }
}

fn details(integration: &McpIntegration) -> Value {
    json!({
        "id": integration.id,
        "slug": integration.slug,
        "url": integration.url,
        "auth_type": integration.auth_type,
        "transport": integration.transport,
        "configurations": masks::masked(&integration.configurations),
        "status": "active",
    })
}

/// The MCP server of the path.
pub(super) fn find<'a>(state: &'a State, call: &Call) -> Result<&'a McpServer, Refusal> {
    state.mcp.servers.find(call.id(0), call)
}

/// Takes away every server that stands on an integration.
pub(super) fn forget_integration(state: &mut State, integration: &str) {
    let all = state.mcp.servers.iter();
    let standing = all.filter(|own| own.integration_id == integration);
    let ids: Vec<String> = standing.map(|own| own.id.clone()).collect();
    for id in ids {
        remove(state, &id);
    }
}

/// Takes a server away, and out of the sight of guardrails.
pub(super) fn remove(state: &mut State, id: &str) {
    state.mcp.servers.remove(id);
    guardrails::forget_mcp_server(state, id);
}

pub(super) fn list(state: &State, call: &Call) -> Answer {
    let ids = call
        .query_text("id")
        .map(|ids| ids.split(',').map(str::trim));
    let ids: Option<HashSet<&str>> = ids.map(Iterator::collect);
    let search = call.query_text("search").unwrap_or_default().to_lowercase();
    let wanted = state.mcp.servers.listed(call).filter(|own| {
        let matches = |text: &str| text.to_lowercase().contains(&search);
        let named =
            |ids: &HashSet<&str>| ids.contains(own.id.as_str()) || ids.contains(own.slug.as_str());
        ids.as_ref().is_none_or(named) && (matches(&own.name) || matches(&own.slug))
    });
    Ok(call.page_sized(PAGE, wanted, |own| own.json(state, call)))
}

pub(super) fn get(state: &State, call: &Call) -> Answer {
    Ok(Reply::json(find(state, call)?.json(state, call)))
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let (name, workspace) = (call.required("name")?, call.needed_workspace()?);
    let key = call.required("mcp_integration_id")?;
    let integration = state.mcp.integrations.get(key);
    let integration = integration.ok_or_else(|| Refusal::missing(McpIntegration::NAME))?;
    if !integration.serves(workspace) {
        let message = "the MCP integration is not enabled for the workspace";
        return Err(Refusal::forbidden(message));
    }
    let taken = |slug: &str| state.mcp.servers.get(slug).is_some();
    let slug = slugs::choose(call.text("slug"), "slug", taken, name, &call.ids)?;
    let server = McpServer {
        id: call.ids.uuid(),
        slug,
        workspace_id: workspace.to_owned(),
        name: name.to_owned(),
        description: call.value("description"),
        integration_id: integration.id.clone(),
        owner_id: state.users.acting(call).to_owned(),
        client_id: call.ids.uuid(),
        own_capabilities: None,
        switches: BTreeMap::new(),
        metadata: Metadata::default(),
        users: Users::default(),
        created_at: call.timestamp(),
    };
    let body = json!({"id": server.id, "slug": server.slug});
    state.mcp.servers.put(server);
    Ok(Reply::json(body))
}

pub(super) fn update(state: &mut State, call: &Call) -> Answer {
    let mut server = find(state, call)?.clone();
    if call.given("name").is_none() && call.given("description").is_none() {
        return Err(Refusal::invalid("body: there is nothing to change"));
    }
    if let Some(name) = call.text("name") {
        name.clone_into(&mut server.name);
    }
    if let Some(description) = call.given("description") {
        server.description = description.clone();
    }
    state.mcp.servers.put(server);
    Ok(Reply::done())
}

pub(super) fn delete(state: &mut State, call: &Call) -> Answer {
    let id = find(state, call)?.id.clone();
    remove(state, &id);
    Ok(Reply::done())
}

/// A server that cannot be reached is no refusal.
pub(super) fn test(state: &State, call: &Call) -> Answer {
    let server = find(state, call)?;
    let url = &server.integration(state)?.url;
    let problem = probe::problem(url);
    let reached = problem.is_none();
    Ok(Reply::json(json!({
        "success": reached,
        "error": problem,
        "url": url,
        "server_name": server.name,
        "status_code": reached.then_some(200),
        "response_time_ms": reached.then_some(RESPONSE_TIME),
        "object": "mcp-server-test",
    })))
}

pub(super) fn list_capabilities(state: &State, call: &Call) -> Answer {
    let server = find(state, call)?;
    let rows = server.offers(server.integration(state)?);
    Ok(capabilities::page(
        call,
        rows,
        |own| (own.capability, own.enabled),
        |own| own.json(call),
    ))
}

pub(super) fn update_capabilities(state: &mut State, call: &Call) -> Answer {
    let mut server = find(state, call)?.clone();
    let offers = server.offers(server.integration(state)?).into_iter();
    let known: HashSet<Name> = offers.map(|own| own.capability.key()).collect();
    let switches = capabilities::switches(call, &known)?;
    server.switches.extend(switches);
    state.mcp.servers.put(server);
    Ok(Reply::json(json!({"success": true})))
}

pub(super) fn sync_capabilities(state: &mut State, call: &Call) -> Answer {
    let mut server = find(state, call)?.clone();
    let before = server.own_capabilities.unwrap_or_default();
    let found = capabilities::synced(&before, call)?;
    let count = found.len();
    server.own_capabilities = Some(found);
    state.mcp.servers.put(server);
    Ok(Reply::json(json!({"success": true, "total": count})))
}

/// What the server itself said, or else what its integration knows.
pub(super) fn metadata(state: &State, call: &Call) -> Answer {
    let server = find(state, call)?;
    let metadata = match server.metadata.is_known() {
        true => &server.metadata,
        false => &server.integration(state)?.metadata,
    };
    Ok(Reply::json(metadata.json()))
}

pub(super) fn sync_metadata(state: &mut State, call: &Call) -> Answer {
    let mut server = find(state, call)?.clone();
    server.metadata.apply(&call.body, &call.timestamp());
    state.mcp.servers.put(server);
    Ok(Reply::json(json!({"success": true})))
}

/// With `oauth_auto` the service registers itself; otherwise the integration may name the client.
pub(super) fn client_info(state: &State, call: &Call) -> Answer {
    let server = find(state, call)?;
    let integration = server.integration(state)?;
    let empty = Map::new();
    let settings = integration.configurations.as_object().unwrap_or(&empty);
    let nested = settings.get("oauth_metadata");
    let said = |name: &str| {
        let deep = || nested.and_then(|nested| nested.get(name));
        settings.get(name).or_else(deep).cloned()
    };
    let registered = (integration.auth_type == "oauth_auto").then(|| json!(server.client_id));
    Ok(Reply::json(json!({
        "client_id": said("client_id").or(registered),
        "client_secret": said("client_secret"),
        "object": "client-info",
    })))
}

//! Operations on agent integrations and agent servers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, ScriptedReply};
use crate::error::ApiError;
use crate::handlers::resource::Handler::{Read, Write};
use crate::handlers::resource::Resource;
use crate::handlers::upstreams::integrations::{find as find_integration, find_editable};
use crate::handlers::upstreams::servers::{find as find_server, integration_of};
use crate::handlers::upstreams::{Operations, access, integrations, servers, users};
use crate::response::{HandlerResult, respond};
use crate::state::agents::cards::{self, SKILL};
use crate::state::agents::{A2a, AgentIntegration, IntegrationSettings, ServerSettings};
use crate::state::upstreams::capabilities::{
    Capability, CapabilityKey, apply_toggles, capability_key, merge_synced,
};
use crate::state::{State, custom_host, masking};

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_agent_integrations", Read(integrations::list::<A2a>)),
    ("get_agent_integration", Read(integrations::get::<A2a>)),
    (
        "create_agent_integration",
        Write(integrations::create::<A2a>),
    ),
    (
        "update_agent_integration",
        Write(integrations::update::<A2a>),
    ),
    (
        "delete_agent_integration",
        Write(integrations::delete::<A2a>),
    ),
    (
        "list_agent_integration_workspaces",
        Read(access::list::<A2a>),
    ),
    (
        "update_agent_integration_workspaces",
        Write(access::update::<A2a>),
    ),
    (
        "list_agent_integration_skills",
        Read(list_integration_skills),
    ),
    (
        "update_agent_integration_skills",
        Write(update_integration_skills),
    ),
    ("fetch_agent_card", Read(fetch_card)),
    ("list_agent_servers", Read(servers::list::<A2a>)),
    ("create_agent_server", Write(servers::create::<A2a>)),
    ("update_agent_server", Write(servers::update::<A2a>)),
    ("delete_agent_server", Write(servers::delete::<A2a>)),
    ("test_agent_server", Read(servers::test::<A2a>)),
    ("list_agent_server_skills", Read(list_server_skills)),
    ("update_agent_server_skills", Write(update_server_skills)),
    (
        "list_agent_server_user_access",
        Read(users::list_access::<A2a>),
    ),
    (
        "update_agent_server_user_access",
        Write(users::update_access::<A2a>),
    ),
    ("get_agent_server_card", Read(get_card)),
]);

impl Operations for A2a {
    fn new_integration(_: &Call) -> Result<IntegrationSettings, ApiError> {
        Ok(IntegrationSettings {
            agent_card: Value::Null,
        })
    }

    fn new_server(_: &Call) -> ServerSettings {
        ServerSettings {}
    }

    /// The skills are those of the agent card; a skill that is already known stays enabled or
    /// disabled.
    fn apply(integration: &mut AgentIntegration, _: &State, call: &Call) -> Result<(), ApiError> {
        match call.body_field("agent_card") {
            None => {}
            Some(Value::Null) => integration.settings.agent_card = Value::Null,
            Some(card) => integration.settings.agent_card = cards::parse(card, "agent_card")?,
        }
        let card = integration.card().unwrap_or_default();
        let found = cards::skills(&card, &call.timestamp());
        let field = "agent_card/skills";
        integration.capabilities = merge_synced(&integration.capabilities, found, field)?;
        Ok(())
    }

    fn integration_fields(integration: &AgentIntegration) -> Value {
        json!({
            "agent_card": integration.card(),
            "configurations": masking::mask_values(&integration.configurations),
        })
    }

    /// Which settings are secret is not documented, so all of them are masked.
    fn connection_fields(integration: &AgentIntegration) -> Value {
        json!({"configurations": masking::mask_values(&integration.configurations)})
    }
}

/// Returns the card that a script sets, or else the one that the address publishes. The service
/// looks only at the two well-known addresses of the endpoint (V186).
fn fetch_card(state: &State, call: &Call) -> HandlerResult {
    state.organisation.reject_other_organisation(call)?;
    let endpoint = call.required_str("endpoint")?;
    custom_host::validate(&json!(endpoint), "endpoint")?;
    if let Some(ScriptedReply::Text(card)) = &call.scripted_reply {
        return respond(cards::parse(&json!(card), "endpoint")?);
    }
    let card = cards::published_at(endpoint);
    respond(card.ok_or_else(|| {
        ApiError::invalid_field("endpoint", "is not the address of an agent with a card")
    })?)
}

fn get_card(state: &State, call: &Call) -> HandlerResult {
    let integration = integration_of::<A2a>(state, find_server(state, call)?)?;
    let card = integration.card();
    respond(card.ok_or_else(|| ApiError::not_found("agent card"))?)
}

/// Returns a skill as in the agent card, and whether it is enabled.
fn skill_json(skill: &Capability, enabled: bool) -> Value {
    let mut body = Value::Object(skill.attributes.clone());
    body["enabled"] = json!(enabled);
    body
}

fn list_integration_skills(state: &State, call: &Call) -> HandlerResult {
    let skills = &find_integration::<A2a>(state, call)?.capabilities;
    let rows: Vec<&Capability> = skills.iter().collect();
    Ok(call.page(rows, |skill| {
        skill.with_times(skill_json(skill, skill.enabled))
    }))
}

fn update_integration_skills(state: &mut State, call: &Call) -> HandlerResult {
    let mut integration = find_editable::<A2a>(state, call)?.clone();
    let all: Vec<&Capability> = integration.capabilities.iter().collect();
    let toggles = parse_toggles(call, &all)?;
    apply_toggles(&mut integration.capabilities, &toggles, &call.timestamp());
    integrations::put(state, integration);
    respond(json!({"success": true}))
}

fn list_server_skills(state: &State, call: &Call) -> HandlerResult {
    let server = find_server::<A2a>(state, call)?;
    let rows = server.capabilities(integration_of(state, server)?);
    Ok(call.page(rows, |row| {
        row.with_integration_state(skill_json(row.capability, row.enabled), call)
    }))
}

fn update_server_skills(state: &mut State, call: &Call) -> HandlerResult {
    let mut server = find_server::<A2a>(state, call)?.clone();
    let rows = server.capabilities(integration_of(state, &server)?);
    let all: Vec<&Capability> = rows.iter().map(|row| row.capability).collect();
    let toggles = parse_toggles(call, &all)?;
    server.toggles.extend(toggles);
    servers::put(state, server);
    respond(json!({"success": true}))
}

/// Returns the skills that a request enables or disables. Objects name a skill by `id` or `name` and
/// have `enabled`; of a list of strings, the skills in it are enabled and all others disabled.
fn parse_toggles(
    call: &Call,
    known: &[&Capability],
) -> Result<BTreeMap<CapabilityKey, bool>, ApiError> {
    let items = call.body_items("skills");
    let mut toggles = BTreeMap::new();
    if !items.is_empty() && items.iter().all(Value::is_string) {
        toggles.extend(known.iter().map(|skill| (skill.key(), false)));
    }
    for (index, item) in items.iter().enumerate() {
        let name = [item, &item["id"], &item["name"]]
            .into_iter()
            .find_map(Value::as_str);
        let named = |skill: &&&Capability| {
            name == Some(&*skill.name) || name == skill.attributes["name"].as_str()
        };
        let skill = name.and_then(|_| known.iter().find(named)).ok_or_else(|| {
            let reason = "is not a skill of the agent";
            ApiError::invalid_field(&format!("skills/{index}"), reason)
        })?;
        let enabled = item.is_string() || item["enabled"] == true;
        toggles.insert(capability_key(SKILL, &skill.name), enabled);
    }
    Ok(toggles)
}

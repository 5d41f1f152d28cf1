//! Agent cards, in which agents describe themselves.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::json;
use crate::state::upstreams::capabilities::Capability;
use crate::state::upstreams::probe;

/// The maximum size of a card, in bytes (V186).
const MAX_SIZE: usize = 1 << 20;

/// The kind of a skill among the capabilities.
pub(crate) const SKILL: &str = "skill";

/// Parses a card, which is an object or a JSON string of one.
pub(crate) fn parse(card: &Value, field_path: &str) -> Result<Value, ApiError> {
    let error = |reason: &str| ApiError::invalid_field(field_path, reason);
    let parsed = match card {
        Value::String(text) if text.len() > MAX_SIZE => return Err(error("exceeds 1 MB")),
        Value::String(text) => json::parse(text.as_bytes())
            .map_err(|_| error("must be an agent card, found invalid JSON"))?,
        card => card.clone(),
    };
    let has = |field: &str| {
        parsed[field]
            .as_str()
            .is_some_and(|value| !value.is_empty())
    };
    match parsed.is_object() && has("url") && has("name") {
        true if parsed.to_string().len() > MAX_SIZE => Err(error("exceeds 1 MB")),
        true => Ok(parsed),
        false => Err(error("must be an agent card with `url` and `name`")),
    }
}

/// Returns the card that the agent at an address publishes. Nothing is sent: the card depends on the
/// address only, and there is none if the address is not reachable.
pub(crate) fn published_at(url: &str) -> Option<Value> {
    if probe::connection_error(url).is_some() {
        return None;
    }
    let skill = |id: &str, name: &str, description: &str| json!({"id": id, "name": name, "description": description, "tags": [id]});
    Some(json!({
        "name": probe::host(url),
        "description": "An agent of the emulator.",
        "url": url,
        "version": "1.0.0",
        "protocolVersion": "0.3.0",
        "capabilities": {"streaming": false},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [
            skill("echo", "Echo", "Repeats a message."),
            skill("summary", "Summary", "Summarises a message."),
        ],
    }))
}

/// Returns the skills of a card that have an id.
pub(crate) fn skills(card: &Value, at: &str) -> Vec<Capability> {
    let items = card["skills"].as_array().into_iter().flatten();
    let skill = |item: &Value| {
        let id = item["id"].as_str().filter(|id| !id.is_empty())?;
        Some(Capability::new(SKILL, id, item.as_object()?.clone(), at))
    };
    items.filter_map(skill).collect()
}

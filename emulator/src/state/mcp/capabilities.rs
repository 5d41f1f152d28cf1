//! Capabilities as MCP servers describe them, and as the operations on MCP return them.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::ApiError;
use crate::state::upstreams::capabilities::{Capability, CapabilityKey, capability_key};

/// The attributes of a capability, and their names in the MCP protocol.
pub(crate) const ATTRIBUTES: [(&str, &str); 12] = [
    ("title", "title"),
    ("description", "description"),
    ("icons", "icons"),
    ("input_schema", "inputSchema"),
    ("output_schema", "outputSchema"),
    ("execution", "execution"),
    ("annotations", "annotations"),
    ("arguments", "arguments"),
    ("uri", "uri"),
    ("uri_template", "uriTemplate"),
    ("mime_type", "mimeType"),
    ("size", "size"),
];

/// Returns the capabilities in the body of a sync request.
pub(crate) fn parse_all(call: &Call) -> Result<Vec<Capability>, ApiError> {
    let items = call.body_items("capabilities").iter().enumerate();
    let parsed = items.map(|(index, item)| {
        let field_path = format!("capabilities/{index}");
        parse(item, &field_path, &call.timestamp())
    });
    parsed.collect()
}

/// Parses the MCP server's description of a capability.
fn parse(item: &Value, field_path: &str, at: &str) -> Result<Capability, ApiError> {
    let string = |field: &str| {
        let value = item[field].as_str().filter(|value| !value.is_empty());
        value
            .ok_or_else(|| ApiError::invalid_field(&format!("{field_path}/{field}"), "is required"))
    };
    let mut attributes = Map::new();
    for (attribute, protocol_name) in ATTRIBUTES {
        let value = item.get(attribute).or_else(|| item.get(protocol_name));
        attributes.insert(attribute.to_owned(), value.cloned().unwrap_or(Value::Null));
    }
    // The sync operation of servers names the input schema `schema`.
    if let Some(schema) = item.get("schema") {
        attributes.insert("input_schema".to_owned(), schema.clone());
    }
    let (name, kind) = (string("name")?, string("type")?);
    Ok(Capability::new(kind, name, attributes, at))
}

pub(crate) fn json(capability: &Capability, enabled: bool) -> Value {
    let mut body = capability.attributes.clone();
    body.insert("name".to_owned(), json!(capability.name));
    body.insert("type".to_owned(), json!(capability.kind));
    body.insert("enabled".to_owned(), json!(enabled));
    Value::Object(body)
}

/// Returns the capabilities that a request enables or disables; all of them must be known.
pub(crate) fn parse_toggles(
    call: &Call,
    known: &HashSet<CapabilityKey>,
) -> Result<BTreeMap<CapabilityKey, bool>, ApiError> {
    let items = call.body_items("capabilities").iter().enumerate();
    let toggles = items.map(|(index, item)| {
        let string = |field: &str| item[field].as_str().unwrap_or_default();
        let key = capability_key(string("type"), string("name"));
        if !known.contains(&key) {
            let field_path = format!("capabilities/{index}/name");
            return Err(ApiError::invalid_field(
                &field_path,
                "is not a known capability",
            ));
        }
        Ok((key, item["enabled"] == true))
    });
    toggles.collect()
}

//! Tools, prompts, resources and resource templates, of integrations and servers alike.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::PAGE;
use crate::call::Call;
use crate::reply::{Refusal, Reply};

/// The kinds, and what the counts call them.
const KINDS: [(&str, &str); 4] = [
    ("tool", "tools"),
    ("prompt", "prompts"),
    ("resource", "resources"),
    ("resource_template", "resource_templates"),
];

/// What a capability says about itself, and how the protocol spells it where that is another way.
const FACTS: [(&str, &str); 12] = [
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

/// Something that an MCP server offers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Capability {
    name: String,
    kind: String,
    pub(super) enabled: bool,
    facts: Map<String, Value>,
    created_at: String,
    last_updated_at: String,
}

/// What tells one capability from the others: kind and name, joined.
pub(super) type Name = String;

pub(super) fn name(kind: &str, name: &str) -> Name {
    format!("{kind}/{name}")
}

impl Capability {
    pub(super) fn key(&self) -> Name {
        name(&self.kind, &self.name)
    }

    /// The capability as the MCP server describes it, enabled.
    fn read(given: &Value, place: &str, at: &str) -> Result<Self, Refusal> {
        let text = |member: &str| {
            let text = given[member].as_str().filter(|text| !text.is_empty());
            text.map(str::to_owned)
                .ok_or_else(|| Refusal::invalid_field(&format!("{place}/{member}"), "is required"))
        };
        let mut facts = Map::new();
        for (fact, other) in FACTS {
            let said = given.get(fact).or_else(|| given.get(other));
            facts.insert(fact.to_owned(), said.cloned().unwrap_or(Value::Null));
        }
        // What is synchronised for a server calls the schema by another name.
        if let Some(schema) = given.get("schema") {
            facts.insert("input_schema".to_owned(), schema.clone());
        }
        Ok(Self {
            name: text("name")?,
            kind: text("type")?,
            enabled: true,
            facts,
            created_at: at.to_owned(),
            last_updated_at: at.to_owned(),
        })
    }

    fn json(&self, enabled: bool) -> Value {
        let mut body = self.facts.clone();
        body.insert("name".to_owned(), json!(self.name));
        body.insert("type".to_owned(), json!(self.kind));
        body.insert("enabled".to_owned(), json!(enabled));
        Value::Object(body)
    }

    /// As its integration shows it.
    pub(super) fn integration_json(&self) -> Value {
        let mut body = self.json(self.enabled);
        body["created_at"] = json!(self.created_at);
        body["last_updated_at"] = json!(self.last_updated_at);
        body
    }
}

/// A capability as one server has it.
pub(super) struct Offered<'a> {
    pub(super) capability: &'a Capability,
    /// Whether it may be used there.
    pub(super) enabled: bool,
    /// Whether its integration lets it be used.
    pub(super) integration_enabled: bool,
}

impl Offered<'_> {
    /// Only service keys are told about the integration.
    pub(super) fn json(&self, call: &Call) -> Value {
        let mut body = self.capability.json(self.enabled);
        if call.caller.user_id.is_none() {
            body["integration_enabled"] = json!(self.integration_enabled);
        }
        body
    }
}

/// What was found, in place of what is known; what is known already stays on or off.
pub(super) fn synced(known: &[Capability], call: &Call) -> Result<Vec<Capability>, Refusal> {
    let known: HashMap<Name, &Capability> = known.iter().map(|own| (own.key(), own)).collect();
    let mut found: Vec<Capability> = Vec::new();
    let mut seen = HashSet::new();
    for (index, given) in call.items("capabilities").iter().enumerate() {
        let place = format!("capabilities/{index}");
        let mut capability = Capability::read(given, &place, &call.timestamp())?;
        if !seen.insert(capability.key()) {
            return Err(Refusal::invalid_field(&place, "is there already"));
        }
        if let Some(before) = known.get(&capability.key()) {
            capability.enabled = before.enabled;
            capability.created_at.clone_from(&before.created_at);
        }
        found.push(capability);
    }
    Ok(found)
}

/// Which capabilities a request switches on or off; all of them must be known.
pub(super) fn switches(
    call: &Call,
    known: &HashSet<Name>,
) -> Result<BTreeMap<Name, bool>, Refusal> {
    let items = call.items("capabilities").iter().enumerate();
    let switches = items.map(|(index, given)| {
        let text = |member: &str| given[member].as_str().unwrap_or_default();
        let key = name(text("type"), text("name"));
        if !known.contains(&key) {
            let place = format!("capabilities/{index}/name");
            return Err(Refusal::invalid_field(&place, "is no capability"));
        }
        Ok((key, given["enabled"] == true))
    });
    switches.collect()
}

/// Switches capabilities on and off.
pub(super) fn switch(list: &mut [Capability], switches: &BTreeMap<Name, bool>, at: &str) {
    for capability in list {
        if let Some(enabled) = switches.get(&capability.key()) {
            capability.enabled = *enabled;
            at.clone_into(&mut capability.last_updated_at);
        }
    }
}

/// A page of capabilities, `rows` in one of the kinds; the counts are of all kinds and pages.
pub(super) fn page<T>(
    call: &Call,
    rows: Vec<T>,
    facts: impl Fn(&T) -> (&Capability, bool),
    show: impl Fn(T) -> Value,
) -> Reply {
    let counts = KINDS.iter().map(|(kind, name)| {
        let of_kind = || rows.iter().map(&facts).filter(|(own, _)| own.kind == *kind);
        let enabled = of_kind().filter(|(_, enabled)| *enabled).count();
        let counts = json!({"total": of_kind().count(), "enabled": enabled});
        ((*name).to_owned(), counts)
    });
    let counts: Map<String, Value> = counts.collect();
    let wanted = rows.into_iter();
    let wanted: Vec<T> = wanted
        .filter(|row| call.admits("type", &facts(row).0.kind))
        .collect();
    call.page_sized(PAGE, wanted, show)
        .with("counts", Value::Object(counts))
}

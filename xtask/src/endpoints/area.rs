//! The page of an area: a section for each operation, with the facts that it rests on.

use portkey_admin_codegen::evidence::{Evidence, Fact};
use portkey_admin_codegen::manifest::{Access, ApiVersion, Entry, Plane};

use super::{GENERATED, Reference, by_hand, evidence_cell, links, status_name};

impl Reference<'_> {
    /// Renders the page of an area.
    pub(super) fn render_area(&self, area: &str) -> String {
        let entries = self.entries(area);
        let mut text = format!(
            "# `{area}`\n\n{GENERATED}\n\n[All areas](README.md). The id before a fact is its key in \
             `overrides/evidence.yaml`, which also\nexplains the grades.\n\n"
        );
        for (_, entry) in &entries {
            text += &format!("- [`{0}`](#{0})\n", entry.id);
        }
        for (key, entry) in entries {
            text += &self.render_operation(key, entry);
        }
        text
    }

    fn render_operation(&self, key: &str, entry: &Entry) -> String {
        let mut text = format!("\n## `{}`\n\n{}\n\n", entry.id, entry.summary);
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                text += &format!("- **{name}:** {value}\n");
            }
        };
        let note = entry.evidence.note.as_ref();
        let note = note.map_or_else(String::new, |note| format!("; {note}"));
        line("Request", &format!("`{key}`"));
        line("Documented as", self.documented(key));
        line("Served by", &served_by(entry));
        line("Status", status_name(entry.status));
        line("Evidence", &(evidence_cell(&entry.evidence) + &note));
        line("Access", &access(&entry.access, entry.plane));
        for note in &entry.notes {
            text += &format!("- {note}\n");
        }
        let facts = self.facts.of(key, entry, &self.patched.document);
        if !facts.is_empty() {
            text += "\nFacts:\n\n";
            for (id, fact) in facts {
                text += &render_fact(self.facts.evidence, id, fact);
            }
        }
        text
    }
}

/// Names the plane and the API version.
fn served_by(entry: &Entry) -> String {
    let plane = match entry.plane {
        Plane::Control => "control plane",
        Plane::Gateway => "data plane (gateway)",
        Plane::Public => "public data",
        Plane::Mcp => "MCP gateway",
        Plane::Prices => "price files",
    };
    let base = match (entry.plane.has_api_version(), entry.base) {
        (false, _) => "",
        (true, ApiVersion::V1) => ", `/v1`",
        (true, ApiVersion::V2) => ", `/v2`",
    };
    match entry.handwritten {
        Some(reason) => format!("{plane}{base}; the method is written {}", by_hand(reason)),
        None => format!("{plane}{base}"),
    }
}

/// Describes who may call an operation; empty if unknown.
fn access(access: &Access, plane: Plane) -> String {
    if !plane.needs_key() {
        return "public; the API key is not sent".to_owned();
    }
    access.requirements().join("; ")
}

fn render_fact(evidence: &Evidence, id: &str, fact: &Fact) -> String {
    let sentences = fact.fact.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut facts = vec![fact.grade.name().to_owned(), fact.on.clone()];
    for (relation, ids) in [
        ("corrected by", &fact.corrected_by),
        ("confirmed by", &fact.confirmed_by),
    ] {
        if !ids.is_empty() {
            facts.push(format!("{relation} {}", ids.join(" and ")));
        }
    }
    format!(
        "- **{id}** ({}) {sentences}\n  Sources: {}\n",
        facts.join(", "),
        links::sources(evidence, &fact.source)
    )
}

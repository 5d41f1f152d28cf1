//! The facts that an operation rests on: those of its manifest entry, and those of the overlay
//! actions that change the operation or a component that it refers to.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexSet;
use portkey_admin_codegen::document::METHODS;
use portkey_admin_codegen::evidence::{Correction, Evidence, Fact};
use portkey_admin_codegen::manifest::{Entry, split_key};
use serde_json::Value;

use crate::references::{collect_references, transitive_references};

/// The evidence, and what the overlays changed on account of it.
pub struct OperationFacts<'a> {
    pub evidence: &'a Evidence,
    corrections: Vec<Correction>,
}

impl<'a> OperationFacts<'a> {
    pub fn new(evidence: &'a Evidence, corrections: Vec<Correction>) -> Self {
        Self {
            evidence,
            corrections,
        }
    }

    /// Returns the facts of an operation with their ids: first those of the entry, then those of the
    /// overlays. Facts that correct or confirm one of them are included.
    pub fn of(&self, key: &str, entry: &Entry, document: &Value) -> Vec<(&'a str, &'a Fact)> {
        let Some((method, path)) = split_key(key) else {
            return Vec::new();
        };
        let operation = Operation {
            path,
            method: method.to_ascii_lowercase(),
            references: references(document, path, method, entry),
        };
        let changes = |correction: &&Correction| {
            let mut nodes = correction.nodes.iter();
            nodes.any(|node| operation.contains(node))
        };
        let corrections = self.corrections.iter().filter(changes);
        let rows = corrections.flat_map(|correction| &correction.rows);
        let mut ids = IndexSet::new();
        for id in entry.evidence.rows.iter().chain(rows) {
            self.collect(id, &mut ids);
        }
        ids.into_iter()
            .filter_map(|id| Some((id, self.evidence.fact(id)?)))
            .collect()
    }

    /// Adds a fact and those that correct or confirm it.
    fn collect(&self, id: &str, ids: &mut IndexSet<&'a str>) {
        let Some((id, fact)) = self.evidence.entry(id) else {
            return;
        };
        if ids.insert(id) {
            for related in fact.corrected_by.iter().chain(&fact.confirmed_by) {
                self.collect(related, ids);
            }
        }
    }
}

/// An operation and the references (`#/components/schemas/User`) that can be reached from it.
struct Operation<'a> {
    path: &'a str,
    method: String,
    references: BTreeSet<String>,
}

impl Operation<'_> {
    /// Whether a node is part of the operation or of a component that it refers to.
    fn contains(&self, node: &[String]) -> bool {
        match node {
            [root, path, rest @ ..] if root == "paths" => {
                // Parameters and extensions of a path belong to all of its methods.
                let is_shared = |name: &String| !METHODS.contains(&name.as_str());
                path == self.path
                    && rest
                        .first()
                        .is_none_or(|name| *name == self.method || is_shared(name))
            }
            [root, kind, name, ..] if root == "components" => self
                .references
                .contains(&format!("#/components/{kind}/{name}")),
            _ => false,
        }
    }
}

/// Collects the references in an operation, in the shared part of its path, and in the components
/// that they lead to.
fn references(document: &Value, path: &str, method: &str, entry: &Entry) -> BTreeSet<String> {
    let item = &document["paths"][path];
    let mut roots = BTreeSet::new();
    for value in [&item[method.to_ascii_lowercase()], &item["parameters"]] {
        collect_references(value, &mut roots);
    }
    roots.extend(entry.stream.as_ref().map(|stream| stream.reference()));
    transitive_references(roots, document, &mut HashMap::new())
}

//! Matches operations, components and schemas of two documents with each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portkey_admin_codegen::document;
use portkey_admin_codegen::reserved_segments::{self, Part};
use serde_json::Value;

use super::schema_node::{Node, is_annotation};

/// Minimum similarity at which two operations or types are taken for the same one.
const SIMILARITY_THRESHOLD: f64 = 0.6;

/// An operation and its path item.
#[derive(Debug, Clone)]
pub struct Operation<'a> {
    /// The path as spelled in the document.
    pub path: &'a str,
    /// The method, in lower case.
    pub method: &'a str,
    /// The path item.
    pub path_item: Node<'a>,
    /// The operation.
    pub node: Node<'a>,
}

/// The operations of two documents.
#[derive(Debug, Default)]
pub struct Matches<'a> {
    /// Operations that both documents have.
    pub common: Vec<(Operation<'a>, Operation<'a>)>,
    /// Operations that only the old document has.
    pub removed: Vec<Operation<'a>>,
    /// Operations that only the new document has.
    pub added: Vec<Operation<'a>>,
}

impl<'a> Operation<'a> {
    /// Returns every operation of a document.
    pub fn all(root: &'a Value) -> Vec<Self> {
        let paths = Node::root(root).get("paths");
        document::operations(root)
            .filter_map(|(path, method, _)| {
                let path_item = paths.as_ref()?.get(path)?;
                Some(Self {
                    path,
                    method,
                    node: path_item.get(method)?,
                    path_item,
                })
            })
            .collect()
    }

    /// Returns the key, such as `GET /users`.
    pub fn key(&self) -> String {
        portkey_admin_codegen::manifest::key(self.method, self.path)
    }

    /// Returns the parameters of the path item and of the operation, which may be references.
    pub fn parameters(&self) -> Vec<Node<'a>> {
        let holders = [&self.path_item, &self.node].into_iter();
        let lists = holders.filter_map(|holder| holder.get("parameters"));
        lists.flat_map(|list| list.items()).collect()
    }

    /// Returns the method and the path without parameter names.
    fn route(&self) -> (&'a str, String) {
        (self.method, without_parameter_names(self.path))
    }

    fn id(&self) -> Option<&'a str> {
        self.node.value.get("operationId")?.as_str()
    }

    fn last_literal_segment(&self) -> Option<&'a str> {
        reserved_segments::segments(self.path)
            .filter(|segment| !reserved_segments::is_parameter(segment))
            .last()
    }

    /// Returns the leaves of the operation, except for its id, tags and servers.
    fn leaves(&self) -> BTreeSet<String> {
        let mut found = leaves(self.node.value);
        found.retain(|text| {
            ["/operationId", "/tags", "/servers"]
                .iter()
                .all(|start| !text.starts_with(start))
        });
        found
    }
}

/// Removes the names of the parameters from a path.
pub fn without_parameter_names(path: &str) -> String {
    let part = |part| match part {
        Part::Literal(text) => text,
        Part::Parameter(_) => "{}",
    };
    reserved_segments::segments(path)
        .map(|segment| {
            let parts = reserved_segments::parts(segment);
            parts.into_iter().map(part).collect::<String>()
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// Matches the operations of two documents by route; the rest may have moved. Where several paths
/// of a document differ only in parameter names, equal paths match first, then equal operation ids.
pub fn match_operations<'a>(old: &'a Value, new: &'a Value) -> Matches<'a> {
    let (mut removed, mut added) = (Operation::all(old), Operation::all(new));
    added.sort_by_cached_key(|operation| (operation.route(), operation.path));
    let mut common: Vec<(usize, Operation<'a>, Operation<'a>)> = Vec::new();
    let positions: HashMap<(&str, &str), usize> = removed
        .iter()
        .enumerate()
        .map(|(position, operation)| ((operation.method, operation.path), position))
        .collect();
    let same_path: fn(&Operation<'_>, &Operation<'_>) -> bool =
        |old, new| old.method == new.method && old.path == new.path;
    let same_id: fn(&Operation<'_>, &Operation<'_>) -> bool =
        |old, new| old.id().is_some() && old.id() == new.id() && old.route() == new.route();
    let same_route: fn(&Operation<'_>, &Operation<'_>) -> bool =
        |old, new| old.route() == new.route();
    for is_same in [same_path, same_id, same_route] {
        removed = removed
            .into_iter()
            .filter_map(|operation| {
                let Some(other) = added.iter().position(|other| is_same(&operation, other)) else {
                    return Some(operation);
                };
                let position = positions[&(operation.method, operation.path)];
                common.push((position, operation, added.remove(other)));
                None
            })
            .collect();
    }
    common.sort_by_key(|(position, ..)| *position);
    let mut matches = Matches {
        common: common.into_iter().map(|(_, old, new)| (old, new)).collect(),
        removed,
        added,
    };
    match_moved(&mut matches);
    matches
}

/// Matches the remaining operations by operation id, or by similarity if the last literal segment
/// of the path is the same.
fn match_moved(matches: &mut Matches<'_>) {
    let mut scores = Vec::new();
    for (from, old) in matches.removed.iter().enumerate() {
        for (to, new) in matches.added.iter().enumerate() {
            let score = similarity(old, new);
            if score >= SIMILARITY_THRESHOLD {
                scores.push((score, from, to));
            }
        }
    }
    let pairs = best_pairs(scores);
    for (from, to) in &pairs {
        let pair = (matches.removed[*from].clone(), matches.added[*to].clone());
        matches.common.push(pair);
    }
    let (removed, added): (BTreeSet<_>, BTreeSet<_>) = pairs.into_iter().unzip();
    for index in removed.into_iter().rev() {
        matches.removed.remove(index);
    }
    for index in added.into_iter().rev() {
        matches.added.remove(index);
    }
}

/// Pairs items by their score, the best first; no item is in two pairs.
fn best_pairs(mut scores: Vec<(f64, usize, usize)>) -> Vec<(usize, usize)> {
    scores.sort_by(|one, two| two.0.total_cmp(&one.0));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, from, to) in scores {
        if pairs.iter().all(|pair| pair.0 != from && pair.1 != to) {
            pairs.push((from, to));
        }
    }
    pairs
}

fn similarity(old: &Operation<'_>, new: &Operation<'_>) -> f64 {
    if old.method != new.method {
        return 0.0;
    }
    if old.id().is_some() && old.id() == new.id() {
        return 2.0;
    }
    if old.last_literal_segment() != new.last_literal_segment() {
        return 0.0;
    }
    jaccard_index(&old.leaves(), &new.leaves())
}

/// Returns the components of the old document that have another name in the new one (`schemas/A` →
/// `schemas/B`).
///
/// A component was renamed if references to the old name became references to the new one, or if a
/// new component has the same content.
pub fn renamed_components(old: &Value, new: &Value) -> BTreeMap<String, String> {
    let (removed, added) = (missing_components(old, new), missing_components(new, old));
    if removed.is_empty() || added.is_empty() {
        return BTreeMap::new();
    }
    let mut reference_counts = HashMap::new();
    count_references(old, new, &mut reference_counts);
    let leaves_of = |document, names: &[String]| -> Vec<BTreeSet<String>> {
        let components = names.iter().map(|name| component(document, name));
        components.map(leaves).collect()
    };
    let (removed_leaves, added_leaves) = (leaves_of(old, &removed), leaves_of(new, &added));
    let mut scores = Vec::new();
    for (from, from_name) in removed.iter().enumerate() {
        for (to, to_name) in added.iter().enumerate() {
            if section(from_name) != section(to_name) {
                continue;
            }
            let names = (from_name.clone(), to_name.clone());
            let references = reference_counts.get(&names).copied().unwrap_or(0);
            let alike = jaccard_index(&removed_leaves[from], &added_leaves[to]);
            let is_equal = component(old, from_name) == component(new, to_name);
            if is_equal || (references > 0 && alike >= SIMILARITY_THRESHOLD) {
                // One reference outweighs any similarity.
                scores.push((f64::from(references) + alike / 2.0, from, to));
            }
        }
    }
    let pairs = best_pairs(scores).into_iter();
    pairs
        .map(|(from, to)| (removed[from].clone(), added[to].clone()))
        .collect()
}

/// Returns the components of `one` that `two` lacks, as `section/name`.
fn missing_components(one: &Value, two: &Value) -> Vec<String> {
    components(one)
        .into_iter()
        .filter(|name| component(two, name).is_null())
        .collect()
}

/// Returns every component of a document, as `section/name`.
pub fn components(document: &Value) -> Vec<String> {
    let sections = document["components"].as_object().into_iter().flatten();
    sections
        .flat_map(|(section, components)| {
            let components = components.as_object().into_iter().flatten();
            components.map(move |(name, _)| format!("{section}/{name}"))
        })
        .collect()
}

/// Returns a component by `section/name`, or `null` if there is none.
pub fn component<'a>(document: &'a Value, name: &str) -> &'a Value {
    match name.split_once('/') {
        Some((section, name)) => &document["components"][section][name],
        None => &Value::Null,
    }
}

/// Returns the component (`section/name`) that a value refers to directly.
pub fn reference(value: &Value) -> Option<String> {
    let text = value.get("$ref")?.as_str()?;
    let name = text.strip_prefix("#/components/")?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

fn section(name: &str) -> Option<&str> {
    name.split_once('/').map(|(section, _)| section)
}

/// Counts how often a reference to one component became a reference to another, over all locations
/// that both documents have.
fn count_references(
    old: &Value,
    new: &Value,
    reference_counts: &mut HashMap<(String, String), u32>,
) {
    if let (Some(from), Some(to)) = (reference(old), reference(new)) {
        *reference_counts.entry((from, to)).or_default() += 1;
    }
    match (old, new) {
        (Value::Object(old_entries), Value::Object(_)) => {
            for (key, old) in old_entries {
                if let Some(new) = new.get(key) {
                    count_references(old, new, reference_counts);
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (old, new) in old.iter().zip(new) {
                count_references(old, new, reference_counts);
            }
        }
        _ => {}
    }
}

/// Matches the branches of an `allOf`, `oneOf` or `anyOf` regardless of order: first by reference,
/// then by content, then by similarity. Returns pairs of positions; each position appears once.
pub fn match_branches(
    old: &[Value],
    new: &[Value],
    renames: &BTreeMap<String, String>,
) -> Vec<(Option<usize>, Option<usize>)> {
    // In lists of equal length, branches at the same position match even if they are not similar.
    let same_length = old.len() == new.len();
    let mut scores = Vec::new();
    for (from, one) in old.iter().enumerate() {
        for (to, two) in new.iter().enumerate() {
            let score = branch_similarity(one, two, renames);
            if score > 0.3 || (same_length && from == to) {
                scores.push((score, from, to));
            }
        }
    }
    let pairs = best_pairs(scores);
    let partner = |from| pairs.iter().find(|pair| pair.0 == from).map(|pair| pair.1);
    let common = (0..old.len()).map(|from| (Some(from), partner(from)));
    let added = (0..new.len()).filter(|to| pairs.iter().all(|pair| pair.1 != *to));
    common.chain(added.map(|to| (None, Some(to)))).collect()
}

fn branch_similarity(old: &Value, new: &Value, renames: &BTreeMap<String, String>) -> f64 {
    match (reference(old), reference(new)) {
        (Some(old), Some(new)) if old == new || renames.get(&old) == Some(&new) => 2.0,
        (None, None) if old == new => 2.0,
        (None, None) => jaccard_index(&leaves(old), &leaves(new)),
        _ => 0.0,
    }
}

/// Returns every leaf of a value with the keys that lead to it.
fn leaves(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect_leaves(value, &mut String::new(), &mut found);
    found
}

fn collect_leaves(value: &Value, at: &mut String, found: &mut BTreeSet<String>) {
    let length = at.len();
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| !is_annotation(key)) {
                at.push('/');
                at.push_str(key);
                collect_leaves(value, at, found);
                at.truncate(length);
            }
        }
        // Positions are left out so that order does not matter.
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect_leaves(value, at, found)),
        leaf => {
            found.insert(format!("{at}={leaf}"));
        }
    }
}

/// Returns the size of the intersection divided by the size of the union, from 0 to 1.
fn jaccard_index(one: &BTreeSet<String>, two: &BTreeSet<String>) -> f64 {
    let all = one.union(two).count();
    if all == 0 {
        return 1.0;
    }
    // The sets have a few thousand entries, so the conversion is exact.
    #[allow(clippy::cast_precision_loss)]
    let share = one.intersection(two).count() as f64 / all as f64;
    share
}

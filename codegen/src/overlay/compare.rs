//! Compares an action with a later revision of the document that it was written for.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{
    AbsentNode, Action, ActionKind, NodePath, Query, Step, copy_source, describe_absent,
    is_name_map, is_prose, node_kind,
};
use crate::{Result, document, override_status::OverrideStatus};

impl AbsentNode {
    /// Returns the steps from the target to the node, which are those in the value of the action.
    fn member(&self) -> &[Step] {
        &self.path.0[self.target_length..]
    }
}

/// The result of the comparison of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The status of the action.
    pub status: OverrideStatus,
    /// A note for the maintainer, if any.
    pub detail: Option<String>,
    /// Whether the action fails the build.
    pub fails_build: bool,
    /// The parts of the action that have no effect on the later document: the steps from the action
    /// to each. No steps stand for the whole action.
    pub unneeded: Vec<Vec<Step>>,
    /// The location of each node that the action selects in the later document or, if there is
    /// none, in the earlier one: the segments of a JSON pointer.
    pub nodes: Vec<Vec<String>>,
}

impl Action {
    /// Applies the action to the document that it was written for and, if it still fits, to a later
    /// one, and returns its status there. `is_strict`: the action must fit `old`.
    ///
    /// # Errors
    ///
    /// Fails if the action does not fit `old`.
    pub fn compare(&self, old: &mut Value, new: &mut Value, is_strict: bool) -> Result<Verdict> {
        let (old_paths, new_paths) = (self.target.find_nodes(old), self.target.find_nodes(new));
        let nodes = match new_paths.is_empty() {
            true => &old_paths,
            false => &new_paths,
        };
        let nodes = nodes
            .iter()
            .map(|node| node.0.iter().map(Step::to_string).collect())
            .collect();
        let verdict = if new_paths.is_empty() {
            self.compare_without_target(new, &old_paths)
        } else {
            self.compare_targets(&OldNodes::new(old, &old_paths), new, &new_paths)
        };
        self.execute_on_old(old, old_paths, is_strict)?;
        let is_unneeded = verdict.status == OverrideStatus::Stale
            || (verdict.status == OverrideStatus::Confirmed && !verdict.has_prose);
        if is_unneeded {
            return Ok(verdict.into_verdict(vec![Vec::new()], nodes));
        }
        let count = new_paths.len();
        Ok(match self.execute_at(new, new_paths) {
            Ok(absent) if absent.is_empty() => {
                let members = verdict.members();
                verdict.into_verdict(members, nodes)
            }
            Ok(absent) => Verdict {
                status: OverrideStatus::Stale,
                detail: Some(describe_absent(&absent)),
                fails_build: true,
                unneeded: absent_everywhere(&absent, count),
                nodes,
            },
            Err(problem) => Verdict {
                status: OverrideStatus::Conflicting,
                detail: Some(problem),
                fails_build: true,
                unneeded: Vec::new(),
                nodes,
            },
        })
    }

    fn execute_on_old(&self, old: &mut Value, paths: Vec<NodePath>, is_strict: bool) -> Result<()> {
        match self.execute_at(old, paths) {
            Ok(absent) if absent.is_empty() || !is_strict => Ok(()),
            Ok(absent) => Err(self.error(describe_absent(&absent))),
            Err(problem) if is_strict => Err(self.error(problem)),
            Err(_) => Ok(()),
        }
    }

    /// Returns `Confirmed` for a removal whose targets upstream has removed, `Stale` otherwise.
    fn compare_without_target(&self, new: &Value, old_paths: &[NodePath]) -> Candidate {
        let is_removed = matches!(self.kind, ActionKind::Remove)
            && !old_paths.is_empty()
            && old_paths.iter().all(|path| {
                let parent = path.0.split_last().map_or(&[][..], |(_, parent)| parent);
                NodePath(parent.to_vec()).get(new).is_some()
            });
        let (status, detail) = if is_removed {
            (OverrideStatus::Confirmed, Some("removed upstream"))
        } else {
            (OverrideStatus::Stale, None)
        };
        Candidate {
            status,
            detail: detail.map(str::to_owned),
            has_prose: false,
            fails_build: true,
            confirmed: Vec::new(),
        }
    }

    fn compare_targets(
        &self,
        old_nodes: &OldNodes<'_>,
        new: &Value,
        new_paths: &[NodePath],
    ) -> Candidate {
        let source;
        let value = match &self.kind {
            ActionKind::Remove => return compare_removal(old_nodes, new, new_paths),
            ActionKind::Update(value) => value,
            ActionKind::Copy(from) => match copy_source(new, from) {
                Ok(value) => {
                    source = value;
                    &source
                }
                Err(_) => return missing_copy_source(from),
            },
        };
        let mut counts = Counts::default();
        for path in new_paths {
            let Some(node) = path.get(new) else { continue };
            let before = old_nodes.get(new, path);
            counts.compare_target(&identity(new, path), path, value, before, node);
        }
        counts.into_candidate()
    }
}

/// A verdict before the action is applied to the new document.
struct Candidate {
    status: OverrideStatus,
    detail: Option<String>,
    /// Whether the action sets prose or extensions, which upstream cannot confirm.
    has_prose: bool,
    fails_build: bool,
    /// The members of the value that the later document has and the earlier one lacked.
    confirmed: Vec<Vec<Step>>,
}

impl Candidate {
    fn into_verdict(self, unneeded: Vec<Vec<Step>>, nodes: Vec<Vec<String>>) -> Verdict {
        Verdict {
            status: self.status,
            detail: self.detail,
            fails_build: self.fails_build,
            unneeded,
            nodes,
        }
    }

    /// Returns the steps from the action to each confirmed member; none if there is a conflict.
    fn members(&self) -> Vec<Vec<Step>> {
        match self.status {
            OverrideStatus::Conflicting => Vec::new(),
            _ => self
                .confirmed
                .iter()
                .map(|member| in_update(member))
                .collect(),
        }
    }
}

/// Returns the steps from an action to a member of its value.
fn in_update(member: &[Step]) -> Vec<Step> {
    let update = Step::Name("update".to_owned());
    std::iter::once(update)
        .chain(member.iter().cloned())
        .collect()
}

/// Returns the members that are absent below every target.
fn absent_everywhere(absent: &[AbsentNode], targets: usize) -> Vec<Vec<Step>> {
    let mut counts: IndexMap<&[Step], usize> = IndexMap::new();
    for node in absent {
        *counts.entry(node.member()).or_default() += 1;
    }
    let everywhere = counts.into_iter().filter(|(_, count)| *count == targets);
    everywhere.map(|(member, _)| in_update(member)).collect()
}

fn missing_copy_source(from: &Query) -> Candidate {
    Candidate {
        status: OverrideStatus::Stale,
        detail: Some(format!("`copy: {from}` no longer selects exactly one node")),
        has_prose: false,
        fails_build: true,
        confirmed: Vec::new(),
    }
}

fn compare_removal(old_nodes: &OldNodes<'_>, new: &Value, new_paths: &[NodePath]) -> Candidate {
    let changed = new_paths.iter().find_map(|path| {
        let (before, node) = (old_nodes.get(new, path)?, path.get(new)?);
        (before != node).then(|| describe_change(&identity(new, path), Some(before), node, None))
    });
    Candidate {
        status: match changed {
            Some(_) => OverrideStatus::Conflicting,
            None => OverrideStatus::Applied,
        },
        detail: changed,
        has_prose: true,
        fails_build: false,
        confirmed: Vec::new(),
    }
}

/// The target nodes of the old document, by the identity of their paths.
struct OldNodes<'a>(HashMap<String, &'a Value>);

impl<'a> OldNodes<'a> {
    fn new(old: &'a Value, paths: &[NodePath]) -> Self {
        Self(
            paths
                .iter()
                .filter_map(|path| Some((identity(old, path), path.get(old)?)))
                .collect(),
        )
    }

    fn get(&self, new: &Value, path: &NodePath) -> Option<&'a Value> {
        self.0.get(&identity(new, path)).copied()
    }
}

/// Returns a JSON path in which list items are identified by their name instead of their index.
fn identity(document: &Value, path: &NodePath) -> String {
    let mut node = Some(document);
    let mut text = String::from("$");
    for step in &path.0 {
        node = node.and_then(|node| match step {
            Step::Name(name) => node.get(name),
            Step::Index(index) => node.get(index),
        });
        text = match (step, node.and_then(entry_name)) {
            (Step::Name(name), _) => document::child_path(&text, name),
            (Step::Index(_), Some(name)) => format!("{text}[{name}]"),
            (Step::Index(index), None) => format!("{text}[{index}]"),
        };
    }
    text
}

/// Returns the name that identifies an item of a list.
fn entry_name(entry: &Value) -> Option<String> {
    match (&entry["name"], &entry["in"], &entry["$ref"]) {
        (Value::String(name), Value::String(location), _) => Some(format!("{location} {name}")),
        (_, _, Value::String(reference)) => Some(reference.clone()),
        _ => None,
    }
}

/// The outcomes of the leaves of an update.
#[derive(Default)]
struct Counts {
    confirmed: usize,
    applied: usize,
    prose: Vec<String>,
    conflicts: Vec<String>,
    /// The steps to the current member of the value.
    member: Vec<Step>,
    /// The outcome of each member, over all targets.
    members: IndexMap<Vec<Step>, MemberOutcome>,
}

/// The outcome of a member of the value of an action.
#[derive(Default)]
struct MemberOutcome {
    /// Whether a target has had another value before.
    is_new: bool,
    /// Whether a target has another value now.
    is_needed: bool,
}

impl Counts {
    fn compare_target(
        &mut self,
        location: &str,
        path: &NodePath,
        value: &Value,
        old: Option<&Value>,
        new: &Value,
    ) {
        let in_name_map = matches!(path.0.last(), Some(Step::Name(name)) if is_name_map(name, new));
        match (new, value) {
            // Only a selected list accepts a value that is not a list, as one more item.
            (Value::Array(items), value) if !value.is_array() => {
                self.compare_entry(location, value, old, items);
            }
            _ => self.compare_node(location, value, old, Some(new), in_name_map),
        }
    }

    fn compare_node(
        &mut self,
        location: &str,
        value: &Value,
        old: Option<&Value>,
        new: Option<&Value>,
        in_name_map: bool,
    ) {
        match (value, new) {
            (Value::Object(fields), None | Some(Value::Object(_))) if !fields.is_empty() => {
                self.compare_fields(location, fields, old, new, in_name_map);
            }
            (Value::Array(entries), Some(Value::Array(items))) => {
                for (index, entry) in entries.iter().enumerate() {
                    self.member.push(Step::Index(index));
                    self.compare_entry(location, entry, old, items);
                    self.member.pop();
                }
            }
            _ => self.compare_leaf(location, value, old, new),
        }
    }

    fn compare_fields(
        &mut self,
        location: &str,
        fields: &Map<String, Value>,
        old: Option<&Value>,
        new: Option<&Value>,
        in_name_map: bool,
    ) {
        for (key, value) in fields {
            if !in_name_map && is_prose(key) {
                self.prose.push(key.clone());
                continue;
            }
            let (old, new) = (
                old.and_then(|old| old.get(key)),
                new.and_then(|new| new.get(key)),
            );
            let names = !in_name_map && is_name_map(key, value);
            self.member.push(Step::Name(key.clone()));
            self.compare_node(&document::child_path(location, key), value, old, new, names);
            self.member.pop();
        }
    }

    /// Compares an item that is added to a list, which may have it, or an item of the same name,
    /// already.
    fn compare_entry(
        &mut self,
        location: &str,
        entry: &Value,
        old: Option<&Value>,
        items: &[Value],
    ) {
        let named = |items: &[Value]| -> Option<Value> {
            let name = entry_name(entry)?;
            items
                .iter()
                .find(|item| entry_name(item).as_ref() == Some(&name))
                .cloned()
        };
        let before = old.and_then(Value::as_array);
        match named(items) {
            Some(item) => {
                let before = before.and_then(|items| named(items));
                let location = format!("{location}[{}]", entry_name(entry).unwrap_or_default());
                self.compare_node(&location, entry, before.as_ref(), Some(&item), false);
            }
            None if items.contains(entry) => {
                self.confirmed += 1;
                self.record_member(!before.is_some_and(|items| items.contains(entry)), false);
            }
            None => {
                self.applied += 1;
                self.record_member(false, true);
            }
        }
    }

    fn record_member(&mut self, is_new: bool, is_needed: bool) {
        let outcome = self.members.entry(self.member.clone()).or_default();
        outcome.is_new |= is_new;
        outcome.is_needed |= is_needed;
    }

    fn compare_leaf(
        &mut self,
        location: &str,
        value: &Value,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
        self.record_member(old != Some(value), new != Some(value));
        match new {
            Some(new) if new == value => self.confirmed += 1,
            Some(new) if old != Some(new) => {
                self.conflicts
                    .push(describe_change(location, old, new, Some(value)));
            }
            None if old.is_some() => {
                self.conflicts.push(format!(
                    "{location} was removed upstream; {}",
                    describe_override(Some(value))
                ));
            }
            _ => self.applied += 1,
        }
    }

    fn into_candidate(mut self) -> Candidate {
        let has_prose = !self.prose.is_empty();
        self.prose.sort();
        self.prose.dedup();
        let (status, detail) = if !self.conflicts.is_empty() {
            (OverrideStatus::Conflicting, Some(self.conflicts.join("; ")))
        } else if self.confirmed > 0 && self.applied == 0 {
            let keep =
                has_prose.then(|| format!("only its {} is still needed", self.prose.join(", ")));
            (OverrideStatus::Confirmed, keep)
        } else {
            (OverrideStatus::Applied, None)
        };
        let confirmed = self
            .members
            .into_iter()
            .filter(|(_, outcome)| outcome.is_new && !outcome.is_needed);
        Candidate {
            status,
            detail,
            has_prose,
            fails_build: false,
            confirmed: confirmed.map(|(member, _)| member).collect(),
        }
    }
}

/// Returns `upstream changed $.a from 2 to 3; the override sets 4`.
fn describe_change(
    location: &str,
    old: Option<&Value>,
    new: &Value,
    replacement: Option<&Value>,
) -> String {
    let change = match old {
        Some(old) => format!("changed {location} from {} to", abbreviate(old)),
        None => format!("added {location} as"),
    };
    format!(
        "upstream {change} {}; {}",
        abbreviate(new),
        describe_override(replacement)
    )
}

fn describe_override(value: Option<&Value>) -> String {
    match value {
        Some(value) => format!("the override sets {}", abbreviate(value)),
        None => "the override removes it".to_owned(),
    }
}

/// Returns the value if it is short, otherwise its kind.
fn abbreviate(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        text
    } else {
        node_kind(value).to_owned()
    }
}

//! Compares an action with a later revision of the document that it was written for.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    Action, ActionKind, NodePath, Query, Step, copy_source, describe_absent, is_name_map, is_prose,
    node_kind,
};
use crate::{Result, document, override_status::OverrideStatus};

/// The result of the comparison of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The status of the action.
    pub status: OverrideStatus,
    /// A note for the maintainer, if any.
    pub detail: Option<String>,
    /// Whether the action fails the build.
    pub fails_build: bool,
}

impl Action {
    /// Applies the action to the document that it was written for and, if it still fits, to a later
    /// one, and returns its status there.
    ///
    /// # Errors
    ///
    /// Fails if the action does not fit `old`.
    pub fn compare(&self, old: &mut Value, new: &mut Value) -> Result<Verdict> {
        let (old_paths, new_paths) = (self.target.find_nodes(old), self.target.find_nodes(new));
        let verdict = if new_paths.is_empty() {
            self.compare_without_target(new, &old_paths)
        } else {
            self.compare_targets(&OldNodes::new(old, &old_paths), new, &new_paths)
        };
        let absent = self.execute_at(old, old_paths);
        let absent = absent.map_err(|problem| self.error(problem))?;
        if !absent.is_empty() {
            return Err(self.error(describe_absent(&absent)));
        }
        if verdict.status == OverrideStatus::Stale
            || (verdict.status == OverrideStatus::Confirmed && !verdict.has_prose)
        {
            return Ok(verdict.into_verdict());
        }
        Ok(match self.execute_at(new, new_paths) {
            Ok(absent) if absent.is_empty() => verdict.into_verdict(),
            Ok(absent) => Verdict {
                status: OverrideStatus::Stale,
                detail: Some(describe_absent(&absent)),
                fails_build: true,
            },
            Err(problem) => Verdict {
                status: OverrideStatus::Conflicting,
                detail: Some(problem),
                fails_build: true,
            },
        })
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
}

impl Candidate {
    fn into_verdict(self) -> Verdict {
        Verdict {
            status: self.status,
            detail: self.detail,
            fails_build: self.fails_build,
        }
    }
}

fn missing_copy_source(from: &Query) -> Candidate {
    Candidate {
        status: OverrideStatus::Stale,
        detail: Some(format!("`copy: {from}` no longer selects exactly one node")),
        has_prose: false,
        fails_build: true,
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
                for entry in entries {
                    self.compare_entry(location, entry, old, items);
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
            self.compare_node(&document::child_path(location, key), value, old, new, names);
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
            None if items.contains(entry) => self.confirmed += 1,
            None => self.applied += 1,
        }
    }

    fn compare_leaf(
        &mut self,
        location: &str,
        value: &Value,
        old: Option<&Value>,
        new: Option<&Value>,
    ) {
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
        Candidate {
            status,
            detail,
            has_prose,
            fails_build: false,
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

//! What an action is worth for a later revision of the document that it was written for.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Action, Kind, Location, Query, Step, copied, sort};
use crate::{Result, document, survey::Status};

/// The members that hold words and hints of ours. Upstream cannot confirm or contradict them.
const WORDS: [&str; 4] = ["description", "summary", "title", "externalDocs"];

/// The members whose keys are names, so that a key in them is never a keyword.
const NAMES: [&str; 10] = [
    "paths",
    "properties",
    "responses",
    "content",
    "headers",
    "schemas",
    "parameters",
    "requestBodies",
    "securitySchemes",
    "callbacks",
];

/// What became of an action, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What became of it.
    pub status: Status,
    /// What the maintainer should know, where there is something.
    pub detail: Option<String>,
    /// Whether the action fails the build as it is.
    pub fails: bool,
}

impl Action {
    /// Applies the action to the document that it was written for and, if it still can be, to a
    /// later one, and says what it is worth there.
    ///
    /// Only an action that does not fit `old` is an error.
    pub fn compare(&self, old: &mut Value, new: &mut Value) -> Result<Verdict> {
        let (there, here) = (self.target.locate(old), self.target.locate(new));
        let verdict = if here.is_empty() {
            self.without_target(new, &there)
        } else {
            self.with_targets(&Pairs::new(old, &there), new, &here)
        };
        self.carry_out_at(old, there)
            .map_err(|problem| self.error(problem))?;
        if verdict.status == Status::Stale || (verdict.status == Status::Confirmed && !verdict.adds)
        {
            return Ok(verdict.finish());
        }
        Ok(match self.carry_out_at(new, here) {
            Ok(()) => verdict.finish(),
            Err(problem) => Verdict {
                status: Status::Conflicting,
                detail: Some(problem),
                fails: true,
            },
        })
    }

    /// What was to be removed may be gone by now; anything else has lost its place.
    fn without_target(&self, new: &Value, there: &[Location]) -> Draft {
        let is_removed = matches!(self.kind, Kind::Remove)
            && !there.is_empty()
            && there.iter().all(|place| {
                let parent = place.0.split_last().map_or(&[][..], |(_, parent)| parent);
                Location(parent.to_vec()).get(new).is_some()
            });
        let (status, detail) = if is_removed {
            (Status::Confirmed, Some("upstream has removed it"))
        } else {
            (Status::Stale, None)
        };
        Draft {
            status,
            detail: detail.map(str::to_owned),
            adds: false,
            fails: true,
        }
    }

    fn with_targets(&self, pairs: &Pairs<'_>, new: &Value, here: &[Location]) -> Draft {
        let source;
        let value = match &self.kind {
            Kind::Remove => return removal(pairs, new, here),
            Kind::Update(value) => value,
            Kind::Copy(from) => match copied(new, from) {
                Ok(value) => {
                    source = value;
                    &source
                }
                Err(_) => return lost_copy(from),
            },
        };
        let mut tally = Tally::default();
        for place in here {
            let Some(node) = place.get(new) else { continue };
            let before = pairs.get(new, place);
            tally.target(&identity(new, place), place, value, before, node);
        }
        tally.draft()
    }
}

/// A verdict before the action was tried on the new document.
struct Draft {
    status: Status,
    detail: Option<String>,
    /// Whether it says something that upstream cannot say.
    adds: bool,
    fails: bool,
}

impl Draft {
    fn finish(self) -> Verdict {
        Verdict {
            status: self.status,
            detail: self.detail,
            fails: self.fails,
        }
    }
}

fn lost_copy(from: &Query) -> Draft {
    Draft {
        status: Status::Stale,
        detail: Some(format!("`copy: {from}` no longer selects exactly one node")),
        adds: false,
        fails: true,
    }
}

fn removal(pairs: &Pairs<'_>, new: &Value, here: &[Location]) -> Draft {
    let changed = here.iter().find_map(|place| {
        let (before, node) = (pairs.get(new, place)?, place.get(new)?);
        (before != node).then(|| changed(&identity(new, place), Some(before), node, None))
    });
    Draft {
        status: match changed {
            Some(_) => Status::Conflicting,
            None => Status::Applied,
        },
        detail: changed,
        adds: true,
        fails: false,
    }
}

/// The nodes of the old document by what identifies their places.
struct Pairs<'a>(HashMap<String, &'a Value>);

impl<'a> Pairs<'a> {
    fn new(old: &'a Value, places: &[Location]) -> Self {
        Self(
            places
                .iter()
                .filter_map(|place| Some((identity(old, place), place.get(old)?)))
                .collect(),
        )
    }

    fn get(&self, new: &Value, place: &Location) -> Option<&'a Value> {
        self.0.get(&identity(new, place)).copied()
    }
}

/// A location in which a parameter is known by its name and not by its position.
fn identity(document: &Value, place: &Location) -> String {
    let mut node = Some(document);
    let mut text = String::from("$");
    for step in &place.0 {
        node = node.and_then(|node| match step {
            Step::Name(name) => node.get(name),
            Step::Index(index) => node.get(index),
        });
        text = match (step, node.and_then(name_of)) {
            (Step::Name(name), _) => document::member(&text, name),
            (Step::Index(_), Some(name)) => format!("{text}[{name}]"),
            (Step::Index(index), None) => format!("{text}[{index}]"),
        };
    }
    text
}

/// What tells the entry of a list from the others.
fn name_of(entry: &Value) -> Option<String> {
    match (&entry["name"], &entry["in"], &entry["$ref"]) {
        (Value::String(name), Value::String(location), _) => Some(format!("{location} {name}")),
        (_, _, Value::String(reference)) => Some(reference.clone()),
        _ => None,
    }
}

/// What the leaves of an update turned out to be.
#[derive(Default)]
struct Tally {
    confirmed: usize,
    applied: usize,
    words: Vec<String>,
    conflicts: Vec<String>,
}

impl Tally {
    fn target(
        &mut self,
        at: &str,
        place: &Location,
        value: &Value,
        old: Option<&Value>,
        new: &Value,
    ) {
        let in_names = matches!(place.0.last(), Some(Step::Name(name)) if is_names(name, new));
        match (new, value) {
            // Only a selected list takes in a value that is no list, as one more entry.
            (Value::Array(items), value) if !value.is_array() => {
                self.entry(at, value, old, items);
            }
            _ => self.node(at, value, old, Some(new), in_names),
        }
    }

    fn node(
        &mut self,
        at: &str,
        value: &Value,
        old: Option<&Value>,
        new: Option<&Value>,
        in_names: bool,
    ) {
        match (value, new) {
            (Value::Object(members), None | Some(Value::Object(_))) if !members.is_empty() => {
                self.members(at, members, old, new, in_names);
            }
            (Value::Array(entries), Some(Value::Array(items))) => {
                for entry in entries {
                    self.entry(at, entry, old, items);
                }
            }
            _ => self.leaf(at, value, old, new),
        }
    }

    fn members(
        &mut self,
        at: &str,
        members: &Map<String, Value>,
        old: Option<&Value>,
        new: Option<&Value>,
        in_names: bool,
    ) {
        for (key, value) in members {
            if !in_names && (key.starts_with("x-") || WORDS.contains(&key.as_str())) {
                self.words.push(key.clone());
                continue;
            }
            let (old, new) = (
                old.and_then(|old| old.get(key)),
                new.and_then(|new| new.get(key)),
            );
            let names = !in_names && is_names(key, value);
            self.node(&document::member(at, key), value, old, new, names);
        }
    }

    /// An entry that is added to a list: it may be there already, or another by its name.
    fn entry(&mut self, at: &str, entry: &Value, old: Option<&Value>, items: &[Value]) {
        let named = |items: &[Value]| -> Option<Value> {
            let name = name_of(entry)?;
            items
                .iter()
                .find(|item| name_of(item).as_ref() == Some(&name))
                .cloned()
        };
        let before = old.and_then(Value::as_array);
        match named(items) {
            Some(item) => {
                let before = before.and_then(|items| named(items));
                let at = format!("{at}[{}]", name_of(entry).unwrap_or_default());
                self.node(&at, entry, before.as_ref(), Some(&item), false);
            }
            None if items.contains(entry) => self.confirmed += 1,
            None => self.applied += 1,
        }
    }

    fn leaf(&mut self, at: &str, value: &Value, old: Option<&Value>, new: Option<&Value>) {
        match new {
            Some(new) if new == value => self.confirmed += 1,
            Some(new) if old != Some(new) => {
                self.conflicts.push(changed(at, old, new, Some(value)));
            }
            None if old.is_some() => {
                self.conflicts
                    .push(format!("{at} is gone, {}", ours(Some(value))));
            }
            _ => self.applied += 1,
        }
    }

    fn draft(mut self) -> Draft {
        let adds = !self.words.is_empty();
        self.words.sort();
        self.words.dedup();
        let (status, detail) = if !self.conflicts.is_empty() {
            (Status::Conflicting, Some(self.conflicts.join("; ")))
        } else if self.confirmed > 0 && self.applied == 0 {
            let keep = adds.then(|| format!("only its {} is still of use", self.words.join(", ")));
            (Status::Confirmed, keep)
        } else {
            (Status::Applied, None)
        };
        Draft {
            status,
            detail,
            adds,
            fails: false,
        }
    }
}

/// Whether the keys of the member `key` are names. (`parameters` may be a list, too.)
fn is_names(key: &str, value: &Value) -> bool {
    NAMES.contains(&key) && value.is_object()
}

/// `upstream says 3 at $.a, not 2 as before; we say 4`
fn changed(at: &str, old: Option<&Value>, new: &Value, ours_is: Option<&Value>) -> String {
    let before = match old {
        Some(old) => format!("not {} as before", short(old)),
        None => "and nothing before".to_owned(),
    };
    format!(
        "upstream says {} at {at}, {before}; {}",
        short(new),
        ours(ours_is)
    )
}

fn ours(value: Option<&Value>) -> String {
    match value {
        Some(value) => format!("we say {}", short(value)),
        None => "we remove it".to_owned(),
    }
}

/// A value in a sentence: as it is where it is short, or else what sort it is of.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        text
    } else {
        sort(value).to_owned()
    }
}

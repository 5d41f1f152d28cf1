//! The `drift` crate's judgement: what a change means for those who talk to the service.
//!
//! The crate reads documents of its own kind and takes some things for granted, so it gets copies:
//! with the words that it wants, and without what it cannot compare (a media type that only one
//! document has). Where it has no judgement, nothing is said.

use std::collections::HashMap;

use drift::{Change, ChangeClass};
use serde_json::{Map, Value, json};

use super::difference::{Aspect, Difference};
use super::guard;
use super::node::{Node, Place};
use super::pairing::{self, Operation};

/// Who is affected by a change, on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compatibility {
    /// Old and new understand each other.
    Trivial,
    /// New clients may fail against the old service.
    Forward,
    /// Old clients may fail against the new service.
    Backward,
    /// Both.
    Incompatible,
}

impl Compatibility {
    /// The word for it, in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trivial => "compatible",
            Self::Forward => "forward-incompatible",
            Self::Backward => "backward-incompatible",
            Self::Incompatible => "incompatible",
        }
    }

    fn of(class: ChangeClass) -> Option<Self> {
        match class {
            ChangeClass::Trivial => Some(Self::Trivial),
            ChangeClass::ForwardIncompatible => Some(Self::Forward),
            ChangeClass::BackwardIncompatible => Some(Self::Backward),
            ChangeClass::Incompatible => Some(Self::Incompatible),
            ChangeClass::Unhandled => None,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Forward, Self::Backward) | (Self::Backward, Self::Forward) => Self::Incompatible,
            (one, other) => one.max(other),
        }
    }
}

/// What the crate said, by place.
#[derive(Debug, Default)]
pub struct Judgements {
    old: HashMap<String, Vec<ChangeClass>>,
    new: HashMap<String, Vec<ChangeClass>>,
    /// Why there is none, if the crate could not read a document.
    pub problem: Option<String>,
}

impl Judgements {
    /// Has the crate compare two documents.
    pub fn of(old: &Value, new: &Value) -> Self {
        let (mut one, mut two) = (old.clone(), new.clone());
        readable(&mut one);
        readable(&mut two);
        disguise(&mut one, &mut two);
        prune(&mut one, &mut two);
        // What the crate takes for granted it asserts. What is known of that is out of the way; for
        // the rest, a report without its judgements is better than none.
        let changes =
            guard::call(|| drift::compare(&one, &two).map_err(|error| format!("{error:#}")));
        match changes.flatten() {
            Ok(changes) => Self::gather(&changes),
            Err(problem) => Self::without(problem),
        }
    }

    fn without(problem: String) -> Self {
        Self {
            problem: Some(problem),
            ..Self::default()
        }
    }

    fn gather(changes: &[Change]) -> Self {
        let mut found = Self::default();
        for change in changes {
            let Some(path) = change.paths.first() else {
                continue;
            };
            for info in &change.changes {
                let at = |base: &str, below: &str| {
                    // The crate's own spelling of one member.
                    let text = format!("{base}/{below}").replace("/request_body", "/requestBody");
                    text.trim_end_matches('/').to_owned()
                };
                let old = at(path.old.base_and_subpath().0, &info.old_subpath);
                let new = at(path.new.base_and_subpath().0, &info.new_subpath);
                found.old.entry(old).or_default().push(info.class);
                found.new.entry(new).or_default().push(info.class);
            }
        }
        found
    }

    /// What the crate says of a difference: at its place, or at the object that it is a part of.
    pub fn get(&self, difference: &Difference) -> Option<Compatibility> {
        let sides = [
            (&self.old, difference.old.as_ref()),
            (&self.new, difference.new.as_ref()),
        ];
        sides.into_iter().find_map(|(judgements, fact)| {
            let place = &fact?.place;
            lookup(judgements, place, difference.aspect)
        })
    }
}

fn lookup(
    judgements: &HashMap<String, Vec<ChangeClass>>,
    place: &Place,
    aspect: Aspect,
) -> Option<Compatibility> {
    let pointer = place.pointer();
    let parent = |pointer: &str| {
        pointer
            .rsplit_once('/')
            .map(|(parent, _)| parent.to_owned())
    };
    let mut at = Some(pointer);
    // A property stands two levels below its object, a keyword one.
    for _ in 0..3 {
        let Some(classes) = judgements.get(at.as_ref()?) else {
            at = parent(at.as_ref()?);
            continue;
        };
        let trivial = matches!(aspect, Aspect::Default | Aspect::Deprecation);
        let about = classes
            .iter()
            .filter(|class| (**class == ChangeClass::Trivial) == trivial);
        return about
            .map(|class| Compatibility::of(*class))
            .reduce(|one, other| Some(one?.and(other?)))
            .flatten();
    }
    None
}

/// Adds the words without which the crate does not take a document for one, and takes out lists of
/// types, which it does not know.
fn readable(document: &mut Value) {
    document["info"] = json!({"title": "", "version": ""});
    if let Some(members) = document.as_object_mut() {
        // What the crate does not compare cannot keep it from reading the rest.
        members
            .retain(|key, _| matches!(key.as_str(), "openapi" | "info" | "paths" | "components"));
    }
    if let Some(paths) = document["paths"].as_object_mut() {
        for item in paths.values_mut().filter_map(Value::as_object_mut) {
            for (_, operation) in item.iter_mut().filter(|(_, value)| value.is_object()) {
                if operation.get("responses").is_none() {
                    operation["responses"] = json!({});
                }
            }
        }
    }
    mend(document, false);
}

/// Goes through everything, and mends each answer, parameter and schema.
fn mend(value: &mut Value, is_name: bool) {
    match value {
        Value::Object(map) => {
            if !is_name {
                map.retain(|key, value| match key.as_str() {
                    "servers" | "tags" | "security" => !value.is_array(),
                    "type" => !value.is_array(),
                    _ => true,
                });
            }
            for (key, value) in map.iter_mut() {
                match key.as_str() {
                    "responses" if !is_name => entries(value).for_each(mend_answer),
                    "parameters" if !is_name => entries(value).for_each(mend_parameter),
                    _ => {}
                }
                mend(
                    value,
                    !is_name && matches!(key.as_str(), "properties" | "schemas"),
                );
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| mend(value, false)),
        _ => {}
    }
}

/// The objects in a list or a map that are no references.
fn entries(value: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let (list, map) = match value {
        Value::Array(list) => (Some(list.iter_mut()), None),
        Value::Object(map) => (None, Some(map.values_mut())),
        _ => (None, None),
    };
    let all = list.into_iter().flatten().chain(map.into_iter().flatten());
    all.filter_map(Value::as_object_mut)
        .filter(|entry| !entry.contains_key("$ref"))
}

fn mend_answer(answer: &mut Map<String, Value>) {
    answer.insert("description".to_owned(), json!(""));
}

/// What lacks a name, a place or a type gets one.
fn mend_parameter(parameter: &mut Map<String, Value>) {
    for (key, word) in [("name", json!("unnamed")), ("in", json!("header"))] {
        parameter.entry(key).or_insert(word);
    }
    if !parameter.contains_key("schema") && !parameter.contains_key("content") {
        parameter.insert("schema".to_owned(), json!({}));
    }
}

/// Replaces parameters of the path that the crate would stop at, because the path does not have them
/// or the other document does not, by headers. (Without them, those behind would change places.)
fn disguise(old: &mut Value, new: &mut Value) {
    let (mut lone_old, mut lone_new) = (Vec::new(), Vec::new());
    for (one, two) in pairing::operations(old, new).common {
        let (these, those) = (path_parameters(&one), path_parameters(&two));
        let lone = |these: &[(Option<usize>, String)], those: &[(Option<usize>, String)]| {
            let known = |position: &Option<usize>| {
                position.is_some() && those.iter().any(|(other, _)| other == position)
            };
            let lone = these.iter().filter(|(position, _)| !known(position));
            lone.map(|(_, pointer)| pointer.clone()).collect::<Vec<_>>()
        };
        lone_old.extend(lone(&these, &those));
        lone_new.extend(lone(&those, &these));
    }
    for (document, pointers) in [(old, lone_old), (new, lone_new)] {
        for pointer in pointers {
            if let Some(parameter) = document.pointer_mut(pointer.trim_start_matches('#')) {
                *parameter = json!({"name": pointer, "in": "header", "schema": {}});
            }
        }
    }
}

/// The parameters that are said to be in the path: their position in it, and where they stand.
fn path_parameters(operation: &Operation<'_>) -> Vec<(Option<usize>, String)> {
    let names: Vec<&str> = operation
        .path
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .collect();
    [&operation.item, &operation.node]
        .into_iter()
        .filter_map(|holder| holder.get("parameters"))
        .flat_map(|list| list.entries().collect::<Vec<_>>())
        .filter_map(|entry| {
            let value = entry.resolved().value;
            let position = names.iter().position(|name| value["name"] == *name);
            (value["in"] == "path").then(|| (position, entry.place.pointer()))
        })
        .collect()
}

/// Takes out what the crate would stop at: media types, and their schemas, that only one of two
/// bodies or answers has. Taking one out may make another pair unequal, hence the loop.
fn prune(old: &mut Value, new: &mut Value) {
    loop {
        let (lone_old, lone_new) = lone_content(old, new);
        if lone_old.is_empty() && lone_new.is_empty() {
            return;
        }
        for (document, pointers) in [(&mut *old, lone_old), (&mut *new, lone_new)] {
            for (content, media) in pointers {
                let content = document.pointer_mut(content.trim_start_matches('#'));
                if let Some(content) = content.and_then(Value::as_object_mut) {
                    content.shift_remove(&media);
                }
            }
        }
    }
}

/// Pointers to a `content`, each with a media type.
type Lone = Vec<(String, String)>;

fn lone_content(old: &Value, new: &Value) -> (Lone, Lone) {
    let mut lone = (Lone::new(), Lone::new());
    for (old, new) in pairing::operations(old, new).common {
        for (one, two) in holders(&old, &new) {
            let (one, two) = (one.resolved(), two.resolved());
            let content = |node: &Node<'_>| node.place.member("content").pointer();
            for (media, _) in one.get("content").iter().flat_map(Node::members) {
                if !is_like(&one, &two, media) {
                    lone.0.push((content(&one), media.to_owned()));
                }
            }
            for (media, _) in two.get("content").iter().flat_map(Node::members) {
                if !is_like(&one, &two, media) {
                    lone.1.push((content(&two), media.to_owned()));
                }
            }
        }
    }
    lone
}

/// The bodies and the answers that the crate compares with each other.
fn holders<'a>(old: &Operation<'a>, new: &Operation<'a>) -> Vec<(Node<'a>, Node<'a>)> {
    let mut found = Vec::new();
    found.extend(old.node.get("requestBody").zip(new.node.get("requestBody")));
    let (one, two) = (old.node.get("responses"), new.node.get("responses"));
    for (status, answer) in one.iter().flat_map(Node::members) {
        found.extend(
            two.as_ref()
                .and_then(|two| two.get(status))
                .map(|other| (answer, other)),
        );
    }
    found
}

/// Whether both have the media type, both with a schema or both without.
fn is_like(one: &Node<'_>, two: &Node<'_>, media: &str) -> bool {
    let schema = |node: &Node<'_>| {
        let media = node.value.get("content")?.get(media)?;
        Some(media.get("schema").is_some())
    };
    matches!((schema(one), schema(two)), (Some(one), Some(two)) if one == two)
}

//! Wire compatibility of a change, as classified by the `drift` crate.
//!
//! The crate panics or fails on some documents, so it compares adjusted copies: with the keys that
//! it requires, and without the parts that it cannot compare (such as a media type that only one
//! document has). Where it gives no classification, the report omits it.

use std::collections::HashMap;

use drift::{Change, ChangeClass};
use portkey_admin_codegen::reserved_segments;
use serde_json::{Map, Value, json};

use super::difference::{Aspect, Difference};
use super::matching::{self, Operation};
use super::schema_node::{Location, Node};
use crate::catch_panic::catch_panic;

/// Effect of a change on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compatibility {
    /// Old and new are compatible.
    Trivial,
    /// New clients may fail against the old service.
    Forward,
    /// Old clients may fail against the new service.
    Backward,
    /// Both of the above.
    Incompatible,
}

impl Compatibility {
    /// Returns the name used in reports.
    pub fn label(self) -> &'static str {
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

/// The classifications of the `drift` crate, by JSON pointer.
#[derive(Debug, Default)]
pub struct WireCompatibility {
    old: HashMap<String, Vec<ChangeClass>>,
    new: HashMap<String, Vec<ChangeClass>>,
    /// Why there are none, if the crate could not read a document.
    pub problem: Option<String>,
}

impl WireCompatibility {
    /// Compares two documents with the `drift` crate.
    pub fn compare(old: &Value, new: &Value) -> Self {
        let (mut one, mut two) = (old.clone(), new.clone());
        make_readable(&mut one);
        make_readable(&mut two);
        replace_unmatched_path_parameters(&mut one, &mut two);
        remove_unmatched_content(&mut one, &mut two);
        // The crate asserts its assumptions. Known violations are removed above; for unknown ones,
        // a report without classifications is better than none.
        let changes =
            catch_panic(|| drift::compare(&one, &two).map_err(|error| format!("{error:#}")));
        match changes.flatten() {
            Ok(changes) => Self::collect(&changes),
            Err(problem) => Self {
                problem: Some(problem),
                ..Self::default()
            },
        }
    }

    fn collect(changes: &[Change]) -> Self {
        let mut found = Self::default();
        for change in changes {
            let Some(path) = change.paths.first() else {
                continue;
            };
            for info in &change.changes {
                let at = |base: &str, below: &str| {
                    // The crate spells this key differently.
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

    /// Returns the classification of a difference: at its location, or at the object that contains
    /// it.
    pub fn get(&self, difference: &Difference) -> Option<Compatibility> {
        let sides = [
            (&self.old, difference.old.as_ref()),
            (&self.new, difference.new.as_ref()),
        ];
        sides.into_iter().find_map(|(classes_by_pointer, fact)| {
            let location = &fact?.location;
            lookup(classes_by_pointer, location, difference.aspect)
        })
    }
}

fn lookup(
    classes_by_pointer: &HashMap<String, Vec<ChangeClass>>,
    location: &Location,
    aspect: Aspect,
) -> Option<Compatibility> {
    let mut pointer = location.pointer();
    // A property is two levels below its object, a keyword one.
    for _ in 0..3 {
        if let Some(classes) = classes_by_pointer.get(&pointer) {
            let trivial = matches!(aspect, Aspect::Default | Aspect::Deprecation);
            let mut about = classes
                .iter()
                .filter(|class| (**class == ChangeClass::Trivial) == trivial);
            let first = Compatibility::of(*about.next()?)?;
            return about.try_fold(first, |one, other| {
                Some(one.and(Compatibility::of(*other)?))
            });
        }
        let parent = pointer.rfind('/')?;
        pointer.truncate(parent);
    }
    None
}

/// Adds the keys that the crate requires of a document and removes lists of types, which it does
/// not support.
fn make_readable(document: &mut Value) {
    document["info"] = json!({"title": "", "version": ""});
    if let Some(keys) = document.as_object_mut() {
        // Sections that the crate does not compare must not stop it from reading the rest.
        keys.retain(|key, _| matches!(key.as_str(), "openapi" | "info" | "paths" | "components"));
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
    complete(document, false);
}

/// Completes every response, parameter and schema below `value`.
fn complete(value: &mut Value, is_name: bool) {
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
                    "responses" if !is_name => inline_objects(value).for_each(complete_response),
                    "parameters" if !is_name => inline_objects(value).for_each(complete_parameter),
                    _ => {}
                }
                complete(
                    value,
                    !is_name && matches!(key.as_str(), "properties" | "schemas"),
                );
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| complete(value, false)),
        _ => {}
    }
}

/// Returns the objects in a list or map that are not references.
fn inline_objects(value: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let (list, map) = match value {
        Value::Array(list) => (Some(list.iter_mut()), None),
        Value::Object(map) => (None, Some(map.values_mut())),
        _ => (None, None),
    };
    let all = list.into_iter().flatten().chain(map.into_iter().flatten());
    all.filter_map(Value::as_object_mut)
        .filter(|entry| !entry.contains_key("$ref"))
}

fn complete_response(response: &mut Map<String, Value>) {
    response.insert("description".to_owned(), json!(""));
}

/// Adds a name, a location and a schema where they are missing.
fn complete_parameter(parameter: &mut Map<String, Value>) {
    for (key, value) in [("name", json!("unnamed")), ("in", json!("header"))] {
        parameter.entry(key).or_insert(value);
    }
    if !parameter.contains_key("schema") && !parameter.contains_key("content") {
        parameter.insert("schema".to_owned(), json!({}));
    }
}

/// Replaces path parameters that are missing from the path, or from the other document, by headers,
/// because the crate fails on them. Removing them would shift the positions of the parameters
/// behind them.
fn replace_unmatched_path_parameters(old: &mut Value, new: &mut Value) {
    let (mut unmatched_old, mut unmatched_new) = (Vec::new(), Vec::new());
    for (one, two) in matching::match_operations(old, new).common {
        let (own, others) = (path_parameters(&one), path_parameters(&two));
        unmatched_old.extend(unmatched(&own, &others));
        unmatched_new.extend(unmatched(&others, &own));
    }
    for (document, pointers) in [(old, unmatched_old), (new, unmatched_new)] {
        for pointer in pointers {
            if let Some(parameter) = document.pointer_mut(pointer.trim_start_matches('#')) {
                *parameter = json!({"name": pointer, "in": "header", "schema": {}});
            }
        }
    }
}

/// A parameter declared as a path parameter: its position in the path, and a pointer to it.
type PathParameter = (Option<usize>, String);

/// Returns the pointers of the parameters whose position is unknown or unknown to the others.
fn unmatched(own: &[PathParameter], others: &[PathParameter]) -> Vec<String> {
    let is_known = |position: Option<usize>| {
        position.is_some() && others.iter().any(|(other, _)| *other == position)
    };
    let unmatched = own.iter().filter(|(position, _)| !is_known(*position));
    unmatched.map(|(_, pointer)| pointer.clone()).collect()
}

fn path_parameters(operation: &Operation<'_>) -> Vec<PathParameter> {
    let names: Vec<&str> = reserved_segments::parameters(operation.path).collect();
    let mut found = Vec::new();
    for entry in operation.parameters() {
        let value = entry.resolved().value;
        if value["in"] == "path" {
            let position = names.iter().position(|name| value["name"] == *name);
            found.push((position, entry.location.pointer()));
        }
    }
    found
}

/// Removes media types that only one of two bodies or responses has, or that have a schema on one
/// side only, because the crate fails on them. Each removal may make another pair unequal, hence
/// the loop.
fn remove_unmatched_content(old: &mut Value, new: &mut Value) {
    loop {
        let (unmatched_old, unmatched_new) = unmatched_content(old, new);
        if unmatched_old.is_empty() && unmatched_new.is_empty() {
            return;
        }
        for (document, pointers) in [(&mut *old, unmatched_old), (&mut *new, unmatched_new)] {
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
type MediaTypes = Vec<(String, String)>;

fn unmatched_content(old: &Value, new: &Value) -> (MediaTypes, MediaTypes) {
    let mut unmatched = (MediaTypes::new(), MediaTypes::new());
    for (old, new) in matching::match_operations(old, new).common {
        for (one, two) in comparable_bodies(&old, &new) {
            let (one, two) = (one.resolved(), two.resolved());
            for (node, unmatched) in [(&one, &mut unmatched.0), (&two, &mut unmatched.1)] {
                let content = node.location.child("content").pointer();
                for (media, _) in node.get("content").iter().flat_map(Node::entries) {
                    if !have_same_media_type(&one, &two, media) {
                        unmatched.push((content.clone(), media.to_owned()));
                    }
                }
            }
        }
    }
    unmatched
}

/// Returns the request bodies and responses that the crate compares with each other.
fn comparable_bodies<'a>(old: &Operation<'a>, new: &Operation<'a>) -> Vec<(Node<'a>, Node<'a>)> {
    let body = old.node.get("requestBody").zip(new.node.get("requestBody"));
    let (one, two) = (old.node.get("responses"), new.node.get("responses"));
    let responses = one.iter().flat_map(Node::entries);
    let responses =
        responses.filter_map(|(status, response)| Some((response, two.as_ref()?.get(status)?)));
    body.into_iter().chain(responses).collect()
}

/// Whether both have the media type, either both with a schema or both without.
fn have_same_media_type(one: &Node<'_>, two: &Node<'_>, media: &str) -> bool {
    let schema = |node: &Node<'_>| {
        let media = node.value.get("content")?.get(media)?;
        Some(media.get("schema").is_some())
    };
    matches!((schema(one), schema(two)), (Some(one), Some(two)) if one == two)
}

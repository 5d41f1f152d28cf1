//! The walk: every fact in which two documents differ, each once.
//!
//! Operations are compared as they are served (with the parameters of their path item, and with the
//! servers and security that apply to them), schemas through their references. What stands in a
//! shared component is found at that component, however many operations use it. The order of lists
//! that are sets, words, and wrappers such as an `allOf` of one are no differences.

use std::collections::{BTreeMap, HashSet};

use indexmap::IndexMap;
use portkey_admin_codegen::siblings;
use serde_json::{Value, json};

use super::difference::{Aspect, Difference, Fact, Kind};
use super::node::{Node, Place};
use super::pairing::{self, Operation};

/// Members that hold words.
const WORDS: [&str; 6] = [
    "description",
    "summary",
    "title",
    "example",
    "examples",
    "externalDocs",
];

/// Members whose keys are names.
const NAMES: [&str; 9] = [
    "properties",
    "responses",
    "content",
    "headers",
    "callbacks",
    "mapping",
    "scopes",
    "variables",
    "links",
];

/// Members that are values, and are compared as a whole.
const VALUES: [&str; 3] = ["default", "const", "example"];

/// Members that are lists in which order means nothing.
const SETS: [&str; 6] = ["enum", "required", "tags", "security", "servers", "type"];

/// Flags that say the same when they are absent as when they are `false`.
const FLAGS: [&str; 10] = [
    "nullable",
    "deprecated",
    "readOnly",
    "writeOnly",
    "required",
    "uniqueItems",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "allowEmptyValue",
    "allowReserved",
];

/// Whether a keyword says nothing about the service.
pub fn is_word(key: &str) -> bool {
    key.starts_with("x-") || WORDS.contains(&key)
}

/// Whether the keys of a map are keywords or names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    Words,
    Names,
}

/// Every difference between two documents, in the order of the old one.
pub fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut walk = Walk {
        old,
        new,
        renames: pairing::renamed_components(old, new),
        visited: HashSet::new(),
        found: IndexMap::new(),
        passed: HashSet::new(),
    };
    walk.head();
    walk.operations();
    walk.components();
    walk.found.into_values().collect()
}

/// What stands behind two references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// The same thing, whatever became of it.
    Same,
    /// Two things that each have a name.
    Other,
}

struct Walk<'a> {
    old: &'a Value,
    new: &'a Value,
    renames: BTreeMap<String, String>,
    visited: HashSet<(Place, Place)>,
    found: IndexMap<(Option<Place>, Option<Place>), Difference>,
    /// Components that only one document has, because what they say stands inline in the other.
    passed: HashSet<String>,
}

/// A schema (or another object) with what it refers to: the node that holds its members, and those
/// that stand beside the reference or the wrapper.
struct View<'a> {
    base: Node<'a>,
    beside: Vec<(&'a str, Node<'a>)>,
    referred: bool,
}

impl<'a> Walk<'a> {
    /// The document itself, apart from paths and components.
    fn head(&mut self) {
        let (old, new) = (Node::root(self.old), Node::root(self.new));
        for key in ["openapi", "info", "servers", "security", "tags"] {
            self.member(key, old.get(key), new.get(key), Keys::Words);
        }
    }

    fn operations(&mut self) {
        let pairs = pairing::operations(self.old, self.new);
        for (old, new) in &pairs.common {
            self.routes(old, new);
            self.operation(old, new);
        }
        for operation in &pairs.removed {
            self.gone(Aspect::Operation, &operation.node, false);
        }
        for operation in &pairs.added {
            self.come(Aspect::Operation, &operation.node, false);
        }
    }

    /// The paths of an operation: the same, the same with other names in it, or another one.
    fn routes(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        if old.path == new.path {
            return;
        }
        let renamed = pairing::template(old.path) == pairing::template(new.path);
        let fact = |operation: &Operation<'_>| match renamed {
            true => Fact {
                place: operation.item.place.clone(),
                value: json!(operation.path),
            },
            false => Fact {
                place: operation.node.place.clone(),
                value: json!(operation.key()),
            },
        };
        let (kind, aspect) = match renamed {
            true => (Kind::Renamed, Aspect::Path),
            false => (Kind::Moved, Aspect::Operation),
        };
        self.add(kind, aspect, Some(fact(old)), Some(fact(new)), false);
    }

    fn operation(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        self.parameters(old, new);
        for key in ["servers", "security"] {
            let (old, new) = (effective(old, self.old, key), effective(new, self.new, key));
            self.member(key, old, new, Keys::Words);
        }
        let own = |key: &str| !matches!(key, "parameters" | "servers" | "security");
        for key in keys(&old.node, &new.node)
            .into_iter()
            .filter(|key| own(key))
        {
            self.member(key, old.node.get(key), new.node.get(key), Keys::Words);
        }
    }

    fn parameters(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let (old, mut new) = (parameters(old), parameters(new));
        for (identity, old) in old {
            match new.shift_remove(&identity) {
                Some(new) => self.compare(&old, &new, Keys::Words),
                None => self.gone(Aspect::Parameter, &old, is_required(&old)),
            }
        }
        for new in new.values() {
            self.come(Aspect::Parameter, new, is_required(new));
        }
    }

    /// Every component by its name: those that nothing uses, too.
    fn components(&mut self) {
        let (old, new) = (component_nodes(self.old), component_nodes(self.new));
        for (name, one) in &old {
            let renamed = self.renames.get(name).and_then(|name| new.get(name));
            match (new.get(name), renamed) {
                (Some(two), _) => self.compare(one, two, Keys::Words),
                (None, Some(two)) => {
                    self.add(
                        Kind::Renamed,
                        Aspect::Component,
                        Some(named(one)),
                        Some(named(two)),
                        false,
                    );
                    self.compare(one, two, Keys::Words);
                }
                (None, None) if self.passed.contains(name) => {}
                (None, None) => self.gone(Aspect::Component, one, false),
            }
        }
        let is_new = |name: &String| {
            !old.contains_key(name)
                && !self.passed.contains(name)
                && !self.renames.values().any(|other| other == name)
        };
        let come: Vec<_> = new.iter().filter(|(name, _)| is_new(name)).collect();
        for (_, node) in come {
            self.come(Aspect::Component, node, false);
        }
    }

    /// Two nodes that stand for each other.
    fn compare(&mut self, old: &Node<'a>, new: &Node<'a>, keys: Keys) {
        // What equal nodes refer to is compared by its name, with the components.
        if old.value == new.value {
            return;
        }
        let (one, two) = match keys {
            Keys::Words => (View::of(old), View::of(new)),
            Keys::Names => (View::bare(old), View::bare(new)),
        };
        if self.references(old, new, &one, &two) == Content::Other {
            return;
        }
        let places = match one.beside.is_empty() && two.beside.is_empty() {
            true => (one.base.place.clone(), two.base.place.clone()),
            false => (old.place.clone(), new.place.clone()),
        };
        if !self.visited.insert(places) {
            return;
        }
        match (one.base.value, two.base.value) {
            (Value::Object(_), Value::Object(_)) => self.maps(&one, &two, keys),
            (Value::Array(_), Value::Array(_)) => self.lists(&one.base, &two.base),
            (a, b) if a != b => self.changed(&one.base, &two.base),
            _ => {}
        }
    }

    /// Whether the two refer to the same component, and else what has become of the reference.
    fn references(
        &mut self,
        old: &Node<'a>,
        new: &Node<'a>,
        one: &View<'a>,
        two: &View<'a>,
    ) -> Content {
        let name = |view: &View<'_>| view.referred.then(|| view.base.component()).flatten();
        let fact = |node: &Node<'_>, name: Option<&String>| Fact {
            place: node.place.clone(),
            value: match name {
                Some(name) => json!({"$ref": format!("#/components/{name}")}),
                None => json!("inline"),
            },
        };
        let (from, to) = (name(one), name(two));
        let (kind, content) = match (&from, &to) {
            (None, None) => return Content::Same,
            (Some(from), Some(to)) if from == to || self.renames.get(from) == Some(to) => {
                return Content::Same;
            }
            (Some(_), Some(_)) => (Kind::Changed, Content::Other),
            _ => (Kind::Moved, Content::Same),
        };
        if kind == Kind::Moved {
            self.passed.extend(from.iter().chain(&to).cloned());
        }
        let (old, new) = (fact(old, from.as_ref()), fact(new, to.as_ref()));
        self.add(kind, Aspect::Reference, Some(old), Some(new), false);
        content
    }

    fn maps(&mut self, old: &View<'a>, new: &View<'a>, keys: Keys) {
        let (old, mut new) = (old.members(), new.members());
        let lists = keys == Keys::Words;
        let required = lists.then(|| Required::of(&old, &new));
        let position = old.contains_key("in") && old["in"].value == "path";
        for (key, one) in &old {
            let two = new.shift_remove(key);
            let skip = lists && (is_word(key) || (*key == "name" && position));
            if skip {
                continue;
            }
            match &required {
                Some(required) if *key == "required" && one.value.is_array() => {
                    self.required(required, Some(one), two.as_ref());
                }
                Some(required) if *key == "properties" => {
                    self.properties(required, Some(one), two.as_ref());
                }
                _ => self.member(key, Some(one.clone()), two, keys),
            }
        }
        for (key, two) in &new {
            match &required {
                _ if lists && is_word(key) => {}
                Some(required) if *key == "required" && two.value.is_array() => {
                    self.required(required, None, Some(two));
                }
                Some(required) if *key == "properties" => {
                    self.properties(required, None, Some(two));
                }
                _ => self.member(key, None, Some(two.clone()), keys),
            }
        }
    }

    /// One member of a map. `keys` is what the keys of that map are.
    fn member(&mut self, key: &str, old: Option<Node<'a>>, new: Option<Node<'a>>, keys: Keys) {
        let keyword = keys == Keys::Words;
        let (old, new) = match keyword && FLAGS.contains(&key) {
            true => (old.filter(is_set), new.filter(is_set)),
            false => (old, new),
        };
        let below = match keyword && NAMES.contains(&key) {
            true => Keys::Names,
            false => Keys::Words,
        };
        match (old, new) {
            (Some(old), Some(new)) if keyword && SETS.contains(&key) => self.set(&old, &new),
            (Some(old), Some(new)) if keyword && VALUES.contains(&key) => {
                if old.value != new.value {
                    self.changed(&old, &new);
                }
            }
            (Some(old), Some(new)) if keyword && is_composition(key) => self.branches(&old, &new),
            (Some(old), Some(new)) => self.compare(&old, &new, below),
            (Some(old), None) => self.gone(Aspect::of(&old.place), &old, is_required(&old)),
            (None, Some(new)) => self.come(Aspect::of(&new.place), &new, is_required(&new)),
            (None, None) => {}
        }
    }

    fn properties(&mut self, required: &Required, old: Option<&Node<'a>>, new: Option<&Node<'a>>) {
        let members = |node: Option<&Node<'a>>| -> IndexMap<&'a str, Node<'a>> {
            node.into_iter().flat_map(Node::members).collect()
        };
        let (old, mut new) = (members(old), members(new));
        for (name, one) in old {
            match new.shift_remove(name) {
                Some(two) => self.compare(&one, &two, Keys::Words),
                None => self.gone(Aspect::Property, &one, required.was(name)),
            }
        }
        for (name, two) in new {
            self.come(Aspect::Property, &two, required.is(name));
        }
    }

    /// The properties that must be there, apart from those that came or went altogether.
    fn required(&mut self, required: &Required, old: Option<&Node<'a>>, new: Option<&Node<'a>>) {
        let fact = |node: Option<&Node<'_>>, names: Vec<&str>| {
            node.map(|node| Fact {
                place: node.place.clone(),
                value: json!(names),
            })
        };
        let (was, is) = required.stayed();
        let kind = match (
            was.iter().all(|name| is.contains(name)),
            is.iter().all(|name| was.contains(name)),
        ) {
            (true, true) => return,
            (true, false) => Kind::Added,
            (false, true) => Kind::Removed,
            (false, false) => Kind::Changed,
        };
        let (old, new) = (fact(old, was), fact(new, is));
        self.add(kind, Aspect::Required, old, new, false);
    }

    /// Lists in which order means nothing.
    fn set(&mut self, old: &Node<'a>, new: &Node<'a>) {
        let (Some(one), Some(two)) = (old.value.as_array(), new.value.as_array()) else {
            if old.value != new.value {
                self.changed(old, new);
            }
            return;
        };
        let (lost, won) = (
            one.iter().any(|value| !two.contains(value)),
            two.iter().any(|value| !one.contains(value)),
        );
        let kind = match (lost, won) {
            (false, false) => return,
            (false, true) => Kind::Added,
            (true, false) => Kind::Removed,
            (true, true) => Kind::Changed,
        };
        let aspect = Aspect::of(&new.place);
        self.add(
            kind,
            aspect,
            Some(Fact::of(old)),
            Some(Fact::of(new)),
            false,
        );
    }

    fn branches(&mut self, old: &Node<'a>, new: &Node<'a>) {
        let list = |node: &Node<'a>| node.value.as_array().cloned().unwrap_or_default();
        let pairs = pairing::branches(&list(old), &list(new), &self.renames);
        let (old, new): (Vec<_>, Vec<_>) = (old.entries().collect(), new.entries().collect());
        for pair in pairs {
            match pair {
                (Some(from), Some(to)) => self.compare(&old[from], &new[to], Keys::Words),
                (Some(from), None) => self.gone(Aspect::Branch, &old[from], false),
                (None, Some(to)) => self.come(Aspect::Branch, &new[to], false),
                (None, None) => {}
            }
        }
    }

    /// Any other list, entry by entry.
    fn lists(&mut self, old: &Node<'a>, new: &Node<'a>) {
        let (mut old, mut new) = (old.entries(), new.entries());
        loop {
            match (old.next(), new.next()) {
                (Some(old), Some(new)) => self.compare(&old, &new, Keys::Words),
                (Some(old), None) => self.gone(Aspect::of(&old.place), &old, false),
                (None, Some(new)) => self.come(Aspect::of(&new.place), &new, false),
                (None, None) => break,
            }
        }
    }

    fn changed(&mut self, old: &Node<'_>, new: &Node<'_>) {
        let aspect = Aspect::of(&new.place);
        let kind = match aspect {
            Aspect::OperationId => Kind::Renamed,
            _ => Kind::Changed,
        };
        self.add(
            kind,
            aspect,
            Some(Fact::of(old)),
            Some(Fact::of(new)),
            false,
        );
    }

    fn gone(&mut self, aspect: Aspect, node: &Node<'_>, required: bool) {
        self.add(Kind::Removed, aspect, Some(Fact::of(node)), None, required);
    }

    fn come(&mut self, aspect: Aspect, node: &Node<'_>, required: bool) {
        self.add(Kind::Added, aspect, None, Some(Fact::of(node)), required);
    }

    fn add(
        &mut self,
        kind: Kind,
        aspect: Aspect,
        old: Option<Fact>,
        new: Option<Fact>,
        required: bool,
    ) {
        let place = |fact: &Option<Fact>| fact.as_ref().map(|fact| fact.place.clone());
        let places = (place(&old), place(&new));
        self.found.entry(places).or_insert(Difference {
            kind,
            aspect,
            old,
            new,
            required,
        });
    }
}

impl<'a> View<'a> {
    fn bare(node: &Node<'a>) -> Self {
        Self {
            base: node.clone(),
            beside: Vec::new(),
            referred: false,
        }
    }

    /// Follows references, and steps into an `allOf`, `oneOf` or `anyOf` of one.
    fn of(node: &Node<'a>) -> Self {
        let mut view = Self::bare(node);
        for _ in 0..64 {
            let (inner, through) = match (view.base.target(), wrapped(&view.base)) {
                (Some(target), _) => (target, "$ref"),
                (None, Some((key, inner))) => (inner, key),
                (None, None) => break,
            };
            let beside = view.base.members();
            for (key, member) in beside.filter(|(key, _)| *key != through && !is_word(key)) {
                if view.beside.iter().all(|(known, _)| *known != key) {
                    view.beside.push((key, member));
                }
            }
            view.referred |= through == "$ref";
            view.base = inner;
        }
        view
    }

    fn members(&self) -> IndexMap<&'a str, Node<'a>> {
        let mut members: IndexMap<_, _> = self.base.members().collect();
        members.extend(self.beside.iter().cloned());
        members
    }
}

/// The one schema in an `allOf`, `oneOf` or `anyOf` beside which nothing stands but remarks.
fn wrapped<'a>(node: &Node<'a>) -> Option<(&'a str, Node<'a>)> {
    let remark = |key: &str| {
        is_word(key)
            || matches!(
                key,
                "nullable" | "deprecated" | "readOnly" | "writeOnly" | "default"
            )
    };
    let mut others = node.members().filter(|(key, _)| !remark(key));
    let (key, list) = others.next()?;
    let alone = others.next().is_none() && is_composition(key);
    let mut entries = list.entries();
    let first = entries.next()?;
    (alone && entries.next().is_none()).then_some((key, first))
}

/// What `required` says of two schemas.
struct Required {
    was: Vec<String>,
    is: Vec<String>,
    /// The properties that one of the two lacks.
    passing: Vec<String>,
}

impl Required {
    fn of(old: &IndexMap<&str, Node<'_>>, new: &IndexMap<&str, Node<'_>>) -> Self {
        let names = |members: &IndexMap<&str, Node<'_>>| -> Vec<String> {
            let list = members
                .get("required")
                .and_then(|node| node.value.as_array());
            let names = list.into_iter().flatten().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        };
        let properties = |members: &IndexMap<&str, Node<'_>>| -> Vec<String> {
            let node = members.get("properties");
            node.into_iter()
                .flat_map(Node::members)
                .map(|(name, _)| name.to_owned())
                .collect()
        };
        let (one, two) = (properties(old), properties(new));
        let lacking = |these: &[String], those: &[String]| -> Vec<String> {
            let these = these.iter().filter(|name| !those.contains(name));
            these.cloned().collect()
        };
        let mut passing = lacking(&one, &two);
        passing.extend(lacking(&two, &one));
        Self {
            was: names(old),
            is: names(new),
            passing,
        }
    }

    fn was(&self, name: &str) -> bool {
        self.was.iter().any(|other| other == name)
    }

    fn is(&self, name: &str) -> bool {
        self.is.iter().any(|other| other == name)
    }

    /// The required ones among the properties that both have.
    fn stayed(&self) -> (Vec<&str>, Vec<&str>) {
        let keep = |name: &&String| !self.passing.contains(name);
        (
            self.was.iter().filter(keep).map(String::as_str).collect(),
            self.is.iter().filter(keep).map(String::as_str).collect(),
        )
    }
}

/// The keys of two nodes, those of the old one first.
fn keys<'a>(old: &Node<'a>, new: &Node<'a>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = old.members().map(|(key, _)| key).collect();
    for (key, _) in new.members() {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.retain(|key| !is_word(key));
    keys
}

/// The servers or the security that apply to an operation.
fn effective<'a>(operation: &Operation<'a>, root: &'a Value, key: &str) -> Option<Node<'a>> {
    operation
        .node
        .get(key)
        .or_else(|| operation.item.get(key))
        .or_else(|| Node::root(root).get(key))
}

/// The parameters of an operation and of its path item. Those in the path go by their position.
fn parameters<'a>(operation: &Operation<'a>) -> IndexMap<(String, String), Node<'a>> {
    let positions: Vec<&str> = siblings::segments(operation.path)
        .filter(|segment| siblings::is_parameter(segment))
        .collect();
    let mut found = IndexMap::new();
    for holder in [&operation.item, &operation.node] {
        let list = holder.get("parameters");
        for node in list.iter().flat_map(Node::entries) {
            let value = node.resolved().value;
            let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            let (location, mut name) = (text("in"), text("name"));
            if location == "path" {
                let own = format!("{{{name}}}");
                let position = positions.iter().position(|segment| *segment == own);
                name = position.map_or(name, |position| position.to_string());
            }
            found.insert((location, name), node);
        }
    }
    found
}

fn component_nodes(root: &Value) -> IndexMap<String, Node<'_>> {
    let sections = Node::root(root).get("components");
    sections
        .iter()
        .flat_map(Node::members)
        .flat_map(|(section, node)| {
            let named = move |(name, node)| (format!("{section}/{name}"), node);
            node.members().map(named)
        })
        .collect()
}

/// A component by its name alone.
fn named(node: &Node<'_>) -> Fact {
    Fact {
        place: node.place.clone(),
        value: json!(node.place.last_key()),
    }
}

fn is_composition(key: &str) -> bool {
    matches!(key, "allOf" | "oneOf" | "anyOf")
}

fn is_set(node: &Node<'_>) -> bool {
    *node.value != false
}

/// Whether a parameter or a body says that it is required.
fn is_required(node: &Node<'_>) -> bool {
    node.resolved().value["required"] == true
}

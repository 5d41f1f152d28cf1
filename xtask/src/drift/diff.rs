//! Finds every fact in which two documents differ, each once.
//!
//! Operations are compared as they are served, with the parameters of their path item and with the
//! servers and security that apply to them. Schemas are compared through their references. A
//! difference in a shared component is reported once, at that component, however many operations
//! use it. Annotations, the order of lists that are sets, and wrappers such as an `allOf` with one
//! entry are ignored.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use indexmap::{IndexMap, IndexSet};
use portkey_admin_codegen::reserved_segments;
use serde_json::{Value, json};

use super::difference::{Aspect, Difference, Fact, Kind};
use super::effective_object::{self, EffectiveObject, Part};
use super::matching::{self, Operation};
use super::resolved_node::ResolvedNode;
use super::schema_node::{Location, Node, is_annotation};

/// Keywords whose value is a map from names to objects.
const NAME_MAPS: [&str; 7] = [
    "properties",
    "responses",
    "callbacks",
    "mapping",
    "scopes",
    "variables",
    "links",
];

/// Keywords whose value is a map from names to objects, in which case has no meaning.
const CASELESS_NAME_MAPS: [&str; 2] = ["content", "headers"];

/// Keywords for which absent and zero mean the same.
const ZERO_KEYWORDS: [&str; 3] = ["minLength", "minItems", "minProperties"];

/// Keywords whose value is compared as a whole.
const VALUE_KEYWORDS: [&str; 3] = ["default", "const", "example"];

/// Keywords whose value is a list in which order has no meaning.
const SET_KEYWORDS: [&str; 6] = ["enum", "required", "tags", "security", "servers", "type"];

/// Flags for which absent and `false` mean the same.
const FLAG_KEYWORDS: [&str; 10] = [
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

/// Whether the keys of a map are keywords or names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Keyword,
    Name,
    CaselessName,
}

/// Returns every difference between two documents, in the order of the old one.
pub fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut differ = Differ {
        old,
        new,
        renames: matching::renamed_components(old, new),
        visited: HashSet::new(),
        found: IndexMap::new(),
        inlined: HashSet::new(),
    };
    differ.compare_document();
    differ.compare_operations();
    differ.compare_components();
    differ.found.into_values().collect()
}

/// What two references refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Referents {
    /// The same object, possibly changed, renamed or moved inline.
    Same,
    /// Two different components.
    Different,
}

struct Differ<'a> {
    old: &'a Value,
    new: &'a Value,
    renames: BTreeMap<String, String>,
    visited: HashSet<(Location, Location)>,
    found: IndexMap<(Option<Location>, Option<Location>), Difference>,
    /// Components that only one document has, because the other has the same content inline.
    inlined: HashSet<String>,
}

impl<'a> Differ<'a> {
    /// Compares the document apart from paths and components.
    fn compare_document(&mut self) {
        let (old, new) = (Node::root(self.old), Node::root(self.new));
        for key in ["openapi", "info", "servers", "security", "tags"] {
            self.compare_entry(key, old.get(key), new.get(key), KeyKind::Keyword);
        }
    }

    fn compare_operations(&mut self) {
        let pairs = matching::match_operations(self.old, self.new);
        for (old, new) in &pairs.common {
            self.compare_paths(old, new);
            self.compare_operation(old, new);
        }
        for operation in &pairs.removed {
            self.record_removed(Aspect::Operation, &operation.node, false);
        }
        for operation in &pairs.added {
            self.record_added(Aspect::Operation, &operation.node, false);
        }
    }

    /// Compares the paths of two operations: equal, equal except for parameter names, or moved.
    fn compare_paths(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        if old.path == new.path {
            return;
        }
        let renamed = matching::without_parameter_names(old.path)
            == matching::without_parameter_names(new.path);
        let fact = |operation: &Operation<'_>| match renamed {
            true => Fact::at(&operation.path_item, json!(operation.path)),
            false => Fact::at(&operation.node, json!(operation.key())),
        };
        let (kind, aspect) = match renamed {
            true => (Kind::Renamed, Aspect::Path),
            false => (Kind::Moved, Aspect::Operation),
        };
        self.record(kind, aspect, Some(fact(old)), Some(fact(new)), false);
    }

    fn compare_operation(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        self.compare_parameters(old, new);
        for key in ["servers", "security"] {
            let (old, new) = (effective(old, self.old, key), effective(new, self.new, key));
            self.compare_entry(key, old, new, KeyKind::Keyword);
        }
        let keys: IndexSet<&str> = old
            .node
            .entries()
            .chain(new.node.entries())
            .map(|(key, _)| key)
            .collect();
        for key in keys {
            if !matches!(key, "parameters" | "servers" | "security") && !is_annotation(key) {
                self.compare_entry(key, old.node.get(key), new.node.get(key), KeyKind::Keyword);
            }
        }
    }

    fn compare_parameters(&mut self, old: &Operation<'a>, new: &Operation<'a>) {
        let (old, mut new) = (parameters(old), parameters(new));
        for (identity, old) in old {
            match new.shift_remove(&identity) {
                Some(new) => self.compare(&old, &new, KeyKind::Keyword),
                None => self.record_removed(Aspect::Parameter, &old, is_required(&old)),
            }
        }
        for new in new.values() {
            self.record_added(Aspect::Parameter, new, is_required(new));
        }
    }

    /// Compares all components by name, including unused ones.
    fn compare_components(&mut self) {
        let (old, new) = (component_nodes(self.old), component_nodes(self.new));
        for (name, one) in &old {
            let renamed = self.renames.get(name).and_then(|name| new.get(name));
            match (new.get(name), renamed) {
                (Some(two), _) => self.compare(one, two, KeyKind::Keyword),
                (None, Some(two)) => {
                    // A fact that holds only the component's name.
                    let [old, new] = [one, two]
                        .map(|node| Some(Fact::at(node, json!(node.location.last_key()))));
                    self.record(Kind::Renamed, Aspect::Component, old, new, false);
                    self.compare(one, two, KeyKind::Keyword);
                }
                (None, None) if self.inlined.contains(name) => {}
                (None, None) => self.record_removed(Aspect::Component, one, false),
            }
        }
        let is_new = |name: &String| {
            !old.contains_key(name)
                && !self.inlined.contains(name)
                && !self.renames.values().any(|other| other == name)
        };
        let added: Vec<_> = new.iter().filter(|(name, _)| is_new(name)).collect();
        added
            .into_iter()
            .for_each(|(_, node)| self.record_added(Aspect::Component, node, false));
    }

    /// Compares two matched nodes.
    fn compare(&mut self, old: &Node<'a>, new: &Node<'a>, key_kind: KeyKind) {
        // References inside equal nodes are compared with the components.
        if old.value == new.value {
            return;
        }
        let (one, two) = match key_kind {
            KeyKind::Keyword => (ResolvedNode::of(old), ResolvedNode::of(new)),
            _ => (ResolvedNode::unresolved(old), ResolvedNode::unresolved(new)),
        };
        if key_kind == KeyKind::Keyword && self.compare_composed((old, &one), (new, &two)) {
            return;
        }
        if self.compare_references(old, new, &one, &two) == Referents::Different {
            return;
        }
        let locations = match one.adjacent.is_empty() && two.adjacent.is_empty() {
            true => (one.base.location.clone(), two.base.location.clone()),
            false => (old.location.clone(), new.location.clone()),
        };
        if !self.visited.insert(locations) {
            return;
        }
        match (one.base.value, two.base.value) {
            (Value::Object(_), Value::Object(_)) => self.compare_maps(&one, &two, key_kind),
            (Value::Array(_), Value::Array(_)) => self.compare_lists(&one.base, &two.base),
            (a, b) if a != b => self.record_changed(&one.base, &two.base),
            _ => {}
        }
    }

    /// Whether both refer to the same component; records the difference if not.
    fn compare_references(
        &mut self,
        old: &Node<'a>,
        new: &Node<'a>,
        one: &ResolvedNode<'a>,
        two: &ResolvedNode<'a>,
    ) -> Referents {
        let name = |resolved: &ResolvedNode<'_>| {
            let component = || resolved.base.component();
            resolved.by_reference.then(component).flatten()
        };
        let fact = |node: &Node<'_>, name: Option<&String>| {
            let reference = name.map(|name| json!({"$ref": format!("#/components/{name}")}));
            Some(Fact::at(node, reference.unwrap_or(json!("inline"))))
        };
        let (from, to) = (name(one), name(two));
        let (kind, referents) = match (&from, &to) {
            (None, None) => return Referents::Same,
            (Some(from), Some(to)) if from == to || self.renames.get(from) == Some(to) => {
                return Referents::Same;
            }
            (Some(_), Some(_)) => (Kind::Changed, Referents::Different),
            _ => (Kind::Moved, Referents::Same),
        };
        if kind == Kind::Moved {
            self.inlined.extend(from.iter().chain(&to).cloned());
        }
        let requires_more = referents == Referents::Different
            && !effective_object::required_names(&two.base)
                .is_subset(&effective_object::required_names(&one.base));
        let (old, new) = (fact(old, from.as_ref()), fact(new, to.as_ref()));
        self.record(kind, Aspect::Reference, old, new, requires_more);
        referents
    }

    /// Compares two schemas of which at least one is composed of others, by their effective content.
    /// Returns whether it did.
    fn compare_composed(
        &mut self,
        (old, one): (&Node<'a>, &ResolvedNode<'a>),
        (new, two): (&Node<'a>, &ResolvedNode<'a>),
    ) -> bool {
        let is_visited = |differ: &mut Self| {
            let locations = (old.location.clone(), new.location.clone());
            !differ.visited.insert(locations)
        };
        if let Some((one, two)) = self.effective_objects((old, one), (new, two)) {
            if !is_visited(self) {
                self.compare_effective_objects(&one, &two);
            }
            return true;
        }
        let key = match (one.alternatives(), two.alternatives()) {
            (None, Some(key)) if one.is_plain_schema() => key,
            (Some(key), None) if two.is_plain_schema() => key,
            _ => return false,
        };
        if !is_visited(self) {
            let branches =
                |node: &Node<'a>, resolved: &ResolvedNode<'a>| match resolved.alternatives() {
                    Some(key) => resolved
                        .base
                        .get(key)
                        .iter()
                        .flat_map(Node::items)
                        .collect(),
                    None => vec![node.clone()],
                };
            self.compare_branch_lists(key, branches(old, one), branches(new, two));
            self.compare_adjacent(&one.adjacent_entries(), &two.adjacent_entries());
        }
        true
    }

    /// Returns the effective objects of two schemas if one has an `allOf` and both are objects.
    fn effective_objects(
        &self,
        (old, one): (&Node<'a>, &ResolvedNode<'a>),
        (new, two): (&Node<'a>, &ResolvedNode<'a>),
    ) -> Option<(EffectiveObject<'a>, EffectiveObject<'a>)> {
        let has_branches = |node: &ResolvedNode<'_>| node.base.get("allOf").is_some();
        if (one.by_reference && two.by_reference) || !(has_branches(one) || has_branches(two)) {
            return None;
        }
        let objects = (
            EffectiveObject::of(old, one)?,
            EffectiveObject::of(new, two)?,
        );
        // If the other has the same content inline, the reference is the change.
        let includes = |object: &EffectiveObject<'_>, reference: &ResolvedNode<'_>| {
            let name = reference.base.component();
            let mut components = object
                .parts
                .iter()
                .filter_map(|part| part.component.as_ref());
            components.any(|component| {
                Some(component) == name.as_ref()
                    || self.renames.get(component) == name.as_ref()
                    || name.as_ref().and_then(|name| self.renames.get(name)) == Some(component)
            })
        };
        let keeps_reference = match (one.by_reference, two.by_reference) {
            (true, false) => includes(&objects.1, one),
            (false, true) => includes(&objects.0, two),
            _ => true,
        };
        keeps_reference.then_some(objects)
    }

    fn compare_effective_objects(&mut self, old: &EffectiveObject<'a>, new: &EffectiveObject<'a>) {
        self.compare_adjacent(&old.keywords, &new.keywords);
        let (was, is) = (old.required(), new.required());
        let same = |one: &Option<String>, two: &Option<String>| match (one, two) {
            (Some(one), Some(two)) => one == two || self.renames.get(one) == Some(two),
            _ => false,
        };
        // What changes inside a component that both have is recorded there.
        let (mut removed, mut added): (Vec<&Part<'a>>, Vec<&Part<'a>>) =
            (old.parts.iter().collect(), new.parts.iter().collect());
        removed.retain(|part| {
            !new.parts
                .iter()
                .any(|other| same(&part.component, &other.component))
        });
        added.retain(|part| {
            !old.parts
                .iter()
                .any(|other| same(&other.component, &part.component))
        });
        for branch in EffectiveObject::branches_by_reference(&removed) {
            self.record_removed(Aspect::Branch, branch, false);
        }
        for branch in EffectiveObject::branches_by_reference(&added) {
            let demands = effective_object::required_names(&branch.resolved());
            self.record_added(Aspect::Branch, branch, !demands.is_subset(&was));
        }
        let (before, after) = (old.properties(), new.properties());
        for (name, (one, _)) in &before {
            if let Some((two, _)) = after.get(name) {
                self.compare(one, two, KeyKind::Keyword);
            }
        }
        let inline = |parts: &[&Part<'a>], index: usize, all: &EffectiveObject<'a>| {
            let part = &all.parts[index];
            part.component.is_none() && parts.iter().any(|other| std::ptr::eq(*other, part))
        };
        for (name, (one, part)) in &before {
            if !after.contains_key(name) && inline(&removed, *part, old) {
                self.record_removed(Aspect::Property, one, was.contains(name));
            }
        }
        for (name, (two, part)) in &after {
            if !before.contains_key(name) && inline(&added, *part, new) {
                self.record_added(Aspect::Property, two, is.contains(name));
            }
        }
        let is_one_sided = |name: &str| before.contains_key(name) != after.contains_key(name);
        let lost = EffectiveObject::inline_required(&removed, |name| {
            !is.contains(name) && !is_one_sided(name)
        });
        let gained = EffectiveObject::inline_required(&added, |name| {
            !was.contains(name) && !is_one_sided(name)
        });
        let Some(kind) = Kind::of_list(lost.is_some(), gained.is_some()) else {
            return;
        };
        let empty = |object: &EffectiveObject<'_>| {
            let location = object.inline_required_location()?;
            let value = json!([]);
            Some(Fact { location, value })
        };
        let (old, new) = (lost.or_else(|| empty(old)), gained.or_else(|| empty(new)));
        self.record(kind, Aspect::Required, old, new, false);
    }

    /// Compares keywords that are beside the content of a schema.
    fn compare_adjacent(
        &mut self,
        old: &IndexMap<&'a str, Node<'a>>,
        new: &IndexMap<&'a str, Node<'a>>,
    ) {
        let keys: IndexSet<&str> = old.keys().chain(new.keys()).copied().collect();
        for key in keys {
            let (old, new) = (old.get(key).cloned(), new.get(key).cloned());
            self.compare_entry(key, old, new, KeyKind::Keyword);
        }
    }

    fn compare_maps(&mut self, old: &ResolvedNode<'a>, new: &ResolvedNode<'a>, key_kind: KeyKind) {
        let (old, mut new) = (old.all_entries(), new.all_entries());
        let required = (key_kind == KeyKind::Keyword).then(|| Required::of(&old, &new));
        // A header is matched by its name in lower case, a path parameter by its position.
        let is_matched_by_name = old
            .get("in")
            .is_none_or(|node| node.value != "path" && node.value != "header");
        let mut pairs: Vec<_> = Vec::new();
        for (key, one) in old {
            let two = match key_kind {
                KeyKind::CaselessName => take_caseless(&mut new, key),
                _ => new.shift_remove(key),
            };
            if key_kind != KeyKind::Keyword || key != "name" || is_matched_by_name {
                pairs.push((key, Some(one), two));
            }
        }
        pairs.extend(new.into_iter().map(|(key, two)| (key, None, Some(two))));
        for (key, one, two) in pairs {
            let is_list = one
                .as_ref()
                .or(two.as_ref())
                .is_some_and(|node| node.value.is_array());
            match &required {
                Some(_) if is_annotation(key) => {}
                Some(required) if key == "required" && is_list => {
                    self.compare_required(required, one.as_ref(), two.as_ref());
                }
                Some(required) if key == "properties" => {
                    self.compare_properties(required, one.as_ref(), two.as_ref());
                }
                _ => self.compare_entry(key, one, two, key_kind),
            }
        }
    }

    /// Compares one entry of a map. `key_kind` is the kind of that map's keys.
    fn compare_entry(
        &mut self,
        key: &str,
        old: Option<Node<'a>>,
        new: Option<Node<'a>>,
        key_kind: KeyKind,
    ) {
        let keyword = key_kind == KeyKind::Keyword;
        let (old, new) = match keyword {
            true if FLAG_KEYWORDS.contains(&key) => (old.filter(is_set), new.filter(is_set)),
            true if ZERO_KEYWORDS.contains(&key) => {
                (old.filter(is_above_zero), new.filter(is_above_zero))
            }
            _ => (old, new),
        };
        let below = match keyword {
            true if NAME_MAPS.contains(&key) => KeyKind::Name,
            true if CASELESS_NAME_MAPS.contains(&key) => KeyKind::CaselessName,
            _ => KeyKind::Keyword,
        };
        // The nullability of `oneOf: [{type: 'null'}, …]` is at the location of that branch.
        let aspect = |node: &Node<'_>| match keyword && key == "nullable" {
            true => Aspect::Nullability,
            false => Aspect::of(&node.location),
        };
        match (old, new) {
            (Some(old), Some(new)) if keyword && SET_KEYWORDS.contains(&key) => {
                self.compare_sets(&old, &new)
            }
            (Some(old), Some(new)) if keyword && VALUE_KEYWORDS.contains(&key) => {
                if old.value != new.value {
                    self.record_changed(&old, &new);
                }
            }
            (Some(old), Some(new)) if keyword && is_composition(key) => {
                self.compare_branch_lists(key, old.items().collect(), new.items().collect());
            }
            (Some(old), Some(new)) => self.compare(&old, &new, below),
            // Every entry is a change, also where there was no map before.
            (Some(old), None) if below == KeyKind::CaselessName => {
                for (_, entry) in old.entries() {
                    self.record_removed(aspect(&entry), &entry, is_required(&entry));
                }
            }
            (None, Some(new)) if below == KeyKind::CaselessName => {
                for (_, entry) in new.entries() {
                    self.record_added(aspect(&entry), &entry, is_required(&entry));
                }
            }
            (Some(old), None) => self.record_removed(aspect(&old), &old, is_required(&old)),
            (None, Some(new)) => self.record_added(aspect(&new), &new, is_required(&new)),
            (None, None) => {}
        }
    }

    fn compare_properties(
        &mut self,
        required: &Required<'_>,
        old: Option<&Node<'a>>,
        new: Option<&Node<'a>>,
    ) {
        let entries = |node: Option<&Node<'a>>| -> IndexMap<&'a str, Node<'a>> {
            node.into_iter().flat_map(Node::entries).collect()
        };
        let (old, mut new) = (entries(old), entries(new));
        for (name, one) in old {
            match new.shift_remove(name) {
                Some(two) => self.compare(&one, &two, KeyKind::Keyword),
                None => self.record_removed(Aspect::Property, &one, required.was.contains(name)),
            }
        }
        for (name, two) in new {
            self.record_added(Aspect::Property, &two, required.is.contains(name));
        }
    }

    /// Compares the required properties, except for properties that were added or removed.
    fn compare_required(
        &mut self,
        required: &Required<'_>,
        old: Option<&Node<'a>>,
        new: Option<&Node<'a>>,
    ) {
        let common = |names: &IndexSet<&'_ str>| -> IndexSet<String> {
            let common = names.difference(&required.one_sided);
            common.map(|name| (*name).to_owned()).collect()
        };
        let (was, is) = (common(&required.was), common(&required.is));
        if let Some(kind) = Kind::of_list(!was.is_subset(&is), !is.is_subset(&was)) {
            let old = old.map(|node| Fact::at(node, json!(was)));
            let new = new.map(|node| Fact::at(node, json!(is)));
            self.record(kind, Aspect::Required, old, new, false);
        }
    }

    /// Compares lists in which order has no meaning.
    fn compare_sets(&mut self, old: &Node<'a>, new: &Node<'a>) {
        let (Some(one), Some(two)) = (old.value.as_array(), new.value.as_array()) else {
            if old.value != new.value {
                self.record_changed(old, new);
            }
            return;
        };
        let misses =
            |list: &[Value], other: &[Value]| other.iter().any(|value| !list.contains(value));
        if let Some(kind) = Kind::of_list(misses(two, one), misses(one, two)) {
            let aspect = Aspect::of(&new.location);
            self.record(
                kind,
                aspect,
                Some(Fact::of(old)),
                Some(Fact::of(new)),
                false,
            );
        }
    }

    /// Compares the branches of an `allOf`, `oneOf` or `anyOf`.
    fn compare_branch_lists(&mut self, key: &str, old: Vec<Node<'a>>, new: Vec<Node<'a>>) {
        let list = |nodes: &[Node<'a>]| -> Vec<Value> {
            nodes.iter().map(|node| node.value.clone()).collect()
        };
        let required = |nodes: &[Node<'a>]| -> BTreeSet<&'a str> {
            let names = nodes
                .iter()
                .map(|node| effective_object::required_names(&node.resolved()));
            names.flatten().collect()
        };
        let pairs = matching::match_branches(&list(&old), &list(&new), &self.renames);
        let was = required(&old);
        for pair in pairs {
            match pair {
                (Some(from), Some(to)) => self.compare(&old[from], &new[to], KeyKind::Keyword),
                (Some(from), None) => self.record_removed(Aspect::Branch, &old[from], false),
                (None, Some(to)) => {
                    let demands = required(&new[to..=to]);
                    let requires_more = key == "allOf" && !demands.is_subset(&was);
                    self.record_added(Aspect::Branch, &new[to], requires_more);
                }
                (None, None) => {}
            }
        }
    }

    /// Compares any other list, item by item.
    fn compare_lists(&mut self, old: &Node<'a>, new: &Node<'a>) {
        let (mut old, mut new) = (old.items(), new.items());
        loop {
            match (old.next(), new.next()) {
                (Some(old), Some(new)) => self.compare(&old, &new, KeyKind::Keyword),
                (Some(old), None) => self.record_removed(Aspect::of(&old.location), &old, false),
                (None, Some(new)) => self.record_added(Aspect::of(&new.location), &new, false),
                (None, None) => break,
            }
        }
    }

    fn record_changed(&mut self, old: &Node<'_>, new: &Node<'_>) {
        let aspect = Aspect::of(&new.location);
        let kind = match aspect {
            Aspect::OperationId => Kind::Renamed,
            _ => Kind::Changed,
        };
        let (old, new) = (Some(Fact::of(old)), Some(Fact::of(new)));
        self.record(kind, aspect, old, new, false);
    }

    fn record_removed(&mut self, aspect: Aspect, node: &Node<'_>, required: bool) {
        self.record(Kind::Removed, aspect, Some(Fact::of(node)), None, required);
    }

    fn record_added(&mut self, aspect: Aspect, node: &Node<'_>, required: bool) {
        self.record(Kind::Added, aspect, None, Some(Fact::of(node)), required);
    }

    fn record(
        &mut self,
        kind: Kind,
        aspect: Aspect,
        old: Option<Fact>,
        new: Option<Fact>,
        required: bool,
    ) {
        let location = |fact: &Option<Fact>| fact.as_ref().map(|fact| fact.location.clone());
        let entry = self.found.entry((location(&old), location(&new)));
        entry.or_insert(Difference {
            kind,
            aspect,
            old,
            new,
            required,
        });
    }
}

/// The required properties of two schemas.
struct Required<'a> {
    was: IndexSet<&'a str>,
    is: IndexSet<&'a str>,
    /// Properties that only one of the two has.
    one_sided: IndexSet<&'a str>,
}

impl<'a> Required<'a> {
    fn of(old: &IndexMap<&str, Node<'a>>, new: &IndexMap<&str, Node<'a>>) -> Self {
        let names = |entries: &IndexMap<&str, Node<'a>>| -> IndexSet<&'a str> {
            let list = entries
                .get("required")
                .and_then(|node| node.value.as_array());
            list.into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect()
        };
        let properties = |entries: &IndexMap<&str, Node<'a>>| -> IndexSet<&'a str> {
            let entries = entries
                .get("properties")
                .into_iter()
                .flat_map(Node::entries);
            entries.map(|(name, _)| name).collect()
        };
        Self {
            was: names(old),
            is: names(new),
            one_sided: &properties(old) ^ &properties(new),
        }
    }
}

/// Returns the servers or the security that apply to an operation.
fn effective<'a>(operation: &Operation<'a>, root: &'a Value, key: &str) -> Option<Node<'a>> {
    operation
        .node
        .get(key)
        .or_else(|| operation.path_item.get(key))
        .or_else(|| Node::root(root).get(key))
}

/// Returns the parameters of an operation and of its path item. Path parameters are identified by
/// position, headers by their name in lower case.
fn parameters<'a>(operation: &Operation<'a>) -> IndexMap<(String, String), Node<'a>> {
    let positions: Vec<&str> = reserved_segments::parameters(operation.path).collect();
    let mut found = IndexMap::new();
    for node in operation.parameters() {
        let value = node.resolved().value;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let (location, mut name) = (text("in"), text("name"));
        match location.as_str() {
            "path" => {
                let position = positions.iter().position(|parameter| *parameter == name);
                name = position.map_or(name, |position| position.to_string());
            }
            "header" => name.make_ascii_lowercase(),
            _ => {}
        }
        found.insert((location, name), node);
    }
    found
}

fn component_nodes(root: &Value) -> IndexMap<String, Node<'_>> {
    let sections = Node::root(root).get("components");
    sections
        .iter()
        .flat_map(Node::entries)
        .flat_map(|(section, node)| {
            let named = move |(name, node)| (format!("{section}/{name}"), node);
            node.entries().map(named)
        })
        .collect()
}

fn is_composition(key: &str) -> bool {
    matches!(key, "allOf" | "oneOf" | "anyOf")
}

/// Removes and returns the entry with a name, or else one whose name differs only in case.
fn take_caseless<'a>(entries: &mut IndexMap<&'a str, Node<'a>>, name: &str) -> Option<Node<'a>> {
    let other = entries
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .copied();
    let exact = entries.shift_remove(name);
    exact.or_else(|| entries.shift_remove(other?))
}

fn is_above_zero(node: &Node<'_>) -> bool {
    node.value.as_f64() != Some(0.0)
}

fn is_set(node: &Node<'_>) -> bool {
    *node.value != false
}

/// Whether a parameter or a body is required.
fn is_required(node: &Node<'_>) -> bool {
    node.resolved().value["required"] == true
}

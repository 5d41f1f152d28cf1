//! The effective content of an object with `allOf`: the properties and required names of all its
//! branches.

use std::collections::{BTreeSet, HashSet};

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::difference::Fact;
use super::resolved_node::ResolvedNode;
use super::schema_node::{Location, Node, is_annotation};

const MAX_DEPTH: usize = 16;

/// An object and the branches of its `allOf`, at any depth.
pub struct EffectiveObject<'a> {
    /// The object itself first.
    pub parts: Vec<Part<'a>>,
    /// The other keywords of the parts that are not components.
    pub keywords: IndexMap<&'a str, Node<'a>>,
}

/// An object or a branch of its `allOf`.
pub struct Part<'a> {
    /// The entry of the outermost `allOf`, or the object itself.
    branch: Node<'a>,
    /// The component to which the entry refers.
    pub component: Option<String>,
    node: Node<'a>,
}

impl<'a> EffectiveObject<'a> {
    /// Collects the parts of a schema; `None` if one of them is no object.
    pub fn of(node: &Node<'a>, resolved: &ResolvedNode<'a>) -> Option<Self> {
        let mut object = Self {
            parts: Vec::new(),
            keywords: IndexMap::new(),
        };
        let component = resolved
            .by_reference
            .then(|| component_name(&resolved.base));
        object.collect(node, component, &resolved.base, 0)?;
        for (key, node) in &resolved.adjacent {
            object.keywords.insert(key, node.clone());
        }
        Some(object)
    }

    fn collect(
        &mut self,
        branch: &Node<'a>,
        component: Option<String>,
        node: &Node<'a>,
        depth: usize,
    ) -> Option<()> {
        let is_object = match node.get("type") {
            Some(kind) => kind.value == "object",
            None => node.get("properties").is_some() || node.value.get("enum").is_none(),
        };
        if !is_object || !node.value.is_object() || depth > MAX_DEPTH {
            return None;
        }
        if self
            .parts
            .iter()
            .any(|part| part.node.location == node.location)
        {
            return Some(());
        }
        if component.is_none() {
            for (key, node) in node.entries() {
                let is_content = matches!(key, "type" | "properties" | "required" | "allOf");
                if !is_content && !is_annotation(key) && self.keywords.insert(key, node).is_some() {
                    return None;
                }
            }
        }
        self.parts.push(Part {
            branch: branch.clone(),
            component: component.clone(),
            node: node.clone(),
        });
        for entry in node.get("allOf").iter().flat_map(Node::items) {
            let resolved = ResolvedNode::of(&entry);
            let own = || {
                resolved
                    .by_reference
                    .then(|| component_name(&resolved.base))
            };
            let component = component.clone().or_else(own);
            let branch = if depth == 0 { &entry } else { branch };
            self.collect(branch, component, &resolved.base, depth + 1)?;
        }
        Some(())
    }

    /// Returns each property with the index of its part.
    pub fn properties(&self) -> IndexMap<&'a str, (Node<'a>, usize)> {
        let mut found = IndexMap::new();
        for (index, part) in self.parts.iter().enumerate() {
            for (name, node) in part.node.get("properties").iter().flat_map(Node::entries) {
                found.entry(name).or_insert((node, index));
            }
        }
        found
    }

    /// Returns the names that any part requires.
    pub fn required(&self) -> BTreeSet<&'a str> {
        self.parts.iter().flat_map(Part::required).collect()
    }

    /// Returns the entries of `allOf` that refer to the components among `parts`, each once.
    pub fn branches_by_reference<'p>(parts: &[&'p Part<'a>]) -> Vec<&'p Node<'a>> {
        let mut found: Vec<&Node<'_>> = Vec::new();
        for part in parts.iter().filter(|part| part.component.is_some()) {
            if found
                .iter()
                .all(|known| known.location != part.branch.location)
            {
                found.push(&part.branch);
            }
        }
        found
    }

    /// Returns the required names of the parts that are not components, if there are any: those
    /// that `is_included` accepts, at the location of the first list that has one of them.
    pub fn inline_required(
        parts: &[&Part<'a>],
        is_included: impl Fn(&str) -> bool,
    ) -> Option<Fact> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut location = None;
        for part in parts.iter().filter(|part| part.component.is_none()) {
            for name in part.required().filter(|name| is_included(name)) {
                names.insert(name);
                location.get_or_insert_with(|| part.node.location.child("required"));
            }
        }
        let value = json!(names);
        location.map(|location| Fact { location, value })
    }

    /// Returns the location of the first list of required names outside of components.
    pub fn inline_required_location(&self) -> Option<Location> {
        let parts = self.parts.iter().filter(|part| part.component.is_none());
        let mut lists = parts.filter_map(|part| part.node.get("required"));
        lists.next().map(|list| list.location)
    }
}

impl<'a> Part<'a> {
    fn required(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let list = self.node.value.get("required").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }
}

/// Returns the names that a schema requires, itself or by a branch of its `allOf`.
pub fn required_names<'a>(node: &Node<'a>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let (mut open, mut visited) = (vec![node.clone()], HashSet::new());
    while let Some(node) = open.pop() {
        if !visited.insert(node.location.clone()) {
            continue;
        }
        let list = node.value.get("required").and_then(Value::as_array);
        found.extend(list.into_iter().flatten().filter_map(Value::as_str));
        let branches = node.get("allOf");
        let branches = branches.iter().flat_map(Node::items);
        open.extend(branches.map(|branch| ResolvedNode::of(&branch).base));
    }
    found
}

fn component_name(node: &Node<'_>) -> String {
    node.component()
        .unwrap_or_else(|| node.location.to_string())
}

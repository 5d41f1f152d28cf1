//! Schemas with their references and wrappers followed.

use indexmap::IndexMap;
use serde_json::Value;

use super::schema_node::{Node, is_annotation};

static TRUE: Value = Value::Bool(true);

/// A schema (or another object) with its references followed: the node that holds its content, and
/// the keys beside the reference or the wrapper.
pub struct ResolvedNode<'a> {
    /// The node that holds the content.
    pub base: Node<'a>,
    /// The keys beside the reference or the wrapper.
    pub adjacent: Vec<(&'a str, Node<'a>)>,
    /// Whether a reference was followed.
    pub by_reference: bool,
}

impl<'a> ResolvedNode<'a> {
    /// Returns the node itself.
    pub fn unresolved(node: &Node<'a>) -> Self {
        Self {
            base: node.clone(),
            adjacent: Vec::new(),
            by_reference: false,
        }
    }

    /// Follows references, and steps into an `allOf`, `oneOf` or `anyOf` with one entry. The entry
    /// `type: 'null'` counts as `nullable`.
    pub fn of(node: &Node<'a>) -> Self {
        let mut resolved = Self::unresolved(node);
        for _ in 0..64 {
            let (inner, through) = match (resolved.base.referenced(), wrapped(&resolved.base)) {
                (Some(target), _) => (target, "$ref"),
                (None, Some(wrapper)) => {
                    if let Some(null) = wrapper.null {
                        resolved.add_adjacent("nullable", null);
                    }
                    (wrapper.inner, wrapper.key)
                }
                (None, None) => break,
            };
            let adjacent = resolved.base.entries();
            for (key, node) in adjacent.filter(|(key, _)| *key != through && !is_annotation(key)) {
                resolved.add_adjacent(key, node);
            }
            resolved.by_reference |= through == "$ref";
            resolved.base = inner;
        }
        resolved
    }

    fn add_adjacent(&mut self, key: &'a str, node: Node<'a>) {
        if self.adjacent.iter().all(|(known, _)| *known != key) {
            self.adjacent.push((key, node));
        }
    }

    /// Returns the content and the keys beside it.
    pub fn all_entries(&self) -> IndexMap<&'a str, Node<'a>> {
        let mut entries: IndexMap<_, _> = self.base.entries().collect();
        entries.extend(self.adjacent.iter().cloned());
        entries
    }

    /// Returns the keyword of a schema that consists of alternatives.
    pub fn alternatives(&self) -> Option<&'static str> {
        let has_own = [
            "properties",
            "items",
            "enum",
            "additionalProperties",
            "allOf",
        ];
        if has_own.iter().any(|key| self.base.get(key).is_some()) {
            return None;
        }
        let mut keys = ["oneOf", "anyOf"].into_iter();
        keys.find(|key| self.base.value[*key].is_array())
    }

    /// Whether it is a schema with a type and without alternatives.
    pub fn is_plain_schema(&self) -> bool {
        let has = |key: &str| self.base.get(key).is_some();
        ["type", "properties", "enum", "items", "allOf"]
            .iter()
            .any(|key| has(key))
            && !["oneOf", "anyOf"].iter().any(|key| has(key))
    }

    /// Returns the keys beside the content: those beside the reference, and those beside the
    /// alternatives.
    pub fn adjacent_entries(&self) -> IndexMap<&'a str, Node<'a>> {
        let composition = self.alternatives();
        let own = self.base.entries();
        let own = own.filter(|(key, _)| {
            composition.is_some() && Some(*key) != composition && *key != "type"
        });
        let all = own.chain(self.adjacent.iter().cloned());
        all.filter(|(key, _)| !is_annotation(key)).collect()
    }
}

/// A schema with only one alternative.
struct Wrapper<'a> {
    key: &'a str,
    inner: Node<'a>,
    /// A `true` at the location of the alternative `type: 'null'`.
    null: Option<Node<'a>>,
}

/// Returns the only schema of an `allOf`, `oneOf` or `anyOf` that has nothing but annotations
/// beside it.
fn wrapped<'a>(node: &Node<'a>) -> Option<Wrapper<'a>> {
    let is_remark = |key: &str| {
        is_annotation(key)
            || matches!(
                key,
                "nullable" | "deprecated" | "readOnly" | "writeOnly" | "default"
            )
    };
    let mut others = node.entries().filter(|(key, _)| !is_remark(key));
    let (key, list) = others.next()?;
    let is_alone = others.next().is_none() && matches!(key, "allOf" | "oneOf" | "anyOf");
    if !is_alone {
        return None;
    }
    let is_null = |entry: &Node<'_>| key != "allOf" && entry.value["type"] == "null";
    let null = list.items().find(is_null).map(|null| Node {
        value: &TRUE,
        ..null
    });
    let mut entries = list.items().filter(|entry| !is_null(entry));
    let inner = entries.next()?;
    entries
        .next()
        .is_none()
        .then_some(Wrapper { key, inner, null })
}

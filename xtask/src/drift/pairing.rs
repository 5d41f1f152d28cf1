//! What of the one document corresponds to what of the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portkey_admin_codegen::{document, siblings};
use serde_json::Value;

use super::node::Node;
use super::walk::is_word;

/// How alike two operations or types must be to be taken for one.
const ALIKE: f64 = 0.6;

/// An operation and the path item that it stands in.
#[derive(Debug, Clone)]
pub struct Operation<'a> {
    /// The path, as the document spells it.
    pub path: &'a str,
    /// The method, in lower case.
    pub method: &'a str,
    /// The path item.
    pub item: Node<'a>,
    /// The operation.
    pub node: Node<'a>,
}

/// The operations of two documents.
#[derive(Debug, Default)]
pub struct Pairs<'a> {
    /// Those that both have.
    pub common: Vec<(Operation<'a>, Operation<'a>)>,
    /// Those that only the old one has.
    pub removed: Vec<Operation<'a>>,
    /// Those that only the new one has.
    pub added: Vec<Operation<'a>>,
}

impl<'a> Operation<'a> {
    /// Every operation of a document.
    pub fn all(root: &'a Value) -> Vec<Self> {
        let paths = Node::root(root).get("paths");
        document::operations(root)
            .filter_map(|(path, method, _)| {
                let item = paths.as_ref()?.get(path)?;
                Some(Self {
                    path,
                    method,
                    node: item.get(method)?,
                    item,
                })
            })
            .collect()
    }

    /// `GET /users`
    pub fn key(&self) -> String {
        portkey_admin_codegen::ledger::key(self.method, self.path)
    }

    /// The parameters of the operation and of its path item.
    pub fn parameters(&self) -> Vec<&'a Value> {
        [&self.item, &self.node]
            .into_iter()
            .filter_map(|holder| holder.get("parameters"))
            .flat_map(|list| list.entries())
            .map(|entry| entry.resolved().value)
            .collect()
    }

    /// The route without regard to the names of its parameters.
    fn route(&self) -> (&'a str, String) {
        (self.method, template(self.path))
    }

    fn id(&self) -> Option<&'a str> {
        self.node.value.get("operationId")?.as_str()
    }

    fn last_word(&self) -> Option<&'a str> {
        siblings::segments(self.path)
            .filter(|segment| !siblings::is_parameter(segment))
            .last()
    }

    /// Its statements, apart from those that say where it is filed.
    fn statements(&self) -> BTreeSet<String> {
        let mut found = statements(self.node.value);
        found.retain(|text| {
            ["/operationId", "/tags", "/servers"]
                .iter()
                .all(|start| !text.starts_with(start))
        });
        found
    }
}

/// A path with the names of its parameters taken out.
pub fn template(path: &str) -> String {
    siblings::segments(path)
        .map(|segment| {
            if siblings::is_parameter(segment) {
                "{}"
            } else {
                segment
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// Pairs the operations of two documents: by route, or else as moved.
pub fn operations<'a>(old: &'a Value, new: &'a Value) -> Pairs<'a> {
    let mut added: BTreeMap<_, _> = Operation::all(new)
        .into_iter()
        .map(|operation| (operation.route(), operation))
        .collect();
    let mut pairs = Pairs::default();
    for operation in Operation::all(old) {
        match added.remove(&operation.route()) {
            Some(other) => pairs.common.push((operation, other)),
            None => pairs.removed.push(operation),
        }
    }
    pairs.added = added.into_values().collect();
    pair_moved(&mut pairs);
    pairs
}

/// Pairs what is left over by operation id, or by likeness under the same last word of the path.
fn pair_moved(pairs: &mut Pairs<'_>) {
    let mut scores = Vec::new();
    for (from, old) in pairs.removed.iter().enumerate() {
        for (to, new) in pairs.added.iter().enumerate() {
            let score = likeness(old, new);
            if score >= ALIKE {
                scores.push((score, from, to));
            }
        }
    }
    scores.sort_by(|one, two| two.0.total_cmp(&one.0));
    let (mut gone, mut come) = (BTreeSet::new(), BTreeSet::new());
    for (_, from, to) in scores {
        if !gone.contains(&from) && !come.contains(&to) {
            gone.insert(from);
            come.insert(to);
            pairs
                .common
                .push((pairs.removed[from].clone(), pairs.added[to].clone()));
        }
    }
    for index in gone.into_iter().rev() {
        pairs.removed.remove(index);
    }
    for index in come.into_iter().rev() {
        pairs.added.remove(index);
    }
}

fn likeness(old: &Operation<'_>, new: &Operation<'_>) -> f64 {
    if old.method != new.method {
        return 0.0;
    }
    if old.id().is_some() && old.id() == new.id() {
        return 2.0;
    }
    if old.last_word() != new.last_word() {
        return 0.0;
    }
    overlap(&old.statements(), &new.statements())
}

/// Components of the old document that have another name in the new one (`schemas/A` → `schemas/B`).
///
/// A component was renamed where references to the old name became references to the new one, or
/// where exactly one new component has the same content.
pub fn renamed_components(old: &Value, new: &Value) -> BTreeMap<String, String> {
    let (gone, come) = (lacking(old, new), lacking(new, old));
    if gone.is_empty() || come.is_empty() {
        return BTreeMap::new();
    }
    let mut votes = HashMap::new();
    count_references(old, new, &mut votes);
    let described = |document, names: &[String]| -> Vec<BTreeSet<String>> {
        let components = names.iter().map(|name| component(document, name));
        components.map(statements).collect()
    };
    let (gone_statements, come_statements) = (described(old, &gone), described(new, &come));
    let mut scores = Vec::new();
    for (from, here) in gone.iter().zip(&gone_statements) {
        let candidates = come.iter().zip(&come_statements);
        for (to, there) in candidates.filter(|(to, _)| section(to) == section(from)) {
            let (one, two) = (component(old, from), component(new, to));
            let references = votes.get(&(from.clone(), to.clone())).copied().unwrap_or(0);
            let alike = overlap(here, there);
            if one == two || (references > 0 && alike >= ALIKE) {
                scores.push((references, alike, from.clone(), to.clone()));
            }
        }
    }
    scores.sort_by(|one, two| two.0.cmp(&one.0).then(two.1.total_cmp(&one.1)));
    let mut renames: BTreeMap<String, String> = BTreeMap::new();
    for (_, _, from, to) in scores {
        if !renames.contains_key(&from) && !renames.values().any(|taken| *taken == to) {
            renames.insert(from, to);
        }
    }
    renames
}

/// The components of `one` that `two` lacks, as `section/name`.
fn lacking(one: &Value, two: &Value) -> Vec<String> {
    components(one)
        .into_iter()
        .filter(|name| component(two, name).is_null())
        .collect()
}

/// Every component of a document, as `section/name`.
pub fn components(document: &Value) -> Vec<String> {
    let sections = document["components"].as_object().into_iter().flatten();
    sections
        .flat_map(|(section, components)| {
            let components = components.as_object().into_iter().flatten();
            components.map(move |(name, _)| format!("{section}/{name}"))
        })
        .collect()
}

/// A component by `section/name`, `null` where there is none.
pub fn component<'a>(document: &'a Value, name: &str) -> &'a Value {
    match name.split_once('/') {
        Some((section, name)) => &document["components"][section][name],
        None => &Value::Null,
    }
}

/// The component (`section/name`) that a node refers to by itself.
pub fn reference(value: &Value) -> Option<String> {
    let text = value.get("$ref")?.as_str()?;
    let name = text.strip_prefix("#/components/")?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}

fn section(name: &str) -> Option<&str> {
    name.split_once('/').map(|(section, _)| section)
}

/// Counts, over all places that both documents have, what became of each reference.
fn count_references(old: &Value, new: &Value, votes: &mut HashMap<(String, String), usize>) {
    if let (Some(from), Some(to)) = (reference(old), reference(new)) {
        *votes.entry((from, to)).or_default() += 1;
    }
    match (old, new) {
        (Value::Object(old_members), Value::Object(_)) => {
            for (key, old) in old_members {
                if let Some(new) = new.get(key) {
                    count_references(old, new, votes);
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (old, new) in old.iter().zip(new) {
                count_references(old, new, votes);
            }
        }
        _ => {}
    }
}

/// Pairs the branches of an `allOf`, `oneOf` or `anyOf`, whatever their order: the same reference,
/// the same content, then the most alike. Gives the positions; each appears once.
pub fn branches(
    old: &[Value],
    new: &[Value],
    renames: &BTreeMap<String, String>,
) -> Vec<(Option<usize>, Option<usize>)> {
    let mut scores = Vec::new();
    for (from, one) in old.iter().enumerate() {
        for (to, two) in new.iter().enumerate() {
            scores.push((branch_likeness(one, two, renames), from, to));
        }
    }
    scores.sort_by(|one, two| two.0.total_cmp(&one.0));
    // A single one left on each side is the same one, changed; so is the same place in lists of one length.
    let same_length = old.len() == new.len();
    let mut partner: BTreeMap<usize, usize> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (score, from, to) in scores {
        let enough = score > 0.3 || (same_length && from == to);
        if enough && !partner.contains_key(&from) && !taken.contains(&to) {
            partner.insert(from, to);
            taken.insert(to);
        }
    }
    let common = (0..old.len()).map(|from| (Some(from), partner.get(&from).copied()));
    let added = (0..new.len()).filter(|to| !taken.contains(to));
    common.chain(added.map(|to| (None, Some(to)))).collect()
}

fn branch_likeness(old: &Value, new: &Value, renames: &BTreeMap<String, String>) -> f64 {
    match (reference(old), reference(new)) {
        (Some(old), Some(new)) if old == new || renames.get(&old) == Some(&new) => 2.0,
        (None, None) if old == new => 2.0,
        (None, None) => overlap(&statements(old), &statements(new)),
        _ => 0.0,
    }
}

/// Every leaf of a value with the way to it.
fn statements(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    gather(value, &mut String::new(), &mut found);
    found
}

fn gather(value: &Value, at: &mut String, found: &mut BTreeSet<String>) {
    let length = at.len();
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| !is_word(key)) {
                at.push('/');
                at.push_str(key);
                gather(value, at, found);
                at.truncate(length);
            }
        }
        // Without positions, so that order does not matter.
        Value::Array(list) => list.iter().for_each(|value| gather(value, at, found)),
        leaf => {
            found.insert(format!("{at}={leaf}"));
        }
    }
}

/// What two sets share of what they have, from 0 to 1.
fn overlap(one: &BTreeSet<String>, two: &BTreeSet<String>) -> f64 {
    let all = one.union(two).count();
    if all == 0 {
        return 1.0;
    }
    // Sets of some thousand texts: the numbers are exact.
    #[allow(clippy::cast_precision_loss)]
    let share = one.intersection(two).count() as f64 / all as f64;
    share
}

//! Which operations a place belongs to, and whether what stands there is sent or received.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::node::{Place, Step};
use super::pairing::{self, Operation};

/// Which way a value goes, as a client sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Direction {
    /// It is part of what is sent.
    pub request: bool,
    /// It is part of what is received.
    pub answer: bool,
}

impl Direction {
    const REQUEST: Self = Self {
        request: true,
        answer: false,
    };
    const ANSWER: Self = Self {
        request: false,
        answer: true,
    };

    /// Both ways together.
    pub fn or(self, other: Self) -> Self {
        Self {
            request: self.request || other.request,
            answer: self.answer || other.answer,
        }
    }

    /// The word for it, in reports.
    pub fn word(self) -> Option<&'static str> {
        match (self.request, self.answer) {
            (true, true) => Some("request and answer"),
            (true, false) => Some("request"),
            (false, true) => Some("answer"),
            (false, false) => None,
        }
    }
}

/// The operations that use each component of a document.
pub struct Reach<'a> {
    operations: Vec<Operation<'a>>,
    users: HashMap<String, BTreeMap<String, Direction>>,
}

impl<'a> Reach<'a> {
    /// Looks at every operation of a document. `event` gives the component that an operation, by its
    /// key, streams: only the ledger knows of it.
    pub fn of(document: &'a Value, event: impl Fn(&str) -> Option<String>) -> Self {
        let operations = Operation::all(document);
        let direct: HashMap<String, BTreeSet<String>> = pairing::components(document)
            .into_iter()
            .map(|name| {
                let mut found = BTreeSet::new();
                references(pairing::component(document, &name), &mut found);
                (name, found)
            })
            .collect();
        let mut users: HashMap<String, BTreeMap<String, Direction>> = HashMap::new();
        for operation in &operations {
            let streamed = event(&operation.key()).into_iter().collect();
            let roots = roots(operation, document).into_iter();
            for (roots, direction) in roots.chain([(streamed, Direction::ANSWER)]) {
                for name in closure(roots, &direct) {
                    let known = users.entry(name).or_default();
                    let known = known.entry(operation.key()).or_default();
                    *known = known.or(direction);
                }
            }
        }
        Self { operations, users }
    }

    /// The operations that a place belongs to, each with the direction in which it has it.
    pub fn users(&self, place: &Place) -> BTreeMap<String, Direction> {
        let keys = place.keys();
        match keys.as_slice() {
            ["components", section, name, ..] => {
                let name = format!("{section}/{name}");
                self.users.get(&name).cloned().unwrap_or_default()
            }
            ["paths", path, below @ ..] => self.users_in_path(path, below, place),
            ["servers" | "security", ..] => self.users_without_own(keys[0]),
            _ => BTreeMap::new(),
        }
    }

    fn users_in_path(
        &self,
        path: &str,
        below: &[&str],
        place: &Place,
    ) -> BTreeMap<String, Direction> {
        let all = self
            .operations
            .iter()
            .filter(|operation| operation.path == path);
        let own = below.first().copied().unwrap_or_default();
        let direction = direction_of(place);
        let mut found: BTreeMap<_, _> = all
            .clone()
            .filter(|operation| operation.method == own)
            .map(|operation| (operation.key(), direction))
            .collect();
        if found.is_empty() {
            found = all.map(|operation| (operation.key(), direction)).collect();
        }
        found
    }

    fn users_without_own(&self, key: &str) -> BTreeMap<String, Direction> {
        self.operations
            .iter()
            .filter(|operation| {
                operation.node.get(key).is_none() && operation.item.get(key).is_none()
            })
            .map(|operation| (operation.key(), Direction::default()))
            .collect()
    }
}

/// What an operation refers to by itself, for each direction. (Callbacks count as answers: a client
/// receives them.)
fn roots(operation: &Operation<'_>, document: &Value) -> [(BTreeSet<String>, Direction); 3] {
    let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
    references(&operation.item.value["parameters"], &mut sent);
    for key in ["parameters", "requestBody"] {
        references(&operation.node.value[key], &mut sent);
    }
    for key in ["responses", "callbacks"] {
        references(&operation.node.value[key], &mut received);
    }
    [
        (sent, Direction::REQUEST),
        (received, Direction::ANSWER),
        (schemes(operation, document), Direction::default()),
    ]
}

/// The security schemes that apply to an operation.
fn schemes(operation: &Operation<'_>, document: &Value) -> BTreeSet<String> {
    let own = operation.node.value.get("security");
    let requirements = own.unwrap_or(&document["security"]).as_array();
    requirements
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|requirement| requirement.keys())
        .map(|name| format!("securitySchemes/{name}"))
        .collect()
}

fn closure(
    roots: BTreeSet<String>,
    direct: &HashMap<String, BTreeSet<String>>,
) -> BTreeSet<String> {
    let mut open: Vec<String> = roots.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(more) = direct.get(&name)
            && !found.contains(&name)
        {
            open.extend(more.iter().cloned());
        }
        found.insert(name);
    }
    found
}

/// Every component that a value refers to by itself.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = pairing::reference(value) {
                found.insert(name);
            }
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// The direction that a place below `$.paths` shows.
fn direction_of(place: &Place) -> Direction {
    let below = place.steps().iter().skip(2).take(2);
    for step in below.filter_map(Step::key) {
        match step {
            "parameters" | "requestBody" => return Direction::REQUEST,
            "responses" | "callbacks" => return Direction::ANSWER,
            _ => {}
        }
    }
    Direction::default()
}

//! Which operations use a location, and whether the value there is sent or received.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::matching::{self, Operation};
use super::schema_node::{Location, Step};

/// The direction of a value, from the client's point of view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Direction {
    /// It is part of a request.
    pub request: bool,
    /// It is part of a response.
    pub response: bool,
}

impl Direction {
    const REQUEST: Self = Self {
        request: true,
        response: false,
    };
    const RESPONSE: Self = Self {
        request: false,
        response: true,
    };

    /// Combines both directions.
    pub fn or(self, other: Self) -> Self {
        Self {
            request: self.request || other.request,
            response: self.response || other.response,
        }
    }

    /// Returns the name used in reports.
    pub fn label(self) -> Option<&'static str> {
        match (self.request, self.response) {
            (true, true) => Some("request and response"),
            (true, false) => Some("request"),
            (false, true) => Some("response"),
            (false, false) => None,
        }
    }
}

/// The operations that use each component of a document.
pub struct Usage<'a> {
    operations: Vec<Operation<'a>>,
    users: HashMap<String, BTreeMap<String, Direction>>,
}

impl<'a> Usage<'a> {
    /// Collects the usage of a document's components. `event` returns the component of the events
    /// that an operation streams; only the manifest contains it.
    pub fn of(document: &'a Value, event: impl Fn(&str) -> Option<String>) -> Self {
        let operations = Operation::all(document);
        let references_by_component: HashMap<String, BTreeSet<String>> =
            matching::components(document)
                .into_iter()
                .map(|name| {
                    let mut found = BTreeSet::new();
                    collect_references(matching::component(document, &name), &mut found);
                    (name, found)
                })
                .collect();
        let mut users: HashMap<String, BTreeMap<String, Direction>> = HashMap::new();
        for operation in &operations {
            let streamed = event(&operation.key()).into_iter().collect();
            let roots = direct_references(operation, document).into_iter();
            for (roots, direction) in roots.chain([(streamed, Direction::RESPONSE)]) {
                for name in transitive_references(roots, &references_by_component) {
                    let known = users.entry(name).or_default();
                    let known = known.entry(operation.key()).or_default();
                    *known = known.or(direction);
                }
            }
        }
        Self { operations, users }
    }

    /// Returns the operations that use a location, each with the direction.
    pub fn operations_using(&self, location: &Location) -> BTreeMap<String, Direction> {
        let keys = location.keys();
        match keys.as_slice() {
            ["components", section, name, ..] => {
                let name = format!("{section}/{name}");
                self.users.get(&name).cloned().unwrap_or_default()
            }
            ["paths", path, below @ ..] => self.operations_in_path(path, below, location),
            ["servers" | "security", ..] => self.operations_without_own(keys[0]),
            _ => BTreeMap::new(),
        }
    }

    fn operations_in_path(
        &self,
        path: &str,
        below: &[&str],
        location: &Location,
    ) -> BTreeMap<String, Direction> {
        let all = self
            .operations
            .iter()
            .filter(|operation| operation.path == path);
        let own = below.first().copied().unwrap_or_default();
        let direction = direction_of(location);
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

    fn operations_without_own(&self, key: &str) -> BTreeMap<String, Direction> {
        self.operations
            .iter()
            .filter(|operation| {
                operation.node.get(key).is_none() && operation.path_item.get(key).is_none()
            })
            .map(|operation| (operation.key(), Direction::default()))
            .collect()
    }
}

/// Returns the components to which an operation refers directly, for each direction. Callbacks
/// count as responses because a client receives them.
fn direct_references(
    operation: &Operation<'_>,
    document: &Value,
) -> [(BTreeSet<String>, Direction); 3] {
    let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
    collect_references(&operation.path_item.value["parameters"], &mut sent);
    for key in ["parameters", "requestBody"] {
        collect_references(&operation.node.value[key], &mut sent);
    }
    for key in ["responses", "callbacks"] {
        collect_references(&operation.node.value[key], &mut received);
    }
    [
        (sent, Direction::REQUEST),
        (received, Direction::RESPONSE),
        (security_schemes(operation, document), Direction::default()),
    ]
}

/// Returns the security schemes that apply to an operation.
fn security_schemes(operation: &Operation<'_>, document: &Value) -> BTreeSet<String> {
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

fn transitive_references(
    roots: BTreeSet<String>,
    references_by_component: &HashMap<String, BTreeSet<String>>,
) -> BTreeSet<String> {
    let mut open: Vec<String> = roots.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(more) = references_by_component.get(&name)
            && !found.contains(&name)
        {
            open.extend(more.iter().cloned());
        }
        found.insert(name);
    }
    found
}

/// Collects every component to which a value refers directly.
fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = matching::reference(value) {
                found.insert(name);
            }
            map.values()
                .for_each(|value| collect_references(value, found));
        }
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect_references(value, found)),
        _ => {}
    }
}

/// Returns the direction implied by a location below `$.paths`.
fn direction_of(location: &Location) -> Direction {
    let below = location.steps().iter().skip(2).take(2);
    for step in below.filter_map(Step::key) {
        match step {
            "parameters" | "requestBody" => return Direction::REQUEST,
            "responses" | "callbacks" => return Direction::RESPONSE,
            _ => {}
        }
    }
    Direction::default()
}

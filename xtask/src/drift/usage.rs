//! Which operations use a location, and whether the value there is sent or received.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portkey_admin_codegen::document;
use serde_json::Value;

use super::matching::Operation;
use super::schema_node::{Location, Step};
use crate::references::{collect_references, transitive_references};

/// The direction of a value, from the client's point of view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Direction {
    /// It is part of a request.
    pub request: bool,
    /// It is part of a response.
    pub response: bool,
}

impl Direction {
    const REQUEST: Self = Self::new(true, false);
    const RESPONSE: Self = Self::new(false, true);

    const fn new(request: bool, response: bool) -> Self {
        Self { request, response }
    }

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

/// The operations that use each part of a document to which they refer.
pub struct Usage<'a> {
    operations: Vec<Operation<'a>>,
    /// By the pointer of the reference, such as `#/components/schemas/User/properties/name`.
    users: BTreeMap<String, BTreeMap<String, Direction>>,
}

impl<'a> Usage<'a> {
    /// Collects the usage of a document's components. `event` returns the component of the events
    /// that an operation streams; only the manifest contains it.
    pub fn of(document: &'a Value, event: impl Fn(&str) -> Option<String>) -> Self {
        let operations = Operation::all(document);
        let mut references = HashMap::new();
        let mut users: BTreeMap<String, BTreeMap<String, Direction>> = BTreeMap::new();
        for operation in &operations {
            let streamed = event(&operation.key()).into_iter().collect();
            let roots = direct_references(operation, document).into_iter();
            for (roots, direction) in roots.chain([(streamed, Direction::RESPONSE)]) {
                for pointer in transitive_references(roots, document, &mut references) {
                    let known = users.entry(pointer).or_default();
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
        let mut found = match keys.as_slice() {
            ["paths", path, below @ ..] => self.operations_in_path(path, below, location),
            ["servers" | "security", ..] => self.operations_without_own(keys[0]),
            _ => BTreeMap::new(),
        };
        if let ["paths" | "components", _, _, ..] = keys.as_slice() {
            let pointer = location.pointer();
            let referring = self.users.iter();
            for (_, users) in referring.filter(|(other, _)| overlap(&pointer, other)) {
                for (key, direction) in users {
                    let known = found.entry(key.clone()).or_default();
                    *known = known.or(*direction);
                }
            }
        }
        found
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
        .map(|name| component_pointer("securitySchemes", name))
        .collect()
}

/// Returns the pointer of a component.
pub fn component_pointer(section: &str, name: &str) -> String {
    let name = document::pointer_segment(name);
    format!("#/components/{section}/{name}")
}

/// Whether one of two pointers is at or below the other.
fn overlap(one: &str, two: &str) -> bool {
    let is_below = |outer: &str, inner: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_below(one, two) || is_below(two, one)
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

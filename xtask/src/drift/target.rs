//! The target of a change: an operation, a path, a component, or the document.

use std::collections::HashMap;
use std::fmt;

use portkey_admin_codegen::manifest;

use super::difference::{Aspect, Difference, Kind};
use super::schema_node::Location;

/// The target of a change. The order of the variants is the order in the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// An operation, by its key.
    Operation(String),
    /// All operations of a path.
    Path(String),
    /// A component, as `schemas/User`.
    Component(String),
    /// The document.
    Document,
}

impl Target {
    /// Whether several operations may use it.
    pub fn is_shared(&self) -> bool {
        !matches!(self, Self::Operation(_))
    }

    fn at(location: &Location) -> Self {
        match location.keys().as_slice() {
            ["paths", path, method, ..] if is_operation(method, path) => {
                Self::Operation(manifest::key(method, path))
            }
            ["paths", path, ..] => Self::Path((*path).to_owned()),
            ["components", section, name, ..] => Self::Component(format!("{section}/{name}")),
            _ => Self::Document,
        }
    }
}

fn is_operation(method: &str, path: &str) -> bool {
    manifest::split_key(&manifest::key(method, path)).is_some()
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(name) | Self::Path(name) | Self::Component(name) => f.write_str(name),
            Self::Document => f.write_str("the OpenAPI document"),
        }
    }
}

/// Maps old targets to new ones for everything that was renamed or moved, so that all changes of a
/// target are grouped.
pub struct Targets(HashMap<Target, Target>);

impl Targets {
    /// Collects the targets that were renamed or moved.
    pub fn of_all<'a>(differences: impl Iterator<Item = &'a Difference>) -> Self {
        let renamed = differences.filter(|difference| {
            matches!(difference.kind, Kind::Renamed | Kind::Moved)
                && matches!(difference.aspect, Aspect::Component | Aspect::Operation)
        });
        let pairs = renamed.filter_map(|difference| {
            let (old, new) = (difference.old.as_ref()?, difference.new.as_ref()?);
            Some((Target::at(&old.location), Target::at(&new.location)))
        });
        Self(pairs.collect())
    }

    /// Returns the target of a difference, by its new name.
    pub fn of(&self, difference: &Difference) -> Target {
        let target = Target::at(difference.location());
        match (&difference.new, self.0.get(&target)) {
            (None, Some(new)) => new.clone(),
            _ => target,
        }
    }
}

//! What a change belongs to: an operation, a path, a component, or the document.

use std::collections::HashMap;
use std::fmt;

use portkey_admin_codegen::ledger;

use super::difference::{Aspect, Difference, Kind};
use super::node::Place;

/// What a change belongs to. The order is that of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An operation, by its key.
    Operation(String),
    /// All operations of a path.
    Path(String),
    /// A component, as `schemas/User`.
    Component(String),
    /// The document.
    Document,
}

impl Subject {
    /// Whether several operations may have it.
    pub fn is_shared(&self) -> bool {
        !matches!(self, Self::Operation(_))
    }

    fn at(place: &Place) -> Self {
        match place.keys().as_slice() {
            ["paths", path, method, ..] if is_operation(method, path) => {
                Self::Operation(ledger::key(method, path))
            }
            ["paths", path, ..] => Self::Path((*path).to_owned()),
            ["components", section, name, ..] => Self::Component(format!("{section}/{name}")),
            _ => Self::Document,
        }
    }
}

fn is_operation(method: &str, path: &str) -> bool {
    ledger::split_key(&ledger::key(method, path)).is_some()
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(name) | Self::Path(name) | Self::Component(name) => f.write_str(name),
            Self::Document => f.write_str("the document"),
        }
    }
}

/// Knows the new names of what was renamed or moved, so that all of its changes are found together.
pub struct Subjects(HashMap<Subject, Subject>);

impl Subjects {
    /// Gathers what was renamed or moved.
    pub fn of_all(differences: &[Difference]) -> Self {
        let renamed = differences.iter().filter(|difference| {
            matches!(difference.kind, Kind::Renamed | Kind::Moved)
                && matches!(difference.aspect, Aspect::Component | Aspect::Operation)
        });
        let pairs = renamed.filter_map(|difference| {
            let (old, new) = (difference.old.as_ref()?, difference.new.as_ref()?);
            Some((Subject::at(&old.place), Subject::at(&new.place)))
        });
        Self(pairs.collect())
    }

    /// What a difference belongs to, by its new name.
    pub fn of(&self, difference: &Difference) -> Subject {
        let subject = Subject::at(difference.place());
        match (&difference.new, self.0.get(&subject)) {
            (None, Some(new)) => new.clone(),
            _ => subject,
        }
    }
}

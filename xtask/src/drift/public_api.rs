//! Differences between the public items of the code generated from two documents.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// The signature of each public item by path, as `portkey_admin_codegen::generate::listing` returns
/// them.
pub type Listing = BTreeMap<String, String>;

/// A difference between two listings at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Only the new one has the item.
    Added {
        /// The path.
        path: String,
        /// The signature.
        signature: String,
    },
    /// Only the old one has the item.
    Removed {
        /// The path.
        path: String,
        /// The signature.
        signature: String,
    },
    /// Both have the item, with different signatures.
    Changed {
        /// The path.
        path: String,
        /// The old signature.
        old: String,
        /// The new signature.
        new: String,
    },
}

impl Change {
    /// Returns the path of the item.
    pub fn path(&self) -> &str {
        match self {
            Self::Added { path, .. } | Self::Removed { path, .. } | Self::Changed { path, .. } => {
                path
            }
        }
    }

    /// Returns the old and the new signature.
    pub fn signatures(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Added { signature, .. } => (None, Some(signature)),
            Self::Removed { signature, .. } => (Some(signature), None),
            Self::Changed { old, new, .. } => (Some(old), Some(new)),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { path, signature } => write!(f, "added    {path}  {signature}"),
            Self::Removed { path, signature } => write!(f, "removed  {path}  {signature}"),
            Self::Changed { path, old, new } => write!(f, "changed  {path}  {old}  →  {new}"),
        }
    }
}

/// Returns the differences from `old` to `new`, ordered by path. A change of a type that several
/// modules re-export is returned once.
pub fn diff(old: &Listing, new: &Listing) -> Vec<Change> {
    let removed =
        old.iter()
            .filter(|(path, _)| !new.contains_key(*path))
            .map(|(path, signature)| Change::Removed {
                path: path.clone(),
                signature: signature.clone(),
            });
    let rest = new
        .iter()
        .filter_map(|(path, signature)| match old.get(path) {
            None => Some(Change::Added {
                path: path.clone(),
                signature: signature.clone(),
            }),
            Some(before) if before == signature => None,
            Some(before) => Some(Change::Changed {
                path: path.clone(),
                old: before.clone(),
                new: signature.clone(),
            }),
        });
    let mut changes: Vec<Change> = removed.chain(rest).collect();
    changes.sort_by(|one, other| one.path().cmp(other.path()));
    without_repetitions(changes)
}

/// Keeps one of the changes that are the same apart from the module: the one in the module of the
/// shared types, or else in the outermost module.
fn without_repetitions(changes: Vec<Change>) -> Vec<Change> {
    let rank = |change: &Change| {
        let (module, _) = split_path(change.path());
        (module != "types", module.matches("::").count())
    };
    let mut kept: HashMap<_, &Change> = HashMap::new();
    for change in &changes {
        let (_, item) = split_path(change.path());
        let other = kept.entry((item, change.signatures())).or_insert(change);
        if rank(change) < rank(other) {
            *other = change;
        }
    }
    let is_kept = |change: &Change| {
        let (_, item) = split_path(change.path());
        kept[&(item, change.signatures())] == change
    };
    changes
        .iter()
        .filter(|change| is_kept(change))
        .cloned()
        .collect()
}

/// Splits a path into the module and the item: `api_keys` and `ApiKey::name`. The path of a module
/// is an item.
pub fn split_path(path: &str) -> (&str, &str) {
    let is_upper = |start: usize| path[start..].starts_with(char::is_uppercase);
    path.match_indices("::")
        .find(|(position, _)| is_upper(position + 2))
        .map_or(("", path), |(position, _)| {
            (&path[..position], &path[position + 2..])
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<String> {
        let listing = |items: &[(&str, &str)]| -> Listing {
            let owned = items
                .iter()
                .map(|(path, signature)| (path.to_string(), signature.to_string()));
            owned.collect()
        };
        let changes = diff(&listing(old), &listing(new));
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn differences_are_ordered_by_path_and_symmetric() {
        let old = [("a", "mod"), ("a::A", "struct"), ("a::B", "struct")];
        let new = [("a", "mod"), ("a::B", "enum"), ("a::C", "struct")];
        assert_eq!(
            lines(&old, &new),
            [
                "removed  a::A  struct",
                "changed  a::B  struct  →  enum",
                "added    a::C  struct"
            ]
        );
        assert_eq!(
            lines(&new, &old),
            [
                "added    a::A  struct",
                "changed  a::B  enum  →  struct",
                "removed  a::C  struct"
            ]
        );
        assert!(lines(&old, &old).is_empty());
    }

    #[test]
    fn change_of_a_shared_type_is_listed_once() {
        let old = [
            ("a::A::x", "field: i64"),
            ("b::A::x", "field: i64"),
            ("types::A::x", "field: i64"),
            ("g::B", "struct"),
            ("g::c::B", "struct"),
        ];
        let new = [
            ("a::A::x", "field: f64"),
            ("b::A::x", "field: f64"),
            ("types::A::x", "field: f64"),
        ];
        assert_eq!(
            lines(&old, &new),
            [
                "removed  g::B  struct",
                "changed  types::A::x  field: i64  →  field: f64"
            ]
        );
    }
}

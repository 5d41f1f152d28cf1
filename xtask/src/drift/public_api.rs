//! Differences between the public items of the code generated from two documents.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::difference::Kind;

/// The signature of each public item by path, as `portkey_admin_codegen::generate::listing` returns
/// them.
pub type Listing = BTreeMap<String, String>;

/// A difference between two listings at one path.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    /// Whether the item was added, removed or changed.
    pub kind: Kind,
    /// The old signature.
    pub old: Option<String>,
    /// The new signature.
    pub new: Option<String>,
}

/// Returns the differences from `old` to `new`, ordered by path. A change of a type that several
/// modules re-export is returned once.
pub fn diff(old: &Listing, new: &Listing) -> Vec<Change> {
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changes = paths.into_iter().filter_map(|path| {
        let (old, new) = (old.get(path).cloned(), new.get(path).cloned());
        Some(Change {
            path: path.clone(),
            kind: Kind::of(&old, &new)?,
            old,
            new,
        })
    });
    without_repetitions(changes.collect())
}

/// Keeps one of the changes that are the same apart from the module: the one in the module of the
/// shared types, or else in the outermost module.
fn without_repetitions(changes: Vec<Change>) -> Vec<Change> {
    let rank = |path: &str| {
        let (module, _) = split_path(path);
        (module != "types", module.matches("::").count())
    };
    let key = |change: &Change| {
        let (_, item) = split_path(&change.path);
        (item.to_owned(), change.old.clone(), change.new.clone())
    };
    let mut kept: HashMap<_, String> = HashMap::new();
    for change in &changes {
        let other = kept.entry(key(change)).or_insert(change.path.clone());
        if rank(&change.path) < rank(other) {
            other.clone_from(&change.path);
        }
    }
    let is_kept = |change: &Change| kept[&key(change)] == change.path;
    changes.into_iter().filter(is_kept).collect()
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
        let changes = diff(&listing(old), &listing(new)).into_iter();
        let line = |change: Change| {
            let signatures: Vec<String> = change.old.into_iter().chain(change.new).collect();
            let (kind, path) = (change.kind.label(), change.path);
            format!("{kind} {path} {}", signatures.join(" → "))
        };
        changes.map(line).collect()
    }

    #[test]
    fn differences_are_ordered_by_path_and_symmetric() {
        let old = [("a", "mod"), ("a::A", "struct"), ("a::B", "struct")];
        let new = [("a", "mod"), ("a::B", "enum"), ("a::C", "struct")];
        assert_eq!(
            lines(&old, &new),
            [
                "removed a::A struct",
                "changed a::B struct → enum",
                "added a::C struct"
            ]
        );
        assert_eq!(
            lines(&new, &old),
            [
                "added a::A struct",
                "changed a::B enum → struct",
                "removed a::C struct"
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
                "removed g::B struct",
                "changed types::A::x field: i64 → field: f64"
            ]
        );
    }
}

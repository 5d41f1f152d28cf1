//! The public surface of the crate: every item that its users can name, with its signature.
//!
//! Read from the source with `syn`. `cargo-public-api` and `cargo-semver-checks` read rustdoc's JSON,
//! which only nightly toolchains write, and only of a crate that they have built; this takes a
//! document that was never built, within the seconds that `sync-spec` has. What it cannot see is
//! what only a compiler knows: whether a type is `Send`, and what a type inferred for `impl Trait` is.

mod bodies;
mod items;
mod macros;
mod names;
mod tokens;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use portkey_admin_codegen::shape::{Shaped, shape};
use portkey_admin_codegen::{Patched, generate};

use tree::{Module, Tree};

/// The public items of a crate by their path, in the order of the paths.
///
/// A path starts below the crate: `Client::list_api_keys`, `types::ApiKey::name`. An
/// implemented trait is an item of its own: `types::ApiKey: Clone`. A signature is Rust without the
/// name, after the kind of the item: `fn(&self) -> builder::ListApiKeys`, `field: String`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surface(BTreeMap<String, String>);

/// Between path and signature; neither has two spaces in it.
const GAP: &str = "  ";

/// What differs between two surfaces, at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Only the new one has it.
    Added {
        /// Where it is.
        path: String,
        /// What it is.
        signature: String,
    },
    /// Only the old one has it.
    Removed {
        /// Where it was.
        path: String,
        /// What it was.
        signature: String,
    },
    /// Both have it, and not as the same.
    Changed {
        /// Where it is.
        path: String,
        /// What it was.
        old: String,
        /// What it is.
        new: String,
    },
}

impl Surface {
    /// The items: path and signature.
    pub fn items(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, signature)| (path.as_str(), signature.as_str()))
    }

    /// The signature of the item at `path`.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// One line for each item.
    pub fn to_text(&self) -> String {
        self.items()
            .map(|(path, signature)| format!("{path}{GAP}{signature}\n"))
            .collect()
    }

    /// Reads the lines back; those that start with `#` are comments. `name` is the file that errors
    /// refer to.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut items = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = || format!("{name}:{}", index + 1);
            let (path, signature) = line.split_once(GAP).with_context(|| {
                format!("{}: no two spaces between path and signature", place())
            })?;
            if items
                .insert(path.to_owned(), signature.to_owned())
                .is_some()
            {
                bail!("{}: `{path}` a second time", place());
            }
        }
        Ok(Self(items))
    }
}

impl Change {
    /// The path of the item.
    pub fn path(&self) -> &str {
        match self {
            Self::Added { path, .. } | Self::Removed { path, .. } | Self::Changed { path, .. } => {
                path
            }
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

/// The handwritten half of the crate that `codegen` writes the other half for: generated code calls
/// its macros and names its types, whichever project the document is from.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src");

/// The surface of the code that is generated for all areas.
pub fn generated(patched: &Patched, shaped: &Shaped) -> Result<Surface> {
    surface(Path::new(SOURCE), patched, shaped, |module| {
        module.generated
    })
}

/// The surface of the whole crate: of what is generated, and of what stands below `root/src`.
pub fn whole(root: &Path, patched: &Patched) -> Result<Surface> {
    surface(&root.join("src"), patched, &shape(patched)?, |_| true)
}

/// Each method of the client tells the area that it belongs to, as the feature that it needs.
fn surface(
    source: &Path,
    patched: &Patched,
    shaped: &Shaped,
    wanted: fn(&Module) -> bool,
) -> Result<Surface> {
    let code = generate::tokens(patched, shaped, &patched.ledger.areas())?;
    let mut items = items::surface(&Tree::read(source, code)?, wanted);
    for (_, entry) in patched.ledger.iter() {
        if let Some(signature) = items.get_mut(&format!("Client::{}", entry.id)) {
            *signature = format!("#[cfg(feature = \"{}\")] {signature}", entry.area);
        }
    }
    Ok(Surface(items))
}

/// What differs from `old` to `new`, in the order of the paths.
pub fn diff(old: &Surface, new: &Surface) -> Vec<Change> {
    let removed =
        old.items()
            .filter(|(path, _)| new.get(path).is_none())
            .map(|(path, signature)| Change::Removed {
                path: path.to_owned(),
                signature: signature.to_owned(),
            });
    let rest = new
        .items()
        .filter_map(|(path, signature)| match old.get(path) {
            None => Some(Change::Added {
                path: path.to_owned(),
                signature: signature.to_owned(),
            }),
            Some(before) if before == signature => None,
            Some(before) => Some(Change::Changed {
                path: path.to_owned(),
                old: before.to_owned(),
                new: signature.to_owned(),
            }),
        });
    let mut changes: Vec<Change> = removed.chain(rest).collect();
    changes.sort_by(|one, other| one.path().cmp(other.path()));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(items: &[(&str, &str)]) -> Surface {
        let owned = |(path, signature): &(&str, &str)| (path.to_string(), signature.to_string());
        Surface(items.iter().map(owned).collect())
    }

    #[test]
    fn a_difference_is_named_by_path_and_mirrors_the_other_direction() {
        let old = surface(&[("A", "struct"), ("B", "struct"), ("C", "mod")]);
        let new = surface(&[("B", "enum"), ("C", "mod"), ("D", "struct")]);
        let shown =
            |old, new| -> Vec<String> { diff(old, new).iter().map(ToString::to_string).collect() };
        assert_eq!(
            shown(&old, &new),
            [
                "removed  A  struct",
                "changed  B  struct  →  enum",
                "added    D  struct"
            ]
        );
        assert_eq!(
            shown(&new, &old),
            [
                "added    A  struct",
                "changed  B  enum  →  struct",
                "removed  D  struct"
            ]
        );
        assert_eq!(diff(&old, &old), []);
    }

    #[test]
    fn the_text_reads_back() {
        let before = surface(&[
            ("A", "struct"),
            ("A: From<&str>", "impl"),
            ("B", "fn(x: u8)"),
        ]);
        let text = format!("# A comment.\n{}", before.to_text());
        assert_eq!(Surface::parse("file", &text).unwrap(), before);
    }

    /// The surface of a crate that is one text.
    fn of(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lib.rs"), text).unwrap();
        let tree = Tree::read(folder.path(), Default::default()).unwrap();
        Surface(items::surface(&tree, |_| true)).to_text()
    }

    #[test]
    fn an_item_has_the_shortest_path_by_which_users_reach_it() {
        let text = "
            mod deep {
                pub struct One;
                pub struct Two { pub one: One, two: super::deep::deeper::Three }
                pub struct Unreached;
                pub mod deeper { pub struct Three; pub struct Four(pub super::One, u8); }
            }
            pub mod shown { pub use crate::deep::deeper::*; pub use super::deep::One as Other; }
            pub use deep::{One, Two as Second};
            pub use std::time::Duration;
            pub use std::sync::*;
        ";
        let expected = "\
            *  use std::sync::*\n\
            Duration  use std::time::Duration\n\
            One  struct;\n\
            Second  struct { .. }\n\
            Second::one  field: One\n\
            shown  mod\n\
            shown::Four  struct(One, _)\n\
            shown::Other  use One\n\
            shown::Three  struct;\n";
        assert_eq!(of(text), expected);
    }

    #[test]
    fn what_an_implementation_offers_is_as_public_as_its_parts() {
        let text = "
            mod inner { pub trait Sealed {} pub trait Private<T> {} pub struct Hidden; }
            pub trait Open: inner::Sealed { type Item; fn must(&self); fn may(&self) {} }
            #[derive(Clone)]
            pub struct List<T>(Vec<T>);
            impl<T> List<T> { pub fn first(&self) -> Option<&T> { None } }
            impl<T: Ord> List<T> { pub fn sort(&mut self) {} }
            impl List<u8> { pub const LONGEST: usize = 4; }
            impl<T> inner::Sealed for List<T> {}
            impl<T> inner::Private<T> for List<T> {}
            impl<T> Open for List<T> { type Item = T; fn must(&self) {} }
            impl<T> From<inner::Hidden> for List<T> { fn from(_: inner::Hidden) -> Self { loop {} } }
            impl List<u8> { pub fn odd(&self) -> ::std::option::Option<<Vec::<u8> as Open>::Item> { None } }
            impl<'a, T> From<&'a [T]> for List<T> { fn from(_: &'a [T]) -> Self { loop {} } }
        ";
        let expected = "\
            List  struct<T>(_)\n\
            List: Clone  impl<T: Clone>\n\
            List: From<&'a [T]>  impl<'a, T>\n\
            List: Open  impl<T> { type Item = T; }\n\
            List::first  fn(&self) -> Option<&T>\n\
            List::sort  impl<T: Ord> fn(&mut self)\n\
            List<u8>::LONGEST  const: usize\n\
            List<u8>::odd  fn(&self) -> Option<<Vec::<u8> as Open>::Item>\n\
            Open  trait: inner::Sealed\n\
            Open::Item  type: \n\
            Open::may  fn(&self) { .. }\n\
            Open::must  fn(&self)\n";
        assert_eq!(of(text), expected);
    }
}

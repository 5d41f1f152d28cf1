//! The public API of the crate: every item that its users can name, with its signature.
//!
//! Parsed from the source with `syn`. `cargo-public-api` and `cargo-semver-checks` read rustdoc's
//! JSON, which only nightly toolchains write, and only for a crate that was built. This module also
//! handles a document that was never built, within the few seconds that `sync-spec` may take. It
//! cannot see what only a compiler knows: whether a type is `Send`, and which type is inferred for
//! `impl Trait`.

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
use portkey_admin_codegen::lower::{Lowered, lower};
use portkey_admin_codegen::{Patched, generate};

use tree::{Module, Tree};

/// The public items of a crate, ordered by path.
///
/// A path is relative to the crate: `Client::list_api_keys`, `types::ApiKey::name`. An implemented
/// trait is an item of its own: `types::ApiKey: Clone`. A signature starts with the kind of the
/// item and leaves out the name: `fn(&self) -> builder::ListApiKeys`, `field: String`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicApi(BTreeMap<String, String>);

/// Separates path and signature; neither contains two spaces.
const SEPARATOR: &str = "  ";

/// A difference between two public APIs at one path.
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

impl PublicApi {
    /// Returns the items as pairs of path and signature.
    pub fn items(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(path, signature)| (path.as_str(), signature.as_str()))
    }

    /// Returns the signature of the item at `path`.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Formats the items, one line each.
    pub fn to_text(&self) -> String {
        self.items()
            .map(|(path, signature)| format!("{path}{SEPARATOR}{signature}\n"))
            .collect()
    }

    /// Parses the lines; those that start with `#` are comments. `name` is the file name used in
    /// errors.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let mut items = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let location = || format!("{name}:{}", index + 1);
            let (path, signature) = line.split_once(SEPARATOR).with_context(|| {
                format!(
                    "{}: expected two spaces between path and signature",
                    location()
                )
            })?;
            if items
                .insert(path.to_owned(), signature.to_owned())
                .is_some()
            {
                bail!("{}: duplicate path `{path}`", location());
            }
        }
        Ok(Self(items))
    }
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

/// The handwritten part of the crate. Generated code uses its macros and types, regardless of which
/// project the document belongs to.
const SOURCE_DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src");

/// Returns the public API of the code generated for all areas.
pub fn of_generated_code(patched: &Patched, lowered: &Lowered) -> Result<PublicApi> {
    read(Path::new(SOURCE_DIR), patched, lowered, |module| {
        module.generated
    })
}

/// Returns the public API of the whole crate: the generated code and `root/src`.
pub fn of_crate(root: &Path, patched: &Patched) -> Result<PublicApi> {
    read(&root.join("src"), patched, &lower(patched)?, |_| true)
}

/// Adds to each client method the feature that it needs, which is its area.
fn read(
    source: &Path,
    patched: &Patched,
    lowered: &Lowered,
    include: fn(&Module) -> bool,
) -> Result<PublicApi> {
    let code = generate::tokens(patched, lowered, &patched.manifest.areas())?;
    let mut items = items::public_items(&Tree::read(source, code)?, include);
    for (_, entry) in patched.manifest.iter() {
        if let Some(signature) = items.get_mut(&format!("Client::{}", entry.id)) {
            *signature = format!("#[cfg(feature = \"{}\")] {signature}", entry.area);
        }
    }
    Ok(PublicApi(items))
}

/// Returns the differences from `old` to `new`, ordered by path.
pub fn diff(old: &PublicApi, new: &PublicApi) -> Vec<Change> {
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

    fn public_api(items: &[(&str, &str)]) -> PublicApi {
        let owned = |(path, signature): &(&str, &str)| (path.to_string(), signature.to_string());
        PublicApi(items.iter().map(owned).collect())
    }

    #[test]
    fn differences_are_ordered_by_path_and_symmetric() {
        let old = public_api(&[("A", "struct"), ("B", "struct"), ("C", "mod")]);
        let new = public_api(&[("B", "enum"), ("C", "mod"), ("D", "struct")]);
        let lines =
            |old, new| -> Vec<String> { diff(old, new).iter().map(ToString::to_string).collect() };
        assert_eq!(
            lines(&old, &new),
            [
                "removed  A  struct",
                "changed  B  struct  →  enum",
                "added    D  struct"
            ]
        );
        assert_eq!(
            lines(&new, &old),
            [
                "added    A  struct",
                "changed  B  enum  →  struct",
                "removed  D  struct"
            ]
        );
        assert_eq!(diff(&old, &old), []);
    }

    #[test]
    fn formatted_items_can_be_parsed() {
        let before = public_api(&[
            ("A", "struct"),
            ("A: From<&str>", "impl"),
            ("B", "fn(x: u8)"),
        ]);
        let text = format!("# A comment.\n{}", before.to_text());
        assert_eq!(PublicApi::parse("file", &text).unwrap(), before);
    }

    /// Returns the public API of a crate with a single file.
    fn public_api_of(source: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lib.rs"), source).unwrap();
        let tree = Tree::read(folder.path(), Default::default()).unwrap();
        PublicApi(items::public_items(&tree, |_| true)).to_text()
    }

    #[test]
    fn item_has_its_shortest_public_path() {
        let source = "
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
        assert_eq!(public_api_of(source), expected);
    }

    #[test]
    fn implementation_is_public_if_all_its_parts_are() {
        let source = "
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
        assert_eq!(public_api_of(source), expected);
    }
}

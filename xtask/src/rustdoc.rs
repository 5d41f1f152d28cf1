//! The public API of a crate as rustdoc sees it, through rustdoc's JSON and the crate `public-api`.
//!
//! The JSON is unstable, so rustdoc runs with `RUSTC_BOOTSTRAP=1`, and each version of `public-api`
//! reads the JSON of certain toolchains only. Only rustdoc gets that variable: with it, the build
//! scripts of many dependencies would detect a nightly toolchain, and everything would be compiled
//! again.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use public_api::{Builder, PublicItem};

/// Set if this program runs in place of rustdoc.
const AS_RUSTDOC: &str = "XTASK_AS_RUSTDOC";

/// Runs rustdoc with unstable options, if cargo started this program in place of rustdoc.
pub fn run_as_rustdoc() -> Option<ExitCode> {
    std::env::var_os(AS_RUSTDOC)?;
    let status = Command::new("rustdoc")
        .args(std::env::args_os().skip(1))
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove(AS_RUSTDOC)
        .status();
    Some(match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: rustdoc: {error}");
            ExitCode::FAILURE
        }
    })
}

/// Writes the JSON of `portkey-admin` with all features, and returns its path.
pub fn write_json(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(&cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let target = metadata["target_directory"]
        .as_str()
        .context("cargo metadata: expected a string for `target_directory`")?;
    let status = Command::new(&cargo)
        .args(["rustdoc", "--quiet", "--package", "portkey-admin", "--lib"])
        .args(["--features", "full", "--"])
        .args(JSON_OPTIONS)
        .current_dir(root)
        .env("RUSTDOC", std::env::current_exe()?)
        .env(AS_RUSTDOC, "1")
        .status()
        .context("cargo rustdoc")?;
    if !status.success() {
        bail!("cargo rustdoc failed");
    }
    Ok(Path::new(target).join("doc/portkey_admin.json"))
}

const JSON_OPTIONS: [&str; 4] = [
    "-Zunstable-options",
    "--output-format=json",
    "--cap-lints",
    "allow",
];

/// Returns the public items of a crate, one line each, sorted by path.
///
/// A re-exported item is listed at each of its paths. Other paths of the crate and of the standard
/// library are reduced to their last segment, so that a type can move to another module and be
/// re-exported at its former path without a change of that path.
pub fn public_items(json: &Path) -> Result<Vec<String>> {
    let public_api = Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .with_context(|| {
            format!(
                "{}: xtask/Cargo.toml pins `public-api` to a version that reads the JSON of Rust 1.95",
                json.display()
            )
        })?;
    let items: Vec<&PublicItem> = public_api.items().collect();
    let Some(root) = items.first().map(ToString::to_string) else {
        bail!("{}: no public items", json.display());
    };
    let root = root.trim_start_matches("pub mod ");
    Ok(Lines::of(root, &items)
        .lines
        .into_iter()
        .map(|(_, line)| line)
        .collect())
}

/// Lines with the paths by which they are sorted.
struct Lines {
    /// The prefix of every path of the crate.
    root: String,
    /// The paths of each item, relative to the crate, by id.
    paths: HashMap<u32, BTreeSet<String>>,
    impls: HashMap<u32, Impl>,
    lines: BTreeSet<(String, String)>,
}

/// An impl, which has no path.
#[derive(Default)]
struct Impl {
    text: String,
    /// The ids of the types and traits that it is about.
    owners: BTreeSet<u32>,
}

impl Impl {
    fn is_of_trait(&self) -> bool {
        self.text.contains(" for ")
    }
}

impl Lines {
    fn of(root: &str, items: &[&PublicItem]) -> Self {
        let mut lines = Self {
            root: format!("{root}::"),
            paths: HashMap::new(),
            impls: HashMap::new(),
            lines: BTreeSet::new(),
        };
        for item in items {
            let text = item.to_string();
            if text.starts_with("impl") {
                let entry = lines.impls.entry(item.id().0).or_default();
                entry.owners.extend(item.parent_id().map(|id| id.0));
                entry.text = text;
            } else if let Some((_, path, _)) = lines.split(&text, 0) {
                let path = path.to_owned();
                lines.paths.entry(item.id().0).or_default().insert(path);
            }
        }
        for item in items {
            lines.add(item);
        }
        lines
    }

    /// Adds an item at each of its paths.
    fn add(&mut self, item: &PublicItem) {
        let text = item.to_string();
        let is_impl = text.starts_with("impl");
        let block = match is_impl {
            true => Some(item.id()),
            false => item.parent_id(),
        };
        let block = block.and_then(|id| self.impls.get(&id.0));
        let is_of_trait = block.is_some_and(Impl::is_of_trait);
        let is_implied = match is_impl {
            // An inherent impl without parameters says nothing.
            true => {
                text.starts_with("impl ") && !is_of_trait || text.contains("StructuralPartialEq")
            }
            // The impl of a trait implies its methods.
            false => is_of_trait && !text.starts_with("pub type "),
        };
        if is_implied {
            return;
        }
        let owners = block.into_iter().flat_map(|block| &block.owners);
        let mut owners = owners.filter_map(|id| self.paths.get(id));
        let target = if is_impl { text.find(" for ") } else { None };
        let added: Vec<_> = match self.split(&text, target.unwrap_or_default()) {
            Some((before, path, after)) => {
                // An item of an impl has only one of the paths of its type.
                let paths = owners.find_map(|owner| other_paths(path, owner));
                let (before, after) = (self.shortened(before), self.shortened(after));
                let line = |path: String| (path.clone(), format!("{before}{path}{after}"));
                let paths = paths.unwrap_or_else(|| vec![path.to_owned()]);
                paths.into_iter().map(line).collect()
            }
            // The impl of a trait for a type of another crate.
            None => owners
                .flatten()
                .map(|path| (path.clone(), self.shortened(&text)))
                .collect(),
        };
        self.lines.extend(added);
    }

    /// Splits at the first path of the crate after `start`: the text before it, the path without
    /// the name of the crate, the text after it.
    fn split<'t>(&self, text: &'t str, start: usize) -> Option<(&'t str, &'t str, &'t str)> {
        let start = start + text[start..].find(&self.root)?;
        let rest = &text[start + self.root.len()..];
        let end = rest
            .find(|character| !is_part_of_path(character))
            .unwrap_or(rest.len());
        let path = rest[..end].trim_end_matches(':');
        Some((&text[..start], path, &rest[path.len()..]))
    }

    /// Reduces the paths of the crate and of the standard library to their last segment.
    fn shortened(&self, text: &str) -> String {
        // public-api 0.52.1 leaves out the colon of a bound on an associated type.
        let text = text.replace("Errorcore::", "Error: core::");
        let mut short = String::with_capacity(text.len());
        for part in text.split_inclusive(|character| !is_part_of_path(character)) {
            let path = part.trim_end_matches(|character| !is_part_of_path(character));
            let is_known = ["core::", "alloc::", &self.root]
                .iter()
                .any(|prefix| path.starts_with(prefix));
            let name = path
                .trim_end_matches(':')
                .rsplit("::")
                .next()
                .unwrap_or(path);
            short.push_str(if is_known { name } else { path });
            short.push_str(&part[path.len()..]);
        }
        short
    }
}

/// Returns the paths of an item of a type at each path of the type, if it is an item of the type.
fn other_paths(path: &str, owner: &BTreeSet<String>) -> Option<Vec<String>> {
    let rest = owner.iter().find_map(|owner| {
        path.strip_prefix(owner.as_str())
            .filter(|rest| rest.is_empty() || rest.starts_with("::"))
    })?;
    Some(owner.iter().map(|owner| format!("{owner}{rest}")).collect())
}

fn is_part_of_path(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == ':'
}

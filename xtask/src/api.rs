//! `cargo xtask api`: writes `api/public-api.txt`, the public API of the crate.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short};
use portkey_admin_codegen::{Sources, patch};

use crate::atomic;
use crate::public_api::{self, Change, PublicApi};

const HELP: &str = "\
Usage: cargo xtask api [--check]

Writes api/public-api.txt, the public API of the crate with all features enabled, and prints how it
differs from the previous file.

Options:
  --check     Write nothing; fail if the file is out of date
  -h, --help  Print this help
";

const FILE: &str = "api/public-api.txt";

const HEAD: &str = "\
# The public API of `portkey-admin` with all features enabled, one line per item: path, two spaces,
# signature. Written by `cargo xtask api` from src/, openapi/ and overrides/; do not edit. A diff of this
# file shows the effect of a change on users of the crate.
";

/// Runs the command with its arguments.
pub fn run(root: &Path, mut arguments: lexopt::Parser) -> Result<()> {
    let mut check = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("check") => check = true,
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let public_api = public_api::of_crate(root, &patch(&Sources::read(root)?)?)?;
    let text = format!("{HEAD}{}", public_api.to_text());
    let current = current(root)?;
    if current == text {
        println!("{FILE} is up to date");
        return Ok(());
    }
    if check && current.is_empty() {
        bail!("{FILE} is missing: run `cargo xtask api`");
    }
    if check {
        let changes = public_api::diff(&PublicApi::parse(FILE, &current)?, &public_api);
        changes.iter().for_each(|change| println!("{change}"));
        bail!(
            "{FILE} is stale ({}): run `cargo xtask api`",
            summary(&changes)
        );
    }
    // A file that cannot be parsed is replaced as well.
    let changes = public_api::diff(
        &PublicApi::parse(FILE, &current).unwrap_or_default(),
        &public_api,
    );
    write(&root.join(FILE), &text)?;
    if !current.is_empty() {
        changes.iter().for_each(|change| println!("{change}"));
    }
    println!("{FILE} was written ({})", summary(&changes));
    Ok(())
}

/// Returns the content of the file, or an empty string if it does not exist.
fn current(root: &Path) -> Result<String> {
    match std::fs::read_to_string(root.join(FILE)) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).context(FILE),
    }
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    atomic::replace_all(&[(file, text)])
}

/// Returns a summary such as `2 added, 1 removed, 0 changed`.
fn summary(changes: &[Change]) -> String {
    let count = |kind: fn(&Change) -> bool| changes.iter().filter(|change| kind(change)).count();
    format!(
        "{} added, {} removed, {} changed",
        count(|change| matches!(change, Change::Added { .. })),
        count(|change| matches!(change, Change::Removed { .. })),
        count(|change| matches!(change, Change::Changed { .. })),
    )
}

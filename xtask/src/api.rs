//! `cargo xtask api`: writes `api/public-api.txt`, the public API of the crate.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use lexopt::prelude::{Long, Short};

use crate::{files, rustdoc};

const HELP: &str = "\
Usage: cargo xtask api [--check] [--json FILE]

Writes api/public-api.txt, the public API of the crate with all features enabled, and prints how it
differs from the previous file. Documents the crate with rustdoc, which takes about a minute if its
dependencies are not built yet.

Options:
  --check      Write nothing; fail if the file is out of date
  --json FILE  Read the JSON of rustdoc from this file instead
  -h, --help   Print this help
";

const FILE: &str = "api/public-api.txt";

const HEAD: &str = "\
# The public API of `portkey-admin` with all features enabled, one item per line, sorted by path. An item
# that is re-exported is listed at each of its paths; other paths of the crate are reduced to their last
# segment. Written by `cargo xtask api` from the JSON of rustdoc 1.95 (`public-api` in xtask/Cargo.toml is
# pinned to its format, .ci/install-toolchain to the toolchain); do not edit. A diff of this file shows
# the effect of a change on users of the crate.
";

/// Runs the command with its arguments.
pub fn run(root: &Path, mut arguments: lexopt::Parser) -> Result<()> {
    let mut check = false;
    let mut json = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("check") => check = true,
            Long("json") => json = Some(PathBuf::from(arguments.value()?)),
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let json = json.map_or_else(|| rustdoc::write_json(root), Ok)?;
    let text = format!("{HEAD}{}\n", rustdoc::public_items(&json)?.join("\n"));
    let current = files::read_if_exists(&root.join(FILE))?.unwrap_or_default();
    if current == text {
        println!("{FILE} is up to date");
        return Ok(());
    }
    if check && current.is_empty() {
        bail!("{FILE} is missing: run `cargo xtask api`");
    }
    let summary = match current.is_empty() {
        true => format!("{} items", text.lines().count() - HEAD.lines().count()),
        false => print_differences(&current, &text),
    };
    if check {
        bail!("{FILE} is stale ({summary}): run `cargo xtask api`");
    }
    files::write(&root.join(FILE), &text)?;
    println!("{FILE} was written ({summary})");
    Ok(())
}

/// Prints the items that only one of the files has, and returns their numbers.
fn print_differences(old: &str, new: &str) -> String {
    let items = |text| -> Vec<&str> {
        str::lines(text)
            .filter(|line| !line.starts_with("# "))
            .collect()
    };
    let print = |sign: &str, items: &[&str], others: &[&str]| {
        let others: HashSet<&str> = others.iter().copied().collect();
        let only: Vec<&&str> = items
            .iter()
            .filter(|item| !others.contains(**item))
            .collect();
        only.iter().for_each(|item| println!("{sign} {item}"));
        only.len()
    };
    let (old, new) = (items(old), items(new));
    let removed = print("-", &old, &new);
    let added = print("+", &new, &old);
    format!("{added} added, {removed} removed")
}

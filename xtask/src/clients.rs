//! `cargo xtask clients`: writes `docs/CLIENTS.md`, a table of which client called which operation.
//!
//! The operations come from the manifest, and the calls of the official SDKs from
//! `tests/interop/called/`. `tests/every_operation/` tests that this crate calls all operations.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use portkey_admin_codegen::manifest::Entry;
use portkey_admin_codegen::{Patched, Sources, patch};

use crate::{files, parse_check};

const HELP: &str = "\
Usage: cargo xtask clients [--check]

Writes docs/CLIENTS.md from overrides/ and tests/interop/called/: every operation of the Admin API,
with the clients that called it against the emulator.

Options:
  --check     Write nothing; fail if the file is out of date
  -h, --help  Print this help
";

const FILE: &str = "docs/CLIENTS.md";

/// Folder to which `tests/interop/run --write` writes the calls of each SDK, one file for each of
/// [`SDKS`].
const CALLED_DIR: &str = "tests/interop/called";
const SDKS: [&str; 2] = ["python", "node"];

/// The area that is not part of the Admin API.
const GATEWAY_AREA: &str = "gateway";

const HEAD: &str = "\
# Clients

<!-- Written by `cargo xtask clients` from overrides/ and tests/interop/called/; do not edit. -->

Every operation of the Admin API, and the clients that called it successfully against the emulator:

- **ours** is `portkey-admin`; `tests/every_operation/` fails if an operation is missing.
- **Python** and **Node** are the official SDKs, at the versions pinned in `tests/interop/`. An empty
  cell means that the SDK has no such method, or has a bug listed in `tests/interop/README.md`.
";

/// Runs the command with its arguments.
pub fn run(root: &Path, arguments: lexopt::Parser) -> Result<()> {
    let Some(check) = parse_check(arguments, HELP)? else {
        return Ok(());
    };
    let patched = patch(&Sources::read(root)?)?;
    let text = render_page(&patched, &called_operations(root, &patched)?);
    let file = root.join(FILE);
    let current = std::fs::read_to_string(&file).unwrap_or_default();
    if current == text {
        println!("{FILE} is up to date");
        return Ok(());
    }
    if check {
        bail!("{FILE} is stale: run `cargo xtask clients`");
    }
    files::write(&file, &text)?;
    println!("{FILE} was written");
    Ok(())
}

/// Reads the operations that each SDK called.
fn called_operations(root: &Path, patched: &Patched) -> Result<[BTreeSet<String>; 2]> {
    let [python, node] = SDKS.map(|sdk| {
        let name = format!("{CALLED_DIR}/{sdk}.txt");
        let text = std::fs::read_to_string(root.join(&name)).with_context(|| name.clone())?;
        let called: BTreeSet<String> = text.lines().map(str::to_owned).collect();
        let known = |id: &str| patched.manifest.iter().any(|(_, entry)| entry.id == id);
        match called.iter().find(|id| !known(id)) {
            Some(unknown) => bail!("{name}: unknown operation `{unknown}`"),
            None => Ok(called),
        }
    });
    Ok([python?, node?])
}

/// Renders the page.
fn render_page(patched: &Patched, called: &[BTreeSet<String>; 2]) -> String {
    let admin = patched
        .manifest
        .iter()
        .filter(|(_, e)| e.area != GATEWAY_AREA);
    let admin: Vec<(&str, &Entry)> = admin.collect();
    let count = |sdk: &BTreeSet<String>| admin.iter().filter(|(_, e)| sdk.contains(&e.id)).count();
    let mut text = format!(
        "{HEAD}\n{} operations; Python called {}, Node {}.\n",
        admin.len(),
        count(&called[0]),
        count(&called[1]),
    );
    let mut area = "";
    for (key, entry) in &admin {
        if area != entry.area {
            area = &entry.area;
            text += &format!("\n## `{area}`\n\n| operation | method | ours | Python | Node |\n");
            text += "|---|---|---|---|---|\n";
        }
        let [python, node] = called
            .each_ref()
            .map(|sdk| if sdk.contains(&entry.id) { "yes" } else { "" });
        text += &format!("| `{key}` | `{}` | yes | {python} | {node} |\n", entry.id);
    }
    text
}

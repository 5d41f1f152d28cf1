//! `cargo xtask expand`: prints the generated code.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short, Value, ValueExt};
use portkey_admin_codegen::{Sources, generate, patch};

const HELP: &str = "\
Usage: cargo xtask expand [AREA]

Prints the formatted code that the build generates for an area, such as `api_keys`, or for all areas.
`types` is the file of the shared types, `operations` that of the metadata, `tests` that of the test
tables, `examples` that of the examples in the docs, and `areas` declares the modules.

Options:
  -h, --help  Print this help
";

/// Runs the command with its arguments.
pub fn run(root: &Path, mut arguments: lexopt::Parser) -> Result<()> {
    let mut area = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) if area.is_none() => area = Some(value.string()?),
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let patched = patch(&Sources::read(root)?)?;
    let mut files = generate::generate(&patched, &patched.manifest.areas())?;
    if let Some(area) = area {
        let names: Vec<String> = files
            .iter()
            .map(|file| file.name.trim_end_matches(".rs").to_owned())
            .collect();
        files.retain(|file| file.name == format!("{area}.rs"));
        if files.is_empty() {
            bail!(
                "unknown area `{area}`; expected one of {}",
                names.join(", ")
            );
        }
    }
    let mut output = std::io::stdout().lock();
    for file in &files {
        writeln!(output, "// {}\n\n{}", file.name, file.code).context("standard output")?;
    }
    Ok(())
}

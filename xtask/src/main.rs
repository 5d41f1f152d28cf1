//! Commands for maintainers: `cargo xtask <command>`.
//!
//! Each command is one module; this file dispatches to it and prints its failure as one line. Exit
//! codes: 0 success, 1 failure; `sync-spec --check` has an additional one.

mod api;
mod catch_panic;
mod clients;
mod drift;
mod endpoints;
mod expand;
mod fetch;
mod files;
mod prune;
mod references;
mod rustdoc;
mod source;
mod sync_spec;
mod yaml_edit;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short, Value, ValueExt};

const HELP: &str = "\
Usage: cargo xtask [--root DIR] COMMAND [OPTIONS]

Commands:
  api         Write api/public-api.txt, the public API of the crate (`api --help`)
  clients     Write docs/CLIENTS.md, which client called which operation (`clients --help`)
  endpoints   Write docs/endpoints/, every operation with its evidence (`endpoints --help`)
  expand      Print the generated code of an area (`expand --help`)
  sync-spec   Report upstream changes and update openapi/ (`sync-spec --help`)

Options:
  --root DIR  Folder of the project (default: the workspace that contains xtask)
  -h, --help  Print this help
";

fn main() -> ExitCode {
    if let Some(code) = rustdoc::run_as_rustdoc() {
        return code;
    }
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut arguments = lexopt::Parser::from_env();
    let mut root = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("root") => root = Some(PathBuf::from(arguments.value()?)),
            Short('h') | Long("help") => {
                print!("{HELP}");
                return Ok(ExitCode::SUCCESS);
            }
            Value(command) => {
                let root = root.map_or_else(default_root, Ok)?;
                match command.string()?.as_str() {
                    "api" => api::run(&root, arguments)?,
                    "clients" => clients::run(&root, arguments)?,
                    "endpoints" => endpoints::run(&root, arguments)?,
                    "expand" => expand::run(&root, arguments)?,
                    "sync-spec" => return sync_spec::run(&root, arguments),
                    other => bail!("unknown command `{other}` (see `cargo xtask --help`)"),
                }
                return Ok(ExitCode::SUCCESS);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    bail!("no command given (see `cargo xtask --help`)")
}

/// Parses the arguments of a command whose only option is `--check`. Returns `None` if they ask for
/// the help, which is printed.
fn parse_check(mut arguments: lexopt::Parser, help: &str) -> Result<Option<bool>> {
    let mut check = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("check") => check = true,
            Short('h') | Long("help") => {
                print!("{help}");
                return Ok(None);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(check))
}

/// Returns the workspace root. Cargo sets the folder of this package, which is one level below.
fn default_root() -> Result<PathBuf> {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => Ok(PathBuf::from(package).join("..")),
        None => std::env::current_dir().context("cannot determine the current folder"),
    }
}

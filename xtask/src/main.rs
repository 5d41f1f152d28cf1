//! Commands for maintainers: `cargo xtask <command>`.
//!
//! Each command is one module; this file only finds the command and reports its failure as one
//! line. Exit codes: 0 done, 1 anything that went wrong; `sync-spec --check` has one of its own.

mod api;
mod atomic;
mod clients;
mod cost;
mod drift;
mod endpoints;
mod fetch;
mod source;
mod surface;
mod sync_spec;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short, Value, ValueExt};

/// `sync-spec` takes code apart into very many small pieces, over which the system's allocator is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
Usage: cargo xtask [--root DIR] COMMAND [OPTIONS]

Commands:
  api         Write api/public-api.txt, the public surface of the crate (`api --help`)
  clients     Write docs/CLIENTS.md, which client called which operation (`clients --help`)
  cost        Measure what the crate costs those who build it (`cost --help`)
  endpoints   Write docs/ENDPOINTS.md from the ledger (`endpoints --help`)
  sync-spec   Report what changed upstream, and distil it into openapi/ (`sync-spec --help`)

Options:
  --root DIR  The project's folder, if it is not the one this was started from
  -h, --help  Print this
";

fn main() -> ExitCode {
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
                    "cost" => cost::run(&root, arguments)?,
                    "endpoints" => endpoints::run(&root, arguments)?,
                    "sync-spec" => return sync_spec::run(&root, arguments),
                    other => bail!("{other}: no such command (see `cargo xtask --help`)"),
                }
                return Ok(ExitCode::SUCCESS);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    bail!("no command given (see `cargo xtask --help`)")
}

/// The workspace: cargo says where this package lies, one folder below.
fn default_root() -> Result<PathBuf> {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => Ok(PathBuf::from(package).join("..")),
        None => std::env::current_dir().context("the current folder cannot be read"),
    }
}

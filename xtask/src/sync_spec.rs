//! `cargo xtask sync-spec`: reports how an upstream document differs from the vendored one, and
//! distils it into `openapi/`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use lexopt::prelude::{Long, Short, ValueExt};
use portkey_admin_codegen::{Sources, distil, document};
use serde_json::Value;

use crate::catch_panic::catch_panic;
use crate::drift::render::{Format, render};
use crate::drift::{self, Input, Report};
use crate::fetch;
use crate::files::{self, read_if_exists};
use crate::source::{SourceRecord, digest};

const HELP: &str = "\
Usage: cargo xtask sync-spec [--from PATH|URL] [--check] [--format text|markdown|json] [--output FILE]
                             [--revision TEXT] [--url URL] [--prune]

Distils an upstream OpenAPI 3.0 document (YAML or JSON), compares it with openapi/portkey.yaml, and
reports what changed, the impact on users, and the status of the overrides. Then writes the document
to openapi/portkey.yaml and its origin to openapi/source.yaml. Writes nothing if the facts are the
same or if an error occurs.

Options:
  --from PATH|URL  The upstream document (default: fetched from the URL in openapi/source.yaml)
  --check          Write nothing to openapi/; the exit code shows whether the document has drifted
  --format FORMAT  text, markdown (the body of a pull request) or json (default: text)
  --output FILE    Write the report to this file instead of standard output
  --prune          Also remove the overrides that the document makes stale or confirms, and list them;
                   conflicts are left. With --check, only list them
  --revision TEXT  The upstream commit of the document
  --url URL        Where upstream publishes the document, if --from is a path (default: unchanged)
  -h, --help       Print this help

Exit codes: 0 up to date (or written), 4 the document has drifted (with --check), 1 any error.
";

/// Exit code of `--check` if the document has drifted.
const DRIFTED: u8 = 4;

/// URL at which upstream publishes the document, unless `source.yaml` contains another one.
const UPSTREAM_URL: &str =
    "https://raw.githubusercontent.com/Portkey-AI/openapi/master/openapi.yaml";

const DOCUMENT: &str = "openapi/portkey.yaml";
const SOURCE: &str = "openapi/source.yaml";

/// Command-line options.
#[derive(Default)]
struct Options {
    from: Option<String>,
    check: bool,
    format: Format,
    output: Option<PathBuf>,
    prune: bool,
    revision: Option<String>,
    url: Option<String>,
}

/// The result of the comparison with the vendored document.
struct Comparison {
    /// Whether the vendored document states the same facts and its record matches it.
    is_up_to_date: bool,
    /// The overrides files to change, with `--prune`.
    overrides: Vec<files::Change>,
}

/// A distilled document, as a value and as YAML.
struct Distilled {
    document: Value,
    text: String,
}

/// Runs the command with its arguments.
pub fn run(root: &Path, arguments: lexopt::Parser) -> Result<ExitCode> {
    let Some(options) = parse_options(arguments)? else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    panic_as_error(|| sync(root, &options))
}

/// Turns a panic in any crate into an ordinary error: one line, and the exit code for errors.
fn panic_as_error(command: impl FnOnce() -> Result<ExitCode>) -> Result<ExitCode> {
    let result = catch_panic(command).map_err(|panic| {
        anyhow!("panicked on this OpenAPI document (RUST_BACKTRACE=1 shows where): {panic}")
    });
    result.flatten()
}

fn sync(root: &Path, options: &Options) -> Result<ExitCode> {
    let record = read_source_record(root)?;
    let from = input_location(options, record.as_ref());
    let distilled = distil(&from, &fetch::read(&from)?)?;
    let comparison = compare(root, options, &from, &distilled, record.as_ref())?;
    let overrides = comparison.overrides;
    match (comparison.is_up_to_date, options.check) {
        (true, false) if !overrides.is_empty() => {
            files::change_all(&overrides)?;
            eprintln!("{DOCUMENT} is up to date; {}", written(overrides.len()));
        }
        (true, _) => eprintln!("{DOCUMENT} is up to date; nothing was written"),
        (false, true) => {
            eprintln!("{DOCUMENT} has drifted; nothing was written");
            return Ok(ExitCode::from(DRIFTED));
        }
        (false, false) => write(root, options, &from, &distilled, record, overrides)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns `3 files of overrides/ were changed`.
fn written(count: usize) -> String {
    match count {
        1 => "1 file of overrides/ was changed".to_owned(),
        count => format!("{count} files of overrides/ were changed"),
    }
}

/// Returns the path or URL from which the document is read.
fn input_location(options: &Options, record: Option<&SourceRecord>) -> String {
    let recorded = || record.map_or(UPSTREAM_URL, |record| &record.url).to_owned();
    options.from.clone().unwrap_or_else(recorded)
}

/// Compares with the vendored document, if there is one, and writes the report.
fn compare(
    root: &Path,
    options: &Options,
    from: &str,
    distilled: &Distilled,
    record: Option<&SourceRecord>,
) -> Result<Comparison> {
    let Some(vendored) = read_if_exists(&root.join(DOCUMENT))? else {
        let report = Report::without_comparison(from, env!("CARGO_PKG_VERSION"));
        write_report(&render(&report, options.format), options.output.as_deref())?;
        return Ok(Comparison {
            is_up_to_date: false,
            overrides: Vec::new(),
        });
    };
    let record_matches = record.is_some_and(|record| record.sha256 == digest(&vendored));
    let input = Input {
        root,
        sources: &Sources::read(root)?,
        old: &distil(DOCUMENT, &vendored)?.document,
        new: &distilled.document,
        from,
        version: env!("CARGO_PKG_VERSION"),
        today: &today(),
    };
    let report = drift::report(&input, options.prune)?;
    write_report(&render(&report, options.format), options.output.as_deref())?;
    if report.is_empty() && !record_matches {
        eprintln!("{SOURCE} does not match {DOCUMENT}");
    }
    let is_up_to_date = report.is_empty() && record_matches;
    let overrides = report.pruned.into_iter().flat_map(|pruned| pruned.files);
    Ok(Comparison {
        is_up_to_date,
        overrides: overrides
            .map(|(name, text)| (root.join(name), text))
            .collect(),
    })
}

fn write_report(report: &str, output: Option<&Path>) -> Result<()> {
    match output {
        // Written directly, without a temporary file, because the output may be a device.
        Some(file) => std::fs::write(file, report).with_context(|| file.display().to_string()),
        None => std::io::stdout()
            .write_all(report.as_bytes())
            .context("standard output"),
    }
}

/// Parses the options; `None` if help was requested.
fn parse_options(mut arguments: lexopt::Parser) -> Result<Option<Options>> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("from") => options.from = Some(arguments.value()?.string()?),
            Long("check") => options.check = true,
            Long("format") => options.format = Format::named(&arguments.value()?.string()?)?,
            Long("output") => options.output = Some(arguments.value()?.into()),
            Long("prune") => options.prune = true,
            Long("revision") => options.revision = Some(arguments.value()?.string()?),
            Long("url") => options.url = Some(arguments.value()?.string()?),
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(options))
}

fn distil(name: &str, text: &str) -> Result<Distilled> {
    let document = document::parse(name, text)?;
    let document = distil::distil(&document).map_err(|error| error.within(name))?;
    let text = distil::to_yaml(&document).map_err(|error| error.within(name))?;
    Ok(Distilled { document, text })
}

/// Replaces the document, the record of its origin, and the overrides that were pruned.
fn write(
    root: &Path,
    options: &Options,
    from: &str,
    distilled: &Distilled,
    record: Option<SourceRecord>,
    overrides: Vec<files::Change>,
) -> Result<()> {
    let document = &distilled.document;
    let record = SourceRecord {
        url: published_url(options, from, record),
        revision: options.revision.clone(),
        retrieved: today(),
        sha256: digest(&distilled.text),
        version: document["info"]["version"].as_str().map(str::to_owned),
        paths: document["paths"]
            .as_object()
            .map_or(0, serde_json::Map::len),
        operations: document::operations(document).count(),
    };
    let mut changes = vec![
        (root.join(DOCUMENT), Some(distilled.text.clone())),
        (root.join(SOURCE), Some(record.to_yaml()?)),
    ];
    let count = overrides.len();
    changes.extend(overrides);
    files::change_all(&changes)?;
    eprintln!(
        "{DOCUMENT} was written: {} paths, {} operations",
        record.paths, record.operations
    );
    if count > 0 {
        eprintln!("{}", written(count));
    }
    Ok(())
}

fn published_url(options: &Options, from: &str, record: Option<SourceRecord>) -> String {
    let from = fetch::is_url(from).then(|| from.to_owned());
    let given = options
        .url
        .clone()
        .or(from)
        .or(record.map(|record| record.url));
    given.unwrap_or_else(|| UPSTREAM_URL.to_owned())
}

fn read_source_record(root: &Path) -> Result<Option<SourceRecord>> {
    read_if_exists(&root.join(SOURCE))?
        .map(|text| SourceRecord::parse(SOURCE, &text))
        .transpose()
}

/// Returns the date in UTC, as `YYYY-MM-DD`.
fn today() -> String {
    jiff::Timestamp::now().strftime("%F").to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn panic_in_the_command_is_an_error() {
        let error = panic_as_error(|| panic!("index {} is out of bounds", 7)).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.ends_with(": index 7 is out of bounds"), "{text}");
        let code = panic_as_error(|| Ok(ExitCode::from(DRIFTED))).unwrap();
        assert_eq!(code, ExitCode::from(DRIFTED));
        let error = panic_as_error(|| Err(anyhow!("unchanged"))).unwrap_err();
        assert_eq!(error.to_string(), "unchanged");
    }
}

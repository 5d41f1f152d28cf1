//! `cargo xtask sync-spec`: distils an upstream document into `openapi/`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short, ValueExt};
use portkey_admin_codegen::{distil, document};

use crate::source::{SourceRecord, digest};
use crate::{atomic, fetch};

const HELP: &str = "\
Usage: cargo xtask sync-spec --from PATH|URL [--revision TEXT] [--url URL]

Distils an upstream OpenAPI 3.0 document (YAML or JSON) into openapi/portkey.yaml and records in
openapi/source.yaml where it came from. Nothing is written where the facts are still the same, or
where anything is wrong.

Options:
  --from PATH|URL  The upstream document
  --revision TEXT  The upstream commit that it belongs to
  --url URL        Where upstream publishes it, if --from is a path (default: as recorded before)
  -h, --help       Print this
";

/// Where upstream publishes the document, until `source.yaml` says otherwise.
const UPSTREAM_URL: &str =
    "https://raw.githubusercontent.com/Portkey-AI/openapi/master/openapi.yaml";

const DOCUMENT: &str = "openapi/portkey.yaml";
const SOURCE: &str = "openapi/source.yaml";

/// What the maintainer asked for.
struct Options {
    from: String,
    revision: Option<String>,
    url: Option<String>,
}

/// The vendored document as it should be.
struct Distilled {
    text: String,
    version: Option<String>,
    paths: usize,
    operations: usize,
}

/// Runs the command with what stands behind its name.
pub fn run(root: &Path, arguments: lexopt::Parser) -> Result<()> {
    let Some(options) = options(arguments)? else {
        print!("{HELP}");
        return Ok(());
    };
    let distilled = distil(&options.from)?;
    let record = old_record(root)?;
    let sha256 = digest(&distilled.text);
    let in_step = record
        .as_ref()
        .is_some_and(|record| record.sha256 == sha256)
        && read_if_there(&root.join(DOCUMENT))?.as_ref() == Some(&distilled.text);
    if in_step {
        println!("{DOCUMENT} already states these facts; nothing was written");
        return Ok(());
    }
    let record = SourceRecord {
        url: url(&options, record),
        revision: options.revision,
        retrieved: today(),
        sha256,
        version: distilled.version,
        paths: distilled.paths,
        operations: distilled.operations,
    };
    write(root, &distilled.text, &record.to_yaml()?)?;
    println!(
        "{DOCUMENT}: {} paths, {} operations",
        record.paths, record.operations
    );
    Ok(())
}

/// The options, or nothing where help was asked for.
fn options(mut arguments: lexopt::Parser) -> Result<Option<Options>> {
    let (mut from, mut revision, mut url) = (None, None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("from") => from = Some(arguments.value()?.string()?),
            Long("revision") => revision = Some(arguments.value()?.string()?),
            Long("url") => url = Some(arguments.value()?.string()?),
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    match from {
        None => bail!("--from: a path or a URL must be given"),
        Some(from) => Ok(Some(Options {
            from,
            revision,
            url,
        })),
    }
}

fn distil(from: &str) -> Result<Distilled> {
    let document = document::parse(from, &fetch::read(from)?)?;
    let distilled = distil::distil(&document).map_err(|error| error.within(from))?;
    let text = distil::to_yaml(&distilled).map_err(|error| error.within(from))?;
    Ok(Distilled {
        text,
        version: distilled["info"]["version"].as_str().map(str::to_owned),
        paths: distilled["paths"]
            .as_object()
            .map_or(0, serde_json::Map::len),
        operations: document::operations(&distilled).count(),
    })
}

fn url(options: &Options, record: Option<SourceRecord>) -> String {
    let from = fetch::is_url(&options.from).then(|| options.from.clone());
    let given = options.url.clone().or(from);
    given
        .or(record.map(|record| record.url))
        .unwrap_or_else(|| UPSTREAM_URL.to_owned())
}

fn old_record(root: &Path) -> Result<Option<SourceRecord>> {
    read_if_there(&root.join(SOURCE))?
        .map(|text| SourceRecord::parse(SOURCE, &text))
        .transpose()
}

fn read_if_there(path: &Path) -> Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn write(root: &Path, document: &str, source: &str) -> Result<()> {
    let targets: [PathBuf; 2] = [root.join(DOCUMENT), root.join(SOURCE)];
    atomic::replace_all(&[(&targets[0], document), (&targets[1], source)])
}

/// The date in UTC, as `YYYY-MM-DD`.
fn today() -> String {
    jiff::Timestamp::now().strftime("%F").to_string()
}

//! `cargo xtask endpoints`: writes `docs/endpoints/`, the reference of all operations.
//!
//! `README.md` has the table of all operations, and each area has a page with the facts that an
//! operation rests on. All facts about the service come from `overrides/`.

mod area;
mod facts;
mod left_out;
mod links;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use portkey_admin_codegen::evidence::{self, Citation};
use portkey_admin_codegen::manifest::{
    ApiVersion, Entry, EvidenceGrade, Handwritten, Plane, Status,
};
use portkey_admin_codegen::paths::{ObservedResponse, Removal, Rename, Rules};
use portkey_admin_codegen::{Manifest, Patched, Sources, manifest, patch};

use crate::files::write;
use crate::parse_check;
use facts::OperationFacts;

const HELP: &str = "\
Usage: cargo xtask endpoints [--check]

Writes docs/endpoints/ from overrides/: README.md, the table of every operation with its method, its
path and the documented path if it differs, a page for each area with the evidence, and the page of
the operations that are left out (overrides/left-out.yaml). Fails if an id that overrides/ or a
comment of the code cites is not a fact of overrides/evidence.yaml, or if an override claims more than
its facts support. Warns about facts that are not cited. Also updates the numbers of operations in the
tables of areas of README.md and src/lib.rs.

Options:
  --check     Write nothing; fail if a file is out of date
  -h, --help  Print this help
";

const FOLDER: &str = "docs/endpoints";
const INDEX: &str = "README.md";

/// The files with a table of all areas and the numbers of their operations.
const AREA_TABLES: [&str; 2] = ["README.md", "src/lib.rs"];

/// The note at the top of every page.
const GENERATED: &str =
    "<!-- Written by `cargo xtask endpoints` from overrides/; edit those and run it again. -->";

const HEAD: &str = "
All known operations of the API, one table for each area (a Cargo feature). The page of an area has a
section for each operation, with the facts that are known of it and their sources.

- **method** is the method of `portkey_admin::Client`.
- **documented as** is a documented path at which the service does not serve the operation, with the
  status that this path returned; empty if documentation and service agree.
- **where** lists deviations from the default: `gateway` is the data plane, `public` needs no key, `mcp`
  is the MCP gateway, `prices` is the host of the price files, `v2` is served below `/v2` instead of
  `/v1`, and `by hand` is not generated.
- **status** is `works`, `unverified` (no successful call was observed), `forbidden-seen` (the operation
  exists, but only 403 was observed) or `broken`.
- **evidence** is the observed response status, if one was recorded; the date of the observation or of
  the source; and the source: `live` (the service, or a test against it), `official-client` or
  `document`.
";

const REMOVED_HEAD: &str = "
## Removed and failing operations

Operations of older documents and tables that no longer exist in the listed form, and operations that
are kept although their last observed call failed.

| operation | response | now | note |
|---|---|---|---|
";

/// Runs the command with its arguments.
pub fn run(root: &Path, arguments: lexopt::Parser) -> Result<()> {
    let Some(check) = parse_check(arguments, HELP)? else {
        return Ok(());
    };
    let sources = Sources::read(root)?;
    let evidence = evidence::Evidence::read(root)?;
    check_evidence(&evidence, &evidence::citations(root)?, &sources)?;

    let rules = Rules::parse(&sources.paths)?;
    let patched = patch(&sources)?;
    let reference = Reference {
        documented: documented_paths(&patched, &rules)?,
        facts: OperationFacts::new(&evidence, evidence::corrections(&sources)?),
        patched,
    };
    let left_out = left_out::read(root, &reference.patched.manifest, &evidence)?;
    let mut files = reference.render(&rules);
    let page = left_out::render(&left_out, &evidence);
    files.push((left_out::PAGE.to_owned(), page));
    write_files(&root.join(FOLDER), &files, check)?;
    write_area_tables(root, &reference.patched.manifest, check)
}

/// Writes the number of operations into the tables of areas, and removes the rows of areas without
/// operations.
fn write_area_tables(root: &Path, manifest: &Manifest, check: bool) -> Result<()> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (_, entry) in manifest.iter() {
        *counts.entry(&entry.area).or_default() += 1;
    }
    for name in AREA_TABLES {
        let file = root.join(name);
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let counted: String = text
            .split_inclusive('\n')
            .filter_map(|line| counted_row(line, &counts))
            .collect();
        if counted == text {
            continue;
        }
        if check {
            bail!("the numbers of operations in {name} are stale: run `cargo xtask endpoints`");
        }
        write(&file, &counted)?;
        println!("{name} was written");
    }
    Ok(())
}

/// Returns a line with the number of operations if it is the row of an area; `None` if the area has
/// none.
fn counted_row(line: &str, counts: &HashMap<&str, usize>) -> Option<String> {
    let cells: Vec<&str> = line.split('|').collect();
    let [start @ ("" | "//! "), area, count, _, _] = cells.as_slice() else {
        return Some(line.to_owned());
    };
    let name = area.trim().trim_matches(['[', ']']);
    let name = name
        .strip_prefix('`')
        .and_then(|name| name.strip_suffix('`'));
    match (name, count.trim().parse::<usize>()) {
        (Some(name), Ok(_)) => {
            let count = counts.get(name)?;
            Some(format!(
                "{start}|{area}| {count} |{}|{}",
                cells[3], cells[4]
            ))
        }
        _ => Some(line.to_owned()),
    }
}

/// Fails if a citation does not resolve or an override claims too much. Prints the number of
/// citations and the facts without one.
fn check_evidence(
    evidence: &evidence::Evidence,
    citations: &[Citation],
    sources: &Sources,
) -> Result<()> {
    let uncited = evidence.uncited(citations);
    if !uncited.is_empty() {
        let file = evidence::FILE;
        eprintln!(
            "warning: {file}: facts without a citation: {}",
            uncited.join(", ")
        );
    }
    let mut problems = evidence.unresolved(citations);
    problems.extend(evidence.exceeded_claims(sources)?);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    let ids: HashSet<&str> = citations.iter().map(|citation| &*citation.id).collect();
    println!(
        "{} citations of {} facts; {} has {}",
        citations.len(),
        ids.len(),
        evidence::FILE,
        evidence.facts().count()
    );
    Ok(())
}

/// Writes the files, by name, and removes other pages; with `check`, fails if there is a difference.
fn write_files(folder: &Path, files: &[(String, String)], check: bool) -> Result<()> {
    let is_current = |name: &str, text: &str| {
        fs::read_to_string(folder.join(name)).is_ok_and(|current| current == text)
    };
    let changed: Vec<_> = files
        .iter()
        .filter(|(name, text)| !is_current(name, text))
        .collect();
    let removed: Vec<String> = page_names(folder)?
        .into_iter()
        .filter(|name| files.iter().all(|(file, _)| file != name))
        .collect();
    if changed.is_empty() && removed.is_empty() {
        println!("{FOLDER}/ is up to date");
        return Ok(());
    }
    if check {
        let names = changed.iter().map(|(name, _)| name).chain(&removed);
        let names: Vec<&str> = names.map(String::as_str).collect();
        bail!(
            "{FOLDER}/ is stale ({}): run `cargo xtask endpoints`",
            names.join(", ")
        );
    }
    for (name, text) in changed {
        write(&folder.join(name), text)?;
    }
    for name in removed {
        let file = folder.join(name);
        fs::remove_file(&file).with_context(|| file.display().to_string())?;
    }
    println!("{FOLDER}/ was written");
    Ok(())
}

/// Returns the names of the pages in the folder, which may be missing.
fn page_names(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// What the pages are rendered from.
struct Reference<'a> {
    patched: Patched,
    /// The documented paths of each operation that a path rule renames, with their responses.
    documented: HashMap<String, String>,
    facts: OperationFacts<'a>,
}

impl Reference<'_> {
    /// Returns the name and the text of each file.
    fn render(&self, rules: &Rules) -> Vec<(String, String)> {
        let mut files = vec![(INDEX.to_owned(), self.render_index(rules))];
        files.extend(areas(&self.patched).into_iter().map(|area| {
            let page = self.render_area(area);
            (page_name(area), page)
        }));
        files
    }

    fn entries(&self, area: &str) -> Vec<(&str, &Entry)> {
        let entries = self.patched.manifest.iter();
        entries.filter(|(_, entry)| entry.area == area).collect()
    }

    /// Returns the documented paths of an operation; empty if they agree with the service.
    fn documented(&self, key: &str) -> &str {
        self.documented.get(key).map_or("", String::as_str)
    }

    fn render_index(&self, rules: &Rules) -> String {
        let areas = areas(&self.patched);
        let mut text = format!("# Endpoints\n\n{GENERATED}\n{HEAD}\n");
        for area in &areas {
            let count = self.entries(area).len();
            text += &format!("- [`{area}`]({}): {count} operations\n", page_name(area));
        }
        text += &format!("- [operations that are left out]({})\n", left_out::PAGE);
        let operations = self.patched.manifest.iter().count();
        for area in areas {
            let entries = self.entries(area);
            text += &format!(
                "\n## `{area}`\n\n{} of {operations} operations.\n\n",
                entries.len()
            );
            text += "| operation | method | documented as | where | status | evidence |\n";
            text += "|---|---|---|---|---|---|\n";
            for (key, entry) in entries {
                text += &table_row(&operation_row(key, entry, self.documented(key)));
            }
        }
        text += REMOVED_HEAD;
        for gone in rules.removals() {
            text += &removed_rows(gone, &self.patched);
        }
        for (key, entry) in self.patched.manifest.iter() {
            if last_seen_failing(entry) {
                text += &table_row(&failed_row(key, entry));
            }
        }
        text
    }
}

fn page_name(area: &str) -> String {
    format!("{area}.md")
}

/// Returns the areas in the order of their first appearance in the manifest.
fn areas(patched: &Patched) -> Vec<&str> {
    let mut areas = Vec::new();
    for (_, entry) in patched.manifest.iter() {
        if !areas.contains(&entry.area.as_str()) {
            areas.push(entry.area.as_str());
        }
    }
    areas
}

/// Returns the documented paths of each operation that a path rule renames.
fn documented_paths(patched: &Patched, rules: &Rules) -> Result<HashMap<String, String>> {
    let renames: HashMap<&str, &Rename> = rules
        .renames()
        .iter()
        .map(|rename| (rename.location(), rename))
        .collect();
    let mut documented: HashMap<String, String> = HashMap::new();
    for outcome in &patched.path_outcomes {
        // An outcome without a tested path belongs to a `gone` rule.
        let (Some(method), Some(tested)) = (outcome.method, &outcome.tested) else {
            continue;
        };
        let rename = renames
            .get(outcome.rule.as_str())
            .with_context(|| format!("{}: unknown path rule", outcome.rule))?;
        let cell = documented.entry(manifest::key(method, tested)).or_default();
        if !cell.is_empty() {
            cell.push_str(", ");
        }
        cell.push_str(&format!("`{}`", rename.from()));
        if let Some(response) = &rename.evidence().documented {
            cell.push_str(&format!(" ({})", status_and_date(response)));
        }
    }
    Ok(documented)
}

fn operation_row(key: &str, entry: &Entry, documented: &str) -> [String; 6] {
    [
        code(key),
        format!("[`{0}`]({1}#{0})", entry.id, page_name(&entry.area)),
        documented.to_owned(),
        location(entry),
        status_name(entry.status).to_owned(),
        evidence_cell(&entry.evidence),
    ]
}

/// Describes how an operation differs from the usual plane, API version and generated code.
fn location(entry: &Entry) -> String {
    let plane = (entry.plane != Plane::Control).then(|| entry.plane.name());
    let base = match entry.base {
        ApiVersion::V1 => None,
        ApiVersion::V2 => Some("v2"),
    };
    let by_hand = entry.handwritten.map(by_hand);
    let parts: Vec<_> = [plane, base, by_hand].into_iter().flatten().collect();
    parts.join(", ")
}

fn by_hand(reason: Handwritten) -> &'static str {
    match reason {
        Handwritten::Multipart => "by hand: multipart",
        Handwritten::EventStream => "by hand: event stream",
        Handwritten::Binary => "by hand: binary",
        Handwritten::Websocket => "by hand: websocket",
    }
}

/// Returns one row for each method of a removed path.
fn removed_rows(gone: &Removal, patched: &Patched) -> String {
    let operations = match gone.methods() {
        None => vec![gone.path().to_owned()],
        Some(methods) => methods
            .iter()
            .map(|method| manifest::key(method, gone.path()))
            .collect(),
    };
    let evidence = gone.evidence();
    let nothing = || "no failure recorded".to_owned();
    let answered = evidence
        .answered
        .as_ref()
        .map_or_else(nothing, status_and_date);
    let today = gone
        .instead()
        .map_or_else(|| "removed".to_owned(), |key| successor(key, patched));
    let note = evidence.note.clone().unwrap_or_default();
    operations
        .iter()
        .map(|operation| {
            table_row(&[
                code(operation),
                answered.clone(),
                today.clone(),
                note.clone(),
            ])
        })
        .collect()
}

/// Returns the operation that replaces a removed one, with its status unless that is `works`.
fn successor(key: &str, patched: &Patched) -> String {
    let entry =
        manifest::split_key(key).and_then(|(method, path)| patched.manifest.get(method, path));
    match entry.map(|entry| entry.status) {
        Some(Status::Works) | None => format!("superseded by `{key}`"),
        Some(other) => format!("superseded by `{key}` ({})", status_name(other)),
    }
}

/// Whether an operation is kept although the last recorded response was a failure.
///
/// A 403 does not count: it shows that the operation exists, and the status records it.
fn last_seen_failing(entry: &Entry) -> bool {
    matches!(entry.status, Status::Unverified | Status::Broken)
        && entry.evidence.seen.is_some_and(|seen| seen >= 400)
}

fn failed_row(key: &str, entry: &Entry) -> [String; 4] {
    let response = ObservedResponse {
        status: entry.evidence.seen.unwrap_or_default(),
        on: entry.evidence.on.clone(),
    };
    [
        code(key),
        status_and_date(&response),
        format!(
            "kept as `{}`, status {}",
            entry.id,
            status_name(entry.status)
        ),
        entry.notes.join(" "),
    ]
}

fn status_and_date(response: &ObservedResponse) -> String {
    match &response.on {
        Some(day) => format!("{} on {day}", response.status),
        None => response.status.to_string(),
    }
}

fn evidence_cell(evidence: &manifest::Evidence) -> String {
    let by = match evidence.by {
        EvidenceGrade::Live => "live",
        EvidenceGrade::OfficialClient => "official-client",
        EvidenceGrade::Document => "document",
    };
    let seen = evidence.seen.map(|seen| seen.to_string());
    let parts = [seen, evidence.on.clone(), Some(by.to_owned())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Works => "works",
        Status::Unverified => "unverified",
        Status::ForbiddenSeen => "forbidden-seen",
        Status::Broken => "broken",
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Formats a table row; escapes `|` in cells.
fn table_row(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

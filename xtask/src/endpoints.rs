//! `cargo xtask endpoints`: writes `docs/ENDPOINTS.md`, the table of all operations.
//!
//! All facts about the service come from `overrides/`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short};
use portkey_admin_codegen::manifest::{
    ApiVersion, Entry, Evidence, EvidenceGrade, Handwritten, Plane, Status,
};
use portkey_admin_codegen::paths::{ObservedResponse, Removal, Rename, Rules};
use portkey_admin_codegen::{Patched, Sources, manifest, patch};

use crate::atomic;

const HELP: &str = "\
Usage: cargo xtask endpoints [--check]

Writes docs/ENDPOINTS.md from overrides/: every operation with its method, its path, the documented
path if it differs, and the evidence for it.

Options:
  --check     Write nothing; fail if the file is out of date
  -h, --help  Print this help
";

const FILE: &str = "docs/ENDPOINTS.md";

const HEAD: &str = "\
# Endpoints

<!-- Written by `cargo xtask endpoints` from overrides/; edit those and run it again. -->

All known operations of the API, one table for each area (a Cargo feature).

- **method** is the method of `portkey_admin::Client`.
- **documented as** is a documented path at which the service does not serve the operation, with the
  status that this path returned; empty if documentation and service agree.
- **where** lists deviations from the default: `gateway` is the data plane, `public` needs no key, `v2`
  is served below `/v2` instead of `/v1`, and `by hand` is not generated.
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
    let sources = Sources::read(root)?;
    let text = render_page(&patch(&sources)?, &Rules::parse(&sources.paths)?)?;
    let file = root.join(FILE);
    let current = std::fs::read_to_string(&file).unwrap_or_default();
    if current == text {
        println!("{FILE} is up to date");
        return Ok(());
    }
    if check {
        bail!("{FILE} is stale: run `cargo xtask endpoints`");
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    atomic::replace_all(&[(&file, &text)])?;
    println!("{FILE} was written");
    Ok(())
}

/// Renders the page.
fn render_page(patched: &Patched, rules: &Rules) -> Result<String> {
    let documented = documented_paths(patched, rules)?;
    let mut text = HEAD.to_owned();
    let operations = patched.manifest.iter().count();
    for area in areas(patched) {
        let entries: Vec<_> = patched
            .manifest
            .iter()
            .filter(|(_, entry)| entry.area == area)
            .collect();
        text += &format!(
            "\n## `{area}`\n\n{} of {operations} operations.\n\n",
            entries.len()
        );
        text += "| operation | method | documented as | where | status | evidence |\n";
        text += "|---|---|---|---|---|---|\n";
        for (key, entry) in entries {
            let documented = documented.get(key).map_or("", String::as_str);
            text += &table_row(&operation_row(key, entry, documented));
        }
    }
    text += REMOVED_HEAD;
    for gone in rules.removals() {
        text += &removed_rows(gone, patched);
    }
    for (key, entry) in patched.manifest.iter() {
        if last_seen_failing(entry) {
            text += &table_row(&failed_row(key, entry));
        }
    }
    Ok(text)
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
        code(&entry.id),
        documented.to_owned(),
        location(entry),
        status_name(entry.status).to_owned(),
        evidence_cell(&entry.evidence),
    ]
}

/// Describes how an operation differs from the usual plane, API version and generated code.
fn location(entry: &Entry) -> String {
    let plane = match entry.plane {
        Plane::Control => None,
        Plane::Gateway => Some("gateway"),
        Plane::Public => Some("public"),
    };
    let base = match entry.base {
        ApiVersion::V1 => None,
        ApiVersion::V2 => Some("v2"),
    };
    let by_hand = entry.handwritten.map(|reason| match reason {
        Handwritten::Multipart => "by hand: multipart",
        Handwritten::EventStream => "by hand: event stream",
        Handwritten::Binary => "by hand: binary",
        Handwritten::Websocket => "by hand: websocket",
    });
    let parts: Vec<_> = [plane, base, by_hand].into_iter().flatten().collect();
    parts.join(", ")
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

fn evidence_cell(evidence: &Evidence) -> String {
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

//! `cargo xtask endpoints`: writes `docs/ENDPOINTS.md`, the table of every operation.
//!
//! All that it says about the service comes from `overrides/`; only the frame is written here.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short};
use portkey_admin_codegen::ledger::{Base, By, Entry, Evidence, Handwritten, Plane, Status};
use portkey_admin_codegen::paths::{Answer, Gone, Rename, Rules};
use portkey_admin_codegen::{Patched, Sources, ledger, patch};

use crate::atomic;

const HELP: &str = "\
Usage: cargo xtask endpoints [--check]

Writes docs/ENDPOINTS.md from overrides/: every operation with its method, its path, the documented
path where that differs, and what was seen of it.

Options:
  --check     Write nothing; fail if the file is not as it would be written
  -h, --help  Print this
";

const FILE: &str = "docs/ENDPOINTS.md";

const HEAD: &str = "\
# Endpoints

<!-- Written by `cargo xtask endpoints` from overrides/; edit those and run it again. -->

Every operation of the API that this project knows, one table for each area (a Cargo feature).

- **method** is the method of `portkey_admin::Client`.
- **documented as** is a path that documents give for the operation and that the service does not
  serve it at, with what that path answered; empty where documents and service agree.
- **where** says what is not usual: `gateway` is the data plane, `public` is asked for without a key,
  `v2` stands for `/v2` in the place of `/v1`, and `by hand` is not generated.
- **status** is `works`, `unverified` (nobody was seen to call it successfully), `forbidden-seen` (it
  exists: it answered 403) or `broken`.
- **evidence** is the status that was answered, where one was recorded; the day of the observation or
  of the source; and whose it is: `live` (the service, or a test against it), `official-client` or
  `document`.
";

const REST: &str = "
## What became of

Operations of older documents and tables that no longer exist in the form in which they were listed,
and operations that are kept although they were last seen to fail.

| operation | answered | today | remark |
|---|---|---|---|
";

/// Runs the command with what stands behind its name.
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
    let text = page(&patch(&sources)?, &Rules::parse(&sources.paths)?)?;
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

/// The whole page.
fn page(patched: &Patched, rules: &Rules) -> Result<String> {
    let documented = documented(patched, rules)?;
    let mut text = HEAD.to_owned();
    let operations = patched.ledger.iter().count();
    for area in areas(patched) {
        let entries: Vec<_> = patched
            .ledger
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
            text += &row(&operation(key, entry, documented));
        }
    }
    text += REST;
    for gone in rules.gone() {
        text += &rows_of_gone(gone, patched);
    }
    for (key, entry) in patched.ledger.iter() {
        if failed(entry) {
            text += &row(&kept(key, entry));
        }
    }
    Ok(text)
}

/// The areas in the order in which the ledger first names them.
fn areas(patched: &Patched) -> Vec<&str> {
    let mut areas = Vec::new();
    for (_, entry) in patched.ledger.iter() {
        if !areas.contains(&entry.area.as_str()) {
            areas.push(entry.area.as_str());
        }
    }
    areas
}

/// For each operation that a rename leads to: the paths that documents give for it.
fn documented(patched: &Patched, rules: &Rules) -> Result<HashMap<String, String>> {
    let renames: HashMap<&str, &Rename> = rules
        .renames()
        .iter()
        .map(|rename| (rename.place(), rename))
        .collect();
    let mut documented: HashMap<String, String> = HashMap::new();
    for outcome in &patched.path_outcomes {
        // An outcome without a tested path is that of a `gone` rule.
        let (Some(method), Some(tested)) = (outcome.method, &outcome.tested) else {
            continue;
        };
        let rename = renames
            .get(outcome.rule.as_str())
            .with_context(|| format!("{}: no such rule", outcome.rule))?;
        let cell = documented.entry(ledger::key(method, tested)).or_default();
        if !cell.is_empty() {
            cell.push_str(", ");
        }
        cell.push_str(&format!("`{}`", rename.from()));
        if let Some(answer) = &rename.evidence().documented {
            cell.push_str(&format!(" ({})", answered(answer)));
        }
    }
    Ok(documented)
}

fn operation(key: &str, entry: &Entry, documented: &str) -> [String; 6] {
    [
        code(key),
        code(&entry.id),
        documented.to_owned(),
        place(entry),
        status(entry.status).to_owned(),
        evidence(&entry.evidence),
    ]
}

/// What is not usual about where an operation is served and how it is called.
fn place(entry: &Entry) -> String {
    let plane = match entry.plane {
        Plane::Control => None,
        Plane::Gateway => Some("gateway"),
        Plane::Public => Some("public"),
    };
    let base = match entry.base {
        Base::V1 => None,
        Base::V2 => Some("v2"),
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

/// One row for each method of a path that is gone.
fn rows_of_gone(gone: &Gone, patched: &Patched) -> String {
    let operations = match gone.methods() {
        None => vec![gone.path().to_owned()],
        Some(methods) => methods
            .iter()
            .map(|method| ledger::key(method, gone.path()))
            .collect(),
    };
    let evidence = gone.evidence();
    let nothing = || "no failure was recorded".to_owned();
    let answered = evidence.answered.as_ref().map_or_else(nothing, answered);
    let today = gone
        .instead()
        .map_or_else(|| "gone".to_owned(), |key| successor(key, patched));
    let note = evidence.note.clone().unwrap_or_default();
    operations
        .iter()
        .map(|operation| {
            row(&[
                code(operation),
                answered.clone(),
                today.clone(),
                note.clone(),
            ])
        })
        .collect()
}

/// The operation in the place of one that is gone; it may not be known to work either.
fn successor(key: &str, patched: &Patched) -> String {
    let entry = ledger::split_key(key).and_then(|(method, path)| patched.ledger.get(method, path));
    match entry.map(|entry| entry.status) {
        Some(Status::Works) | None => format!("superseded by `{key}`"),
        Some(other) => format!("superseded by `{key}` ({})", status(other)),
    }
}

/// Whether an operation is kept although the last answer that was recorded is a failure.
///
/// A 403 shows that the operation exists, which its own status says.
fn failed(entry: &Entry) -> bool {
    matches!(entry.status, Status::Unverified | Status::Broken)
        && entry.evidence.seen.is_some_and(|seen| seen >= 400)
}

fn kept(key: &str, entry: &Entry) -> [String; 4] {
    let answer = Answer {
        status: entry.evidence.seen.unwrap_or_default(),
        on: entry.evidence.on.clone(),
    };
    [
        code(key),
        answered(&answer),
        format!("kept as `{}`, {} today", entry.id, status(entry.status)),
        entry.notes.join(" "),
    ]
}

fn answered(answer: &Answer) -> String {
    match &answer.on {
        Some(day) => format!("{} on {day}", answer.status),
        None => answer.status.to_string(),
    }
}

fn evidence(evidence: &Evidence) -> String {
    let by = match evidence.by {
        By::Live => "live",
        By::OfficialClient => "official-client",
        By::Document => "document",
    };
    let seen = evidence.seen.map(|seen| seen.to_string());
    let parts = [seen, evidence.on.clone(), Some(by.to_owned())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn status(status: Status) -> &'static str {
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

/// A row of a table; a bar in a cell would end the cell.
fn row(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

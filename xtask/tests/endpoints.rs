//! `cargo xtask endpoints`: the table is up to date and complete, and lists removed operations.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Operations of an older table of tested endpoints: method and path.
const OLDER_TABLE: &str = include_str!("data/endpoint-table.txt");

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn endpoints(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("--root")
        .arg(root)
        .arg("endpoints")
        .args(arguments)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Creates a project with a copy of the facts and no page.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for folder in ["openapi", "overrides"] {
        fs::create_dir(copy.path().join(folder)).unwrap();
        for file in fs::read_dir(project().join(folder)).unwrap() {
            let file = file.unwrap();
            let target = copy.path().join(folder).join(file.file_name());
            fs::copy(file.path(), target).unwrap();
        }
    }
    copy
}

/// Generates the page from the facts, independently of the one in `docs/`.
fn page() -> String {
    let copy = copy();
    let output = endpoints(copy.path(), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    fs::read_to_string(copy.path().join("docs/ENDPOINTS.md")).unwrap()
}

/// Removes the names of path parameters from `METHOD /path`.
fn without_parameter_names(operation: &str) -> String {
    let mut parts = operation.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "{}" + part.split_once('}').map_or("", |(_, rest)| rest)
    })
}

/// Returns the table rows in `text` by operation.
fn rows(text: &str) -> BTreeMap<String, &str> {
    text.lines()
        .filter_map(|line| {
            let (operation, _) = line.strip_prefix("| `")?.split_once('`')?;
            Some((without_parameter_names(operation), line))
        })
        .collect()
}

#[test]
fn page_is_up_to_date() {
    let output = endpoints(&project(), &["--check"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn check_reports_a_stale_page_and_does_not_write_it() {
    let copy = copy();
    let file = copy.path().join("docs/ENDPOINTS.md");
    let stale = "error: docs/ENDPOINTS.md is stale: run `cargo xtask endpoints`\n";

    let missing = endpoints(copy.path(), &["--check"]);
    assert_eq!(
        (missing.status.code(), stderr(&missing)),
        (Some(1), stale.to_owned())
    );
    assert!(!file.exists());

    assert!(endpoints(copy.path(), &[]).status.success());
    assert!(endpoints(copy.path(), &["--check"]).status.success());

    fs::write(&file, "old").unwrap();
    let old = endpoints(copy.path(), &["--check"]);
    assert_eq!(
        (old.status.code(), stderr(&old)),
        (Some(1), stale.to_owned())
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
}

#[test]
fn every_manifest_entry_has_a_row() {
    let manifest = fs::read_to_string(project().join("overrides/operations.yaml")).unwrap();
    let entries = manifest
        .lines()
        .filter(|line| line.ends_with(':') && line.contains(" /") && !line.starts_with([' ', '#']));
    let page = page();
    let (tables, _) = page
        .split_once("## Removed and failing operations")
        .unwrap();
    let mut count = 0;
    for entry in entries {
        let start = format!("| `{}` | `", entry.trim_end_matches(':'));
        let rows = tables.lines().filter(|line| line.starts_with(&start));
        assert_eq!(rows.count(), 1, "{entry}");
        count += 1;
    }
    assert_eq!(rows(tables).len(), count);
    assert!(page.contains(&format!(" of {count} operations.")));
}

#[test]
fn page_contains_the_older_table() {
    let page = page();
    let (tables, rest) = page
        .split_once("## Removed and failing operations")
        .unwrap();
    let (tables, rest) = (rows(tables), rows(rest));
    assert_eq!(OLDER_TABLE.lines().count(), 114);
    let moved: Vec<&str> = OLDER_TABLE
        .lines()
        .filter(|operation| !tables.contains_key(&without_parameter_names(operation)))
        .collect();
    assert_eq!(
        moved,
        ["GET /logs", "DELETE /integrations/{slug}/models/{modelId}"]
    );
    for operation in moved {
        assert!(
            rest.contains_key(&without_parameter_names(operation)),
            "{operation}"
        );
    }
}

#[test]
fn page_lists_removed_and_failing_operations() {
    let page = page();
    let (_, rest) = page
        .split_once("## Removed and failing operations")
        .unwrap();
    let rows = rows(rest);
    for (operation, facts) in [
        ("GET /logs", &["| 405 on 2026-04-14 |"][..]),
        (
            "GET /logs/{}",
            &["| 405 on 2026-04-14 |", "`get_log`", "status unverified"],
        ),
        (
            "DELETE /integrations/{}/models/{}",
            &[
                "| no failure recorded |",
                "superseded by `DELETE /integrations/{slug}/models`",
            ],
        ),
    ] {
        let row = rows[operation];
        for fact in facts {
            assert!(row.contains(fact), "{fact}: {row}");
        }
    }
}

#[test]
fn documented_paths_are_listed_beside_the_tested_ones() {
    let page = page();
    let rows = rows(&page);
    for (operation, documented) in [
        ("GET /admin/workspaces", "`/workspaces` (400 on 2025-12-31)"),
        (
            "PUT /prompts/{}/makeDefault",
            "`/prompts/{id}/publish` (404 on 2025-12-31)",
        ),
        ("POST /api-keys/{}/{}", "`/api-keys`"),
        ("POST /logs/exports/{}/start", "`/log-exports/{id}/start`"),
    ] {
        let row = rows[operation];
        assert!(row.contains(&format!(" | {documented} | ")), "{row}");
    }
}

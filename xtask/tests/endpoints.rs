//! `cargo xtask endpoints`: the pages are up to date and complete, list removed operations and write
//! out the evidence, whose citations must resolve.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;

use support::{copy_of_facts, repository, stderr};

/// Operations of an older table of tested endpoints: method and path.
const OLDER_TABLE: &str = include_str!("data/endpoint-table.txt");

fn endpoints(root: &Path, arguments: &[&str]) -> Output {
    support::xtask(root, &[&["endpoints"], arguments].concat())
}

/// The pages, generated from the facts, independently of those in `docs/`.
static PAGES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let copy = copy_of_facts();
    let output = endpoints(copy.path(), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let files = fs::read_dir(copy.path().join("docs/endpoints")).unwrap();
    files
        .map(|file| file.unwrap())
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read_to_string(file.path()).unwrap())
        })
        .collect()
});

fn index() -> &'static str {
    &PAGES["README.md"]
}

/// Returns the section of an operation on a page.
fn section_of<'a>(page: &'a str, method: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n## `{method}`\n")).unwrap();
    rest.split_once("\n## ")
        .map_or(rest, |(section, _)| section)
}

/// Returns the standard error without the warnings.
fn errors(output: &Output) -> String {
    let text = stderr(output);
    let lines = text.lines().filter(|line| !line.starts_with("warning: "));
    lines.map(|line| format!("{line}\n")).collect()
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
fn pages_are_up_to_date() {
    let output = endpoints(&repository(), &["--check"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn check_reports_stale_pages_and_does_not_write_them() {
    let copy = copy_of_facts();
    let folder = copy.path().join("docs/endpoints");
    let file = folder.join("users.md");

    let missing = endpoints(copy.path(), &["--check"]);
    assert_eq!(missing.status.code(), Some(1));
    let message = errors(&missing);
    let start = "error: docs/endpoints/ is stale (README.md, users.md, workspaces.md, ";
    assert!(message.starts_with(start), "{message}");
    assert!(!folder.exists());

    assert!(endpoints(copy.path(), &[]).status.success());
    assert!(endpoints(copy.path(), &["--check"]).status.success());

    fs::write(&file, "old").unwrap();
    fs::write(folder.join("zoo.md"), "no such area").unwrap();
    let old = endpoints(copy.path(), &["--check"]);
    let stale = "error: docs/endpoints/ is stale (users.md, zoo.md): run `cargo xtask endpoints`\n";
    assert_eq!(
        (old.status.code(), errors(&old)),
        (Some(1), stale.to_owned())
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");

    assert!(endpoints(copy.path(), &[]).status.success());
    assert!(!folder.join("zoo.md").exists());
    assert!(endpoints(copy.path(), &["--check"]).status.success());
}

#[test]
fn unresolved_citation_fails_with_its_place_and_writes_nothing() {
    let copy = copy_of_facts();
    let code = copy.path().join("src");
    fs::create_dir(&code).unwrap();
    let id = "M999";
    fs::write(code.join("lib.rs"), format!("// One.\n// Two ({id}).\n")).unwrap();
    for arguments in [&[][..], &["--check"]] {
        let output = endpoints(copy.path(), arguments);
        let message =
            format!("error: src/lib.rs:2: `{id}` is not a fact of overrides/evidence.yaml\n");
        assert_eq!((output.status.code(), errors(&output)), (Some(1), message));
    }
    assert!(!copy.path().join("docs").exists());
}

#[test]
fn facts_without_a_citation_are_a_warning() {
    let copy = copy_of_facts();
    let file = copy.path().join("overrides/evidence.yaml");
    let fact =
        "\n  A999: {fact: It works., source: {docs: whole}, on: 2026-01-02, grade: document}\n";
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text + fact).unwrap();
    let output = endpoints(copy.path(), &[]);
    assert!(output.status.success());
    let start = "warning: overrides/evidence.yaml: facts without a citation: ";
    let warning = stderr(&output);
    assert!(warning.starts_with(start), "{warning}");
    assert!(warning.trim_end().ends_with("A999"), "{warning}");
}

#[test]
fn page_of_an_area_writes_out_the_facts_of_each_operation() {
    let page = &PAGES["api_keys.md"];
    let section = section_of(page, "update_api_key");
    for line in [
        "- **Request:** `PUT /api-keys/{id}`",
        "- **Status:** works",
        "- **Access:** organisation and workspace keys; scope ",
        // A fact of the manifest entry.
        "- **M161** (live, ",
        // A fact of an overlay action on the operation, and one on a schema that it refers to.
        "- **M019** (",
        "- **M005** (",
        "](https://github.com/Portkey-AI/terraform-provider-portkey/blob/e725881/internal/client/",
    ] {
        assert!(section.contains(line), "{line}\n{section}");
    }
    let create = section_of(page, "create_api_key");
    assert!(
        create.contains("- **Documented as:** `/api-keys`"),
        "{create}"
    );
}

#[test]
fn every_method_has_a_section_on_the_page_that_its_rustdoc_names() {
    let mut count = 0;
    for row in index().lines().filter(|line| line.contains(".md#")) {
        let (_, link) = row.split_once("](").unwrap();
        let (name, rest) = link.split_once('#').unwrap();
        let (method, _) = rest.split_once(')').unwrap();
        assert!(PAGES[name].contains(&format!("\n## `{method}`\n")), "{row}");
        count += 1;
    }
    let manifest = fs::read_to_string(repository().join("overrides/operations.yaml")).unwrap();
    let ids = manifest.lines().filter(|line| line.starts_with("  id: "));
    assert_eq!(count, ids.count());
}

#[test]
fn every_manifest_entry_has_a_row() {
    let manifest = fs::read_to_string(repository().join("overrides/operations.yaml")).unwrap();
    let entries = manifest
        .lines()
        .filter(|line| line.ends_with(':') && line.contains(" /") && !line.starts_with([' ', '#']));
    let page = index();
    let (tables, _) = page
        .split_once("## Removed and failing operations")
        .unwrap();
    let mut count = 0;
    for entry in entries {
        let start = format!("| `{}` | [`", entry.trim_end_matches(':'));
        let rows = tables.lines().filter(|line| line.starts_with(&start));
        assert_eq!(rows.count(), 1, "{entry}");
        count += 1;
    }
    assert_eq!(rows(tables).len(), count);
    assert!(page.contains(&format!(" of {count} operations.")));
}

#[test]
fn operations_that_are_left_out_are_on_a_page_of_their_own_with_the_reason() {
    assert!(index().contains("](left-out.md)"));
    let page = &PAGES["left-out.md"];
    let row = |operation: &str| {
        let operation = format!("`{operation}`");
        let mut rows = page.lines().filter(|line| line.contains(&operation));
        let row = rows.next().unwrap_or_else(|| panic!("{operation}"));
        row.split(" | ").map(str::to_owned).collect::<Vec<_>>()
    };
    let cells = row("PUT /v2/integrations/{organisationIntegrationId}");
    assert_eq!(cells[1], "It takes the body of `update_plugin`.");
    assert!(cells[2].starts_with("Portkey-AI/openapi "), "{}", cells[2]);
    assert!(row("POST /otel/v1/traces")[1].contains("OTLP"));
    assert_eq!(rows(page).len(), 39);
}

#[test]
fn operation_of_the_client_that_is_left_out_fails() {
    let copy = copy_of_facts();
    let file = copy.path().join("overrides/left-out.yaml");
    let entry = "\n- {operations: [GET /api-keys], reason: None., source: {docs: whole}}\n";
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text + entry).unwrap();
    let output = endpoints(copy.path(), &[]);
    assert!(!output.status.success());
    let problem = "overrides/left-out.yaml: `GET /api-keys` is in overrides/operations.yaml";
    assert!(stderr(&output).contains(problem), "{}", stderr(&output));
}

#[test]
fn index_contains_the_older_table() {
    let page = index();
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
fn index_lists_removed_and_failing_operations() {
    let page = index();
    let (_, rest) = page
        .split_once("## Removed and failing operations")
        .unwrap();
    let rows = rows(rest);
    for (operation, facts) in [
        ("GET /logs", &["| 405 on 2025-12-31 |"][..]),
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
    let page = index();
    let rows = rows(page);
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

#[test]
fn numbers_of_operations_in_the_tables_of_areas_are_updated() {
    let copy = copy_of_facts();
    let row = |area: &str, count: &str| format!("| {area} | {count} | words \u{2014} and `7` |\n");
    let table = |lines: [String; 3]| format!("# Areas\n\n| `x` | y |\n{}| 3 |\n", lines.concat());
    let old = table([
        row("`api_keys`", "1"),
        row("`none`", "2"),
        row("`audit`", "9"),
    ]);
    let doc = |text: &str| text.replace("| `", "//! | [`").replace("` | ", "`] | ");
    fs::create_dir(copy.path().join("src")).unwrap();
    fs::write(copy.path().join("README.md"), &old).unwrap();
    fs::write(copy.path().join("src/lib.rs"), doc(&old)).unwrap();

    assert!(endpoints(copy.path(), &[]).status.success());
    let new = table([row("`api_keys`", "7"), String::new(), row("`audit`", "1")]);
    let read = |name: &str| fs::read_to_string(copy.path().join(name)).unwrap();
    assert_eq!(read("README.md"), new);
    assert_eq!(read("src/lib.rs"), doc(&new));
    assert!(endpoints(copy.path(), &["--check"]).status.success());

    fs::write(copy.path().join("README.md"), &old).unwrap();
    let output = endpoints(copy.path(), &["--check"]);
    assert!(!output.status.success());
    assert!(
        stderr(&output).contains("README.md are stale"),
        "{}",
        stderr(&output)
    );
}

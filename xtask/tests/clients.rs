//! `cargo xtask clients`: the table is up to date and complete, and contains the recorded calls.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

use support::{copy_of_facts, repository, stderr};

fn clients(root: &Path, arguments: &[&str]) -> Output {
    support::xtask(root, &[&["clients"], arguments].concat())
}

/// Creates a project with a copy of the facts, the given SDK calls, and no page.
fn copy(python: &str, node: &str) -> tempfile::TempDir {
    let copy = copy_of_facts();
    let called = copy.path().join("tests/interop/called");
    fs::create_dir_all(&called).unwrap();
    fs::write(called.join("python.txt"), python).unwrap();
    fs::write(called.join("node.txt"), node).unwrap();
    copy
}

#[test]
fn page_is_up_to_date() {
    let output = clients(&repository(), &["--check"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn check_reports_a_stale_page_and_does_not_write_it() {
    let copy = copy("list_users\n", "");
    let file = copy.path().join("docs/CLIENTS.md");
    let check = || clients(copy.path(), &["--check"]);
    let stale = "error: docs/CLIENTS.md is stale: run `cargo xtask clients`\n";
    assert_eq!(stderr(&check()), stale);
    assert!(!file.exists());
    assert!(clients(copy.path(), &[]).status.success());
    assert!(check().status.success());
    let called = copy.path().join("tests/interop/called/node.txt");
    fs::write(called, "list_users\n").unwrap();
    assert_eq!(stderr(&check()), stale);
}

#[test]
fn every_admin_operation_has_a_row_with_its_callers() {
    let copy = copy("get_user\nlist_users\n", "list_users\n");
    assert!(clients(copy.path(), &[]).status.success());
    let page = fs::read_to_string(copy.path().join("docs/CLIENTS.md")).unwrap();
    for row in [
        "| `GET /admin/users` | `list_users` | yes | yes | yes |",
        "| `GET /admin/users/{userId}` | `get_user` | yes | yes |  |",
        "| `DELETE /admin/users/{userId}` | `delete_user` | yes |  |  |",
    ] {
        assert!(page.contains(row), "{row}");
    }
    let manifest = fs::read_to_string(repository().join("overrides/operations.yaml")).unwrap();
    let areas = manifest.lines().filter(|line| line.starts_with("  area: "));
    let count = areas.filter(|line| !line.ends_with(" gateway")).count();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), count);
    assert!(page.contains(&format!("{count} operations; Python called 2, Node 1.")));
}

#[test]
fn unknown_operation_is_named_in_the_error() {
    let copy = copy("list_users\n", "invent_user\n");
    let output = clients(copy.path(), &[]);
    let error = "error: tests/interop/called/node.txt: unknown operation `invent_user`\n";
    assert_eq!(stderr(&output), error);
}

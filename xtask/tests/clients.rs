//! `cargo xtask clients`: the table is up to date and complete, and contains the recorded calls.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn clients(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("--root")
        .arg(root)
        .arg("clients")
        .args(arguments)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Creates a project with a copy of the facts, the given SDK calls, and no page.
fn copy(python: &str, node: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for folder in ["openapi", "overrides"] {
        fs::create_dir(copy.path().join(folder)).unwrap();
        for file in fs::read_dir(project().join(folder)).unwrap() {
            let file = file.unwrap();
            let target = copy.path().join(folder).join(file.file_name());
            fs::copy(file.path(), target).unwrap();
        }
    }
    let called = copy.path().join("tests/interop/called");
    fs::create_dir_all(&called).unwrap();
    fs::write(called.join("python.txt"), python).unwrap();
    fs::write(called.join("node.txt"), node).unwrap();
    copy
}

#[test]
fn page_is_up_to_date() {
    let output = clients(&project(), &["--check"]);
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
    let manifest = fs::read_to_string(project().join("overrides/operations.yaml")).unwrap();
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

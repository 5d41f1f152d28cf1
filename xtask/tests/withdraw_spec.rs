//! `.ci/withdraw-spec`, with a substitute for GitHub's `gh`.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

const LIST: &str =
    "pr list --head spec-drift --base trunk --state open --json number --jq .[0].number // empty";

/// Prepares a run of the script, and returns the file to which the calls of `gh` are written.
fn withdraw(folder: &Path, open: &str) -> (Command, PathBuf) {
    let calls = folder.join("calls");
    let mut command = Command::new(support::repository().join(".ci/withdraw-spec"));
    let path = support::path_with_fake_commands();
    command.env("PATH", path).env("BASE", "trunk");
    command.env("GH_TOKEN", "none").env("OPEN", open);
    command.env("CALLS", &calls);
    (command, calls)
}

/// Runs the script successfully and returns the calls of `gh`.
fn calls(open: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (mut command, calls) = withdraw(folder.path(), open);
    assert!(command.status().unwrap().success());
    let calls = std::fs::read_to_string(calls).unwrap();
    calls.lines().map(str::to_owned).collect()
}

#[test]
fn open_pull_request_is_closed_with_a_reason() {
    let calls = calls("7");
    let [list, close] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!(list, LIST);
    let reason = close.strip_prefix("pr close 7 --comment ").unwrap();
    assert!(reason.contains("`openapi/` on `trunk`"), "{reason}");
}

#[test]
fn nothing_is_closed_without_an_open_pull_request() {
    assert_eq!(calls(""), [LIST]);
}

#[test]
fn gh_is_not_called_without_a_token_or_base() {
    for variable in ["GH_TOKEN", "BASE"] {
        let folder = tempfile::tempdir().unwrap();
        let (mut command, calls) = withdraw(folder.path(), "7");
        let output = command.env_remove(variable).output().unwrap();
        assert!(!output.status.success());
        let problem = String::from_utf8(output.stderr).unwrap();
        assert!(problem.contains(variable), "{problem}");
        assert!(!calls.exists());
    }
}

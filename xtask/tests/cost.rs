//! `cargo xtask cost`, except for the builds.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn xtask(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn help_lists_every_option() {
    let output = xtask(&["cost", "--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for option in ["--only", "--runs", "--cold-runs", "--markdown"] {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[test]
fn top_level_help_lists_the_command() {
    let output = xtask(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("cost "), "{help}");
}

#[test]
fn invalid_option_is_an_error_of_one_line() {
    let output = xtask(&["cost", "--only", "z"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "error: --only: expected a, b, c or d, found `z`\n"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn folder_without_a_project_is_rejected_before_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let output = xtask(&["--root", folder.path().to_str().unwrap(), "cost"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).ends_with("Cargo.toml: not found\n"),
        "{}",
        stderr(&output)
    );
    assert!(output.stdout.is_empty());
}

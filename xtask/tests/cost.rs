//! `cargo xtask cost`, as far as it goes without building anything.
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
fn help_names_every_option() {
    let output = xtask(&["cost", "--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for option in ["--only", "--runs", "--cold-runs", "--markdown"] {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[test]
fn the_commands_help_leads_here() {
    let output = xtask(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("cost "), "{help}");
}

#[test]
fn a_bad_option_is_one_line_and_a_failure() {
    let output = xtask(&["cost", "--only", "z"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "error: --only: `z` is none of a, b, c, d\n"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn a_folder_without_a_project_is_refused_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let output = xtask(&["--root", folder.path().to_str().unwrap(), "cost"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).ends_with("Cargo.toml: no such file\n"),
        "{}",
        stderr(&output)
    );
    assert!(output.stdout.is_empty());
}

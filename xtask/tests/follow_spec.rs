//! `.ci/follow-spec`, with a substitute for `cargo` and a local repository.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A repository with a vendored document.
struct Repository(TempDir);

/// Result of a run of the script.
struct ScriptResult {
    stdout: String,
    calls: Vec<String>,
    report: String,
}

impl Repository {
    fn new() -> Self {
        let new = Self(tempfile::tempdir().unwrap());
        for folder in [".ci", "openapi"] {
            fs::create_dir_all(new.path("repository").join(folder)).unwrap();
        }
        let script = support::repository().join(".ci/follow-spec");
        fs::copy(script, new.path("repository/.ci/follow-spec")).unwrap();
        fs::write(new.path("repository/openapi/portkey.yaml"), "old\n").unwrap();
        for arguments in [
            "init --quiet",
            "add --all",
            "commit --quiet --message Begin",
        ] {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=somebody"]);
            git.args(["-c", "user.email=some@body.example"]);
            git.args(arguments.split(' '));
            let status = git.current_dir(new.path("repository")).status().unwrap();
            assert!(status.success(), "{arguments}");
        }
        new
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the script. `upstream` is the document that upstream has published, and `failing` the
    /// command that fails; both may be empty.
    fn run(&self, upstream: &str, failing: &str) -> Output {
        fs::write(self.path("calls"), "").unwrap();
        let path = support::path_with_fake_commands();
        let mut script = Command::new(self.path("repository/.ci/follow-spec"));
        script.arg(self.path("report")).args(["--url", "there"]);
        script.env("PATH", path).env("CALLS", self.path("calls"));
        script.env("UPSTREAM", upstream).env("FAILING", failing);
        script.output().unwrap()
    }

    fn follow(&self, upstream: &str, failing: &str) -> ScriptResult {
        let output = self.run(upstream, failing);
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{problem}");
        ScriptResult {
            stdout: String::from_utf8(output.stdout).unwrap(),
            calls: self.calls(),
            report: fs::read_to_string(self.path("report")).unwrap(),
        }
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap();
        calls.lines().map(str::to_owned).collect()
    }

    fn sync_spec_call(&self) -> String {
        let report = self.path("report").canonicalize().unwrap();
        let report = report.display();
        format!("sync-spec --prune --format markdown --output {report} --url there")
    }
}

#[test]
fn unchanged_document_is_not_drift() {
    let repository = Repository::new();
    let result = repository.follow("old", "");
    assert_eq!(result.stdout, "drifted=false\n");
    assert_eq!(result.calls, [repository.sync_spec_call()]);
    assert_eq!(result.report, "What changed\n");
}

#[test]
fn changed_document_updates_the_generated_files() {
    let repository = Repository::new();
    let result = repository.follow("new", "");
    assert_eq!(result.stdout, "drifted=true\n");
    let calls = [
        repository.sync_spec_call(),
        "endpoints".into(),
        "api".into(),
    ];
    assert_eq!(result.calls, calls);
    assert_eq!(result.report, "What changed\n");
    let document = repository.path("repository/openapi/portkey.yaml");
    assert_eq!(fs::read_to_string(document).unwrap(), "new\n");
}

#[test]
fn failing_command_is_added_to_the_report() {
    for (failing, other) in [("endpoints", "api"), ("api", "endpoints")] {
        let repository = Repository::new();
        let result = repository.follow("new", failing);
        assert_eq!(result.stdout, "drifted=true\n");
        assert_eq!(result.calls.len(), 3, "{:?}", result.calls);
        let report = result.report;
        let hint = |command: &str| format!("Run `cargo xtask {command}` again");
        assert!(report.starts_with("What changed\n"), "{report}");
        assert!(report.contains(&hint(failing)), "{report}");
        assert!(
            report.contains(&format!("\n    {failing} does not fit\n")),
            "{report}"
        );
        assert!(!report.contains(&hint(other)), "{report}");
    }
}

#[test]
fn unreadable_document_is_an_error() {
    let repository = Repository::new();
    let output = repository.run("new", "sync-spec");
    assert!(!output.status.success());
    assert_eq!(output.stdout, b"");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(problem.contains("sync-spec does not fit"), "{problem}");
    assert_eq!(repository.calls().len(), 1);
}

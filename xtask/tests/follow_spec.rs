//! `.ci/follow-spec`, with a stand-in for `cargo` and a repository in a folder.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A repository with a vendored document.
struct Repository(TempDir);

/// What the script has said and done.
struct Followed {
    said: String,
    calls: Vec<String>,
    report: String,
}

impl Repository {
    fn new() -> Self {
        let new = Self(tempfile::tempdir().unwrap());
        for folder in [".ci", "openapi"] {
            fs::create_dir_all(new.path("repository").join(folder)).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/follow-spec");
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
            let done = git.current_dir(new.path("repository")).status().unwrap();
            assert!(done.success(), "{arguments}");
        }
        new
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the script where upstream has published a document (none if it is empty) and a command
    /// fails (none if it is empty).
    fn run(&self, upstream: &str, failing: &str) -> Output {
        fs::write(self.path("calls"), "").unwrap();
        let stand_ins = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/stand-ins");
        let mut path = stand_ins.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let mut script = Command::new(self.path("repository/.ci/follow-spec"));
        script.arg(self.path("report")).args(["--url", "there"]);
        script.env("PATH", path).env("CALLS", self.path("calls"));
        script.env("UPSTREAM", upstream).env("FAILING", failing);
        script.output().unwrap()
    }

    fn follow(&self, upstream: &str, failing: &str) -> Followed {
        let output = self.run(upstream, failing);
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{problem}");
        Followed {
            said: String::from_utf8(output.stdout).unwrap(),
            calls: self.calls(),
            report: fs::read_to_string(self.path("report")).unwrap(),
        }
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap();
        calls.lines().map(str::to_owned).collect()
    }

    fn synchronize(&self) -> String {
        let report = self.path("report").canonicalize().unwrap();
        let report = report.display();
        format!("sync-spec --format markdown --output {report} --url there")
    }
}

#[test]
fn a_document_that_is_the_same_is_no_drift() {
    let repository = Repository::new();
    let followed = repository.follow("old", "");
    assert_eq!(followed.said, "drifted=false\n");
    assert_eq!(followed.calls, [repository.synchronize()]);
    assert_eq!(followed.report, "What changed\n");
}

#[test]
fn what_is_made_from_another_document_is_written_anew() {
    let repository = Repository::new();
    let followed = repository.follow("new", "");
    assert_eq!(followed.said, "drifted=true\n");
    let calls = [repository.synchronize(), "endpoints".into(), "api".into()];
    assert_eq!(followed.calls, calls);
    assert_eq!(followed.report, "What changed\n");
    let document = repository.path("repository/openapi/portkey.yaml");
    assert_eq!(fs::read_to_string(document).unwrap(), "new\n");
}

#[test]
fn what_does_not_fit_another_document_is_in_the_report() {
    for (failing, other) in [("endpoints", "api"), ("api", "endpoints")] {
        let repository = Repository::new();
        let followed = repository.follow("new", failing);
        assert_eq!(followed.said, "drifted=true\n");
        assert_eq!(followed.calls.len(), 3, "{:?}", followed.calls);
        let report = followed.report;
        let again = |command: &str| format!("`cargo xtask {command}` has to be run again");
        assert!(report.starts_with("What changed\n"), "{report}");
        assert!(report.contains(&again(failing)), "{report}");
        assert!(
            report.contains(&format!("\n    {failing} does not fit\n")),
            "{report}"
        );
        assert!(!report.contains(&again(other)), "{report}");
    }
}

#[test]
fn a_document_that_cannot_be_read_is_no_answer() {
    let repository = Repository::new();
    let output = repository.run("new", "sync-spec");
    assert!(!output.status.success());
    assert_eq!(output.stdout, b"");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(problem.contains("sync-spec does not fit"), "{problem}");
    assert_eq!(repository.calls().len(), 1);
}

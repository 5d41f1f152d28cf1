//! `.ci/propose-spec`, with a substitute for GitHub's `gh` and a local repository as the origin.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

const BOT: &str = "github-actions[bot]";

/// An origin with the branch `trunk`, and a clone of it in which `openapi/` has changed.
struct Repositories {
    folder: TempDir,
}

impl Repositories {
    fn new() -> Self {
        let new = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        new.git(".", &["init", "--quiet", "--bare", "origin"]);
        new.git(".", &["clone", "--quiet", "origin", "clone"]);
        new.git("clone", &["switch", "--quiet", "--create", "trunk"]);
        let script = support::repository().join(".ci/propose-spec");
        for folder in [".ci", "openapi", "overrides", "api", "docs", "src"] {
            fs::create_dir(new.path("clone").join(folder)).unwrap();
            fs::write(new.path("clone").join(folder).join("file"), "old").unwrap();
        }
        for file in ["README.md", "src/lib.rs"] {
            fs::write(new.path("clone").join(file), "old").unwrap();
        }
        fs::copy(script, new.path("clone/.ci/propose-spec")).unwrap();
        new.commit("Begin");
        new.git("clone", &["push", "--quiet", "origin", "trunk"]);
        new.change("new");
        new
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `git` in one of the repositories and returns its output.
    fn git(&self, repository: &str, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=somebody",
            "-c",
            "user.email=some@body.example",
        ]);
        git.args(arguments).current_dir(self.path(repository));
        let output = git.output().unwrap();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {problem}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git("clone", &["add", "--all"]);
        self.git("clone", &["commit", "--quiet", "--message", message]);
    }

    /// Changes the document in the clone, starting from `trunk`.
    fn change(&self, text: &str) {
        self.git("clone", &["switch", "--quiet", "trunk"]);
        fs::write(self.path("clone/openapi/file"), text).unwrap();
    }

    /// Returns the subjects of the commits on a branch of the origin since `trunk`, each with its
    /// files.
    fn commits(&self, branch: &str) -> Vec<String> {
        let range = format!("trunk..{branch}");
        let format = "--format=%s:";
        let log = self.git(
            "origin",
            &["log", "--reverse", "--name-status", format, &range],
        );
        let lines = log.lines().filter(|line| !line.is_empty());
        lines.map(|line| line.replace('\t', " ")).collect()
    }

    /// Runs the script while the pull request `open` is open; returns the calls of `gh`.
    fn propose(&self, base: &str, open: &str) -> Result<String, String> {
        let (report, calls) = (self.path("report"), self.path("calls"));
        fs::write(&report, "What changed").unwrap();
        fs::write(&calls, "").unwrap();
        let path = support::path_with_fake_commands();
        let mut script = Command::new(self.path("clone/.ci/propose-spec"));
        script.arg(&report).env("PATH", path);
        script.env("BASE", base).env("GH_TOKEN", "none");
        script.env("OPEN", open).env("CALLS", &calls);
        script.env_remove("GITHUB_STEP_SUMMARY");
        let output = script.output().unwrap();
        match output.status.success() {
            true => Ok(fs::read_to_string(calls).unwrap()),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    }

    /// Returns the document on a branch of the origin, and the author of its last commit.
    fn proposed(&self, branch: &str) -> (String, String) {
        let file = self.git("origin", &["show", &format!("{branch}:openapi/file")]);
        (
            file,
            self.git("origin", &["log", "-1", "--format=%an", branch]),
        )
    }
}

fn document_by(author: &str, text: &str) -> (String, String) {
    (text.to_owned(), author.to_owned())
}

#[test]
fn pull_request_is_opened_once_and_then_updated() {
    let repositories = Repositories::new();
    let trunk = repositories.git("origin", &["rev-parse", "trunk"]);

    let calls = repositories.propose("trunk", "").unwrap();
    assert!(
        calls.contains("pr create --head spec-drift --base trunk"),
        "{calls}"
    );
    assert!(
        calls.contains("workflow run ci.yml --ref spec-drift"),
        "{calls}"
    );
    assert_eq!(repositories.proposed("spec-drift"), document_by(BOT, "new"));

    repositories.change("newer");
    let calls = repositories.propose("trunk", "7").unwrap();
    assert!(
        calls.contains("pr edit 7") && !calls.contains("pr create"),
        "{calls}"
    );
    assert_eq!(
        repositories.proposed("spec-drift"),
        document_by(BOT, "newer")
    );

    assert_eq!(repositories.git("origin", &["rev-parse", "trunk"]), trunk);
}

#[test]
fn removed_overrides_and_regenerated_files_have_commits_of_their_own() {
    let repositories = Repositories::new();
    let overrides = repositories.path("clone/overrides");
    fs::remove_file(overrides.join("file")).unwrap();
    fs::write(repositories.path("clone/docs/file"), "new").unwrap();
    fs::write(repositories.path("clone/src/lib.rs"), "new").unwrap();
    repositories.propose("trunk", "").unwrap();
    let expected = [
        "Update Portkey's OpenAPI document:",
        "M openapi/file",
        "Remove overrides that the OpenAPI document makes unnecessary:",
        "D overrides/file",
        "Regenerate the files derived from the OpenAPI document:",
        "M docs/file",
        "M src/lib.rs",
    ];
    assert_eq!(repositories.commits("spec-drift"), expected);
}

#[test]
fn commit_without_changes_is_left_out() {
    let repositories = Repositories::new();
    fs::write(repositories.path("clone/api/file"), "new").unwrap();
    repositories.propose("trunk", "").unwrap();
    let expected = [
        "Update Portkey's OpenAPI document:",
        "M openapi/file",
        "Regenerate the files derived from the OpenAPI document:",
        "M api/file",
    ];
    assert_eq!(repositories.commits("spec-drift"), expected);
}

#[test]
fn commits_by_others_on_the_branch_are_kept() {
    let repositories = Repositories::new();
    repositories.propose("trunk", "").unwrap();
    fs::write(repositories.path("clone/openapi/file"), "repaired").unwrap();
    repositories.commit("Repair");
    repositories.git("clone", &["push", "--quiet", "origin", "spec-drift"]);

    repositories.change("newer");
    let calls = repositories.propose("trunk", "7").unwrap();
    assert!(calls.contains("pr edit 7"), "{calls}");
    assert_eq!(
        repositories.proposed("spec-drift"),
        document_by("somebody", "repaired")
    );
}

#[test]
fn branch_is_not_merged_into_itself() {
    let problem = Repositories::new().propose("spec-drift", "").unwrap_err();
    assert!(
        problem.contains("cannot be merged into itself"),
        "{problem}"
    );
}

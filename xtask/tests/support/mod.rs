//! A temporary project, and runs of the command in it.
#![allow(dead_code, reason = "each test file uses only some of these")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use portkey_admin_codegen::overlay::Overlay;
use portkey_admin_codegen::paths::Rules;
use portkey_admin_codegen::{Source, document, manifest};
use serde_json::Value;
use tempfile::TempDir;

/// Returns the root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a command on a project.
pub fn xtask(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("--root").arg(root).args(arguments);
    command.output().unwrap()
}

/// Creates a project with a copy of `openapi/` and `overrides/`, and nothing else.
pub fn copy_of_facts() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for folder in ["openapi", "overrides"] {
        std::fs::create_dir(copy.path().join(folder)).unwrap();
        for file in std::fs::read_dir(repository().join(folder)).unwrap() {
            let file = file.unwrap();
            let target = copy.path().join(folder).join(file.file_name());
            std::fs::copy(file.path(), target).unwrap();
        }
    }
    copy
}

/// Returns a `PATH` that starts with the substitutes for `cargo` and `gh`.
pub fn path_with_fake_commands() -> OsString {
    let mut path = repository()
        .join("xtask/tests/data/fake-commands")
        .into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    path
}

/// A project in a temporary folder, with an input file.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// Creates a project with empty overrides and without a document.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["openapi", "overrides"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let project = Self { folder };
        project.write("overrides/paths.yaml", "rename: []\ngone: []\n");
        project.write("overrides/operations.yaml", "{}\n");
        project
    }

    /// Creates a project that has vendored a document, with a manifest entry for each operation.
    pub fn with_document(text: &str) -> Self {
        let project = Self::new();
        let output = project.sync(text, &[]);
        assert!(output.status.success(), "{}", stderr(&output));
        project.complete_manifest();
        project
    }

    /// Writes a manifest with an entry for every operation of the patched document.
    pub fn complete_manifest(&self) {
        let source = |name: &str| Source {
            name: name.to_owned(),
            text: self.read(name),
        };
        let mut patched = document::parse("document", &self.read("openapi/portkey.yaml")).unwrap();
        let rules = Rules::parse(&source("overrides/paths.yaml")).unwrap();
        rules.apply(&mut patched).unwrap();
        for name in self.overlays() {
            let overlay = Overlay::parse(&source(&format!("overrides/{name}"))).unwrap();
            overlay.apply(&mut patched).unwrap();
        }
        self.write("overrides/operations.yaml", &manifest_of(&patched));
    }

    fn overlays(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("overrides")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names
            .filter(|name| name.ends_with(".overlay.yaml"))
            .collect();
        names.sort();
        names
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Creates the command with its arguments, without a proxy.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        for scheme in ["http", "https", "all", "no"] {
            command.env_remove(format!("{scheme}_proxy"));
            command.env_remove(format!("{}_PROXY", scheme.to_uppercase()));
        }
        command.arg("--root").arg(self.root()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Writes `text` to a file and runs `sync-spec` on it.
    pub fn sync(&self, text: &str, more: &[&str]) -> Output {
        self.write("input.yaml", text);
        self.sync_from(&self.path("input.yaml"), more)
    }

    pub fn sync_from(&self, from: &Path, more: &[&str]) -> Output {
        let mut arguments = vec!["sync-spec", "--from", from.to_str().unwrap()];
        arguments.extend(more);
        self.run(&arguments)
    }

    /// Runs `sync-spec --check` on a document and returns the output. Parts that differ between
    /// runs (the folder, the date) are replaced by a fixed word.
    pub fn check(&self, text: &str, format: &str) -> String {
        let output = self.sync(text, &["--check", "--format", format]);
        let report = stdout(&output);
        assert!(
            matches!(output.status.code(), Some(0 | 4)),
            "{}",
            stderr(&output)
        );
        let input = self.path("input.yaml");
        let report = report.replace(input.to_str().unwrap(), "NEW");
        let days = [-1, 0].map(|hours| {
            let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
            now.strftime("%F").to_string()
        });
        days.iter()
            .fold(report, |report, day| report.replace(day, "TODAY"))
    }

    /// Runs `sync-spec --check` on a document and returns the JSON report.
    pub fn check_json(&self, text: &str) -> Value {
        serde_json::from_str(&self.check(text, "json")).unwrap()
    }

    /// Returns name, content and modification time of every file in `openapi/`.
    pub fn state(&self) -> Vec<(String, Vec<u8>, std::time::SystemTime)> {
        let mut state: Vec<_> = std::fs::read_dir(self.path("openapi"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                let modified = entry.metadata().unwrap().modified().unwrap();
                (name, std::fs::read(entry.path()).unwrap(), modified)
            })
            .collect();
        state.sort();
        state
    }
}

/// Creates a manifest with an entry for each operation, named after its id or else after its route.
fn manifest_of(document: &Value) -> String {
    let mut text = String::from("{}\n");
    let mut taken = BTreeSet::new();
    for (path, method, operation) in document::operations(document) {
        if text == "{}\n" {
            text.clear();
        }
        let named = operation["operationId"]
            .as_str()
            .filter(|id| taken.insert(*id));
        let route = format!("{method}_{path}");
        let id: String = named
            .unwrap_or(&route)
            .chars()
            .map(|character| {
                if character.is_ascii_alphanumeric() {
                    character.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .collect();
        let key = manifest::key(method, path);
        let words: Vec<&str> = id.split('_').filter(|word| !word.is_empty()).collect();
        let id = words.join("_");
        text += &format!(
            "{key}:\n  id: {id}\n  summary: Words.\n  plane: control\n  area: api_keys\n  retry: safe\n  status: works\n  evidence: {{by: document}}\n"
        );
    }
    text
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns the error line of a failed run. A line about a download may precede it.
pub fn error_line(output: &Output) -> String {
    let lines = error_lines(output);
    let [line] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    line.clone()
}

/// Returns the errors of a failed run, one for each override that does not fit.
pub fn error_lines(output: &Output) -> Vec<String> {
    assert_eq!(output.status.code(), Some(1), "{}", stderr(output));
    let text = stderr(output);
    let lines = text.lines().filter(|line| !line.starts_with("fetching "));
    let text = lines.collect::<Vec<_>>().join("\n");
    let errors = text.strip_prefix("error: ").unwrap();
    errors.lines().map(str::to_owned).collect()
}

//! `cargo xtask api`: the snapshot lists the public API, and differences from it are reported.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const FILE: &str = "api/public-api.txt";

const DOCUMENT: &str = "\
openapi: 3.0.0
info: {title: Small, version: 1.0.0}
paths:
  /things:
    get:
      parameters:
        - {name: colour, in: query, schema: {type: string}}
      responses:
        '200':
          description: All
          content: {application/json: {schema: {$ref: '#/components/schemas/ThingList'}}}
    post:
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/CreateThingRequest'}}}
      responses:
        '200':
          description: Made
          content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
components:
  schemas:
    ThingList:
      type: object
      properties:
        data: {type: array, items: {$ref: '#/components/schemas/Thing'}}
    Thing:
      type: object
      properties:
        size: {type: integer}
        kind: {$ref: '#/components/schemas/ThingKind'}
    ThingKind: {type: string, enum: [round, square]}
    CreateThingRequest:
      type: object
      required: [size]
      properties:
        size: {type: integer}
";

const MANIFEST: &str = "\
GET /things:
  id: list_things
  summary: Lists the things.
  plane: control
  area: things
  retry: safe
  status: works
  evidence: {on: 2026-01-02, by: document}
POST /things:
  id: create_thing
  summary: Makes a thing.
  plane: control
  area: makers
  retry: never
  status: works
  evidence: {on: 2026-01-02, by: document}
";

/// Appended to the root of the crate.
const ROOT_ADDITIONS: &str = "
mod things;
pub use things::{Fault, Tool};
";

/// A handwritten module.
const THINGS: &str = "\
use std::fmt;

use crate::types::Thing;

/// Makes things.
#[derive(Clone)]
pub struct Tool { key: String }

impl Tool {
    pub fn new(mut key: impl Into<String>) -> Result<Self, crate::Error> { todo!() }
    pub(crate) fn key(&self) -> &str { &self.key }
    #[doc(hidden)]
    pub fn secretly(&self) {}
    fn privately(&self) {}
}

#[non_exhaustive]
#[derive(Debug)]
pub enum Fault { Refused(u16), Broken { at: String } }

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { Ok(()) }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self { todo!() }
}

#[cfg(feature = \"things\")]
impl Thing {
    pub fn is_round(&self) -> bool { true }
}

/// In a private module, and not re-exported.
pub struct Internal;

impl From<Internal> for Thing {
    fn from(_: Internal) -> Self { todo!() }
}

#[cfg(test)]
mod tests {
    impl super::Thing { pub fn for_tests() {} }
}
";

/// The handwritten part of the crate, with a small OpenAPI document and a module that uses it.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"),
            &project.path("src"),
        );
        let root = fs::read_to_string(project.path("src/lib.rs")).unwrap() + ROOT_ADDITIONS;
        for (name, text) in [
            ("openapi/portkey.yaml", DOCUMENT),
            ("overrides/operations.yaml", MANIFEST),
            ("overrides/paths.yaml", "rename: []\ngone: []\n"),
            ("src/lib.rs", &root),
            ("src/things.rs", THINGS),
        ] {
            fs::create_dir_all(project.path(name).parent().unwrap()).unwrap();
            fs::write(project.path(name), text).unwrap();
        }
        project
    }

    /// Creates a project with an up-to-date snapshot.
    fn with_snapshot() -> Self {
        let project = Self::new();
        let output = project.api(&[]);
        assert!(output.status.success(), "{}", stderr(&output));
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn api(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("--root")
            .arg(self.0.path())
            .arg("api")
            .args(arguments)
            .output()
            .unwrap()
    }

    fn snapshot(&self) -> String {
        fs::read_to_string(self.path(FILE)).unwrap()
    }

    fn replace(&self, name: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(old), "{name}: no {old}");
        fs::write(self.path(name), text.replacen(old, new, 1)).unwrap();
    }

    /// Checks a stale snapshot and returns the printed lines; asserts that the check fails and writes nothing.
    fn differences(&self) -> Vec<String> {
        let before = self.snapshot();
        let output = self.api(&["--check"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).starts_with("error: api/public-api.txt is stale ("));
        assert!(stderr(&output).ends_with("): run `cargo xtask api`\n"));
        assert_eq!(self.snapshot(), before);
        stdout(&output).lines().map(str::to_owned).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns the lines of a snapshot that start with `prefix`.
fn items<'a>(snapshot: &'a str, prefix: &str) -> Vec<&'a str> {
    snapshot
        .lines()
        .filter(|line| line.starts_with(prefix))
        .collect()
}

#[test]
fn snapshot_has_only_the_public_handwritten_items() {
    let snapshot = Project::with_snapshot().snapshot();
    assert_eq!(
        items(&snapshot, "Tool"),
        [
            "Tool  struct { .. }",
            "Tool: Clone  impl",
            "Tool::new  fn(key: impl Into<String>) -> Result<Self, Error>",
        ]
    );
    assert_eq!(
        items(&snapshot, "Fault"),
        [
            "Fault  #[non_exhaustive] enum",
            "Fault: Debug  impl",
            "Fault: Display  impl",
            "Fault: From<std::io::Error>  impl",
            "Fault::Broken  variant",
            "Fault::Broken::at  field: String",
            "Fault::Refused  variant(u16)",
        ]
    );
    for absent in [
        "secretly",
        "privately",
        "Tool::key",
        "Internal",
        "for_tests",
    ] {
        assert!(!snapshot.contains(absent), "{absent}:\n{snapshot}");
    }
}

#[test]
fn snapshot_has_generated_items_macro_output_and_handwritten_additions() {
    let snapshot = Project::with_snapshot().snapshot();
    for line in [
        "Client::create_thing  #[cfg(feature = \"makers\")] fn(&self) -> builder::CreateThing",
        "Client::list_things  #[cfg(feature = \"things\")] fn(&self) -> builder::ListThings",
        "types  mod",
        "types::Thing  #[non_exhaustive] struct",
        "types::Thing::kind  field: Option<types::ThingKind>",
        "types::Thing::size  field: Option<i64>",
        "types::Thing: serde::Serialize  impl",
        "types::Thing::is_round  #[cfg(feature = \"things\")] fn(&self) -> bool",
        "types::ThingKind  #[non_exhaustive] enum",
        "types::ThingKind::Round  variant",
        "types::ThingKind::Unknown  variant(String)",
        "types::ThingKind::as_str  fn(&self) -> &str",
        "types::ThingKind: Display  impl",
        "types::ThingKind: From<&str>  impl",
        "types::ThingKind: FromStr  impl { type Err = Infallible; }",
        "types::CreateThingRequest::builder  fn() -> types::builder::CreateThingRequest",
        "types::builder::CreateThingRequest: Default  impl",
        "types::builder::CreateThingRequest::size  fn(self, value: i64) -> Self",
        "builder::ListThings::colour  fn(self, value: impl Into<String>) -> Self",
        "builder::ListThings::send  async fn(self) -> Result<types::ThingList, Error>",
    ] {
        assert!(
            snapshot.lines().any(|found| found == line),
            "{line}\n{snapshot}"
        );
    }
}

#[test]
fn snapshot_that_is_up_to_date_passes_and_is_not_rewritten() {
    let project = Project::with_snapshot();
    let modified = || {
        fs::metadata(project.path(FILE))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = modified();
    for arguments in [&["--check"][..], &[]] {
        let output = project.api(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stdout(&output), "api/public-api.txt is up to date\n");
    }
    assert_eq!(modified(), before);
}

#[test]
fn check_lists_added_removed_and_changed_items() {
    let project = Project::with_snapshot();
    project.replace(
        "src/things.rs",
        "pub fn new(mut key: impl Into<String>)",
        "pub fn new()",
    );
    project.replace(
        "src/things.rs",
        "is_round(&self) -> bool",
        "is_square(&self) -> bool",
    );
    assert_eq!(
        project.differences(),
        [
            "changed  Tool::new  fn(key: impl Into<String>) -> Result<Self, Error>  →  \
             fn() -> Result<Self, Error>",
            "removed  types::Thing::is_round  #[cfg(feature = \"things\")] fn(&self) -> bool",
            "added    types::Thing::is_square  #[cfg(feature = \"things\")] fn(&self) -> bool",
        ]
    );
}

#[test]
fn change_of_the_openapi_document_changes_the_public_api() {
    let project = Project::with_snapshot();
    project.replace(
        "openapi/portkey.yaml",
        "enum: [round, square]",
        "enum: [round, flat]",
    );
    project.replace(
        "openapi/portkey.yaml",
        "size: {type: integer}",
        "size: {type: string}",
    );
    project.replace(
        "overrides/operations.yaml",
        "area: things",
        "area: all_things",
    );
    assert_eq!(
        project.differences(),
        [
            "changed  Client::list_things  #[cfg(feature = \"things\")] fn(&self) -> \
             builder::ListThings  →  #[cfg(feature = \"all_things\")] fn(&self) -> \
             builder::ListThings",
            "changed  types::Thing::size  field: Option<i64>  →  field: Option<String>",
            "added    types::ThingKind::Flat  variant",
            "removed  types::ThingKind::Square  variant",
        ]
    );
}

#[test]
fn changes_outside_the_public_api_are_ignored() {
    let project = Project::with_snapshot();
    project.replace(
        "src/things.rs",
        "fn privately(&self) {}",
        "fn quietly(&self) {}",
    );
    project.replace(
        "src/things.rs",
        "pub fn secretly(&self) {}",
        "pub fn darkly(&self) {}",
    );
    project.replace("src/things.rs", "{ todo!() }", "{ loop {} }");
    project.replace(
        "src/things.rs",
        "/// Makes things.",
        "/// Makes things, in other words.",
    );
    project.replace(
        "src/things.rs",
        "pub struct Internal;",
        "pub struct Internal; pub fn help() {}",
    );
    let output = project.api(&["--check"]);
    assert!(
        output.status.success(),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
}

#[test]
fn source_order_does_not_matter() {
    let project = Project::with_snapshot();
    let (tools, rest) = THINGS.split_once("#[non_exhaustive]").unwrap();
    let (imports, tools) = tools.split_once("/// Makes things.").unwrap();
    let things = format!("#[non_exhaustive]{rest}{tools}{imports}");
    fs::write(project.path("src/things.rs"), things).unwrap();
    let (paths, schemas) = DOCUMENT.split_once("components:").unwrap();
    let (head, paths) = paths.split_once("paths:").unwrap();
    let document = format!("{head}components:{schemas}paths:{paths}");
    fs::write(project.path("openapi/portkey.yaml"), document).unwrap();
    let output = project.api(&["--check"]);
    assert!(
        output.status.success(),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
}

#[test]
fn writing_prints_the_differences_from_the_previous_snapshot() {
    let project = Project::with_snapshot();
    project.replace(
        "src/things.rs",
        "is_round(&self) -> bool",
        "is_round(&self) -> Option<bool>",
    );
    let output = project.api(&[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "changed  types::Thing::is_round  #[cfg(feature = \"things\")] fn(&self) -> bool  →  \
         #[cfg(feature = \"things\")] fn(&self) -> Option<bool>\n\
         api/public-api.txt was written (0 added, 0 removed, 1 changed)\n"
    );
    assert!(project.api(&["--check"]).status.success());
}

#[test]
fn missing_or_invalid_snapshot_is_an_error_and_can_be_rewritten() {
    let project = Project::new();
    let check_error = |project: &Project| {
        let output = project.api(&["--check"]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        stderr(&output)
    };
    assert_eq!(
        check_error(&project),
        "error: api/public-api.txt is missing: run `cargo xtask api`\n"
    );
    assert!(!project.path(FILE).exists());

    assert!(project.api(&[]).status.success());
    for (invalid, problem) in [
        (
            "A  mod\n<<<<<<<\n",
            "api/public-api.txt:2: expected two spaces between path and signature",
        ),
        (
            "A  mod\nA  mod\n",
            "api/public-api.txt:2: duplicate path `A`",
        ),
    ] {
        fs::write(project.path(FILE), invalid).unwrap();
        assert_eq!(check_error(&project), format!("error: {problem}\n"));
    }
    assert!(project.api(&[]).status.success());
    assert!(project.api(&["--check"]).status.success());
}

#[test]
fn unreadable_source_is_named_in_the_error() {
    for (file, old, new, problem) in [
        (
            "src/lib.rs",
            "mod things;",
            "mod things; mod nowhere;",
            "src/nowhere.rs: ",
        ),
        ("src/things.rs", "impl Thing {", "impl {", "src/things.rs: "),
        (
            "src/things.rs",
            "impl Thing {",
            "unheard_of! {} impl Thing {",
            "module `things`: macro `unheard_of!`: definition not found",
        ),
    ] {
        let project = Project::new();
        project.replace(file, old, new);
        let output = project.api(&[]);
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert!(stderr(&output).contains(problem), "{}", stderr(&output));
        assert!(!project.path(FILE).exists());
    }
}

//! `cargo xtask api`: the snapshot of the public surface says what users can name, and what differs.
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

const LEDGER: &str = "\
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

/// What the root of the crate gets beside what it has.
const ROOT: &str = "
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

/// In a private module, and passed on by nobody.
pub struct Internal;

impl From<Internal> for Thing {
    fn from(_: Internal) -> Self { todo!() }
}

#[cfg(test)]
mod tests {
    impl super::Thing { pub fn for_tests() {} }
}
";

/// The handwritten half of the crate, with a small document and a module that fits it.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"),
            &project.path("src"),
        );
        let root = fs::read_to_string(project.path("src/lib.rs")).unwrap() + ROOT;
        for (name, text) in [
            ("openapi/portkey.yaml", DOCUMENT),
            ("overrides/operations.yaml", LEDGER),
            ("overrides/paths.yaml", "rename: []\ngone: []\n"),
            ("src/lib.rs", &root),
            ("src/things.rs", THINGS),
        ] {
            fs::create_dir_all(project.path(name).parent().unwrap()).unwrap();
            fs::write(project.path(name), text).unwrap();
        }
        project
    }

    /// A project with a fresh snapshot.
    fn fresh() -> Self {
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

    /// The lines that a check of a stale snapshot prints; it fails and writes nothing.
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

/// The items of a snapshot whose paths start so.
fn items<'a>(snapshot: &'a str, start: &str) -> Vec<&'a str> {
    snapshot
        .lines()
        .filter(|line| line.starts_with(start))
        .collect()
}

#[test]
fn what_is_written_by_hand_and_public_is_there_and_nothing_else() {
    let snapshot = Project::fresh().snapshot();
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
fn what_is_generated_is_there_with_what_macros_write_and_what_is_added_by_hand() {
    let snapshot = Project::fresh().snapshot();
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
fn a_fresh_snapshot_passes_and_is_not_written_again() {
    let project = Project::fresh();
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
fn a_check_names_what_was_added_removed_and_changed() {
    let project = Project::fresh();
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
fn a_change_of_the_document_is_a_change_of_the_surface() {
    let project = Project::fresh();
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
fn what_is_no_promise_is_no_difference() {
    let project = Project::fresh();
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
fn the_order_of_the_source_changes_nothing() {
    let project = Project::fresh();
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
fn writing_says_what_differs_from_before() {
    let project = Project::fresh();
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
fn a_missing_or_broken_snapshot_is_one_clear_error_and_can_be_written_anew() {
    let project = Project::new();
    let refusal = |project: &Project| {
        let output = project.api(&["--check"]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        stderr(&output)
    };
    assert_eq!(
        refusal(&project),
        "error: api/public-api.txt is missing: run `cargo xtask api`\n"
    );
    assert!(!project.path(FILE).exists());

    assert!(project.api(&[]).status.success());
    for (broken, problem) in [
        (
            "A  mod\n<<<<<<<\n",
            "api/public-api.txt:2: no two spaces between path and signature",
        ),
        (
            "A  mod\nA  mod\n",
            "api/public-api.txt:2: `A` a second time",
        ),
    ] {
        fs::write(project.path(FILE), broken).unwrap();
        assert_eq!(refusal(&project), format!("error: {problem}\n"));
    }
    assert!(project.api(&[]).status.success());
    assert!(project.api(&["--check"]).status.success());
}

#[test]
fn source_that_cannot_be_read_is_named() {
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
            "module `things`: macro `unheard_of!`: no definition was found",
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

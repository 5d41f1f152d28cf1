//! `cargo xtask api`: the snapshot lists the public API, and differences from it are reported.
//!
//! rustdoc documents a small crate of one file, without cargo.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use support::{stderr, stdout};
use tempfile::TempDir;

const FILE: &str = "api/public-api.txt";

/// A crate with a handwritten type, a generated area, and a type that two areas share.
const SOURCE: &str = "
mod tool {
    use std::fmt;

    /// Makes things.
    #[derive(Clone)]
    pub struct Tool { key: String }

    impl Tool {
        pub fn new(key: impl Into<String>) -> Result<Self, std::io::Error> { todo!() }
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

    pub struct Internal;
    impl From<Internal> for Fault { fn from(_: Internal) -> Self { todo!() } }
}
pub use tool::{Fault, Tool};

pub trait Paged { type Item; fn items(self) -> Vec<Self::Item>; }
pub struct Pages<L>(L);
impl<L: Paged> Pages<L> {
    pub async fn next(&mut self) -> Option<L::Item> { None }
}

pub mod things {
    pub use crate::types::Kind;
    pub struct Thing { pub kind: Option<Kind>, pub size: i64 }
    impl crate::Paged for Thing { type Item = Kind; fn items(self) -> Vec<Kind> { todo!() } }
    impl Thing {
        pub fn body<V: TryInto<Kind, Error: Into<crate::Fault>>>(self, value: V) -> Self { self }
    }
}
pub mod types {
    #[derive(Clone)]
    pub enum Kind { Round }
    impl Kind { pub fn is_round(&self) -> bool { true } }
}
";

const SNAPSHOT: &str = "\
#[non_exhaustive] pub enum Fault
impl Debug for Fault
impl Display for Fault
pub Fault::Broken
pub Fault::Broken::at: String
pub Fault::Refused(u16)
impl<L: Paged> Pages<L>
pub trait Paged
pub type Paged::Item
pub fn Paged::items(self) -> Vec<Self::Item>
pub async fn Pages<L>::next(&mut self) -> Option<<L as Paged>::Item>
pub struct Pages<L>(_)
impl Clone for Tool
pub struct Tool
pub fn Tool::new(impl Into<String>) -> Result<Self, std::io::error::Error>
pub mod things
impl Clone for things::Kind
pub enum things::Kind
pub things::Kind::Round
pub fn things::Kind::is_round(&self) -> bool
impl Paged for things::Thing
pub struct things::Thing
pub type things::Thing::Item = Kind
pub fn things::Thing::body<V: TryInto<Kind, Error: Into<Fault>>>(self, V) -> Self
pub things::Thing::kind: Option<Kind>
pub things::Thing::size: i64
pub mod types
impl Clone for types::Kind
pub enum types::Kind
pub types::Kind::Round
pub fn types::Kind::is_round(&self) -> bool
";

/// A crate of one file and the folder of its snapshot.
struct Project(TempDir);

impl Project {
    fn new(source: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.document(source);
        project
    }

    /// Creates a project with an up-to-date snapshot.
    fn with_snapshot() -> Self {
        let project = Self::new(SOURCE);
        let output = project.api(&[]);
        assert!(output.status.success(), "{}", stderr(&output));
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes the source of the crate and the JSON of rustdoc.
    fn document(&self, source: &str) {
        fs::write(self.path("small.rs"), source).unwrap();
        let output = Command::new("rustdoc")
            .env("RUSTC_BOOTSTRAP", "1")
            .args([
                "--edition",
                "2024",
                "-Zunstable-options",
                "--output-format=json",
            ])
            .args(["--cap-lints", "allow", "--out-dir"])
            .args([self.0.path(), &self.path("small.rs")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }

    fn api(&self, arguments: &[&str]) -> Output {
        let json = self.path("small.json");
        let fixed = ["api", "--json", json.to_str().unwrap()];
        support::xtask(self.0.path(), &[&fixed, arguments].concat())
    }

    fn snapshot(&self) -> String {
        fs::read_to_string(self.path(FILE)).unwrap()
    }
}

#[test]
fn snapshot_lists_public_items_at_each_of_their_paths() {
    let snapshot = Project::with_snapshot().snapshot();
    let items = snapshot.lines().filter(|line| !line.starts_with("# "));
    assert_eq!(
        items.collect::<Vec<_>>(),
        SNAPSHOT.lines().collect::<Vec<_>>()
    );
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
fn differences_are_listed_and_written_unless_only_checked() {
    let project = Project::with_snapshot();
    let before = project.snapshot();
    project.document(&SOURCE.replace("is_round(&self)", "is_flat(&self)"));
    let differences = "\
- pub fn things::Kind::is_round(&self) -> bool
- pub fn types::Kind::is_round(&self) -> bool
+ pub fn things::Kind::is_flat(&self) -> bool
+ pub fn types::Kind::is_flat(&self) -> bool
";
    let output = project.api(&["--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), differences);
    assert_eq!(
        stderr(&output),
        "error: api/public-api.txt is stale (2 added, 2 removed): run `cargo xtask api`\n"
    );
    assert_eq!(project.snapshot(), before);

    let output = project.api(&[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let written = "api/public-api.txt was written (2 added, 2 removed)\n";
    assert_eq!(stdout(&output), format!("{differences}{written}"));
    assert!(project.api(&["--check"]).status.success());
}

#[test]
fn changes_outside_the_public_api_are_ignored() {
    let project = Project::with_snapshot();
    let source = SOURCE
        .replace("fn privately", "fn quietly")
        .replace("pub fn secretly", "pub fn darkly")
        .replace("/// Makes things.", "/// Makes things, in other words.")
        .replace("key: impl Into<String>", "name: impl Into<String>")
        .replace(
            "pub struct Internal;",
            "pub struct Internal; pub fn help() {}",
        );
    let (tool, rest) = source.split_once("pub use tool").unwrap();
    project.document(&format!("pub use tool{rest}{tool}"));
    let output = project.api(&["--check"]);
    assert!(output.status.success(), "{}", stdout(&output));
}

#[test]
fn type_that_moves_and_is_re_exported_keeps_its_lines() {
    let own = SOURCE
        .replace("pub use crate::types::Kind;", "")
        .replace("pub mod types {", "#[doc(hidden)] pub mod old {");
    let kind = "#[derive(Clone)] pub enum Kind { Round }\n\
                impl Kind { pub fn is_round(&self) -> bool { true } }";
    let project =
        Project::new(&own.replace("pub mod things {", &format!("pub mod things {{ {kind}")));
    assert!(project.api(&[]).status.success());
    project.document(SOURCE);
    let output = stdout(&project.api(&["--check"]));
    assert!(!output.is_empty());
    for line in output.lines() {
        assert!(line.starts_with("+ ") && line.contains("types"), "{output}");
    }
}

#[test]
fn missing_snapshot_is_an_error_and_can_be_written() {
    let project = Project::new(SOURCE);
    let output = project.api(&["--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    assert_eq!(
        stderr(&output),
        "error: api/public-api.txt is missing: run `cargo xtask api`\n"
    );
    assert!(!project.path(FILE).exists());
    assert!(project.api(&[]).status.success());
    assert!(project.api(&["--check"]).status.success());
}

#[test]
fn json_of_another_toolchain_is_an_error_that_names_the_pin() {
    let project = Project::new(SOURCE);
    fs::write(project.path("small.json"), "{\"format_version\": 1}").unwrap();
    let output = project.api(&[]);
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(error.contains("small.json: "), "{error}");
    assert!(
        error.contains("xtask/Cargo.toml pins `public-api`"),
        "{error}"
    );
}

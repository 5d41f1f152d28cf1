//! The report of `cargo xtask sync-spec`, over small pairs of documents and over two revisions of the
//! real one.
//!
//! Each file in `data/drift` is a pair with its report. `UPDATE_REPORTS=1 cargo test -p xtask --test
//! drift` writes the reports anew; read the difference before you commit it.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use portkey_admin_codegen::document;
use serde_json::{Map, Value, json};
use support::Project;

const HEAD: &str = "openapi: 3.0.3\ninfo: {version: '1'}\n";

/// One file of `data/drift`: its parts by their names.
struct Case {
    file: PathBuf,
    parts: BTreeMap<String, String>,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(data("drift"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert!(files.len() > 30, "{}", files.len());
        files.into_iter().map(Self::read).collect()
    }

    fn read(file: PathBuf) -> Self {
        let text = std::fs::read_to_string(&file).unwrap();
        let parts = text.split("=== ").skip(1).map(|part| {
            let (name, content) = part.split_once('\n').unwrap();
            (name.to_owned(), content.to_owned())
        });
        Self {
            parts: parts.collect(),
            file,
        }
    }

    /// A document of the pair; what every document needs may be left out.
    fn document(&self, name: &str) -> String {
        let text = &self.parts[name];
        match text.contains("openapi:") {
            true => text.clone(),
            false => format!("{HEAD}{text}"),
        }
    }

    /// A project that has vendored one of the documents.
    fn project(&self, name: &str) -> Project {
        let project = Project::new();
        let output = project.sync(&self.document(name), &[]);
        assert!(output.status.success(), "{}", support::stderr(&output));
        for (name, text) in &self.parts {
            if name.starts_with("overrides/") {
                project.write(name, text);
            }
        }
        if !self.parts.contains_key("overrides/operations.yaml") {
            project.complete_ledger();
        }
        project
    }

    fn has_overrides(&self) -> bool {
        self.parts.keys().any(|name| name.starts_with("overrides/"))
    }

    fn name(&self) -> String {
        self.file.display().to_string()
    }
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn is_update() -> bool {
    std::env::var_os("UPDATE_REPORTS").is_some()
}

/// Compares a report with the one on file, or replaces that.
fn expect(file: &Path, before: &str, expected: &str, report: &str) {
    if is_update() {
        std::fs::write(file, format!("{before}{report}")).unwrap();
    } else {
        assert_eq!(report, expected, "{}", file.display());
    }
}

#[test]
fn each_pair_has_its_report() {
    for case in Case::all() {
        let report = case.project("old").check(&case.document("new"), "text");
        let text = std::fs::read_to_string(&case.file).unwrap();
        let end = text.find("=== report\n").unwrap() + "=== report\n".len();
        expect(&case.file, &text[..end], &case.parts["report"], &report);
    }
}

#[test]
fn what_a_rule_of_the_ledger_refuses_is_a_build_failure() {
    let case = Case::read(data("drift").join("entry-conflicting.txt"));
    let report = case.project("old").check_json(&case.document("new"));
    let failure = "overrides/operations.yaml: GET /things: `list_things`: `paging`: it has no query \
                   parameter `page`";
    assert_eq!(report["build_failures"], json!([failure]));
}

#[test]
fn going_back_mirrors_going_forth() {
    for case in Case::all().iter().filter(|case| !case.has_overrides()) {
        let forth = case.project("old").check_json(&case.document("new"));
        let back = case.project("new").check_json(&case.document("old"));
        assert_eq!(
            changes(&forth, false),
            changes(&back, true),
            "{}",
            case.name()
        );
        assert_mirrored_impact(&forth, &back, &case.name());
        assert_mirrored_impact(&back, &forth, &case.name());
    }
}

/// What somebody can use once it is added breaks them once it is removed; what nobody notices when it
/// comes, nobody notices when it goes.
fn assert_mirrored_impact(forth: &Value, back: &Value, name: &str) {
    let of_kind = |report: &Value, kind: &str| -> Vec<Value> {
        let changes = report["changes"].as_array().unwrap().iter();
        changes
            .filter(|change| change["kind"] == kind)
            .cloned()
            .collect()
    };
    let removed = of_kind(back, "removed");
    for change in of_kind(forth, "added") {
        let counterpart = removed
            .iter()
            .find(|other| other["old"] == change["new"] && other["aspect"] == change["aspect"])
            .unwrap_or_else(|| panic!("{name}: nothing mirrors {change}"));
        let impacts = [&change, counterpart].map(|change| change["impact"].as_str().unwrap());
        let fits = match impacts[0] {
            "additive" => impacts[1] == "breaking",
            "invisible" => impacts[1] == "invisible" || impacts[1] == "breaking",
            _ => true,
        };
        assert!(fits, "{name}: {impacts:?}: {change}\n{counterpart}");
    }
}

/// The changes of a report as a sorted list; `mirrored` as if the documents had been exchanged.
fn changes(report: &Value, mirrored: bool) -> Vec<String> {
    let exchanged = |kind: &str| match kind {
        "added" => "removed".to_owned(),
        "removed" => "added".to_owned(),
        other => other.to_owned(),
    };
    let mut found: Vec<String> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            let kind = change["kind"].as_str().unwrap();
            let (kind, old, new) = match mirrored {
                true => (exchanged(kind), &change["new"], &change["old"]),
                false => (kind.to_owned(), &change["old"], &change["new"]),
            };
            format!(
                "{kind} {} {old} {new} {}",
                change["aspect"], change["operations"]
            )
        })
        .collect();
    found.sort();
    found
}

#[test]
fn a_document_is_in_step_with_itself_and_with_a_reordered_and_reworded_copy() {
    for case in Case::all() {
        let text = case.document("new");
        assert_in_step(&Project::with_document(&text), &text, &case.name());
    }
    for name in ["2025-12-22", "2026-06-12"] {
        let text = revision(name);
        assert_in_step(&Project::with_document(&text), &text, name);
    }
}

fn assert_in_step(project: &Project, text: &str, name: &str) {
    let before = project.state();
    let copy = reworded(&document::parse(name, text).unwrap(), false);
    let copy = serde_json::to_string(&copy).unwrap();
    for (text, more) in [
        (text, &["--check"][..]),
        (&copy, &["--check"]),
        (&copy, &[]),
    ] {
        let output = project.sync(text, more);
        let report = support::stdout(&output);
        let code = output.status.code();
        assert_eq!(
            code,
            Some(0),
            "{name}: {report}{}",
            support::stderr(&output)
        );
        assert!(report.contains(": No changes\n"), "{name}: {report}");
        assert_eq!(project.state(), before, "{name}");
    }
}

/// Every map and every list the other way round, with words wherever they may stand.
fn reworded(value: &Value, is_names: bool) -> Value {
    match value {
        Value::Object(map) => {
            let mut turned = Map::new();
            for (key, value) in map.iter().rev() {
                let names = !is_names
                    && matches!(
                        key.as_str(),
                        "properties"
                            | "responses"
                            | "content"
                            | "headers"
                            | "mapping"
                            | "paths"
                            | "schemas"
                            | "securitySchemes"
                            | "requestBodies"
                            | "components"
                            | "variables"
                            | "scopes"
                            | "callbacks"
                            | "links"
                            | "examples"
                    );
                let whole = !is_names && matches!(key.as_str(), "default" | "const" | "security");
                let value = if whole {
                    value.clone()
                } else {
                    reworded(value, names)
                };
                turned.insert(key.clone(), value);
            }
            if !is_names && !map.contains_key("$ref") && map.contains_key("type") {
                turned.insert("description".into(), json!("Other words."));
                turned.insert("example".into(), json!({"other": "example"}));
            }
            Value::Object(turned)
        }
        Value::Array(list) => list
            .iter()
            .rev()
            .map(|value| reworded(value, false))
            .collect(),
        other => other.clone(),
    }
}

fn revision(name: &str) -> String {
    std::fs::read_to_string(data("revisions").join(format!("{name}.yaml"))).unwrap()
}

#[test]
fn two_revisions_of_the_real_document_have_their_reports_and_mirror_each_other() {
    let (old, new) = (revision("2025-12-22"), revision("2026-06-12"));
    let reports = [("forth", &old, &new), ("back", &new, &old)].map(|(name, from, to)| {
        let project = Project::with_document(from);
        let report = project.check_json(to);
        let file = data("revisions").join(format!("{name}.txt"));
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        expect(&file, "", &expected, &brief(&report));
        report
    });
    let [forth, back] = reports;
    let (forth, mut back) = (changes(&forth, false), changes(&back, true));
    assert_eq!(forth, back);
    back.dedup();
    assert!(back.len() > 100, "{}", back.len());
    assert_eq!(forth.len(), back.len(), "something is reported twice");
}

/// A report of which every line is one change, for what is too long to be read in full.
fn brief(report: &Value) -> String {
    let mut text = String::new();
    for change in report["changes"].as_array().unwrap() {
        let word = |name: &str| change[name].as_str().unwrap_or("-");
        let place = [&change["new"]["path"], &change["old"]["path"]]
            .into_iter()
            .find_map(Value::as_str);
        let users = change["operations"].as_array().unwrap().len();
        text += &format!(
            "[{}] {} {} {} ({users}; {}; {})\n",
            word("impact"),
            word("aspect"),
            word("kind"),
            place.unwrap(),
            word("compatibility"),
            word("reason"),
        );
    }
    for operation in report["new_operations"].as_array().unwrap() {
        text += &format!("{} {}\n", operation["operation"], operation["id"]);
    }
    text
}

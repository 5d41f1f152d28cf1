//! The report of `cargo xtask sync-spec`, over small pairs of documents and over two revisions of
//! the real one.
//!
//! Each file in `data/drift` is a pair with its report. `UPDATE_EXPECT=1 cargo test -p xtask
//! --test drift` rewrites the reports; review the diff before committing.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use portkey_admin_codegen::document;
use serde_json::{Map, Value, json};
use support::Project;

const HEAD: &str = "openapi: 3.0.3\ninfo: {version: '1'}\n";

/// One file of `data/drift`: its parts by name.
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

    /// Returns a document of the pair; adds the head if it is left out.
    fn document(&self, name: &str) -> String {
        let text = &self.parts[name];
        match text.contains("openapi:") {
            true => text.clone(),
            false => format!("{HEAD}{text}"),
        }
    }

    /// Creates a project that has vendored one of the documents.
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
            project.complete_manifest();
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

#[test]
fn reports_match_the_stored_ones() {
    for case in Case::all() {
        let report = case.project("old").check(&case.document("new"), "text");
        let text = std::fs::read_to_string(&case.file).unwrap();
        let (pair, _) = text.split_once("=== report\n").unwrap();
        expect_file![case.file].assert_eq(&format!("{pair}=== report\n{report}"));
    }
}

#[test]
fn violation_of_a_manifest_rule_is_a_build_failure() {
    let case = Case::read(data("drift").join("entry-conflicting.txt"));
    let report = case.project("old").check_json(&case.document("new"));
    let failure = "overrides/operations.yaml: GET /things: `list_things`: `paging`: the operation has no \
                   query parameter `page`";
    assert_eq!(report["build_failures"], json!([failure]));
}

#[test]
fn reversed_comparison_mirrors_the_report() {
    for case in Case::all().iter().filter(|case| !case.has_overrides()) {
        let forward = case.project("old").check_json(&case.document("new"));
        let backward = case.project("new").check_json(&case.document("old"));
        assert_eq!(
            changes(&forward, false),
            changes(&backward, true),
            "{}",
            case.name()
        );
        assert_mirrored_impact(&forward, &backward, &case.name());
        assert_mirrored_impact(&backward, &forward, &case.name());
    }
}

/// Asserts that removing an additive change is breaking. An invisible addition may be breaking or
/// invisible when removed.
fn assert_mirrored_impact(forward: &Value, backward: &Value, name: &str) {
    let of_kind = |report: &Value, kind: &str| -> Vec<Value> {
        let changes = report["changes"].as_array().unwrap().iter();
        changes
            .filter(|change| change["kind"] == kind)
            .cloned()
            .collect()
    };
    let removed = of_kind(backward, "removed");
    for change in of_kind(forward, "added") {
        let counterpart = removed
            .iter()
            .find(|other| other["old"] == change["new"] && other["aspect"] == change["aspect"])
            .unwrap_or_else(|| panic!("{name}: nothing mirrors {change}"));
        let impacts = [&change, counterpart].map(|change| change["impact"].as_str().unwrap());
        let is_mirrored = match impacts[0] {
            "additive" => impacts[1] == "breaking",
            "invisible" => impacts[1] == "invisible" || impacts[1] == "breaking",
            _ => true,
        };
        assert!(is_mirrored, "{name}: {impacts:?}: {change}\n{counterpart}");
    }
}

/// Returns the changes of a report as a sorted list; with `mirrored`, as if the documents were swapped.
fn changes(report: &Value, mirrored: bool) -> Vec<String> {
    let opposite = |kind: &str| match kind {
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
                true => (opposite(kind), &change["new"], &change["old"]),
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
fn document_equals_a_reordered_copy_with_other_annotations() {
    for case in Case::all() {
        let text = case.document("new");
        assert_no_changes(&Project::with_document(&text), &text, &case.name());
    }
    for name in ["2025-12-22", "2026-06-12"] {
        let text = revision(name);
        assert_no_changes(&Project::with_document(&text), &text, name);
    }
}

fn assert_no_changes(project: &Project, text: &str, name: &str) {
    let before = project.state();
    let copy = reordered(&document::parse(name, text).unwrap(), false);
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

/// Reverses every map and list, and adds annotations.
fn reordered(value: &Value, is_names: bool) -> Value {
    match value {
        Value::Object(map) => {
            let mut reversed = Map::new();
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
                    reordered(value, names)
                };
                reversed.insert(key.clone(), value);
            }
            if !is_names && !map.contains_key("$ref") && map.contains_key("type") {
                reversed.insert("description".into(), json!("Other words."));
                reversed.insert("example".into(), json!({"other": "example"}));
            }
            Value::Object(reversed)
        }
        Value::Array(list) => list
            .iter()
            .rev()
            .map(|value| reordered(value, false))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn lines_that_name_something_that_goes_are_listed_with_their_operation() {
    let thing = |properties: &str| {
        format!(
            "{HEAD}paths:\n  /things: {{get: {{operationId: list_things, parameters: [{{name: page, in: query, \
             schema: {{type: string}}}}], responses: {{'200': {{content: {{application/json: {{schema: \
             {{$ref: '#/components/schemas/Thing'}}}}}}}}}}}}}}\n  /users: {{get: {{operationId: list_users, \
             responses: {{'200': {{}}}}}}}}\ncomponents: {{schemas: {{Thing: {{type: object, properties: \
             {{{properties}}}}}}}}}\n"
        )
    };
    let old = thing("size: {type: string}, name: {type: string}");
    let new = thing("name: {type: integer}").replace("{name: page, ", "{name: sheet, ");
    let users = new.find("  /users").unwrap();
    let end = new.find("components:").unwrap();
    let new = format!("{}{}", &new[..users], &new[end..]);

    let project = Project::with_document(&old);
    for (name, text) in [
        (
            "src/helpers/users.rs",
            "fn a(c: Client) {\n    c.list_users();\n    c.list_users_of();\n}\n",
        ),
        (
            "emulator/src/handlers.rs",
            "// list_users\nconst ID: &str = \"list_users\";\n",
        ),
        ("tests/interop/called/a.txt", "list_things\nlist_users\n"),
        (
            "tests/things.rs",
            "use Thing;\nlist_things().page(1);\nthing.size;\nlet size = 1;\nthing.name;\n",
        ),
        ("docs/guide/other.md", "`thing.size` of another type\n"),
        ("docs/endpoints/users.md", "list_users\n"),
    ] {
        let path = project.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let report = project.check_json(&new);
    let mentions: Vec<String> = report["mentions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mention| {
            let text = |key: &str| mention[key].as_str().unwrap();
            let (line, operation) = (&mention["line"], text("operation"));
            format!(
                "{}:{line} {} {} {operation}",
                text("file"),
                text("kind"),
                text("item")
            )
        })
        .collect();
    let users = |place: &str| format!("{place} removed Client::list_users GET /users");
    let things = |line: usize, what: &str| format!("tests/things.rs:{line} {what} GET /things");
    assert_eq!(
        mentions,
        [
            users("emulator/src/handlers.rs:1"),
            users("emulator/src/handlers.rs:2"),
            users("src/helpers/users.rs:2"),
            users("tests/interop/called/a.txt:2"),
            things(2, "removed api_keys::ListThings::page"),
            things(3, "removed api_keys::Thing::size"),
            things(5, "changed api_keys::Thing::name"),
        ]
    );
    let text = project.check(&new, "text");
    let line = "      src/helpers/users.rs:2: removed Client::list_users";
    let (_, group) = text.split_once("GET /users\n").unwrap();
    assert!(group.lines().any(|found| found == line), "{text}");
}

fn revision(name: &str) -> String {
    std::fs::read_to_string(data("revisions").join(format!("{name}.yaml"))).unwrap()
}

#[test]
fn reports_on_two_revisions_match_and_mirror_each_other() {
    let (old, new) = (revision("2025-12-22"), revision("2026-06-12"));
    let reports = [("forth", &old, &new), ("back", &new, &old)].map(|(name, from, to)| {
        let project = Project::with_document(from);
        let report = project.check_json(to);
        let file = data("revisions").join(format!("{name}.txt"));
        expect_file![file].assert_eq(&brief(&report));
        report
    });
    let [forward, backward] = reports;
    let (forward, mut backward) = (changes(&forward, false), changes(&backward, true));
    assert_eq!(forward, backward);
    backward.dedup();
    assert!(backward.len() > 100, "{}", backward.len());
    assert_eq!(forward.len(), backward.len(), "a change is reported twice");
}

/// Formats a long report with one line per change.
fn brief(report: &Value) -> String {
    let mut text = String::new();
    for change in report["changes"].as_array().unwrap() {
        let field = |name: &str| change[name].as_str().unwrap_or("-");
        let location = [&change["new"]["path"], &change["old"]["path"]]
            .into_iter()
            .find_map(Value::as_str);
        let users = change["operations"].as_array().unwrap().len();
        text += &format!(
            "[{}] {} {} {} ({users}; {}; {})\n",
            field("impact"),
            field("aspect"),
            field("kind"),
            location.unwrap(),
            field("compatibility"),
            field("reason"),
        );
    }
    for operation in report["new_operations"].as_array().unwrap() {
        text += &format!("{} {}\n", operation["operation"], operation["id"]);
    }
    text
}

//! The evidence: every citation resolves, and no override claims more than its facts support.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use portkey_admin_codegen::evidence::{Citation, Evidence, FILE, citations, corrections};
use portkey_admin_codegen::{Source, Sources};

const FACTS: &str = "
sources:
  code: {repository: owner/name, revision: abc1234, on: 2026-01-02}
facts:
  M001: {fact: It works., source: {code: 'a.go:7'}, on: 2026-01-02, grade: live}
  M002: {fact: It works., source: {code: [a.go, b.go]}, on: 2026-01-02, grade: live-scm}
  M003: {fact: It works., source: {code: a.go}, on: 2026-01-02, grade: official-client}
  M004: {fact: It works., source: {code: a.go}, on: 2026-01-02, grade: document}
  M005: {fact: 'Needs `things.*` or `others.read`.', source: {code: a.go}, on: 2026-01-02, grade: document}
  N001: {fact: It works., source: {code: a.go}, on: 2026-01-02, grade: third-party}
";

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn parse(text: &str) -> portkey_admin_codegen::Result<Evidence> {
    Evidence::parse(&source(FILE, text))
}

fn parse_error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// Returns the problems of an operation with this status and evidence.
fn entry_problems(status: &str, evidence: &str) -> Vec<String> {
    access_problems("{}", status, evidence)
}

/// Returns the problems of an operation with this access, status and evidence.
fn access_problems(access: &str, status: &str, evidence: &str) -> Vec<String> {
    let manifest = format!(
        "GET /things: {{id: list_things, summary: Lists things., plane: control, area: things, \
         retry: safe, access: {access}, status: {status}, evidence: {evidence}}}"
    );
    problems(&manifest, "")
}

/// Returns the problems of an overlay action with this evidence.
fn action_problems(evidence: &str) -> Vec<String> {
    problems(
        "{}",
        &format!("- {{target: $.a, update: 1, x-evidence: {evidence}}}"),
    )
}

fn problems(manifest: &str, actions: &str) -> Vec<String> {
    let overlay =
        format!("overlay: 1.1.0\ninfo: {{title: a, version: '1'}}\nactions:\n{actions}\n");
    let sources = Sources {
        document: source("openapi/portkey.yaml", "{}"),
        paths: source("overrides/paths.yaml", "{}"),
        overlays: match actions {
            "" => vec![],
            _ => vec![source("overrides/a.overlay.yaml", &overlay)],
        },
        manifest: source("overrides/operations.yaml", manifest),
    };
    let found = parse(FACTS).unwrap().exceeded_claims(&sources).unwrap();
    found.iter().map(ToString::to_string).collect()
}

fn copy_overrides() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("overrides")).unwrap();
    for file in fs::read_dir(project().join("overrides")).unwrap() {
        let name = file.unwrap().file_name();
        let [from, to] = [project(), copy.path().to_owned()].map(|root| root.join("overrides"));
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
    copy
}

fn unresolved(root: &Path) -> Vec<String> {
    let evidence = Evidence::read(root).unwrap();
    let unresolved = evidence.unresolved(&citations(root).unwrap());
    unresolved.iter().map(ToString::to_string).collect()
}

// --- the real files ---

#[test]
fn every_citation_resolves() {
    let found = citations(&project()).unwrap();
    for file in [
        "overrides/operations.yaml",
        "overrides/10-bodies.overlay.yaml",
        "src/request/validation.rs",
        "tests/validation.rs",
    ] {
        assert!(
            found.iter().any(|citation| citation.file == file),
            "no citation in {file}"
        );
    }
    assert_eq!(unresolved(&project()), [""; 0]);
}

#[test]
fn no_override_claims_more_than_its_facts_support() {
    let evidence = Evidence::read(&project()).unwrap();
    let sources = Sources::read(&project()).unwrap();
    assert_eq!(evidence.exceeded_claims(&sources).unwrap(), []);
}

#[test]
fn damaged_citation_is_reported_with_file_line_and_id() {
    let copy = copy_overrides();
    assert_eq!(unresolved(copy.path()), [""; 0]);

    let name = "overrides/operations.yaml";
    let file = copy.path().join(name);
    let text = fs::read_to_string(&file).unwrap();
    let line = 1 + text
        .lines()
        .position(|line| line.contains("[M168,"))
        .unwrap();
    fs::write(&file, text.replacen("[M168,", "[M999,", 1)).unwrap();
    assert_eq!(
        unresolved(copy.path()),
        [format!("{name}:{line}: `M999` is not a fact of {FILE}")]
    );
}

#[test]
fn corrections_name_the_changed_operations_and_schemas() {
    let found = corrections(&Sources::read(&project()).unwrap()).unwrap();
    let changes = |row: &str, node: &[&str]| {
        found.iter().any(|correction| {
            correction.rows.iter().any(|id| id == row)
                && correction.nodes.iter().any(|found| {
                    found.starts_with(&node.iter().map(ToString::to_string).collect::<Vec<_>>())
                })
        })
    };
    assert!(changes(
        "M019",
        &["paths", "/api-keys/{id}", "put", "requestBody"]
    ));
    assert!(changes("M005", &["components", "schemas", "UsageLimits"]));
    // This operation is added by an update of `$.paths`.
    assert!(changes(
        "N05",
        &["paths", "/logs/exports/field-restrictions", "get"]
    ));
}

// --- parsing ---

#[test]
fn fact_with_one_place_and_with_several_is_parsed() {
    let evidence = parse(FACTS).unwrap();
    let places = |id| evidence.fact(id).unwrap().source["code"].0.clone();
    assert_eq!(places("M001"), ["a.go:7"]);
    assert_eq!(places("M002"), ["a.go", "b.go"]);
    assert_eq!(evidence.facts().count(), 6);
    assert!(evidence.fact("M006").is_none());
}

#[test]
fn parse_errors_name_file_and_fact() {
    for (from, to, problem) in [
        (
            "grade: live}",
            "grade: rumour}",
            "M001: unknown variant `rumour`, expected one of",
        ),
        (
            "grade: live}",
            "grade: live, by: me}",
            "M001: unknown field `by`",
        ),
        (
            "{code: 'a.go:7'}",
            "{coda: a.go}",
            "M001: source `coda` is not listed in `sources`",
        ),
        (
            "{code: 'a.go:7'}",
            "{}",
            "M001: expected at least one source",
        ),
        (
            "{code: 'a.go:7'}",
            "{code: {a: b}}",
            "M001: expected a place or a list of places",
        ),
        (
            "grade: live}",
            "grade: live, corrected_by: [V001]}",
            "M001: `corrected_by`: `V001` is not listed in `facts`",
        ),
        (
            "grade: live}",
            "grade: live, confirmed_by: [V001]}",
            "M001: `confirmed_by`: `V001` is not listed in `facts`",
        ),
        ("M001:", "Q001:", "Q001: expected an id"),
        (
            ", revision: abc1234",
            "",
            "code: expected `repository` and `revision`",
        ),
    ] {
        assert!(FACTS.contains(from), "{from}");
        let error = parse_error(&FACTS.replacen(from, to, 1));
        assert!(error.starts_with(&format!("{FILE}: {problem}")), "{error}");
    }
    assert_eq!(
        parse_error("facts: {}"),
        format!("{FILE}: expected a map for `sources`")
    );
}

// --- rules ---

#[test]
fn unresolved_and_uncited_ids_are_found() {
    let citation = |id: &str, line| Citation {
        id: id.to_owned(),
        file: "src/a.rs".to_owned(),
        line,
    };
    let cited = [
        citation("M001", 1),
        citation("M009", 2),
        citation("M002", 3),
    ];
    let evidence = parse(FACTS).unwrap();
    let unresolved = evidence.unresolved(&cited);
    assert_eq!(unresolved.len(), 1);
    assert_eq!(
        unresolved[0].to_string(),
        format!("src/a.rs:2: `M009` is not a fact of {FILE}")
    );
    assert_eq!(evidence.uncited(&cited), ["M003", "M004", "M005", "N001"]);
}

#[test]
fn operation_with_third_party_rows_only_is_unverified() {
    let problem = "overrides/operations.yaml: GET /things: all rows are `third-party`, so `status` must \
                   be `unverified`";
    assert_eq!(
        entry_problems("works", "{by: document, rows: [N001]}"),
        [problem]
    );
    assert_eq!(
        entry_problems("unverified", "{by: document, rows: [N001]}"),
        [""; 0]
    );
    assert_eq!(
        entry_problems("works", "{by: document, rows: [N001, M004]}"),
        [""; 0]
    );
    assert_eq!(entry_problems("works", "{by: document}"), [""; 0]);
}

#[test]
fn scope_of_an_operation_is_named_by_a_row() {
    let found = |scopes: &str, rows: &str| {
        let evidence = format!("{{by: document, rows: [{rows}]}}");
        access_problems(&format!("{{scopes: {scopes}}}"), "works", &evidence)
    };
    for (scopes, rows, unnamed) in [
        ("[things.list]", "M004", "things.list"),
        ("[things.list, others.list]", "M005", "others.list"),
        ("{all_of: [other.read]}", "M005", "other.read"),
    ] {
        let problem = format!("`access.scopes`: no row names `{unnamed}` or its family");
        let location = "overrides/operations.yaml: GET /things";
        assert_eq!(found(scopes, rows), [format!("{location}: {problem}")]);
    }
    for scopes in ["[things.list, others.read]", "{all_of: [things.read]}"] {
        assert_eq!(found(scopes, "M004, M005"), [""; 0], "{scopes}");
    }
}

#[test]
fn claim_of_an_operation_needs_a_row_of_that_grade_or_an_observed_status() {
    for (evidence, best) in [
        ("{by: live, rows: [M003, M004]}", "official-client"),
        ("{by: live, rows: [M002]}", "live-scm"),
        ("{by: live}", "no row"),
        ("{by: official-client, rows: [M004]}", "document"),
    ] {
        let found = entry_problems("works", evidence);
        let [problem] = found.as_slice() else {
            panic!("{evidence}: {found:?}");
        };
        assert!(
            problem.starts_with("overrides/operations.yaml: GET /things: `by: "),
            "{problem}"
        );
        assert!(
            problem.ends_with(&format!("the best is {best}")),
            "{problem}"
        );
    }
    for evidence in [
        "{by: live, rows: [M004, M001]}",
        "{by: live, rows: [M002], note: recorded on the SCM deployment}",
        "{by: live, rows: [M004], seen: 200}",
        "{by: official-client, rows: [M002]}",
        "{by: official-client, rows: [M003]}",
    ] {
        assert_eq!(entry_problems("works", evidence), [""; 0], "{evidence}");
    }
}

#[test]
fn claim_of_an_action_needs_a_row_of_that_grade() {
    let found = action_problems("{by: live, rows: [M003], seen: a response}");
    let [problem] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(
        problem.starts_with("overrides/a.overlay.yaml:4: actions[0]: x-evidence: `by: live` needs"),
        "{problem}"
    );
    for evidence in [
        "{by: live, rows: [M001]}",
        "{by: live, rows: [M002], seen: a response of SCM}",
        "{by: document, source: S1}",
        "{rows: [M004]}",
    ] {
        assert_eq!(action_problems(evidence), [""; 0], "{evidence}");
    }
    let malformed = action_problems("{rows: M001}");
    assert!(
        malformed[0].contains("x-evidence: invalid type"),
        "{malformed:?}"
    );
}

//! Rules that are parsed, and rules that are rejected.

use crate::{NAME, assert_contains, parse, parse_error, rename_yaml};

#[test]
fn rule_accessors_return_the_parsed_values() {
    let rules = parse(
        "rename:\n- from: /a/{id}\n  to: /b/{x}\n  evidence:\n    documented: {status: 400, on: 2025-12-31}\n    tested: {status: 200, on: 2025-12-31}\ngone:\n- path: /c\n  methods: [GET]\n  instead: POST /b/{x}\n  evidence: {answered: {status: 405, on: 2026-04-14}}\n",
    )
    .unwrap();
    let rename = &rules.renames()[0];
    assert_eq!(
        (rename.location(), rename.from(), rename.to()),
        ("overrides/paths.yaml: rename[0]", "/a/{id}", "/b/{x}")
    );
    assert_eq!((rename.methods(), rename.adds().count()), (None, 0));
    assert_eq!(rename.parameters().collect::<Vec<_>>(), [("id", "x")]);
    let evidence = rename.evidence();
    assert_eq!(evidence.documented.as_ref().unwrap().status, 400);
    assert_eq!(
        evidence.tested.as_ref().unwrap().on.as_deref(),
        Some("2025-12-31")
    );
    let gone = &rules.removals()[0];
    assert_eq!(
        (gone.location(), gone.path(), gone.instead()),
        ("overrides/paths.yaml: gone[0]", "/c", Some("POST /b/{x}"))
    );
    assert_eq!(gone.methods(), Some(&["get"][..]));
    assert_eq!(gone.evidence().answered.as_ref().unwrap().status, 405);
}

#[test]
fn malformed_rename_is_rejected_with_its_location() {
    #[derive(serde::Deserialize)]
    struct Case {
        from: String,
        to: String,
        #[serde(default)]
        more: String,
        error: String,
    }
    let cases = include_str!("malformed-renames.yaml");
    let cases: Vec<Case> = serde_norway::from_str(cases).unwrap();
    assert_eq!(cases.len(), 27);
    for Case {
        from,
        to,
        more,
        error: part,
    } in cases
    {
        let more = if more.is_empty() {
            String::new()
        } else {
            format!(", {more}")
        };
        let text = format!(
            "rename:\n{}{}",
            rename_yaml("/fine", "/finer", ""),
            rename_yaml(&from, &to, &more)
        );
        let error = parse_error(&text);
        assert_eq!(
            error.location(),
            "overrides/paths.yaml: rename[1]",
            "{from} {to}{more}"
        );
        assert_contains(&error.to_string(), &[&part]);
    }
}

#[test]
fn malformed_gone_rule_is_rejected_with_its_location() {
    for (rule, part) in [
        ("{path: a, evidence: {note: n}}", "does not start with `/`"),
        (
            "{path: /a, evidence: {note: n}, to: /b}",
            "unknown field `to`",
        ),
        ("{path: /a}", "missing field `evidence`"),
        ("{evidence: {note: n}}", "missing field `path`"),
        ("{path: /a, evidence: {note: n}, methods: [X]}", "found `X`"),
        (
            "{path: /a, evidence: {note: n}, instead: /b}",
            "expected `METHOD /path`",
        ),
        (
            "{path: /a, evidence: {note: n}, instead: get /b}",
            "expected `METHOD /path`",
        ),
        (
            "{path: /a, evidence: {note: n}, instead: 'GET /{b'}",
            "unclosed `{`",
        ),
        ("text", "invalid type"),
    ] {
        let error = parse_error(&format!("gone:\n- {rule}\n"));
        assert_eq!(error.location(), "overrides/paths.yaml: gone[0]", "{rule}");
        assert_contains(&error.to_string(), &[part]);
    }
}

#[test]
fn incomplete_evidence_needs_a_note() {
    let parse_evidence =
        |evidence: &str| parse(&format!("gone: [{{path: /a, evidence: {evidence}}}]")).map(|_| ());
    assert!(parse_evidence("{answered: {status: 404, on: 2025-12-31}}").is_ok());
    assert!(parse_evidence("{answered: {status: 404}, note: undated}").is_ok());
    assert!(parse_evidence("{note: unknown}").is_ok());
    for (evidence, part) in [
        ("{}", "no `note` that explains why"),
        ("{note: ' '}", "no `note` that explains why"),
        ("{answered: {status: 404}}", "no `note` that explains why"),
        (
            "{answered: {status: 4, on: 2025-12-31}}",
            "expected an HTTP status from 100 to 599, found 4",
        ),
        (
            "{answered: {status: 404, on: yesterday}}",
            "found `yesterday`",
        ),
        (
            "{answered: {status: 404, on: 31-12-2025}}",
            "expected a date",
        ),
        ("{answered: {on: 2025-12-31}}", "missing field `status`"),
        ("{seen: 404}", "unknown field `seen`"),
    ] {
        assert_contains(
            &parse_evidence(evidence).unwrap_err().to_string(),
            &["gone[0]", part],
        );
    }
    let half = "rename: [{from: /a, to: /b, evidence: {tested: {status: 200, on: 2025-12-31}}}]";
    assert_contains(
        &parse_error(half).to_string(),
        &["rename[0]", "no `note` that explains why"],
    );
}

#[test]
fn malformed_file_is_rejected() {
    assert_contains(
        &parse_error("renames: []").to_string(),
        &[NAME, "unknown field `renames`"],
    );
    assert_contains(
        &parse_error("rename: {}").to_string(),
        &[NAME, "invalid type"],
    );
    assert_contains(
        &parse_error("rename: [").to_string(),
        &["overrides/paths.yaml:"],
    );
}

#[test]
fn two_rules_for_the_same_path_and_method_are_rejected() {
    let text = |a: &str, b: &str| {
        format!(
            "rename:\n{}{}",
            rename_yaml("/a/{x}", "/b/{x}", a),
            rename_yaml("/a/{y}", "/c/{y}", b)
        )
    };
    for (a, b) in [
        ("", ""),
        ("", ", methods: [GET]"),
        (", methods: [GET, PUT]", ", methods: [PUT]"),
    ] {
        let error = parse_error(&text(a, b));
        assert_eq!(error.location(), "overrides/paths.yaml: rename[1]");
        assert_contains(
            &error.to_string(),
            &["`/a/{y}`", "overrides/paths.yaml: rename[0]"],
        );
    }
    assert!(parse(&text(", methods: [GET]", ", methods: [PUT]")).is_ok());
    let gone =
        "gone: [{path: '/a/{x}', evidence: {note: n}}, {path: '/a/{y}', evidence: {note: n}}]";
    assert_contains(&parse_error(gone).to_string(), &["gone[1]", "gone[0]"]);
}

#[test]
fn rules_that_change_a_tested_path_are_rejected() {
    let chain = format!(
        "rename:\n{}{}",
        rename_yaml("/a", "/b", ""),
        rename_yaml("/b", "/c", "")
    );
    assert_contains(
        &parse_error(&chain).to_string(),
        &["rename[0]", "`/b`", "rename[1]"],
    );
    let gone = "gone: [{path: '/b/{z}', methods: [PUT], evidence: {note: n}}]";
    let text = |methods: &str| {
        format!(
            "rename:\n{}{gone}",
            rename_yaml("/a/{x}", "/b/{x}", methods)
        )
    };
    assert_contains(
        &parse_error(&text("")).to_string(),
        &["rename[0]", "gone[0]"],
    );
    assert_contains(
        &parse_error(&text(", methods: [PUT]")).to_string(),
        &["rename[0]", "gone[0]"],
    );
    assert!(parse(&text(", methods: [GET]")).is_ok());
}

//! Path rules: their effect on small documents, and every rule of `overrides/paths.yaml`.

#![allow(clippy::unwrap_used)]

mod parsing;
mod project_rules;
mod removals;
mod renames;

use portkey_admin_codegen::paths::{Effect, Outcome, Rules};
use portkey_admin_codegen::{Error, Result, Source};
use serde_json::{Value, json};

const NAME: &str = "overrides/paths.yaml";

fn parse(text: &str) -> Result<Rules> {
    Rules::parse(&Source {
        name: NAME.to_owned(),
        text: text.to_owned(),
    })
}

/// Returns the YAML of a rename with evidence; `more` is appended to its fields.
fn rename_yaml(from: &str, to: &str, more: &str) -> String {
    format!("- {{from: '{from}', to: '{to}', evidence: {{note: n}}{more}}}\n")
}

fn rename_rules(from: &str, to: &str, more: &str) -> Rules {
    parse(&format!("rename:\n{}", rename_yaml(from, to, more))).unwrap()
}

fn removal_rules(path: &str, more: &str) -> Rules {
    parse(&format!(
        "gone:\n- {{path: '{path}', evidence: {{note: n}}{more}}}\n"
    ))
    .unwrap()
}

fn parse_error(text: &str) -> Error {
    parse(text).unwrap_err()
}

fn apply(rules: &Rules, mut document: Value) -> Result<(Value, Vec<Outcome>)> {
    let outcomes = rules.apply(&mut document)?;
    Ok((document, outcomes))
}

fn applied(rules: &Rules, document: Value) -> Value {
    apply(rules, document).unwrap().0
}

fn effects(outcomes: &[Outcome]) -> Vec<Effect> {
    outcomes.iter().map(|outcome| outcome.effect).collect()
}

fn path_parameter(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
}

fn query_parameter(name: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": "integer"}})
}

#[track_caller]
fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in `{text}`");
    }
}

//! The report for programs. `CONTRIBUTING.md` documents its members; they are a contract.

use portkey_admin_codegen::survey::{Finding, Status};
use serde_json::{Value, json};

use super::override_word;
use crate::drift::difference::Fact;
use crate::drift::proposal::Proposal;
use crate::drift::report::{Change, Report};
use crate::surface;

/// Rises when a member is removed or changes its meaning. New members do not raise it.
const SCHEMA: u32 = 1;

pub fn render(report: &Report) -> String {
    let (now, next) = &report.versions;
    let document = json!({
        "schema": SCHEMA,
        "from": report.from,
        "compared": report.compared,
        "impact": report.impact.word(),
        "version": {"current": now, "suggested": next},
        "changes": report.changes.iter().map(change).collect::<Vec<_>>(),
        "undecided": report.undecided,
        "overrides": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "new_operations": report.proposals.iter().map(proposal).collect::<Vec<_>>(),
        "public_api": public_api(report),
        "build_failures": report.failures(),
    });
    format!("{document:#}\n")
}

fn change(change: &Change) -> Value {
    let difference = &change.difference;
    let direction = change.direction;
    let direction = [(direction.request, "request"), (direction.answer, "answer")];
    let direction = direction
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, word)| *word);
    json!({
        "kind": difference.kind.word(),
        "aspect": difference.aspect.word(),
        "subject": change.subject.to_string(),
        "old": fact(difference.old.as_ref()),
        "new": fact(difference.new.as_ref()),
        "required": difference.required,
        "operations": change.operations,
        "direction": direction.collect::<Vec<_>>(),
        "compatibility": change.compatibility.map(|compatibility| compatibility.word()),
        "impact": change.verdict.impact.word(),
        "reason": change.verdict.reason,
    })
}

fn fact(fact: Option<&Fact>) -> Value {
    fact.map_or(
        Value::Null,
        |fact| json!({"path": fact.place.to_string(), "value": fact.value}),
    )
}

fn finding(finding: &Finding) -> Value {
    json!({
        "kind": override_word(finding.kind),
        "place": finding.place,
        "subject": finding.subject,
        "status": status(finding.status),
        "detail": finding.detail,
        "fails_build": finding.fails,
    })
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Applied => "applied",
        Status::Satisfied => "satisfied",
        Status::Confirmed => "confirmed",
        Status::Stale => "stale",
        Status::Conflicting => "conflicting",
    }
}

fn proposal(proposal: &Proposal) -> Value {
    json!({
        "operation": proposal.key,
        "id": proposal.id,
        "moved_from": proposal.moved_from,
        "entry": proposal.text,
    })
}

fn public_api(report: &Report) -> Value {
    match &report.surface {
        Ok(changes) => json!({
            "problem": null,
            "changes": changes.iter().map(surface_change).collect::<Vec<_>>(),
        }),
        Err(problem) => json!({"problem": problem, "changes": []}),
    }
}

fn surface_change(change: &surface::Change) -> Value {
    let (kind, old, new) = match change {
        surface::Change::Added { signature, .. } => ("added", None, Some(signature)),
        surface::Change::Removed { signature, .. } => ("removed", Some(signature), None),
        surface::Change::Changed { old, new, .. } => ("changed", Some(old), Some(new)),
    };
    json!({"kind": kind, "path": change.path(), "old": old, "new": new})
}

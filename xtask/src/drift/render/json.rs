//! The report as JSON. `CONTRIBUTING.md` documents the keys and values; they are a contract.

use portkey_admin_codegen::overlay::Step;
use portkey_admin_codegen::override_audit::{
    Finding, OverrideKind, OverridePart, OverrideStatus as Status,
};
use serde_json::{Value, json};

use super::is_notable;
use crate::drift::difference::{Aspect, Fact};
use crate::drift::mentions::Mention;
use crate::drift::proposal::Proposal;
use crate::drift::public_api;
use crate::drift::report::{Change, Override, Report};
use crate::drift::target::Target;
use crate::prune::Pruned;

/// Version of the format. It is raised when a key is removed or changes its meaning, not when one
/// is added.
const SCHEMA: u32 = 1;

pub fn render(report: &Report) -> String {
    let (now, next) = &report.versions;
    let document = json!({
        "schema": SCHEMA,
        "from": report.from,
        "compared": report.compared,
        "impact": report.impact.label(),
        "version": {"current": now, "suggested": next},
        "changes": report.changes.iter().map(change).collect::<Vec<_>>(),
        "undecided": report.comparison_problem,
        "overrides": report.overrides.iter().map(override_status).collect::<Vec<_>>(),
        "pruned": report.pruned.as_ref().map(pruned),
        "mentions": report.mentions.iter().map(mention).collect::<Vec<_>>(),
        "new_operations": report.proposals.iter().map(proposal).collect::<Vec<_>>(),
        "public_api": public_api(report),
        "build_failures": report.failures(),
    });
    format!("{document:#}\n")
}

fn change(change: &Change) -> Value {
    let difference = &change.difference;
    let direction = change.direction;
    let direction = [
        (direction.request, "request"),
        (direction.response, "answer"),
    ];
    let direction = direction
        .iter()
        .filter(|(applies, _)| *applies)
        .map(|(_, name)| *name);
    json!({
        "kind": difference.kind.label(),
        "aspect": aspect(difference.aspect),
        "subject": target(&change.target),
        "old": fact(difference.old.as_ref()),
        "new": fact(difference.new.as_ref()),
        "required": difference.required,
        "operations": change.operations,
        "direction": direction.collect::<Vec<_>>(),
        "compatibility": change.compatibility.map(|compatibility| compatibility.label()),
        "impact": change.assessment.impact.label(),
        "reason": change.assessment.reason,
    })
}

// Schema 1 keeps the names below, which differ from those in the text reports.

fn aspect(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Response => "answer",
        Aspect::Document => "document",
        other => other.label(),
    }
}

fn target(target: &Target) -> String {
    match target {
        Target::Document => "the document".to_owned(),
        other => other.to_string(),
    }
}

fn override_kind(kind: OverrideKind) -> &'static str {
    match kind {
        OverrideKind::PathRule => "path rule",
        OverrideKind::Overlay => "overlay action",
        OverrideKind::ManifestEntry => "ledger entry",
    }
}

fn fact(fact: Option<&Fact>) -> Value {
    fact.map_or(
        Value::Null,
        |fact| json!({"path": fact.location.to_string(), "value": fact.value}),
    )
}

fn override_status(other: &Override) -> Value {
    let mut value = finding(&other.finding);
    value["operations"] = json!(other.operations);
    value
}

fn pruned(pruned: &Pruned) -> Value {
    let part = |part: &OverridePart| {
        let path = part.path.iter().map(|step| match step {
            Step::Name(name) => json!(name),
            Step::Index(index) => json!(index),
        });
        json!({"file": part.file, "path": path.collect::<Vec<_>>()})
    };
    json!({
        "removed": pruned.removed.iter().map(part).collect::<Vec<_>>(),
        "left": left(&pruned.findings).map(finding).collect::<Vec<_>>(),
    })
}

fn left(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| is_notable(finding))
}

fn mention((mention, target): &(Mention, Option<Target>)) -> Value {
    json!({
        "file": mention.file,
        "line": mention.line,
        "item": mention.item,
        "kind": if mention.is_removed { "removed" } else { "changed" },
        "operation": target.as_ref().map(ToString::to_string),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "kind": override_kind(finding.kind),
        "place": finding.location,
        "subject": finding.subject,
        "status": status(finding.status),
        "detail": finding.detail,
        "fails_build": finding.fails_build,
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
    json!({
        "problem": report.public_api_problem,
        "changes": report.public_api.iter().map(api_change).collect::<Vec<_>>(),
    })
}

fn api_change(change: &public_api::Change) -> Value {
    let kind = change.kind.label();
    json!({"kind": kind, "path": change.path, "old": change.old, "new": change.new})
}

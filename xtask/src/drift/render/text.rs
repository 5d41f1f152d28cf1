//! The report for a terminal.

use portkey_admin_codegen::override_audit::{Finding, OverrideStatus as Status};

use super::{
    Group, groups, left, locations, mention_line, other_overrides, pruned_lines, public_api_lines,
    remarks, shared_mentions, status_advice, status_counts, status_label, summary, title, to_do,
    values, version_advice,
};
use crate::drift::report::{Change, Report};

const MAX_VALUE_LENGTH: usize = 200;

pub fn render(report: &Report) -> String {
    let mut lines = vec![format!("{}: {}", report.from, summary(report))];
    if !report.is_empty() {
        lines.push(version_advice(report));
    }
    section(&mut lines, "What changed", changes(report));
    section(
        &mut lines,
        "Handwritten files that name what several operations use",
        shared_mentions(report)
            .into_iter()
            .map(mention_line)
            .collect(),
    );
    section(&mut lines, "Overrides", overrides(report));
    section(&mut lines, "Overrides removed", pruned_lines(report));
    section(
        &mut lines,
        "Overrides left to decide",
        by_status(left(report)),
    );
    section(
        &mut lines,
        "New operations, as manifest entries",
        proposals(report),
    );
    section(&mut lines, "Public API", public_api(report));
    section(&mut lines, "To do before it builds", to_do(report));
    lines.join("\n") + "\n"
}

/// Appends a section, unless it is empty.
fn section(lines: &mut Vec<String>, title: &str, content: Vec<String>) {
    if !content.is_empty() {
        lines.push(String::new());
        lines.push(title.to_uppercase());
        lines.extend(content);
    }
}

fn changes(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = groups(report).iter().flat_map(group).collect();
    if let Some(problem) = &report.comparison_problem {
        lines.push(format!("Wire compatibility is unknown: {problem}"));
    }
    lines
}

fn group(group: &Group<'_>) -> Vec<String> {
    let mut lines = vec![group.target.to_string()];
    match &group.used_by {
        Some(used_by) if used_by.is_empty() => {
            lines.extend(
                group
                    .is_component()
                    .then(|| "  no operation uses it".to_owned()),
            );
        }
        Some(used_by) => {
            let operations: Vec<&str> = used_by.iter().copied().collect();
            lines.push(format!("  used by {}", operations.join(", ")));
        }
        None => {}
    }
    lines.extend(group.changes.iter().flat_map(|change| entry(change)));
    for (component, changes) in &group.components {
        lines.push(format!("  {component}"));
        lines.extend(changes.iter().flat_map(|change| entry(change)));
    }
    if !group.overrides.is_empty() {
        lines.push("  overrides".to_owned());
        for finding in &group.overrides {
            lines.extend(finding_lines(finding, status_label(finding.status)));
        }
    }
    if !group.mentions.is_empty() {
        lines.push("  handwritten files".to_owned());
        let mentions = group.mentions.iter();
        lines.extend(mentions.map(|mention| format!("      {}", mention_line(mention))));
    }
    lines
}

/// Returns `! stale overrides/a.overlay.yaml:7: actions[0]: $.a`; `!` marks what fails the build.
fn finding_lines(finding: &Finding, label: &str) -> Vec<String> {
    let mark = if finding.fails_build { '!' } else { ' ' };
    let head = format!(
        "    {mark} {label} {}: {}",
        finding.location, finding.subject
    );
    let detail = finding
        .detail
        .iter()
        .map(|detail| format!("      {detail}"));
    std::iter::once(head).chain(detail).collect()
}

fn entry(change: &Change) -> Vec<String> {
    let mut lines = vec![
        format!("  [{}] {}", change.assessment.impact.label(), title(change)),
        format!("      {}", locations(change)),
    ];
    let values = values(change, MAX_VALUE_LENGTH);
    lines.extend(values.into_iter().map(|value| format!("      {value}")));
    lines.push(format!("      {}", remarks(change)));
    lines
}

fn overrides(report: &Report) -> Vec<String> {
    if report.overrides.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![status_counts(&report.overrides)];
    lines.extend(by_status(other_overrides(report)));
    lines
}

fn by_status(findings: Vec<(Status, Vec<&Finding>)>) -> Vec<String> {
    let mut lines = Vec::new();
    for (status, findings) in findings {
        lines.push(format!(
            "{} ({})",
            status_label(status),
            status_advice(status)
        ));
        for finding in findings {
            let mark = if finding.fails_build { '!' } else { ' ' };
            lines.push(format!("{mark} {}: {}", finding.location, finding.subject));
            lines.extend(
                finding
                    .detail
                    .iter()
                    .map(|detail| format!("      {detail}")),
            );
        }
    }
    lines
}

fn proposals(report: &Report) -> Vec<String> {
    let lines = report.proposals.iter().flat_map(|proposal| {
        let moved = proposal
            .moved_from
            .iter()
            .map(|from| format!("# moved from {from}"));
        moved
            .chain(proposal.text.lines().map(str::to_owned))
            .chain([String::new()])
            .collect::<Vec<_>>()
    });
    let mut lines: Vec<String> = lines.collect();
    lines.pop();
    lines
}

fn public_api(report: &Report) -> Vec<String> {
    match &report.public_api {
        Ok(changes) => public_api_lines(changes),
        Err(problem) => vec![format!("unknown: {problem}")],
    }
}

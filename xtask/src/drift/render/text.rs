//! The report for a terminal.

use super::{
    Group, groups, locations, notable, public_api_lines, remarks, status_advice, status_counts,
    status_label, summary, title, to_do, values, version_advice,
};
use crate::drift::report::{Change, Report};

const MAX_VALUE_LENGTH: usize = 200;

pub fn render(report: &Report) -> String {
    let mut lines = vec![format!("{}: {}", report.from, summary(report))];
    if !report.is_empty() {
        lines.push(version_advice(report));
    }
    section(&mut lines, "What changed", changes(report));
    section(&mut lines, "Overrides", overrides(report));
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
    lines
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
    let mut lines = vec![status_counts(&report.findings)];
    for (status, findings) in notable(&report.findings) {
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
    if report.findings.is_empty() {
        Vec::new()
    } else {
        lines
    }
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

//! The report for a terminal.

use super::{
    Group, groups, notable, places, remarks, status_advice, status_counts, status_word, summary,
    surface_lines, title, to_do, values, version_advice,
};
use crate::drift::report::{Change, Report};

const LONGEST: usize = 200;

pub fn render(report: &Report) -> String {
    let mut lines = vec![format!("{}: {}", report.from, summary(report))];
    if !report.is_empty() {
        lines.push(version_advice(report));
    }
    section(&mut lines, "What changed", changes(report));
    section(&mut lines, "Overrides", overrides(report));
    section(
        &mut lines,
        "New operations, as ledger entries",
        proposals(report),
    );
    section(&mut lines, "Public API", surface(report));
    section(&mut lines, "Before it builds", to_do(report));
    lines.join("\n") + "\n"
}

/// A section, unless there is nothing in it.
fn section(lines: &mut Vec<String>, title: &str, content: Vec<String>) {
    if !content.is_empty() {
        lines.push(String::new());
        lines.push(title.to_uppercase());
        lines.extend(content);
    }
}

fn changes(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = groups(report).iter().flat_map(group).collect();
    if let Some(problem) = &report.undecided {
        lines.push(format!("No judgement of the wire: {problem}"));
    }
    lines
}

fn group(group: &Group<'_>) -> Vec<String> {
    let mut lines = vec![group.subject.to_string()];
    match &group.reaches {
        Some(reaches) if reaches.is_empty() => {
            lines.extend(
                group
                    .is_component()
                    .then(|| "  no operation uses it".to_owned()),
            );
        }
        Some(reaches) => {
            let operations: Vec<&str> = reaches.iter().copied().collect();
            lines.push(format!("  reaches {}", operations.join(", ")));
        }
        None => {}
    }
    lines.extend(group.changes.iter().flat_map(|change| entry(change)));
    lines
}

fn entry(change: &Change) -> Vec<String> {
    let mut lines = vec![
        format!("  [{}] {}", change.verdict.impact.word(), title(change)),
        format!("      {}", places(change)),
    ];
    let values = values(change, LONGEST);
    lines.extend(values.into_iter().map(|value| format!("      {value}")));
    lines.push(format!("      {}", remarks(change)));
    lines
}

fn overrides(report: &Report) -> Vec<String> {
    let mut lines = vec![status_counts(&report.findings)];
    for (status, findings) in notable(&report.findings) {
        lines.push(format!(
            "{} ({})",
            status_word(status),
            status_advice(status)
        ));
        for finding in findings {
            let mark = if finding.fails { '!' } else { ' ' };
            lines.push(format!("{mark} {}: {}", finding.place, finding.subject));
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
            .map(|from| format!("# was {from}"));
        moved
            .chain(proposal.text.lines().map(str::to_owned))
            .chain([String::new()])
            .collect::<Vec<_>>()
    });
    let mut lines: Vec<String> = lines.collect();
    lines.pop();
    lines
}

fn surface(report: &Report) -> Vec<String> {
    match &report.surface {
        Ok(changes) => surface_lines(changes),
        Err(problem) => vec![format!("not known: {problem}")],
    }
}

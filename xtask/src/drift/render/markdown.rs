//! The report as the body of a pull request.

use portkey_admin_codegen::override_audit::{Finding, OverrideStatus as Status};

use super::{
    Group, counts, groups, left, locations, mention_line, other_overrides, pruned_lines,
    public_api_lines, remarks, shared_mentions, status_advice, status_counts, status_label,
    summary, title, to_do, values, version_advice,
};
use crate::drift::mentions::Mention;
use crate::drift::report::{Change, Report};

/// Longer values are visible in the diff of the files.
const MAX_VALUE_LENGTH: usize = 120;

/// GitHub rejects a body of more than 65,536 characters; the sections together stay below that.
const CHANGES_LIMIT: usize = 21_000;
const SECTION_LIMIT: usize = 8_400;

pub fn render(report: &Report) -> String {
    let mut body = head(report);
    section(
        &mut body,
        "What changed",
        &limited(changes(report), CHANGES_LIMIT),
    );
    let mentions = shared_mentions(report).into_iter().map(mention_item);
    section(
        &mut body,
        "Handwritten files that name what several operations use",
        &limited(mentions.collect(), SECTION_LIMIT / 3),
    );
    section(
        &mut body,
        "Overrides",
        &limited(overrides(report), SECTION_LIMIT),
    );
    let pruned = pruned_lines(report).into_iter();
    section(
        &mut body,
        "Overrides removed",
        &limited(
            pruned.map(|line| format!("- {}", code(&line))).collect(),
            SECTION_LIMIT / 3,
        ),
    );
    section(
        &mut body,
        "Overrides left to decide",
        &limited(by_status(left(report)), SECTION_LIMIT / 3),
    );
    let proposals = report.proposals.iter().flat_map(|proposal| {
        let moved = proposal
            .moved_from
            .iter()
            .map(|from| format!("# moved from {from}"));
        moved
            .chain(proposal.text.lines().map(str::to_owned))
            .collect::<Vec<_>>()
    });
    let entries = fenced("yaml", limited(proposals.collect(), SECTION_LIMIT));
    section(&mut body, "New operations, as manifest entries", &entries);
    section(&mut body, "Public API", &public_api(report));
    let to_do = to_do(report).into_iter().map(|line| format!("- {line}"));
    section(
        &mut body,
        "To do before it builds",
        &limited(to_do.collect(), SECTION_LIMIT),
    );
    body
}

fn head(report: &Report) -> String {
    let mut lines = vec![
        "# Changes in Portkey's OpenAPI document".to_owned(),
        String::new(),
        format!("Source: {}", escaped(&report.from)),
        String::new(),
        format!("{}. {}", summary(report), version_advice(report)),
    ];
    if !report.changes.is_empty() {
        lines.extend([
            String::new(),
            "| impact | changes |".to_owned(),
            "|---|---:|".to_owned(),
        ]);
        let rows =
            counts(report).map(|(impact, count)| format!("| {} | {count} |", impact.label()));
        lines.extend(rows);
    }
    lines.join("\n") + "\n"
}

fn section(body: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        body.push_str(&format!("\n## {title}\n\n{}\n", lines.join("\n")));
    }
}

fn changes(report: &Report) -> Vec<String> {
    let mut lines: Vec<String> = groups(report).iter().flat_map(group).collect();
    if let Some(problem) = &report.comparison_problem {
        lines.push(format!(
            "Wire compatibility is unknown: {}",
            escaped(problem)
        ));
    }
    lines
}

fn group(group: &Group<'_>) -> Vec<String> {
    let mut lines = vec![
        format!("### {}", code(&group.target.to_string())),
        String::new(),
    ];
    if let Some(used_by) = &group.used_by {
        let operations: Vec<String> = used_by.iter().map(|key| code(key)).collect();
        match operations.as_slice() {
            [] if !group.is_component() => {}
            [] => lines.extend(["No operation uses it.".to_owned(), String::new()]),
            _ => lines.extend([format!("Used by {}.", operations.join(", ")), String::new()]),
        }
    }
    lines.extend(group.changes.iter().flat_map(|change| entry(change)));
    for (component, changes) in &group.components {
        lines.extend([String::new(), code(&component.to_string()), String::new()]);
        lines.extend(changes.iter().flat_map(|change| entry(change)));
    }
    if !group.overrides.is_empty() {
        lines.extend([String::new(), "Overrides:".to_owned(), String::new()]);
        let overrides = group.overrides.iter();
        lines.extend(overrides.map(|finding| {
            let label = format!("{} ", status_label(finding.status));
            finding_item(finding, &label)
        }));
    }
    if !group.mentions.is_empty() {
        lines.extend([
            String::new(),
            "Handwritten files:".to_owned(),
            String::new(),
        ]);
        lines.extend(group.mentions.iter().map(|mention| mention_item(mention)));
    }
    lines.push(String::new());
    lines
}

fn mention_item(mention: &Mention) -> String {
    format!("- {}", code(&mention_line(mention)))
}

/// Returns a list item for an override; `!` marks what fails the build.
fn finding_item(finding: &Finding, label: &str) -> String {
    let detail = finding
        .detail
        .iter()
        .map(|detail| format!(": {}", escaped(detail)));
    format!(
        "- {}{label}{} {}{}",
        if finding.fails_build { "`!` " } else { "" },
        code(&finding.location),
        code(&finding.subject),
        detail.collect::<String>()
    )
}

fn entry(change: &Change) -> Vec<String> {
    let impact = change.assessment.impact.label();
    let mut lines = vec![format!(
        "- **{impact}** {} ({})",
        title(change),
        remarks(change)
    )];
    lines.push(format!("  - {}", code(&locations(change))));
    let values = values(change, MAX_VALUE_LENGTH);
    lines.extend(values.iter().map(|value| format!("  - {}", code(value))));
    lines
}

fn overrides(report: &Report) -> Vec<String> {
    if report.overrides.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("{}.", status_counts(&report.overrides))];
    lines.extend(by_status(other_overrides(report)));
    lines
}

fn by_status(findings: Vec<(Status, Vec<&Finding>)>) -> Vec<String> {
    let mut lines = Vec::new();
    for (status, findings) in findings {
        lines.extend([
            String::new(),
            format!("### {}: {}", status_label(status), status_advice(status)),
            String::new(),
        ]);
        lines.extend(
            findings
                .into_iter()
                .map(|finding| finding_item(finding, "")),
        );
    }
    lines
}

fn public_api(report: &Report) -> Vec<String> {
    match &report.public_api {
        Ok(changes) => fenced("diff", limited(public_api_lines(changes), SECTION_LIMIT)),
        Err(problem) => vec![format!("Unknown: {}", escaped(problem))],
    }
}

/// Wraps lines in a code block; empty if there are none.
fn fenced(language: &str, lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        return lines;
    }
    let mut block = vec![format!("```{language}")];
    block.extend(lines);
    block.push("```".to_owned());
    block
}

/// Keeps the first lines that fit, and adds how many are missing.
fn limited(lines: Vec<String>, room: usize) -> Vec<String> {
    let mut used = 0;
    let fits = |line: &&String| {
        used += line.chars().count() + 1;
        used <= room
    };
    let kept = lines.iter().take_while(fits).count();
    let missing = lines.len() - kept;
    let mut lines = lines;
    lines.truncate(kept);
    if missing > 0 {
        lines.push(format!(
            "… and {missing} more lines; `cargo xtask sync-spec --check` prints all of them."
        ));
    }
    lines
}

/// Returns a code span that may contain backticks.
fn code(text: &str) -> String {
    let text = text.replace('\n', " ");
    if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

/// Escapes Markdown in text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(
            character,
            '<' | '*' | '_' | '[' | ']' | '|' | '\\' | '#' | '@'
        ) {
            escaped.push('\\');
        }
        escaped.push(if character == '\n' { ' ' } else { character });
    }
    escaped
}

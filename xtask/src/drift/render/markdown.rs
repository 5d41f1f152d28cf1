//! The report as the body of a pull request.

use super::{
    Line, Section, counts, locations, mention_line, remarks, sections, status_advice, status_label,
    summary, title, values, version_advice,
};
use crate::drift::report::Report;

/// Longer values are visible in the diff of the files.
const MAX_VALUE_LENGTH: usize = 120;

pub fn render(report: &Report) -> String {
    let mut body = head(report);
    for section in sections(report) {
        let Section {
            title,
            content,
            language,
            max_length,
        } = section;
        let lines = content.iter().flat_map(markdown).collect();
        let mut lines = limited(lines, max_length);
        if content.iter().any(|line| matches!(line, Line::Code(_))) {
            lines.insert(0, format!("```{language}"));
            lines.push("```".to_owned());
        }
        body.push_str(&format!("\n## {title}\n\n{}\n", lines.join("\n")));
    }
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
        lines.extend(["", "| impact | changes |", "|---|---:|"].map(str::to_owned));
        let rows =
            counts(report).map(|(impact, count)| format!("| {} | {count} |", impact.label()));
        lines.extend(rows);
    }
    lines.join("\n") + "\n"
}

fn markdown(line: &Line<'_>) -> Vec<String> {
    let spaced = |text: String| vec![String::new(), text, String::new()];
    match line {
        Line::Target(target) => vec![format!("### {}", code(&target.to_string())), String::new()],
        Line::Component(target) => spaced(code(&target.to_string())),
        Line::UsedBy(operations) if operations.is_empty() => {
            vec!["No operation uses it.".to_owned(), String::new()]
        }
        Line::UsedBy(operations) => {
            let operations: Vec<String> = operations.iter().map(|key| code(key)).collect();
            vec![format!("Used by {}.", operations.join(", ")), String::new()]
        }
        Line::Change(change) => {
            let impact = change.assessment.impact.label();
            let head = format!("- **{impact}** {} ({})", title(change), remarks(change));
            let details = [locations(change)].into_iter();
            let details = details.chain(values(change, MAX_VALUE_LENGTH));
            let details = details.map(|detail| format!("  - {}", code(&detail)));
            [head].into_iter().chain(details).collect()
        }
        Line::Heading(heading) => spaced(format!("{heading}:")),
        Line::Status(status) => {
            let (label, advice) = (status_label(*status), status_advice(*status));
            spaced(format!("### {label}: {advice}"))
        }
        Line::Override(finding) | Line::GroupOverride(finding) => {
            let mark = if finding.fails_build { "`!` " } else { "" };
            let label = match line {
                Line::GroupOverride(_) => format!("{} ", status_label(finding.status)),
                _ => String::new(),
            };
            let (location, subject) = (code(&finding.location), code(&finding.subject));
            let detail = finding
                .detail
                .iter()
                .map(|detail| format!(": {}", escaped(detail)));
            let detail: String = detail.collect();
            vec![format!("- {mark}{label}{location} {subject}{detail}")]
        }
        Line::Mention(mention) | Line::GroupMention(mention) => {
            vec![format!("- {}", code(&mention_line(mention)))]
        }
        Line::WireProblem(problem) => {
            vec![format!(
                "Wire compatibility is unknown: {}",
                escaped(problem)
            )]
        }
        Line::Counts(counts) => vec![format!("{counts}.")],
        Line::Unknown(problem) => vec![format!("Unknown: {}", escaped(problem))],
        Line::Item(text) => vec![format!("- {text}")],
        Line::CodeItem(text) => vec![format!("- {}", code(text))],
        Line::Code(text) => vec![text.clone()],
        Line::GroupEnd => vec![String::new()],
        Line::ProposalEnd => Vec::new(),
    }
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

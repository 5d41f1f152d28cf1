//! The report as the body of a pull request.

use super::{
    Group, counts, groups, notable, places, remarks, status_advice, status_counts, status_word,
    summary, surface_lines, title, to_do, values, version_advice,
};
use crate::drift::report::{Change, Report};

/// Values longer than this are in the difference of the files anyway.
const LONGEST: usize = 120;

/// GitHub refuses a body of more than 65536 letters; the sections together stay below.
const CHANGES: usize = 28_000;
const OTHERS: usize = 9_000;

pub fn render(report: &Report) -> String {
    let mut body = head(report);
    section(
        &mut body,
        "What changed",
        &limited(changes(report), CHANGES),
    );
    section(&mut body, "Overrides", &limited(overrides(report), OTHERS));
    let proposals = report.proposals.iter().flat_map(|proposal| {
        let moved = proposal
            .moved_from
            .iter()
            .map(|from| format!("# was {from}"));
        moved
            .chain(proposal.text.lines().map(str::to_owned))
            .collect::<Vec<_>>()
    });
    let entries = fenced("yaml", limited(proposals.collect(), OTHERS));
    section(&mut body, "New operations, as ledger entries", &entries);
    section(&mut body, "Public API", &surface(report));
    let to_do = to_do(report).into_iter().map(|line| format!("- {line}"));
    section(
        &mut body,
        "Before it builds",
        &limited(to_do.collect(), OTHERS),
    );
    body
}

fn head(report: &Report) -> String {
    let mut lines = vec![
        "# Portkey's document".to_owned(),
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
        let rows = counts(report).map(|(impact, count)| format!("| {} | {count} |", impact.word()));
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
    if let Some(problem) = &report.undecided {
        lines.push(format!("No judgement of the wire: {}", escaped(problem)));
    }
    lines
}

fn group(group: &Group<'_>) -> Vec<String> {
    let mut lines = vec![
        format!("### {}", code(&group.subject.to_string())),
        String::new(),
    ];
    if let Some(reaches) = &group.reaches {
        let operations: Vec<String> = reaches.iter().map(|key| code(key)).collect();
        match operations.as_slice() {
            [] if !group.is_component() => {}
            [] => lines.extend(["No operation uses it.".to_owned(), String::new()]),
            _ => lines.extend([format!("Reaches {}.", operations.join(", ")), String::new()]),
        }
    }
    lines.extend(group.changes.iter().flat_map(|change| entry(change)));
    lines.push(String::new());
    lines
}

fn entry(change: &Change) -> Vec<String> {
    let impact = change.verdict.impact.word();
    let mut lines = vec![format!(
        "- **{impact}** {} ({})",
        title(change),
        remarks(change)
    )];
    lines.push(format!("  - {}", code(&places(change))));
    let values = values(change, LONGEST);
    lines.extend(values.iter().map(|value| format!("  - {}", code(value))));
    lines
}

fn overrides(report: &Report) -> Vec<String> {
    if report.findings.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("{}.", status_counts(&report.findings))];
    for (status, findings) in notable(&report.findings) {
        lines.extend([
            String::new(),
            format!("### {}: {}", status_word(status), status_advice(status)),
            String::new(),
        ]);
        for finding in findings {
            let detail = finding
                .detail
                .iter()
                .map(|detail| format!(": {}", escaped(detail)));
            lines.push(format!(
                "- {}{} {}{}",
                if finding.fails { "`!` " } else { "" },
                code(&finding.place),
                code(&finding.subject),
                detail.collect::<String>()
            ));
        }
    }
    lines
}

fn surface(report: &Report) -> Vec<String> {
    match &report.surface {
        Ok(changes) => fenced("diff", limited(surface_lines(changes), OTHERS)),
        Err(problem) => vec![format!("Not known: {}", escaped(problem))],
    }
}

/// Lines as a block of code; none where there are none.
fn fenced(language: &str, lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        return lines;
    }
    let mut block = vec![format!("```{language}")];
    block.extend(lines);
    block.push("```".to_owned());
    block
}

/// The first lines that have room, and how many are missing.
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
            "… and {missing} more lines; `cargo xtask sync-spec --check` prints all."
        ));
    }
    lines
}

/// A span of code, whatever is in it.
fn code(text: &str) -> String {
    let text = text.replace('\n', " ");
    if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

/// Text that is to be read as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '<' | '*' | '_' | '[' | ']' | '|' | '\\' | '#' | '@') {
            escaped.push('\\');
        }
        escaped.push(if letter == '\n' { ' ' } else { letter });
    }
    escaped
}

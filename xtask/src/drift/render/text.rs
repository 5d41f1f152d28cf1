//! The report for a terminal.

use super::{
    Line, Section, finding_mark, locations, mention_line, remarks, sections, status_advice,
    status_label, summary, title, values, version_advice,
};
use crate::drift::report::Report;

const MAX_VALUE_LENGTH: usize = 200;

pub fn render(report: &Report) -> String {
    let mut lines = vec![format!("{}: {}", report.from, summary(report))];
    if !report.is_empty() {
        lines.push(version_advice(report));
    }
    for Section { title, content, .. } in sections(report) {
        lines.extend([String::new(), title.to_uppercase()]);
        lines.extend(content.iter().flat_map(text));
    }
    lines.join("\n") + "\n"
}

fn text(line: &Line<'_>) -> Vec<String> {
    match line {
        Line::Target(target) => vec![target.to_string()],
        Line::Component(target) => vec![format!("  {target}")],
        Line::UsedBy(operations) if operations.is_empty() => vec!["  no operation uses it".into()],
        Line::UsedBy(operations) => vec![format!("  used by {}", operations.join(", "))],
        Line::Change(change) => {
            let impact = change.assessment.impact.label();
            let details = [locations(change)].into_iter();
            let details = details.chain(values(change, MAX_VALUE_LENGTH));
            let details = details.chain([remarks(change)]);
            let details = details.map(|detail| format!("      {detail}"));
            let head = format!("  [{impact}] {}", title(change));
            [head].into_iter().chain(details).collect()
        }
        Line::Heading(heading) => vec![format!("  {}", heading.to_lowercase())],
        Line::Status(status) => {
            vec![format!(
                "{} ({})",
                status_label(*status),
                status_advice(*status)
            )]
        }
        Line::Override(finding) | Line::GroupOverride(finding) => {
            let start = match line {
                Line::GroupOverride(_) => {
                    let label = status_label(finding.status);
                    format!("    {} {label}", finding_mark(finding))
                }
                _ => finding_mark(finding).to_string(),
            };
            let detail = finding
                .detail
                .iter()
                .map(|detail| format!("      {detail}"));
            let head = format!("{start} {}: {}", finding.location, finding.subject);
            [head].into_iter().chain(detail).collect()
        }
        Line::Mention(mention) => vec![mention_line(mention)],
        Line::GroupMention(mention) => vec![format!("      {}", mention_line(mention))],
        Line::WireProblem(problem) => vec![format!("Wire compatibility is unknown: {problem}")],
        Line::Counts(counts) => vec![counts.clone()],
        Line::Unknown(problem) => vec![format!("unknown: {problem}")],
        Line::Code(text) | Line::Item(text) | Line::CodeItem(text) => vec![text.clone()],
        Line::ProposalEnd => vec![String::new()],
        Line::GroupEnd => Vec::new(),
    }
}

//! The report as text, as the body of a pull request, and as JSON.

mod json;
mod markdown;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use portkey_admin_codegen::survey::{Finding, Kind as Override, Status};
use serde_json::Value;

use super::difference::{Aspect, Difference, Fact, Kind};
use super::judge::Impact;
use super::report::{Change, Report};
use super::subject::Subject;
use crate::surface;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For the body of a pull request.
    Markdown,
    /// For programs.
    Json,
}

impl Format {
    /// The format of that name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "text" => Ok(Self::Text),
            "markdown" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            _ => bail!("--format: `{name}` is none of text, markdown, json"),
        }
    }
}

/// The report in a format, with a line break at its end.
pub fn render(report: &Report, format: Format) -> String {
    match format {
        Format::Text => text::render(report),
        Format::Markdown => markdown::render(report),
        Format::Json => json::render(report),
    }
}

/// How many changes are of each impact: breaking, additive, invisible.
fn counts(report: &Report) -> [(Impact, usize); 3] {
    [Impact::Breaking, Impact::Additive, Impact::Invisible].map(|impact| {
        let of = |change: &&Change| change.verdict.impact == impact;
        (impact, report.changes.iter().filter(of).count())
    })
}

/// `3 changes: 1 breaking, 2 additive`
fn summary(report: &Report) -> String {
    if !report.compared {
        return "There is no vendored document to compare with".to_owned();
    }
    let parts: Vec<String> = counts(report)
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(impact, count)| format!("{count} {}", impact.word()))
        .collect();
    match report.changes.len() {
        0 => "No changes".to_owned(),
        1 => format!("1 change: {}", parts.join(", ")),
        count => format!("{count} changes: {}", parts.join(", ")),
    }
}

/// What the drift asks of the version, in one sentence.
fn version_advice(report: &Report) -> String {
    let (now, next) = &report.versions;
    match report.impact {
        Impact::Invisible if !report.compared => format!("The version stays {now}."),
        Impact::Invisible => format!("Nothing public changes: the version stays {now}."),
        impact => format!(
            "The worst of it is {}: {now} should become {next}.",
            impact.word()
        ),
    }
}

/// The changes of one operation, one component, or the document.
struct Group<'a> {
    subject: &'a Subject,
    /// Where the subject is a shared one: the operations that it reaches.
    reaches: Option<BTreeSet<&'a str>>,
    changes: Vec<&'a Change>,
}

impl Group<'_> {
    fn is_component(&self) -> bool {
        matches!(self.subject, Subject::Component(_))
    }
}

/// The changes by what they belong to: operations first, then components, then the rest.
fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut found: BTreeMap<&Subject, Group<'_>> = BTreeMap::new();
    for change in &report.changes {
        let subject = &change.subject;
        let group = found.entry(subject).or_insert_with(|| Group {
            subject,
            reaches: subject.is_shared().then(BTreeSet::new),
            changes: Vec::new(),
        });
        if let Some(reaches) = &mut group.reaches {
            reaches.extend(change.operations.iter().map(String::as_str));
        }
        group.changes.push(change);
    }
    found.into_values().collect()
}

/// What happened, in words: `` parameter `page` added ``, `` bound `maximum` of `page` changed ``.
fn title(change: &Change) -> String {
    let difference = &change.difference;
    let place = difference.place();
    let holder = place.innermost_name();
    if let Some(sentence) = flag(difference, holder.as_deref()) {
        return sentence;
    }
    let (name, of) = match difference.aspect {
        Aspect::Parameter | Aspect::Property | Aspect::Header => (holder, None),
        Aspect::Answer | Aspect::MediaType => (place.last_key().map(str::to_owned), None),
        Aspect::Bound | Aspect::Type | Aspect::Branch => {
            (place.last_key().map(str::to_owned), holder)
        }
        Aspect::Enum
        | Aspect::Required
        | Aspect::Nullability
        | Aspect::Default
        | Aspect::Deprecation
        | Aspect::Reference => (None, holder),
        _ => (None, None),
    };
    let required = difference.required.then(|| "required".to_owned());
    let words = [
        required,
        Some(difference.aspect.word().to_owned()),
        name.map(|name| format!("`{name}`")),
        of.map(|of| format!("of `{of}`")),
        Some(difference.kind.word().to_owned()),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What a flag that came or went means: `` `page` is now required ``.
fn flag(difference: &Difference, holder: Option<&str>) -> Option<String> {
    let fact = difference.new.as_ref().or(difference.old.as_ref())?;
    let now = match difference.kind {
        Kind::Added => "now",
        Kind::Removed => "no longer",
        _ => return None,
    };
    let what = holder.map_or_else(
        || {
            if difference.aspect == Aspect::Required {
                "the body"
            } else {
                "it"
            }
            .to_owned()
        },
        |name| format!("`{name}`"),
    );
    match difference.aspect {
        _ if fact.value != true => None,
        Aspect::Required => Some(format!("{what} is {now} required")),
        Aspect::Nullability => Some(format!("{what} may {now} be null")),
        Aspect::Deprecation => Some(format!("{what} is {now} deprecated")),
        _ => None,
    }
}

/// The values before and after, as JSON; of lists only what came and went. Nothing where the title
/// says it all.
fn values(change: &Change, longest: usize) -> Vec<String> {
    let difference = &change.difference;
    let lists = matches!(
        difference.aspect,
        Aspect::Enum | Aspect::Required | Aspect::Tag | Aspect::Server | Aspect::Security
    );
    if let (true, Some((lost, won))) = (lists, difference.entries()) {
        let side = |sign: &str, values: Vec<&Value>| {
            let texts: Vec<String> = values.iter().map(|value| short(value, longest)).collect();
            (!texts.is_empty()).then(|| format!("{sign} {}", texts.join(", ")))
        };
        return [side("−", lost), side("+", won)]
            .into_iter()
            .flatten()
            .collect();
    }
    let is_whole = difference.aspect == Aspect::Operation && difference.kind != Kind::Moved;
    if is_whole || flag(difference, None).is_some() {
        return Vec::new();
    }
    let text = |fact: Option<&Fact>| fact.map(|fact| short(&fact.value, longest));
    match (text(difference.old.as_ref()), text(difference.new.as_ref())) {
        (Some(old), Some(new)) => vec![format!("{old} → {new}")],
        (Some(old), None) => vec![format!("− {old}")],
        (None, Some(new)) => vec![format!("+ {new}")],
        (None, None) => Vec::new(),
    }
}

/// The places of a change: one where both documents have it at the same.
fn places(change: &Change) -> String {
    let place = |fact: Option<&Fact>| fact.map(|fact| fact.place.to_string());
    let difference = &change.difference;
    match (
        place(difference.old.as_ref()),
        place(difference.new.as_ref()),
    ) {
        (Some(old), Some(new)) if old != new => format!("{old} → {new}"),
        (old, new) => new.or(old).unwrap_or_default(),
    }
}

/// A value as JSON on one line, cut where it is longer than `longest` letters.
fn short(value: &Value, longest: usize) -> String {
    let text = value.to_string();
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Direction, judgement of the `drift` crate, and the reason of the verdict.
fn remarks(change: &Change) -> String {
    let direction = change.direction.word();
    let wire = change
        .compatibility
        .map(|compatibility| compatibility.word());
    let known = [direction, wire, Some(change.verdict.reason.as_str())];
    known.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The word for a status, in reports.
fn status_word(status: Status) -> &'static str {
    match status {
        Status::Applied => "applied",
        Status::Satisfied => "satisfied",
        Status::Confirmed => "confirmed upstream",
        Status::Stale => "stale",
        Status::Conflicting => "conflicting",
    }
}

/// What to do about overrides of a status.
fn status_advice(status: Status) -> &'static str {
    match status {
        Status::Applied | Status::Satisfied => "nothing to do",
        Status::Confirmed => "the document now says what they correct: remove them",
        Status::Stale => "they fit nothing: remove or correct them",
        Status::Conflicting => "upstream changed the same place in another way: decide",
    }
}

/// The word for a kind of override, in reports.
fn override_word(kind: Override) -> &'static str {
    match kind {
        Override::PathRule => "path rule",
        Override::Overlay => "overlay action",
        Override::Ledger => "ledger entry",
    }
}

/// How many overrides have each status.
fn status_counts(findings: &[Finding]) -> String {
    let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.status).or_default() += 1;
    }
    let texts: Vec<String> = counts
        .into_iter()
        .map(|(status, count)| format!("{count} {}", status_word(status)))
        .collect();
    texts.join(", ")
}

/// The overrides that need a look, by status, the most urgent first. A satisfied rule that was not so
/// before is one of them.
fn notable(findings: &[Finding]) -> Vec<(Status, Vec<&Finding>)> {
    let statuses = [
        Status::Conflicting,
        Status::Stale,
        Status::Confirmed,
        Status::Satisfied,
        Status::Applied,
    ];
    statuses
        .into_iter()
        .map(|status| {
            let quiet = matches!(status, Status::Satisfied | Status::Applied);
            let these = findings.iter().filter(|finding| finding.status == status);
            let these = these.filter(|finding| !quiet || finding.detail.is_some());
            (status, these.collect::<Vec<_>>())
        })
        .filter(|(_, findings)| !findings.is_empty())
        .collect()
}

/// The public surface line by line: sign, path, signature. What belongs to a type or a builder that
/// came or went as a whole goes with it.
fn surface_lines(changes: &[surface::Change]) -> Vec<String> {
    let whole: BTreeSet<&str> = changes
        .iter()
        .filter(|change| !matches!(change, surface::Change::Changed { .. }))
        .map(surface::Change::path)
        .collect();
    let is_part = |change: &&surface::Change| {
        let path = change.path();
        let ends = path.match_indices(':').map(|(end, _)| end);
        ends.into_iter().any(|end| whole.contains(&path[..end]))
    };
    changes
        .iter()
        .filter(|change| !is_part(change))
        .flat_map(surface_line)
        .collect()
}

fn surface_line(change: &surface::Change) -> Vec<String> {
    match change {
        surface::Change::Added { path, signature } => vec![format!("+ {path}  {signature}")],
        surface::Change::Removed { path, signature } => vec![format!("- {path}  {signature}")],
        surface::Change::Changed { path, old, new } => {
            vec![format!("- {path}  {old}"), format!("+ {path}  {new}")]
        }
    }
}

/// What must be done before the new document builds, in short; the overrides are listed with their
/// status.
fn to_do(report: &Report) -> Vec<String> {
    let unfit = report
        .findings
        .iter()
        .filter(|finding| finding.fails)
        .count();
    let missing = report.proposals.len();
    let count = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let mut lines: Vec<String> = Vec::new();
    lines.extend(count(
        unfit,
        "override that does not fit, marked `!` above",
        "overrides that do not fit, marked `!` above",
    ));
    lines.extend(count(
        missing,
        "operation without a ledger entry, proposed above",
        "operations without a ledger entry, proposed above",
    ));
    lines.extend(report.ungenerated.iter().cloned());
    lines.extend(report.surface.as_ref().err().cloned());
    lines
}

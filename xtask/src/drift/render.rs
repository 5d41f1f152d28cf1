//! Renders the report as text, as the body of a pull request, and as JSON.

mod json;
mod markdown;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use portkey_admin_codegen::overlay::Step;
use portkey_admin_codegen::override_audit::{Finding, OverridePart, OverrideStatus as Status};
use serde_json::Value;

use super::difference::{Aspect, Difference, Fact, Kind};
use super::impact::Impact;
use super::mentions::Mention;
use super::public_api;
use super::report::{Change, Override, Report};
use super::target::Target;

/// Output format of a report.
#[derive(Clone, Copy, Default)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// For the body of a pull request.
    Markdown,
    /// For programs.
    Json,
}

impl Format {
    /// Returns the format with this name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "text" => Ok(Self::Text),
            "markdown" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            _ => bail!("--format: expected text, markdown or json, found `{name}`"),
        }
    }
}

/// Renders the report; the output ends with a line break.
pub fn render(report: &Report, format: Format) -> String {
    match format {
        Format::Text => text::render(report),
        Format::Markdown => markdown::render(report),
        Format::Json => json::render(report),
    }
}

/// Counts the changes of each impact: breaking, additive, invisible.
fn counts(report: &Report) -> [(Impact, usize); 3] {
    [Impact::Breaking, Impact::Additive, Impact::Invisible].map(|impact| {
        let of = |change: &&Change| change.assessment.impact == impact;
        (impact, report.changes.iter().filter(of).count())
    })
}

/// Returns a summary such as `3 changes: 1 breaking, 2 additive`.
fn summary(report: &Report) -> String {
    if !report.compared {
        return "No vendored OpenAPI document to compare with".to_owned();
    }
    let parts: Vec<String> = counts(report)
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(impact, count)| format!("{count} {}", impact.label()))
        .collect();
    match report.changes.len() {
        0 => "No changes".to_owned(),
        1 => format!("1 change: {}", parts.join(", ")),
        count => format!("{count} changes: {}", parts.join(", ")),
    }
}

/// Returns what the drift means for the version, in one or two sentences.
fn version_advice(report: &Report) -> String {
    let (now, next) = &report.versions;
    match report.impact {
        Impact::Invisible if !report.compared => format!("The version stays {now}."),
        Impact::Invisible => format!("The public API does not change: the version stays {now}."),
        impact => {
            let reason = report.unexplained().map(|change| {
                let path = &change.path;
                format!(" (`{path}` differs, for which no change below accounts)")
            });
            format!(
                "Most severe impact: {}{}. Raise the version from {now} to {next}.",
                impact.label(),
                reason.unwrap_or_default()
            )
        }
    }
}

/// GitHub rejects a body of more than 65,536 characters; the sections together stay below that.
const CHANGES_LIMIT: usize = 21_000;
const SECTION_LIMIT: usize = 8_400;

/// A section of the report.
struct Section<'a> {
    title: &'static str,
    content: Vec<Line<'a>>,
    /// The language of [`Line::Code`].
    language: &'static str,
    /// The number of characters in the body of a pull request.
    max_length: usize,
}

/// A part of a section, which each format lays out in its own way.
enum Line<'a> {
    Target(&'a Target),
    UsedBy(Vec<&'a str>),
    Change(&'a Change),
    /// A component that only one operation uses.
    Component(&'a Target),
    /// A heading in a group.
    Heading(&'static str),
    GroupOverride(&'a Finding),
    GroupMention(&'a Mention),
    GroupEnd,
    WireProblem(&'a str),
    Mention(&'a Mention),
    Counts(String),
    Status(Status),
    Override(&'a Finding),
    CodeItem(String),
    Code(String),
    ProposalEnd,
    Unknown(&'a str),
    Item(String),
}

/// Returns the sections of the report that are not empty.
fn sections(report: &Report) -> Vec<Section<'_>> {
    let short = SECTION_LIMIT / 3;
    let section = |title, max_length, content| Section {
        title,
        content,
        language: "",
        max_length,
    };
    let mentions = report
        .mentions
        .iter()
        .filter(|(_, target)| target.is_none());
    let mentions = mentions
        .map(|(mention, _)| Line::Mention(mention))
        .collect();
    let removed = pruned_lines(report)
        .into_iter()
        .map(Line::CodeItem)
        .collect();
    let to_do = to_do(report).into_iter().map(Line::Item).collect();
    let mut sections = vec![
        section("What changed", CHANGES_LIMIT, change_lines(report)),
        section(
            "Handwritten files that name what several operations use",
            short,
            mentions,
        ),
        section("Overrides", SECTION_LIMIT, override_lines(report)),
        section("Overrides removed", short, removed),
        section("Overrides left to decide", short, by_status(&left(report))),
        Section {
            language: "yaml",
            ..section(
                "New operations, as manifest entries",
                SECTION_LIMIT,
                proposal_lines(report),
            )
        },
        Section {
            language: "diff",
            ..section("Public API", SECTION_LIMIT, public_api_lines(report))
        },
        section("To do before it builds", SECTION_LIMIT, to_do),
    ];
    sections.retain(|section| !section.content.is_empty());
    sections
}

fn change_lines(report: &Report) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for group in groups(report) {
        lines.push(Line::Target(group.target));
        let is_component = matches!(group.target, Target::Component(_));
        let used_by = group
            .used_by
            .filter(|used_by| is_component || !used_by.is_empty());
        lines.extend(used_by.map(|used_by| Line::UsedBy(used_by.into_iter().collect())));
        lines.extend(group.changes.into_iter().map(Line::Change));
        for (component, changes) in group.components {
            lines.push(Line::Component(component));
            lines.extend(changes.into_iter().map(Line::Change));
        }
        if !group.overrides.is_empty() {
            lines.push(Line::Heading("Overrides"));
            lines.extend(group.overrides.into_iter().map(Line::GroupOverride));
        }
        if !group.mentions.is_empty() {
            lines.push(Line::Heading("Handwritten files"));
            lines.extend(group.mentions.into_iter().map(Line::GroupMention));
        }
        lines.push(Line::GroupEnd);
    }
    let problem = report.comparison_problem.as_deref();
    lines.extend(problem.map(Line::WireProblem));
    lines
}

fn override_lines(report: &Report) -> Vec<Line<'_>> {
    if report.overrides.is_empty() {
        return Vec::new();
    }
    // Those of a single operation or component are listed with it.
    let others = report
        .overrides
        .iter()
        .filter(|other| other.target.is_none());
    let others: Vec<&Finding> = others.map(|other| &other.finding).collect();
    let mut lines = vec![Line::Counts(status_counts(&report.overrides))];
    lines.extend(by_status(&others));
    lines
}

fn proposal_lines(report: &Report) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for (index, proposal) in report.proposals.iter().enumerate() {
        if index > 0 {
            lines.push(Line::ProposalEnd);
        }
        let moved = proposal.moved_from.iter();
        lines.extend(moved.map(|from| Line::Code(format!("# moved from {from}"))));
        lines.extend(
            proposal
                .text
                .lines()
                .map(|line| Line::Code(line.to_owned())),
        );
    }
    lines
}

/// What concerns one operation, one component, or the rest of the document.
struct Group<'a> {
    target: &'a Target,
    /// The operations that use the target, if it is shared.
    used_by: Option<BTreeSet<&'a str>>,
    changes: Vec<&'a Change>,
    /// The changes of components that only this operation uses.
    components: BTreeMap<&'a Target, Vec<&'a Change>>,
    /// The overrides that need attention.
    overrides: Vec<&'a Finding>,
    /// The lines of handwritten files that name something that goes.
    mentions: Vec<&'a Mention>,
}

impl<'a> Group<'a> {
    fn new(target: &'a Target) -> Self {
        Self {
            target,
            used_by: target.is_shared().then(BTreeSet::new),
            changes: Vec::new(),
            components: BTreeMap::new(),
            overrides: Vec::new(),
            mentions: Vec::new(),
        }
    }
}

/// Groups everything by target: operations first, then paths, components and the document. A
/// component that only one operation uses belongs to that operation.
fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut found: BTreeMap<&Target, Group<'_>> = BTreeMap::new();
    for change in &report.changes {
        let group = found
            .entry(&change.group)
            .or_insert_with_key(|target| Group::new(target));
        if let Some(used_by) = &mut group.used_by {
            used_by.extend(change.operations.iter().map(String::as_str));
        }
        if change.group == change.target {
            group.changes.push(change);
        } else {
            let changes = group.components.entry(&change.target).or_default();
            changes.push(change);
        }
    }
    for other in report
        .overrides
        .iter()
        .filter(|other| is_notable(&other.finding))
    {
        if let Some(target) = &other.target {
            let group = found
                .entry(target)
                .or_insert_with_key(|target| Group::new(target));
            group.overrides.push(&other.finding);
            if let Some(used_by) = &mut group.used_by {
                used_by.extend(other.operations.iter().map(String::as_str));
            }
        }
    }
    for (mention, target) in &report.mentions {
        if let Some(target) = target {
            let group = found
                .entry(target)
                .or_insert_with_key(|target| Group::new(target));
            group.mentions.push(mention);
        }
    }
    found.into_values().collect()
}

/// Returns the mentions in one group, each as `src/a.rs:7: removed api_keys::ApiKey::name`.
fn mention_line(mention: &Mention) -> String {
    let verb = if mention.is_removed {
        "removed"
    } else {
        "changed"
    };
    format!("{}:{}: {verb} {}", mention.file, mention.line, mention.item)
}

/// Returns `!` for an override that fails the build.
fn finding_mark(finding: &Finding) -> char {
    if finding.fails_build { '!' } else { ' ' }
}

/// Returns what was removed with `--prune`: the number of parts of each file, and the parts.
fn pruned_lines(report: &Report) -> Vec<String> {
    let Some(pruned) = &report.pruned else {
        return Vec::new();
    };
    let mut files: BTreeMap<&str, usize> = BTreeMap::new();
    for part in &pruned.removed {
        *files.entry(&part.file).or_default() += 1;
    }
    let files = files
        .into_iter()
        .map(|(file, count)| match pruned.files.get(file) {
            Some(None) => format!("{file}: {count} removed, the file is empty"),
            _ => format!("{file}: {count} removed"),
        });
    files.chain(pruned.removed.iter().map(part_line)).collect()
}

/// Returns `overrides/a.overlay.yaml: actions[3].update.properties.name`.
fn part_line(part: &OverridePart) -> String {
    let path = part
        .path
        .iter()
        .fold(String::new(), |path, step| match step {
            Step::Name(name) if path.is_empty() => name.clone(),
            Step::Name(name) => format!("{path}.{name}"),
            Step::Index(index) => format!("{path}[{index}]"),
        });
    format!("{}: {path}", part.file)
}

/// Describes a change: `` parameter `page` added ``, `` bound `maximum` of `page` changed ``.
fn title(change: &Change) -> String {
    let difference = &change.difference;
    let location = difference.location();
    let holder = location.innermost_name();
    if let Some(sentence) = flag_sentence(difference, holder.as_deref()) {
        return sentence;
    }
    let (name, of) = match difference.aspect {
        Aspect::Parameter | Aspect::Property | Aspect::Header => (holder, None),
        Aspect::Response | Aspect::MediaType => (location.last_key().map(str::to_owned), None),
        Aspect::Bound | Aspect::Type | Aspect::Branch => {
            (location.last_key().map(str::to_owned), holder)
        }
        Aspect::Enum
        | Aspect::Required
        | Aspect::Nullability
        | Aspect::Default
        | Aspect::Deprecation
        | Aspect::Reference => (None, holder),
        _ => (None, None),
    };
    let is_member = matches!(
        difference.aspect,
        Aspect::Parameter | Aspect::Property | Aspect::Body | Aspect::Header
    );
    let required = (difference.required && is_member).then(|| "required".to_owned());
    let words = [
        required,
        Some(difference.aspect.label().to_owned()),
        name.map(|name| format!("`{name}`")),
        of.map(|of| format!("of `{of}`")),
        Some(difference.kind.label().to_owned()),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Describes a flag that was added or removed: `` `page` is now required ``.
fn flag_sentence(difference: &Difference, holder: Option<&str>) -> Option<String> {
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

/// Returns the old and new values as JSON; for lists, only the entries removed and added. Empty if
/// the title is sufficient.
fn values(change: &Change, max_length: usize) -> Vec<String> {
    let difference = &change.difference;
    let lists = matches!(
        difference.aspect,
        Aspect::Enum | Aspect::Required | Aspect::Tag | Aspect::Server | Aspect::Security
    );
    if let (true, Some((removed, added))) = (lists, difference.list_changes()) {
        let side = |sign: &str, values: Vec<&Value>| {
            let texts: Vec<String> = values
                .iter()
                .map(|value| truncated(value, max_length))
                .collect();
            (!texts.is_empty()).then(|| format!("{sign} {}", texts.join(", ")))
        };
        return [side("−", removed), side("+", added)]
            .into_iter()
            .flatten()
            .collect();
    }
    let is_whole = difference.aspect == Aspect::Operation && difference.kind != Kind::Moved;
    if is_whole || flag_sentence(difference, None).is_some() {
        return Vec::new();
    }
    let text = |fact: Option<&Fact>| fact.map(|fact| truncated(&fact.value, max_length));
    match (text(difference.old.as_ref()), text(difference.new.as_ref())) {
        (Some(old), Some(new)) => vec![format!("{old} → {new}")],
        (Some(old), None) => vec![format!("− {old}")],
        (None, Some(new)) => vec![format!("+ {new}")],
        (None, None) => Vec::new(),
    }
}

/// Returns the locations of a change: one if both documents have the same.
fn locations(change: &Change) -> String {
    let location = |fact: Option<&Fact>| fact.map(|fact| fact.location.to_string());
    let difference = &change.difference;
    match (
        location(difference.old.as_ref()),
        location(difference.new.as_ref()),
    ) {
        (Some(old), Some(new)) if old != new => format!("{old} → {new}"),
        (old, new) => new.or(old).unwrap_or_default(),
    }
}

/// Returns a value as JSON on one line, truncated to `max_length` characters.
fn truncated(value: &Value, max_length: usize) -> String {
    let text = value.to_string();
    match text.char_indices().nth(max_length) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns the direction, the classification of the `drift` crate, and the reason for the impact.
fn remarks(change: &Change) -> String {
    let direction = change.direction.label();
    let wire = change
        .compatibility
        .map(|compatibility| compatibility.label());
    let known = [direction, wire, Some(change.assessment.reason.as_str())];
    known.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Returns the name of a status used in reports.
fn status_label(status: Status) -> &'static str {
    match status {
        Status::Applied => "applied",
        Status::Satisfied => "satisfied",
        Status::Confirmed => "confirmed upstream",
        Status::Stale => "stale",
        Status::Conflicting => "conflicting",
    }
}

/// Returns what to do about overrides with a status.
fn status_advice(status: Status) -> &'static str {
    match status {
        Status::Applied | Status::Satisfied => "nothing to do",
        Status::Confirmed => "the OpenAPI document now contains the correction: remove them",
        Status::Stale => "they match nothing: remove or correct them",
        Status::Conflicting => {
            "upstream changed the same location differently: decide which to keep"
        }
    }
}

/// Counts the overrides with each status.
fn status_counts(overrides: &[Override]) -> String {
    let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
    for other in overrides {
        *counts.entry(other.finding.status).or_default() += 1;
    }
    let texts: Vec<String> = counts
        .into_iter()
        .map(|(status, count)| format!("{count} {}", status_label(status)))
        .collect();
    texts.join(", ")
}

/// Whether an override needs attention. This includes satisfied rules that were not satisfied
/// before.
fn is_notable(finding: &Finding) -> bool {
    let is_fine = matches!(finding.status, Status::Satisfied | Status::Applied);
    !is_fine || finding.detail.is_some()
}

/// Returns the overrides that need attention by status, most urgent first.
fn by_status<'a>(findings: &[&'a Finding]) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for status in [
        Status::Conflicting,
        Status::Stale,
        Status::Confirmed,
        Status::Satisfied,
        Status::Applied,
    ] {
        let these = findings.iter().filter(|finding| finding.status == status);
        let mut these = these.filter(|finding| is_notable(finding)).peekable();
        lines.extend(these.peek().map(|_| Line::Status(status)));
        lines.extend(these.map(|finding| Line::Override(finding)));
    }
    lines
}

/// Returns the overrides that `--prune` leaves.
fn left(report: &Report) -> Vec<&Finding> {
    report
        .pruned
        .iter()
        .flat_map(|pruned| &pruned.findings)
        .collect()
}

/// Returns the changes of the public API, one line each: sign, path, signature. Members of a type
/// or builder that was added or removed as a whole are left out.
fn public_api_lines(report: &Report) -> Vec<Line<'_>> {
    let whole: BTreeSet<&str> = report
        .public_api
        .iter()
        .filter(|change| change.kind != Kind::Changed)
        .map(|change| change.path.as_str())
        .collect();
    let problem = report.public_api_problem.as_deref();
    let mut lines: Vec<Line<'_>> = problem.map(Line::Unknown).into_iter().collect();
    for public_api::Change { path, old, new, .. } in &report.public_api {
        let mut ends = path.match_indices(':').map(|(end, _)| end);
        if !ends.any(|end| whole.contains(&path[..end])) {
            let line = |sign, signature| Line::Code(format!("{sign} {path}  {signature}"));
            lines.extend(old.iter().map(|signature| line('-', signature)));
            lines.extend(new.iter().map(|signature| line('+', signature)));
        }
    }
    lines
}

/// Summarises what must be done before the new document builds; the overrides are listed above.
fn to_do(report: &Report) -> Vec<String> {
    let failing = report.failing_overrides().len();
    let missing = report.proposals.len();
    let count = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let mut lines: Vec<String> = Vec::new();
    lines.extend(count(
        failing,
        "override no longer fits, marked `!` above",
        "overrides no longer fit, marked `!` above",
    ));
    lines.extend(count(
        missing,
        "operation has no manifest entry; an entry is proposed above",
        "operations have no manifest entry; entries are proposed above",
    ));
    lines.extend(report.excluded_operations.iter().cloned());
    lines.extend(report.public_api_problem.clone());
    lines
}

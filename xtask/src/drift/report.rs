//! The report: all data about a drift, before rendering.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context as _, Result};
use portkey_admin_codegen::manifest::Entry;
use portkey_admin_codegen::override_audit::{self, Finding, OverrideAudit};
use portkey_admin_codegen::paths::{Effect, Outcome};
use portkey_admin_codegen::{Manifest, Patched, Sources, manifest};
use semver::Version;
use serde_json::Value;

use super::compatibility::{Compatibility, WireCompatibility};
use super::diff;
use super::difference::{Difference, Fact};
use super::generated_code::{self, CodeDiff};
use super::impact::{self, Assessment, Case, Impact};
use super::mentions::{self, Mention};
use super::proposal::{self, Proposal};
use super::public_api;
use super::schema_node::{Location, Step};
use super::target::{Target, Targets};
use super::usage::{Direction, Usage, component_pointer};
use crate::prune::{self, Pruned};

/// Input of a report.
pub struct Input<'a> {
    /// The folder of the project, whose handwritten files are searched.
    pub root: &'a Path,
    /// The vendored document and the overrides.
    pub sources: &'a Sources,
    /// The vendored document, distilled.
    pub old: &'a Value,
    /// The new document, distilled.
    pub new: &'a Value,
    /// Path or URL of the new document.
    pub from: &'a str,
    /// Current version of the crate.
    pub version: &'a str,
    /// Today's date, `YYYY-MM-DD`.
    pub today: &'a str,
}

/// What changed, how it affects users, and what it means for the overrides.
#[derive(Debug, Default)]
pub struct Report {
    /// Path or URL of the new document.
    pub from: String,
    /// Whether there was a vendored document to compare with. If not, all lists are empty.
    pub compared: bool,
    /// Every change of the document.
    pub changes: Vec<Change>,
    /// Why the `drift` crate could not compare the documents, if it could not.
    pub comparison_problem: Option<String>,
    /// The status of every override.
    pub overrides: Vec<Override>,
    /// The overrides that were removed, with `--prune`.
    pub pruned: Option<Pruned>,
    /// Lines of handwritten files that name something that goes.
    pub mentions: Vec<(Mention, Option<Target>)>,
    /// Proposed entries for operations that the manifest lacks.
    pub proposals: Vec<Proposal>,
    /// Changes of the public API.
    pub public_api: Vec<public_api::Change>,
    /// Why the changes of the public API are unknown, if they are.
    pub public_api_problem: Option<String>,
    /// Operations left out of the comparison because their code cannot be generated, each with the
    /// reason.
    pub excluded_operations: Vec<String>,
    /// The most severe impact.
    pub impact: Impact,
    /// The current version of the crate, and the suggested one.
    pub versions: (String, String),
}

/// An override and what it concerns.
#[derive(Debug)]
pub struct Override {
    /// Its status.
    pub finding: Finding,
    /// The operations that it concerns, as spelled in the documents.
    pub operations: BTreeSet<String>,
    /// The operation or component, if it concerns only one.
    pub target: Option<Target>,
}

/// One change of the document.
#[derive(Debug)]
pub struct Change {
    /// What differs.
    pub difference: Difference,
    /// The operation, path or component that it belongs to.
    pub target: Target,
    /// The same, or the operation if only one uses the component.
    pub group: Target,
    /// The operations that it concerns, as spelled in the documents.
    pub operations: Vec<String>,
    /// Whether it is part of requests, of responses, or of both.
    pub direction: Direction,
    /// Wire compatibility, if the `drift` crate classified the change.
    pub compatibility: Option<Compatibility>,
    /// Impact on users of the crate.
    pub assessment: Assessment,
}

impl Report {
    /// Creates the report for a document when none is vendored yet.
    pub fn without_comparison(from: &str, version: &str) -> Self {
        Self {
            from: from.to_owned(),
            versions: (version.to_owned(), version.to_owned()),
            ..Self::default()
        }
    }

    /// Whether the documents were compared and nothing changed.
    pub fn is_empty(&self) -> bool {
        self.compared
            && self.changes.is_empty()
            && self.public_api.is_empty()
            && self.public_api_problem.is_none()
    }

    /// Returns the overrides that keep the new document from building, and the operations without
    /// an entry.
    pub fn failures(&self) -> Vec<String> {
        let findings = self.failing_overrides();
        let entries = self
            .proposals
            .iter()
            .map(|proposal| format!("overrides/operations.yaml: no entry for `{}`", proposal.key));
        findings
            .into_iter()
            .map(|finding| match &finding.detail {
                Some(detail) => format!("{}: `{}`: {detail}", finding.location, finding.subject),
                None => format!("{}: `{}`", finding.location, finding.subject),
            })
            .chain(entries)
            .chain(self.excluded_operations.iter().cloned())
            .chain(self.public_api_problem.clone())
            .collect()
    }

    /// Returns the overrides that keep the new document from building, without those that were
    /// removed.
    pub fn failing_overrides(&self) -> Vec<&Finding> {
        let findings: Vec<&Finding> = match &self.pruned {
            Some(pruned) => pruned.findings.iter().collect(),
            None => self.overrides.iter().map(|other| &other.finding).collect(),
        };
        let failing = findings.into_iter().filter(|finding| finding.fails_build);
        failing.collect()
    }

    /// Returns the first change of the public API that is more severe than every change of the
    /// document.
    pub fn unexplained(&self) -> Option<&public_api::Change> {
        let changes = self.changes.iter().map(|change| change.assessment.impact);
        let explained = changes.max().unwrap_or_default();
        let mut public_api = self.public_api.iter();
        public_api.find(|change| Impact::of(change) > explained)
    }
}

/// Compares a document with the vendored one.
///
/// The overrides must fit the vendored document; those that do not fit the new one are part of the
/// report.
///
/// With `prunes`, the overrides that the new document makes unnecessary are removed from the texts
/// in the report. Then they need not fit the vendored document if the new one is the same.
pub fn report(input: &Input<'_>, prunes: bool) -> Result<Report> {
    let differences = diff::differences(input.old, input.new);
    let audit = match prunes && differences.is_empty() {
        true => override_audit::audit_lenient(input.sources, input.new.clone())?,
        false => override_audit::audit(input.sources, input.new.clone())?,
    };
    let proposals = proposals(input, &audit);
    let manifest = extended_manifest(&audit, &proposals)?;
    let mut findings = audit.findings.clone();
    findings.extend(audit.audit_entries(&manifest));
    let new_patched = Patched {
        manifest: manifest.prune_dangling_refs(&audit.new),
        document: audit.new.clone(),
        path_outcomes: audit.new_outcomes.clone(),
    };
    // Documents that state the same facts generate the same code.
    let (code, compatibility) = match differences.is_empty() {
        true => (Ok(CodeDiff::default()), WireCompatibility::default()),
        false => (
            generated_code::compare(&audit.old, &new_patched),
            WireCompatibility::compare(input.old, input.new),
        ),
    };
    let documents = Documents {
        old: DocumentSide::of(input.old, &audit.old.path_outcomes, &audit.old),
        new: DocumentSide::of(input.new, &audit.new_outcomes, &new_patched),
    };
    let overrides = findings
        .into_iter()
        .map(|finding| documents.concerned_by(finding))
        .collect();
    let mentions = code
        .iter()
        .flat_map(|code| mentions::find(input.root, code, &audit.old.manifest));
    let mentions = mentions.map(|mention| {
        let target = documents.target_of_ids(&mention.ids);
        (mention, target)
    });
    let mentions = mentions.collect();
    let moved = proposals
        .iter()
        .filter_map(|proposal| proposal.moved_from.as_deref());
    let pruned = prunes.then(|| prune::prune(input.sources, input.new, &moved.collect()));
    let pruned = pruned.transpose()?;
    let changes = changes(&documents, differences, &compatibility, code.as_ref().ok());
    let (code, public_api_problem) = match code {
        Ok(code) => (code, None),
        Err(problem) => (CodeDiff::default(), Some(problem)),
    };
    let impacts = changes.iter().map(|change| change.assessment.impact);
    let impact = impacts
        .chain(code.changes.iter().map(Impact::of))
        .max()
        .unwrap_or_default();
    Ok(Report {
        from: input.from.to_owned(),
        compared: true,
        changes,
        comparison_problem: compatibility.problem,
        overrides,
        pruned,
        mentions,
        proposals,
        public_api: code.changes,
        public_api_problem,
        excluded_operations: code.excluded_operations,
        impact,
        versions: (
            input.version.to_owned(),
            next_version(input.version, impact),
        ),
    })
}

fn proposals(input: &Input<'_>, audit: &OverrideAudit) -> Vec<Proposal> {
    proposal::proposals(&proposal::Context {
        old: &audit.old.document,
        new: &audit.new,
        manifest: &audit.old.manifest,
        manifest_text: &input.sources.manifest.text,
        today: input.today,
    })
}

/// Returns the manifest with an entry for each operation of the new document.
fn extended_manifest(audit: &OverrideAudit, proposals: &[Proposal]) -> Result<Manifest> {
    let more = proposal::parse(proposals).context("a proposed manifest entry is not valid")?;
    Ok(audit.old.manifest.adjusted(&audit.new, more))
}

/// One of the two documents, as published and as patched.
struct DocumentSide<'a> {
    usage: Usage<'a>,
    /// The paths that path rules assign to operations, by published key.
    renamed_paths: HashMap<String, String>,
    patched: &'a Patched,
}

struct Documents<'a> {
    old: DocumentSide<'a>,
    new: DocumentSide<'a>,
}

impl Documents<'_> {
    /// Determines what an override concerns.
    fn concerned_by(&self, finding: Finding) -> Override {
        let mut operations = BTreeSet::new();
        let mut components = BTreeSet::new();
        for node in &finding.nodes {
            let location: Location = node.iter().take(3).cloned().collect();
            match location.keys().as_slice() {
                ["paths", path, method] => {
                    let key = manifest::key(method, path);
                    let published = [&self.old, &self.new];
                    let mut published = published.iter().filter_map(|side| side.published(&key));
                    operations.insert(published.next().unwrap_or(key));
                }
                ["components", section, name] => {
                    components.insert(format!("{section}/{name}"));
                    for side in [&self.old, &self.new] {
                        operations.extend(side.usage.operations_using(&location).into_keys());
                    }
                }
                _ => {}
            }
        }
        let component = components.first().filter(|_| components.len() == 1);
        let target = match operations.len() {
            1 => operations.first().cloned().map(Target::Operation),
            _ => component.cloned().map(Target::Component),
        };
        Override {
            finding,
            operations,
            target,
        }
    }

    /// Returns the operation with one of these ids, if there is only one id.
    fn target_of_ids(&self, ids: &BTreeSet<String>) -> Option<Target> {
        let id = ids.first().filter(|_| ids.len() == 1)?;
        let side = &self.old;
        let entries = side.patched.manifest.iter();
        let (key, _) = { entries }.find(|(_, entry)| entry.id == *id)?;
        let key = side.published(key).unwrap_or_else(|| key.to_owned());
        Some(Target::Operation(key))
    }
}

impl<'a> DocumentSide<'a> {
    /// Returns the published key of an operation that a path rule moves to this key.
    fn published(&self, key: &str) -> Option<String> {
        let (method, path) = manifest::split_key(key)?;
        let mut renamed = self.renamed_paths.iter();
        let (published, _) = renamed.find(|(published, tested)| {
            *tested == path
                && manifest::split_key(published).is_some_and(|(other, _)| other == method)
        })?;
        Some(published.clone())
    }

    fn of(document: &'a Value, outcomes: &[Outcome], patched: &'a Patched) -> Self {
        let renamed_paths = outcomes
            .iter()
            .filter(|outcome| outcome.effect == Effect::Applied)
            .filter_map(|outcome| {
                let key = manifest::key(outcome.method?, &outcome.documented);
                Some((key, outcome.tested.clone()?))
            });
        let renamed_paths: HashMap<String, String> = renamed_paths.collect();
        let event = |key: &str| {
            let stream = entry(patched, &renamed_paths, key)?.stream.as_ref()?;
            Some(component_pointer("schemas", &stream.event))
        };
        Self {
            usage: Usage::of(document, event),
            renamed_paths,
            patched,
        }
    }

    /// Returns the operation's id in the manifest.
    fn id(&self, key: &str) -> Option<String> {
        Some(entry(self.patched, &self.renamed_paths, key)?.id.clone())
    }

    /// Returns the location after the path rules are applied.
    fn tested_location(&self, location: &Location) -> Location {
        match location.keys().as_slice() {
            ["paths", path, method, ..] => {
                let key = manifest::key(method, path);
                self.renamed_paths
                    .get(&key)
                    .map_or_else(|| location.clone(), |path| location.with_path(path))
            }
            _ => location.clone(),
        }
    }

    /// Returns the name of the type in whose schema a location is: the innermost `x-name`, or else
    /// the component.
    fn type_at(&self, location: &Location) -> Option<String> {
        let mut node = &self.patched.document;
        let mut name = match location.keys().as_slice() {
            ["components", "schemas", name, ..] => Some((*name).to_owned()),
            _ => None,
        };
        for step in location.steps() {
            node = match step {
                Step::Key(key) => node.get(key),
                Step::Item(index, _) => node.get(index),
            }?;
            if let Some(given) = node["x-name"].as_str() {
                name = Some(given.to_owned());
            }
        }
        name
    }
}

/// Returns the entry of an operation by its published key.
fn entry<'a>(
    patched: &'a Patched,
    renamed_paths: &HashMap<String, String>,
    key: &str,
) -> Option<&'a Entry> {
    let (method, path) = manifest::split_key(key)?;
    let path = renamed_paths.get(key).map_or(path, String::as_str);
    patched.manifest.get(method, path)
}

fn changes(
    documents: &Documents<'_>,
    differences: Vec<Difference>,
    compatibility: &WireCompatibility,
    code: Option<&CodeDiff>,
) -> Vec<Change> {
    let patched = [&documents.old, &documents.new].map(|side| &side.patched.document);
    let remaining = diff::differences(patched[0], patched[1]);
    let cases: Vec<Case> = differences
        .into_iter()
        .map(|difference| case(documents, difference, &remaining))
        .collect();
    let assessments = impact::assess(&cases, code);
    let targets = Targets::of_all(cases.iter().map(|case| &case.difference));
    let changes = cases.into_iter().zip(assessments);
    changes
        .map(|(case, assessment)| {
            let target = targets.of(&case.difference);
            let group = match (&target, case.operations.as_slice()) {
                (Target::Component(_), [operation]) => Target::Operation(operation.clone()),
                _ => target.clone(),
            };
            Change {
                group,
                target,
                operations: case.operations,
                direction: case.direction,
                compatibility: compatibility.get(&case.difference),
                assessment,
                difference: case.difference,
            }
        })
        .collect()
}

fn case(documents: &Documents<'_>, difference: Difference, remaining: &[Difference]) -> Case {
    let mut operations = BTreeSet::new();
    let mut direction = Direction::default();
    let (mut ids, mut types) = (BTreeSet::new(), BTreeSet::new());
    let sides = [
        (&documents.old, &difference.old),
        (&documents.new, &difference.new),
    ];
    let locations = sides.map(|(side, fact)| {
        let location = &fact.as_ref()?.location;
        for (key, used) in side.usage.operations_using(location) {
            direction = direction.or(used);
            ids.extend(side.id(&key));
            operations.insert(key);
        }
        let tested = side.tested_location(location);
        types.extend(side.type_at(&tested));
        Some(tested)
    });
    Case {
        remains: remaining.iter().any(|other| overlaps(other, &locations)),
        operations: operations.into_iter().collect(),
        ids,
        types,
        direction,
        difference,
    }
}

/// Whether a difference between the patched documents is at, inside or around one of the locations.
fn overlaps(other: &Difference, [old, new]: &[Option<Location>; 2]) -> bool {
    let near = |fact: Option<&Fact>, location: Option<&Location>| match (fact, location) {
        (Some(fact), Some(location)) => {
            location.contains(&fact.location) || fact.location.contains(location)
        }
        _ => false,
    };
    near(other.old.as_ref(), old.as_ref()) || near(other.new.as_ref(), new.as_ref())
}

/// Returns the next version under Cargo's rules for SemVer: before 1.0, a breaking change raises
/// the minor version and an addition the patch version. A pre-release becomes the version that it
/// announces, if that is high enough.
fn next_version(version: &str, impact: Impact) -> String {
    let (Ok(now), true) = (Version::parse(version), impact > Impact::Invisible) else {
        return version.to_owned();
    };
    let Version {
        major,
        minor,
        patch,
        ..
    } = now;
    let announced = !now.pre.is_empty();
    let next = match (impact, major) {
        (Impact::Breaking, 0) | (Impact::Additive, 1..) if announced && patch == 0 => {
            (major, minor, 0)
        }
        (Impact::Breaking, 1..) if announced && (minor, patch) == (0, 0) => (major, 0, 0),
        (Impact::Additive, 0) if announced => (0, minor, patch),
        (Impact::Breaking, 0) => (0, minor + 1, 0),
        (Impact::Breaking, _) => (major + 1, 0, 0),
        (_, 0) => (0, minor, patch + 1),
        _ => (major, minor + 1, 0),
    };
    Version::new(next.0, next.1, next.2).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_version_follows_semver() {
        let next = next_version;
        assert_eq!(next("0.1.2", Impact::Breaking), "0.2.0");
        assert_eq!(next("0.1.2", Impact::Additive), "0.1.3");
        assert_eq!(next("0.1.2", Impact::Invisible), "0.1.2");
        assert_eq!(next("1.2.3", Impact::Breaking), "2.0.0");
        assert_eq!(next("1.2.3", Impact::Additive), "1.3.0");
        assert_eq!(next("0.1.2+build.7", Impact::Additive), "0.1.3");
        assert_eq!(next("no version", Impact::Breaking), "no version");
    }

    #[test]
    fn pre_release_becomes_its_release_if_that_is_high_enough() {
        let next = next_version;
        assert_eq!(next("0.2.0-rc.1", Impact::Invisible), "0.2.0-rc.1");
        assert_eq!(next("0.2.0-rc.1", Impact::Additive), "0.2.0");
        assert_eq!(next("0.2.0-rc.1", Impact::Breaking), "0.2.0");
        assert_eq!(next("0.2.1-rc.1", Impact::Additive), "0.2.1");
        assert_eq!(next("0.2.1-rc.1", Impact::Breaking), "0.3.0");
        assert_eq!(next("2.0.0-beta", Impact::Breaking), "2.0.0");
        assert_eq!(next("2.1.0-beta", Impact::Breaking), "3.0.0");
        assert_eq!(next("2.1.0-beta", Impact::Additive), "2.1.0");
        assert_eq!(next("2.1.1-beta", Impact::Additive), "2.2.0");
    }
}

//! The report: everything that is known about a drift, before it is written down.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context as _, Result};
use portkey_admin_codegen::ledger::Entry;
use portkey_admin_codegen::paths::{Effect, Outcome};
use portkey_admin_codegen::survey::{self, Finding, Survey};
use portkey_admin_codegen::{Ledger, Patched, Sources, ledger};
use semver::Version;
use serde_json::Value;

use super::code::{self, Code};
use super::compatibility::{Compatibility, Judgements};
use super::difference::{Difference, Fact};
use super::judge::{self, Case, Impact, Verdict};
use super::node::Place;
use super::proposal::{self, Proposal};
use super::reach::{Direction, Reach};
use super::subject::{Subject, Subjects};
use super::walk;
use crate::surface;

/// What a report is about.
pub struct Input<'a> {
    /// The vendored document and the overrides.
    pub sources: &'a Sources,
    /// The vendored document, distilled.
    pub old: &'a Value,
    /// The new document, distilled.
    pub new: &'a Value,
    /// Where the new document came from.
    pub from: &'a str,
    /// The version of the crate.
    pub version: &'a str,
    /// Today's date, `YYYY-MM-DD`.
    pub today: &'a str,
}

/// What changed, whom it breaks, and what it does to the overrides.
#[derive(Debug)]
pub struct Report {
    /// Where the new document came from.
    pub from: String,
    /// Whether there was a vendored document to compare with; without one, nothing else is known.
    pub compared: bool,
    /// Every change of the document.
    pub changes: Vec<Change>,
    /// Why the `drift` crate had nothing to say, if it could not compare the documents.
    pub undecided: Option<String>,
    /// What became of every override.
    pub findings: Vec<Finding>,
    /// Entries for operations that the ledger lacks.
    pub proposals: Vec<Proposal>,
    /// What changes in the public surface, or why that is not known.
    pub surface: Result<Vec<surface::Change>, String>,
    /// Operations whose code is in neither surface, because it cannot be generated, each with the reason.
    pub ungenerated: Vec<String>,
    /// The worst that happens to users.
    pub impact: Impact,
    /// The version of the crate, and the one that this drift asks for.
    pub versions: (String, String),
}

/// One change of the document.
#[derive(Debug)]
pub struct Change {
    /// What differs.
    pub difference: Difference,
    /// What it belongs to.
    pub subject: Subject,
    /// The operations that it belongs to or reaches, as the documents spell them.
    pub operations: Vec<String>,
    /// Whether it is sent or received.
    pub direction: Direction,
    /// What it means on the wire, where the `drift` crate knows.
    pub compatibility: Option<Compatibility>,
    /// What it means for the users of the crate.
    pub verdict: Verdict,
}

impl Report {
    /// The report on a document where none is vendored yet.
    pub fn without_comparison(from: &str, version: &str) -> Self {
        Self {
            from: from.to_owned(),
            compared: false,
            changes: Vec::new(),
            undecided: None,
            findings: Vec::new(),
            proposals: Vec::new(),
            surface: Ok(Vec::new()),
            ungenerated: Vec::new(),
            impact: Impact::Invisible,
            versions: (version.to_owned(), version.to_owned()),
        }
    }

    /// Whether it is known that nothing changed.
    pub fn is_empty(&self) -> bool {
        self.compared && self.changes.is_empty() && self.surface.as_ref().is_ok_and(Vec::is_empty)
    }

    /// The overrides that keep the new document from building, and the operations without an entry.
    pub fn failures(&self) -> Vec<String> {
        let findings = self.findings.iter().filter(|finding| finding.fails);
        let entries = self
            .proposals
            .iter()
            .map(|proposal| format!("overrides/operations.yaml: no entry for `{}`", proposal.key));
        findings
            .map(|finding| match &finding.detail {
                Some(detail) => format!("{}: `{}`: {detail}", finding.place, finding.subject),
                None => format!("{}: `{}`", finding.place, finding.subject),
            })
            .chain(entries)
            .chain(self.ungenerated.iter().cloned())
            .chain(self.surface.as_ref().err().cloned())
            .collect()
    }
}

/// Compares a document with the vendored one.
///
/// The overrides must fit the vendored document; whatever does not fit the new one is reported.
pub fn report(input: &Input<'_>) -> Result<Report> {
    let survey = survey::survey(input.sources, input.new.clone())?;
    let differences = walk::differences(input.old, input.new);
    let proposals = proposals(input, &survey);
    let adapted = adapted(&survey, &proposals)?;
    let mut findings = survey.findings.clone();
    findings.extend(survey.entries(&adapted));
    let new_patched = Patched {
        ledger: adapted.without_dangling(&survey.new),
        document: survey.new.clone(),
        path_outcomes: survey.new_outcomes.clone(),
    };
    // Documents that state the same need not be generated to know that their code is the same.
    let code = match differences.is_empty() {
        true => Ok(Code::default()),
        false => code::compare(&survey.old, &new_patched),
    };
    let judgements = match differences.is_empty() {
        true => Judgements::default(),
        false => Judgements::of(input.old, input.new),
    };
    let changes = changes(
        &Documents {
            old: Side::of(input.old, &survey.old.path_outcomes, &survey.old),
            new: Side::of(input.new, &survey.new_outcomes, &new_patched),
        },
        differences,
        &judgements,
        code.as_ref().ok(),
    );
    let (surface, ungenerated) = match code {
        Ok(code) => (Ok(code.changes), code.ungenerated),
        Err(problem) => (Err(problem), Vec::new()),
    };
    let impact = worst(&changes, surface.as_deref().unwrap_or_default());
    Ok(Report {
        from: input.from.to_owned(),
        compared: true,
        changes,
        undecided: judgements.problem,
        findings,
        proposals,
        surface,
        ungenerated,
        impact,
        versions: (
            input.version.to_owned(),
            next_version(input.version, impact),
        ),
    })
}

fn proposals(input: &Input<'_>, survey: &Survey) -> Vec<Proposal> {
    proposal::proposals(&proposal::Context {
        old: &survey.old.document,
        new: &survey.new,
        ledger: &survey.old.ledger,
        text: &input.sources.ledger.text,
        today: input.today,
    })
}

/// The ledger with an entry for each operation of the new document.
fn adapted(survey: &Survey, proposals: &[Proposal]) -> Result<Ledger> {
    let more = proposal::parse(proposals).context("a proposed entry is no entry")?;
    Ok(survey.old.ledger.adapted(&survey.new, more))
}

/// One of the two documents, as published and patched.
struct Side<'a> {
    reach: Reach<'a>,
    /// The path that the path rules give each operation, by its published key.
    moved: HashMap<String, String>,
    patched: &'a Patched,
}

struct Documents<'a> {
    old: Side<'a>,
    new: Side<'a>,
}

impl<'a> Side<'a> {
    fn of(document: &'a Value, outcomes: &[Outcome], patched: &'a Patched) -> Self {
        let moved = outcomes
            .iter()
            .filter(|outcome| outcome.effect == Effect::Applied)
            .filter_map(|outcome| {
                let key = ledger::key(outcome.method?, &outcome.documented);
                Some((key, outcome.tested.clone()?))
            });
        let moved: HashMap<String, String> = moved.collect();
        let event = |key: &str| {
            let stream = entry(patched, &moved, key)?.stream.as_ref()?;
            Some(format!("schemas/{}", stream.event))
        };
        Self {
            reach: Reach::of(document, event),
            moved,
            patched,
        }
    }

    /// The operation's name in the ledger.
    fn id(&self, key: &str) -> Option<String> {
        Some(entry(self.patched, &self.moved, key)?.id.clone())
    }

    /// The place after the path rules.
    fn tested(&self, place: &Place) -> Place {
        match place.keys().as_slice() {
            ["paths", path, method, ..] => {
                let key = ledger::key(method, path);
                self.moved
                    .get(&key)
                    .map_or_else(|| place.clone(), |path| place.moved(path))
            }
            _ => place.clone(),
        }
    }

    fn users(&self, fact: Option<&Fact>) -> BTreeMap<String, Direction> {
        fact.map(|fact| self.reach.users(&fact.place))
            .unwrap_or_default()
    }
}

/// The entry of an operation by its published key.
fn entry<'a>(
    patched: &'a Patched,
    moved: &HashMap<String, String>,
    key: &str,
) -> Option<&'a Entry> {
    let (method, path) = ledger::split_key(key)?;
    let path = moved.get(key).map_or(path, String::as_str);
    patched.ledger.get(method, path)
}

fn changes(
    documents: &Documents<'_>,
    differences: Vec<Difference>,
    judgements: &Judgements,
    code: Option<&Code>,
) -> Vec<Change> {
    let Documents { old, new } = documents;
    let remaining = walk::differences(&old.patched.document, &new.patched.document);
    let cases: Vec<Case<'_>> = differences
        .iter()
        .map(|difference| case(documents, difference, &remaining))
        .collect();
    let verdicts = judge::verdicts(&cases, code);
    let subjects = Subjects::of_all(&differences);
    let directions: Vec<Direction> = cases.iter().map(|case| case.direction).collect();
    drop(cases);
    differences
        .into_iter()
        .zip(verdicts)
        .zip(directions)
        .map(|((difference, verdict), direction)| {
            let mut operations: BTreeSet<String> =
                old.users(difference.old.as_ref()).into_keys().collect();
            operations.extend(new.users(difference.new.as_ref()).into_keys());
            Change {
                subject: subjects.of(&difference),
                operations: operations.into_iter().collect(),
                direction,
                compatibility: judgements.get(&difference),
                verdict,
                difference,
            }
        })
        .collect()
}

fn case<'a>(
    documents: &Documents<'_>,
    difference: &'a Difference,
    remaining: &[Difference],
) -> Case<'a> {
    let Documents { old, new } = documents;
    let (before, after) = (
        old.users(difference.old.as_ref()),
        new.users(difference.new.as_ref()),
    );
    let directions = before.values().chain(after.values());
    let direction = directions.fold(Direction::default(), |one, other| one.or(*other));
    let mut ids: BTreeSet<String> = before.keys().filter_map(|key| old.id(key)).collect();
    ids.extend(after.keys().filter_map(|key| new.id(key)));
    let places = [
        difference.old.as_ref().map(|fact| old.tested(&fact.place)),
        difference.new.as_ref().map(|fact| new.tested(&fact.place)),
    ];
    Case {
        difference,
        ids,
        direction,
        remains: remaining.iter().any(|other| touches(other, &places)),
    }
}

/// Whether a difference of the patched documents is at, in, or around one of the places.
fn touches(other: &Difference, [old, new]: &[Option<Place>; 2]) -> bool {
    let near = |fact: Option<&Fact>, place: Option<&Place>| match (fact, place) {
        (Some(fact), Some(place)) => place.holds(&fact.place) || fact.place.holds(place),
        _ => false,
    };
    near(other.old.as_ref(), old.as_ref()) || near(other.new.as_ref(), new.as_ref())
}

fn worst(changes: &[Change], surface: &[surface::Change]) -> Impact {
    let changes = changes.iter().map(|change| change.verdict.impact);
    let surface = surface.iter().map(Impact::of);
    changes.chain(surface).max().unwrap_or(Impact::Invisible)
}

/// The next version by the rules of 0.x: what breaks raises the second number, what adds the third.
/// A pre-release becomes the version that it announces, where that is raised enough.
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
    fn versions_rise_by_the_rules_of_semver() {
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
    fn a_pre_release_becomes_what_it_announces_if_that_is_enough() {
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

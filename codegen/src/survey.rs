//! Survey: what the overrides make of a later revision of the document that they were written for.
//!
//! A build stops at the first override that does not fit. A survey goes on: it applies what can be
//! applied, and says of each path rule, overlay action and ledger entry what became of it.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::Value;

use crate::ledger::{Entry, Handwritten, Ledger};
use crate::overlay::{Overlay, Verdict};
use crate::paths::{Effect, Outcome, Rules};
use crate::{Patched, Result, Sources, document, ledger};

/// What became of an override.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It fits and has an effect.
    Applied,
    /// A path rule that has nothing to do: the document is as the rule wants it.
    Satisfied,
    /// The document now says what the override corrected: it can go.
    Confirmed,
    /// It fits nothing.
    Stale,
    /// Upstream changed the same place, but to something else.
    Conflicting,
}

/// The kinds of override.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A rule of `overrides/paths.yaml`.
    PathRule,
    /// An action of `overrides/*.overlay.yaml`.
    Overlay,
    /// An entry of `overrides/operations.yaml`.
    Ledger,
}

/// One override and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where it stands: the file, and the place in it.
    pub place: String,
    /// What it is about: the paths of a rule, the target of an action, the key of an entry.
    pub subject: String,
    /// What became of it.
    pub status: Status,
    /// What the maintainer should know, where there is something.
    pub detail: Option<String>,
    /// Whether the build fails until it is changed.
    pub fails: bool,
}

/// The overrides over two revisions of the document.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The document that the overrides were written for, patched.
    pub old: Patched,
    /// The later one, with every override that still fits.
    pub new: Value,
    /// What each path rule did to the later one.
    pub new_outcomes: Vec<Outcome>,
    /// Every path rule and every action of an overlay, in the order in which they are applied. Of
    /// the ledger, [`Survey::entries`] tells.
    pub findings: Vec<Finding>,
    /// The file of the ledger.
    ledger_name: String,
}

/// Applies the overrides to their own document, where they must fit, and to a later revision of it.
pub fn survey(sources: &Sources, mut new: Value) -> Result<Survey> {
    let mut old = document::parse(&sources.document.name, &sources.document.text)?;
    let rules = Rules::parse(&sources.paths)?;
    let old_outcomes = rules.apply(&mut old)?;
    let new_outcomes = rules.apply_to_any(&mut new)?;
    let mut findings = rule_findings(&old_outcomes, &new_outcomes);
    for source in &sources.overlays {
        for action in Overlay::parse(source)?.actions() {
            let Verdict {
                status,
                detail,
                fails,
            } = action.compare(&mut old, &mut new)?;
            findings.push(Finding {
                kind: Kind::Overlay,
                place: action.place().to_owned(),
                subject: action.target().to_owned(),
                status,
                detail,
                fails,
            });
        }
    }
    let ledger = Ledger::parse(&sources.ledger)?;
    ledger.check(&sources.ledger.name, &old)?;
    Ok(Survey {
        old: Patched {
            document: old,
            ledger,
            path_outcomes: old_outcomes,
        },
        new,
        new_outcomes,
        findings,
        ledger_name: sources.ledger.name.clone(),
    })
}

impl Survey {
    /// What becomes of each entry of the ledger. `adapted` is the ledger with which the new document
    /// would be built ([`Ledger::adapted`]); entries that only it has are listed where they do not fit.
    pub fn entries(&self, adapted: &Ledger) -> Vec<Finding> {
        let ledger = &self.old.ledger;
        let stale: HashSet<&str> = ledger.stale(&self.new).into_iter().collect();
        let mut problems: IndexMap<String, Vec<String>> = IndexMap::new();
        for (key, problem) in adapted.problems(&self.new) {
            problems.entry(key).or_default().push(problem);
        }
        let mut found: Vec<Finding> = ledger
            .iter()
            .map(|(key, entry)| {
                if stale.contains(key) {
                    return self.finding(key, entry, Status::Stale, None, true);
                }
                let broken = problems.shift_remove(key);
                let lost = contradiction(key, entry, &self.old.document, &self.new);
                if broken.is_none() && lost.is_none() {
                    return self.finding(key, entry, Status::Applied, None, false);
                }
                let fails = broken.is_some() || lost.as_ref().is_some_and(|(_, fails)| *fails);
                let mut details = broken.unwrap_or_default();
                details.extend(lost.map(|(detail, _)| detail));
                self.finding(key, entry, Status::Conflicting, Some(details), fails)
            })
            .collect();
        found.extend(problems.into_iter().filter_map(|(key, details)| {
            let (method, path) = ledger::split_key(&key)?;
            let entry = adapted.get(method, path)?;
            Some(self.finding(&key, entry, Status::Conflicting, Some(details), true))
        }));
        found
    }

    fn finding(
        &self,
        key: &str,
        entry: &Entry,
        status: Status,
        details: Option<Vec<String>>,
        fails: bool,
    ) -> Finding {
        Finding {
            kind: Kind::Ledger,
            place: format!("{}: {key}", self.ledger_name),
            subject: entry.id.clone(),
            status,
            detail: details.map(|details| details.join("; ")),
            fails,
        }
    }
}

/// One finding for each method of a rule.
fn rule_findings(old: &[Outcome], new: &[Outcome]) -> Vec<Finding> {
    let mut before: HashMap<(&str, Option<&str>), Effect> = HashMap::new();
    for outcome in old {
        before.insert((outcome.rule.as_str(), outcome.method), outcome.effect);
        // A rule for every method names none where it finds none.
        before
            .entry((outcome.rule.as_str(), None))
            .or_insert(outcome.effect);
    }
    new.iter()
        .map(|outcome| {
            let rule = outcome.rule.as_str();
            let before = before
                .get(&(rule, outcome.method))
                .or_else(|| before.get(&(rule, None)));
            let (status, detail) = rule_status(before.copied(), outcome.effect);
            Finding {
                kind: Kind::PathRule,
                place: outcome.rule.clone(),
                subject: outcome.route(),
                status,
                detail: detail.map(str::to_owned),
                fails: status == Status::Stale,
            }
        })
        .collect()
}

fn rule_status(before: Option<Effect>, now: Effect) -> (Status, Option<&'static str>) {
    match (before, now) {
        (_, Effect::Unmatched) => (Status::Stale, None),
        (Some(Effect::Applied | Effect::Superseded), Effect::Satisfied) => (
            Status::Satisfied,
            Some("upstream has moved it there by itself"),
        ),
        (Some(Effect::Removed), Effect::Satisfied) => {
            (Status::Satisfied, Some("upstream has removed it by itself"))
        }
        (_, Effect::Satisfied) => (Status::Satisfied, None),
        (Some(Effect::Satisfied), Effect::Removed) => (
            Status::Conflicting,
            Some("upstream documents it anew; the rule removes it"),
        ),
        (_, Effect::Superseded) => (
            Status::Applied,
            Some("both paths are documented; the rule removes the documented one"),
        ),
        (_, Effect::Applied | Effect::Removed) => (Status::Applied, None),
    }
}

/// What an entry says of its operation, beyond what the rules of the ledger check, that was true and is
/// not any longer, and whether the build fails by it.
fn contradiction(key: &str, entry: &Entry, old: &Value, new: &Value) -> Option<(String, bool)> {
    let (old, new) = (operation(old, key)?, operation(new, key)?);
    let lost_member = entry
        .paging
        .iter()
        .flat_map(|paging| [&paging.items, &paging.total, &paging.more])
        .flatten()
        .find(|name| old.answers_with(name) && !new.answers_with(name));
    if let Some(name) = lost_member {
        let problem = format!("its paging names the member `{name}` of the answer, which is gone");
        return Some((problem, true));
    }
    let lost_kind = entry
        .handwritten
        .filter(|kind| old.is_of(*kind) && !new.is_of(*kind))?;
    let what = match lost_kind {
        Handwritten::Multipart => "multipart body",
        Handwritten::EventStream => "event stream",
        Handwritten::Binary => "binary answer",
        Handwritten::Websocket => "websocket",
    };
    let problem = format!("it is handwritten for its {what}, which is gone");
    Some((problem, false))
}

struct Operation<'a> {
    document: &'a Value,
    operation: &'a Value,
}

fn operation<'a>(document: &'a Value, key: &str) -> Option<Operation<'a>> {
    let (method, path) = ledger::split_key(key)?;
    let item = document["paths"].get(path)?;
    Some(Operation {
        document,
        operation: item.get(method.to_ascii_lowercase())?,
    })
}

impl Operation<'_> {
    /// Whether the success answer is an object with that member.
    fn answers_with(&self, name: &str) -> bool {
        let answers = self.operation["responses"].as_object();
        let success = answers.into_iter().flatten();
        success
            .filter(|(status, _)| status.starts_with('2'))
            .filter_map(|(_, answer)| document::resolve(self.document, answer).ok())
            .filter_map(|answer| answer["content"]["application/json"].get("schema"))
            .any(|schema| self.has_member(schema, name, 0))
    }

    fn has_member(&self, schema: &Value, name: &str, depth: usize) -> bool {
        let Ok(schema) = document::resolve(self.document, schema) else {
            return false;
        };
        let branches = ["allOf", "oneOf", "anyOf"].iter();
        let mut branches = branches.filter_map(|key| schema[*key].as_array()).flatten();
        // A schema may hold itself; no answer is nested deeper.
        schema["properties"].get(name).is_some()
            || (depth < 4 && branches.any(|branch| self.has_member(branch, name, depth + 1)))
    }

    /// Whether the document shows what keeps the operation from being generated.
    fn is_of(&self, kind: Handwritten) -> bool {
        let body = document::resolve(self.document, &self.operation["requestBody"]).ok();
        let answers = self.operation["responses"]
            .as_object()
            .into_iter()
            .flatten();
        let mut answered = answers
            .filter(|(status, _)| status.starts_with('2'))
            .filter_map(|(_, answer)| document::resolve(self.document, answer).ok())
            .flat_map(media_types);
        match kind {
            Handwritten::Multipart => body
                .into_iter()
                .flat_map(media_types)
                .any(|media| media == "multipart/form-data"),
            Handwritten::EventStream => answered.any(|media| media == "text/event-stream"),
            Handwritten::Binary => answered.any(|media| !media.contains("json")),
            Handwritten::Websocket => false,
        }
    }
}

fn media_types(holder: &Value) -> impl Iterator<Item = &str> {
    holder["content"]
        .as_object()
        .into_iter()
        .flat_map(|content| content.keys().map(String::as_str))
}

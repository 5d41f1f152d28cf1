//! Override audit: applies the overrides to a later revision of the OpenAPI document.
//!
//! A build stops at the first override that does not fit. The audit continues: it applies every
//! override that fits and reports the status of each path rule, overlay action and manifest entry.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::Value;

use crate::manifest::{Entry, Handwritten, Manifest};
use crate::overlay::{Overlay, Step, Verdict};
pub use crate::override_status::OverrideStatus;
use crate::paths::{Effect, Outcome, Rules};
use crate::{Patched, Result, Sources, document, manifest};

/// The kinds of override.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OverrideKind {
    /// A rule of `overrides/paths.yaml`.
    PathRule,
    /// An action of `overrides/*.overlay.yaml`.
    Overlay,
    /// An entry of `overrides/operations.yaml`.
    ManifestEntry,
}

/// An override and its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of override.
    pub kind: OverrideKind,
    /// The file and the location in it.
    pub location: String,
    /// The paths of a rule, the target of an action or the key of an entry.
    pub subject: String,
    /// The status.
    pub status: OverrideStatus,
    /// A note for the maintainer, if any.
    pub detail: Option<String>,
    /// Whether the build fails until the override is changed.
    pub fails_build: bool,
    /// The parts that the later document makes unnecessary.
    pub unneeded: Vec<OverridePart>,
    /// The location of each node of the patched document that it concerns: the segments of a JSON
    /// pointer.
    pub nodes: Vec<Vec<String>>,
}

/// A part of an overrides file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OverridePart {
    /// The name of the file.
    pub file: String,
    /// The steps from the root of the file to the part.
    pub path: Vec<Step>,
}

/// The overrides, applied to two revisions of the OpenAPI document.
#[derive(Debug, Clone)]
pub struct OverrideAudit {
    /// The document that the overrides were written for, patched.
    pub old: Patched,
    /// The later document, with every override that still fits.
    pub new: Value,
    /// The outcome of each path rule for the later document.
    pub new_outcomes: Vec<Outcome>,
    /// Every path rule and overlay action, in the order of application. Manifest entries are in
    /// [`OverrideAudit::audit_entries`].
    pub findings: Vec<Finding>,
    /// The file name of the manifest.
    manifest_name: String,
}

/// Applies the overrides to their own document, which they must fit, and to a later revision of it.
///
/// # Errors
///
/// Fails if a source cannot be parsed or an override does not fit its own document.
pub fn audit(sources: &Sources, new: Value) -> Result<OverrideAudit> {
    compare(sources, new, true)
}

/// Does the same for overrides that need not fit their own document.
///
/// # Errors
///
/// Fails if a source cannot be parsed or the path rules cannot be applied.
pub fn audit_lenient(sources: &Sources, new: Value) -> Result<OverrideAudit> {
    compare(sources, new, false)
}

fn compare(sources: &Sources, mut new: Value, is_strict: bool) -> Result<OverrideAudit> {
    let mut old = document::parse(&sources.document.name, &sources.document.text)?;
    let rules = Rules::parse(&sources.paths)?;
    let old_outcomes = match is_strict {
        true => rules.apply(&mut old)?,
        false => rules.apply_lenient(&mut old)?,
    };
    let new_outcomes = rules.apply_lenient(&mut new)?;
    let mut findings = rule_findings(&sources.paths.name, &rules, &old_outcomes, &new_outcomes);
    for source in &sources.overlays {
        for action in Overlay::parse(source)?.actions() {
            let Verdict {
                status,
                detail,
                fails_build,
                unneeded,
                nodes,
            } = action.compare(&mut old, &mut new, is_strict)?;
            let unneeded = unneeded.into_iter().map(|steps| {
                let action = [
                    Step::Name("actions".to_owned()),
                    Step::Index(action.index()),
                ];
                OverridePart {
                    file: source.name.clone(),
                    path: action.into_iter().chain(steps).collect(),
                }
            });
            findings.push(Finding {
                kind: OverrideKind::Overlay,
                location: action.location().to_owned(),
                subject: action.target().to_owned(),
                status,
                detail,
                fails_build,
                unneeded: unneeded.collect(),
                nodes,
            });
        }
    }
    let manifest = Manifest::parse(&sources.manifest)?;
    if is_strict {
        manifest.check(&sources.manifest.name, &old)?;
    }
    Ok(OverrideAudit {
        old: Patched {
            document: old,
            manifest,
            path_outcomes: old_outcomes,
        },
        new,
        new_outcomes,
        findings,
        manifest_name: sources.manifest.name.clone(),
    })
}

impl OverrideAudit {
    /// Returns the status of each manifest entry. `adjusted` is the manifest for the new document
    /// ([`Manifest::adjusted`]); its additional entries are listed only where they do not fit.
    pub fn audit_entries(&self, adjusted: &Manifest) -> Vec<Finding> {
        let manifest = &self.old.manifest;
        let stale: HashSet<&str> = manifest.stale(&self.new).into_iter().collect();
        let mut problems: IndexMap<String, Vec<String>> = IndexMap::new();
        for (key, problem) in adjusted.problems(&self.new) {
            problems.entry(key).or_default().push(problem);
        }
        let mut found: Vec<Finding> = manifest
            .iter()
            .map(|(key, entry)| {
                if stale.contains(key) {
                    return self.finding(key, entry, OverrideStatus::Stale, None, true);
                }
                let broken_rules = problems.shift_remove(key);
                let contradiction = find_contradiction(key, entry, &self.old.document, &self.new);
                if broken_rules.is_none() && contradiction.is_none() {
                    return self.finding(key, entry, OverrideStatus::Applied, None, false);
                }
                let fails_build = broken_rules.is_some()
                    || contradiction
                        .as_ref()
                        .is_some_and(|(_, fails_build)| *fails_build);
                let mut details = broken_rules.unwrap_or_default();
                details.extend(contradiction.map(|(detail, _)| detail));
                self.finding(
                    key,
                    entry,
                    OverrideStatus::Conflicting,
                    Some(details),
                    fails_build,
                )
            })
            .collect();
        found.extend(problems.into_iter().filter_map(|(key, details)| {
            let (method, path) = manifest::split_key(&key)?;
            let entry = adjusted.get(method, path)?;
            Some(self.finding(
                &key,
                entry,
                OverrideStatus::Conflicting,
                Some(details),
                true,
            ))
        }));
        found
    }

    fn finding(
        &self,
        key: &str,
        entry: &Entry,
        status: OverrideStatus,
        details: Option<Vec<String>>,
        fails_build: bool,
    ) -> Finding {
        Finding {
            kind: OverrideKind::ManifestEntry,
            location: format!("{}: {key}", self.manifest_name),
            subject: entry.id.clone(),
            status,
            detail: details.map(|details| details.join("; ")),
            fails_build,
            unneeded: match status {
                OverrideStatus::Stale => vec![OverridePart {
                    file: self.manifest_name.clone(),
                    path: vec![Step::Name(key.to_owned())],
                }],
                _ => Vec::new(),
            },
            nodes: manifest::split_key(key)
                .map(|(method, path)| operation_node(path, method))
                .into_iter()
                .collect(),
        }
    }
}

/// Returns the location of an operation.
fn operation_node(path: &str, method: &str) -> Vec<String> {
    let method = method.to_ascii_lowercase();
    vec!["paths".to_owned(), path.to_owned(), method]
}

/// Returns a finding for each method of a rule.
fn rule_findings(file: &str, rules: &Rules, old: &[Outcome], new: &[Outcome]) -> Vec<Finding> {
    let mut before: HashMap<(&str, Option<&str>), Effect> = HashMap::new();
    for outcome in old {
        before.insert((outcome.rule.as_str(), outcome.method), outcome.effect);
        // A rule for every method has no method in its outcome if the path is absent.
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
            let path = outcome.tested.as_ref().unwrap_or(&outcome.documented);
            let method = outcome.method.unwrap_or_default();
            Finding {
                kind: OverrideKind::PathRule,
                location: outcome.rule.clone(),
                subject: outcome.route(),
                status,
                detail: detail.map(str::to_owned),
                fails_build: status == OverrideStatus::Stale,
                unneeded: match status {
                    OverrideStatus::Stale => unneeded_part(file, rules, outcome, new),
                    _ => Vec::new(),
                },
                nodes: vec![operation_node(path, method)],
            }
        })
        .collect()
}

/// Returns the part of a rename that matches nothing: the rule, or one of its methods.
fn unneeded_part(
    file: &str,
    rules: &Rules,
    outcome: &Outcome,
    outcomes: &[Outcome],
) -> Vec<OverridePart> {
    let mut renames = rules.renames().iter().enumerate();
    let Some((index, rename)) = renames.find(|(_, rename)| rename.location() == outcome.rule)
    else {
        return Vec::new();
    };
    let mut path = vec![Step::Name("rename".to_owned()), Step::Index(index)];
    let mut same_rule = outcomes.iter().filter(|other| other.rule == outcome.rule);
    let method = rename
        .methods()
        .zip(outcome.method)
        .and_then(|(methods, method)| methods.iter().position(|other| *other == method));
    if let (Some(method), false) = (
        method,
        same_rule.all(|other| other.effect == Effect::Unmatched),
    ) {
        path.extend([Step::Name("methods".to_owned()), Step::Index(method)]);
    }
    vec![OverridePart {
        file: file.to_owned(),
        path,
    }]
}

fn rule_status(before: Option<Effect>, now: Effect) -> (OverrideStatus, Option<&'static str>) {
    match (before, now) {
        (_, Effect::Unmatched) => (OverrideStatus::Stale, None),
        (Some(Effect::Applied | Effect::Superseded), Effect::Satisfied) => (
            OverrideStatus::Satisfied,
            Some("upstream already uses the tested path"),
        ),
        (Some(Effect::Removed), Effect::Satisfied) => {
            (OverrideStatus::Satisfied, Some("removed upstream"))
        }
        (_, Effect::Satisfied) => (OverrideStatus::Satisfied, None),
        (Some(Effect::Satisfied), Effect::Removed) => (
            OverrideStatus::Conflicting,
            Some("documented again upstream; the rule removes it"),
        ),
        (_, Effect::Superseded) => (
            OverrideStatus::Applied,
            Some("upstream documents both paths; the rule removes the `from` path"),
        ),
        (_, Effect::Applied | Effect::Removed) => (OverrideStatus::Applied, None),
    }
}

/// Returns a statement of an entry that was true for the old document and is false for the new one,
/// beyond the checks of the manifest, and whether it fails the build.
fn find_contradiction(
    key: &str,
    entry: &Entry,
    old: &Value,
    new: &Value,
) -> Option<(String, bool)> {
    let (old, new) = (operation(old, key)?, operation(new, key)?);
    let removed_field = entry
        .paging
        .iter()
        .flat_map(|paging| [&paging.items, &paging.total, &paging.more])
        .flatten()
        .find(|name| old.response_has_field(name) && !new.response_has_field(name));
    if let Some(name) = removed_field {
        let problem = format!("`paging` names the response field `{name}`, which no longer exists");
        return Some((problem, true));
    }
    let removed_kind = entry
        .handwritten
        .filter(|kind| old.has_body_kind(*kind) && !new.has_body_kind(*kind))?;
    let body = match removed_kind {
        Handwritten::Multipart => "multipart body",
        Handwritten::EventStream => "event stream",
        Handwritten::Binary => "binary response",
        Handwritten::Websocket => "websocket",
    };
    let problem = format!("handwritten because of its {body}, which no longer exists");
    Some((problem, false))
}

struct Operation<'a> {
    document: &'a Value,
    operation: &'a Value,
}

fn operation<'a>(document: &'a Value, key: &str) -> Option<Operation<'a>> {
    let (method, path) = manifest::split_key(key)?;
    let item = document["paths"].get(path)?;
    Some(Operation {
        document,
        operation: item.get(method.to_ascii_lowercase())?,
    })
}

impl Operation<'_> {
    /// Returns whether a success response is an object with that field.
    fn response_has_field(&self, name: &str) -> bool {
        let responses = self.operation["responses"].as_object();
        let success = responses.into_iter().flatten();
        success
            .filter(|(status, _)| status.starts_with('2'))
            .filter_map(|(_, response)| document::resolve(self.document, response).ok())
            .filter_map(|response| response["content"]["application/json"].get("schema"))
            .any(|schema| self.schema_has_field(schema, name, 0))
    }

    fn schema_has_field(&self, schema: &Value, name: &str, depth: usize) -> bool {
        let Ok(schema) = document::resolve(self.document, schema) else {
            return false;
        };
        let branches = ["allOf", "oneOf", "anyOf"].iter();
        let mut branches = branches.filter_map(|key| schema[*key].as_array()).flatten();
        // A schema may contain itself; no response is nested deeper.
        schema["properties"].get(name).is_some()
            || (depth < 4 && branches.any(|branch| self.schema_has_field(branch, name, depth + 1)))
    }

    /// Returns whether the document shows the reason why the operation is handwritten.
    fn has_body_kind(&self, kind: Handwritten) -> bool {
        let body = document::resolve(self.document, &self.operation["requestBody"]).ok();
        let responses = self.operation["responses"]
            .as_object()
            .into_iter()
            .flatten();
        let mut response_media_types = responses
            .filter(|(status, _)| status.starts_with('2'))
            .filter_map(|(_, response)| document::resolve(self.document, response).ok())
            .flat_map(media_types);
        match kind {
            Handwritten::Multipart => body
                .into_iter()
                .flat_map(media_types)
                .any(|media| media == "multipart/form-data"),
            Handwritten::EventStream => {
                response_media_types.any(|media| media == "text/event-stream")
            }
            Handwritten::Binary => response_media_types.any(|media| !media.contains("json")),
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

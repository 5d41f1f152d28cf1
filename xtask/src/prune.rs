//! Removes the overrides that a new document makes unnecessary.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use portkey_admin_codegen::overlay::Step;
use portkey_admin_codegen::override_audit::{self, Finding, OverridePart};
use portkey_admin_codegen::{Source, Sources, document};
use serde_json::Value;

use crate::yaml_edit;

/// Removing an override can make another one unnecessary, but no chain is this long.
const MAX_ROUNDS: usize = 8;

/// What was removed from the overrides, and what is left to decide.
#[derive(Debug)]
pub struct Pruned {
    /// The changed files with their new text; `None` for a file of which nothing is left.
    pub files: BTreeMap<String, Option<String>>,
    /// What was removed, in the order of the files.
    pub removed: Vec<OverridePart>,
    /// The status of every override that is left.
    pub findings: Vec<Finding>,
}

/// Removes the stale and the confirmed overrides. `kept_entries` are the keys of manifest entries
/// that stay although they have no operation.
pub fn prune(sources: &Sources, new: &Value, kept_entries: &BTreeSet<&str>) -> Result<Pruned> {
    let mut sources = sources.clone();
    let mut files = BTreeMap::new();
    let mut removed = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let audit = override_audit::audit_lenient(&sources, new.clone())?;
        let mut findings = audit.findings.clone();
        findings.extend(audit.audit_entries(&audit.old.manifest));
        let parts = unneeded_parts(&findings, &sources.manifest.name, kept_entries);
        if parts.is_empty() {
            removed.sort();
            return Ok(Pruned {
                files,
                removed,
                findings,
            });
        }
        for (file, parts) in by_file(&parts) {
            let text = remove(&mut sources, file, &parts)?;
            files.insert(file.to_owned(), text);
        }
        removed.extend(parts);
    }
    bail!("overrides are still unnecessary after {MAX_ROUNDS} rounds")
}

fn unneeded_parts(
    findings: &[Finding],
    manifest: &str,
    kept_entries: &BTreeSet<&str>,
) -> BTreeSet<OverridePart> {
    let is_kept = |part: &OverridePart| match part.path.as_slice() {
        [Step::Name(key)] if part.file == manifest => kept_entries.contains(key.as_str()),
        _ => false,
    };
    let parts = findings.iter().flat_map(|finding| &finding.unneeded);
    parts.filter(|part| !is_kept(part)).cloned().collect()
}

fn by_file(parts: &BTreeSet<OverridePart>) -> BTreeMap<&str, Vec<&[Step]>> {
    let mut files: BTreeMap<&str, Vec<&[Step]>> = BTreeMap::new();
    for part in parts {
        files.entry(&part.file).or_default().push(&part.path);
    }
    files
}

/// Removes parts of a file and returns its new text; `None` if the file is no longer needed.
fn remove(sources: &mut Sources, file: &str, parts: &[&[Step]]) -> Result<Option<String>> {
    let source = source_mut(sources, file)?;
    let value = document::parse(file, &source.text)?;
    let parts: Vec<&[Step]> = parts
        .iter()
        .map(|part| whole_action(&value, part, parts))
        .collect();
    let is_overlay = value.get("actions").is_some();
    let rest = yaml_edit::remove(&source.text, &parts).with_context(|| file.to_owned())?;
    let rest = match rest {
        Some(rest) if is_overlay && !has_actions(file, &rest)? => None,
        Some(rest) => Some(rest),
        None if is_overlay => None,
        // Path rules and the manifest may be empty, but not absent.
        None => Some(format!("{}{{}}\n", head(&source.text))),
    };
    match &rest {
        Some(text) => text.clone_into(&mut source.text),
        None => sources.overlays.retain(|source| source.name != file),
    }
    Ok(rest)
}

fn has_actions(file: &str, text: &str) -> Result<bool> {
    Ok(document::parse(file, text)?.get("actions").is_some())
}

/// Returns the comments at the top of a file.
fn head(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines
        .take_while(|line| line.starts_with('#') || line.trim().is_empty())
        .collect()
}

fn source_mut<'s>(sources: &'s mut Sources, file: &str) -> Result<&'s mut Source> {
    let others = [&mut sources.paths, &mut sources.manifest];
    others
        .into_iter()
        .chain(&mut sources.overlays)
        .find(|source| source.name == file)
        .with_context(|| format!("{file} is not an overrides file"))
}

/// Returns the action if nothing of its update is left, otherwise the part.
fn whole_action<'p>(file: &Value, part: &'p [Step], parts: &[&[Step]]) -> &'p [Step] {
    let [
        Step::Name(actions),
        Step::Index(index),
        Step::Name(update),
        ..,
    ] = part
    else {
        return part;
    };
    if actions != "actions" || update != "update" {
        return part;
    }
    let below: Vec<&[Step]> = parts
        .iter()
        .filter_map(|other| other.strip_prefix(&part[..3]))
        .collect();
    match is_emptied(&file["actions"][*index]["update"], &below) {
        true => &part[..2],
        false => part,
    }
}

/// Whether nothing is left of a value without these parts.
fn is_emptied(value: &Value, parts: &[&[Step]]) -> bool {
    if parts.iter().any(|part| part.is_empty()) {
        return true;
    }
    let entries: Vec<(Step, &Value)> = match value {
        Value::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(key, value)| (Step::Name(key.clone()), value))
                .collect()
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, value)| (Step::Index(index), value))
                .collect()
        }
        _ => Vec::new(),
    };
    let is_removed =
        |(step, value): &(Step, &Value)| is_emptied(value, &yaml_edit::below(parts, step));
    !entries.is_empty() && entries.iter().all(is_removed)
}

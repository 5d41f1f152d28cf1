//! The generated code of both documents, as far as users of the crate see it.

use std::collections::{BTreeSet, HashMap};

use portkey_admin_codegen::{
    Error, Patched, document, generate, lower, manifest, reserved_segments,
};
use serde_json::Value;

use super::matching::Operation;
use super::public_api::{self, Listing};

/// Differences between the generated code of two documents.
#[derive(Debug, Default)]
pub struct CodeDiff {
    /// Differences between the public items.
    pub changes: Vec<public_api::Change>,
    /// The types (of both documents) that each operation uses directly or indirectly, by operation
    /// id.
    pub types: HashMap<String, BTreeSet<String>>,
    /// Operations left out because their code cannot be generated, each with the reason.
    pub excluded_operations: Vec<String>,
    /// The ids of those operations.
    pub excluded_ids: BTreeSet<String>,
}

/// The types that each operation uses directly or indirectly, by operation id.
type TypesById = HashMap<String, BTreeSet<String>>;

/// The public items of a document's generated code with those types, or the reason why there are
/// none.
type Generated = Result<(Listing, TypesById), String>;

/// Generates the code of both documents and compares it.
///
/// An operation of the new document whose code cannot be generated is left out of both.
pub fn compare(old: &Patched, new: &Patched) -> Result<CodeDiff, String> {
    let manifest = new.manifest.clone();
    let (mut old, mut new) = (old.clone(), new.clone());
    let mut excluded_operations = exclude_unlowerable(&mut old, &mut new)?;
    let after = loop {
        let after = generate(&new);
        let count = excluded_operations.len();
        let problem = after.as_ref().err().map_or("", String::as_str);
        for (key, problem) in problems_by_operation(problem) {
            if remove(&mut new, key) {
                remove(&mut old, key);
                excluded_operations.push(format!("{key}: {problem}"));
            }
        }
        if excluded_operations.len() == count {
            break after;
        }
    };
    let failed = |which: &str, problem: &str| {
        format!("cannot generate the client for the {which} OpenAPI document: {problem}")
    };
    let (before, mut types) = generate(&old).map_err(|problem| failed("vendored", &problem))?;
    let (after, more) = after.map_err(|problem| failed("new", &problem))?;
    for (id, names) in more {
        types.entry(id).or_default().extend(names);
    }
    Ok(CodeDiff {
        changes: public_api::diff(&before, &after),
        types,
        excluded_ids: manifest
            .iter()
            .filter(|(key, _)| excluded_operations.iter().any(|text| is_about(text, key)))
            .map(|(_, entry)| entry.id.clone())
            .collect(),
        excluded_operations,
    })
}

fn generate(patched: &Patched) -> Generated {
    let lowered = lower::lower(patched).map_err(|error| error.to_string())?;
    let listing = generate::listing(patched, &lowered, &patched.manifest.areas())
        .map_err(|error| error.to_string())?;
    Ok((listing, types_by_id(&lowered.document)))
}

fn types_by_id(lowered: &Value) -> TypesById {
    document::operations(lowered)
        .map(|(_, _, operation)| {
            let mut found = BTreeSet::new();
            lower::collect_components(lowered, operation, &mut found);
            let id = operation["operationId"].as_str().unwrap_or_default();
            (id.to_owned(), found)
        })
        .collect()
}

/// Removes operations that cannot be lowered from both documents until the rest can.
fn exclude_unlowerable(old: &mut Patched, new: &mut Patched) -> Result<Vec<String>, String> {
    let mut excluded = Vec::new();
    while let Some(error) = invalid_operation(new).or_else(|| lower::lower(new).err()) {
        let count = excluded.len();
        for error in error.clone().split() {
            let key = error.location().split(": ").next().unwrap_or_default();
            // An operation may have several problems, or be gone with the operation that it calls.
            if remove(new, key) {
                remove(old, key);
                excluded.push(error.to_string());
            }
        }
        if excluded.len() == count {
            return Err(error.to_string());
        }
    }
    Ok(excluded)
}

/// Whether an error (`GET /users: …`) is about the operation with this key.
fn is_about(error: &str, key: &str) -> bool {
    let rest = error.strip_prefix(key);
    rest.is_some_and(|rest| rest.starts_with(": "))
}

/// Removes an operation from a document, along with the operations whose code calls it. Returns
/// whether it was there.
fn remove(patched: &mut Patched, key: &str) -> bool {
    let Some((method, path)) = manifest::split_key(key) else {
        return false;
    };
    let entry = patched.manifest.get(method, path);
    let id = entry.map(|entry| entry.id.clone());
    let item = patched.document["paths"].get_mut(path);
    let item = item.and_then(Value::as_object_mut);
    let removed = item.and_then(|item| item.shift_remove(&method.to_ascii_lowercase()));
    if removed.is_none() {
        return false;
    }
    let callers: Vec<String> = patched
        .manifest
        .iter()
        .filter(|(_, entry)| entry.reads.is_some() && entry.reads == id)
        .map(|(key, _)| key.to_owned())
        .collect();
    for caller in callers {
        remove(patched, &caller);
    }
    true
}

/// Returns an error for the first operation whose parameters the generator cannot handle.
fn invalid_operation(patched: &Patched) -> Option<Error> {
    Operation::all(&patched.document)
        .iter()
        .find_map(|operation| {
            let problem =
                invalid_parameter(operation).or_else(|| undeclared_path_parameter(operation))?;
            Some(Error::new(operation.key(), problem))
        })
}

/// Describes a parameter that lacks a required key.
fn invalid_parameter(operation: &Operation<'_>) -> Option<String> {
    operation.parameters().into_iter().find_map(|parameter| {
        let in_path = parameter["in"] == "path";
        let missing = ["name", "in", "schema"]
            .into_iter()
            .find(|key| parameter.get(key).is_none())
            .or_else(|| (in_path && parameter["required"] != true).then_some("required: true"))?;
        let name = parameter["name"].as_str().unwrap_or("(unnamed)");
        Some(format!("parameter `{name}` has no `{missing}`"))
    })
}

/// Describes a parameter that is in the path and not declared.
fn undeclared_path_parameter(operation: &Operation<'_>) -> Option<String> {
    let declared = operation.parameters();
    let is_declared = |name: &str| {
        let mut declared = declared.iter();
        declared.any(|parameter| parameter["in"] == "path" && parameter["name"] == name)
    };
    reserved_segments::segments(operation.path)
        .filter(|segment| reserved_segments::is_parameter(segment))
        .map(|segment| segment.trim_matches(['{', '}']))
        .find(|name| !is_declared(name))
        .map(|name| format!("path parameter `{name}` is not declared"))
}

/// Returns the lines of an error of the generator that are about an operation (`GET /users: …`).
fn problems_by_operation(error: &str) -> impl Iterator<Item = (&str, &str)> {
    error
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(key, _)| manifest::split_key(key).is_some())
}

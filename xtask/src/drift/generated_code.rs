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
    /// The types of both documents.
    pub types: TypesById,
    /// Operations left out because their code cannot be generated, each with the reason.
    pub excluded_operations: Vec<String>,
    /// The ids of those operations.
    pub excluded_ids: BTreeSet<String>,
}

/// The types that each operation uses directly or indirectly, by operation id.
type TypesById = HashMap<String, BTreeSet<String>>;

/// Generates the code of both documents and compares it.
///
/// An operation of the new document whose code cannot be generated is left out of both.
pub fn compare(old: &Patched, new: &Patched) -> Result<CodeDiff, String> {
    let (mut old, mut new) = (old.clone(), new.clone());
    let failed = |which: &str, error: &Error| {
        format!("cannot generate the client for the {which} OpenAPI document: {error}")
    };
    let mut diff = CodeDiff::default();
    let (after, types) = loop {
        let error = match invalid_operation(&new).map_or_else(|| generate(&new), Err) {
            Ok(generated) => break generated,
            Err(error) => error,
        };
        let count = diff.excluded_operations.len();
        for problem in error.clone().split() {
            let key = problem.location().split(": ").next().unwrap_or_default();
            // An operation may have several problems, or be gone with the operation that it calls.
            if remove(&mut new, key) {
                remove(&mut old, key);
                let entry = manifest::split_key(key)
                    .and_then(|(method, path)| new.manifest.get(method, path));
                diff.excluded_ids
                    .extend(entry.map(|entry| entry.id.clone()));
                diff.excluded_operations.push(problem.to_string());
            }
        }
        if diff.excluded_operations.len() == count {
            return Err(failed("new", &error));
        }
    };
    let (before, old_types) = generate(&old).map_err(|error| failed("vendored", &error))?;
    diff.changes = public_api::diff(&before, &after);
    diff.types = types;
    for (id, names) in old_types {
        diff.types.entry(id).or_default().extend(names);
    }
    Ok(diff)
}

/// Returns the public items of a document's generated code, and the types that each operation uses.
fn generate(patched: &Patched) -> Result<(Listing, TypesById), Error> {
    let lowered = lower::lower(patched)?;
    let listing = generate::listing(patched, &lowered, &patched.manifest.areas())?;
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
    operation.parameters().into_iter().find_map(|node| {
        let parameter = node.resolved().value;
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
        let mut declared = declared.iter().map(|node| node.resolved().value);
        declared.any(|parameter| parameter["in"] == "path" && parameter["name"] == name)
    };
    reserved_segments::parameters(operation.path)
        .find(|name| !is_declared(name))
        .map(|name| format!("path parameter `{name}` is not declared"))
}

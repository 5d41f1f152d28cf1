//! The generated code of both documents, as far as its users see it.

use std::collections::{BTreeSet, HashMap};
use std::thread;

use portkey_admin_codegen::{Error, Patched, document, ledger, shape, siblings};
use serde_json::Value;

use super::guard;
use super::pairing::Operation;
use crate::surface::{self, Surface};

/// How the generated code of two documents differs.
#[derive(Debug, Default)]
pub struct Code {
    /// What differs between the two surfaces.
    pub changes: Vec<surface::Change>,
    /// The types (of both) that an operation can reach, by the operation's id.
    pub types: HashMap<String, BTreeSet<String>>,
    /// Operations that were left out, because their code cannot be generated, each with the reason.
    pub ungenerated: Vec<String>,
    /// The ids of those operations.
    pub left_out: BTreeSet<String>,
}

/// The types that each operation can reach, by its id.
type Types = HashMap<String, BTreeSet<String>>;

/// The surface of a document's code with those types, or why there is none.
type Generated = Result<(Surface, Types), String>;

/// Generates the code of both documents and compares it.
///
/// An operation of the new document that cannot be generated is left out of both.
pub fn compare(old: &Patched, new: &Patched) -> Result<Code, String> {
    let ledger = new.ledger.clone();
    let (mut old, mut new) = (old.clone(), new.clone());
    let mut ungenerated = leave_out(&mut old, &mut new)?;
    let (before, after) = loop {
        let (before, after) = both(&old, &new);
        match after
            .as_ref()
            .err()
            .and_then(|problem| holder_of_list(&new, problem))
        {
            Some((key, problem)) => {
                remove(&mut old, &key);
                remove(&mut new, &key);
                ungenerated.push(format!("{key}: {problem}"));
            }
            None => break (before, after),
        }
    };
    let failed = |which: &str, problem: &str| {
        format!("the client of the {which} document cannot be generated: {problem}")
    };
    let (before, mut types) = before.map_err(|problem| failed("vendored", &problem))?;
    let (after, more) = after.map_err(|problem| failed("new", &problem))?;
    for (id, names) in more {
        types.entry(id).or_default().extend(names);
    }
    Ok(Code {
        changes: surface::diff(&before, &after),
        types,
        left_out: ledger
            .iter()
            .filter(|(key, _)| ungenerated.iter().any(|text| is_about(text, key)))
            .map(|(_, entry)| entry.id.clone())
            .collect(),
        ungenerated,
    })
}

/// Generates both at the same time.
fn both(old: &Patched, new: &Patched) -> (Generated, Generated) {
    thread::scope(|scope| {
        let before = guard::spawn(scope, || generate(old));
        let after = guard::spawn(scope, || generate(new));
        (guard::join(before).flatten(), guard::join(after).flatten())
    })
}

fn generate(patched: &Patched) -> Generated {
    let shaped = shape::shape(patched).map_err(|error| error.to_string())?;
    let surface = surface::generated(patched, &shaped).map_err(|error| format!("{error:#}"))?;
    Ok((surface, types(&shaped.document)))
}

fn types(shaped: &Value) -> Types {
    document::operations(shaped)
        .map(|(_, _, operation)| {
            let mut found = BTreeSet::new();
            shape::collect(shaped, operation, &mut found);
            let id = operation["operationId"].as_str().unwrap_or_default();
            (id.to_owned(), found)
        })
        .collect()
}

/// Takes operations that cannot be shaped out of both documents, until all others can.
fn leave_out(old: &mut Patched, new: &mut Patched) -> Result<Vec<String>, String> {
    let mut left_out = Vec::new();
    while let Some(error) = unfit(new).or_else(|| shape::shape(new).err()) {
        let key = error.place().split(": ").next().unwrap_or_default();
        if !remove(new, key) {
            return Err(error.to_string());
        }
        remove(old, key);
        left_out.push(error.to_string());
    }
    Ok(left_out)
}

/// Whether an error (`GET /users: …`) is about the operation of that key.
fn is_about(error: &str, key: &str) -> bool {
    let rest = error.strip_prefix(key);
    rest.is_some_and(|rest| rest.starts_with(": "))
}

/// Takes an operation out of a document, if it is there, and those whose code calls it.
fn remove(patched: &mut Patched, key: &str) -> bool {
    let Some((method, path)) = ledger::split_key(key) else {
        return false;
    };
    let entry = patched.ledger.get(method, path);
    let id = entry.map(|entry| entry.id.clone());
    let item = patched.document["paths"].get_mut(path);
    let item = item.and_then(Value::as_object_mut);
    let removed = item.and_then(|item| item.shift_remove(&method.to_ascii_lowercase()));
    if removed.is_none() {
        return false;
    }
    let callers: Vec<String> = patched
        .ledger
        .iter()
        .filter(|(_, entry)| entry.reads.is_some() && entry.reads == id)
        .map(|(key, _)| key.to_owned())
        .collect();
    for caller in callers {
        remove(patched, &caller);
    }
    true
}

/// An operation with parameters that the generator stops at.
fn unfit(patched: &Patched) -> Option<Error> {
    Operation::all(&patched.document)
        .iter()
        .find_map(|operation| {
            let problem = misshapen(operation).or_else(|| undeclared(operation))?;
            Some(Error::new(operation.key(), problem))
        })
}

/// What a parameter must have and lacks.
fn misshapen(operation: &Operation<'_>) -> Option<String> {
    operation.parameters().into_iter().find_map(|parameter| {
        let in_path = parameter["in"] == "path";
        let lacking = ["name", "in", "schema"]
            .into_iter()
            .find(|key| parameter.get(key).is_none())
            .or_else(|| (in_path && parameter["required"] != true).then_some("required: true"))?;
        let name = parameter["name"].as_str().unwrap_or("without a name");
        Some(format!("the parameter `{name}` has no `{lacking}`"))
    })
}

/// A parameter that stands in the path and is not declared.
fn undeclared(operation: &Operation<'_>) -> Option<String> {
    let declared = operation.parameters();
    let is_declared = |name: &str| {
        let mut declared = declared.iter();
        declared.any(|parameter| parameter["in"] == "path" && parameter["name"] == name)
    };
    siblings::segments(operation.path)
        .filter(|segment| siblings::is_parameter(segment))
        .map(|segment| segment.trim_matches(['{', '}']))
        .find(|name| !is_declared(name))
        .map(|name| format!("the parameter `{name}` of its path is not declared"))
}

/// The operation that answers the list which the generator could not read, and what is wrong with it.
/// (The generator knows only the name of the answer's type.)
fn holder_of_list<'a>(patched: &Patched, problem: &'a str) -> Option<(String, &'a str)> {
    let (name, problem) = problem.strip_prefix("list `")?.split_once("`: ")?;
    let shaped = shape::shape(patched).ok()?.document;
    let reference = format!("#/components/schemas/{name}");
    let key = document::operations(&shaped)
        .find(|(_, _, operation)| {
            let answer = &operation["responses"]["200"]["content"]["application/json"];
            answer["schema"]["$ref"] == reference.as_str()
        })
        .map(|(path, method, _)| ledger::key(method, path))?;
    Some((key, problem))
}

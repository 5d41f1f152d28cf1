//! What an entry of the ledger says about its operation, held against the document.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Entry, Idempotency, Ledger, Paging, key, split_key};
use crate::{
    document,
    siblings::{is_parameter, segments},
};

/// Everything that an entry says of its operation and that does not hold, with the operation's key.
pub(super) fn problems(ledger: &Ledger, document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, method, operation) in document::operations(document) {
        let Some(entry) = ledger.get(method, path) else {
            continue;
        };
        let rules = Rules {
            document,
            path,
            operation,
            entry,
        };
        let checked = [
            rules.default_workspace(),
            rules.triggers(),
            rules.paging(),
            rules.reads(ledger),
            rules.stream(),
        ];
        let problems = checked.into_iter().filter_map(std::result::Result::err);
        found.extend(problems.map(|problem| (key(method, path), problem)));
    }
    found
}

/// An entry and its operation.
struct Rules<'a> {
    document: &'a Value,
    path: &'a str,
    operation: &'a Value,
    entry: &'a Entry,
}

type Checked = std::result::Result<(), String>;

impl<'a> Rules<'a> {
    fn default_workspace(&self) -> Checked {
        let optional = self
            .query()
            .any(|parameter| parameter["name"] == "workspace_id" && parameter["required"] != true);
        ensure(!self.entry.default_workspace || optional, || {
            "`default_workspace`: it has no optional query parameter `workspace_id`".to_owned()
        })
    }

    fn triggers(&self) -> Checked {
        let triggers = &self.entry.triggers;
        ensure(
            triggers.is_empty() || self.entry.retry == Idempotency::Idempotent,
            || "`triggers` are for operations whose `retry` is idempotent".to_owned(),
        )?;
        let mut members = BTreeSet::new();
        collect_members(self.document, &self.operation["requestBody"], &mut members);
        let unknown = triggers
            .iter()
            .find(|name| !members.contains(name.as_str()));
        ensure(unknown.is_none(), || {
            format!(
                "`triggers`: its body has no `{}`",
                unknown.map_or("", String::as_str)
            )
        })
    }

    fn paging(&self) -> Checked {
        let Some(Paging {
            page,
            size,
            first,
            after,
            items,
            also,
            ..
        }) = &self.entry.paging
        else {
            return Ok(());
        };
        ensure(page.is_none() || after.is_none(), || {
            "`paging`: a list has either `page` or `after`".to_owned()
        })?;
        ensure(first.is_some() == page.is_some(), || {
            "`paging`: `first` goes with `page`".to_owned()
        })?;
        ensure(also.is_none() || items.is_some(), || {
            "`paging`: `also` goes with `items`".to_owned()
        })?;
        let unknown = [page, size, after]
            .into_iter()
            .flatten()
            .find(|name| !self.query().any(|parameter| parameter["name"] == **name));
        ensure(unknown.is_none(), || {
            format!(
                "`paging`: it has no query parameter `{}`",
                unknown.map_or("", String::as_str)
            )
        })
    }

    fn reads(&self, ledger: &Ledger) -> Checked {
        let Some(id) = &self.entry.reads else {
            return Ok(());
        };
        let read = ledger.iter().find(|(_, entry)| entry.id == *id);
        let route = read.and_then(|(key, _)| split_key(key));
        let (Some((_, read)), Some(("GET", path))) = (read, route) else {
            return Err(format!("`reads`: `{id}` is no operation that reads"));
        };
        let operation = &self.document["paths"][path]["get"];
        ensure(read.area == self.entry.area, || {
            format!("`reads`: `{id}` is in another area, so it may be missing")
        })?;
        let whole = |paging: &Paging| paging.page.is_none() && paging.after.is_none();
        ensure(read.paging.as_ref().is_none_or(whole), || {
            format!("`reads`: `{id}` gives one page only")
        })?;
        let same = parameters(self.path)
            .zip(parameters(path))
            .all(|(own, other)| own == other);
        let fewer = parameters(path).count() <= parameters(self.path).count();
        ensure(same && fewer, || {
            format!("`reads`: `{id}` does not take the same arguments")
        })?;
        let required =
            query_of(self.document, path, operation).any(|parameter| parameter["required"] == true);
        ensure(!required, || {
            format!("`reads`: `{id}` needs more than the arguments")
        })
    }

    fn stream(&self) -> Checked {
        let Some(stream) = &self.entry.stream else {
            return Ok(());
        };
        let schemas = &self.document["components"]["schemas"];
        ensure(schemas.get(&stream.event).is_some(), || {
            format!("`stream`: there is no schema `{}`", stream.event)
        })?;
        let mut members = BTreeSet::new();
        collect_members(self.document, &self.operation["requestBody"], &mut members);
        ensure(members.contains("stream"), || {
            "`stream`: its body has no `stream`".to_owned()
        })?;
        ensure(self.entry.paging.is_none(), || {
            "`stream`: a list has a `stream` already".to_owned()
        })
    }

    fn query(&self) -> impl Iterator<Item = &'a Value> {
        query_of(self.document, self.path, self.operation)
    }
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(problem()),
    }
}

/// The query parameters of an operation and of its path.
fn query_of<'a>(
    document: &'a Value,
    path: &str,
    operation: &'a Value,
) -> impl Iterator<Item = &'a Value> {
    [&document["paths"][path], operation]
        .into_iter()
        .filter_map(|owner| owner["parameters"].as_array())
        .flatten()
        .filter_map(|parameter| document::resolve(document, parameter).ok())
        .filter(|parameter| parameter["in"] == "query")
}

fn parameters(path: &str) -> impl Iterator<Item = &str> {
    segments(path).filter(|segment| is_parameter(segment))
}

/// The names of all members of the schemas below `value`.
fn collect_members<'a>(document: &'a Value, value: &'a Value, found: &mut BTreeSet<&'a str>) {
    let mut open = vec![value];
    let mut references = BTreeSet::new();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => {
                if let Some(properties) = map.get("properties").and_then(Value::as_object) {
                    found.extend(properties.keys().map(String::as_str));
                }
                if let Some(reference) = map.get("$ref").and_then(Value::as_str)
                    && references.insert(reference)
                {
                    open.extend(document::target(document, reference).ok());
                }
                open.extend(map.values());
            }
            Value::Array(list) => open.extend(list),
            _ => {}
        }
    }
}

//! Checks of a manifest entry against its operation in the document.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ApiVersion, Entry, Idempotency, Manifest, Paging, key, split_key};
use crate::{document, reserved_segments::parameters};

/// Returns every statement of an entry that does not hold, with the key of the operation.
pub(super) fn problems(manifest: &Manifest, document: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, method, operation) in document::operations(document) {
        let Some(entry) = manifest.get(method, path) else {
            continue;
        };
        let check = EntryCheck {
            document,
            path,
            operation,
            entry,
        };
        let checked = [
            check.base(),
            entry.access.check(),
            check.default_workspace(),
            check.triggers(),
            check.paging(),
            check.reads(manifest),
            check.success_is_result(),
            check.stream(),
        ];
        let problems = checked.into_iter().filter_map(std::result::Result::err);
        found.extend(problems.map(|problem| (key(method, path), problem)));
    }
    found
}

/// An entry and its operation.
struct EntryCheck<'a> {
    document: &'a Value,
    path: &'a str,
    operation: &'a Value,
    entry: &'a Entry,
}

type CheckResult = std::result::Result<(), String>;

impl<'a> EntryCheck<'a> {
    fn base(&self) -> CheckResult {
        let plane = self.entry.plane;
        ensure(
            plane.has_api_version() || self.entry.base == ApiVersion::V1,
            || {
                format!(
                    "`base`: the base URL of the plane `{}` has no API version",
                    plane.name()
                )
            },
        )
    }

    fn default_workspace(&self) -> CheckResult {
        let optional = self
            .query_parameters()
            .any(|parameter| parameter["name"] == "workspace_id" && parameter["required"] != true);
        ensure(!self.entry.default_workspace || optional, || {
            "`default_workspace`: the operation has no optional query parameter `workspace_id`"
                .to_owned()
        })
    }

    fn triggers(&self) -> CheckResult {
        let triggers = &self.entry.triggers;
        ensure(
            triggers.is_empty() || self.entry.retry == Idempotency::Idempotent,
            || "`triggers`: only allowed with `retry: idempotent`".to_owned(),
        )?;
        let mut fields = BTreeSet::new();
        collect_field_names(self.document, &self.operation["requestBody"], &mut fields);
        let unknown = triggers.iter().find(|name| !fields.contains(name.as_str()));
        ensure(unknown.is_none(), || {
            format!(
                "`triggers`: the request body has no field `{}`",
                unknown.map_or("", String::as_str)
            )
        })
    }

    fn paging(&self) -> CheckResult {
        let Some(Paging {
            page,
            size,
            first,
            after,
            next,
            items,
            also,
            ..
        }) = &self.entry.paging
        else {
            return Ok(());
        };
        ensure(page.is_none() || after.is_none(), || {
            "`paging`: `page` and `after` are mutually exclusive".to_owned()
        })?;
        ensure(first.is_some() == page.is_some(), || {
            "`paging`: `first` and `page` must be set together".to_owned()
        })?;
        ensure(next.is_none() || after.is_some(), || {
            "`paging`: `next` requires `after`".to_owned()
        })?;
        ensure(also.is_none() || items.is_some(), || {
            "`paging`: `also` requires `items`".to_owned()
        })?;
        let unknown = [page, size, after].into_iter().flatten().find(|name| {
            !self
                .query_parameters()
                .any(|parameter| parameter["name"] == **name)
        });
        ensure(unknown.is_none(), || {
            format!(
                "`paging`: the operation has no query parameter `{}`",
                unknown.map_or("", String::as_str)
            )
        })
    }

    fn reads(&self, manifest: &Manifest) -> CheckResult {
        let Some(id) = &self.entry.reads else {
            return Ok(());
        };
        let read = manifest.iter().find(|(_, entry)| entry.id == *id);
        let route = read.and_then(|(key, _)| split_key(key));
        let (Some((_, read)), Some(("GET", path))) = (read, route) else {
            return Err(format!("`reads`: `{id}` is not the id of a GET operation"));
        };
        let operation = &self.document["paths"][path]["get"];
        ensure(read.area == self.entry.area, || {
            format!("`reads`: `{id}` is in another area, which may be disabled")
        })?;
        let is_whole_list = |paging: &Paging| paging.page.is_none() && paging.after.is_none();
        ensure(read.paging.as_ref().is_none_or(is_whole_list), || {
            format!("`reads`: `{id}` is paginated and returns only one page")
        })?;
        let same_parameters = parameters(self.path)
            .zip(parameters(path))
            .all(|(own, other)| own == other);
        let no_extra_parameters = parameters(path).count() <= parameters(self.path).count();
        ensure(same_parameters && no_extra_parameters, || {
            format!("`reads`: `{id}` does not take the same path parameters")
        })?;
        let required = query_parameters(self.document, path, operation)
            .any(|parameter| parameter["required"] == true);
        ensure(!required, || {
            format!("`reads`: `{id}` has a required query parameter")
        })
    }

    fn success_is_result(&self) -> CheckResult {
        let mut fields = BTreeSet::new();
        collect_field_names(self.document, &self.operation["responses"], &mut fields);
        ensure(
            !self.entry.success_is_result || fields.contains("success"),
            || "`success_is_result`: the response has no field `success`".to_owned(),
        )
    }

    fn stream(&self) -> CheckResult {
        let Some(stream) = &self.entry.stream else {
            return Ok(());
        };
        let schemas = &self.document["components"]["schemas"];
        ensure(schemas.get(&stream.event).is_some(), || {
            format!("`stream`: schema `{}` not found", stream.event)
        })?;
        let mut fields = BTreeSet::new();
        collect_field_names(self.document, &self.operation["requestBody"], &mut fields);
        ensure(fields.contains("stream"), || {
            "`stream`: the request body has no field `stream`".to_owned()
        })?;
        ensure(self.entry.paging.is_none(), || {
            "`stream`: not allowed with `paging`, which also generates `stream()`".to_owned()
        })
    }

    fn query_parameters(&self) -> impl Iterator<Item = &'a Value> {
        query_parameters(self.document, self.path, self.operation)
    }
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> CheckResult {
    match holds {
        true => Ok(()),
        false => Err(problem()),
    }
}

/// Returns the query parameters of an operation and of its path item.
fn query_parameters<'a>(
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

/// Collects the property names of all schemas below `value`.
fn collect_field_names<'a>(document: &'a Value, value: &'a Value, found: &mut BTreeSet<&'a str>) {
    let mut pending = vec![value];
    let mut references = BTreeSet::new();
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(map) => {
                if let Some(properties) = map.get("properties").and_then(Value::as_object) {
                    found.extend(properties.keys().map(String::as_str));
                }
                if let Some(reference) = map.get("$ref").and_then(Value::as_str)
                    && references.insert(reference)
                {
                    pending.extend(document::lookup(document, reference).ok());
                }
                pending.extend(map.values());
            }
            Value::Array(list) => pending.extend(list),
            _ => {}
        }
    }
}

//! Lower: turns the patched document into a form that can be generated.
//!
//! In the lowered document every struct, enum and union is a named component, every operation has
//! one JSON body and one success response, and request and response types are separate wherever
//! they differ: requests are strict, responses are tolerant. The whole document is lowered before
//! areas are selected, so a type does not depend on the selection.

mod all_of;
mod direction;
mod expressible;
mod json_kind;
mod names;
mod parameter_groups;
mod schema;

use std::collections::BTreeMap;

use heck::ToUpperCamelCase;
use serde_json::{Map, Value, json};

use crate::{
    Error, Patched, Result, document,
    error::Problems,
    manifest::{Entry, Handwritten},
};
use names::TypeNames;
use parameter_groups::ParameterGroups;
use schema::Flattener;

pub use direction::{Direction, collect_components};
pub use parameter_groups::{PARAMETER_GROUP_KEY, description as parameter_group_description};

/// The document that the generator reads.
#[derive(Debug, Clone)]
pub struct Lowered {
    /// Paths and components; every type has a name.
    pub document: Value,
    /// The direction of each component.
    pub directions: BTreeMap<String, Direction>,
    /// Types whose names are derived from their position.
    pub derived: Vec<DerivedName>,
}

/// A type whose name is derived from its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedName {
    /// The derived name.
    pub name: String,
    /// The position of the schema.
    pub location: String,
}

/// Lowers the patched document.
///
/// # Errors
///
/// Fails with every operation that cannot be lowered or generated: `GET /users: …`.
pub fn lower(patched: &Patched) -> Result<Lowered> {
    let mut names = TypeNames::default();
    let mut problems = Problems::default();
    let mut paths = lower_operations(patched, &mut names, &mut problems);
    lower_events(patched, &mut names, &mut paths, &mut problems);
    let (components, derived) = names.finish();
    let version = &patched.document["info"]["version"];
    let mut document = json!({
        "openapi": "3.0.3",
        "info": {"title": "Portkey", "version": version.as_str().unwrap_or_default()},
        "paths": paths,
        "components": {"schemas": components},
    });
    let directions = problems.check(direction::split(&mut document));
    let directions = directions.unwrap_or_default();
    problems.check(parameter_groups::check(&patched.document, &directions));
    problems.check(check_builder_names(&document, &directions));
    problems.check(expressible::check(
        &document,
        &directions,
        &patched.manifest,
    ));
    problems.finish(Lowered {
        document,
        directions,
        derived,
    })
}

/// Checks that no builder of an operation has the name of a type.
fn check_builder_names(document: &Value, directions: &BTreeMap<String, Direction>) -> Result<()> {
    for (path, method, operation) in document::operations(document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let builder = id.to_upper_camel_case();
        if directions.contains_key(&builder) {
            return Err(Error::new(
                crate::manifest::key(method, path),
                format!("the builder `{builder}` has the name of a type"),
            ));
        }
    }
    Ok(())
}

/// Lowers the operations. The gateway is last, so that admin operations name the shared types.
fn lower_operations(
    patched: &Patched,
    names: &mut TypeNames,
    problems: &mut Problems,
) -> Map<String, Value> {
    let mut found: Vec<_> = document::operations(&patched.document)
        .filter_map(|(path, method, operation)| {
            let entry = patched.manifest.get(method, path)?;
            Some((path, method, operation, entry))
        })
        .collect();
    found.sort_by_key(|(_, _, _, entry)| is_gateway(entry));
    let mut paths = Map::new();
    for (path, method, operation, entry) in found {
        let location = crate::manifest::key(method, path);
        let mut flattener = Flattener::new(&patched.document, names);
        let lowered = Operation {
            source: operation,
            item: &patched.document["paths"][path],
            document: &patched.document,
            entry,
        }
        .lower(&mut flattener)
        .map_err(|error| error.within(&location));
        if let Some(lowered) = problems.check(lowered) {
            let item = paths.entry(path).or_insert_with(|| json!({}));
            item[method] = lowered;
        }
    }
    paths
}

/// The field of a lowered operation that references its event schema.
pub const EVENT_KEY: &str = "x-event";

/// Lowers the event schemas of streaming operations. They are last, so that responses name the
/// types that both use.
fn lower_events(
    patched: &Patched,
    names: &mut TypeNames,
    paths: &mut Map<String, Value>,
    problems: &mut Problems,
) {
    for (path, method, _) in document::operations(&patched.document) {
        let entry = patched.manifest.get(method, path);
        let Some(stream) = entry.and_then(|entry| entry.stream.as_ref()) else {
            continue;
        };
        let location = format!("{}: events", crate::manifest::key(method, path));
        let mut flattener = Flattener::new(&patched.document, names);
        let schema = json!({"$ref": stream.reference()});
        let lowered = flattener
            .flatten_named(&schema, &stream.event, "event")
            .map_err(|error| error.within(&location));
        let operation = paths.get_mut(path).and_then(|item| item.get_mut(method));
        if let (Some(lowered), Some(operation)) = (problems.check(lowered), operation) {
            operation[EVENT_KEY] = lowered;
        }
    }
}

fn is_gateway(entry: &Entry) -> bool {
    entry.area == "gateway"
}

struct Operation<'a> {
    source: &'a Value,
    item: &'a Value,
    document: &'a Value,
    entry: &'a Entry,
}

impl Operation<'_> {
    fn lower(&self, flattener: &mut Flattener<'_>) -> Result<Value> {
        let mut lowered = Map::new();
        lowered.insert("operationId".into(), json!(self.entry.id));
        lowered.insert("tags".into(), json!([self.entry.area]));
        if self.source["deprecated"] == true {
            lowered.insert("deprecated".into(), json!(true));
        }
        if let Some(example) = self.source.get("x-example") {
            lowered.insert("x-example".into(), example.clone());
        }
        lowered.insert("parameters".into(), self.parameters(flattener)?);
        if let Some(body) = self.body(flattener)? {
            lowered.insert("requestBody".into(), body);
        }
        lowered.insert("responses".into(), self.response(flattener)?);
        Ok(Value::Object(lowered))
    }

    /// Merges the parameters of the path item and the operation, which takes precedence.
    /// Headers that the client sets are dropped.
    fn parameters(&self, flattener: &mut Flattener<'_>) -> Result<Value> {
        let mut parameters: Vec<Value> = Vec::new();
        let lists = [&self.item["parameters"], &self.source["parameters"]];
        let groups = ParameterGroups::of(self.document, &lists);
        for list in lists {
            for reference in list.as_array().into_iter().flatten() {
                let parameter = document::resolve(self.document, reference)?;
                parameters.retain(|other| {
                    other["name"] != parameter["name"] || other["in"] != parameter["in"]
                });
                if !is_set_by_client(parameter) {
                    let mut lowered = self.parameter(parameter, flattener)?;
                    if let Some(group) = groups.group(reference) {
                        lowered[PARAMETER_GROUP_KEY] = json!(group);
                    }
                    parameters.push(lowered);
                }
            }
        }
        parameters.extend(self.form_parts(flattener)?);
        Ok(Value::Array(parameters))
    }

    /// Returns the parts of a multipart body as query parameters, which have the same properties.
    fn form_parts(&self, flattener: &mut Flattener<'_>) -> Result<Vec<Value>> {
        let body = document::resolve(self.document, &self.source["requestBody"])?;
        let form = &body["content"]["multipart/form-data"];
        if self.entry.handwritten != Some(Handwritten::Multipart) || form.is_null() {
            return Ok(Vec::new());
        }
        let form = document::resolve(self.document, &form["schema"])?;
        let required = |name: &str| {
            let names = form["required"].as_array().into_iter().flatten();
            names.into_iter().any(|other| other == name)
        };
        let form_parts = form["properties"].as_object().into_iter().flatten();
        form_parts
            .map(|(name, schema)| {
                let part = json!({
                    "name": name, "in": "query", "required": required(name), "schema": schema,
                });
                self.parameter(&part, flattener)
            })
            .collect()
    }

    fn parameter(&self, parameter: &Value, flattener: &mut Flattener<'_>) -> Result<Value> {
        let name = parameter["name"].as_str().unwrap_or_default();
        if parameter.get("schema").is_none() && parameter.get("content").is_some() {
            return Err(Error::new(
                format!("parameter `{name}`"),
                "`content` is not supported; expected `schema`",
            ));
        }
        let derived = format!("{}-{name}", self.entry.id);
        let schema = flattener.flatten_inline(
            &parameter["schema"],
            &derived,
            &format!("parameter `{name}`"),
        )?;
        let mut lowered = Map::new();
        for key in ["name", "in", "required", "description", "style", "explode"] {
            let is_words = |value: &&Value| key != "description" || value.is_string();
            if let Some(value) = parameter.get(key).filter(is_words) {
                lowered.insert(key.into(), value.clone());
            }
        }
        if parameter["in"] == "path" {
            lowered.insert("required".into(), json!(true));
        }
        lowered.insert("schema".into(), schema);
        Ok(Value::Object(lowered))
    }

    fn body(&self, flattener: &mut Flattener<'_>) -> Result<Option<Value>> {
        let body = document::resolve(self.document, &self.source["requestBody"])?;
        let has_content = body["content"]
            .as_object()
            .is_some_and(|content| !content.is_empty());
        let Some(schema) = json_schemas(body, is_json).next() else {
            return match has_content && self.entry.handwritten.is_none() {
                true => Err(Error::new(
                    "request body",
                    format!(
                        "expected `application/json`, found {}",
                        describe_media_types(body)
                    ),
                )),
                false => Ok(None),
            };
        };
        let required = body["required"] == true;
        let name = format!("{}-request", self.entry.id);
        let schema = flattener.flatten_named(schema, &name, "request body")?;
        Ok(Some(json!({
            "required": required,
            "content": {"application/json": {"schema": schema}},
        })))
    }

    /// Returns the success response. It has no content if there is none or only an empty object.
    fn response(&self, flattener: &mut Flattener<'_>) -> Result<Value> {
        let success = self.source["responses"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(status, _)| status.starts_with('2'))
            .map(|(_, response)| document::resolve(self.document, response))
            .collect::<Result<Vec<_>>>()?;
        let mut schemas = success
            .iter()
            .flat_map(|response| json_schemas(response, is_any_json));
        let mut response = json!({"description": ""});
        if let Some(schema) = schemas.next() {
            let lowered = flattener.flatten_named(schema, &self.response_name(), "response")?;
            if !is_empty_object(document::resolve(self.document, schema)?) {
                response["content"] = json!({"application/json": {"schema": lowered}});
            }
        } else if self.entry.handwritten.is_none() {
            let other = success
                .iter()
                .map(|response| describe_media_types(response));
            if let Some(kinds) = other.into_iter().find(|kinds| !kinds.is_empty()) {
                return Err(Error::new(
                    "response",
                    format!("expected JSON, found {kinds}"),
                ));
            }
        }
        Ok(json!({"200": response}))
    }

    /// Returns `ApiKeyList` for `list_api_keys`, and a `…Response` for every other operation.
    fn response_name(&self) -> String {
        match self.entry.id.strip_prefix("list_") {
            Some(plural) => format!("{}-list", singular(plural)),
            None => format!("{}-response", self.entry.id),
        }
    }
}

/// Converts `policies` to `policy` and `api_keys` to `api_key`; words without a plural `s` stay.
fn singular(plural: &str) -> String {
    match plural.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => plural
            .strip_suffix('s')
            .filter(|stem| !stem.ends_with('s'))
            .unwrap_or(plural)
            .to_owned(),
    }
}

/// Returns whether a parameter is a header that the client sets: authentication, and those that
/// OpenAPI says to ignore.
fn is_set_by_client(parameter: &Value) -> bool {
    const HEADERS: [&str; 4] = [
        "x-portkey-api-key",
        "authorization",
        "accept",
        "content-type",
    ];
    parameter["in"] == "header"
        && parameter["name"].as_str().is_some_and(|name| {
            HEADERS
                .iter()
                .any(|header| name.eq_ignore_ascii_case(header))
        })
}

/// Returns the media types of a body with their JSON schemas; a missing schema allows any value.
fn json_schemas(holder: &Value, is_json: fn(&str) -> bool) -> impl Iterator<Item = &Value> {
    const ANY: &Value = &Value::Null;
    let content = holder["content"].as_object().into_iter().flatten();
    content
        .filter(move |(kind, _)| is_json(media_type(kind)))
        .map(|(_, media)| media.get("schema").unwrap_or(ANY))
}

/// Returns a media type without its parameters (`application/json; charset=utf-8`).
fn media_type(kind: &str) -> &str {
    kind.split(';').next().unwrap_or(kind).trim()
}

fn is_json(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("application/json")
}

/// Returns whether a response of this type can be decoded: `application/problem+json` is JSON.
fn is_any_json(kind: &str) -> bool {
    is_json(kind) || kind.to_ascii_lowercase().ends_with("+json")
}

/// Returns the media types of a body, for an error message.
fn describe_media_types(holder: &Value) -> String {
    let content = holder["content"].as_object().into_iter().flatten();
    let kinds: Vec<String> = content.map(|(kind, _)| format!("`{kind}`")).collect();
    kinds.join(" or ")
}

/// Returns whether a schema is an object without fields.
fn is_empty_object(schema: &Value) -> bool {
    schema["type"] == "object"
        && schema["properties"].as_object().is_none_or(Map::is_empty)
        && ["additionalProperties", "allOf", "oneOf", "anyOf"]
            .iter()
            .all(|key| schema.get(key).is_none())
}

/// Fails if the name of a type is derived from its position.
pub fn check_type_names(lowered: &Lowered) -> Result<()> {
    match lowered.derived.first() {
        Some(derived) => Err(Error::new(
            &derived.location,
            format!(
                "the type name `{}` is derived from its position; add an `x-name`",
                derived.name
            ),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::singular;

    #[test]
    fn singular_drops_the_plural_suffix() {
        assert_eq!(singular("api_keys"), "api_key");
        assert_eq!(singular("usage_limits_policies"), "usage_limits_policy");
        assert_eq!(singular("mcp_server_user_access"), "mcp_server_user_access");
    }
}

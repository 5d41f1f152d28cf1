//! Distil: reduces an OpenAPI document to its facts, in a canonical order.
//!
//! The result is OpenAPI 3.0. From 3.1, everything is converted that has a mechanical equivalent;
//! the rest is an error.
//!
//! **What is kept.** `fields` lists the fields that state facts, for each kind of object; all
//! others are dropped: descriptions, summaries, titles, examples, extensions (`x-…`), external
//! docs, contact, terms, licence, and unknown fields. The traversal tracks the kind of object, so a
//! schema property *named* `description` is kept: there the key is a name, not a keyword.
//!
//! **Canonical order.** Fields are in the order of `fields`. Maps whose keys are names (`paths`,
//! `properties`, `responses`, `content`, the sections of `components` …) and maps inside values
//! (`default`, `enum`) are sorted by key, byte by byte. Lists keep their order, which may be
//! significant, except `required` of a schema, which is a set and is sorted. Duplicate values of an
//! `enum` are removed. A `null` field counts as absent, except where `null` is a value (`default`,
//! `const`, `enum`).
//!
//! The result therefore depends only on facts: reordering maps or rewording prose upstream changes
//! nothing, and distilling a distilled document yields the same bytes.

mod openapi_3_1;

use serde_json::{Map, Value};

use crate::document::{self, METHODS, child_path};
use crate::{Error, Result};

/// The comment at the top of the vendored document.
const HEADER: &str = "\
# Facts distilled from Portkey's OpenAPI document (see source.yaml), written by
# `cargo xtask sync-spec`. Not edited by hand: corrections belong in overrides/.
";

/// Reduces an OpenAPI document to its facts in canonical order.
///
/// # Errors
///
/// Fails with the JSON path of the problem: a version of OpenAPI other than 3.0 and 3.1, no paths,
/// an unexpected type, a reference that is external or has no target, or a keyword of OpenAPI 3.1
/// that 3.0 cannot express.
pub fn distil(document: &Value) -> Result<Value> {
    let mut distiller = Distiller {
        version: check_version_and_paths(document)?,
        references: Vec::new(),
    };
    let mut distilled = distiller.object(ObjectKind::Document, "$", document)?;
    if distiller.version == Version::V3_1 {
        distilled["openapi"] = Value::from(CONVERTED_VERSION);
    }
    for (location, reference) in &distiller.references {
        check_reference(&distilled, location, reference)?;
    }
    Ok(distilled)
}

/// Returns the canonical YAML of a distilled document.
///
/// [`document::parse`] reads the same value back, including unusual strings and numbers.
pub fn to_yaml(document: &Value) -> Result<String> {
    let body = serde_norway::to_string(document).map_err(|error| {
        Error::new(
            "$",
            format!("cannot serialize the OpenAPI document as YAML: {error}"),
        )
    })?;
    Ok(format!("{HEADER}{body}"))
}

/// The problem with an external reference.
const ONLY_LOCAL: &str = "only local references (`#/…`) are supported";

/// The version of OpenAPI in a document that was converted from 3.1.
const CONVERTED_VERSION: &str = "3.0.3";

/// The version of OpenAPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V3_0,
    V3_1,
}

/// The kinds of object in OpenAPI 3.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ObjectKind {
    Document,
    Info,
    Tag,
    Server,
    ServerVariable,
    PathItem,
    Operation,
    Parameter,
    RequestBody,
    MediaType,
    Encoding,
    Response,
    Header,
    Link,
    Schema,
    Discriminator,
    Components,
    SecurityScheme,
    OAuthFlows,
    OAuthFlow,
}

/// The kind of value that a field has.
#[derive(Debug, Clone, Copy)]
enum FieldKind {
    /// A string, number or boolean.
    Scalar,
    /// A string. An integer, which lacks quotes, is converted.
    Text,
    /// A boolean. The strings `true` and `false` are converted.
    Boolean,
    /// The `type` of a schema: a name, or a list of names, which some 3.0 documents borrow from
    /// 3.1.
    Type,
    /// Any JSON value, kept unchanged.
    Any,
    /// A list of JSON values, each kept unchanged.
    AnyList,
    /// The values of an `enum`: like `AnyList`, without duplicates.
    EnumValues,
    /// A set of names, sorted.
    NameSet,
    /// A `$ref`.
    Reference,
    /// An object.
    Object(ObjectKind),
    /// A schema or a boolean.
    SchemaOrBoolean,
    /// A list of objects.
    List(ObjectKind),
    /// Objects by name; every key is a name.
    Map(ObjectKind),
    /// Objects by name, and extensions (`x-…`).
    Extensible(ObjectKind),
    /// Path items by path.
    Paths,
    /// Callbacks by name; each is a map from an expression to a path item.
    Callbacks,
    /// The `mapping` of a discriminator: value → schema name or reference.
    Mapping,
    /// The `scopes` of an OAuth flow: name → description.
    Scopes,
}

/// The fields of `kind` that state facts, in canonical order.
fn fields(kind: ObjectKind) -> &'static [(&'static str, FieldKind)] {
    match kind {
        ObjectKind::Document => DOCUMENT,
        ObjectKind::Info => &[("version", FieldKind::Text)],
        ObjectKind::Tag => &[("name", FieldKind::Text)],
        ObjectKind::Server => SERVER,
        ObjectKind::ServerVariable => {
            &[("enum", FieldKind::EnumValues), ("default", FieldKind::Any)]
        }
        ObjectKind::PathItem => PATH_ITEM,
        ObjectKind::Operation => OPERATION,
        ObjectKind::Parameter => PARAMETER,
        ObjectKind::RequestBody => REQUEST_BODY,
        ObjectKind::MediaType => MEDIA_TYPE,
        ObjectKind::Encoding => ENCODING,
        ObjectKind::Response => RESPONSE,
        ObjectKind::Header => HEADER_OBJECT,
        ObjectKind::Link => LINK,
        ObjectKind::Schema => SCHEMA,
        ObjectKind::Discriminator => DISCRIMINATOR,
        ObjectKind::Components => COMPONENTS,
        ObjectKind::SecurityScheme => SECURITY_SCHEME,
        ObjectKind::OAuthFlows => OAUTH_FLOWS,
        ObjectKind::OAuthFlow => OAUTH_FLOW,
    }
}

type FieldTable = &'static [(&'static str, FieldKind)];

const DOCUMENT: FieldTable = &[
    ("openapi", FieldKind::Scalar),
    ("info", FieldKind::Object(ObjectKind::Info)),
    ("servers", FieldKind::List(ObjectKind::Server)),
    ("security", FieldKind::AnyList),
    ("tags", FieldKind::List(ObjectKind::Tag)),
    ("paths", FieldKind::Paths),
    ("components", FieldKind::Object(ObjectKind::Components)),
];

const SERVER: FieldTable = &[
    ("url", FieldKind::Text),
    ("variables", FieldKind::Map(ObjectKind::ServerVariable)),
];

const PATH_ITEM: FieldTable = &[
    ("$ref", FieldKind::Reference),
    ("servers", FieldKind::List(ObjectKind::Server)),
    ("parameters", FieldKind::List(ObjectKind::Parameter)),
    (METHODS[0], FieldKind::Object(ObjectKind::Operation)),
    (METHODS[1], FieldKind::Object(ObjectKind::Operation)),
    (METHODS[2], FieldKind::Object(ObjectKind::Operation)),
    (METHODS[3], FieldKind::Object(ObjectKind::Operation)),
    (METHODS[4], FieldKind::Object(ObjectKind::Operation)),
    (METHODS[5], FieldKind::Object(ObjectKind::Operation)),
    (METHODS[6], FieldKind::Object(ObjectKind::Operation)),
    (METHODS[7], FieldKind::Object(ObjectKind::Operation)),
];

const OPERATION: FieldTable = &[
    ("operationId", FieldKind::Text),
    ("deprecated", FieldKind::Boolean),
    ("tags", FieldKind::AnyList),
    ("servers", FieldKind::List(ObjectKind::Server)),
    ("security", FieldKind::AnyList),
    ("parameters", FieldKind::List(ObjectKind::Parameter)),
    ("requestBody", FieldKind::Object(ObjectKind::RequestBody)),
    ("responses", FieldKind::Extensible(ObjectKind::Response)),
    ("callbacks", FieldKind::Callbacks),
];

const PARAMETER: FieldTable = &[
    ("$ref", FieldKind::Reference),
    ("name", FieldKind::Text),
    ("in", FieldKind::Text),
    ("required", FieldKind::Boolean),
    ("deprecated", FieldKind::Boolean),
    ("allowEmptyValue", FieldKind::Boolean),
    ("style", FieldKind::Text),
    ("explode", FieldKind::Boolean),
    ("allowReserved", FieldKind::Boolean),
    ("schema", FieldKind::Object(ObjectKind::Schema)),
    ("content", FieldKind::Map(ObjectKind::MediaType)),
];

const REQUEST_BODY: FieldTable = &[
    ("$ref", FieldKind::Reference),
    ("required", FieldKind::Boolean),
    ("content", FieldKind::Map(ObjectKind::MediaType)),
];

const MEDIA_TYPE: FieldTable = &[
    ("schema", FieldKind::Object(ObjectKind::Schema)),
    ("encoding", FieldKind::Map(ObjectKind::Encoding)),
];

const ENCODING: FieldTable = &[
    ("contentType", FieldKind::Text),
    ("headers", FieldKind::Map(ObjectKind::Header)),
    ("style", FieldKind::Text),
    ("explode", FieldKind::Boolean),
    ("allowReserved", FieldKind::Boolean),
];

const RESPONSE: FieldTable = &[
    ("$ref", FieldKind::Reference),
    ("headers", FieldKind::Map(ObjectKind::Header)),
    ("content", FieldKind::Map(ObjectKind::MediaType)),
    ("links", FieldKind::Map(ObjectKind::Link)),
];

const HEADER_OBJECT: FieldTable = &[
    ("$ref", FieldKind::Reference),
    ("required", FieldKind::Boolean),
    ("deprecated", FieldKind::Boolean),
    ("style", FieldKind::Text),
    ("explode", FieldKind::Boolean),
    ("schema", FieldKind::Object(ObjectKind::Schema)),
    ("content", FieldKind::Map(ObjectKind::MediaType)),
];

const LINK: FieldTable = &[
    ("$ref", FieldKind::Reference),
    ("operationId", FieldKind::Text),
    ("operationRef", FieldKind::Text),
    ("parameters", FieldKind::Any),
    ("requestBody", FieldKind::Any),
    ("server", FieldKind::Object(ObjectKind::Server)),
];

const SCHEMA: FieldTable = &[
    ("$ref", FieldKind::Reference),
    ("type", FieldKind::Type),
    ("format", FieldKind::Text),
    ("nullable", FieldKind::Boolean),
    ("deprecated", FieldKind::Boolean),
    ("readOnly", FieldKind::Boolean),
    ("writeOnly", FieldKind::Boolean),
    ("enum", FieldKind::EnumValues),
    ("const", FieldKind::Any),
    ("default", FieldKind::Any),
    ("multipleOf", FieldKind::Scalar),
    ("minimum", FieldKind::Scalar),
    ("exclusiveMinimum", FieldKind::Scalar),
    ("maximum", FieldKind::Scalar),
    ("exclusiveMaximum", FieldKind::Scalar),
    ("minLength", FieldKind::Scalar),
    ("maxLength", FieldKind::Scalar),
    ("pattern", FieldKind::Text),
    ("minItems", FieldKind::Scalar),
    ("maxItems", FieldKind::Scalar),
    ("uniqueItems", FieldKind::Boolean),
    ("minProperties", FieldKind::Scalar),
    ("maxProperties", FieldKind::Scalar),
    ("required", FieldKind::NameSet),
    ("properties", FieldKind::Map(ObjectKind::Schema)),
    ("additionalProperties", FieldKind::SchemaOrBoolean),
    ("items", FieldKind::Object(ObjectKind::Schema)),
    ("allOf", FieldKind::List(ObjectKind::Schema)),
    ("oneOf", FieldKind::List(ObjectKind::Schema)),
    ("anyOf", FieldKind::List(ObjectKind::Schema)),
    ("not", FieldKind::Object(ObjectKind::Schema)),
    (
        "discriminator",
        FieldKind::Object(ObjectKind::Discriminator),
    ),
];

const DISCRIMINATOR: FieldTable = &[
    ("propertyName", FieldKind::Text),
    ("mapping", FieldKind::Mapping),
];

const COMPONENTS: FieldTable = &[
    (
        "securitySchemes",
        FieldKind::Map(ObjectKind::SecurityScheme),
    ),
    ("parameters", FieldKind::Map(ObjectKind::Parameter)),
    ("headers", FieldKind::Map(ObjectKind::Header)),
    ("requestBodies", FieldKind::Map(ObjectKind::RequestBody)),
    ("responses", FieldKind::Map(ObjectKind::Response)),
    ("links", FieldKind::Map(ObjectKind::Link)),
    ("callbacks", FieldKind::Callbacks),
    ("schemas", FieldKind::Map(ObjectKind::Schema)),
];

const SECURITY_SCHEME: FieldTable = &[
    ("$ref", FieldKind::Reference),
    ("type", FieldKind::Text),
    ("name", FieldKind::Text),
    ("in", FieldKind::Text),
    ("scheme", FieldKind::Text),
    ("bearerFormat", FieldKind::Text),
    ("flows", FieldKind::Object(ObjectKind::OAuthFlows)),
    ("openIdConnectUrl", FieldKind::Text),
];

const OAUTH_FLOWS: FieldTable = &[
    ("implicit", FieldKind::Object(ObjectKind::OAuthFlow)),
    ("password", FieldKind::Object(ObjectKind::OAuthFlow)),
    (
        "clientCredentials",
        FieldKind::Object(ObjectKind::OAuthFlow),
    ),
    (
        "authorizationCode",
        FieldKind::Object(ObjectKind::OAuthFlow),
    ),
];

const OAUTH_FLOW: FieldTable = &[
    ("authorizationUrl", FieldKind::Text),
    ("tokenUrl", FieldKind::Text),
    ("refreshUrl", FieldKind::Text),
    ("scopes", FieldKind::Scopes),
];

/// A pass over a document. Collects the references, which are checked against the result.
struct Distiller {
    version: Version,
    /// The JSON path of each `$ref`, and the reference.
    references: Vec<(String, String)>,
}

impl Distiller {
    fn object(&mut self, kind: ObjectKind, location: &str, value: &Value) -> Result<Value> {
        let converted;
        let map = match (kind, self.version) {
            (ObjectKind::Schema, Version::V3_1) => {
                converted = openapi_3_1::convert_schema(location, value)?;
                &converted
            }
            _ => as_map(location, value)?,
        };
        if self.version == Version::V3_1 {
            let unsupported: &[&str] = match kind {
                ObjectKind::Document => &["webhooks", "jsonSchemaDialect"],
                ObjectKind::Components => &["pathItems"],
                _ => &[],
            };
            openapi_3_1::check_supported(location, map.keys(), unsupported)?;
        }
        check_reference_is_allowed(kind, location, map)?;
        let mut kept = Map::new();
        for (key, field_kind) in fields(kind) {
            let Some(value) = map.get(*key) else { continue };
            let location = child_path(location, key);
            if let Some(value) = self.field(*field_kind, &location, value)? {
                kept.insert((*key).to_owned(), value);
            }
        }
        Ok(Value::Object(kept))
    }

    /// Returns the distilled value of a field, or `None` if it states no fact.
    fn field(
        &mut self,
        field_kind: FieldKind,
        location: &str,
        value: &Value,
    ) -> Result<Option<Value>> {
        let null_is_absent = !matches!(
            field_kind,
            FieldKind::Any | FieldKind::Paths | FieldKind::Object(ObjectKind::Operation)
        );
        if value.is_null() && null_is_absent {
            return Ok(None);
        }
        let kept = match field_kind {
            FieldKind::Scalar => scalar(location, value)?,
            FieldKind::Text => string(location, value)?,
            FieldKind::Boolean => boolean(location, value)?,
            FieldKind::Type => type_names(location, value)?,
            FieldKind::Any => sorted(value),
            FieldKind::AnyList => {
                Value::Array(as_list(location, value)?.iter().map(sorted).collect())
            }
            FieldKind::EnumValues => deduplicated(as_list(location, value)?),
            FieldKind::NameSet => return name_set(location, value),
            FieldKind::Reference => self.reference(location, value)?,
            FieldKind::Object(kind) => self.object(kind, location, value)?,
            FieldKind::SchemaOrBoolean if value.is_boolean() => value.clone(),
            FieldKind::SchemaOrBoolean => self.object(ObjectKind::Schema, location, value)?,
            FieldKind::List(kind) => self.list(kind, location, value)?,
            FieldKind::Map(kind) => self.map(kind, location, value, |_| true)?,
            FieldKind::Extensible(kind) => self.map(kind, location, value, is_name)?,
            FieldKind::Paths => self.paths(location, value)?,
            FieldKind::Callbacks => self.callbacks(location, value)?,
            FieldKind::Mapping => self.mapping(location, value)?,
            FieldKind::Scopes => scopes(location, value)?,
        };
        Ok(Some(kept))
    }

    fn list(&mut self, kind: ObjectKind, location: &str, value: &Value) -> Result<Value> {
        as_list(location, value)?
            .iter()
            .enumerate()
            .map(|(index, value)| self.object(kind, &format!("{location}[{index}]"), value))
            .collect::<Result<_>>()
            .map(Value::Array)
    }

    /// Distils objects by name. An entry without a value (`204:`) is kept as an empty object.
    fn map(
        &mut self,
        kind: ObjectKind,
        location: &str,
        value: &Value,
        is_entry: fn(&str) -> bool,
    ) -> Result<Value> {
        let empty = Value::Object(Map::new());
        sorted_entries(as_map(location, value)?)
            .filter(|(key, _)| is_entry(key))
            .map(|(key, value)| {
                let is_empty = value.is_null() && kind != ObjectKind::PathItem;
                let value = if is_empty { &empty } else { value };
                let kept = self.object(kind, &child_path(location, key), value)?;
                Ok((key.clone(), kept))
            })
            .collect::<Result<_>>()
            .map(Value::Object)
    }

    fn paths(&mut self, location: &str, value: &Value) -> Result<Value> {
        for path in as_map(location, value)?.keys() {
            if is_name(path) && !path.starts_with('/') {
                return Err(Error::new(
                    child_path(location, path),
                    "expected a path that starts with `/`",
                ));
            }
        }
        self.map(ObjectKind::PathItem, location, value, is_name)
    }

    fn callbacks(&mut self, location: &str, value: &Value) -> Result<Value> {
        sorted_entries(as_map(location, value)?)
            .map(|(name, callback)| {
                let location = child_path(location, name);
                let kept = match callback.get("$ref") {
                    Some(_) => self.object(ObjectKind::Header, &location, callback)?,
                    None => self.map(ObjectKind::PathItem, &location, callback, is_name)?,
                };
                Ok((name.clone(), kept))
            })
            .collect::<Result<_>>()
            .map(Value::Object)
    }

    fn mapping(&mut self, location: &str, value: &Value) -> Result<Value> {
        sorted_entries(as_map(location, value)?)
            .map(|(key, value)| {
                let location = child_path(location, key);
                // A value without `#` is the name of a schema.
                let local = value.as_str().is_some_and(|text| text.starts_with('#'));
                let kept = if local {
                    self.reference(&location, value)?
                } else {
                    scalar(&location, value)?
                };
                Ok((key.clone(), kept))
            })
            .collect::<Result<_>>()
            .map(Value::Object)
    }

    fn reference(&mut self, location: &str, value: &Value) -> Result<Value> {
        let reference = value
            .as_str()
            .ok_or_else(|| Error::new(location, "expected a string"))?;
        self.references
            .push((location.to_owned(), reference.to_owned()));
        Ok(value.clone())
    }
}

/// Checks that this is an OpenAPI 3.0 or 3.1 document with paths, and returns its version.
fn check_version_and_paths(document: &Value) -> Result<Version> {
    let map = as_map("$", document)?;
    let version = map
        .get("openapi")
        .ok_or_else(|| Error::new("$.openapi", "missing, so this is not an OpenAPI document"))?;
    let has_patch = |prefix: &str| {
        let patch = version.as_str().and_then(|text| text.strip_prefix(prefix));
        patch.is_some_and(|patch| {
            !patch.is_empty() && patch.bytes().all(|digit| digit.is_ascii_digit())
        })
    };
    let version = match (has_patch("3.0."), has_patch("3.1.")) {
        (true, _) => Version::V3_0,
        (_, true) => Version::V3_1,
        _ => {
            return Err(Error::new(
                "$.openapi",
                format!("expected OpenAPI version 3.0.x or 3.1.x, found {version}"),
            ));
        }
    };
    match map.get("paths") {
        None => Err(Error::new("$.paths", "missing")),
        Some(paths) => as_map("$.paths", paths).map(|_| version),
    }
}

/// Checks that an object of this kind can be a `$ref`. Dropping the reference would empty the object.
fn check_reference_is_allowed(
    kind: ObjectKind,
    location: &str,
    map: &Map<String, Value>,
) -> Result<()> {
    let allowed = fields(kind).iter().any(|(key, _)| *key == "$ref");
    let reference = map.get("$ref").filter(|reference| !reference.is_null());
    let Some(reference) = reference.filter(|_| !allowed) else {
        return Ok(());
    };
    let problem = match reference.as_str() {
        Some(reference) if reference.starts_with('#') => {
            format!("`{reference}`: OpenAPI 3.0 does not allow a reference here")
        }
        Some(reference) => format!("`{reference}`: {ONLY_LOCAL}"),
        None => "expected a string".to_owned(),
    };
    Err(Error::new(child_path(location, "$ref"), problem))
}

fn check_reference(distilled: &Value, location: &str, reference: &str) -> Result<()> {
    let problem = |problem: &str| Error::new(location, format!("`{reference}`: {problem}"));
    if !reference.starts_with('#') {
        return Err(problem(ONLY_LOCAL));
    }
    let target = document::lookup(distilled, reference)
        .map_err(|_| problem("reference target not found"))?;
    document::resolve(distilled, target)
        .map(|_| ())
        .map_err(|_| problem("reference chain is cyclic or broken"))
}

fn as_map<'a>(location: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| {
        Error::new(
            location,
            format!("expected a map, found {}", describe_kind(value)),
        )
    })
}

fn as_list<'a>(location: &str, value: &'a Value) -> Result<&'a Vec<Value>> {
    value.as_array().ok_or_else(|| {
        Error::new(
            location,
            format!("expected a list, found {}", describe_kind(value)),
        )
    })
}

fn describe_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn scalar(location: &str, value: &Value) -> Result<Value> {
    match value {
        Value::Object(_) | Value::Array(_) => Err(Error::new(
            location,
            format!("expected a scalar, found {}", describe_kind(value)),
        )),
        _ => Ok(value.clone()),
    }
}

fn string(location: &str, value: &Value) -> Result<Value> {
    match value {
        Value::String(_) => Ok(value.clone()),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string().into()),
        _ => Err(Error::new(
            location,
            format!("expected a string, found {}", describe_kind(value)),
        )),
    }
}

fn boolean(location: &str, value: &Value) -> Result<Value> {
    match value.as_str() {
        _ if value.is_boolean() => Ok(value.clone()),
        Some("true") => Ok(Value::Bool(true)),
        Some("false") => Ok(Value::Bool(false)),
        _ => Err(Error::new(
            location,
            format!("expected a boolean, found {}", describe_kind(value)),
        )),
    }
}

fn type_names(location: &str, value: &Value) -> Result<Value> {
    match value {
        Value::Array(names) => names
            .iter()
            .map(|name| string(location, name))
            .collect::<Result<_>>()
            .map(Value::Array),
        _ => string(location, value),
    }
}

/// Sorts the keys of every map in a value.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => sorted_entries(map)
            .map(|(key, value)| (key.clone(), sorted(value)))
            .collect(),
        Value::Array(list) => list.iter().map(sorted).collect(),
        _ => value.clone(),
    }
}

fn sorted_entries(map: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries.into_iter()
}

fn deduplicated(values: &[Value]) -> Value {
    let mut kept: Vec<Value> = Vec::with_capacity(values.len());
    for value in values.iter().map(sorted) {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    Value::Array(kept)
}

/// Distils a set of names; an empty set counts as absent. A boolean, as in old drafts of JSON
/// Schema, means nothing in OpenAPI 3.0.
fn name_set(location: &str, value: &Value) -> Result<Option<Value>> {
    if value.is_boolean() {
        return Ok(None);
    }
    let mut names = as_list(location, value)?
        .iter()
        .enumerate()
        .map(|(index, name)| {
            name.as_str().ok_or_else(|| {
                Error::new(
                    format!("{location}[{index}]"),
                    format!("expected a string, found {}", describe_kind(name)),
                )
            })
        })
        .collect::<Result<Vec<_>>>()?;
    names.sort_unstable();
    names.dedup();
    Ok((!names.is_empty()).then(|| names.into()))
}

/// Keeps the names of the scopes without their descriptions.
fn scopes(location: &str, value: &Value) -> Result<Value> {
    Ok(sorted_entries(as_map(location, value)?)
        .map(|(name, _)| (name.clone(), Value::from("")))
        .collect())
}

/// Returns whether a key is a name, not an extension.
fn is_name(key: &str) -> bool {
    !key.starts_with("x-")
}

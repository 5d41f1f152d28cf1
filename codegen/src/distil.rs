//! Distilling: an OpenAPI 3.0 document is reduced to its facts, in one canonical order.
//!
//! **What stays.** `fields` lists, for each kind of object, the members that state facts; all
//! others are dropped: descriptions, summaries, titles, examples, extensions (`x-…`), external
//! docs, contact, terms, licence, and whatever nobody has thought of yet. The walk knows where it
//! is, so a schema property *named* `description` stays: there the key is a name and no keyword.
//!
//! **Canonical order.** Members come in the order of `fields`. Maps whose keys are names
//! (`paths`, `properties`, `responses`, `content`, the sections of `components` …) and maps inside
//! values (`default`, `enum`) are sorted by key, byte by byte. Lists keep their order, because it may
//! mean something; the exception is a schema's `required`, which is a set and is sorted. A value
//! that an `enum` repeats is written once. A member that is `null` counts as absent, except where
//! `null` is itself a value (`default`, `const`, `enum`).
//!
//! So the result depends on the facts alone: reordering maps or rewording prose upstream changes
//! nothing here, and distilling a distilled document gives the same bytes again.

use serde_json::{Map, Value};

use crate::document::{self, METHODS, member};
use crate::{Error, Result};

/// The comment at the top of the vendored document.
const HEADER: &str = "\
# Facts distilled from Portkey's OpenAPI document (see source.yaml), written by
# `cargo xtask sync-spec`. Not edited by hand: corrections belong in overrides/.
";

/// Reduces an OpenAPI 3.0 document to its facts in canonical order.
///
/// Errors name the JSON path of what is wrong: another version of OpenAPI, no paths, an object of
/// the wrong kind, a reference that leaves the document or points at nothing.
pub fn distil(document: &Value) -> Result<Value> {
    check_head(document)?;
    let mut walk = Walk::default();
    let distilled = walk.object(Kind::Document, "$", document)?;
    for (place, reference) in &walk.references {
        check_reference(&distilled, place, reference)?;
    }
    Ok(distilled)
}

/// The canonical text of a distilled document.
///
/// [`document::parse`] reads the same value back, whatever strings and numbers are in it.
pub fn to_yaml(document: &Value) -> Result<String> {
    let body = serde_norway::to_string(document).map_err(|error| {
        Error::new(
            "$",
            format!("the document cannot be written as YAML: {error}"),
        )
    })?;
    Ok(format!("{HEADER}{body}"))
}

/// The kinds of object that OpenAPI 3.0 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
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

/// What the value of a member looks like.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// One string, number or boolean.
    Scalar,
    /// A schema's `type`: one name, or a list of names, which some 3.0 documents borrow from 3.1.
    Type,
    /// Any JSON value, kept whole.
    Fact,
    /// A list of values, each kept whole.
    Facts,
    /// The values of an `enum`: like `Facts`, but each value once.
    Values,
    /// A set of names, sorted.
    Names,
    /// A `$ref`.
    Reference,
    /// An object.
    Object(Kind),
    /// A schema, or a boolean in its place.
    SchemaOrBoolean,
    /// A list of objects.
    List(Kind),
    /// Objects by name; every key is a name.
    Map(Kind),
    /// Objects by name, beside which extensions (`x-…`) may stand.
    Extensible(Kind),
    /// Path items by path.
    Paths,
    /// Callbacks by name; each is a map from an expression to a path item.
    Callbacks,
    /// A discriminator's `mapping`: value → schema name or reference.
    Mapping,
    /// An OAuth flow's `scopes`: name → prose.
    Scopes,
}

/// The members of `kind` that state facts, in canonical order.
fn fields(kind: Kind) -> &'static [(&'static str, Shape)] {
    match kind {
        Kind::Document => DOCUMENT,
        Kind::Info => &[("version", Shape::Scalar)],
        Kind::Tag => &[("name", Shape::Scalar)],
        Kind::Server => SERVER,
        Kind::ServerVariable => &[("enum", Shape::Values), ("default", Shape::Fact)],
        Kind::PathItem => PATH_ITEM,
        Kind::Operation => OPERATION,
        Kind::Parameter => PARAMETER,
        Kind::RequestBody => REQUEST_BODY,
        Kind::MediaType => MEDIA_TYPE,
        Kind::Encoding => ENCODING,
        Kind::Response => RESPONSE,
        Kind::Header => HEADER_OBJECT,
        Kind::Link => LINK,
        Kind::Schema => SCHEMA,
        Kind::Discriminator => DISCRIMINATOR,
        Kind::Components => COMPONENTS,
        Kind::SecurityScheme => SECURITY_SCHEME,
        Kind::OAuthFlows => OAUTH_FLOWS,
        Kind::OAuthFlow => OAUTH_FLOW,
    }
}

type Fields = &'static [(&'static str, Shape)];

const DOCUMENT: Fields = &[
    ("openapi", Shape::Scalar),
    ("info", Shape::Object(Kind::Info)),
    ("servers", Shape::List(Kind::Server)),
    ("security", Shape::Facts),
    ("tags", Shape::List(Kind::Tag)),
    ("paths", Shape::Paths),
    ("components", Shape::Object(Kind::Components)),
];

const SERVER: Fields = &[
    ("url", Shape::Scalar),
    ("variables", Shape::Map(Kind::ServerVariable)),
];

const PATH_ITEM: Fields = &[
    ("$ref", Shape::Reference),
    ("servers", Shape::List(Kind::Server)),
    ("parameters", Shape::List(Kind::Parameter)),
    (METHODS[0], Shape::Object(Kind::Operation)),
    (METHODS[1], Shape::Object(Kind::Operation)),
    (METHODS[2], Shape::Object(Kind::Operation)),
    (METHODS[3], Shape::Object(Kind::Operation)),
    (METHODS[4], Shape::Object(Kind::Operation)),
    (METHODS[5], Shape::Object(Kind::Operation)),
    (METHODS[6], Shape::Object(Kind::Operation)),
    (METHODS[7], Shape::Object(Kind::Operation)),
];

const OPERATION: Fields = &[
    ("operationId", Shape::Scalar),
    ("deprecated", Shape::Scalar),
    ("tags", Shape::Facts),
    ("servers", Shape::List(Kind::Server)),
    ("security", Shape::Facts),
    ("parameters", Shape::List(Kind::Parameter)),
    ("requestBody", Shape::Object(Kind::RequestBody)),
    ("responses", Shape::Extensible(Kind::Response)),
    ("callbacks", Shape::Callbacks),
];

const PARAMETER: Fields = &[
    ("$ref", Shape::Reference),
    ("name", Shape::Scalar),
    ("in", Shape::Scalar),
    ("required", Shape::Scalar),
    ("deprecated", Shape::Scalar),
    ("allowEmptyValue", Shape::Scalar),
    ("style", Shape::Scalar),
    ("explode", Shape::Scalar),
    ("allowReserved", Shape::Scalar),
    ("schema", Shape::Object(Kind::Schema)),
    ("content", Shape::Map(Kind::MediaType)),
];

const REQUEST_BODY: Fields = &[
    ("$ref", Shape::Reference),
    ("required", Shape::Scalar),
    ("content", Shape::Map(Kind::MediaType)),
];

const MEDIA_TYPE: Fields = &[
    ("schema", Shape::Object(Kind::Schema)),
    ("encoding", Shape::Map(Kind::Encoding)),
];

const ENCODING: Fields = &[
    ("contentType", Shape::Scalar),
    ("headers", Shape::Map(Kind::Header)),
    ("style", Shape::Scalar),
    ("explode", Shape::Scalar),
    ("allowReserved", Shape::Scalar),
];

const RESPONSE: Fields = &[
    ("$ref", Shape::Reference),
    ("headers", Shape::Map(Kind::Header)),
    ("content", Shape::Map(Kind::MediaType)),
    ("links", Shape::Map(Kind::Link)),
];

const HEADER_OBJECT: Fields = &[
    ("$ref", Shape::Reference),
    ("required", Shape::Scalar),
    ("deprecated", Shape::Scalar),
    ("style", Shape::Scalar),
    ("explode", Shape::Scalar),
    ("schema", Shape::Object(Kind::Schema)),
    ("content", Shape::Map(Kind::MediaType)),
];

const LINK: Fields = &[
    ("$ref", Shape::Reference),
    ("operationId", Shape::Scalar),
    ("operationRef", Shape::Scalar),
    ("parameters", Shape::Fact),
    ("requestBody", Shape::Fact),
    ("server", Shape::Object(Kind::Server)),
];

const SCHEMA: Fields = &[
    ("$ref", Shape::Reference),
    ("type", Shape::Type),
    ("format", Shape::Scalar),
    ("nullable", Shape::Scalar),
    ("deprecated", Shape::Scalar),
    ("readOnly", Shape::Scalar),
    ("writeOnly", Shape::Scalar),
    ("enum", Shape::Values),
    ("const", Shape::Fact),
    ("default", Shape::Fact),
    ("multipleOf", Shape::Scalar),
    ("minimum", Shape::Scalar),
    ("exclusiveMinimum", Shape::Scalar),
    ("maximum", Shape::Scalar),
    ("exclusiveMaximum", Shape::Scalar),
    ("minLength", Shape::Scalar),
    ("maxLength", Shape::Scalar),
    ("pattern", Shape::Scalar),
    ("minItems", Shape::Scalar),
    ("maxItems", Shape::Scalar),
    ("uniqueItems", Shape::Scalar),
    ("minProperties", Shape::Scalar),
    ("maxProperties", Shape::Scalar),
    ("required", Shape::Names),
    ("properties", Shape::Map(Kind::Schema)),
    ("additionalProperties", Shape::SchemaOrBoolean),
    ("items", Shape::Object(Kind::Schema)),
    ("allOf", Shape::List(Kind::Schema)),
    ("oneOf", Shape::List(Kind::Schema)),
    ("anyOf", Shape::List(Kind::Schema)),
    ("not", Shape::Object(Kind::Schema)),
    ("discriminator", Shape::Object(Kind::Discriminator)),
];

const DISCRIMINATOR: Fields = &[("propertyName", Shape::Scalar), ("mapping", Shape::Mapping)];

const COMPONENTS: Fields = &[
    ("securitySchemes", Shape::Map(Kind::SecurityScheme)),
    ("parameters", Shape::Map(Kind::Parameter)),
    ("headers", Shape::Map(Kind::Header)),
    ("requestBodies", Shape::Map(Kind::RequestBody)),
    ("responses", Shape::Map(Kind::Response)),
    ("links", Shape::Map(Kind::Link)),
    ("callbacks", Shape::Callbacks),
    ("schemas", Shape::Map(Kind::Schema)),
];

const SECURITY_SCHEME: Fields = &[
    ("$ref", Shape::Reference),
    ("type", Shape::Scalar),
    ("name", Shape::Scalar),
    ("in", Shape::Scalar),
    ("scheme", Shape::Scalar),
    ("bearerFormat", Shape::Scalar),
    ("flows", Shape::Object(Kind::OAuthFlows)),
    ("openIdConnectUrl", Shape::Scalar),
];

const OAUTH_FLOWS: Fields = &[
    ("implicit", Shape::Object(Kind::OAuthFlow)),
    ("password", Shape::Object(Kind::OAuthFlow)),
    ("clientCredentials", Shape::Object(Kind::OAuthFlow)),
    ("authorizationCode", Shape::Object(Kind::OAuthFlow)),
];

const OAUTH_FLOW: Fields = &[
    ("authorizationUrl", Shape::Scalar),
    ("tokenUrl", Shape::Scalar),
    ("refreshUrl", Shape::Scalar),
    ("scopes", Shape::Scopes),
];

/// One pass over a document; gathers the references, to be checked against the result.
#[derive(Default)]
struct Walk {
    /// JSON path of the `$ref`, and what it says.
    references: Vec<(String, String)>,
}

impl Walk {
    fn object(&mut self, kind: Kind, place: &str, value: &Value) -> Result<Value> {
        let map = as_map(place, value)?;
        let mut kept = Map::new();
        for (key, shape) in fields(kind) {
            let Some(value) = map.get(*key) else { continue };
            let place = member(place, key);
            if let Some(value) = self.field(*shape, &place, value)? {
                kept.insert((*key).to_owned(), value);
            }
        }
        Ok(Value::Object(kept))
    }

    /// The value of a member, or nothing where it states no fact.
    fn field(&mut self, shape: Shape, place: &str, value: &Value) -> Result<Option<Value>> {
        let null_is_absent = !matches!(
            shape,
            Shape::Fact | Shape::Paths | Shape::Object(Kind::Operation)
        );
        if value.is_null() && null_is_absent {
            return Ok(None);
        }
        let kept = match shape {
            Shape::Scalar => scalar(place, value)?,
            Shape::Type => type_names(place, value)?,
            Shape::Fact => sorted(value),
            Shape::Facts => Value::Array(as_list(place, value)?.iter().map(sorted).collect()),
            Shape::Values => once_each(as_list(place, value)?),
            Shape::Names => return names(place, value),
            Shape::Reference => self.reference(place, value)?,
            Shape::Object(kind) => self.object(kind, place, value)?,
            Shape::SchemaOrBoolean if value.is_boolean() => value.clone(),
            Shape::SchemaOrBoolean => self.object(Kind::Schema, place, value)?,
            Shape::List(kind) => self.list(kind, place, value)?,
            Shape::Map(kind) => self.map(kind, place, value, |_| true)?,
            Shape::Extensible(kind) => self.map(kind, place, value, is_name)?,
            Shape::Paths => self.paths(place, value)?,
            Shape::Callbacks => self.callbacks(place, value)?,
            Shape::Mapping => self.mapping(place, value)?,
            Shape::Scopes => scopes(place, value)?,
        };
        Ok(Some(kept))
    }

    fn list(&mut self, kind: Kind, place: &str, value: &Value) -> Result<Value> {
        as_list(place, value)?
            .iter()
            .enumerate()
            .map(|(index, value)| self.object(kind, &format!("{place}[{index}]"), value))
            .collect::<Result<_>>()
            .map(Value::Array)
    }

    /// Objects by name. An entry without content (`204:` and nothing behind it) still has a name.
    fn map(
        &mut self,
        kind: Kind,
        place: &str,
        value: &Value,
        is_entry: fn(&str) -> bool,
    ) -> Result<Value> {
        let empty = Value::Object(Map::new());
        sorted_entries(as_map(place, value)?)
            .filter(|(key, _)| is_entry(key))
            .map(|(key, value)| {
                let nothing = value.is_null() && kind != Kind::PathItem;
                let value = if nothing { &empty } else { value };
                let kept = self.object(kind, &member(place, key), value)?;
                Ok((key.clone(), kept))
            })
            .collect::<Result<_>>()
            .map(Value::Object)
    }

    fn paths(&mut self, place: &str, value: &Value) -> Result<Value> {
        for path in as_map(place, value)?.keys() {
            if is_name(path) && !path.starts_with('/') {
                return Err(Error::new(
                    member(place, path),
                    "a path must begin with `/`",
                ));
            }
        }
        self.map(Kind::PathItem, place, value, is_name)
    }

    fn callbacks(&mut self, place: &str, value: &Value) -> Result<Value> {
        sorted_entries(as_map(place, value)?)
            .map(|(name, callback)| {
                let place = member(place, name);
                let kept = match callback.get("$ref") {
                    Some(_) => self.object(Kind::Header, &place, callback)?,
                    None => self.map(Kind::PathItem, &place, callback, is_name)?,
                };
                Ok((name.clone(), kept))
            })
            .collect::<Result<_>>()
            .map(Value::Object)
    }

    fn mapping(&mut self, place: &str, value: &Value) -> Result<Value> {
        sorted_entries(as_map(place, value)?)
            .map(|(key, value)| {
                let place = member(place, key);
                // A value without `#` is the bare name of a schema.
                let local = value.as_str().is_some_and(|text| text.starts_with('#'));
                let kept = if local {
                    self.reference(&place, value)?
                } else {
                    scalar(&place, value)?
                };
                Ok((key.clone(), kept))
            })
            .collect::<Result<_>>()
            .map(Value::Object)
    }

    fn reference(&mut self, place: &str, value: &Value) -> Result<Value> {
        let reference = value
            .as_str()
            .ok_or_else(|| Error::new(place, "a reference must be a string"))?;
        self.references
            .push((place.to_owned(), reference.to_owned()));
        Ok(value.clone())
    }
}

/// Checks what tells an OpenAPI 3.0 document from any other text.
fn check_head(document: &Value) -> Result<()> {
    let map = as_map("$", document)?;
    let version = map.get("openapi").ok_or_else(|| {
        Error::new(
            "$.openapi",
            "missing: this does not look like an OpenAPI document",
        )
    })?;
    let supported = version.as_str().is_some_and(|version| {
        version.strip_prefix("3.0.").is_some_and(|patch| {
            !patch.is_empty() && patch.bytes().all(|digit| digit.is_ascii_digit())
        })
    });
    if !supported {
        return Err(Error::new(
            "$.openapi",
            format!("only OpenAPI 3.0.x is supported, this is {version}"),
        ));
    }
    match map.get("paths") {
        None => Err(Error::new("$.paths", "missing")),
        Some(paths) => as_map("$.paths", paths).map(|_| ()),
    }
}

fn check_reference(distilled: &Value, place: &str, reference: &str) -> Result<()> {
    let problem = |problem: &str| Error::new(place, format!("`{reference}`: {problem}"));
    if !reference.starts_with('#') {
        return Err(problem("only references inside the document are supported"));
    }
    let target = document::target(distilled, reference)
        .map_err(|_| problem("this reference points at nothing"))?;
    document::resolve(distilled, target)
        .map(|_| ())
        .map_err(|_| problem("this chain of references leads nowhere"))
}

fn as_map<'a>(place: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    value
        .as_object()
        .ok_or_else(|| Error::new(place, format!("must be a map, not {}", kind_of(value))))
}

fn as_list<'a>(place: &str, value: &'a Value) -> Result<&'a Vec<Value>> {
    value
        .as_array()
        .ok_or_else(|| Error::new(place, format!("must be a list, not {}", kind_of(value))))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn scalar(place: &str, value: &Value) -> Result<Value> {
    match value {
        Value::Object(_) | Value::Array(_) => Err(Error::new(
            place,
            format!("must be a single value, not {}", kind_of(value)),
        )),
        _ => Ok(value.clone()),
    }
}

fn type_names(place: &str, value: &Value) -> Result<Value> {
    match value {
        Value::Array(names) => names
            .iter()
            .map(|name| scalar(place, name))
            .collect::<Result<_>>()
            .map(Value::Array),
        _ => scalar(place, value),
    }
}

/// The same value with the keys of every map in it sorted.
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

fn once_each(values: &[Value]) -> Value {
    let mut kept: Vec<Value> = Vec::with_capacity(values.len());
    for value in values.iter().map(sorted) {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    Value::Array(kept)
}

/// A set of names, or nothing where it is empty. The boolean of old JSON Schema drafts, which
/// some authors write on a property, means nothing in OpenAPI 3.0.
fn names(place: &str, value: &Value) -> Result<Option<Value>> {
    if value.is_boolean() {
        return Ok(None);
    }
    let mut names = as_list(place, value)?
        .iter()
        .map(|name| match name.as_str() {
            Some(name) => Ok(name),
            None => Err(Error::new(
                place,
                format!("must be a list of names, not {}", kind_of(name)),
            )),
        })
        .collect::<Result<Vec<_>>>()?;
    names.sort_unstable();
    names.dedup();
    Ok((!names.is_empty()).then(|| names.into()))
}

/// The names of scopes; what upstream says about each of them is prose.
fn scopes(place: &str, value: &Value) -> Result<Value> {
    Ok(sorted_entries(as_map(place, value)?)
        .map(|(name, _)| (name.clone(), Value::from("")))
        .collect())
}

/// Whether a key names something, and is no extension.
fn is_name(key: &str) -> bool {
    !key.starts_with("x-")
}

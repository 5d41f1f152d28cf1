//! Checks that the generator can express every lowered operation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{collect_components, direction::Direction};
use crate::{
    Error, Manifest, Result, document,
    error::Problems,
    manifest::{self, Entry},
    reserved_segments::{Part, parameters, parts, segments},
    rust_names,
};

/// Checks every operation of a lowered document, and the types that it uses.
///
/// # Errors
///
/// Fails with every operation that cannot be generated.
pub(super) fn check(
    document: &Value,
    directions: &BTreeMap<String, Direction>,
    manifest: &Manifest,
) -> Result<()> {
    let mut problems = Problems::default();
    let types = type_problems(document, directions);
    let mut builders: BTreeMap<String, &str> = BTreeMap::new();
    for (path, method, operation) in document::operations(document) {
        let Some(entry) = manifest.get(method, path) else {
            continue;
        };
        let key = manifest::key(method, path);
        let mut report = |problem: String| problems.push(Error::new(&key, problem));
        let check = OperationCheck {
            document,
            path,
            operation,
            entry,
        };
        check.id().into_iter().for_each(&mut report);
        let builder = check.builder_name();
        if let Some(other) = builders.insert(builder.clone(), &entry.id) {
            report(format!(
                "the ids `{other}` and `{}` both map to the Rust type `{builder}`",
                entry.id
            ));
        }
        check.path().into_iter().for_each(&mut report);
        check.parameters().into_iter().for_each(&mut report);
        check.names().into_iter().for_each(&mut report);
        let mut used = BTreeSet::new();
        collect_components(document, operation, &mut used);
        let of_types = used.iter().filter_map(|name| types.get(name)).flatten();
        of_types.cloned().for_each(&mut report);
        if directions.contains_key(&builder) || request_builder(&builder, directions) {
            report(format!("the builder `{builder}` has the name of a type"));
        }
    }
    problems.finish(())
}

/// Returns whether a name is that of the builder of a request type.
fn request_builder(name: &str, directions: &BTreeMap<String, Direction>) -> bool {
    name.strip_suffix("Builder")
        .is_some_and(|name| directions.get(name) == Some(&Direction::Request))
}

/// Returns the problems of each type.
fn type_problems(
    document: &Value,
    directions: &BTreeMap<String, Direction>,
) -> BTreeMap<String, Vec<String>> {
    let schemas = document["components"]["schemas"].as_object();
    let mut found = BTreeMap::new();
    for (name, schema) in schemas.into_iter().flatten() {
        let mut problems = Vec::new();
        if request_builder(name, directions) {
            problems.push("is also the name of a request builder".to_owned());
        }
        if let Some(values) = schema["enum"].as_array() {
            problems.extend(enum_problem(values));
        } else if let Some(variants) = schema["x-tagged"]["variants"].as_array() {
            problems.extend(tagged_problems(variants));
        } else if schema.get("x-raw").is_none() && schema["properties"].is_object() {
            let is_request = directions.get(name) == Some(&Direction::Request);
            problems.extend(struct_problems(schema, is_request));
        }
        if !problems.is_empty() {
            let located = problems
                .into_iter()
                .map(|problem| format!("type `{name}`: {problem}"));
            found.insert(name.clone(), located.collect());
        }
    }
    found
}

fn enum_problem(values: &[Value]) -> Option<String> {
    let values = values.iter().filter_map(Value::as_str);
    let mut variants = Names::default();
    let collision = values
        .map(|value| variants.add(value, rust_names::variant(value)))
        .find_map(|collision| collision);
    let both = ["Unknown", "Unrecognised"];
    let is_full = both.iter().all(|name| variants.0.contains_key(*name));
    match (collision, is_full) {
        (Some(collision), _) => Some(format!("the values {collision} variant")),
        (None, true) => Some("has the variants `Unknown` and `Unrecognised`".to_owned()),
        (None, false) => None,
    }
}

fn tagged_problems(variants: &[Value]) -> Vec<String> {
    let mut names = Names::default();
    let mut problems = Vec::new();
    for variant in variants {
        let value = variant["value"].as_str().unwrap_or_default();
        if variant["schema"].get("$ref").is_none() {
            problems.push(format!("the variant `{value}` has no fields"));
        }
        if let Some(collision) = names.add(value, rust_names::tagged_variant(value)) {
            problems.push(format!("the values {collision} variant"));
        }
    }
    problems
}

fn struct_problems(schema: &Value, is_request: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let mut fields = Names::default();
    let mut setters = Names::default();
    for name in rust_names::BUILDER_METHODS {
        setters.add(name, name.to_owned());
    }
    let properties = schema["properties"].as_object();
    for wire in properties.into_iter().flatten().map(|(wire, _)| wire) {
        let ident = rust_names::field(wire);
        if ident == "extra" {
            problems.push(format!("`{wire}`: the field name `extra` is reserved"));
        }
        if is_request && ident == "problem" {
            problems.push(format!("`{wire}`: the field name `problem` is reserved"));
        }
        if let Some(collision) = fields.add(wire, ident.clone()) {
            problems.push(format!("{collision} field"));
            continue;
        }
        let setter = match rust_names::BUILDER_METHODS.contains(&ident.as_str()) {
            true => format!("{ident}_"),
            false => ident.clone(),
        };
        let mut collisions = vec![setters.add(wire, setter)];
        if !is_scalar(&schema["properties"][wire]) {
            let maybe = format!("maybe_{}", ident.trim_end_matches('_'));
            collisions.push(setters.add(wire, maybe));
        }
        if schema["x-clear"].get(wire).is_some() {
            let clear = format!("clear_{}", ident.trim_end_matches('_'));
            collisions.push(setters.add(wire, clear));
        }
        let collisions = collisions.into_iter().flatten().filter(|_| is_request);
        problems.extend(collisions.map(|collision| format!("{collision} setter")));
    }
    let required = schema["required"].as_array().into_iter().flatten();
    let undefined = required
        .filter_map(Value::as_str)
        .filter(|name| properties.is_none_or(|properties| !properties.contains_key(*name)));
    problems.extend(undefined.map(|name| format!("requires `{name}`, which it does not have")));
    problems
}

/// Returns whether the type of a schema is one of the scalars, whose setters take an `Option`.
fn is_scalar(schema: &Value) -> bool {
    let ty = schema["type"].as_str();
    ty.is_some_and(|ty| ["string", "boolean", "integer", "number"].contains(&ty))
}

/// Rust names with the wire name of each.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// Adds a name, or describes the wire names that map to it.
    fn add(&mut self, wire: &str, ident: String) -> Option<String> {
        let other = self.0.insert(ident.clone(), wire.to_owned())?;
        Some(format!(
            "`{other}` and `{wire}` both map to the Rust name `{ident}` of a"
        ))
    }
}

/// A lowered operation.
struct OperationCheck<'a> {
    document: &'a Value,
    path: &'a str,
    operation: &'a Value,
    entry: &'a Entry,
}

impl<'a> OperationCheck<'a> {
    fn builder_name(&self) -> String {
        rust_names::builder(&self.entry.id)
    }

    fn id(&self) -> Option<String> {
        let id = &self.entry.id;
        let is_snake_case = rust_names::is_identifier(id)
            && rust_names::parameter(id) == *id
            && !id.starts_with('_');
        (!is_snake_case).then(|| format!("the id `{id}` is not a Rust name in snake case"))
    }

    /// Checks that the path and the declared parameters agree.
    fn path(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let declared: Vec<&str> = self
            .declared()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let mut names = BTreeSet::new();
        for name in parameters(self.path) {
            if !names.insert(name) {
                problems.push(format!("the path has two parameters `{name}`"));
            }
            if !declared.contains(&name) {
                problems.push(format!("the path parameter `{name}` is not declared"));
            }
        }
        let absent = declared.iter().filter(|name| !names.contains(*name));
        problems.extend(absent.map(|name| format!("the path has no parameter `{name}`")));
        for segment in segments(self.path) {
            let parts = parts(segment);
            let is_parameter = |part: &Part<'_>| matches!(part, Part::Parameter(_));
            if parts.windows(2).any(|pair| pair.iter().all(is_parameter)) {
                problems.push(format!("the parameters of `{segment}` have no separator"));
            }
            let has_brace = |part: &Part<'_>| match part {
                Part::Literal(text) => text.contains(['{', '}']),
                Part::Parameter(name) => name.is_empty() || name.contains('{'),
            };
            if parts.iter().any(has_brace) {
                problems.push(format!("the braces of `{segment}` do not match"));
            }
        }
        problems
    }

    fn parameters(&self) -> Vec<String> {
        self.declared()
            .filter_map(|parameter| {
                let name = parameter["name"].as_str().unwrap_or_default();
                let location = parameter["in"].as_str().unwrap_or_default();
                self.parameter_problem(parameter, name, location)
                    .map(|problem| format!("{location} parameter `{name}`: {problem}"))
            })
            .collect()
    }

    fn parameter_problem(&self, parameter: &Value, name: &str, location: &str) -> Option<String> {
        let style = parameter["style"].as_str();
        let expected_style = match location {
            "query" => "form",
            "path" | "header" => "simple",
            _ => return Some("only path, query and header parameters are supported".to_owned()),
        };
        if name.is_empty() {
            return Some("has no name".to_owned());
        }
        if location == "header" && !name.bytes().all(is_header_byte) {
            return Some("is not a valid header name".to_owned());
        }
        if let Some(style) = style.filter(|style| *style != expected_style) {
            return Some(format!("the style `{style}` is not supported"));
        }
        let kind = self.value_kind(&parameter["schema"]);
        // The setters of a handwritten operation are handwritten, but progenitor sees its types.
        if self.entry.handwritten.is_some() && !matches!(kind, ValueKind::Struct) {
            return None;
        }
        let is_supported = match kind {
            ValueKind::Scalar => true,
            ValueKind::Object => location != "path",
            ValueKind::ScalarList => location == "query",
            ValueKind::Any | ValueKind::Struct | ValueKind::Other(_) => false,
        };
        (!is_supported).then(|| format!("{} is not supported", kind.describe()))
    }

    fn value_kind(&self, schema: &'a Value) -> ValueKind {
        let schema = match schema["allOf"].as_array().map(Vec::as_slice) {
            Some([only]) => only,
            _ => schema,
        };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return match document::lookup(self.document, reference) {
                Ok(target) if target.get("enum").is_some() => ValueKind::Scalar,
                Ok(target) if target.get("oneOf").is_some() => ValueKind::Other("a union"),
                Ok(target) if target.get("x-raw").is_some() => ValueKind::Other("a union"),
                _ => ValueKind::Struct,
            };
        }
        match schema["type"].as_str() {
            Some("string" | "integer" | "number" | "boolean") => ValueKind::Scalar,
            Some("array") if schema["items"]["format"] == "date-time" => {
                ValueKind::Other("a list of timestamps")
            }
            Some("array") => match self.value_kind(&schema["items"]) {
                ValueKind::Scalar | ValueKind::Any => ValueKind::ScalarList,
                _ => ValueKind::Other("a list of lists or objects"),
            },
            Some("object") if schema.get("additionalProperties").is_some() => {
                ValueKind::Other("a map")
            }
            Some("object") => ValueKind::Object,
            _ => ValueKind::Any,
        }
    }

    /// Checks that the setters and the arguments have different names.
    fn names(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut fields = Names::default();
        let mut setters = Names::default();
        if self.operation.get("requestBody").is_some() {
            fields.add("body", "body".to_owned());
        }
        let is_list = self.entry.paging.is_some();
        let has_events = self.operation.get(super::EVENT_KEY).is_some();
        let mut methods = vec!["send", "send_with_response", "body"];
        methods.extend((is_list || has_events).then_some("stream"));
        methods.extend(is_list.then_some("pages"));
        methods.extend(self.entry.reads.is_some().then_some("update_and_get"));
        for name in &methods {
            setters.add(name, (*name).to_owned());
        }
        for parameter in self.declared() {
            let wire = parameter["name"].as_str().unwrap_or_default();
            let ident = rust_names::parameter(wire);
            if let Some(collision) = fields.add(wire, ident.clone()) {
                problems.push(format!("the parameters {collision} parameter"));
                continue;
            }
            if parameter["in"] == "path" {
                continue;
            }
            let short = ident.strip_prefix("x_portkey_").unwrap_or(&ident);
            let setter = match methods.contains(&short) {
                true => format!("{short}_"),
                false => short.to_owned(),
            };
            if !rust_names::is_identifier(&setter) {
                problems.push(format!("`{setter}` is not a valid name of a setter"));
            }
            let collision = setters.add(wire, setter);
            problems.extend(collision.map(|text| format!("the parameters {text} setter")));
        }
        problems
    }

    fn declared(&self) -> impl Iterator<Item = &'a Value> {
        self.operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
    }
}

/// The kind of value of a parameter.
enum ValueKind {
    Scalar,
    ScalarList,
    /// A JSON object without a schema, which is sent as JSON.
    Object,
    Any,
    Struct,
    Other(&'static str),
}

impl ValueKind {
    fn describe(&self) -> &'static str {
        match self {
            Self::Scalar => "a scalar",
            Self::ScalarList => "a list",
            Self::Object => "an object",
            Self::Any => "a value without a type",
            Self::Struct => "an object with fields",
            Self::Other(text) => text,
        }
    }
}

/// Returns whether a byte can be in the name of a header (RFC 9110, `token`).
fn is_header_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

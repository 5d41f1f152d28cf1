//! What a schema of the patched document says, read here anew: the generator must agree.

use portkey_admin_codegen::document;
use serde_json::{Map, Value};

/// What a schema describes.
pub enum Shape {
    /// An object with members, some of them required there.
    Object {
        members: Map<String, Value>,
        required: Vec<String>,
    },
    /// An object of values of one kind.
    Map(Value),
    /// An object of which nothing is known.
    Free,
    List(Value),
    Boolean,
    Integer,
    Number,
    Time,
    Secret,
    Text(Vec<String>),
    /// Variants that are different kinds of JSON value.
    ByKind(Vec<Value>),
    /// ObjectVisitor that a member with one value tells apart: its name, and the value of each.
    ByTag(String, Vec<(String, Value)>),
    /// Variants that nothing tells apart.
    Undecided(Vec<Value>),
    /// Anything.
    Any,
}

/// The schema of an operation's JSON answer.
pub fn of_answer<'a>(document: &'a Value, operation: &'a Value) -> Option<&'a Value> {
    let answers = operation["responses"].as_object().into_iter().flatten();
    answers
        .filter(|(status, _)| status.starts_with('2'))
        .find_map(|(_, answer)| {
            let answer = document::resolve(document, answer).unwrap();
            let content = answer.get("content")?.as_object()?;
            let json = |(kind, _): &(&String, _)| kind.starts_with("application/json");
            content.iter().find(json)?.1.get("schema")
        })
}

/// Whether an answer is an object of which nothing is known.
pub fn says_nothing(document: &Value, schema: &Value) -> bool {
    let schema = document::resolve(document, schema).unwrap();
    matches!(Shape::of(document, schema), Shape::Free)
        && schema.get("additionalProperties").is_none()
}

impl Shape {
    /// Reads a schema.
    pub fn of(document: &Value, schema: &Value) -> Self {
        let schema = flat(document, schema);
        if let Some(variants) = variants(&schema) {
            return Self::of_union(document, &schema, variants);
        }
        match schema["type"].as_str() {
            Some("boolean") => Self::Boolean,
            Some("integer") => Self::Integer,
            Some("number") => Self::Number,
            Some("string") => match schema["format"].as_str() {
                Some("date-time") => Self::Time,
                Some("secret") => Self::Secret,
                _ => Self::Text(texts(&schema["enum"])),
            },
            Some("array") => Self::List(schema["items"].clone()),
            Some("object") => Self::of_object(&schema),
            _ if schema.get("properties").is_some() => Self::of_object(&schema),
            _ if schema.get("items").is_some() => Self::List(schema["items"].clone()),
            _ => Self::Any,
        }
    }

    fn of_object(schema: &Value) -> Self {
        let members = schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        match &schema["additionalProperties"] {
            _ if !members.is_empty() => Self::Object {
                members,
                required: texts(&schema["x-always"]),
            },
            Value::Object(values) if !values.is_empty() => Self::Map(Value::Object(values.clone())),
            _ => Self::Free,
        }
    }

    fn of_union(document: &Value, schema: &Value, variants: Vec<Value>) -> Self {
        let kinds: Vec<_> = variants.iter().map(|one| kind(document, one)).collect();
        if kinds.iter().all(|kind| *kind == Some("string")) {
            return Self::Text(Vec::new());
        }
        let mut distinct = kinds.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() == kinds.len() && kinds.iter().all(Option::is_some) {
            return Self::ByKind(variants);
        }
        match tag(document, schema, &variants) {
            Some((member, values)) => {
                Self::ByTag(member, values.into_iter().zip(variants).collect())
            }
            None => Self::Undecided(variants),
        }
    }
}

/// The member that has one value in each variant, a different one in each.
fn tag(document: &Value, schema: &Value, variants: &[Value]) -> Option<(String, Vec<String>)> {
    let flats: Vec<_> = variants.iter().map(|one| flat(document, one)).collect();
    let declared = schema["discriminator"]["propertyName"].as_str();
    let first = flats[0]["properties"].as_object()?;
    let candidates = declared.into_iter().chain(first.keys().map(String::as_str));
    candidates.into_iter().find_map(|member| {
        let values = flats.iter().map(|variant| {
            let values = texts(&flat(document, &variant["properties"][member])["enum"]);
            <[String; 1]>::try_from(values).ok().map(|[value]| value)
        });
        let values: Vec<String> = values.collect::<Option<_>>()?;
        let mut distinct = values.clone();
        distinct.sort_unstable();
        distinct.dedup();
        (distinct.len() == values.len()).then(|| (member.to_owned(), values))
    })
}

fn kind(document: &Value, schema: &Value) -> Option<&'static str> {
    match Shape::of(document, schema) {
        Shape::Object { .. } | Shape::Map(_) | Shape::Free => Some("object"),
        Shape::List(_) => Some("array"),
        Shape::Boolean => Some("boolean"),
        Shape::Integer | Shape::Number => Some("number"),
        Shape::Time | Shape::Secret | Shape::Text(_) => Some("string"),
        _ => None,
    }
}

/// The variants of a union, `null` left out.
fn variants(schema: &Value) -> Option<Vec<Value>> {
    let variants = schema["oneOf"].as_array().or(schema["anyOf"].as_array())?;
    Some(
        variants
            .iter()
            .filter(|one| one["type"] != "null")
            .cloned()
            .collect(),
    )
}

/// A schema without references, `allOf` and unions of one.
fn flat(document: &Value, schema: &Value) -> Value {
    let schema = document::resolve(document, schema).unwrap();
    if let Some([only]) = variants(schema).as_deref() {
        return flat(document, only);
    }
    let Some(parts) = schema["allOf"].as_array() else {
        return schema.clone();
    };
    let own = schema["properties"].is_object().then_some(schema);
    if let ([only], None) = (parts.as_slice(), own) {
        return flat(document, only);
    }
    let (mut members, mut required) = (Map::new(), Vec::new());
    let without_parts = own.map(|own| {
        let mut own = own.clone();
        own.as_object_mut().unwrap().remove("allOf");
        own
    });
    for part in parts.iter().chain(&without_parts) {
        let part = flat(document, part);
        members.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["x-always"].as_array().cloned().unwrap_or_default());
    }
    required.extend(schema["x-always"].as_array().cloned().unwrap_or_default());
    serde_json::json!({"type": "object", "properties": members, "x-always": required})
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| Some(item.as_str()?.to_owned()))
        .collect()
}

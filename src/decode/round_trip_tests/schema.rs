//! The shape of a schema in the patched OpenAPI document, determined independently of the
//! generator.

use portkey_admin_codegen::document;
use serde_json::{Map, Value};

/// The shape that a schema describes.
pub enum Shape {
    /// An object with fields, some of which are required.
    Object {
        fields: Map<String, Value>,
        required: Vec<String>,
    },
    /// An object whose values have the same schema.
    Map(Value),
    /// An object without a schema for its fields.
    FreeForm,
    List(Value),
    Boolean,
    Integer,
    UInt32,
    Number,
    Timestamp,
    Secret,
    /// A string, with the values of an enum and their aliases: each with the value it stands for.
    String(Vec<(String, String)>),
    /// Variants with different JSON types.
    ByType(Vec<Value>),
    /// Objects that are distinguished by a tag field: its name, and its value for each variant.
    Tagged(String, Vec<(String, Value)>),
    /// Variants that cannot be distinguished.
    Untagged(Vec<Value>),
    /// Any JSON value.
    Any,
}

/// Returns the schema of an operation's JSON response.
pub fn of_response<'a>(document: &'a Value, operation: &'a Value) -> Option<&'a Value> {
    let responses = operation["responses"].as_object().into_iter().flatten();
    responses
        .filter(|(status, _)| status.starts_with('2'))
        .find_map(|(_, response)| {
            let response = document::resolve(document, response).unwrap();
            let content = response.get("content")?.as_object()?;
            let json =
                |(content_type, _): &(&String, _)| content_type.starts_with("application/json");
            content.iter().find(json)?.1.get("schema")
        })
}

/// Whether a response is an object without a schema for its fields.
pub fn is_free_form(document: &Value, schema: &Value) -> bool {
    let schema = document::resolve(document, schema).unwrap();
    matches!(Shape::of(document, schema), Shape::FreeForm)
        && schema.get("additionalProperties").is_none()
}

impl Shape {
    /// Determines the shape of a schema.
    pub fn of(document: &Value, schema: &Value) -> Self {
        let schema = flatten(document, schema);
        if let Some(variants) = variants(&schema) {
            return Self::of_union(document, &schema, variants);
        }
        match schema["type"].as_str() {
            Some("boolean") => Self::Boolean,
            Some("integer") if schema["format"] == "flag" => Self::Boolean,
            Some("integer") if schema["format"] == "uint32" => Self::UInt32,
            Some("integer") => Self::Integer,
            Some("number") => Self::Number,
            Some("string") => match schema["format"].as_str() {
                Some("date-time") => Self::Timestamp,
                Some("secret") => Self::Secret,
                _ => Self::String(values_and_aliases(&schema)),
            },
            Some("array") => Self::List(schema["items"].clone()),
            Some("object") => Self::of_object(&schema),
            _ if schema.get("properties").is_some() => Self::of_object(&schema),
            _ if schema.get("items").is_some() => Self::List(schema["items"].clone()),
            _ => Self::Any,
        }
    }

    fn of_object(schema: &Value) -> Self {
        let fields = schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        match &schema["additionalProperties"] {
            _ if !fields.is_empty() => Self::Object {
                fields,
                required: strings(&schema["x-always"]),
            },
            Value::Object(values) if !values.is_empty() => Self::Map(Value::Object(values.clone())),
            _ => Self::FreeForm,
        }
    }

    fn of_union(document: &Value, schema: &Value, variants: Vec<Value>) -> Self {
        let types: Vec<_> = variants
            .iter()
            .map(|variant| json_type(document, variant))
            .collect();
        if types.iter().all(|kind| *kind == Some("string")) {
            return Self::String(Vec::new());
        }
        let mut distinct = types.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() == types.len() && types.iter().all(Option::is_some) {
            return Self::ByType(variants);
        }
        match tag(document, schema, &variants) {
            Some((tag, values)) => Self::Tagged(tag, values.into_iter().zip(variants).collect()),
            None => Self::Untagged(variants),
        }
    }
}

/// Returns the field that has a single, different value in each variant, and these values.
fn tag(document: &Value, schema: &Value, variants: &[Value]) -> Option<(String, Vec<String>)> {
    let flattened: Vec<_> = variants
        .iter()
        .map(|variant| flatten(document, variant))
        .collect();
    let declared = schema["discriminator"]["propertyName"].as_str();
    let first = flattened[0]["properties"].as_object()?;
    let candidates = declared.into_iter().chain(first.keys().map(String::as_str));
    candidates.into_iter().find_map(|tag| {
        let values = flattened.iter().map(|variant| {
            let values = strings(&flatten(document, &variant["properties"][tag])["enum"]);
            <[String; 1]>::try_from(values).ok().map(|[value]| value)
        });
        let values: Vec<String> = values.collect::<Option<_>>()?;
        let mut distinct = values.clone();
        distinct.sort_unstable();
        distinct.dedup();
        (distinct.len() == values.len()).then(|| (tag.to_owned(), values))
    })
}

fn json_type(document: &Value, schema: &Value) -> Option<&'static str> {
    match Shape::of(document, schema) {
        Shape::Object { .. } | Shape::Map(_) | Shape::FreeForm => Some("object"),
        Shape::List(_) => Some("array"),
        Shape::Boolean => Some("boolean"),
        Shape::Integer | Shape::UInt32 | Shape::Number => Some("number"),
        Shape::Timestamp | Shape::Secret | Shape::String(_) => Some("string"),
        _ => None,
    }
}

/// Returns the variants of a union without `null`.
fn variants(schema: &Value) -> Option<Vec<Value>> {
    let variants = schema["oneOf"].as_array().or(schema["anyOf"].as_array())?;
    Some(
        variants
            .iter()
            .filter(|variant| variant["type"] != "null")
            .cloned()
            .collect(),
    )
}

/// Resolves references, `allOf` and unions of a single variant.
fn flatten(document: &Value, schema: &Value) -> Value {
    let schema = document::resolve(document, schema).unwrap();
    if let Some([only]) = variants(schema).as_deref() {
        return flatten(document, only);
    }
    let Some(parts) = schema["allOf"].as_array() else {
        return schema.clone();
    };
    let own = schema["properties"].is_object().then_some(schema);
    if let ([only], None) = (parts.as_slice(), own) {
        return flatten(document, only);
    }
    let (mut fields, mut required) = (Map::new(), Vec::new());
    let without_parts = own.map(|own| {
        let mut own = own.clone();
        own.as_object_mut().unwrap().remove("allOf");
        own
    });
    for part in parts.iter().chain(&without_parts) {
        let part = flatten(document, part);
        fields.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["x-always"].as_array().cloned().unwrap_or_default());
    }
    required.extend(schema["x-always"].as_array().cloned().unwrap_or_default());
    serde_json::json!({"type": "object", "properties": fields, "x-always": required})
}

/// Returns the values of an enum and its aliases, each with the value that it is read as.
fn values_and_aliases(schema: &Value) -> Vec<(String, String)> {
    let values = strings(&schema["enum"]).into_iter();
    let aliases = schema["x-aliases"].as_object().into_iter().flatten();
    let aliases =
        aliases.filter_map(|(alias, value)| Some((alias.clone(), value.as_str()?.into())));
    values
        .map(|value| (value.clone(), value))
        .chain(aliases)
        .collect()
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| Some(item.as_str()?.to_owned()))
        .collect()
}

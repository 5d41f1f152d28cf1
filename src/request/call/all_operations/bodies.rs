//! Request bodies that are generated from the schemas of the OpenAPI document.

use std::collections::BTreeMap;

use portkey_admin_codegen::{Patched, document};
use portkey_admin_constraints::{Constraint, Part, check, samples::samples};
use serde_json::{Map, Value, json};

use crate::operation::Operation;

/// The string for every field without a format.
const STRING: &str = "one";

/// The depth below which a body contains no items and no optional values.
const MAX_DEPTH: usize = 16;

/// The schema of the JSON body of each operation, by id.
pub struct Bodies<'a> {
    document: &'a Value,
    schemas: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Bodies<'a> {
    pub fn new(patched: &'a Patched) -> Self {
        let schemas =
            document::operations(&patched.document).filter_map(|(path, method, found)| {
                let entry = patched.manifest.get(method, path)?;
                let body = document::resolve(&patched.document, &found["requestBody"]).ok()?;
                let schema = body.pointer("/content/application~1json/schema")?;
                Some((entry.id.as_str(), schema))
            });
        Self {
            document: &patched.document,
            schemas: schemas.collect(),
        }
    }

    /// Returns a body with the required fields of an operation that passes its validation.
    pub fn valid(&self, operation: &Operation, arguments: &[String]) -> Value {
        let Some(schema) = self.schemas.get(operation.id) else {
            return json!({});
        };
        let is_valid = |body: &Value| {
            let mut validate = operation.validate.iter();
            validate.all(|validate| validate(arguments, body).is_ok())
        };
        let mut body = self.value(schema, 0);
        satisfy(operation.constraints, &mut body, operation.id);
        if !is_valid(&body) {
            // What no constraint can express may require optional fields.
            merge(&mut body, self.strings(schema));
            satisfy(operation.constraints, &mut body, operation.id);
        }
        assert!(is_valid(&body), "{}: {body}", operation.id);
        body
    }

    /// Returns a value that the schema accepts.
    fn value(&self, schema: &Value, depth: usize) -> Value {
        let schema = document::resolve(self.document, schema).unwrap();
        if let Some(value) = schema["enum"].as_array().and_then(|values| values.first()) {
            return value.clone();
        }
        let variants = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        if let Some(variant) = variants.and_then(|variants| variants.first())
            && schema.get("properties").is_none()
        {
            return self.value(variant, depth);
        }
        match schema["type"].as_str() {
            Some("string") => json!(string(schema)),
            Some("integer" | "number") => {
                let minimum = schema["minimum"].as_f64().unwrap_or(1.0);
                json!(minimum.max(1.0) as i64)
            }
            Some("boolean") => json!(false),
            Some("array") if depth > MAX_DEPTH => json!([]),
            Some("array") => {
                let count = schema["minItems"].as_u64().unwrap_or(1).max(1);
                let items = (0..count).map(|_| self.value(&schema["items"], depth + 1));
                Value::Array(items.collect())
            }
            _ => self.object(schema, depth),
        }
    }

    /// Returns an object with the required fields, also of each part of `allOf`.
    fn object(&self, schema: &Value, depth: usize) -> Value {
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let mut object = json!({});
        for part in parts {
            match self.value(part, depth + 1) {
                fields @ Value::Object(_) => merge(&mut object, fields),
                other => return other,
            }
        }
        let required = schema["required"].as_array().into_iter().flatten();
        let fields: Map<String, Value> = required
            .filter_map(Value::as_str)
            .map(|name| {
                let value = self.value(&schema["properties"][name], depth + 1);
                (name.to_owned(), value)
            })
            .collect();
        merge(&mut object, Value::Object(fields));
        object
    }

    /// Returns an object with the fields that are plain strings.
    fn strings(&self, schema: &Value) -> Value {
        let schema = document::resolve(self.document, schema).unwrap();
        let fields = schema["properties"].as_object().into_iter().flatten();
        let strings = fields.filter_map(|(name, field)| {
            let field = document::resolve(self.document, field).unwrap();
            let is_plain = field["type"] == "string" && field.get("enum").is_none();
            is_plain.then(|| (name.clone(), json!(string(field))))
        });
        Value::Object(strings.collect())
    }
}

fn string(schema: &Value) -> String {
    let text = match schema["format"].as_str() {
        Some("date-time") => return "2026-01-02T03:04:05Z".to_owned(),
        Some("uri") => return "https://example.com".to_owned(),
        _ => STRING,
    };
    let minimum = schema["minLength"].as_u64().unwrap_or_default();
    text.chars()
        .chain(std::iter::repeat('x'))
        .take(text.len().max(minimum as usize))
        .collect()
}

/// Adds what the constraints of the body require.
fn satisfy(constraints: &[Constraint], body: &mut Value, id: &str) {
    let of_body: Vec<&Constraint> = constraints
        .iter()
        .filter(|constraint| constraint.part == Part::Body)
        .collect();
    let is_violated = |constraint: &Constraint, body: &Value| {
        let request = json!({"path": {}, "query": {}, "body": body});
        check(std::slice::from_ref(constraint), &request).is_err()
    };
    for _ in 0..10 {
        let violated = of_body
            .iter()
            .find(|constraint| is_violated(constraint, body));
        let Some(constraint) = violated else {
            return;
        };
        let accepted = samples(constraint).accepted.remove(0);
        merge(body, accepted["body"].clone());
    }
    panic!("{id}: no body satisfies the constraints: {body}");
}

/// Merges objects and, item by item, arrays; other values are replaced.
fn merge(value: &mut Value, with: Value) {
    match (value, with) {
        (Value::Object(fields), Value::Object(with)) => {
            for (name, with) in with {
                merge(fields.entry(name).or_insert(Value::Null), with);
            }
        }
        (Value::Array(items), Value::Array(with)) if with.len() <= items.len() => {
            for (item, with) in items.iter_mut().zip(with) {
                merge(item, with);
            }
        }
        (value, with) => *value = with,
    }
}

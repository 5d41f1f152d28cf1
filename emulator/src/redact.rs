//! Redaction of request bodies for the audit log.
//!
//! A value is shown if the OpenAPI document declares a property with its name at its location,
//! unless the document or the name marks it as a secret. Of everything else only the name is shown:
//! provider settings, headers, metadata, and undeclared fields.

use portkey_admin_codegen::document;
use serde_json::{Map, Value, json};

use crate::state::masking;

/// The maximum length; longer bodies are truncated.
const MAX_LENGTH: usize = 4096;

/// Returns the redacted body as a JSON string; empty if there is no body. `schema` is the body's
/// schema in the OpenAPI document.
pub(crate) fn redacted_body(document: &Value, schema: &Value, body: &Value) -> String {
    let schemas = expand(document, [schema]);
    if body.is_null() {
        return String::new();
    }
    let mut redacted = Redactor { document }.redact(&schemas, body).to_string();
    let end = (0..=MAX_LENGTH.min(redacted.len())).rfind(|end| redacted.is_char_boundary(*end));
    redacted.truncate(end.unwrap_or(0));
    redacted
}

struct Redactor<'a> {
    document: &'a Value,
}

impl<'a> Redactor<'a> {
    /// Redacts a value that matches one of these schemas. Without constraints, the whole value is
    /// redacted, since it may contain anything.
    fn redact(&self, schemas: &[&'a Value], value: &Value) -> Value {
        let is_secret = |schema: &&Value| schema["format"] == "secret";
        let is_unconstrained = |schema: &&Value| schema.as_object().is_none_or(Map::is_empty);
        if value.is_null() {
            return Value::Null;
        }
        if schemas.iter().all(is_unconstrained) || schemas.iter().any(is_secret) {
            return json!("[redacted]");
        }
        match value {
            Value::Object(fields) => Value::Object(self.redact_object(schemas, fields)),
            Value::Array(items) => {
                let schemas = expand(self.document, subschemas(schemas, "items"));
                let items = items.iter().map(|item| self.redact(&schemas, item));
                items.collect()
            }
            scalar => scalar.clone(),
        }
    }

    fn redact_object(
        &self,
        schemas: &[&'a Value],
        fields: &Map<String, Value>,
    ) -> Map<String, Value> {
        let declared = subschemas(schemas, "properties");
        let redacted = |(name, value): (&String, &Value)| {
            let property_schemas = declared
                .iter()
                .filter_map(|properties| properties.get(name));
            let property_schemas: Vec<&Value> = property_schemas
                .filter(|_| !masking::is_secret_name(name))
                .collect();
            (
                name.clone(),
                self.redact(&expand(self.document, property_schemas), value),
            )
        };
        fields.iter().map(redacted).collect()
    }
}

/// Returns the values of this keyword in the schemas.
fn subschemas<'a>(schemas: &[&'a Value], keyword: &str) -> Vec<&'a Value> {
    let found = schemas.iter().filter_map(|schema| schema.get(keyword));
    found.collect()
}

/// Resolves the schemas and adds all schemas that they are composed of.
fn expand<'a>(document: &'a Value, schemas: impl IntoIterator<Item = &'a Value>) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = Vec::new();
    let mut waiting: Vec<&Value> = schemas.into_iter().collect();
    while let Some(schema) = waiting.pop() {
        let resolved = document::resolve(document, schema).unwrap_or(&Value::Null);
        // A schema may be composed of itself.
        if found.iter().any(|known| std::ptr::eq(*known, resolved)) {
            continue;
        }
        found.push(resolved);
        for keyword in ["allOf", "anyOf", "oneOf"] {
            waiting.extend(resolved[keyword].as_array().into_iter().flatten());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MAX_LENGTH, redacted_body};

    fn check(schema: Value, body: Value) -> Value {
        let document = json!({"components": {"schemas": {
            "Pair": {"type": "object", "properties": {
                "left": {"$ref": "#/components/schemas/Pair"}, "name": {"type": "string"},
            }},
        }}});
        serde_json::from_str(&redacted_body(&document, &schema, &body)).unwrap()
    }

    #[test]
    fn only_declared_fields_are_shown() {
        let schema = json!({"allOf": [{"$ref": "#/components/schemas/Pair"}, {"properties": {
            "free": {"type": "object", "additionalProperties": true},
            "list": {"type": "array", "items": {"type": "integer"}},
            "key": {"type": "string", "format": "secret"},
            "access_token": {"type": "string"},
        }}]});
        let body = json!({
            "name": "a", "left": {"name": "b", "right": "canary", "left": {"name": "c"}},
            "free": {"x": {"y": "canary"}}, "list": [1, 2], "key": "canary", "access_token": "canary",
            "extra": ["canary"], "nothing": null,
        });
        let hidden = "[redacted]";
        assert_eq!(
            check(schema, body),
            json!({
                "name": "a", "left": {"name": "b", "right": hidden, "left": {"name": "c"}},
                "free": {"x": hidden}, "list": [1, 2], "key": hidden, "access_token": hidden,
                "extra": hidden, "nothing": null,
            })
        );
    }

    #[test]
    fn a_body_without_a_schema_is_redacted() {
        assert_eq!(check(json!({}), json!("canary")), "[redacted]");
        assert_eq!(check(json!({}), json!({"x": 1})), "[redacted]");
    }

    #[test]
    fn a_body_is_truncated_at_a_char_boundary() {
        let schema = json!({"type": "string"});
        assert_eq!(redacted_body(&json!({}), &schema, &json!(null)), "");
        let long = redacted_body(&json!({}), &schema, &json!("é".repeat(MAX_LENGTH)));
        assert!(
            long.len() <= MAX_LENGTH && long.len() > MAX_LENGTH - 4,
            "{}",
            long.len()
        );
    }
}

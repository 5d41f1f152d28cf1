//! What the audit log may show of a body: what the document declares, and no secrets.
//!
//! A value is shown where the document declares a member of its name at its place, unless the
//! document or the name says that it is a secret. Everything else shows by its name only: settings of
//! providers, headers, metadata, and whatever a client adds of its own accord.

use portkey_admin_codegen::document;
use serde_json::{Map, Value, json};

use crate::rooms::masks;

/// Longer texts are cut.
const LONGEST: usize = 4096;

/// The text of a body for the audit log; empty where there is no body. `schema` is what the document
/// says of it.
pub(crate) fn shown(document: &Value, schema: &Value, body: &Value) -> String {
    let schemas = expand(document, [schema]);
    if body.is_null() {
        return String::new();
    }
    let mut text = Shown { document }.value(&schemas, body).to_string();
    let end = (0..=LONGEST.min(text.len())).rfind(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}

struct Shown<'a> {
    document: &'a Value,
}

impl<'a> Shown<'a> {
    /// A value of which one of these schemas is true. Where they say nothing, nobody knows what it
    /// holds.
    fn value(&self, schemas: &[&'a Value], value: &Value) -> Value {
        let is_secret = |schema: &&Value| schema["format"] == "secret";
        let says_nothing = |schema: &&Value| schema.as_object().is_none_or(Map::is_empty);
        if value.is_null() {
            return Value::Null;
        }
        if schemas.iter().all(says_nothing) || schemas.iter().any(is_secret) {
            return json!("[redacted]");
        }
        match value {
            Value::Object(members) => Value::Object(self.members(schemas, members)),
            Value::Array(items) => {
                let schemas = expand(self.document, all(schemas, "items"));
                let items = items.iter().map(|item| self.value(&schemas, item));
                items.collect()
            }
            scalar => scalar.clone(),
        }
    }

    fn members(&self, schemas: &[&'a Value], members: &Map<String, Value>) -> Map<String, Value> {
        let declared = all(schemas, "properties");
        let shown = |(name, value): (&String, &Value)| {
            let own = declared
                .iter()
                .filter_map(|properties| properties.get(name));
            let own: Vec<&Value> = own.filter(|_| !masks::is_secret(name)).collect();
            (name.clone(), self.value(&expand(self.document, own), value))
        };
        members.iter().map(shown).collect()
    }
}

/// What each of these schemas has under this keyword.
fn all<'a>(schemas: &[&'a Value], keyword: &str) -> Vec<&'a Value> {
    let found = schemas.iter().filter_map(|schema| schema.get(keyword));
    found.collect()
}

/// These schemas, what they refer to, and what they are combined of.
fn expand<'a>(document: &'a Value, schemas: impl IntoIterator<Item = &'a Value>) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = Vec::new();
    let mut waiting: Vec<&Value> = schemas.into_iter().collect();
    while let Some(schema) = waiting.pop() {
        let resolved = document::resolve(document, schema).unwrap_or(&Value::Null);
        // A schema may combine itself.
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

    use super::{LONGEST, shown};

    fn check(schema: Value, body: Value) -> Value {
        let document = json!({"components": {"schemas": {
            "Pair": {"type": "object", "properties": {
                "left": {"$ref": "#/components/schemas/Pair"}, "name": {"type": "string"},
            }},
        }}});
        serde_json::from_str(&shown(&document, &schema, &body)).unwrap()
    }

    #[test]
    fn only_what_is_declared_is_shown() {
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
    fn a_body_that_nothing_is_said_of_is_not_shown() {
        assert_eq!(check(json!({}), json!("canary")), "[redacted]");
        assert_eq!(check(json!({}), json!({"x": 1})), "[redacted]");
    }

    #[test]
    fn a_body_is_cut_between_characters() {
        let schema = json!({"type": "string"});
        assert_eq!(shown(&json!({}), &schema, &json!(null)), "");
        let long = shown(&json!({}), &schema, &json!("é".repeat(LONGEST)));
        assert!(
            long.len() <= LONGEST && long.len() > LONGEST - 4,
            "{}",
            long.len()
        );
    }
}

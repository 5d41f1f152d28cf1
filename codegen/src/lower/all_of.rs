//! Merges the parts of `allOf`.

use serde_json::{Map, Value, json};

use super::json_kind::json_kind;
use crate::{Error, Result};

/// The parts of an `allOf`.
#[derive(Default)]
pub(super) struct AllOf {
    /// The fields of all parts that are not unions.
    merged: Map<String, Value>,
    /// The JSON kind of the parts that have one.
    kind: Option<&'static str>,
    /// The kind of another part, if it differs.
    other_kind: Option<&'static str>,
    /// The parts that are unions.
    unions: Vec<Value>,
    /// The parts that constrain the value, unresolved, and whether `null` is allowed.
    constraints: Vec<(Value, bool)>,
}

impl AllOf {
    /// Adds a part: as written, and resolved.
    pub(super) fn add(&mut self, part: &Value, resolved: &Value, nullable: bool) {
        let is_union = ["oneOf", "anyOf"]
            .iter()
            .any(|key| resolved.get(*key).is_some());
        let kind = json_kind(resolved).filter(|_| !is_union);
        let has_values = resolved.get("enum").is_some();
        if is_union || kind.is_some() || has_values {
            self.constraints.push((part.clone(), nullable));
        }
        if is_union {
            self.unions.push(resolved.clone());
            return;
        }
        match (self.kind, kind) {
            (Some(known), Some(kind)) if known != kind => self.other_kind = Some(kind),
            (None, Some(kind)) => self.kind = Some(kind),
            _ => {}
        }
        self.merge(resolved);
    }

    fn merge(&mut self, part: &Value) {
        for (key, value) in part.as_object().into_iter().flatten() {
            match (self.merged.get_mut(key), value) {
                (Some(Value::Object(own)), Value::Object(more)) if key == "properties" => {
                    own.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                (Some(Value::Array(own)), Value::Array(more))
                    if key == "required" || key == "x-always" =>
                {
                    let new: Vec<Value> = more
                        .iter()
                        .filter(|item| !own.contains(item))
                        .cloned()
                        .collect();
                    own.extend(new);
                }
                (Some(Value::Array(own)), Value::Array(more)) if key == "enum" => {
                    own.retain(|value| more.contains(value));
                }
                // Every integer is a number.
                (Some(own), value) if key == "type" && value == "number" && own == "integer" => {}
                (_, value) if key != "nullable" => {
                    self.merged.insert(key.clone(), value.clone());
                }
                _ => {}
            }
        }
    }

    /// Returns the merged schema, and whether `null` is allowed. `schema` has the `allOf`.
    pub(super) fn finish(self, schema: &Value) -> Result<(Value, bool)> {
        if let (Some(kind), Some(other)) = (self.kind, self.other_kind) {
            let problem = format!("cannot be {} and {} at the same time", a(kind), a(other));
            return Err(Error::new("allOf", problem));
        }
        let is_object = match self.kind {
            Some(kind) => kind == "object",
            // Unions have no single kind; unions of objects only have no Rust equivalent here.
            None => {
                self.unions.iter().all(is_union_of_objects) && !self.merged.contains_key("enum")
            }
        };
        let mut merged = match (is_object, self.constraints.as_slice()) {
            (true, _) => {
                let mut merged = self.merged;
                merged.insert("type".into(), json!("object"));
                if !self.unions.is_empty() {
                    // A union inside `allOf` has no Rust equivalent: allow additional fields.
                    merged.insert("additionalProperties".into(), json!(true));
                }
                merged
            }
            // The other parts have only words.
            (false, [(only, nullable)]) => {
                let mut only = only.clone();
                if only.get("$ref").is_none() {
                    for key in ["description", "x-clear", "x-name"] {
                        if let Some(value) = schema.get(key) {
                            only[key] = value.clone();
                        }
                    }
                }
                return Ok((only, *nullable));
            }
            // Several unions allow any value that fits both.
            (false, _) if self.kind.is_none() && !self.unions.is_empty() => Map::new(),
            (false, _) => self.merged,
        };
        match schema.get("x-name") {
            Some(name) => merged.insert("x-name".into(), name.clone()),
            None => merged.remove("x-name"),
        };
        let nullable = !is_object
            && !self.constraints.is_empty()
            && self.constraints.iter().all(|(_, nullable)| *nullable);
        Ok((Value::Object(merged), nullable))
    }
}

fn is_union_of_objects(union: &Value) -> bool {
    ["oneOf", "anyOf"]
        .iter()
        .filter_map(|key| union[*key].as_array())
        .flatten()
        .all(|variant| {
            variant.get("$ref").is_some() || matches!(json_kind(variant), Some("object") | None)
        })
}

/// Returns a JSON kind with its article.
fn a(kind: &str) -> String {
    match kind {
        "array" | "object" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

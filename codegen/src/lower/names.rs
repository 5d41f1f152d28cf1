//! The names of types: given by a person (`x-name`), by contract, or derived from a position.

use heck::ToUpperCamelCase;
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::DerivedName;
use crate::{Error, Result};

/// Every named schema met so far.
#[derive(Debug, Default)]
pub struct TypeNames {
    schemas: IndexMap<String, NamedSchema>,
    derived: Vec<DerivedName>,
}

#[derive(Debug)]
struct NamedSchema {
    /// `None` while the schema is being flattened (it refers to itself).
    schema: Option<Value>,
    location: String,
}

/// Where a name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A component of the document, an `x-name`, or the contract over bodies and lists.
    Explicit,
    /// The position of the schema.
    Derived,
}

impl TypeNames {
    /// The Rust name for `text`.
    pub fn rust_name(text: &str) -> String {
        text.to_upper_camel_case()
    }

    /// Whether the name is taken, finished or not.
    pub fn contains(&self, name: &str) -> bool {
        self.schemas.contains_key(name)
    }

    /// Reserves a name before its schema is flattened, so that recursion ends.
    pub fn reserve(&mut self, name: &str, location: &str) {
        self.schemas.insert(
            name.to_owned(),
            NamedSchema {
                schema: None,
                location: location.to_owned(),
            },
        );
    }

    /// Gives a reserved name its schema.
    pub fn define(&mut self, name: &str, schema: Value) {
        if let Some(named) = self.schemas.get_mut(name) {
            named.schema = Some(schema);
        }
    }

    /// Files a flattened inline schema and returns the name under which it stands.
    ///
    /// The same given name may be used for several schemas of one structure; a derived name that
    /// is taken by another structure gets a number.
    pub fn register(
        &mut self,
        name: &str,
        schema: Value,
        location: &str,
        origin: Origin,
    ) -> Result<String> {
        let mut candidate = name.to_owned();
        let mut number = 1;
        loop {
            match self.schemas.get_mut(&candidate) {
                None => break,
                Some(named) if named.has_same_structure(&schema) => {
                    named.merge_clears(&schema);
                    return Ok(candidate);
                }
                Some(named) if origin == Origin::Explicit => {
                    return Err(Error::new(
                        location,
                        format!(
                            "`{name}` also names a different schema, at {}",
                            named.location
                        ),
                    ));
                }
                Some(_) => {
                    number += 1;
                    candidate = format!("{name}{number}");
                }
            }
        }
        if origin == Origin::Derived {
            self.derived.push(DerivedName {
                name: candidate.clone(),
                location: location.to_owned(),
            });
        }
        self.reserve(&candidate, location);
        self.define(&candidate, schema);
        Ok(candidate)
    }

    /// The components, and the names that were derived.
    pub fn finish(self) -> (Map<String, Value>, Vec<DerivedName>) {
        let schemas = self
            .schemas
            .into_iter()
            .filter_map(|(name, named)| Some((name, named.schema?)))
            .collect();
        (schemas, self.derived)
    }
}

impl NamedSchema {
    /// Whether the schema is the same but for prose and for what an update may clear.
    fn has_same_structure(&self, other: &Value) -> bool {
        self.schema
            .as_ref()
            .is_some_and(|existing| structure(existing) == structure(other))
    }

    /// What can be cleared in one place can be said in the one type of all places.
    fn merge_clears(&mut self, other: &Value) {
        if let (Some(existing), Some(clears)) = (
            &mut self.schema,
            other.get("x-clear").and_then(Value::as_object),
        ) {
            for (field, clear) in clears {
                existing["x-clear"][field] = clear.clone();
            }
        }
    }
}

/// What the schema says without prose; a reference that was wrapped for its prose counts as bare.
fn structure(value: &Value) -> Value {
    match value {
        Value::Object(map) if is_described_reference(map) => structure(&value["allOf"][0]),
        Value::Object(map) => map
            .iter()
            .filter(|(key, value)| {
                *key != "x-clear" && (*key != "description" || !value.is_string())
            })
            .map(|(key, value)| (key.clone(), structure(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(structure).collect(),
        other => other.clone(),
    }
}

fn is_described_reference(map: &Map<String, Value>) -> bool {
    map.keys().all(|key| key == "allOf" || key == "description")
        && map
            .get("allOf")
            .and_then(Value::as_array)
            .is_some_and(|parts| parts.len() == 1)
}

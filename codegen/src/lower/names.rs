//! The names of types: explicit (`x-name`, component names), fixed for bodies, or derived.

use heck::ToUpperCamelCase;
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::DerivedName;
use crate::{Error, Result};

/// All named schemas.
#[derive(Debug, Default)]
pub struct TypeNames {
    schemas: IndexMap<String, NamedSchema>,
    derived: Vec<DerivedName>,
}

#[derive(Debug)]
struct NamedSchema {
    /// `None` while the schema is being flattened, which may reference itself.
    schema: Option<Value>,
    location: String,
}

/// The origin of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A component name, an `x-name`, or the fixed name of a body.
    Explicit,
    /// The position of the schema.
    Derived,
}

impl TypeNames {
    /// Converts a name to a Rust type name.
    pub fn rust_name(text: &str) -> String {
        text.to_upper_camel_case()
    }

    /// Returns whether the name is reserved or defined.
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

    /// Sets the schema of a reserved name.
    pub fn define(&mut self, name: &str, schema: Value) {
        if let Some(named) = self.schemas.get_mut(name) {
            named.schema = Some(schema);
        }
    }

    /// Registers a flattened inline schema and returns its name.
    ///
    /// Schemas with the same structure can share an explicit name. A derived name that another
    /// structure uses gets a number.
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
                            "`{name}` already names a different schema, at {}",
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

    /// Returns the components and the derived names.
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
    /// Returns whether two schemas are equal apart from prose and `x-clear`.
    fn has_same_structure(&self, other: &Value) -> bool {
        self.schema
            .as_ref()
            .is_some_and(|existing| structure(existing) == structure(other))
    }

    /// Adds the clearable fields of another use of the same type.
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

/// Returns the schema without prose; a reference that was wrapped for its description is unwrapped.
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

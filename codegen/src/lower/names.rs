//! The names of types: explicit (`x-name`, component names), fixed for bodies, or derived.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::DerivedName;
use crate::{Error, Result, rust_names};

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
    /// The locations of other schemas of this name, which have the same structure.
    others: BTreeSet<String>,
}

/// Names that the generated code uses without a path, and names that the crate root exports.
const RESERVED: [&str; 38] = [
    "AsMut",
    "AsRef",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Error",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Response",
    "Result",
    "Self",
    "Send",
    "Sized",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
];

/// Fails if the generated code cannot have a type of this name.
fn check_type_name(name: &str, location: &str) -> Result<()> {
    let problem = if RESERVED.contains(&name) || name == "Vec" {
        format!("the type name `{name}` is reserved; add an `x-name`")
    } else if !rust_names::is_identifier(name) {
        format!("`{name}` is not a valid Rust type name; add an `x-name`")
    } else if name != rust_names::type_name(name) {
        format!(
            "the type name `{name}` is not in upper camel case; expected `{}`",
            rust_names::type_name(name)
        )
    } else {
        return Ok(());
    };
    Err(Error::new(location, problem))
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
    /// Returns whether a schema has the name already: this one (`Some(true)`) or another
    /// (`Some(false)`).
    pub fn is_named(&self, name: &str, location: &str) -> Option<bool> {
        let named = self.schemas.get(name)?;
        Some(named.location == location || named.others.contains(location))
    }

    /// Reserves a name before its schema is flattened, so that recursion ends.
    pub fn reserve(&mut self, name: &str, location: &str) -> Result<()> {
        check_type_name(name, location)?;
        self.schemas.insert(
            name.to_owned(),
            NamedSchema {
                schema: None,
                location: location.to_owned(),
                others: BTreeSet::new(),
            },
        );
        Ok(())
    }

    /// Shares a name with another schema, which must have the same structure.
    pub fn share(&mut self, name: &str, schema: &Value, location: &str) -> Result<()> {
        match self.schemas.get_mut(name) {
            Some(named) if named.has_same_structure(schema) => {
                named.merge_clears(schema);
                named.others.insert(location.to_owned());
                Ok(())
            }
            Some(named) => Err(named.conflict(name, location)),
            None => Ok(()),
        }
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
                    return Err(named.conflict(name, location));
                }
                Some(_) => {
                    number += 1;
                    candidate = format!("{name}{number}");
                }
            }
        }
        self.reserve(&candidate, location)?;
        if origin == Origin::Derived {
            self.derived.push(DerivedName {
                name: candidate.clone(),
                location: location.to_owned(),
            });
        }
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

    fn conflict(&self, name: &str, location: &str) -> Error {
        let problem = format!(
            "`{name}` already names a different schema, at {}; add an `x-name`",
            self.location
        );
        Error::new(location, problem)
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

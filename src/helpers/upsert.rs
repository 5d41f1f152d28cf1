//! Creation or update of a resource that is identified by its name.
//!
//! The service has no operation that does both, and is not known to require unique names. So the list
//! is read first, and two clients that do this at the same time can create two resources with one
//! name.

use serde_json::{Map, Value};

use crate::{Client, Error, error::Label, request::Call};

/// What an upsert did. The value is the id or slug that other operations take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Upserted {
    /// There was no resource with the name.
    Created(String),
    /// The resource with the name was updated.
    Updated(String),
}

impl Upserted {
    /// Returns the id or slug.
    pub fn id(&self) -> &str {
        match self {
            Self::Created(id) | Self::Updated(id) => id,
        }
    }

    /// Returns whether the resource was created.
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }
}

/// The request that would create the resource.
pub(super) struct Creation {
    pub(super) client: Client,
    pub(super) name: String,
    label: Label,
    body: Map<String, Value>,
}

impl Creation {
    /// Fails if the call has no valid body with a name.
    pub(super) fn new(call: &Call) -> Result<Self, Error> {
        let body = call.body_object()?;
        let Some(name) = body.get("name").and_then(Value::as_str) else {
            return Err(call.invalid_request("`upsert` requires a `name`".to_owned()));
        };
        Ok(Self {
            client: call.client().clone(),
            name: name.to_owned(),
            label: Label::Operation(call.operation()),
            body,
        })
    }

    /// Returns a string of the body.
    pub(super) fn string(&self, field: &str) -> Option<&str> {
        self.body.get(field)?.as_str()
    }

    /// Returns the body of the update: the fields except those that only a creation has.
    pub(super) fn update(&self, only_in_creation: &[&str]) -> Map<String, Value> {
        let mut body = self.body.clone();
        body.retain(|name, _| !only_in_creation.contains(&name.as_str()));
        body
    }

    /// Fails if the resource has another value in one of the fields, which an update cannot change.
    pub(super) fn check_unchanged(&self, resource: &Value, fields: &[&str]) -> Result<(), Error> {
        let is_other = |field: &&&str| {
            let wanted = self.body.get(**field);
            wanted.is_some_and(|wanted| !contains(&resource[**field], wanted))
        };
        match fields.iter().find(is_other) {
            Some(field) => {
                let problem = format!(
                    "`{}` exists with another value of `{field}`, which an update cannot change",
                    self.name
                );
                Err(Error::invalid_request(problem).with_operation(&self.label))
            }
            None => Ok(()),
        }
    }
}

/// Returns whether a value equals the wanted one, apart from fields that only the service sets.
fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(fields), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| contains(fields.get(name).unwrap_or(&Value::Null), wanted)),
        (Value::Array(items), Value::Array(wanted)) => {
            let mut pairs = items.iter().zip(wanted);
            items.len() == wanted.len() && pairs.all(|(item, wanted)| contains(item, wanted))
        }
        _ => value == wanted,
    }
}

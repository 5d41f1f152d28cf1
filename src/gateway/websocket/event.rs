//! The events of a session: JSON objects with a field `type`. The OpenAPI document does not
//! describe them, so they are raw JSON.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Error, JsonObject,
    error::DecodeError,
    json,
    redact::{Redactor, without_values},
};

const TYPE_FIELD: &str = "type";
const EVENT_ID_FIELD: &str = "event_id";

/// An event to send: a JSON object with a field `type`.
///
/// ```
/// use portkey_admin::gateway::ClientEvent;
/// use serde_json::json;
///
/// let event = ClientEvent::new("session.update").set("session", json!({"voice": "nova"}));
/// let same: ClientEvent = json!({"type": "session.update", "session": {"voice": "nova"}}).into();
/// assert_eq!(event, same);
/// ```
#[derive(Clone, PartialEq)]
pub struct ClientEvent(Value);

impl ClientEvent {
    /// Creates an event of the given type without further fields.
    pub fn new(kind: impl Into<String>) -> Self {
        JsonObject::from([(TYPE_FIELD, kind.into())]).into()
    }

    /// Sets a field.
    #[must_use = "the method returns the event"]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        if let Value::Object(fields) = &mut self.0 {
            fields.insert(name.into(), value.into());
        }
        self
    }

    /// Sets `event_id`, to which error events of the service may refer.
    #[must_use = "the method returns the event"]
    pub fn event_id(self, id: impl Into<String>) -> Self {
        self.set(EVENT_ID_FIELD, id.into())
    }

    /// Encodes the event, if it is valid.
    pub(super) fn encode(&self) -> Result<String, Error> {
        match self.0[TYPE_FIELD].as_str() {
            Some(kind) if !kind.is_empty() => Ok(self.0.to_string()),
            _ => Err(Error::invalid_request(
                "expected a JSON object with a non-empty string field `type` as the event",
            )),
        }
    }
}

impl From<Value> for ClientEvent {
    /// Creates an event from JSON. Sending it fails if it is not a valid event.
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl From<JsonObject> for ClientEvent {
    fn from(fields: JsonObject) -> Self {
        Self(Value::Object(fields.into_map()))
    }
}

impl fmt::Debug for ClientEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_without_values("ClientEvent", &self.0, &Redactor::default(), f)
    }
}

/// A received event of any type, as raw JSON.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct ServerEvent {
    value: Value,
    /// For errors and `Debug`.
    #[serde(skip)]
    redactor: Redactor,
}

impl ServerEvent {
    pub(super) fn parse(message: &[u8], redactor: &Redactor) -> Result<Self, String> {
        let value = json::parse_value(message).map_err(|error| error.to_string())?;
        let redactor = redactor.clone();
        match value[TYPE_FIELD].is_string() {
            true => Ok(Self { value, redactor }),
            false => Err("expected a JSON object with a string field `type`".to_owned()),
        }
    }

    /// Returns the type, such as `response.done`.
    pub fn kind(&self) -> &str {
        self.value[TYPE_FIELD].as_str().unwrap_or_default()
    }

    /// Returns the id of the event.
    pub fn event_id(&self) -> Option<&str> {
        self.value[EVENT_ID_FIELD].as_str()
    }

    /// Returns whether the event reports an error. Most errors do not end the session.
    pub fn is_error(&self) -> bool {
        self.kind() == "error"
    }

    /// Returns a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.value.get(name)
    }

    /// Returns the JSON.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Converts into the JSON.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Decodes the event as a type of your own.
    ///
    /// # Errors
    ///
    /// If the event does not match the type. The error contains the path but no value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_path_to_error::deserialize(&self.value).map_err(|error| {
            let path = error.path().clone();
            let error = DecodeError::new(&path, without_values(error.into_inner()));
            Error::unexpected_response(format!("event `{}`: {error}", self.kind()))
                .redacted(&self.redactor)
        })
    }
}

impl PartialEq for ServerEvent {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl fmt::Debug for ServerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_without_values("ServerEvent", &self.value, &self.redactor, f)
    }
}

/// Shows the type and the names of the other fields, but no values, which may be secrets.
fn debug_without_values(
    name: &str,
    event: &Value,
    redactor: &Redactor,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let redact = |shown: &str| redactor.redact(shown.to_owned());
    let fields = event.as_object().into_iter().flat_map(|event| event.keys());
    let others = fields.filter(|field| *field != TYPE_FIELD);
    f.debug_struct(name)
        .field("kind", &event[TYPE_FIELD].as_str().map(redact))
        .field(
            "fields",
            &others.map(|field| redact(field)).collect::<Vec<_>>(),
        )
        .finish()
}

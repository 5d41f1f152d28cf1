//! What goes over a session: JSON objects with a `type`. The document describes none of them, so they
//! are kept as they are.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Error, JsonObject,
    error::{DecodeError, without_values},
};

const KIND: &str = "type";
const ID: &str = "event_id";

/// An event to be sent: a JSON object with a `type`.
///
/// ```
/// use portkey_admin::ClientEvent;
/// use serde_json::json;
///
/// let event = ClientEvent::new("session.update").set("session", json!({"voice": "nova"}));
/// let same: ClientEvent = json!({"type": "session.update", "session": {"voice": "nova"}}).into();
/// assert_eq!(event, same);
/// ```
#[derive(Clone, PartialEq)]
pub struct ClientEvent(Value);

impl ClientEvent {
    /// An event of that type, with nothing else in it.
    pub fn new(kind: impl Into<String>) -> Self {
        JsonObject::from([(KIND, kind.into())]).into()
    }

    /// Sets a member.
    #[must_use = "the event is given back"]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        if let Value::Object(members) = &mut self.0 {
            members.insert(name.into(), value.into());
        }
        self
    }

    /// Sets `event_id`, which an event that reports an error may repeat.
    #[must_use = "the event is given back"]
    pub fn event_id(self, id: impl Into<String>) -> Self {
        self.set(ID, id.into())
    }

    /// The JSON, if it is an event.
    pub(super) fn encode(&self) -> Result<String, Error> {
        match self.0[KIND].as_str() {
            Some(kind) if !kind.is_empty() => Ok(self.0.to_string()),
            _ => Err(Error::invalid_request(
                "the event is no JSON object with a text as `type`",
            )),
        }
    }
}

impl From<Value> for ClientEvent {
    /// Takes the JSON as it is; what is no event is an error when it is sent.
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl From<JsonObject> for ClientEvent {
    fn from(members: JsonObject) -> Self {
        Self(Value::Object(members.into_map()))
    }
}

impl fmt::Debug for ClientEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("ClientEvent", &self.0, f)
    }
}

/// An event that has come, whatever its type: all of its JSON.
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ServerEvent(Value);

impl ServerEvent {
    pub(super) fn decode_text(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        match value[KIND].is_string() {
            true => Ok(Self(value)),
            false => Err("it is no JSON object with a text as `type`".to_owned()),
        }
    }

    /// Its type, such as `response.done`.
    pub fn kind(&self) -> &str {
        self.0[KIND].as_str().unwrap_or_default()
    }

    /// What the service calls the event.
    pub fn event_id(&self) -> Option<&str> {
        self.0[ID].as_str()
    }

    /// Whether it reports an error. Most errors leave the session open, so they are events.
    pub fn is_error(&self) -> bool {
        self.kind() == "error"
    }

    /// A member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The JSON as it is.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The JSON as it is.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// The event as a type of your own.
    ///
    /// # Errors
    ///
    /// If it does not fit; the error has the place and no value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_path_to_error::deserialize(&self.0).map_err(|error| {
            let path = error.path().clone();
            let error = DecodeError::new(&path, without_values(error.into_inner()));
            Error::unusable(format!("event `{}`: {error}", self.kind()))
        })
    }
}

impl fmt::Debug for ServerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show("ServerEvent", &self.0, f)
    }
}

/// The type and the names of the other members: values may be anything.
fn show(name: &str, event: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let members = event.as_object().into_iter().flat_map(|event| event.keys());
    let others: Vec<&String> = members.filter(|member| *member != KIND).collect();
    f.debug_struct(name)
        .field("kind", &event[KIND].as_str())
        .field("members", &others)
        .finish()
}

//! Redaction of secrets in strings from the service and in errors of serde.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use serde::de::Error;
use serde_json::Value;

use crate::{
    request_id::{REQUEST_ID, TRACE_ID},
    secret::{REDACTED, Secret},
};

/// The secrets of a client, which its errors and traces must not contain.
#[derive(Clone, Default)]
pub(crate) struct Redactor(Arc<[Secret]>);

impl Redactor {
    pub(crate) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// Replaces the secrets in a string from the service.
    pub(crate) fn redact(&self, string: String) -> String {
        let replace = |string: String, secret: &Secret| string.replace(secret.expose(), REDACTED);
        self.0.iter().fold(string, replace)
    }

    /// Replaces the secrets in the strings and names of a JSON value from the service.
    pub(crate) fn redact_json(&self, value: Value) -> Value {
        match value {
            Value::String(string) => self.redact(string).into(),
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.redact_json(item))
                .collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| (self.redact(name), self.redact_json(value)))
                .collect(),
            other => other,
        }
    }

    /// Returns `true` if a string contains a secret.
    pub(crate) fn is_secret_in(&self, string: &str) -> bool {
        let mut secrets = self.0.iter();
        secrets.any(|secret| string.contains(secret.expose()))
    }

    /// Replaces request and trace ids that contain a secret, because errors and traces show both.
    pub(crate) fn redact_request_ids(&self, headers: &mut HeaderMap) {
        for name in [&REQUEST_ID, &TRACE_ID] {
            if let Some(value) = headers.get_mut(name)
                && let Ok(id) = value.to_str()
                && self.is_secret_in(id)
            {
                *value = HeaderValue::from_static(REDACTED);
            }
        }
    }
}

/// Prefixes of serde's messages that quote a value. Each ends with what was expected.
const QUOTING_PREFIXES: [&str; 5] = [
    "invalid type",
    "invalid value",
    "invalid length",
    "unknown variant",
    "unknown field",
];

/// Removes the values of a response that serde quotes from an error of a type outside this crate, because they may be secrets. The position stays.
pub(crate) fn without_values(error: serde_json::Error) -> serde_json::Error {
    match error.is_data() {
        true => serde_json::Error::custom(redact_message(&error.to_string())),
        false => error,
    }
}

fn redact_message(message: &str) -> String {
    if message.starts_with("missing field `") {
        return message.to_owned();
    }
    let mut prefixes = QUOTING_PREFIXES.iter();
    let prefix = prefixes.find(|prefix| message.starts_with(**prefix));
    match (prefix, message.rsplit_once(", expected ")) {
        (Some(prefix), Some((_, expected))) => format!("{prefix}, expected {expected}"),
        // The custom message of a type may quote the value.
        _ => {
            let start = message.rfind(" at line ");
            let position = start.map_or("", |start| &message[start..]);
            format!("value does not match the expected type{position}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::redact_message;

    #[test]
    fn redacted_message_keeps_expectation_and_position() {
        for (message, expected) in [
            (
                r#"invalid type: string "canary, expected ", expected u32 at line 1 column 27"#,
                "invalid type, expected u32 at line 1 column 27",
            ),
            (
                "unknown variant `canary`, expected `a` or `b` at line 2 column 3",
                "unknown variant, expected `a` or `b` at line 2 column 3",
            ),
            (
                "missing field `id` at line 1 column 2",
                "missing field `id` at line 1 column 2",
            ),
            (
                "canary is not a date at line 1 column 9",
                "value does not match the expected type at line 1 column 9",
            ),
            ("canary", "value does not match the expected type"),
        ] {
            assert_eq!(redact_message(message), expected);
        }
    }
}

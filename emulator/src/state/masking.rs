//! Masking of secrets in responses.

use serde_json::Value;

/// Replaces the hidden part of a secret.
pub(crate) const MASK: &str = "*****";

/// The minimum length, in bytes, of a secret whose ends are shown.
pub(crate) const MIN_MASKED_LENGTH: usize = 12;

/// A setting is secret if its name contains one of these substrings or ends with one of these
/// suffixes.
pub(crate) const SECRET_SUBSTRINGS: [&str; 4] = [
    "secret",
    "password",
    "service_account_json",
    "custom_headers",
];

pub(crate) const SECRET_SUFFIXES: [&str; 3] = ["token", "_key", "apikey"];

/// Masks a secret except for its ends; masks a short secret entirely.
pub(crate) fn mask(secret: &str) -> String {
    let end = secret.len().saturating_sub(3);
    match (secret.get(..2), secret.get(end..)) {
        (Some(first), Some(last)) if secret.len() >= MIN_MASKED_LENGTH => {
            format!("{first}{MASK}{last}")
        }
        _ => MASK.to_owned(),
    }
}

/// Returns settings as shown in responses: a secret setting is masked and prefixed with `masked_`.
pub(crate) fn mask_settings(settings: &Value) -> Value {
    match settings {
        Value::Object(fields) => {
            let mask_setting = |(name, value): (&String, &Value)| match is_secret_name(name) {
                true => (format!("masked_{name}"), mask_values(value)),
                false => (name.clone(), mask_settings(value)),
            };
            Value::Object(fields.iter().map(mask_setting).collect())
        }
        Value::Array(items) => items.iter().map(mask_settings).collect(),
        other => other.clone(),
    }
}

/// Returns whether a setting with this name is secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_SUBSTRINGS.iter().any(|part| name.contains(part))
        || SECRET_SUFFIXES.iter().any(|end| name.ends_with(end))
}

/// Masks every scalar in a secret value; field names are kept.
pub(crate) fn mask_values(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(secret) => Value::String(mask(secret)),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), mask_values(value)))
            .collect(),
        Value::Array(items) => items.iter().map(mask_values).collect(),
        Value::Bool(_) | Value::Number(_) => Value::String(MASK.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{mask, mask_settings};

    #[test]
    fn a_long_secret_shows_its_ends() {
        assert_eq!(mask("emulator-provider-key"), "em*****key");
        assert_eq!(mask("short"), "*****");
        // A cut inside a character masks the whole secret.
        assert_eq!(mask("ééééééééééé"), "*****");
    }

    #[test]
    fn nested_secret_settings_are_renamed_and_masked() {
        let settings = json!({
            "aws_region": "one", "aws_access_key_id": "id", "aws_secret_access_key": "emulator-canary",
            "deep": [{"client_secret": "emulator-canary", "is_key_required": true}],
            "custom_headers": {"x-a": "emulator-canary", "x-b": 5}, "vault_token": null,
        });
        assert_eq!(
            mask_settings(&settings),
            json!({
                "aws_region": "one", "aws_access_key_id": "id", "masked_aws_secret_access_key": "em*****ary",
                "deep": [{"masked_client_secret": "em*****ary", "is_key_required": true}],
                "masked_custom_headers": {"x-a": "em*****ary", "x-b": "*****"}, "masked_vault_token": null,
            })
        );
    }
}

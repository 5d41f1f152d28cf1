//! Redaction of the values that serde quotes in errors of types outside this crate.

use serde::de::Error;

/// Prefixes of serde's messages that quote a value. Each ends with what was expected.
const QUOTING_PREFIXES: [&str; 5] = [
    "invalid type",
    "invalid value",
    "invalid length",
    "unknown variant",
    "unknown field",
];

/// Removes values of the response from an error, because they may be secrets. The position stays.
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

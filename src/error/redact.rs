//! What serde says of a type that is not ours, without the values that it quotes.

use serde::de::Error;

/// What serde's own messages about a value start with; what was expected stands at their end.
const QUOTING: [&str; 5] = [
    "invalid type",
    "invalid value",
    "invalid length",
    "unknown variant",
    "unknown field",
];

/// The same error, place included, but with nothing of the answer in its text: that may be a secret.
pub(crate) fn without_values(error: serde_json::Error) -> serde_json::Error {
    match error.is_data() {
        true => serde_json::Error::custom(quiet(&error.to_string())),
        false => error,
    }
}

fn quiet(text: &str) -> String {
    if text.starts_with("missing field `") {
        return text.to_owned();
    }
    let kind = QUOTING.iter().find(|start| text.starts_with(**start));
    match (kind, text.rsplit_once(", expected ")) {
        (Some(kind), Some((_, expected))) => format!("{kind}, expected {expected}"),
        // Whatever a type says in its own words may quote the value.
        _ => {
            let place = text.rfind(" at line ").map_or("", |place| &text[place..]);
            format!("a value does not fit{place}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quiet;

    #[test]
    fn what_is_expected_and_where_stays() {
        for (text, expected) in [
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
                "canary is no date at line 1 column 9",
                "a value does not fit at line 1 column 9",
            ),
            ("canary", "a value does not fit"),
        ] {
            assert_eq!(quiet(text), expected);
        }
    }
}

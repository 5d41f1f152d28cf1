//! JSON from clients, parsed within limits on its depth and its number of values.
//!
//! Written by hand: `serde_json` limits neither the number of values, which take up to a hundred times
//! the size of the text, nor the depth to less than what it can read back when the value is stored
//! inside the state.

use std::fmt;

use serde_json::Value;

/// The maximum number of values, including those inside of arrays and objects.
pub(crate) const MAX_VALUES: usize = 500_000;

/// The maximum depth. The state and its journal store values some levels deeper, and `serde_json`
/// reads at most 127 levels.
pub(crate) const MAX_DEPTH: usize = 100;

/// Why a text is not parsed.
#[derive(Debug)]
pub(crate) enum JsonError {
    TooDeep,
    TooManyValues,
    Invalid(serde_json::Error),
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "exceeds the limit of {MAX_DEPTH} nested levels"),
            Self::TooManyValues => write!(f, "exceeds the limit of {MAX_VALUES} JSON values"),
            Self::Invalid(error) => write!(f, "invalid JSON: {error}"),
        }
    }
}

/// Parses JSON; no value is built of a text that exceeds a limit.
pub(crate) fn parse(json: &[u8]) -> Result<Value, JsonError> {
    check_limits(json)?;
    serde_json::from_slice(json).map_err(JsonError::Invalid)
}

/// Counts the values and levels of a text, which need not be valid.
fn check_limits(json: &[u8]) -> Result<(), JsonError> {
    let (mut depth, mut values) = (0_usize, 1_usize);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => (depth, values) = (depth + 1, values + 1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => continue,
        }
        if depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        if values > MAX_VALUES {
            return Err(JsonError::TooManyValues);
        }
    }
    Ok(())
}

/// Skips the rest of a string, including its closing quote.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonError, MAX_DEPTH, MAX_VALUES, parse};

    fn nested(open: &str, close: &str, levels: usize) -> String {
        format!("{}0{}", open.repeat(levels), close.repeat(levels))
    }

    #[test]
    fn the_depth_is_limited() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let levels = MAX_DEPTH / open.matches(['[', '{']).count();
            assert!(parse(nested(open, close, levels).as_bytes()).is_ok());
            let error = parse(nested(open, close, levels + 1).as_bytes());
            assert!(matches!(error, Err(JsonError::TooDeep)), "{error:?}");
        }
    }

    #[test]
    fn the_number_of_values_is_limited() {
        let list = |item: &str, times: usize| format!("[{}0]", format!("{item},").repeat(times));
        // The last item and the list itself are counted, too.
        assert!(parse(list("0", MAX_VALUES - 2).as_bytes()).is_ok());
        for (item, times) in [
            ("0", MAX_VALUES - 1),
            ("[]", MAX_VALUES / 2),
            ("{}", MAX_VALUES / 2),
        ] {
            let error = parse(list(item, times).as_bytes());
            assert!(
                matches!(error, Err(JsonError::TooManyValues)),
                "{item}: {error:?}"
            );
        }
    }

    #[test]
    fn brackets_and_commas_in_strings_are_not_counted() {
        let text = format!(
            "[\"{}\\\"{}\"]",
            "[{,".repeat(MAX_DEPTH + 1),
            ",".repeat(MAX_VALUES)
        );
        assert!(parse(text.as_bytes()).is_ok());
        assert!(matches!(parse(b"[\"\\"), Err(JsonError::Invalid(_))));
    }
}

//! Parsing of JSON that is valid, but that `serde_json` rejects or cannot represent.
//!
//! Lone surrogates, numbers beyond 64 bits and deep nesting are valid JSON. They are replaced in the
//! body before it is decoded, so that they do not lose the rest of a response:
//!
//! | in the body | replaced by |
//! |---|---|
//! | a lone surrogate in a string, such as `\ud83d` | U+FFFD |
//! | an integer beyond 64 bits, a number beyond the range of `f64` | a string with the same digits |
//! | an object or array below 127 others | a string with its JSON |

use std::{borrow::Cow, ops::Range};

use serde::de::IgnoredAny;
use serde_json::Value;

/// The number of nested objects and arrays that `serde_json` accepts.
const MAX_DEPTH: usize = 127;

/// The minimum number of digits of an integer that does not fit into 64 bits (`i64::MIN` has 19).
const LONG_INTEGER: usize = 19;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Removes a byte order mark, which RFC 8259 allows parsers to ignore.
pub(crate) fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// Parses a body as untyped JSON.
pub(crate) fn parse_value(body: &[u8]) -> Result<Value, serde_json::Error> {
    let body = without_byte_order_mark(body);
    let parsed = serde_json::from_slice(body);
    let Ok(json) = str::from_utf8(body) else {
        return parsed;
    };
    match parsed {
        Ok(value) if !has_long_integer(json) => Ok(value),
        parsed => match normalise(json) {
            Some(json) => serde_json::from_str(&json),
            None => parsed,
        },
    }
}

/// Whether JSON may contain an integer that does not fit into 64 bits, which `serde_json` rounds.
/// Looks only at every 19th byte and the digits around it.
pub(crate) fn has_long_integer(json: &str) -> bool {
    let bytes = json.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = LONG_INTEGER - 1;
    while at < bytes.len() {
        if is_digit(at) {
            let end = (at..).find(|at| !is_digit(*at)).unwrap_or(at);
            let start = (0..at).rev().find(|at| !is_digit(*at));
            let start = start.map_or(0, |before| before + 1);
            if is_long_integer(json, start..end) {
                return true;
            }
            at = end;
        }
        at += LONG_INTEGER;
    }
    false
}

/// Whether a run of digits is an integer beyond 64 bits, and not a part of a string or fraction.
fn is_long_integer(json: &str, digits: Range<usize>) -> bool {
    let bytes = json.as_bytes();
    let start = match digits.start.checked_sub(1) {
        Some(sign) if bytes.get(sign) == Some(&b'-') => sign,
        _ => digits.start,
    };
    let before = start.checked_sub(1).and_then(|before| bytes.get(before));
    let is_separated = |byte: Option<&u8>| {
        byte.is_none_or(|byte| byte.is_ascii_whitespace() || b":,[]}".contains(byte))
    };
    is_separated(before)
        && is_separated(bytes.get(digits.end))
        && json
            .get(start..digits.end)
            .is_some_and(|token| !fits_64_bits(token))
}

fn fits_64_bits(integer: &str) -> bool {
    integer.parse::<i64>().is_ok() || integer.parse::<u64>().is_ok()
}

/// Returns JSON that `serde_json` accepts and represents exactly; `None` if it is not valid JSON.
pub(crate) fn normalise(json: &str) -> Option<Cow<'_, str>> {
    // Ignoring a value checks its syntax only: it neither recurses nor evaluates numbers and
    // escapes. The rewriter relies on valid syntax.
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    Some(Rewriter::new(json).rewrite())
}

/// Copies valid JSON and replaces parts of it.
struct Rewriter<'a> {
    json: &'a str,
    output: String,
    /// The number of bytes of `json` that were copied or replaced.
    done: usize,
}

impl<'a> Rewriter<'a> {
    fn new(json: &'a str) -> Self {
        Self {
            json,
            output: String::new(),
            done: 0,
        }
    }

    fn rewrite(mut self) -> Cow<'a, str> {
        let (mut at, mut depth) = (0, 0_usize);
        while let Some(byte) = self.byte(at) {
            at = match byte {
                b'"' => self.string(at),
                b'-' | b'0'..=b'9' => self.number(at),
                b'[' | b'{' if depth == MAX_DEPTH => self.deep_value(at),
                b'[' | b'{' => {
                    depth += 1;
                    at + 1
                }
                b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    at + 1
                }
                _ => at + 1,
            };
        }
        if self.done == 0 {
            return Cow::Borrowed(self.json);
        }
        self.output.push_str(&self.json[self.done..]);
        Cow::Owned(self.output)
    }

    /// Replaces lone surrogates in the string at `start`; returns its end.
    fn string(&mut self, start: usize) -> usize {
        let mut at = start + 1;
        while let Some(byte) = self.byte(at) {
            at = match byte {
                b'"' => return at + 1,
                b'\\' if self.byte(at + 1) == Some(b'u') => self.unicode_escape(at),
                b'\\' => at + 2,
                _ => at + 1,
            };
        }
        at
    }

    /// Replaces the escape at `start` if it is a lone surrogate; returns the end of the escape or
    /// of the pair.
    fn unicode_escape(&mut self, start: usize) -> usize {
        let end = start + 6;
        match (self.code_unit(start), self.code_unit(end)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => end + 6,
            (Some(0xd800..=0xdfff), _) => {
                self.replace(start..end, "\\ufffd");
                end
            }
            _ => end,
        }
    }

    /// Returns the code unit of an escape `\uXXXX` at this position.
    fn code_unit(&self, at: usize) -> Option<u16> {
        let digits = self.json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    }

    /// Quotes the number at `start` if it cannot be represented; returns its end.
    fn number(&mut self, start: usize) -> usize {
        let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        let end = (start..)
            .find(|at| !self.byte(*at).is_some_and(is_part))
            .unwrap_or(start);
        let token = &self.json[start..end];
        let is_exact = match token.contains(['.', 'e', 'E']) {
            true => token.parse::<f64>().is_ok_and(f64::is_finite),
            false => fits_64_bits(token),
        };
        if !is_exact {
            let quoted = format!("\"{token}\"");
            self.replace(start..end, &quoted);
        }
        end
    }

    /// Replaces the object or array at `start` by a string with its JSON; returns its end.
    fn deep_value(&mut self, start: usize) -> usize {
        let (mut at, mut depth) = (start, 0_usize);
        while let Some(byte) = self.byte(at) {
            at = match byte {
                b'"' => self.end_of_string(at),
                b'[' | b'{' => {
                    depth += 1;
                    at + 1
                }
                b']' | b'}' if depth == 1 => {
                    at += 1;
                    break;
                }
                b']' | b'}' => {
                    depth -= 1;
                    at + 1
                }
                _ => at + 1,
            };
        }
        let json = Value::from(&self.json[start..at]).to_string();
        self.replace(start..at, &json);
        at
    }

    fn end_of_string(&self, start: usize) -> usize {
        let mut at = start + 1;
        while let Some(byte) = self.byte(at) {
            at = match byte {
                b'"' => return at + 1,
                b'\\' => at + 2,
                _ => at + 1,
            };
        }
        at
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.json.as_bytes().get(at).copied()
    }

    fn replace(&mut self, range: Range<usize>, replacement: &str) {
        self.output.push_str(&self.json[self.done..range.start]);
        self.output.push_str(replacement);
        self.done = range.end;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn valid_json_that_serde_json_accepts_is_unchanged() {
        for json in [
            "null",
            r#" {"a": [1, -2.5e3, "\ud83d\ude00 \u0041 \\ud83d \" ] }"], "b": {}} "#,
            "18446744073709551615",
            "-9223372036854775808",
            r#""\\\"\\""#,
        ] {
            assert!(matches!(normalise(json), Some(Cow::Borrowed(_))), "{json}");
            assert!(!has_long_integer(json), "{json}");
        }
    }

    #[test]
    fn invalid_json_is_not_normalised() {
        for json in [
            "",
            "{",
            "[1,]",
            r#"{"a" 1}"#,
            r#""\ud83"#,
            "[1] 2",
            "1e",
            "\"\n\"",
        ] {
            assert_eq!(normalise(json), None, "{json}");
            assert!(parse_value(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn lone_surrogates_become_the_replacement_character() {
        for (json, expected) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\uDE00b""#, "\u{fffd}b"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ud83d\\ude00""#, "\u{fffd}\\ude00"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ud83dä\n""#, "\u{fffd}ä\n"),
        ] {
            assert_eq!(parse_value(json.as_bytes()).unwrap(), expected, "{json}");
        }
        let object = parse_value(br#"{"\udead": 1, "b": {"c": ["\ud800"]}}"#).unwrap();
        assert_eq!(object, json!({"\u{fffd}": 1, "b": {"c": ["\u{fffd}"]}}));
    }

    #[test]
    fn numbers_that_cannot_be_represented_become_strings_with_their_digits() {
        for number in [
            "123456789012345678901234567890",
            "-123456789012345678901234567890",
            "18446744073709551616",
            "-9223372036854775809",
            "1e400",
            "-1.5E+400",
        ] {
            for (json, expected) in [
                (number.to_owned(), json!(number)),
                (format!("[1,{number}]"), json!([1, number])),
                (format!("{{\"a\": {number} }}"), json!({"a": number})),
            ] {
                assert_eq!(parse_value(json.as_bytes()).unwrap(), expected, "{json}");
            }
        }
    }

    #[test]
    fn long_integers_are_found_at_every_offset() {
        for offset in 0..40 {
            let padding = " ".repeat(offset);
            let json = format!("[{padding}18446744073709551616{padding}]");
            assert!(has_long_integer(&json), "{json}");
            let json = format!("[{padding}\"18446744073709551616\", 0.18446744073709551616]");
            assert!(!has_long_integer(&json), "{json}");
        }
    }

    #[test]
    fn a_long_run_of_digits_takes_linear_time() {
        let json = format!("\"{}\"", "1".repeat(8 << 20));
        assert!(!has_long_integer(&json));
    }

    #[test]
    fn values_below_the_maximum_depth_become_strings_with_their_json() {
        let nested = |depth: usize, inner: &str| {
            format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth))
        };
        let unchanged = nested(MAX_DEPTH, "1");
        assert!(matches!(normalise(&unchanged), Some(Cow::Borrowed(_))));
        let inner = r#"{"]": ["\"[", 1e400, "\ud83d"]}"#;
        let expected = nested(MAX_DEPTH, &Value::from(inner).to_string());
        let normalised = normalise(&nested(MAX_DEPTH, inner)).unwrap().into_owned();
        assert_eq!(normalised, expected);
        assert!(parse_value(nested(MAX_DEPTH, inner).as_bytes()).is_ok());
        assert!(parse_value(nested(1 << 20, "1").as_bytes()).is_ok());
    }

    #[test]
    fn a_byte_order_mark_is_ignored() {
        assert_eq!(parse_value(b"\xef\xbb\xbf[1]").unwrap(), json!([1]));
    }
}

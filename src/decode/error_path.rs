//! The JSON path of a decode error.
//!
//! Decoding does not track the path, because that would compile every type a second time for a
//! deserializer that does. Instead, a body that failed to decode is parsed again as untyped JSON
//! with path tracking. Malformed JSON fails again at the same position. For a type error the body
//! is truncated at the position of the error, so that parsing fails there.

use serde::{Deserialize, de::Error as _};
use serde_json::Value;
use serde_path_to_error::{Deserializer, Path, Track};

use crate::error::DecodeError;

/// Adds the path to a decode error.
pub(super) fn with_path(body: &str, error: serde_json::Error) -> DecodeError {
    let json = body.as_bytes();
    let json = match error.is_data() {
        // Excludes the closing bracket that was read last, so that the path ends in the object or
        // list to which the error applies.
        true => &json[..offset(json, &error).saturating_sub(1)],
        false => json,
    };
    DecodeError::new(&parse_with_path(json).0, error)
}

/// Returns the error for a body that is not valid UTF-8.
pub(super) fn invalid_utf8(body: &[u8]) -> DecodeError {
    let (path, outcome) = parse_with_path(body);
    let error = outcome.err();
    let error = error.unwrap_or_else(|| serde_json::Error::custom("body is not valid UTF-8"));
    DecodeError::new(&path, error)
}

/// Returns the number of bytes read before the error; 0 if the error has no position.
fn offset(json: &[u8], error: &serde_json::Error) -> usize {
    let Some(newlines) = error.line().checked_sub(1) else {
        return 0;
    };
    let lines = json.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(newlines).map(<[u8]>::len).sum();
    (before + error.column()).min(json.len())
}

/// Parses untyped JSON. Returns the path that was reached, and the error if there is one.
fn parse_with_path(json: &[u8]) -> (Path, Result<(), serde_json::Error>) {
    let mut track = Track::new();
    let mut json = serde_json::Deserializer::from_slice(json);
    // Parsed as a `Value` because the path of ignored values is not tracked.
    let value = Value::deserialize(Deserializer::new(&mut json, &mut track));
    (track.path(), value.and_then(|_| json.end()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::super::{LenientDecode, from_slice, response_object};
    use crate::JsonObject;

    #[derive(Debug)]
    struct Node {
        id: String,
        next: Option<Box<Node>>,
        list: Vec<Node>,
        map: BTreeMap<String, Node>,
        extra: JsonObject,
    }

    response_object! {
        Node {
            id "id" required String,
            next "next" optional Box<Node>,
            list "list" or_default Vec<Node>,
            map "map" or_default BTreeMap<String, Node>,
        }
    }

    /// Returns the path in the error for a body; empty if the error has no path.
    fn error_path<T: LenientDecode>(body: impl AsRef<[u8]>) -> String {
        let error = from_slice::<T>(body.as_ref())
            .err()
            .expect("decoding fails");
        let message = error.to_string();
        match message.split_once(": ") {
            Some((path, _)) if !path.contains(' ') => path.to_owned(),
            _ => String::new(),
        }
    }

    #[test]
    fn a_missing_field_is_reported_with_the_path_of_its_object() {
        for (body, path) in [
            (r#"{}"#, ""),
            ("null", ""),
            ("7", ""),
            (r#"{"id": "a", "next": {}}"#, "next"),
            (r#"{"id": "a", "next": {"id": 7}, "list": []}"#, "next"),
            (
                r#"{"id": "a", "next": {"id": "b", "next": { }}}"#,
                "next.next",
            ),
            (
                r#"{"id": "a", "list": [{}], "next": {"map": {"x": {}}}}"#,
                "next",
            ),
            (
                "{\"id\": \"a\",\n\"ä\": [\n\"ä\"],\n\"next\": {\"id\": \"b\",\n\"next\": {\"list\": [\n7]}}}",
                "next.next",
            ),
            (
                r#"{"id": "a", "other": ["\ud83d", 1e400], "next": {"id": "b", "next": {}}}"#,
                "next.next",
            ),
            (r#"{"extra": {"id": 7}, "next": {"id": null}}"#, "next"),
        ] {
            assert_eq!(error_path::<Node>(body), path, "{body}");
        }
    }

    #[test]
    fn malformed_json_is_reported_with_its_path() {
        for (body, path) in [
            ("", ""),
            ("{", ""),
            (r#"{"id": "a"} {}"#, ""),
            (
                r#"{"id": "a", "list": [{"id": "b"}, {"id": }]}"#,
                "list[1].id",
            ),
            (
                r#"{"id": "a", "list": [{"id": "b"}, {"id": "c" 7}]}"#,
                "list[1]",
            ),
            (r#"{"id": "a", "list": [{"id": "b"}, {7}]}"#, "list[1]"),
            (
                r#"{"id": "a", "other": {"deep": [1, tru]}}"#,
                "other.deep[1]",
            ),
            (r#"{"id": "a", "next": {"id": "b"#, "next.id"),
            (r#"{"id": "a", "next": {"id": "b"}"#, ""),
            (r#"{"id": "a", "list": [{"id": "b"}"#, "list"),
            (
                r#"{"id": "a", "size": 123456789012345678901, "b": tru}"#,
                "b",
            ),
        ] {
            assert_eq!(error_path::<Node>(body), path, "{body}");
        }
    }

    #[test]
    fn the_position_in_a_normalised_body_is_omitted() {
        let message = |body: &str| from_slice::<Node>(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(message(r#"{"a": "\ud83d"}"#), "missing field `id`");
        assert_eq!(
            message(r#"{"next": {}, "a": 1e400}"#),
            "next: missing field `id`"
        );
        let exact = message(r#"{"next": {}}"#);
        assert_eq!(exact, "next: missing field `id` at line 1 column 11");
    }

    #[test]
    fn invalid_utf8_is_reported_with_its_path() {
        let body = b"{\"id\": \"a\", \"list\": [{\"id\": \"\xff\"}]}";
        assert_eq!(error_path::<Node>(body), "list[0].id");
        assert_eq!(error_path::<Value>(b"{} \xff"), "");
    }
}

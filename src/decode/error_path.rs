//! Where in a body it cannot be decoded.
//!
//! Decoding does not keep track of the path: that would have every type compiled once more, for a
//! deserializer that does. Instead the text is read once more as mere JSON, with track kept: broken JSON
//! fails again at the same place, and what is not of its type is where JSON ends that is cut there.

use serde::{Deserialize, de::Error as _};
use serde_json::Value;
use serde_path_to_error::{Deserializer, Path, Track};

use crate::error::DecodeError;

/// The error with the path of what it is about.
pub(super) fn with_path(text: &str, error: serde_json::Error) -> DecodeError {
    let json = text.as_bytes();
    let json = match error.is_data() {
        // Without the end of the object or list that lacks something, which was read last.
        true => &json[..offset(json, &error).saturating_sub(1)],
        false => json,
    };
    DecodeError::new(&read(json).0, error)
}

/// The error of a body that is no text.
pub(super) fn invalid_utf8(body: &[u8]) -> DecodeError {
    let (path, outcome) = read(body);
    let error = outcome.err();
    let error = error.unwrap_or_else(|| serde_json::Error::custom("it is no text in UTF-8"));
    DecodeError::new(&path, error)
}

/// How many bytes were read before the error; none where it has no position, being about all of it.
fn offset(json: &[u8], error: &serde_json::Error) -> usize {
    let Some(newlines) = error.line().checked_sub(1) else {
        return 0;
    };
    let lines = json.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(newlines).map(<[u8]>::len).sum();
    (before + error.column()).min(json.len())
}

/// What is wrong with mere JSON, and where; the whole where it is nothing.
fn read(json: &[u8]) -> (Path, Result<(), serde_json::Error>) {
    let mut track = Track::new();
    let mut json = serde_json::Deserializer::from_slice(json);
    // Read as a value, since what is ignored is not kept track of.
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
        Node { id "id" required, next "next" optional, list "list" or_default, map "map" or_default, }
    }

    /// Where a body cannot be decoded; empty for the whole.
    fn place<T: LenientDecode>(body: impl AsRef<[u8]>) -> String {
        let error = from_slice::<T>(body.as_ref()).err().expect("a broken body");
        let shown = error.to_string();
        match shown.split_once(": ") {
            Some((path, _)) if !path.contains(' ') => path.to_owned(),
            _ => String::new(),
        }
    }

    #[test]
    fn what_lacks_something_is_named_by_its_path() {
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
                r#"{"id": "a", "list": [{"id": "b"}, {"map": {"x": 1}}, 7]}"#,
                "list[1]",
            ),
            (
                "{\"id\": \"a\",\n\"list\": [\n{\"id\": \"ä\",\n\"list\": [{}\n]}]}",
                "list[0].list[0]",
            ),
            (
                r#"{"map": {"ä": {"id": "c", "map": {"?": {"list": [[]]}}}}}"#,
                "map.ä.map.?",
            ),
            (r#"{"extra": {"id": 7}, "next": {"id": null}}"#, "next"),
        ] {
            assert_eq!(place::<Node>(body), path, "{body}");
        }
    }

    #[test]
    fn broken_json_is_named_by_where_it_breaks() {
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
            (r#"{"id": "a", "size": 1e999}"#, "size"),
        ] {
            assert_eq!(place::<Node>(body), path, "{body}");
        }
    }

    #[test]
    fn what_is_no_text_is_named_too() {
        let body = b"{\"id\": \"a\", \"list\": [{\"id\": \"\xff\"}]}";
        assert_eq!(place::<Node>(body), "list[0].id");
        assert_eq!(place::<Value>(b"{} \xff"), "");
    }
}

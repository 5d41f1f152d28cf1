//! A position in a list that can be stored.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::next_page::Position;
use crate::Error;

/// A position in a list from which a stream can be resumed, in this program or in another: it
/// converts to and from a string and implements `Serialize` and `Deserialize`.
///
/// It contains the page, the page size and the number of items of the page that were yielded. It
/// does not contain filters: set the same filters on the resumed list. Numbered pages shift when
/// items are added or removed in between, as they do without a cursor.
///
/// The string format is unspecified, but later versions of this crate can parse it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// The list operation.
    pub(super) operation: Cow<'static, str>,
    /// The page.
    #[serde(flatten)]
    pub(super) position: Position,
    /// The requested page size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u32>,
    /// The number of items of the page that were yielded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) skip: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    /// Parses the output of `Display`.
    ///
    /// # Errors
    ///
    /// If the string is not a valid cursor ([`Error::is_invalid_request`]).
    fn from_str(cursor: &str) -> Result<Self, Error> {
        serde_json::from_str(cursor)
            .map_err(|error| Error::invalid_request(format!("invalid cursor: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;
    use crate::pagination::next_page::{PageRef, Position};

    fn cursors() -> [Cursor; 3] {
        let cursor = |position, size, skip| Cursor {
            operation: "list_things".into(),
            position,
            size,
            skip,
        };
        let middle = Position {
            at: PageRef::Page(7),
            seen: Some(700),
            previous_fingerprint: Some(u64::MAX),
            after_empty: true,
        };
        let after = Position::new(PageRef::After("a\"\n✓".to_owned()), None);
        [
            cursor(Position::new(PageRef::Start, Some(0)), None, 0),
            cursor(middle, Some(100), 3),
            cursor(after, None, 1),
        ]
    }

    #[test]
    fn a_cursor_round_trips_through_string_and_serde() {
        for cursor in cursors() {
            assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
            let value = serde_json::to_value(&cursor).unwrap();
            assert_eq!(serde_json::from_value::<Cursor>(value).unwrap(), cursor);
        }
    }

    #[test]
    fn existing_cursor_strings_remain_valid() {
        let string = r#"{"operation":"list_things","at":{"page":7},"seen":700,"before":18446744073709551615,"after_empty":true,"size":100,"skip":3}"#;
        assert_eq!(string.parse::<Cursor>().unwrap(), cursors()[1]);
        let string = r#"{"operation":"list_things","at":"start","seen":0}"#;
        assert_eq!(string.parse::<Cursor>().unwrap(), cursors()[0]);
    }

    #[test]
    fn an_invalid_cursor_is_an_error() {
        for string in ["", "7", "{}", r#"{"operation":"list_things"}"#] {
            let error = string.parse::<Cursor>().unwrap_err();
            assert!(error.is_invalid_request(), "{error}");
            assert!(error.to_string().contains("invalid cursor"), "{error}");
        }
    }
}

//! A place in a list that outlives the stream.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::next_page::Position;
use crate::Error;

/// A place in a list, to go on from: in this program or, as text or through serde, in another.
///
/// It names a page, and how many items of that page were handed out. It holds no filter, so give the
/// resumed list those of the first; and it holds the size of a page, in which it counts. Lists whose
/// pages have numbers shift when items are added or removed in between, as they do without a cursor.
///
/// What its text looks like is not promised, only that later versions of this crate read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// The list operation.
    pub(super) operation: Cow<'static, str>,
    /// The page.
    #[serde(flatten)]
    pub(super) position: Position,
    /// The size of a page that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u32>,
    /// How many items of the page were handed out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) skip: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    /// Reads what `Display` wrote.
    fn from_str(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map_err(|error| Error::invalid_request(format!("this is no cursor: {error}")))
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
            before: Some(u64::MAX),
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
    fn text_and_serde_give_it_back() {
        for cursor in cursors() {
            assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
            let value = serde_json::to_value(&cursor).unwrap();
            assert_eq!(serde_json::from_value::<Cursor>(value).unwrap(), cursor);
        }
    }

    #[test]
    fn its_text_stays_readable() {
        let text = r#"{"operation":"list_things","at":{"page":7},"seen":700,"before":18446744073709551615,"after_empty":true,"size":100,"skip":3}"#;
        assert_eq!(text.parse::<Cursor>().unwrap(), cursors()[1]);
        let text = r#"{"operation":"list_things","at":"start","seen":0}"#;
        assert_eq!(text.parse::<Cursor>().unwrap(), cursors()[0]);
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "7", "{}", r#"{"operation":"list_things"}"#] {
            let error = text.parse::<Cursor>().unwrap_err();
            assert!(error.is_invalid_request(), "{error}");
            assert!(error.to_string().contains("no cursor"), "{error}");
        }
    }
}

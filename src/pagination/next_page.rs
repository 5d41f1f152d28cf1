//! Determines the page that follows a page, from the contents of the page alone.

use std::{
    borrow::Cow,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};

use super::Paged;
use crate::operation::Paging;

/// The position of a page in its list, and what is known about the pages before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The reference that the request for the page contains.
    pub(crate) at: PageRef,
    /// The number of items on the pages before it; `None` if the list was not read from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<u64>,
    /// The fingerprint of the previous page; `None` if that page was empty or was not read.
    #[serde(default, rename = "before", skip_serializing_if = "Option::is_none")]
    pub(crate) previous_fingerprint: Option<u64>,
    /// Whether the previous page was empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) after_empty: bool,
}

/// A reference to a page in a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PageRef {
    /// No parameter: the start of a list with a cursor, or a list that is not paginated.
    Start,
    /// The page number.
    Page(u32),
    /// The cursor: the id of the last item of the previous page, or the cursor that it contained.
    After(String),
}

impl Position {
    /// Creates a position without a previous page.
    pub(crate) fn new(at: PageRef, seen: Option<u64>) -> Self {
        Self {
            at,
            seen,
            previous_fingerprint: None,
            after_empty: false,
        }
    }
}

/// The properties of a page that determine the next page.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageInfo {
    /// The number of items, including mismatched items.
    pub(crate) count: u64,
    /// The number of items on all pages.
    pub(crate) total: Option<u64>,
    /// Whether more pages follow, according to the service.
    pub(crate) has_more: Option<bool>,
    /// The key of the last item.
    pub(crate) last_key: Option<String>,
    /// The cursor of the next page.
    pub(crate) next_cursor: Option<String>,
    /// Identifies the contents of the page; `None` if it is empty.
    pub(crate) fingerprint: Option<u64>,
}

impl PageInfo {
    /// Extracts the properties of a decoded page. `body` identifies it if its items have no keys.
    pub(crate) fn of<L: Paged>(list: &L, body: &[u8]) -> Self {
        let items = list.items();
        let count = items.len() + list.skipped();
        Self {
            count: count as u64,
            total: list.total(),
            has_more: list.has_more(),
            last_key: items.last().and_then(L::key).map(Cow::into_owned),
            next_cursor: list.next_cursor().map(str::to_owned),
            fingerprint: (count > 0).then(|| fingerprint::<L>(items, body)),
        }
    }
}

fn fingerprint<L: Paged>(items: &[L::Item], body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    if items.iter().any(|item| L::key(item).is_some()) {
        items.iter().for_each(|item| L::key(item).hash(&mut hasher));
    } else {
        body.hash(&mut hasher);
    }
    hasher.finish()
}

/// The page that follows a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NextPage {
    /// None: it was the last page.
    End,
    /// The page at this position.
    Next(Position),
    /// More pages follow, but the next one cannot be requested.
    Unreachable(Problem),
}

/// The reason why a list cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The service returned the same page twice.
    RepeatedPage,
    /// More items follow an item without an id.
    MissingId,
    /// The number of the next page exceeds `u32::MAX`.
    PageNumberOverflow,
    /// Items were deleted meanwhile, and pages cannot be read again.
    DeletedWithoutKey,
    /// The total falls again and again.
    FallingTotal,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RepeatedPage => "the service returned the same page twice",
            Self::MissingId => "more items follow, but the last item of the page has no id",
            Self::PageNumberOverflow => "the number of the next page exceeds 4294967295",
            Self::DeletedWithoutKey => {
                "the total fell while the list was read, and its items have no id by which they could \
                 be recognised when a page is read again"
            }
            Self::FallingTotal => {
                "the total fell more than three times in a row while the list was read"
            }
        })
    }
}

/// Determines the page that follows the page at `position`, which was requested with the page size
/// `size`.
///
/// # Errors
///
/// If the page equals the previous page.
pub(crate) fn next_page(
    paging: &Paging,
    size: Option<u32>,
    position: &Position,
    page: &PageInfo,
) -> Result<NextPage, Problem> {
    if paging.page.is_none() && paging.after.is_none() {
        return Ok(NextPage::End);
    }
    if page.fingerprint.is_some() && page.fingerprint == position.previous_fingerprint {
        return Err(Problem::RepeatedPage);
    }
    let is_empty = page.count == 0;
    let seen = items_seen(paging, position, page);
    let at = if paging.next.is_some() {
        // Pages before the last may be empty, because only the cursor decides.
        match page.next_cursor.clone().map(PageRef::After) {
            None => return Ok(NextPage::End),
            Some(at) if at == position.at => return Err(Problem::RepeatedPage),
            Some(at) => at,
        }
    } else if (is_empty && position.after_empty) || !has_more_pages(page, seen, size) {
        return Ok(NextPage::End);
    } else {
        match next_page_ref(paging, position, page) {
            Ok(at) => at,
            Err(problem) => return Ok(NextPage::Unreachable(problem)),
        }
    };
    Ok(NextPage::Next(Position {
        at,
        seen: Some(seen),
        previous_fingerprint: page.fingerprint,
        after_empty: is_empty,
    }))
}

/// Returns the number of items up to and including this page.
///
/// If the list was not read from the start, the sizes of the skipped pages are unknown and assumed
/// to equal that of this page. If this is the last page, the count may be too low, which costs one
/// request at the end; a count that is too high would lose items.
fn items_seen(paging: &Paging, position: &Position, page: &PageInfo) -> u64 {
    let skipped = match position.at {
        PageRef::Page(number) => u64::from(number.saturating_sub(paging.first)),
        _ => 0,
    };
    let before = position.seen.unwrap_or(skipped * page.count);
    before.saturating_add(page.count)
}

/// Whether more pages follow, according to the first of these that is available: the total, unless
/// more items were seen; the flag in the response; whether the page has the requested size; whether
/// it has any items.
fn has_more_pages(page: &PageInfo, seen: u64, size: Option<u32>) -> bool {
    match (
        page.total.filter(|total| *total >= seen),
        page.has_more,
        size,
    ) {
        (Some(total), _, _) => seen < total,
        (None, Some(has_more), _) => has_more,
        (None, None, Some(size)) => page.count >= u64::from(size),
        (None, None, None) => page.count > 0,
    }
}

fn next_page_ref(
    paging: &Paging,
    position: &Position,
    page: &PageInfo,
) -> Result<PageRef, Problem> {
    if paging.after.is_some() {
        return page
            .last_key
            .clone()
            .map(PageRef::After)
            .ok_or(Problem::MissingId);
    }
    let number = match position.at {
        PageRef::Page(number) => number,
        _ => paging.first,
    };
    number
        .checked_add(1)
        .map(PageRef::Page)
        .ok_or(Problem::PageNumberOverflow)
}

#[cfg(test)]
mod tests;

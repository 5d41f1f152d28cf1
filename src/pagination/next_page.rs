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
    /// The id of the last item of the previous page.
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
    /// Identifies the contents of the page; `None` if it is empty.
    pub(crate) fingerprint: Option<u64>,
}

impl PageInfo {
    /// Extracts the properties of a decoded page. `body` identifies it if its items have no keys.
    pub(crate) fn of<L: Paged>(list: &L, body: &[u8]) -> Self {
        let items = list.items();
        let count = items.len() + list.mismatched_items();
        Self {
            count: count as u64,
            total: list.total(),
            has_more: list.has_more(),
            last_key: items.last().and_then(L::key).map(Cow::into_owned),
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
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RepeatedPage => "the service returned the same page twice",
            Self::MissingId => "more items follow, but the last item of the page has no id",
            Self::PageNumberOverflow => "the number of the next page exceeds 4294967295",
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
    if (is_empty && position.after_empty) || !has_more_pages(page, seen, size) {
        return Ok(NextPage::End);
    }
    let at = match next_page_ref(paging, position, page) {
        Ok(at) => at,
        Err(problem) => return Ok(NextPage::Unreachable(problem)),
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
mod tests {
    use super::{NextPage, PageInfo, PageRef, Position, Problem, next_page};
    use crate::operation::Paging;

    const NUMBERED: Paging = Paging {
        page: Some("current_page"),
        size: Some("page_size"),
        first: 0,
        after: None,
    };
    const CURSOR: Paging = Paging {
        page: None,
        size: Some("limit"),
        first: 0,
        after: Some("after"),
    };
    const UNPAGINATED: Paging = Paging {
        page: None,
        size: None,
        first: 0,
        after: None,
    };

    /// Returns a page with the given ids.
    fn page(ids: &[&str], total: Option<u64>, has_more: Option<bool>) -> PageInfo {
        PageInfo {
            count: ids.len() as u64,
            total,
            has_more,
            last_key: ids.last().map(|id| (*id).to_owned()),
            fingerprint: (!ids.is_empty()).then(|| ids.concat().bytes().map(u64::from).sum()),
        }
    }

    fn start(paging: &Paging) -> Position {
        match paging.page {
            Some(_) => Position::new(PageRef::Page(paging.first), Some(0)),
            None => Position::new(PageRef::Start, Some(0)),
        }
    }

    /// Reads the pages. Returns how many were read, and the outcome.
    fn read_pages(
        paging: &Paging,
        size: Option<u32>,
        pages: &[PageInfo],
    ) -> (usize, Result<NextPage, Problem>) {
        read_pages_from(start(paging), paging, size, pages)
    }

    fn read_pages_from(
        mut position: Position,
        paging: &Paging,
        size: Option<u32>,
        pages: &[PageInfo],
    ) -> (usize, Result<NextPage, Problem>) {
        for (index, page) in pages.iter().enumerate() {
            match next_page(paging, size, &position, page) {
                Ok(NextPage::Next(next)) => position = next,
                end => return (index + 1, end),
            }
        }
        (pages.len(), Ok(NextPage::Next(position)))
    }

    const END: Result<NextPage, Problem> = Ok(NextPage::End);

    #[test]
    fn the_total_takes_precedence_over_has_more_and_page_size() {
        let pages = [
            page(&["a", "b"], Some(4), Some(false)),
            page(&["c", "d"], Some(4), Some(true)),
        ];
        assert_eq!(read_pages(&NUMBERED, Some(9), &pages), (2, END));
    }

    #[test]
    fn a_short_page_is_not_the_last_if_the_total_is_not_reached() {
        let pages = [
            page(&["a", "b"], Some(3), None),
            page(&["c"], Some(3), None),
        ];
        assert_eq!(read_pages(&NUMBERED, Some(500), &pages), (2, END));
    }

    #[test]
    fn without_a_total_has_more_decides() {
        let pages = [
            page(&["a"], None, Some(true)),
            page(&["b", "c"], None, Some(false)),
        ];
        assert_eq!(read_pages(&NUMBERED, Some(2), &pages), (2, END));
    }

    #[test]
    fn without_total_and_has_more_a_short_page_is_the_last() {
        let pages = [page(&["a", "b"], None, None), page(&["c"], None, None)];
        assert_eq!(read_pages(&NUMBERED, Some(2), &pages), (2, END));
    }

    #[test]
    fn without_any_information_an_empty_page_is_the_last() {
        let pages = [page(&["a", "b"], None, None), page(&[], None, None)];
        assert_eq!(read_pages(&NUMBERED, None, &pages), (2, END));
    }

    #[test]
    fn one_empty_page_is_skipped_and_two_end_the_list() {
        let one_empty = [
            page(&["a"], Some(2), None),
            page(&[], Some(2), None),
            page(&["b"], Some(2), None),
        ];
        assert_eq!(read_pages(&NUMBERED, Some(1), &one_empty), (3, END));
        let two_empty = [
            page(&["a"], Some(9), None),
            page(&[], Some(9), None),
            page(&[], Some(9), None),
        ];
        assert_eq!(read_pages(&NUMBERED, Some(1), &two_empty), (3, END));
        let two_empty_apart = [
            page(&[], Some(2), None),
            page(&["a"], Some(2), None),
            page(&[], Some(2), None),
            page(&["b"], Some(2), None),
        ];
        assert_eq!(read_pages(&NUMBERED, Some(1), &two_empty_apart), (4, END));
    }

    #[test]
    fn a_total_below_the_items_seen_is_ignored() {
        let pages = [
            page(&["a", "b"], Some(1), None),
            page(&["c"], Some(1), None),
        ];
        assert_eq!(read_pages(&NUMBERED, Some(2), &pages), (2, END));
    }

    #[test]
    fn a_repeated_page_is_an_error() {
        let pages = [
            page(&["a", "b"], Some(9), None),
            page(&["a", "b"], Some(9), None),
        ];
        assert_eq!(
            read_pages(&NUMBERED, None, &pages),
            (2, Err(Problem::RepeatedPage))
        );
        // Also without a total and `has_more`.
        let without_total = [page(&["a"], None, None), page(&["a"], None, None)];
        assert_eq!(
            read_pages(&NUMBERED, None, &without_total),
            (2, Err(Problem::RepeatedPage))
        );
    }

    #[test]
    fn page_numbers_start_at_the_first_number() {
        let one = Paging {
            first: 1,
            ..NUMBERED
        };
        let next = next_page(&one, None, &start(&one), &page(&["a"], Some(2), None));
        let Ok(NextPage::Next(next)) = next else {
            panic!("{next:?}");
        };
        assert_eq!((next.at, next.seen), (PageRef::Page(2), Some(1)));
    }

    #[test]
    fn starting_in_the_middle_reads_to_the_end() {
        // Ten items in pages of three, starting at the second page: 3 items are skipped.
        let middle = Position::new(PageRef::Page(1), None);
        let pages = [
            page(&["d", "e", "f"], Some(10), None),
            page(&["g", "h", "i"], Some(10), None),
            page(&["j"], Some(10), None),
        ];
        let outcome = read_pages_from(middle, &NUMBERED, Some(500), &pages);
        assert_eq!(outcome, (3, END));
        // Starting at the last page, which is shorter than the others.
        let last_page = Position::new(PageRef::Page(3), None);
        let pages = [
            page(&["j"], Some(10), None),
            page(&[], Some(10), None),
            page(&[], Some(10), None),
        ];
        assert_eq!(
            read_pages_from(last_page, &NUMBERED, Some(3), &pages),
            (3, END)
        );
    }

    #[test]
    fn the_cursor_is_the_id_of_the_last_item() {
        let next = next_page(
            &CURSOR,
            None,
            &start(&CURSOR),
            &page(&["a", "b"], None, Some(true)),
        );
        let Ok(NextPage::Next(next)) = next else {
            panic!("{next:?}");
        };
        assert_eq!(next.at, PageRef::After("b".to_owned()));
        let end = next_page(&CURSOR, None, &next, &page(&["c"], None, Some(false)));
        assert_eq!(end, END);
    }

    #[test]
    fn a_list_with_a_cursor_needs_an_id_to_continue() {
        let mut without_id = page(&["a"], None, Some(true));
        without_id.last_key = None;
        assert_eq!(
            next_page(&CURSOR, None, &start(&CURSOR), &without_id),
            Ok(NextPage::Unreachable(Problem::MissingId))
        );
        without_id.has_more = Some(false);
        assert_eq!(next_page(&CURSOR, None, &start(&CURSOR), &without_id), END);
        let empty = page(&[], None, Some(true));
        assert_eq!(
            next_page(&CURSOR, None, &start(&CURSOR), &empty),
            Ok(NextPage::Unreachable(Problem::MissingId))
        );
    }

    #[test]
    fn an_unpaginated_list_is_one_page() {
        let all = page(&["a"], Some(9), Some(true));
        assert_eq!(
            next_page(&UNPAGINATED, Some(1), &start(&UNPAGINATED), &all),
            END
        );
    }

    #[test]
    fn a_page_number_overflow_is_reported() {
        let maximum = Position::new(PageRef::Page(u32::MAX), Some(0));
        assert_eq!(
            next_page(&NUMBERED, None, &maximum, &page(&["a"], Some(9), None)),
            Ok(NextPage::Unreachable(Problem::PageNumberOverflow))
        );
    }
}

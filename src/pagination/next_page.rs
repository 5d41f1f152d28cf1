//! What follows a page: the whole decision, from what the page says and nothing else.

use std::{
    borrow::Cow,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};

use super::Paged;
use crate::operation::Paging;

/// Where a page stands in its list, and what was seen before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// How the page is asked for.
    pub(crate) at: PageRef,
    /// How many items the pages before it held; absent where the caller began in the middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<u64>,
    /// The page before it, to know it again; absent where that was empty, or not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<u64>,
    /// Whether the page before it was empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) after_empty: bool,
}

/// How a page is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PageRef {
    /// By no parameter: the beginning of a list with a cursor, or a list in one piece.
    Start,
    /// By its number.
    Page(u32),
    /// By the id of the item before it.
    After(String),
}

impl Position {
    /// A position of which nothing is known but how its page is asked for.
    pub(crate) fn new(at: PageRef, seen: Option<u64>) -> Self {
        Self {
            at,
            seen,
            before: None,
            after_empty: false,
        }
    }
}

/// What a page says.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageInfo {
    /// How many items it holds, mismatched_items among them.
    pub(crate) count: u64,
    /// How many the whole list has.
    pub(crate) total: Option<u64>,
    /// Whether others follow.
    pub(crate) more: Option<bool>,
    /// The id of its last item.
    pub(crate) last: Option<String>,
    /// By what the page is known again; absent where it is empty.
    pub(crate) mark: Option<u64>,
}

impl PageInfo {
    /// What a decoded page says; `body` marks it where its items have no ids.
    pub(crate) fn of<L: Paged>(list: &L, body: &[u8]) -> Self {
        let items = list.items();
        let count = items.len() + list.mismatched_items();
        Self {
            count: count as u64,
            total: list.total(),
            more: list.has_more(),
            last: items.last().and_then(L::key).map(Cow::into_owned),
            mark: (count > 0).then(|| mark::<L>(items, body)),
        }
    }
}

fn mark<L: Paged>(items: &[L::Item], body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    if items.iter().any(|item| L::key(item).is_some()) {
        items.iter().for_each(|item| L::key(item).hash(&mut hasher));
    } else {
        body.hash(&mut hasher);
    }
    hasher.finish()
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NextPage {
    /// Nothing: it was the last one.
    End,
    /// The page at that position.
    Next(Position),
    /// Others, but it cannot be said where.
    Stuck(Problem),
}

/// What the service did that no list can be read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It sent the same page again.
    Repeated,
    /// It said that others follow an item without an id.
    NoId,
    /// The number of the next page is beyond every number.
    NoNumber,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeated => "the service did not advance: it sent the items of the page before",
            Self::NoId => "the service says that more follow, after no item with an id",
            Self::NoNumber => "the next page has no number",
        })
    }
}

/// What follows the page at `position`, for which `size` items were asked.
///
/// # Errors
///
/// If the page is the one before it again: then it is no page of the list.
pub(crate) fn next_page(
    paging: &Paging,
    size: Option<u32>,
    position: &Position,
    page: &PageInfo,
) -> Result<NextPage, Problem> {
    if paging.page.is_none() && paging.after.is_none() {
        return Ok(NextPage::End);
    }
    if page.mark.is_some() && page.mark == position.before {
        return Err(Problem::Repeated);
    }
    let empty = page.count == 0;
    let seen = seen(paging, position, page);
    if (empty && position.after_empty) || !says_more(page, seen, size) {
        return Ok(NextPage::End);
    }
    let at = match following(paging, position, page) {
        Ok(at) => at,
        Err(problem) => return Ok(NextPage::Stuck(problem)),
    };
    Ok(NextPage::Next(Position {
        at,
        seen: Some(seen),
        before: page.mark,
        after_empty: empty,
    }))
}

/// How many items were seen with this page.
///
/// Who begins in the middle has skipped pages of unknown size. They are counted as if they were as long
/// as this one, the last one perhaps: too few cost a request at the end, too many would lose items.
fn seen(paging: &Paging, position: &Position, page: &PageInfo) -> u64 {
    let skipped = match position.at {
        PageRef::Page(number) => u64::from(number.saturating_sub(paging.first)),
        _ => 0,
    };
    let before = position.seen.unwrap_or(skipped * page.count);
    before.saturating_add(page.count)
}

/// Whether others follow, by the first of these that the page has: the total, unless more items were
/// seen than it allows; what it says itself; its length against what was asked for; anything at all.
fn says_more(page: &PageInfo, seen: u64, size: Option<u32>) -> bool {
    match (page.total.filter(|total| *total >= seen), page.more, size) {
        (Some(total), _, _) => seen < total,
        (None, Some(more), _) => more,
        (None, None, Some(size)) => page.count >= u64::from(size),
        (None, None, None) => page.count > 0,
    }
}

fn following(paging: &Paging, position: &Position, page: &PageInfo) -> Result<PageRef, Problem> {
    if paging.after.is_some() {
        return page.last.clone().map(PageRef::After).ok_or(Problem::NoId);
    }
    let number = match position.at {
        PageRef::Page(number) => number,
        _ => paging.first,
    };
    number
        .checked_add(1)
        .map(PageRef::Page)
        .ok_or(Problem::NoNumber)
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
    const WHOLE: Paging = Paging {
        page: None,
        size: None,
        first: 0,
        after: None,
    };

    /// A page of `ids`; `total` and `more` as the service says.
    fn page(ids: &[&str], total: Option<u64>, more: Option<bool>) -> PageInfo {
        PageInfo {
            count: ids.len() as u64,
            total,
            more,
            last: ids.last().map(|id| (*id).to_owned()),
            mark: (!ids.is_empty()).then(|| ids.concat().bytes().map(u64::from).sum()),
        }
    }

    fn start(paging: &Paging) -> Position {
        match paging.page {
            Some(_) => Position::new(PageRef::Page(paging.first), Some(0)),
            None => Position::new(PageRef::Start, Some(0)),
        }
    }

    /// Walks over `pages`: how many were read, and how it ended.
    fn walk(
        paging: &Paging,
        size: Option<u32>,
        pages: &[PageInfo],
    ) -> (usize, Result<NextPage, Problem>) {
        walk_from(start(paging), paging, size, pages)
    }

    fn walk_from(
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
    fn the_total_ends_it_whatever_else_is_said() {
        let pages = [
            page(&["a", "b"], Some(4), Some(false)),
            page(&["c", "d"], Some(4), Some(true)),
        ];
        assert_eq!(walk(&NUMBERED, Some(9), &pages), (2, END));
    }

    #[test]
    fn a_short_page_does_not_end_it_while_the_total_says_more() {
        let pages = [
            page(&["a", "b"], Some(3), None),
            page(&["c"], Some(3), None),
        ];
        assert_eq!(walk(&NUMBERED, Some(500), &pages), (2, END));
    }

    #[test]
    fn without_a_total_has_more_ends_it() {
        let pages = [
            page(&["a"], None, Some(true)),
            page(&["b", "c"], None, Some(false)),
        ];
        assert_eq!(walk(&NUMBERED, Some(2), &pages), (2, END));
    }

    #[test]
    fn with_neither_a_page_shorter_than_asked_for_ends_it() {
        let pages = [page(&["a", "b"], None, None), page(&["c"], None, None)];
        assert_eq!(walk(&NUMBERED, Some(2), &pages), (2, END));
    }

    #[test]
    fn with_nothing_known_an_empty_page_ends_it() {
        let pages = [page(&["a", "b"], None, None), page(&[], None, None)];
        assert_eq!(walk(&NUMBERED, None, &pages), (2, END));
    }

    #[test]
    fn one_empty_page_is_passed_over_and_two_are_the_end() {
        let hole = [
            page(&["a"], Some(2), None),
            page(&[], Some(2), None),
            page(&["b"], Some(2), None),
        ];
        assert_eq!(walk(&NUMBERED, Some(1), &hole), (3, END));
        let lie = [
            page(&["a"], Some(9), None),
            page(&[], Some(9), None),
            page(&[], Some(9), None),
        ];
        assert_eq!(walk(&NUMBERED, Some(1), &lie), (3, END));
        let apart = [
            page(&[], Some(2), None),
            page(&["a"], Some(2), None),
            page(&[], Some(2), None),
            page(&["b"], Some(2), None),
        ];
        assert_eq!(walk(&NUMBERED, Some(1), &apart), (4, END));
    }

    #[test]
    fn a_total_below_what_was_seen_says_nothing() {
        let pages = [
            page(&["a", "b"], Some(1), None),
            page(&["c"], Some(1), None),
        ];
        assert_eq!(walk(&NUMBERED, Some(2), &pages), (2, END));
    }

    #[test]
    fn the_same_page_again_is_an_error() {
        let pages = [
            page(&["a", "b"], Some(9), None),
            page(&["a", "b"], Some(9), None),
        ];
        assert_eq!(walk(&NUMBERED, None, &pages), (2, Err(Problem::Repeated)));
        // Also where the service takes no page and says nothing of more.
        let silent = [page(&["a"], None, None), page(&["a"], None, None)];
        assert_eq!(walk(&NUMBERED, None, &silent), (2, Err(Problem::Repeated)));
    }

    #[test]
    fn pages_are_counted_from_the_first_number() {
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
    fn a_beginning_in_the_middle_never_loses_the_end() {
        // Ten items, pages of three, begun at the second: skipped 3.
        let middle = Position::new(PageRef::Page(1), None);
        let pages = [
            page(&["d", "e", "f"], Some(10), None),
            page(&["g", "h", "i"], Some(10), None),
            page(&["j"], Some(10), None),
        ];
        let ended = walk_from(middle, &NUMBERED, Some(500), &pages);
        assert_eq!(ended, (3, END));
        // Begun at the last page, whose length says nothing of the others.
        let last = Position::new(PageRef::Page(3), None);
        let pages = [
            page(&["j"], Some(10), None),
            page(&[], Some(10), None),
            page(&[], Some(10), None),
        ];
        assert_eq!(walk_from(last, &NUMBERED, Some(3), &pages), (3, END));
    }

    #[test]
    fn a_cursor_is_the_id_of_the_last_item() {
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
    fn a_cursor_list_needs_an_id_to_go_on() {
        let mut nameless = page(&["a"], None, Some(true));
        nameless.last = None;
        assert_eq!(
            next_page(&CURSOR, None, &start(&CURSOR), &nameless),
            Ok(NextPage::Stuck(Problem::NoId))
        );
        nameless.more = Some(false);
        assert_eq!(next_page(&CURSOR, None, &start(&CURSOR), &nameless), END);
        let nothing = page(&[], None, Some(true));
        assert_eq!(
            next_page(&CURSOR, None, &start(&CURSOR), &nothing),
            Ok(NextPage::Stuck(Problem::NoId))
        );
    }

    #[test]
    fn a_list_in_one_piece_is_one_page() {
        let all = page(&["a"], Some(9), Some(true));
        assert_eq!(next_page(&WHOLE, Some(1), &start(&WHOLE), &all), END);
    }

    #[test]
    fn numbers_end_somewhere() {
        let far = Position::new(PageRef::Page(u32::MAX), Some(0));
        assert_eq!(
            next_page(&NUMBERED, None, &far, &page(&["a"], Some(9), None)),
            Ok(NextPage::Stuck(Problem::NoNumber))
        );
    }
}

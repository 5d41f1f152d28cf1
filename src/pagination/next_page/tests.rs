use super::{NextPage, PageInfo, PageRef, Position, Problem, next_page};
use crate::operation::Paging;

const NUMBERED: Paging = Paging {
    page: Some("current_page"),
    size: Some("page_size"),
    first: 0,
    after: None,
    next: None,
};
const CURSOR: Paging = Paging {
    page: None,
    size: Some("limit"),
    first: 0,
    after: Some("after"),
    next: None,
};
const UNPAGINATED: Paging = Paging {
    page: None,
    size: None,
    first: 0,
    after: None,
    next: None,
};

/// Returns a page with the given ids.
fn page(ids: &[&str], total: Option<u64>, has_more: Option<bool>) -> PageInfo {
    PageInfo {
        count: ids.len() as u64,
        total,
        has_more,
        last_key: ids.last().map(|id| (*id).to_owned()),
        next_cursor: None,
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
fn a_cursor_in_the_response_decides_alone() {
    const NEXT: Paging = Paging {
        next: Some("metadata.nextCursor"),
        ..CURSOR
    };
    let with_cursor = |ids: &[&str], cursor: Option<&str>| PageInfo {
        next_cursor: cursor.map(str::to_owned),
        ..page(ids, Some(1), Some(false))
    };
    let pages = [
        with_cursor(&["a"], Some("1")),
        with_cursor(&[], Some("2")),
        with_cursor(&[], Some("3")),
        with_cursor(&["b"], None),
    ];
    assert_eq!(read_pages(&NEXT, Some(9), &pages), (4, END));
    let (read, next) = read_pages(&NEXT, Some(9), &pages[..1]);
    let Ok(NextPage::Next(next)) = next else {
        panic!("{next:?}");
    };
    assert_eq!((read, next.at), (1, PageRef::After("1".to_owned())));
    let repeated = [with_cursor(&["a"], Some("1")), with_cursor(&[], Some("1"))];
    assert_eq!(
        read_pages(&NEXT, None, &repeated),
        (2, Err(Problem::RepeatedPage))
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

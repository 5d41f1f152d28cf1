//! A list as a stream of items.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use futures_core::Stream;

use super::{Cursor, Paged, Pages};
use crate::Error;

/// A list, item after item: what a list builder's `stream` returns.
///
/// It is lazy: nothing is sent before the first item is asked for, by [`next`](Self::next) or as a
/// [`Stream`], and no page before its first item is. The items come in the order of the service, and
/// one page of them is in memory. It ends as [`Pages`] does, and has the same errors. After an error it
/// is over; [`cursor`](Self::cursor) still names the page that failed.
#[must_use = "nothing is sent before the first item is asked for"]
pub struct Items<L: Paged> {
    pages: Pages<L>,
    current: Option<CurrentPage<L>>,
    limit: Option<u64>,
    given: u64,
}

/// The page that items are handed out of.
struct CurrentPage<L: Paged> {
    items: vec::IntoIter<L::Item>,
    /// The page, and how many of its items were handed out.
    cursor: Cursor,
}

impl<L: Paged> Items<L> {
    pub(super) fn new(pages: Pages<L>) -> Self {
        Self {
            pages,
            current: None,
            limit: None,
            given: 0,
        }
    }

    /// Sets how many items a page has; the service may send fewer. It counts before what the builder
    /// was told, and has no effect on a list that comes in one piece.
    pub fn page_size(mut self, items: u32) -> Self {
        self.pages = self.pages.page_size(items);
        self
    }

    /// Goes on from a cursor, with the item after the last one that was handed out before it was taken.
    pub fn resume(mut self, cursor: Cursor) -> Self {
        self.pages = self.pages.resume(cursor);
        self
    }

    /// Ends after that many items.
    pub fn limit(mut self, items: u64) -> Self {
        self.pages = self.pages.limit(items);
        self.limit = Some(items);
        self
    }

    /// Sets after how many pages a list that still goes on is an error: 10,000 unless set.
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.pages = self.pages.max_pages(pages);
        self
    }

    /// Asks for the next page in a task of its own while the items of this one are handed out, so that
    /// two pages are in memory. The task ends with the stream.
    pub fn prefetch(mut self, ahead: bool) -> Self {
        self.pages = self.pages.prefetch(ahead);
        self
    }

    /// The next item; `None` after the last one and after an error.
    ///
    /// It may be dropped while it waits: no item is lost.
    pub async fn next(&mut self) -> Option<Result<L::Item, Error>> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// All items.
    ///
    /// # Errors
    ///
    /// The first error; the items before it are lost with it.
    pub async fn try_collect(mut self) -> Result<Vec<L::Item>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    /// Where to go on: after the last item that was handed out. `None` where nothing is left.
    pub fn cursor(&self) -> Option<Cursor> {
        match &self.current {
            Some(current) if current.items.len() > 0 => Some(current.cursor.clone()),
            _ => self.pages.cursor(),
        }
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<L::Item, Error>>> {
        loop {
            if self.limit.is_some_and(|limit| self.given >= limit) {
                return Poll::Ready(None);
            }
            if let Some(item) = self.current.as_mut().and_then(CurrentPage::next) {
                self.given += 1;
                return Poll::Ready(Some(Ok(item)));
            }
            self.current = None;
            match ready!(self.pages.poll_page(context)) {
                Some(Ok(page)) => {
                    let cursor = page.cursor().clone();
                    let mut items = page.into_items().into_iter();
                    let skipped = items.by_ref().take(clamped(cursor.skip)).count();
                    // They were handed out before, so they count for no limit.
                    self.pages.given -= skipped as u64;
                    self.current = Some(CurrentPage { items, cursor });
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

fn clamped(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<L: Paged> CurrentPage<L> {
    fn next(&mut self) -> Option<L::Item> {
        let item = self.items.next()?;
        self.cursor.skip += 1;
        Some(item)
    }
}

impl<L: Paged> Stream for Items<L> {
    type Item = Result<L::Item, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(context)
    }
}

impl<L: Paged> fmt::Debug for Items<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("pages", &self.pages)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

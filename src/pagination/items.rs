//! A list as a stream of items.

use std::{
    borrow::Cow,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use futures_core::Stream;

use super::{Cursor, Paged, Pages};
use crate::{Error, error::Label};

/// A stream of the items of a list, returned by `stream` of a list builder.
///
/// The stream is lazy: a page is requested only when its first item is requested, with
/// [`next`](Self::next) or through [`Stream`]. Items are yielded in the order of the service; one
/// page is held in memory. The stream ends under the same conditions as [`Pages`] and has the same
/// errors. After an error it yields `None`; [`cursor`](Self::cursor) then returns the position of
/// the page that failed.
///
/// See the guide: [lists](crate::guide::lists).
#[must_use = "nothing is sent before the first item is requested"]
pub struct Items<L: Paged> {
    pages: Pages<L>,
    current: Option<CurrentPage<L>>,
    limit: Option<u64>,
    yielded: u64,
}

/// The page whose items are being yielded.
struct CurrentPage<L: Paged> {
    items: vec::IntoIter<L::Item>,
    /// The page and the number of its items that were yielded.
    cursor: Cursor,
    /// The positions of items that are missing because they were yielded before.
    removed: Vec<u64>,
}

impl<L: Paged> Items<L> {
    pub(super) fn new(pages: Pages<L>) -> Self {
        Self {
            pages,
            current: None,
            limit: None,
            yielded: 0,
        }
    }

    /// Sets the number of items per page, like the parameter of the builder; the service may return
    /// fewer. Has no effect on a list that is not paginated.
    pub fn page_size(mut self, items: u32) -> Self {
        self.pages = self.pages.page_size(items);
        self
    }

    /// Resumes at a cursor, with the item after the last one that was yielded when the cursor was
    /// obtained.
    pub fn resume(mut self, cursor: Cursor) -> Self {
        self.pages = self.pages.resume(cursor);
        self
    }

    /// Ends the stream after the given number of items.
    pub fn limit(mut self, items: u64) -> Self {
        self.pages = self.pages.limit(items);
        self.limit = Some(items);
        self
    }

    /// Sets the maximum number of pages; a longer list is an error. Default: 10,000.
    pub fn max_pages(mut self, pages: u32) -> Self {
        self.pages = self.pages.max_pages(pages);
        self
    }

    /// Sets whether the next page is fetched in a separate task while the items of the current page
    /// are yielded. Two pages are then held in memory. The task is aborted when the stream is
    /// dropped. Default: `false`.
    pub fn prefetch(mut self, enabled: bool) -> Self {
        self.pages = self.pages.prefetch(enabled);
        self
    }

    /// Returns the next item; `None` after the last item and after an error.
    ///
    /// Cancel safe: if the future is dropped, no item is lost.
    pub async fn next(&mut self) -> Option<Result<L::Item, Error>> {
        poll_fn(|context| self.poll_item(context)).await
    }

    /// Collects all items.
    ///
    /// # Errors
    ///
    /// Returns the first error; the items before it are discarded.
    pub async fn try_collect(mut self) -> Result<Vec<L::Item>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    /// Returns the error that two items have the name that was looked up.
    pub(super) fn ambiguous(&self, name: &str, keys: [Option<Cow<'_, str>>; 2]) -> Error {
        let keys: Vec<String> = keys
            .into_iter()
            .map(|key| format!("`{}`", key.as_deref().unwrap_or("unknown")))
            .collect();
        let problem = format!(
            "expected one item named `{name}`, found {}",
            keys.join(" and ")
        );
        Error::ambiguous(problem).with_operation(&Label::Operation(self.pages.operation()))
    }

    /// Returns the number of items that could not be decoded, on all pages read so far. They are not
    /// yielded; [`Page::skipped_items`](super::Page::skipped_items) returns them.
    pub fn skipped(&self) -> u64 {
        self.pages.skipped()
    }

    /// Returns the position after the last item that was yielded; `None` at the end of the list.
    pub fn cursor(&self) -> Option<Cursor> {
        match &self.current {
            Some(current) if current.items.len() > 0 => Some(current.cursor.clone()),
            _ => self.pages.cursor(),
        }
    }

    fn poll_item(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<L::Item, Error>>> {
        loop {
            if self.limit.is_some_and(|limit| self.yielded >= limit) {
                return Poll::Ready(None);
            }
            if let Some(item) = self.current.as_mut().and_then(CurrentPage::next) {
                self.yielded += 1;
                return Poll::Ready(Some(Ok(item)));
            }
            self.current = None;
            match ready!(self.pages.poll_page(context)) {
                Some(Ok(page)) => {
                    let (cursor, removed) = (page.cursor().clone(), page.removed.clone());
                    let mut items = page.into_items().into_iter();
                    let skipped = items.by_ref().take(saturating_usize(cursor.skip)).count();
                    // Skipped items were yielded before the resumption and do not count towards the
                    // limit.
                    self.pages.yielded -= skipped as u64;
                    self.current = Some(CurrentPage {
                        items,
                        cursor,
                        removed,
                    });
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

fn saturating_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl<L: Paged> CurrentPage<L> {
    fn next(&mut self) -> Option<L::Item> {
        let item = self.items.next()?;
        while self.removed.contains(&self.cursor.skip) {
            self.cursor.skip += 1;
        }
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
            .field("yielded", &self.yielded)
            .finish_non_exhaustive()
    }
}

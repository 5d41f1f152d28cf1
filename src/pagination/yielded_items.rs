//! The items and totals of the pages that were read, to detect that items were deleted meanwhile.
//!
//! If items of earlier pages are deleted, the following items move to earlier pages, where a list of
//! numbered pages would not read them. The total falls by the number of deleted items, so that is
//! how many items may have moved: these pages are read again without the items that were yielded.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use super::{
    Paged,
    next_page::{PageInfo, PageRef, Position, Problem},
};
use crate::operation::Paging;

/// How often in a row the total may fall without an item that was not yielded.
const MAX_FALLS_WITHOUT_NEW_ITEMS: u32 = 3;

/// The items that were yielded, and the totals and sizes of their pages.
#[derive(Default)]
pub(super) struct YieldedItems {
    /// The hashes of the keys of the items.
    keys: HashSet<u64>,
    hasher: RandomState,
    has_items_without_key: bool,
    last_total: Option<u64>,
    /// The number of items of the largest page. The size that the service uses is not smaller.
    largest_page: u64,
    /// The number of falls of the total since the last item that was not yielded before.
    falls: u32,
    /// The first page that was read. The caller did not ask for the pages before it.
    first_page: Option<u32>,
    /// Whether a page is or was read again.
    is_rereading: bool,
}

impl YieldedItems {
    /// Returns the position at which the list must be read again, if the total has fallen since the
    /// last page.
    ///
    /// # Errors
    ///
    /// If yielded items cannot be recognised, or if the total keeps falling without new items.
    pub(super) fn reread_position(
        &mut self,
        paging: &Paging,
        position: &Position,
        page: &PageInfo,
    ) -> Result<Option<Position>, Problem> {
        let (Some(total), PageRef::Page(number)) = (page.total, &position.at) else {
            return Ok(None);
        };
        let fallen = self.last_total.map_or(0, |last| last.saturating_sub(total));
        self.last_total = Some(total);
        let first_page = *self.first_page.get_or_insert(*number);
        if fallen == 0 || *number <= first_page {
            return Ok(None);
        }
        if self.has_items_without_key {
            return Err(Problem::DeletedWithoutKey);
        }
        self.falls += 1;
        if self.falls > MAX_FALLS_WITHOUT_NEW_ITEMS {
            return Err(Problem::FallingTotal);
        }
        self.is_rereading = true;
        let moved_pages = fallen.div_ceil(self.largest_page.max(1));
        let moved_pages = u32::try_from(moved_pages).unwrap_or(u32::MAX);
        let number = number.saturating_sub(moved_pages).max(first_page);
        let pages_before = u64::from(number.saturating_sub(paging.first));
        let seen = pages_before.saturating_mul(self.largest_page);
        Ok(Some(Position::new(PageRef::Page(number), Some(seen))))
    }

    /// Removes the items of a page that were yielded before, and remembers the others. Returns the
    /// positions of the removed items, and the number of skipped items that were not counted before.
    pub(super) fn add_page<L: Paged>(
        &mut self,
        list: &mut L,
        position: &Position,
        page: &PageInfo,
    ) -> (Vec<u64>, u64) {
        self.largest_page = self.largest_page.max(page.count);
        // Other lists are never read again.
        if page.total.is_none() || !matches!(position.at, PageRef::Page(_)) {
            return (Vec::new(), list.skipped() as u64);
        }
        let keys = list.mismatched_items().into_iter().map(|item| item.key());
        let is_new = |key: Option<&str>| match key {
            Some(key) => self.insert(key),
            None => !self.is_rereading,
        };
        let skipped = keys.map(is_new).filter(|is_new| *is_new).count();
        let (mut position, mut removed) = (0, Vec::new());
        list.retain_items(&mut |key| {
            self.has_items_without_key |= key.is_none();
            let is_new = key.is_none_or(|key| self.insert(key));
            if !is_new {
                removed.push(position);
            }
            position += 1;
            is_new
        });
        if !list.items().is_empty() {
            self.falls = 0;
        }
        (removed, skipped as u64)
    }

    /// Remembers an item; returns `false` if it was yielded before and a page is read again.
    fn insert(&mut self, key: &str) -> bool {
        self.keys.insert(self.hasher.hash_one(key)) || !self.is_rereading
    }
}

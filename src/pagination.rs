//! Pagination of list operations.
//!
//! `next_page` determines from the contents of a page whether another page follows, and which; it
//! does no I/O. [`Pages`] requests the pages one by one, and [`Items`] yields their items.

mod cursor;
mod items;
mod next_page;
mod pages;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::{JsonObject, request::Call};

pub use cursor::Cursor;
pub use items::Items;
pub use pages::{Page, Pages};

/// The response of a list operation: one page of a list.
///
/// Implemented by the responses of all list operations. The trait is sealed.
pub trait Paged: sealed::Sealed + Send + 'static {
    /// The type of the items.
    type Item: Send + Unpin + 'static;

    /// Returns the items of the page.
    fn items(&self) -> &[Self::Item];

    /// Converts into the items of the page.
    fn into_items(self) -> Vec<Self::Item>;

    /// Returns the number of items on all pages, if the response contains it.
    fn total(&self) -> Option<u64> {
        None
    }

    /// Returns whether more pages follow, if the response contains it.
    fn has_more(&self) -> Option<bool> {
        None
    }

    /// Returns the value that identifies an item within its list: usually its `id`, or its `slug`
    /// if it has no `id`. `None` if the item has neither.
    fn key(item: &Self::Item) -> Option<Cow<'_, str>>;

    /// Returns the number of items whose type did not match.
    #[doc(hidden)]
    fn mismatched_items(&self) -> usize;
}

pub(crate) mod sealed {
    /// Implemented by the responses of list operations.
    pub trait Sealed: crate::decode::LenientDecode {}
}

/// Creates the stream that `stream` of a list builder returns.
pub(crate) fn items<L: Paged>(call: Call) -> Items<L> {
    Items::new(pages(call))
}

/// Creates the stream that `pages` of a list builder returns.
pub(crate) fn pages<L: Paged>(call: Call) -> Pages<L> {
    Pages::new(call)
}

/// Converts a total to an unsigned integer; `None` if it is missing or negative.
pub(crate) fn item_count(value: impl Into<Option<i64>>) -> Option<u64> {
    value.into().and_then(|value| u64::try_from(value).ok())
}

/// A field or a free-form item from which the key of an item is read.
pub(crate) trait ItemKey {
    fn item_key(&self) -> Option<&str>;
}

impl ItemKey for String {
    fn item_key(&self) -> Option<&str> {
        Some(self)
    }
}

impl ItemKey for Option<String> {
    fn item_key(&self) -> Option<&str> {
        self.as_deref()
    }
}

/// A free-form item is identified by its field `id`.
impl ItemKey for Value {
    fn item_key(&self) -> Option<&str> {
        self.get("id")?.as_str()
    }
}

/// A free-form item is identified by its field `id`.
impl ItemKey for JsonObject {
    fn item_key(&self) -> Option<&str> {
        self.get("id")?.as_str()
    }
}

/// Returns the field `id` of the encoded item, for unions, whose variants have no common field in
/// Rust.
pub(crate) fn encoded_id(item: &impl Serialize) -> Option<String> {
    match serde_json::to_value(item).ok()?.get_mut("id")?.take() {
        Value::String(id) => Some(id),
        _ => None,
    }
}

/// Counts the mismatched items of a list in `extra` of the object that contains it.
pub(crate) fn mismatched_items(extra: &JsonObject, field: &str) -> usize {
    match extra.get(field) {
        Some(Value::Object(by_index)) => by_index.len(),
        Some(Value::Array(list)) => list.len(),
        _ => 0,
    }
}

/// Implements [`Paged`] for a response. For an object, the fields that may contain the items are
/// given; the first non-empty list counts. For a union of a bare list and an object, the object is
/// given.
///
/// `by` names the field that identifies an item. `itself` reads the `id` of a free-form item,
/// `encoded` reads the `id` of an encoded union, and `none` is for items that nothing identifies.
macro_rules! paged {
    (
        $name:ident of $item:ty, by $key:ident, in $($field:ident $wire:literal)+
        $(, total $total:ident)? $(, more $more:ident)?
    ) => {
        impl $crate::pagination::sealed::Sealed for $name {}

        impl $crate::pagination::Paged for $name {
            type Item = $item;

            fn items(&self) -> &[$item] {
                let lists: &[&Vec<$item>] = &[$(&self.$field),+];
                lists.iter().find(|items| !items.is_empty()).map_or(&[], |items| items)
            }

            fn into_items(self) -> Vec<$item> {
                let lists = [$(self.$field),+];
                lists.into_iter().find(|items| !items.is_empty()).unwrap_or_default()
            }

            $(fn total(&self) -> Option<u64> {
                $crate::pagination::item_count(self.$total)
            })?

            $(fn has_more(&self) -> Option<bool> {
                self.$more.into()
            })?

            fn key(item: &$item) -> Option<std::borrow::Cow<'_, str>> {
                $crate::pagination::key!(item $key)
            }

            fn mismatched_items(&self) -> usize {
                0 $(+ $crate::pagination::mismatched_items(&self.extra, $wire))+
            }
        }
    };
    ($name:ident of $item:ty, $list:ident or $object:ident $page:ty) => {
        impl $crate::pagination::sealed::Sealed for $name {}

        impl $crate::pagination::Paged for $name {
            type Item = $item;

            fn items(&self) -> &[$item] {
                match self {
                    Self::$list(list) => &list.items,
                    Self::$object(page) => $crate::pagination::Paged::items(page),
                }
            }

            fn into_items(self) -> Vec<$item> {
                match self {
                    Self::$list(list) => list.items,
                    Self::$object(page) => $crate::pagination::Paged::into_items(page),
                }
            }

            fn total(&self) -> Option<u64> {
                match self {
                    Self::$list(_) => None,
                    Self::$object(page) => $crate::pagination::Paged::total(page),
                }
            }

            fn has_more(&self) -> Option<bool> {
                match self {
                    Self::$list(_) => None,
                    Self::$object(page) => $crate::pagination::Paged::has_more(page),
                }
            }

            fn key(item: &$item) -> Option<std::borrow::Cow<'_, str>> {
                <$page as $crate::pagination::Paged>::key(item)
            }

            fn mismatched_items(&self) -> usize {
                match self {
                    Self::$list(list) => list.extra.len(),
                    Self::$object(page) => $crate::pagination::Paged::mismatched_items(page),
                }
            }
        }
    };
}

/// Evaluates to the key of an item; see [`paged!`](paged).
macro_rules! key {
    ($item:ident none) => {{
        let _ = $item;
        None
    }};
    ($item:ident itself) => {
        $crate::pagination::ItemKey::item_key($item).map(Into::into)
    };
    ($item:ident encoded) => {
        $crate::pagination::encoded_id($item).map(Into::into)
    };
    ($item:ident $field:ident) => {
        $crate::pagination::ItemKey::item_key(&$item.$field).map(Into::into)
    };
}

pub(crate) use {key, paged};

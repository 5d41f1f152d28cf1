//! Lists, page after page.
//!
//! `turn` decides from what a page says whether another follows, and which; it knows nothing of
//! sockets. [`Pages`] asks for one page after the other and [`Items`] takes them apart.

mod cursor;
mod fetch;
mod items;
mod next_page;
mod pages;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::{JsonObject, call::Call};

pub use cursor::Cursor;
pub use items::Items;
pub use pages::{Page, Pages};

/// The answer of a list operation: one page of a list.
///
/// Every such answer implements it; nothing else can.
pub trait Paged: sealed::Sealed + Send + 'static {
    /// What the list is of.
    type Item: Send + Unpin + 'static;

    /// The items of the page.
    fn items(&self) -> &[Self::Item];

    /// The items alone.
    fn into_items(self) -> Vec<Self::Item>;

    /// How many items the whole list has, where the service says so.
    fn total(&self) -> Option<u64> {
        None
    }

    /// Whether others follow, where the service says so.
    fn has_more(&self) -> Option<bool> {
        None
    }

    /// What tells an item from the others of its list, where something does: mostly its `id`, or its
    /// `slug` where it has none.
    fn key(item: &Self::Item) -> Option<Cow<'_, str>>;

    /// How many things of another kind stood among the items.
    #[doc(hidden)]
    fn mismatched_items(&self) -> usize;
}

pub(crate) mod sealed {
    /// Implemented by the answers of list operations.
    pub trait Sealed: crate::decode::LenientDecode {}
}

/// The stream behind a list builder's `stream`.
pub(crate) fn items<L: Paged>(call: Call) -> Items<L> {
    Items::new(pages(call))
}

/// The stream behind a list builder's `pages`.
pub(crate) fn pages<L: Paged>(call: Call) -> Pages<L> {
    Pages::new(call)
}

/// A number of items, from however the service writes it; what is no such number says nothing.
pub(crate) fn number(value: impl Into<Option<i64>>) -> Option<u64> {
    value.into().and_then(|value| u64::try_from(value).ok())
}

/// Text that may be missing, from a field of either kind.
pub(crate) trait Text {
    fn text(&self) -> Option<&str>;
}

impl Text for String {
    fn text(&self) -> Option<&str> {
        Some(self)
    }
}

impl Text for Option<String> {
    fn text(&self) -> Option<&str> {
        self.as_deref()
    }
}

/// A free-form item is known by its member `id`.
impl Text for Value {
    fn text(&self) -> Option<&str> {
        self.get("id")?.as_str()
    }
}

/// The same.
impl Text for JsonObject {
    fn text(&self) -> Option<&str> {
        self.get("id")?.as_str()
    }
}

/// The member `id` of an item that shows it only when it is encoded: a union.
pub(crate) fn encoded_id(item: &impl Serialize) -> Option<String> {
    match serde_json::to_value(item).ok()?.get_mut("id")?.take() {
        Value::String(id) => Some(id),
        _ => None,
    }
}

/// How many mismatched_items a list left among the unknown members of the object around it.
pub(crate) fn mismatched_items(extra: &JsonObject, member: &str) -> usize {
    match extra.get(member) {
        Some(Value::Object(by_position)) => by_position.len(),
        Some(Value::Array(list)) => list.len(),
        _ => 0,
    }
}

/// Writes [`Paged`] for an answer of which codegen knows where the items are: for an object by the
/// members that may hold them (the first that is not empty does), for a union of a bare list and an
/// object by what the object says.
///
/// Items are known `by` a field. Free-form ones are looked into (`itself`), unions show it only when they
/// are `encoded`, and some have nothing (`none`).
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
                $crate::pagination::number(self.$total)
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
    ($name:ident of $item:ty, $list:ident or $object:ident $page:ident) => {
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

/// What tells an item from the others.
macro_rules! key {
    ($item:ident none) => {{
        let _ = $item;
        None
    }};
    ($item:ident itself) => {
        $crate::pagination::Text::text($item).map(Into::into)
    };
    ($item:ident encoded) => {
        $crate::pagination::encoded_id($item).map(Into::into)
    };
    ($item:ident $field:ident) => {
        $crate::pagination::Text::text(&$item.$field).map(Into::into)
    };
}

pub(crate) use {key, paged};

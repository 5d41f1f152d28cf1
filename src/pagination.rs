//! Pagination of list operations.
//!
//! `next_page` determines from the contents of a page whether another page follows, and which; it
//! does no I/O. [`Pages`] requests the pages one by one, and [`Items`] yields their items.

mod cursor;
mod items;
mod named;
mod next_page;
mod pages;
mod skipped_item;
mod yielded_items;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    JsonObject,
    decode::{LenientDecode, json_type},
    error::DecodeError,
    request::Call,
    response_future::ResponseBody,
};

pub use cursor::Cursor;
pub use items::Items;
pub use named::Named;
pub use pages::{Page, Pages};
pub use skipped_item::SkippedItem;

/// The response of a list operation: one page of a list.
///
/// Implemented by the responses of all list operations. The trait is sealed.
pub trait Paged: ResponseBody + Send + 'static {
    /// The type of the items.
    type Item: LenientDecode + Send + Unpin + 'static;

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

    /// Returns the cursor of the next page, if the response contains one.
    fn next_cursor(&self) -> Option<&str> {
        None
    }

    /// Returns the value that identifies an item within its list: usually its `id`, or its `slug`
    /// if it has no `id`. `None` if the item has neither.
    fn key(item: &Self::Item) -> Option<Cow<'_, str>>;

    /// Returns the number of items that could not be decoded. [`items`](Self::items) does not contain
    /// them.
    fn skipped(&self) -> usize {
        self.mismatched_items().len()
    }

    /// Returns the items that could not be decoded, each with its position and the reason.
    fn skipped_items(&self) -> Vec<SkippedItem> {
        let items = self.mismatched_items().into_iter();
        items.map(SkippedItem::new::<Self::Item>).collect()
    }

    /// Returns the items that could not be decoded, in the order of the list.
    #[doc(hidden)]
    fn mismatched_items(&self) -> Vec<MismatchedItem<'_>>;

    /// Returns the name and the value of a field that should be a list, but is another value.
    #[doc(hidden)]
    fn mismatched_list(&self) -> Option<(&'static str, &Value)>;

    /// Removes the items for whose key `keep` returns `false`.
    #[doc(hidden)]
    fn retain_items(&mut self, keep: &mut dyn FnMut(Option<&str>) -> bool);
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
impl ItemKey for Map<String, Value> {
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

/// An item of a list that could not be decoded.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct MismatchedItem<'a> {
    /// The field that contains the list; empty if the response is the list.
    pub(crate) field: &'static str,
    /// The position in the received list.
    pub(crate) position: usize,
    pub(crate) value: &'a Value,
}

impl<'a> MismatchedItem<'a> {
    /// Returns the `id` of the item, if it has one.
    fn key(self) -> Option<&'a str> {
        self.value.item_key()
    }
}

/// Checks that the list of a response is a list of items and, if `strict`, that all of them were
/// decoded.
///
/// Items that are objects but cannot be decoded are skipped. A list that contains neither such items
/// nor decoded ones is not a list of items.
pub(crate) fn check_items<L: Paged>(list: &L, strict: bool) -> Result<(), DecodeError> {
    let is_empty = list.items().is_empty();
    if let Some((field, value)) = list.mismatched_list().filter(|_| is_empty) {
        let problem = format!("expected an array, found {}", json_type(value));
        return Err(DecodeError::at(field.to_owned(), problem));
    }
    let mismatched_items = list.mismatched_items();
    let is_list_of_items = !is_empty || mismatched_items.iter().any(|item| item.value.is_object());
    match mismatched_items.first() {
        Some(item) if strict || !is_list_of_items => {
            let path = format!("{}[{}]", item.field, item.position);
            Err(skipped_item::reason::<L::Item>(item.value).within(&path))
        }
        _ => Ok(()),
    }
}

/// Returns the mismatched items of a list, which are in `extra` of the object that contains it.
pub(crate) fn mismatched_items<'a, T>(
    items: &[T],
    extra: &'a JsonObject,
    field: &'static str,
) -> Vec<MismatchedItem<'a>> {
    match extra.get(field) {
        // Without items, it is another value in place of the list.
        Some(Value::Object(by_index)) if !items.is_empty() => sorted_by_index(by_index, field),
        Some(Value::Array(items)) => {
            let item = |(position, value)| MismatchedItem {
                field,
                position,
                value,
            };
            items.iter().enumerate().map(item).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns mismatched items, whose keys are indices, in the order of the list.
pub(crate) fn sorted_by_index<'a>(
    by_index: &'a Map<String, Value>,
    field: &'static str,
) -> Vec<MismatchedItem<'a>> {
    let item = |(index, value): (&String, &'a Value)| {
        Some(MismatchedItem {
            field,
            position: index.parse().ok()?,
            value,
        })
    };
    let mut items: Vec<_> = by_index.iter().filter_map(item).collect();
    items.sort_unstable_by_key(|item| item.position);
    items
}

/// Removes the items for which `keep` returns `false`. Mismatched items are stored by index only as
/// long as there are others.
pub(crate) fn retain_items<T>(
    items: &mut Vec<T>,
    keep: impl FnMut(&T) -> bool,
    extra: &mut JsonObject,
    field: &'static str,
) {
    let mismatched_items = mismatched_items(items, extra, field);
    let mismatched_items: Value = mismatched_items
        .into_iter()
        .map(|item| item.value.clone())
        .collect();
    items.retain(keep);
    if let (true, Some(value @ Value::Object(_))) = (items.is_empty(), extra.get_mut(field)) {
        *value = mismatched_items;
    }
}

/// Returns the value in `extra` of a field that should be a list, if it is another value.
pub(crate) fn mismatched_list<'a, T>(
    items: &[T],
    extra: &'a JsonObject,
    field: &'static str,
) -> Option<(&'static str, &'a Value)> {
    let value = extra.get(field)?;
    (items.is_empty() && !value.is_array()).then_some((field, value))
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
        $(, total $total:ident)? $(, more $more:ident)? $(, next |$list:ident| $next:expr)?
    ) => {
        $crate::pagination::into_iterator! { $name of $item }

        #[allow(private_interfaces, reason = "the trait is not public")]
        impl $crate::response_future::ResponseBody for $name {
            // Inlined so that it is compiled only where the list is decoded.
            #[inline]
            fn check(&self, strict_items: bool) -> Result<(), $crate::error::DecodeError> {
                $crate::pagination::check_items(self, strict_items)
            }
        }

        impl $crate::pagination::Paged for $name {
            type Item = $item;

            #[inline]
            fn items(&self) -> &[$item] {
                let lists: &[&Vec<$item>] = &[$(&self.$field),+];
                lists.iter().find(|items| !items.is_empty()).map_or(&[], |items| items)
            }

            #[inline]
            fn into_items(self) -> Vec<$item> {
                let lists = [$(self.$field),+];
                lists.into_iter().find(|items| !items.is_empty()).unwrap_or_default()
            }

            $(#[inline]
            fn total(&self) -> Option<u64> {
                $crate::pagination::item_count(self.$total)
            })?

            $(#[inline]
            fn has_more(&self) -> Option<bool> {
                self.$more.into()
            })?

            $(#[inline]
            fn next_cursor(&self) -> Option<&str> {
                let $list = self;
                $next.filter(|cursor| !cursor.is_empty())
            })?

            #[inline]
            fn key(item: &$item) -> Option<std::borrow::Cow<'_, str>> {
                $crate::pagination::key!(item $key)
            }

            #[inline]
            fn mismatched_items(&self) -> Vec<$crate::pagination::MismatchedItem<'_>> {
                let lists = [
                    $($crate::pagination::mismatched_items(&self.$field, &self.extra, $wire)),+
                ];
                lists.concat()
            }

            #[inline]
            fn mismatched_list(&self) -> Option<(&'static str, &serde_json::Value)> {
                let lists = [
                    $($crate::pagination::mismatched_list(&self.$field, &self.extra, $wire)),+
                ];
                lists.into_iter().flatten().next()
            }

            #[inline]
            fn retain_items(&mut self, keep: &mut dyn FnMut(Option<&str>) -> bool) {
                $($crate::pagination::retain_items(
                    &mut self.$field,
                    |item| keep(<Self as $crate::pagination::Paged>::key(item).as_deref()),
                    &mut self.extra,
                    $wire,
                );)+
            }
        }
    };
    ($name:ident of $item:ty, $list:ident or $object:ident $page:ty) => {
        $crate::pagination::into_iterator! { $name of $item }

        #[allow(private_interfaces, reason = "the trait is not public")]
        impl $crate::response_future::ResponseBody for $name {
            // Inlined so that it is compiled only where the list is decoded.
            #[inline]
            fn check(&self, strict_items: bool) -> Result<(), $crate::error::DecodeError> {
                $crate::pagination::check_items(self, strict_items)
            }
        }

        impl $crate::pagination::Paged for $name {
            type Item = $item;

            #[inline]
            fn items(&self) -> &[$item] {
                match self {
                    Self::$list(list) => &list.items,
                    Self::$object(page) => $crate::pagination::Paged::items(page),
                }
            }

            #[inline]
            fn into_items(self) -> Vec<$item> {
                match self {
                    Self::$list(list) => list.items,
                    Self::$object(page) => $crate::pagination::Paged::into_items(page),
                }
            }

            #[inline]
            fn total(&self) -> Option<u64> {
                match self {
                    Self::$list(_) => None,
                    Self::$object(page) => $crate::pagination::Paged::total(page),
                }
            }

            #[inline]
            fn has_more(&self) -> Option<bool> {
                match self {
                    Self::$list(_) => None,
                    Self::$object(page) => $crate::pagination::Paged::has_more(page),
                }
            }

            #[inline]
            fn next_cursor(&self) -> Option<&str> {
                match self {
                    Self::$list(_) => None,
                    Self::$object(page) => $crate::pagination::Paged::next_cursor(page),
                }
            }

            #[inline]
            fn key(item: &$item) -> Option<std::borrow::Cow<'_, str>> {
                <$page as $crate::pagination::Paged>::key(item)
            }

            #[inline]
            fn mismatched_items(&self) -> Vec<$crate::pagination::MismatchedItem<'_>> {
                match self {
                    Self::$list(list) => $crate::pagination::sorted_by_index(&list.extra, ""),
                    Self::$object(page) => $crate::pagination::Paged::mismatched_items(page),
                }
            }

            #[inline]
            fn mismatched_list(&self) -> Option<(&'static str, &serde_json::Value)> {
                match self {
                    Self::$list(_) => None,
                    Self::$object(page) => $crate::pagination::Paged::mismatched_list(page),
                }
            }

            #[inline]
            fn retain_items(&mut self, keep: &mut dyn FnMut(Option<&str>) -> bool) {
                match self {
                    Self::$list(list) => list.retain(|item| {
                        keep(<Self as $crate::pagination::Paged>::key(item).as_deref())
                    }),
                    Self::$object(page) => $crate::pagination::Paged::retain_items(page, keep),
                }
            }
        }
    };
}

/// Implements `IntoIterator` for a [`Paged`] response and for a reference to it.
macro_rules! into_iterator {
    ($name:ident of $item:ty) => {
        impl IntoIterator for $name {
            type Item = $item;
            type IntoIter = std::vec::IntoIter<$item>;

            #[inline]
            fn into_iter(self) -> Self::IntoIter {
                $crate::pagination::Paged::into_items(self).into_iter()
            }
        }

        impl<'a> IntoIterator for &'a $name {
            type Item = &'a $item;
            type IntoIter = std::slice::Iter<'a, $item>;

            #[inline]
            fn into_iter(self) -> Self::IntoIter {
                $crate::pagination::Paged::items(self).iter()
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

pub(crate) use {into_iterator, key, paged};

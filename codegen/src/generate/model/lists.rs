//! The responses of list operations.

use proc_macro2::Ident;

use super::RustType;

/// The response of a list operation.
#[derive(PartialEq)]
pub enum ListResponse {
    /// An object with the items in one of its fields.
    Object(ObjectList),
    /// A union of a bare list and an object with a list.
    Union {
        /// The name of the union.
        ident: Ident,
        /// The type of an item.
        item: RustType,
        /// The name of the object.
        page: String,
    },
}

/// A list response that is an object.
#[derive(PartialEq)]
pub struct ObjectList {
    /// The name of the object.
    pub ident: Ident,
    /// The type of an item.
    pub item: RustType,
    /// The field that identifies an item, or a keyword of `paged!`.
    pub key: Ident,
    /// The fields with the items: the Rust name and the name on the wire.
    pub fields: Vec<(Ident, String)>,
    /// The field with the number of all items.
    pub total: Option<Ident>,
    /// The field that tells whether there are more items.
    pub more: Option<Ident>,
    /// The fields that lead to the cursor of the next page, outermost first.
    pub next: Vec<NestedField>,
}

/// A field on the path to a nested value.
#[derive(PartialEq)]
pub struct NestedField {
    /// The Rust name.
    pub ident: Ident,
    /// Whether the type is an `Option`.
    pub optional: bool,
}

//! The model of the client: its types, its operations and its lists.
//!
//! `read` builds it from the output of progenitor, and the other modules emit tokens from it.

mod lists;
mod operations;
mod rust_type;
mod types;

pub use lists::{ListResponse, NestedField, ObjectList};
pub use operations::{Operation, Parameter, ParameterGroup};
pub use rust_type::{RustType, builder_path, type_path};
pub use types::{
    ClearValue, Definition, Field, OpenEnum, StructType, TaggedVariant, Types, UnionKind,
    UnionType, UnionVariant,
};

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Ident;
use quote::format_ident;

use crate::reserved_segments::Position;

/// The reserved segments of every path parameter.
pub type ReservedSegments = BTreeMap<Position, BTreeSet<String>>;

/// The types and the operations of the generated client.
pub struct Model<'a> {
    /// Every type of the selected document.
    pub types: Types,
    /// The operations, in the order of the manifest.
    pub operations: Vec<Operation<'a>>,
    /// The list responses, by the name of the type.
    pub lists: BTreeMap<String, ListResponse>,
    /// The reserved segments of every path parameter.
    pub reserved_segments: &'a ReservedSegments,
}

impl Model<'_> {
    /// Returns each parameter group that the operations take, by name.
    pub fn groups(&self) -> BTreeMap<&str, &ParameterGroup> {
        let groups = self
            .operations
            .iter()
            .flat_map(|operation| &operation.groups);
        groups.map(|group| (group.name.as_str(), group)).collect()
    }
}

/// Returns the name of a setter: the name of the field, with `_` appended if it is taken.
pub fn setter_name(ident: &Ident, taken: &[&str]) -> Ident {
    if taken.iter().any(|name| ident == name) {
        format_ident!("{ident}_")
    } else {
        ident.clone()
    }
}

/// Returns the name of the setter that takes an `Option`, for types whose setter takes none.
pub fn maybe_setter_name(ident: &Ident) -> Ident {
    format_ident!("maybe_{}", ident.to_string().trim_end_matches('_'))
}

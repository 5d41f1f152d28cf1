//! The types of the client.

use std::collections::{BTreeMap, BTreeSet};

use portkey_admin_constraints::Constraint;
use proc_macro2::Ident;
use quote::format_ident;

use super::{RustType, setter_name};
use crate::{lower::Direction, modules::Modules, rust_names};

/// Every type of the selected document.
pub struct Types {
    definitions: BTreeMap<String, Definition>,
    modules: Modules,
}

/// The definition of a type.
pub enum Definition {
    /// A struct.
    Struct(StructType),
    /// An open enum of strings.
    Enum(OpenEnum),
    /// A union.
    Union(UnionType),
}

/// A struct and its direction.
pub struct StructType {
    /// The name.
    pub ident: Ident,
    /// The lines of the documentation.
    pub docs: Vec<String>,
    /// Whether it is used in requests or responses.
    pub direction: Direction,
    /// Whether it is a request type that implements `Deserialize` (`x-deserialize`).
    pub is_deserialized: bool,
    /// The constraints on its values, if handwritten code checks them.
    pub constraints: Vec<Constraint>,
    /// The fields.
    pub fields: Vec<Field>,
}

/// A field of a struct.
pub struct Field {
    /// The Rust name.
    pub ident: Ident,
    /// The name on the wire.
    pub wire: String,
    /// The lines of the documentation.
    pub docs: Vec<String>,
    /// The type.
    pub ty: RustType,
    /// Whether it holds the additional fields.
    pub flatten: bool,
    /// The value that clears it in an update, if it can be cleared.
    pub clear: Option<ClearValue>,
    /// The only value that it can have.
    pub constant: Option<String>,
    /// Whether it is a time in Unix seconds.
    pub is_unix_time: bool,
}

/// The value that clears a field (`x-clear`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ClearValue {
    /// `null`.
    Null,
    /// `""`.
    EmptyString,
    /// `[]`.
    EmptyArray,
}

/// An enum of the documented strings, with a variant for unknown ones.
pub struct OpenEnum {
    /// The name.
    pub ident: Ident,
    /// The lines of the documentation.
    pub docs: Vec<String>,
    /// The variants, each with its value.
    pub variants: Vec<(Ident, String)>,
    /// Other strings that are read as a value (`x-aliases`), each with that value.
    pub aliases: BTreeMap<String, String>,
}

/// A union.
pub struct UnionType {
    /// The name.
    pub ident: Ident,
    /// The lines of the documentation.
    pub docs: Vec<String>,
    /// Whether it is used in requests or responses.
    pub direction: Direction,
    /// Whether it is a request type that implements `Deserialize` (`x-deserialize`).
    pub is_deserialized: bool,
    /// How the variants are told apart.
    pub kind: UnionKind,
}

/// How the variants of a union are told apart.
pub enum UnionKind {
    /// By the kind of the JSON value.
    JsonKind(Vec<UnionVariant>),
    /// By a field that has one constant value in each variant (`x-tagged`).
    Tagged {
        /// The name of the field on the wire.
        member: String,
        /// The variants.
        variants: Vec<TaggedVariant>,
    },
    /// Not at all: raw JSON with a typed view for each variant (`x-raw`).
    Raw {
        /// The name and the type of each view.
        views: Vec<(Ident, RustType)>,
        /// The response type of the same schema, if this is the request type.
        response: Option<String>,
    },
}

/// A variant of a union by the kind of the JSON value.
pub struct UnionVariant {
    /// The name.
    pub ident: Ident,
    /// The variant of `serde_json::Value`.
    pub json: Ident,
    /// The documentation.
    pub doc: &'static str,
    /// The type.
    pub ty: RustType,
}

/// A variant of a union with a discriminator.
pub struct TaggedVariant {
    /// The name.
    pub ident: Ident,
    /// The type.
    pub ty: RustType,
    /// The value of the discriminator.
    pub value: String,
}

impl Field {
    /// Returns the name of the setter in the builder of a request type.
    pub fn setter(&self) -> Ident {
        setter_name(&self.ident, &rust_names::BUILDER_METHODS)
    }

    /// Returns whether a request can omit the field.
    pub fn is_optional(&self) -> bool {
        self.ty.is_option() || self.flatten || self.clear.is_some()
    }
}

impl Types {
    /// Creates the types from their definitions.
    pub fn new(definitions: BTreeMap<String, Definition>, modules: Modules) -> Self {
        Self {
            definitions,
            modules,
        }
    }

    /// Returns the module of each type.
    pub fn modules(&self) -> &Modules {
        &self.modules
    }

    /// Returns the names of all types.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.definitions.keys().map(String::as_str)
    }

    /// Returns the types of a module, sorted by name.
    pub fn in_module(&self, module: &str) -> impl Iterator<Item = &Definition> {
        self.definitions
            .iter()
            .filter(move |(name, _)| self.modules.home(name) == module)
            .map(|(_, definition)| definition)
    }

    /// Returns the request structs of a module, sorted by name.
    pub fn request_structs(&self, module: &str) -> impl Iterator<Item = &StructType> {
        self.in_module(module)
            .filter_map(|definition| match definition {
                Definition::Struct(structure) if structure.direction == Direction::Request => {
                    Some(structure)
                }
                _ => None,
            })
    }

    /// Returns the type of that name.
    pub fn get(&self, name: &str) -> Option<&Definition> {
        self.definitions.get(name)
    }

    /// Returns whether a type is a request struct, which has a builder.
    pub fn has_builder(&self, ty: &RustType) -> bool {
        matches!(ty, RustType::Named(name) if self.is_request_struct(name))
    }

    /// Returns whether the type of that name is a request struct.
    pub fn is_request_struct(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Definition::Struct(structure)) if structure.direction == Direction::Request)
    }

    /// Returns whether a type is a request struct that implements `Deserialize`.
    pub fn is_deserialized(&self, ty: &RustType) -> bool {
        let RustType::Named(name) = ty else {
            return false;
        };
        matches!(self.get(name), Some(Definition::Struct(structure)) if structure.is_deserialized)
    }

    /// Returns whether a value of a type can contain a secret that the schema declares.
    pub fn contains_secret(&self, ty: &RustType) -> bool {
        self.reaches_secret(ty, &mut BTreeSet::new())
    }

    fn reaches_secret<'a>(&'a self, ty: &'a RustType, visited: &mut BTreeSet<&'a str>) -> bool {
        match ty {
            RustType::Secret => true,
            RustType::List(inner)
            | RustType::Map(inner)
            | RustType::Option(inner)
            | RustType::Box(inner)
            | RustType::LenientList(inner)
            | RustType::LenientMap(inner) => self.reaches_secret(inner, visited),
            RustType::Named(name) if visited.insert(name) => {
                let parts = self.get(name).map(Definition::parts).unwrap_or_default();
                parts
                    .into_iter()
                    .any(|part| self.reaches_secret(part, visited))
            }
            _ => false,
        }
    }

    /// Returns whether a type is a union that converts from the response type of the same schema.
    pub fn converts_from_response(&self, ty: &RustType) -> bool {
        let RustType::Named(name) = ty else {
            return false;
        };
        let Some(Definition::Union(union)) = self.get(name) else {
            return false;
        };
        matches!(&union.kind, UnionKind::Raw { response, .. } if response.is_some())
    }
}

impl Definition {
    /// Returns the types of the fields or the variants.
    fn parts(&self) -> Vec<&RustType> {
        match self {
            Self::Struct(structure) => structure.fields.iter().map(|field| &field.ty).collect(),
            Self::Enum(_) => Vec::new(),
            Self::Union(union) => match &union.kind {
                UnionKind::JsonKind(variants) => {
                    variants.iter().map(|variant| &variant.ty).collect()
                }
                UnionKind::Tagged { variants, .. } => {
                    variants.iter().map(|variant| &variant.ty).collect()
                }
                UnionKind::Raw { .. } => Vec::new(),
            },
        }
    }
}

impl UnionType {
    /// Returns whether the union is decoded, and not only sent.
    pub fn is_decoded(&self) -> bool {
        self.direction != Direction::Request || self.is_deserialized
    }
}

impl OpenEnum {
    /// Returns the name of the variant for unknown values.
    pub fn unknown_variant(&self) -> Ident {
        let is_taken = self.variants.iter().any(|(ident, _)| ident == "Unknown");
        match is_taken {
            true => format_ident!("Unrecognised"),
            false => format_ident!("Unknown"),
        }
    }
}

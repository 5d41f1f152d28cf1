//! The Rust types that progenitor generates, classified for setters and serde attributes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{GenericArgument, PathArguments, Type};

use crate::modules::Modules;

/// The kind of a type.
#[derive(Clone)]
pub enum TypeKind {
    /// `String`.
    String,
    /// `crate::Secret`.
    Secret,
    /// `bool`.
    Bool,
    /// `i64`.
    Integer,
    /// `f64`.
    Float,
    /// `DateTime<Utc>`.
    DateTime,
    /// `Vec<…>`.
    List(Box<RustType>),
    /// `BTreeMap<String, …>`.
    Map(Box<RustType>),
    /// `Option<…>`.
    Option(Box<RustType>),
    /// `Box<…>`.
    Box(Box<RustType>),
    /// `serde_json::Value`.
    JsonValue,
    /// `serde_json::Map<…>`, generated as `JsonObject`.
    JsonObject,
    /// A generated type, by name.
    Named(String),
    /// Anything else.
    Other,
}

/// A type and its kind.
#[derive(Clone)]
pub struct RustType {
    /// The kind of the type.
    pub kind: TypeKind,
    /// The type as progenitor generated it.
    pub syntax: Type,
}

impl RustType {
    /// Classifies a type by its path.
    pub fn new(syntax: &Type) -> Self {
        Self {
            kind: classify(syntax),
            syntax: syntax.clone(),
        }
    }

    /// Returns the type inside an `Option`, or the type itself.
    pub fn without_option(&self) -> &Self {
        match &self.kind {
            TypeKind::Option(inner) => inner,
            _ => self,
        }
    }

    /// Returns whether the type is an `Option`.
    pub fn is_option(&self) -> bool {
        matches!(self.kind, TypeKind::Option(_))
    }

    /// Returns the variant of `serde_json::Value` that the type is decoded from; a named type
    /// counts as an object.
    pub fn json_kind(&self) -> &'static str {
        match &self.kind {
            TypeKind::String | TypeKind::Secret | TypeKind::DateTime => "String",
            TypeKind::Bool => "Bool",
            TypeKind::Integer | TypeKind::Float => "Number",
            TypeKind::List(_) => "Array",
            TypeKind::Option(inner) | TypeKind::Box(inner) => inner.json_kind(),
            _ => "Object",
        }
    }

    /// Returns the type, with absolute paths.
    pub fn tokens(&self, modules: &Modules) -> TokenStream {
        match &self.kind {
            TypeKind::String => quote!(String),
            TypeKind::Secret => quote!(crate::Secret),
            TypeKind::Bool => quote!(bool),
            TypeKind::Integer => quote!(i64),
            TypeKind::Float => quote!(f64),
            TypeKind::DateTime => quote!(chrono::DateTime<chrono::Utc>),
            TypeKind::List(inner) => wrapped(quote!(Vec), inner, modules),
            TypeKind::Option(inner) => wrapped(quote!(Option), inner, modules),
            TypeKind::Box(inner) => wrapped(quote!(Box), inner, modules),
            TypeKind::Map(inner) => {
                let inner = inner.tokens(modules);
                quote!(std::collections::BTreeMap<String, #inner>)
            }
            TypeKind::JsonValue => quote!(serde_json::Value),
            TypeKind::JsonObject => quote!(crate::JsonObject),
            TypeKind::Named(name) => type_path(name, modules),
            TypeKind::Other => {
                let syntax = &self.syntax;
                quote!(#syntax)
            }
        }
    }
}

/// Returns the absolute path of a generated type.
pub fn type_path(name: &str, modules: &Modules) -> TokenStream {
    let module = module_path(modules.home(name));
    let name = format_ident!("{name}");
    quote!(#module #name)
}

/// Returns the absolute path of a module, with `::` at the end.
pub fn module_path(module: &str) -> TokenStream {
    let parts = module.split("::").map(|part| format_ident!("{part}"));
    quote!(crate:: #(#parts::)*)
}

fn wrapped(outer: TokenStream, inner: &RustType, modules: &Modules) -> TokenStream {
    let inner = inner.tokens(modules);
    quote!(#outer<#inner>)
}

fn classify(syntax: &Type) -> TypeKind {
    let Type::Path(path) = syntax else {
        return TypeKind::Other;
    };
    let segments = &path.path.segments;
    let Some(last) = segments.last() else {
        return TypeKind::Other;
    };
    let arguments: Vec<&Type> = match &last.arguments {
        PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(inner) => Some(inner),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let inner = |index: usize| {
        arguments
            .get(index)
            .map(|inner| Box::new(RustType::new(inner)))
    };
    let name = last.ident.to_string();
    // Progenitor writes the types of other crates with `::` at the start.
    let is_external = path.path.leading_colon.is_some();
    match (name.as_str(), inner(0), inner(1)) {
        ("bool", None, _) => TypeKind::Bool,
        ("i64" | "u64" | "i32" | "u32", None, _) => TypeKind::Integer,
        ("f64" | "f32", None, _) => TypeKind::Float,
        (_, None, _) if !is_external => TypeKind::Named(name),
        ("String", None, _) => TypeKind::String,
        ("DateTime", ..) => TypeKind::DateTime,
        ("Vec", Some(inner), _) => TypeKind::List(inner),
        ("Option", Some(inner), _) => TypeKind::Option(inner),
        ("Box", Some(inner), _) => TypeKind::Box(inner),
        ("BTreeMap" | "HashMap", _, Some(inner)) => TypeKind::Map(inner),
        ("Value", None, _) => TypeKind::JsonValue,
        ("Map", ..) => TypeKind::JsonObject,
        _ => TypeKind::Other,
    }
}

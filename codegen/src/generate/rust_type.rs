//! The Rust types that progenitor writes, by what a setter of ours takes for them.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericArgument, PathArguments, Type};

/// A type, as far as setters and serde attributes care.
#[derive(Clone)]
pub enum Shape {
    /// `String`.
    Text,
    /// `crate::Secret`.
    Secret,
    /// `bool`.
    Bool,
    /// `i64`.
    Integer,
    /// `f64`.
    Number,
    /// `DateTime<Utc>`.
    Time,
    /// `Vec<…>`.
    List(Box<RustType>),
    /// `BTreeMap<String, …>`.
    Map(Box<RustType>),
    /// `Option<…>`.
    Option(Box<RustType>),
    /// `Box<…>`.
    Boxed(Box<RustType>),
    /// `serde_json::Value`.
    Any,
    /// `serde_json::Map<…>`, for us `JsonObject`.
    Object,
    /// One of our types, by name.
    Named(String),
    /// Anything else.
    Other,
}

/// A type and what it is.
#[derive(Clone)]
pub struct RustType {
    /// What it is.
    pub shape: Shape,
    /// The type as progenitor wrote it.
    pub syntax: Type,
}

impl RustType {
    /// Classifies a type by the last segment of its path.
    pub fn of(syntax: &Type) -> Self {
        Self {
            shape: shape_of(syntax),
            syntax: syntax.clone(),
        }
    }

    /// The type inside an `Option`, or the type itself.
    pub fn unwrapped(&self) -> &Self {
        match &self.shape {
            Shape::Option(inner) => inner,
            _ => self,
        }
    }

    /// Whether it is an `Option`.
    pub fn is_option(&self) -> bool {
        matches!(self.shape, Shape::Option(_))
    }

    /// The variant of `serde_json::Value` that it is decoded from; a named type is taken for an object.
    pub fn json_kind(&self) -> &'static str {
        match &self.shape {
            Shape::Text | Shape::Secret | Shape::Time => "String",
            Shape::Bool => "Bool",
            Shape::Integer | Shape::Number => "Number",
            Shape::List(_) => "Array",
            Shape::Option(inner) | Shape::Boxed(inner) => inner.json_kind(),
            _ => "Object",
        }
    }

    /// How the type is written in a module from which our types are reached by `prefix`.
    pub fn written(&self, prefix: &TokenStream) -> TokenStream {
        match &self.shape {
            Shape::Text => quote!(String),
            Shape::Secret => quote!(crate::Secret),
            Shape::Bool => quote!(bool),
            Shape::Integer => quote!(i64),
            Shape::Number => quote!(f64),
            Shape::Time => quote!(chrono::DateTime<chrono::Utc>),
            Shape::List(inner) => wrapped(quote!(Vec), inner, prefix),
            Shape::Option(inner) => wrapped(quote!(Option), inner, prefix),
            Shape::Boxed(inner) => wrapped(quote!(Box), inner, prefix),
            Shape::Map(inner) => {
                let inner = inner.written(prefix);
                quote!(std::collections::BTreeMap<String, #inner>)
            }
            Shape::Any => quote!(serde_json::Value),
            Shape::Object => quote!(crate::JsonObject),
            Shape::Named(name) => {
                let name = quote::format_ident!("{name}");
                quote!(#prefix #name)
            }
            Shape::Other => {
                let syntax = &self.syntax;
                quote!(#syntax)
            }
        }
    }
}

fn wrapped(outer: TokenStream, inner: &RustType, prefix: &TokenStream) -> TokenStream {
    let inner = inner.written(prefix);
    quote!(#outer<#inner>)
}

fn shape_of(syntax: &Type) -> Shape {
    let Type::Path(path) = syntax else {
        return Shape::Other;
    };
    let segments = &path.path.segments;
    let Some(last) = segments.last() else {
        return Shape::Other;
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
            .map(|inner| Box::new(RustType::of(inner)))
    };
    let name = last.ident.to_string();
    let own = segments.len() == 1
        || segments
            .first()
            .is_some_and(|first| first.ident == "types" || first.ident == "super");
    match (name.as_str(), inner(0), inner(1)) {
        ("String", None, _) => Shape::Text,
        ("Secret", None, _) => Shape::Secret,
        ("bool", None, _) => Shape::Bool,
        ("i64" | "u64" | "i32" | "u32", None, _) => Shape::Integer,
        ("f64" | "f32", None, _) => Shape::Number,
        ("DateTime", ..) => Shape::Time,
        ("Vec", Some(inner), _) => Shape::List(inner),
        ("Option", Some(inner), _) => Shape::Option(inner),
        ("Box", Some(inner), _) => Shape::Boxed(inner),
        ("BTreeMap" | "HashMap", _, Some(inner)) => Shape::Map(inner),
        ("Value", None, _) => Shape::Any,
        ("Map", ..) => Shape::Object,
        (_, None, _) if own => Shape::Named(name),
        _ => Shape::Other,
    }
}

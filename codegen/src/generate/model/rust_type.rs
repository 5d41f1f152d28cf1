//! The Rust types of fields, parameters and responses.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{GenericArgument, PathArguments, Type};

use crate::modules::Modules;

/// A Rust type.
#[derive(Clone)]
pub enum RustType {
    /// `String`.
    String,
    /// `crate::Secret`.
    Secret,
    /// `bool`.
    Bool,
    /// `bool`, sent as 0 or 1.
    Flag,
    /// `i64`.
    Integer,
    /// `u32`.
    UInt32,
    /// `f64`.
    Float,
    /// An amount of money, by the name of its type: `crate::Cents`.
    Amount(&'static str),
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
    /// `serde_json::Map<…>`, an object without credentials (`x-public`).
    JsonMap,
    /// A generated type, by name.
    Named(String),
    /// `crate::List<…>`, a bare list that keeps mismatched items.
    LenientList(Box<RustType>),
    /// `crate::Map<…>`, a response that is a map and keeps mismatched entries.
    LenientMap(Box<RustType>),
    /// Anything else, as progenitor generated it.
    Other(Box<Type>),
}

impl RustType {
    /// Classifies a type by its path.
    pub fn new(syntax: &Type) -> Self {
        classify(syntax).unwrap_or_else(|| Self::Other(Box::new(syntax.clone())))
    }

    /// Applies the formats of a lowered schema, which progenitor does not know.
    pub fn with_format(self, schema: &Value) -> Self {
        let inner = |inner: Box<Self>, schema| Box::new(inner.with_format(schema));
        match self {
            Self::Option(ty) => Self::Option(inner(ty, schema)),
            Self::List(item) => Self::List(inner(item, &schema["items"])),
            Self::Map(value) => Self::Map(inner(value, &schema["additionalProperties"])),
            Self::String if schema["format"] == "secret" => Self::Secret,
            Self::JsonObject if schema["x-public"] == true => Self::JsonMap,
            other => match schema["x-format"].as_str() {
                Some("flag") => Self::Flag,
                Some("uint32") => Self::UInt32,
                Some("cents") => Self::Amount("Cents"),
                Some("dollars") => Self::Amount("Dollars"),
                _ => other,
            },
        }
    }

    /// Returns the type inside an `Option`, or the type itself.
    pub fn without_option(&self) -> &Self {
        match self {
            Self::Option(inner) => inner,
            _ => self,
        }
    }

    /// Returns whether the type is an `Option`.
    pub fn is_option(&self) -> bool {
        matches!(self, Self::Option(_))
    }

    /// Returns whether an `Option` of the type needs a setter of its own (`maybe_…`). An `Option` is
    /// an iterator of items, and is serialized as `null`, so setters of lists and JSON take none.
    pub fn has_maybe_setter(&self) -> bool {
        match self {
            Self::Box(inner) => inner.has_maybe_setter(),
            Self::List(_) | Self::Map(_) | Self::JsonValue | Self::JsonObject => true,
            _ => false,
        }
    }

    /// Returns the variant of `serde_json::Value` that the type is decoded from; a named type
    /// counts as an object.
    pub fn json_kind(&self) -> &'static str {
        match self {
            Self::String | Self::Secret | Self::DateTime => "String",
            Self::Bool => "Bool",
            Self::Flag | Self::Integer | Self::UInt32 | Self::Float | Self::Amount(_) => "Number",
            Self::List(_) | Self::LenientList(_) => "Array",
            Self::Option(inner) | Self::Box(inner) => inner.json_kind(),
            _ => "Object",
        }
    }

    /// Returns the type, with absolute paths.
    pub fn tokens(&self, modules: &Modules) -> TokenStream {
        match self {
            Self::String => quote!(String),
            Self::Secret => quote!(crate::Secret),
            Self::Bool | Self::Flag => quote!(bool),
            Self::Integer => quote!(i64),
            Self::UInt32 => quote!(u32),
            Self::Float => quote!(f64),
            Self::Amount(name) => {
                let name = format_ident!("{name}");
                quote!(crate::#name)
            }
            Self::DateTime => quote!(chrono::DateTime<chrono::Utc>),
            Self::List(inner) => wrapped(quote!(Vec), inner, modules),
            Self::Option(inner) => wrapped(quote!(Option), inner, modules),
            Self::Box(inner) => wrapped(quote!(Box), inner, modules),
            Self::Map(inner) => {
                let inner = inner.tokens(modules);
                quote!(std::collections::BTreeMap<String, #inner>)
            }
            Self::LenientList(inner) => wrapped(quote!(crate::List), inner, modules),
            Self::LenientMap(inner) => wrapped(quote!(crate::Map), inner, modules),
            Self::JsonValue => quote!(serde_json::Value),
            Self::JsonObject => quote!(crate::JsonObject),
            Self::JsonMap => quote!(serde_json::Map<String, serde_json::Value>),
            Self::Named(name) => type_path(name, modules),
            Self::Other(syntax) => quote!(#syntax),
        }
    }
}

/// Two types are equal if they are written alike.
impl PartialEq for RustType {
    fn eq(&self, other: &Self) -> bool {
        let text = |ty: &Self| ty.tokens(&Modules::default()).to_string();
        text(self) == text(other)
    }
}

/// Returns the absolute path of a generated type.
pub fn type_path(name: &str, modules: &Modules) -> TokenStream {
    let module = module_path(modules.home(name));
    let name = format_ident!("{name}");
    quote!(#module #name)
}

/// Returns the absolute path of the builder of a request type.
pub fn builder_path(name: &str, modules: &Modules) -> TokenStream {
    let module = module_path(modules.home(name));
    let builder = format_ident!("{name}Builder");
    quote!(#module #builder)
}

/// Returns the absolute path of a module, with `::` at the end.
fn module_path(module: &str) -> TokenStream {
    let parts = module.split("::").map(|part| format_ident!("{part}"));
    quote!(crate:: #(#parts::)*)
}

fn wrapped(outer: TokenStream, inner: &RustType, modules: &Modules) -> TokenStream {
    let inner = inner.tokens(modules);
    quote!(#outer<#inner>)
}

fn classify(syntax: &Type) -> Option<RustType> {
    let Type::Path(path) = syntax else {
        return None;
    };
    let segments = &path.path.segments;
    let last = segments.last()?;
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
    Some(match (name.as_str(), inner(0), inner(1)) {
        ("bool", None, _) => RustType::Bool,
        ("i64" | "u64" | "i32" | "u32", None, _) => RustType::Integer,
        ("f64" | "f32", None, _) => RustType::Float,
        (_, None, _) if !is_external => RustType::Named(name),
        ("String", None, _) => RustType::String,
        ("DateTime", ..) => RustType::DateTime,
        ("Vec", Some(inner), _) => RustType::List(inner),
        ("Option", Some(inner), _) => RustType::Option(inner),
        ("Box", Some(inner), _) => RustType::Box(inner),
        ("BTreeMap" | "HashMap", _, Some(inner)) => RustType::Map(inner),
        ("Value", None, _) => RustType::JsonValue,
        ("Map", ..) => RustType::JsonObject,
        _ => return None,
    })
}

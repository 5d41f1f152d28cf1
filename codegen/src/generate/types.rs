//! Types: what progenitor wrote, with our serde attributes, open enums, and builders only where
//! something is sent.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{Attribute, Fields, Item, ItemEnum, ItemImpl, ItemStruct, Type};

use super::{
    docs, request_types,
    rust_type::{RustType, Shape},
};
use crate::{Error, Result, shape::Direction};

/// Every type of the selected document.
pub struct Types {
    items: BTreeMap<String, Refined>,
}

/// One type after refinement.
pub enum Refined {
    /// A struct.
    Struct(Struct),
    /// An open enum over strings.
    Enum(OpenEnum),
    /// A union that the JSON kind decides.
    Union(TokenStream),
}

/// A struct and how it is used.
pub struct Struct {
    /// Its name.
    pub ident: Ident,
    /// Its documentation.
    pub docs: Vec<Attribute>,
    /// Whether it is sent or received.
    pub direction: Direction,
    /// Its members.
    pub fields: Vec<Field>,
}

/// A member of a struct.
pub struct Field {
    /// Its Rust name.
    pub ident: Ident,
    /// Its name on the wire.
    pub wire: String,
    /// Its documentation.
    pub docs: Vec<Attribute>,
    /// Its type.
    pub kind: RustType,
    /// Whether it holds the members that the struct does not name.
    pub flatten: bool,
}

/// An enum of the strings that are documented.
pub struct OpenEnum {
    ident: Ident,
    docs: Vec<Attribute>,
    variants: Vec<(Ident, String)>,
}

impl Types {
    /// All types, in the order of their names.
    pub fn tokens(&self) -> TokenStream {
        self.items.values().map(Refined::tokens).collect()
    }

    /// The builders of everything that is sent.
    pub fn builders(&self) -> TokenStream {
        self.sent()
            .map(|one| request_types::builder(one, self))
            .collect()
    }

    /// The type of that name.
    pub fn get(&self, name: &str) -> Option<&Refined> {
        self.items.get(name)
    }

    /// Whether `name` is a struct that is sent, and so has a builder.
    pub fn has_builder(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Refined::Struct(one)) if one.direction == Direction::Sent)
    }

    /// The first documented value of an open enum, for examples.
    pub fn sample_variant(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Refined::Enum(one) => one.variants.first().map(|(ident, _)| ident.to_string()),
            _ => None,
        }
    }

    fn sent(&self) -> impl Iterator<Item = &Struct> {
        self.items.values().filter_map(|item| match item {
            Refined::Struct(one) if one.direction == Direction::Sent => Some(one),
            _ => None,
        })
    }
}

/// Refines the items of progenitor's module `types`.
pub fn refine(
    items: &[Item],
    document: &Value,
    directions: &BTreeMap<String, Direction>,
) -> Result<Types> {
    let mut refined = BTreeMap::new();
    for item in items {
        let (name, one) = match item {
            Item::Struct(item) => (
                item.ident.to_string(),
                structure(item, document, directions)?,
            ),
            Item::Enum(item)
                if item
                    .variants
                    .iter()
                    .all(|variant| matches!(variant.fields, Fields::Unit)) =>
            {
                (item.ident.to_string(), Refined::Enum(open_enum(item)))
            }
            Item::Enum(item) => {
                let direction = directions
                    .get(&item.ident.to_string())
                    .copied()
                    .unwrap_or(Direction::Both);
                (
                    item.ident.to_string(),
                    Refined::Union(union(item, items, direction)),
                )
            }
            _ => continue,
        };
        if !directions.contains_key(&name) {
            return Err(Error::new(
                "progenitor",
                format!("made up the type `{name}`, which no schema names"),
            ));
        }
        refined.insert(name, one);
    }
    match directions.keys().find(|name| !refined.contains_key(*name)) {
        Some(name) => Err(Error::new(
            "progenitor",
            format!("wrote no type for the schema `{name}`"),
        )),
        None => Ok(Types { items: refined }),
    }
}

fn structure(
    item: &ItemStruct,
    document: &Value,
    directions: &BTreeMap<String, Direction>,
) -> Result<Refined> {
    let name = item.ident.to_string();
    let schema = &document["components"]["schemas"][&name];
    let fields: Vec<Field> = item
        .fields
        .iter()
        .filter_map(|field| {
            let ident = field.ident.clone()?;
            let serde = SerdeNames::of(&field.attrs);
            let wire = serde
                .rename
                .unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned());
            let property = &schema["properties"][&wire];
            Some(Field {
                docs: docs::own(&field.attrs),
                kind: with_secret(RustType::of(&field.ty), property),
                flatten: serde.flatten,
                ident,
                wire,
            })
        })
        .collect();
    check_distinct(&name, &fields)?;
    Ok(Refined::Struct(Struct {
        docs: docs::or_name(&item.attrs, &docs::words(&name)),
        direction: directions.get(&name).copied().unwrap_or(Direction::Both),
        ident: item.ident.clone(),
        fields,
    }))
}

/// Two members whose wire names differ only in their case would be one field.
fn check_distinct(name: &str, fields: &[Field]) -> Result<()> {
    for (index, field) in fields.iter().enumerate() {
        if let Some(other) = fields[..index]
            .iter()
            .find(|other| other.ident == field.ident)
        {
            let problem = format!(
                "`{}` and `{}` would both be the field `{}`",
                other.wire, field.wire, field.ident
            );
            return Err(Error::new(format!("type `{name}`"), problem));
        }
    }
    Ok(())
}

/// `format: secret` is ours: progenitor sees a string.
fn with_secret(kind: RustType, property: &Value) -> RustType {
    if property["format"] != "secret" {
        return kind;
    }
    let secret = RustType {
        shape: Shape::Secret,
        syntax: kind.syntax.clone(),
    };
    if kind.is_option() {
        RustType {
            shape: Shape::Option(Box::new(secret)),
            syntax: kind.syntax,
        }
    } else {
        secret
    }
}

#[derive(Default)]
struct SerdeNames {
    rename: Option<String>,
    flatten: bool,
}

impl SerdeNames {
    fn of(attributes: &[Attribute]) -> Self {
        let mut names = Self::default();
        for attribute in attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("serde"))
        {
            // Other keys are progenitor's own; ours replace them.
            let _ = attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("flatten") {
                    names.flatten = true;
                } else if meta.path.is_ident("rename") {
                    names.rename = Some(meta.value()?.parse::<syn::LitStr>()?.value());
                } else if meta.input.peek(syn::Token![=]) {
                    meta.value()?.parse::<syn::Lit>()?;
                }
                Ok(())
            });
        }
        names
    }
}

fn open_enum(item: &ItemEnum) -> OpenEnum {
    OpenEnum {
        ident: item.ident.clone(),
        docs: docs::or_name(&item.attrs, &docs::words(&item.ident.to_string())),
        variants: item
            .variants
            .iter()
            .map(|variant| {
                let text = SerdeNames::of(&variant.attrs)
                    .rename
                    .unwrap_or_else(|| variant.ident.to_string());
                (variant.ident.clone(), text)
            })
            .collect(),
    }
}

/// A union keeps progenitor's variants and conversions; only its derives are ours.
fn union(item: &ItemEnum, items: &[Item], direction: Direction) -> TokenStream {
    let ident = &item.ident;
    let docs = docs::or_name(&item.attrs, &docs::words(&ident.to_string()));
    let variants = item.variants.iter().map(|variant| {
        let name = &variant.ident;
        let text = format!("{}.", docs::words(&name.to_string()));
        let fields = variant
            .fields
            .iter()
            .map(|field| RustType::of(&field.ty).written(&TokenStream::new()));
        quote!(#[doc = #text] #name(#(#fields),*))
    });
    let conversions = items.iter().filter(|item| is_conversion_into(item, ident));
    // What is only sent need not be decoded, and its members cannot be.
    let decode = (direction != Direction::Sent).then(|| quote!(serde::Deserialize,));
    quote! {
        #(#docs)*
        #[derive(Clone, Debug, #decode serde::Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum #ident { #(#variants),* }
        #(#conversions)*
    }
}

fn is_conversion_into(item: &Item, ident: &Ident) -> bool {
    let Item::Impl(ItemImpl {
        trait_: Some((path, _)),
        self_ty,
        ..
    }) = item
    else {
        return false;
    };
    let is_from = path
        .segments
        .last()
        .is_some_and(|last| last.ident == "From");
    is_from && matches!(&**self_ty, Type::Path(path) if path.path.is_ident(ident))
}

impl Refined {
    fn tokens(&self) -> TokenStream {
        match self {
            Self::Struct(one) if one.direction == Direction::Sent => request_types::structure(one),
            Self::Struct(one) => received(one),
            Self::Enum(one) => one.tokens(),
            Self::Union(tokens) => tokens.clone(),
        }
    }
}

/// A received struct: lists and maps are plain, and every scalar decodes leniently.
fn received(one: &Struct) -> TokenStream {
    let Struct {
        ident,
        docs,
        fields,
        ..
    } = one;
    let fields = fields.iter().map(|field| {
        let Field { ident, docs, .. } = field;
        let attribute = received_attribute(field);
        let plain = match &field.kind.unwrapped().shape {
            Shape::List(_) | Shape::Map(_) | Shape::Object => field.kind.unwrapped(),
            _ => &field.kind,
        };
        let kind = plain.written(&TokenStream::new());
        quote!(#(#docs)* #attribute pub #ident: #kind)
    });
    quote! {
        #(#docs)*
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
        #[non_exhaustive]
        pub struct #ident { #(#fields),* }
    }
}

fn received_attribute(field: &Field) -> TokenStream {
    let rename = rename(field);
    let inner = &field.kind.unwrapped().shape;
    if let Shape::List(_) | Shape::Map(_) | Shape::Object = inner {
        let empty = match inner {
            Shape::List(_) => "Vec::is_empty",
            Shape::Map(_) => "std::collections::BTreeMap::is_empty",
            _ => "serde_json::Map::is_empty",
        };
        return quote!(#[serde(#rename default, deserialize_with = "crate::decode::or_empty", skip_serializing_if = #empty)]);
    }
    let lenient = match inner {
        Shape::Bool => Some("crate::decode::boolean"),
        Shape::Integer => Some("crate::decode::integer"),
        Shape::Number => Some("crate::decode::number"),
        _ => None,
    };
    match (field.kind.is_option(), lenient) {
        (true, Some(path)) => {
            quote!(#[serde(#rename default, deserialize_with = #path, skip_serializing_if = "Option::is_none")])
        }
        (true, None) => quote!(#[serde(#rename skip_serializing_if = "Option::is_none")]),
        (false, Some(path)) => {
            let path = format!("{path}_always");
            quote!(#[serde(#rename deserialize_with = #path)])
        }
        (false, None) if rename.is_empty() => TokenStream::new(),
        (false, None) => quote!(#[serde(#rename)]),
    }
}

/// `rename = "…",` where the wire name is not the Rust name.
pub fn rename(field: &Field) -> TokenStream {
    if field.ident == field.wire {
        return TokenStream::new();
    }
    let wire = &field.wire;
    quote!(rename = #wire,)
}

impl OpenEnum {
    fn tokens(&self) -> TokenStream {
        let Self {
            ident,
            docs,
            variants,
        } = self;
        let taken = |name: &str| variants.iter().any(|(ident, _)| ident == name);
        let other = if taken("Unknown") {
            format_ident!("Unrecognised")
        } else {
            format_ident!("Unknown")
        };
        let lines = variants.iter().map(|(name, text)| quote!(#name = #text,));
        quote! {
            crate::open_enum::open_enum! {
                #(#docs)*
                #ident, #other { #(#lines)* }
            }
        }
    }
}

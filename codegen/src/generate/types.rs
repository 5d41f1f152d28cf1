//! Types: what progenitor wrote, with our serde attributes, open enums, and builders only where
//! something is sent.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{Attribute, Fields, Item, ItemEnum, ItemStruct};

use super::{
    conversions, docs, raw, request_types,
    rust_type::{RustType, Shape},
    tagged::tagged,
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
    /// A union.
    Union(Union),
}

/// A union, written.
pub struct Union {
    /// The enum and its conversions.
    pub tokens: TokenStream,
    /// A value for examples, below the name of the union.
    pub sample: &'static str,
    /// Whether one that was received converts into one that is sent.
    pub converts: bool,
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
    /// How an update empties it, where it can.
    pub clear: Option<Clear>,
    /// The one value that it can have.
    pub constant: Option<String>,
}

/// How a member is emptied (`x-clear`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Clear {
    /// With `null`.
    Null,
    /// With `""`.
    EmptyString,
    /// With `[]`.
    EmptyArray,
}

impl Clear {
    /// What `x-clear` says of a member.
    fn of(schema: &Value, wire: &str) -> Result<Option<Self>> {
        match &schema["x-clear"][wire] {
            Value::Null => Ok(None),
            Value::String(text) if text == "null" => Ok(Some(Self::Null)),
            Value::String(text) if text == "empty-string" => Ok(Some(Self::EmptyString)),
            Value::String(text) if text == "empty-array" => Ok(Some(Self::EmptyArray)),
            other => Err(Error::new(
                format!("x-clear of `{wire}`"),
                format!("is {other}; it must be \"null\", \"empty-string\" or \"empty-array\""),
            )),
        }
    }
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
        let conversions = self
            .sent()
            .filter_map(|one| conversions::from_answer(one, self));
        self.items
            .values()
            .map(Refined::tokens)
            .chain(conversions)
            .collect()
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

    /// Whether values of this type are structs that are sent, and so have a builder.
    pub fn is_built(&self, kind: &RustType) -> bool {
        let Shape::Named(name) = &kind.shape else {
            return false;
        };
        matches!(self.get(name), Some(Refined::Struct(one)) if one.direction == Direction::Sent)
    }

    /// Whether values of this type are made from the union of the same name that was received.
    pub fn converts(&self, kind: &RustType) -> bool {
        let Shape::Named(name) = &kind.shape else {
            return false;
        };
        matches!(self.get(name), Some(Refined::Union(one)) if one.converts)
    }

    /// A documented value of an open enum, for examples: the one asked for, else the first.
    pub fn sample_variant(&self, name: &str, value: Option<&str>) -> Option<String> {
        let Refined::Enum(one) = self.get(name)? else {
            return None;
        };
        let asked = one
            .variants
            .iter()
            .find(|(_, text)| Some(text.as_str()) == value);
        asked
            .or(one.variants.first())
            .map(|(ident, _)| ident.to_string())
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
            Item::Enum(item) if is_unit_only(item) => {
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
    let docs = docs::or_name(&item.attrs, &docs::words(&name));
    let direction = directions.get(&name).copied().unwrap_or(Direction::Both);
    if let Some(variants) = schema.get("x-tagged") {
        return Ok(Refined::Union(Union {
            tokens: tagged(&item.ident, &docs, variants, direction)?,
            sample: "Unknown(Default::default())",
            converts: false,
        }));
    }
    if schema.get("x-raw").is_some() {
        let views: Vec<_> = item
            .fields
            .iter()
            .filter_map(|field| Some((field.ident.clone()?, RustType::of(&field.ty))))
            .collect();
        let answer = name.strip_suffix("Input");
        let schemas = &document["components"]["schemas"];
        let answer = answer.filter(|answer| schemas[answer].get("x-raw").is_some());
        return Ok(Refined::Union(Union {
            tokens: raw::union(&item.ident, &docs, &views, direction, answer),
            sample: "from(serde_json::json!({}))",
            converts: answer.is_some(),
        }));
    }
    let fields = item
        .fields
        .iter()
        .filter_map(|field| field.ident.clone().map(|ident| (ident, field)))
        .map(|(ident, field)| member(ident, field, schema))
        .collect::<Result<Vec<_>>>()?;
    check_distinct(&name, &fields)?;
    Ok(Refined::Struct(Struct {
        docs,
        direction,
        ident: item.ident.clone(),
        fields,
    }))
}

fn member(ident: Ident, field: &syn::Field, schema: &Value) -> Result<Field> {
    let serde = SerdeNames::of(&field.attrs);
    let wire = serde
        .rename
        .unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned());
    Ok(Field {
        docs: docs::own(&field.attrs),
        kind: with_secret(RustType::of(&field.ty), &schema["properties"][&wire]),
        flatten: serde.flatten,
        clear: Clear::of(schema, &wire)?,
        constant: schema["x-const"][&wire].as_str().map(str::to_owned),
        ident,
        wire,
    })
}

/// Two members whose wire names differ only in their case would be one field.
fn check_distinct(name: &str, fields: &[Field]) -> Result<()> {
    for (index, field) in fields.iter().enumerate() {
        if field.ident == "extra" && !field.flatten {
            return Err(Error::new(
                format!("type `{name}`"),
                "`extra` is where unknown fields are kept",
            ));
        }
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

/// A union has one variant for each kind of JSON value, named after it.
fn union(item: &ItemEnum, items: &[Item], direction: Direction) -> Union {
    let ident = &item.ident;
    let docs = docs::or_name(&item.attrs, &docs::words(&ident.to_string()));
    let variants: Vec<Variant> = item
        .variants
        .iter()
        .filter_map(|variant| {
            Some(Variant::of(
                &RustType::of(&variant.fields.iter().next()?.ty),
                items,
                direction,
            ))
        })
        .collect();
    let lines = variants.iter().map(Variant::line);
    let conversions = variants.iter().map(|variant| variant.conversion(ident));
    // What is only sent need not be decoded, and its members cannot be.
    let decode = (direction != Direction::Sent).then(|| {
        let rules = variants
            .iter()
            .map(|Variant { name, json, .. }| quote!(#name #json,));
        quote!(crate::decode::response_union! { #ident { #(#rules)* } })
    });
    let tokens = quote! {
        #(#docs)*
        #[derive(Clone, Debug, serde::Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum #ident { #(#lines),* }
        #(#conversions)*
        #decode
    };
    let has_text = variants.iter().any(|variant| variant.name == "Text");
    let sample = if has_text {
        "Text(\"text\".into())"
    } else {
        "List(Vec::new())"
    };
    Union {
        tokens,
        sample,
        converts: false,
    }
}

/// A variant of a union.
struct Variant {
    name: Ident,
    /// The variant of `serde_json::Value`.
    json: Ident,
    text: &'static str,
    kind: TokenStream,
}

impl Variant {
    fn of(kind: &RustType, items: &[Item], direction: Direction) -> Self {
        let json = match &kind.shape {
            Shape::Named(name) if is_open_enum(name, items) => "String",
            _ => kind.json_kind(),
        };
        let (name, text) = match json {
            "String" => ("Text", " As text."),
            "Number" => ("Number", " As a number."),
            "Bool" => ("Bool", " As a boolean."),
            "Array" => ("List", " As a list."),
            _ => ("Object", " As an object."),
        };
        Self {
            name: format_ident!("{name}"),
            json: format_ident!("{json}"),
            text,
            kind: match &kind.shape {
                // There is no `extra` around it for items of another kind.
                Shape::List(item) if direction == Direction::Received => {
                    let item = item.written(&TokenStream::new());
                    quote!(crate::List<#item>)
                }
                _ => kind.written(&TokenStream::new()),
            },
        }
    }

    fn line(&self) -> TokenStream {
        let Self {
            name, text, kind, ..
        } = self;
        quote!(#[doc = #text] #name(#kind))
    }

    fn conversion(&self, union: &Ident) -> TokenStream {
        let Self { name, kind, .. } = self;
        let from_str = (kind.to_string() == "String").then(|| {
            quote! {
                impl From<&str> for #union {
                    fn from(value: &str) -> Self {
                        Self::#name(value.to_owned())
                    }
                }
            }
        });
        quote! {
            #from_str
            impl From<#kind> for #union {
                fn from(value: #kind) -> Self {
                    Self::#name(value)
                }
            }
        }
    }
}

fn is_open_enum(name: &str, items: &[Item]) -> bool {
    items
        .iter()
        .any(|item| matches!(item, Item::Enum(item) if item.ident == name && is_unit_only(item)))
}

fn is_unit_only(item: &ItemEnum) -> bool {
    item.variants
        .iter()
        .all(|variant| matches!(variant.fields, Fields::Unit))
}

impl Refined {
    fn tokens(&self) -> TokenStream {
        match self {
            Self::Struct(one) if one.direction == Direction::Sent => request_types::structure(one),
            Self::Struct(one) => received(one),
            Self::Enum(one) => one.tokens(),
            Self::Union(one) => one.tokens.clone(),
        }
    }
}

/// A received struct: lists and maps are plain, and what the document does not know is kept.
fn received(one: &Struct) -> TokenStream {
    let Struct {
        ident,
        docs,
        fields,
        ..
    } = one;
    let lines = fields.iter().map(|field| {
        let Field { ident, docs, .. } = field;
        let kind = match rule(field) {
            "or_default" => field.kind.unwrapped(),
            _ => &field.kind,
        };
        let kind = kind.written(&TokenStream::new());
        quote!(#(#docs)* pub #ident: #kind)
    });
    let rules = fields.iter().map(|field| {
        let (ident, wire, rule) = (&field.ident, &field.wire, format_ident!("{}", rule(field)));
        quote!(#ident #wire #rule,)
    });
    quote! {
        #(#docs)*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct #ident {
            #(#lines,)*
            /// Fields that the document does not know, and values that are not of their field's type;
            /// of a list or a map those items alone, by position or name.
            pub extra: crate::JsonObject,
        }

        crate::decode::response_object! { #ident { #(#rules)* } }
    }
}

/// How a member is missed: not at all (a list, a map), as `None`, or as an error.
fn rule(field: &Field) -> &'static str {
    match &field.kind.unwrapped().shape {
        Shape::List(_) | Shape::Map(_) | Shape::Object => "or_default",
        _ if field.kind.is_option() => "optional",
        _ => "required",
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

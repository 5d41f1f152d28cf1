//! Types: the types of progenitor with different serde attributes, open enums, and builders for
//! request types only.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::{Attribute, Fields, Item, ItemEnum, ItemStruct};

use super::{
    conversions, docs, raw, request_types,
    rust_type::{RustType, TypeKind},
    tagged::tagged,
};
use crate::{Error, Result, lower::Direction, modules::Modules};

/// Every type of the selected document.
pub struct Types {
    items: BTreeMap<String, RefinedType>,
    modules: Modules,
}

/// A type after refinement.
pub enum RefinedType {
    /// A struct.
    Struct(StructType),
    /// An open enum of strings.
    Enum(OpenEnum),
    /// A union.
    Union(UnionType),
}

/// The generated code of a union.
pub struct UnionType {
    /// The enum and its conversions.
    pub tokens: TokenStream,
    /// The variants by name.
    pub variants: Vec<(Ident, TokenStream)>,
    /// How users reach a variant.
    pub access: VariantAccess,
    /// An example value, relative to the path of the union.
    pub sample: &'static str,
    /// Whether it is a request type that converts from the response type.
    pub converts_from_response: bool,
}

/// How users reach a variant of a union.
pub enum VariantAccess {
    /// As a variant of an enum.
    Variant,
    /// Through a method that decodes it.
    Method,
    /// Through a conversion into the union.
    Conversion,
}

/// A struct and its direction.
pub struct StructType {
    /// The name.
    pub ident: Ident,
    /// The documentation.
    pub docs: Vec<Attribute>,
    /// Whether it is used in requests or responses.
    pub direction: Direction,
    /// The fields.
    pub fields: Vec<Field>,
}

/// A field of a struct.
pub struct Field {
    /// The Rust name.
    pub ident: Ident,
    /// The name on the wire.
    pub wire: String,
    /// The documentation.
    pub docs: Vec<Attribute>,
    /// The type.
    pub ty: RustType,
    /// Whether it holds the additional fields.
    pub flatten: bool,
    /// The value that clears it in an update, if it can be cleared.
    pub clear: Option<ClearValue>,
    /// The only value that it can have.
    pub constant: Option<String>,
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

impl ClearValue {
    /// Parses `x-clear` of a field.
    fn parse(schema: &Value, wire: &str) -> Result<Option<Self>> {
        match &schema["x-clear"][wire] {
            Value::Null => Ok(None),
            Value::String(text) if text == "null" => Ok(Some(Self::Null)),
            Value::String(text) if text == "empty-string" => Ok(Some(Self::EmptyString)),
            Value::String(text) if text == "empty-array" => Ok(Some(Self::EmptyArray)),
            other => Err(Error::new(
                format!("x-clear of `{wire}`"),
                format!("expected \"null\", \"empty-string\" or \"empty-array\", found {other}"),
            )),
        }
    }
}

/// An enum of the documented strings, with a variant for unknown ones.
pub struct OpenEnum {
    ident: Ident,
    docs: Vec<Attribute>,
    /// The variants, each with its value.
    pub variants: Vec<(Ident, String)>,
}

impl Types {
    /// Returns the code of the types of a module, sorted by name.
    pub fn tokens(&self, module: &str) -> TokenStream {
        let types = self
            .in_module(module)
            .map(|item| item.tokens(&self.modules));
        let conversions = self
            .request_structs(module)
            .filter_map(|structure| conversions::from_response(structure, self));
        let builders = self
            .request_structs(module)
            .map(|structure| request_types::builder(structure, self));
        types.chain(conversions).chain(builders).collect()
    }

    /// Returns the module of each type.
    pub fn modules(&self) -> &Modules {
        &self.modules
    }

    /// Returns the names of all types.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.items.keys().map(String::as_str)
    }

    fn in_module(&self, module: &str) -> impl Iterator<Item = &RefinedType> {
        self.items
            .iter()
            .filter(move |(name, _)| self.modules.home(name) == module)
            .map(|(_, item)| item)
    }

    /// Returns the type of that name.
    pub fn get(&self, name: &str) -> Option<&RefinedType> {
        self.items.get(name)
    }

    /// Returns whether a type is a request struct, which has a builder.
    pub fn has_builder(&self, ty: &RustType) -> bool {
        matches!(&ty.kind, TypeKind::Named(name) if self.is_request_struct(name))
    }

    /// Returns whether the type of that name is a request struct.
    pub fn is_request_struct(&self, name: &str) -> bool {
        matches!(self.get(name), Some(RefinedType::Struct(structure)) if structure.direction == Direction::Request)
    }

    /// Returns whether a type is a union that converts from the response type of the same schema.
    pub fn converts_from_response(&self, ty: &RustType) -> bool {
        let TypeKind::Named(name) = &ty.kind else {
            return false;
        };
        matches!(self.get(name), Some(RefinedType::Union(union)) if union.converts_from_response)
    }

    /// Returns the variant of an open enum for a value, or the first one, for examples.
    pub fn sample_variant(&self, name: &str, value: Option<&str>) -> Option<String> {
        let RefinedType::Enum(open_enum) = self.get(name)? else {
            return None;
        };
        let requested = open_enum
            .variants
            .iter()
            .find(|(_, text)| Some(text.as_str()) == value);
        requested
            .or(open_enum.variants.first())
            .map(|(ident, _)| ident.to_string())
    }

    fn request_structs(&self, module: &str) -> impl Iterator<Item = &StructType> {
        self.in_module(module).filter_map(|item| match item {
            RefinedType::Struct(structure) if structure.direction == Direction::Request => {
                Some(structure)
            }
            _ => None,
        })
    }
}

/// Refines the items of the module `types` of progenitor.
pub fn refine(
    items: &[Item],
    document: &Value,
    directions: &BTreeMap<String, Direction>,
    modules: &Modules,
) -> Result<Types> {
    let mut refined = BTreeMap::new();
    for item in items {
        let (name, refined_type) = match item {
            Item::Struct(item) => (
                item.ident.to_string(),
                refine_struct(item, document, directions, modules)?,
            ),
            Item::Enum(item) if is_unit_only(item) => (
                item.ident.to_string(),
                RefinedType::Enum(refine_enum(item, modules)),
            ),
            Item::Enum(item) => {
                let direction = directions
                    .get(&item.ident.to_string())
                    .copied()
                    .unwrap_or(Direction::Both);
                (
                    item.ident.to_string(),
                    RefinedType::Union(refine_union(item, items, direction, modules)),
                )
            }
            _ => continue,
        };
        if !directions.contains_key(&name) {
            return Err(Error::new(
                "progenitor",
                format!("generated the type `{name}`, which is not a schema"),
            ));
        }
        refined.insert(name, refined_type);
    }
    match directions.keys().find(|name| !refined.contains_key(*name)) {
        Some(name) => Err(Error::new(
            "progenitor",
            format!("generated no type for the schema `{name}`"),
        )),
        None => Ok(Types {
            items: refined,
            modules: modules.clone(),
        }),
    }
}

fn refine_struct(
    item: &ItemStruct,
    document: &Value,
    directions: &BTreeMap<String, Direction>,
    modules: &Modules,
) -> Result<RefinedType> {
    let name = item.ident.to_string();
    let schema = &document["components"]["schemas"][&name];
    let mut docs = docs::or_default(&item.attrs, &docs::sentence_case(&name));
    docs.extend(docs::usage(&name, modules));
    let direction = directions.get(&name).copied().unwrap_or(Direction::Both);
    if let Some(variants) = schema.get("x-tagged") {
        let (tokens, variants) = tagged(&item.ident, &docs, variants, direction, modules)?;
        return Ok(RefinedType::Union(UnionType {
            tokens,
            variants,
            access: VariantAccess::Variant,
            sample: "Unknown(Default::default())",
            converts_from_response: false,
        }));
    }
    if schema.get("x-raw").is_some() {
        let views: Vec<_> = item
            .fields
            .iter()
            .filter_map(|field| Some((field.ident.clone()?, RustType::new(&field.ty))))
            .collect();
        let response = name.strip_suffix("Input");
        let schemas = &document["components"]["schemas"];
        let response = response.filter(|response| schemas[response].get("x-raw").is_some());
        return Ok(RefinedType::Union(UnionType {
            tokens: raw::union(&item.ident, &docs, &views, direction, response, modules),
            variants: raw::variants(&views, modules),
            access: match direction {
                Direction::Request => VariantAccess::Conversion,
                _ => VariantAccess::Method,
            },
            sample: "from(serde_json::json!({}))",
            converts_from_response: response.is_some(),
        }));
    }
    let fields = item
        .fields
        .iter()
        .filter_map(|field| field.ident.clone().map(|ident| (ident, field)))
        .map(|(ident, field)| refine_field(ident, field, schema))
        .collect::<Result<Vec<_>>>()?;
    check_field_names(&name, &fields)?;
    Ok(RefinedType::Struct(StructType {
        docs,
        direction,
        ident: item.ident.clone(),
        fields,
    }))
}

fn refine_field(ident: Ident, field: &syn::Field, schema: &Value) -> Result<Field> {
    let serde = SerdeAttributes::parse(&field.attrs);
    let wire = serde
        .rename
        .unwrap_or_else(|| ident.to_string().trim_start_matches("r#").to_owned());
    let property = &schema["properties"][&wire];
    let ty = apply_secret_format(RustType::new(&field.ty), property);
    Ok(Field {
        docs: docs::field(&field.attrs, &ty, property),
        ty,
        flatten: serde.flatten,
        clear: ClearValue::parse(schema, &wire)?,
        constant: schema["x-const"][&wire].as_str().map(str::to_owned),
        ident,
        wire,
    })
}

/// Checks that no two wire names map to one Rust name and that none is named `extra`.
fn check_field_names(name: &str, fields: &[Field]) -> Result<()> {
    for (index, field) in fields.iter().enumerate() {
        if field.ident == "extra" && !field.flatten {
            return Err(Error::new(
                format!("type `{name}`"),
                "the field name `extra` is reserved for unknown fields",
            ));
        }
        if let Some(other) = fields[..index]
            .iter()
            .find(|other| other.ident == field.ident)
        {
            let problem = format!(
                "`{}` and `{}` both map to the Rust field `{}`",
                other.wire, field.wire, field.ident
            );
            return Err(Error::new(format!("type `{name}`"), problem));
        }
    }
    Ok(())
}

/// Changes the type of a field with `format: secret`, which progenitor treats as a string.
fn apply_secret_format(ty: RustType, property: &Value) -> RustType {
    if property["format"] != "secret" {
        return ty;
    }
    let secret = RustType {
        kind: TypeKind::Secret,
        syntax: ty.syntax.clone(),
    };
    if ty.is_option() {
        RustType {
            kind: TypeKind::Option(Box::new(secret)),
            syntax: ty.syntax,
        }
    } else {
        secret
    }
}

#[derive(Default)]
struct SerdeAttributes {
    rename: Option<String>,
    flatten: bool,
}

impl SerdeAttributes {
    fn parse(attributes: &[Attribute]) -> Self {
        let mut names = Self::default();
        for attribute in attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("serde"))
        {
            // The other attributes of progenitor are replaced.
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

fn refine_enum(item: &ItemEnum, modules: &Modules) -> OpenEnum {
    let name = item.ident.to_string();
    let mut docs = docs::or_default(&item.attrs, &docs::sentence_case(&name));
    docs.extend(docs::usage(&name, modules));
    OpenEnum {
        ident: item.ident.clone(),
        docs,
        variants: item
            .variants
            .iter()
            .map(|variant| {
                let text = SerdeAttributes::parse(&variant.attrs)
                    .rename
                    .unwrap_or_else(|| variant.ident.to_string());
                (variant.ident.clone(), text)
            })
            .collect(),
    }
}

/// Refines a union, which has a variant for each kind of JSON value.
fn refine_union(
    item: &ItemEnum,
    items: &[Item],
    direction: Direction,
    modules: &Modules,
) -> UnionType {
    let ident = &item.ident;
    let mut docs = docs::or_default(&item.attrs, &docs::sentence_case(&ident.to_string()));
    docs.extend(docs::usage(&ident.to_string(), modules));
    let variants: Vec<Variant> = item
        .variants
        .iter()
        .filter_map(|variant| {
            Some(Variant::new(
                &RustType::new(&variant.fields.iter().next()?.ty),
                items,
                direction,
                modules,
            ))
        })
        .collect();
    let definitions = variants.iter().map(Variant::definition);
    let conversions = variants.iter().map(|variant| variant.conversion(ident));
    // A request type is never decoded, and its variants do not implement decoding.
    let decode = (direction != Direction::Request).then(|| {
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
        pub enum #ident { #(#definitions),* }
        #(#conversions)*
        #decode
    };
    let has_text = variants.iter().any(|variant| variant.name == "Text");
    let sample = if has_text {
        "Text(\"text\".into())"
    } else {
        "List(Vec::new())"
    };
    UnionType {
        tokens,
        variants: variants
            .into_iter()
            .map(|variant| (variant.name, variant.ty))
            .collect(),
        access: VariantAccess::Variant,
        sample,
        converts_from_response: false,
    }
}

/// A variant of a union.
struct Variant {
    name: Ident,
    /// The variant of `serde_json::Value`.
    json: Ident,
    doc: &'static str,
    ty: TokenStream,
}

impl Variant {
    fn new(ty: &RustType, items: &[Item], direction: Direction, modules: &Modules) -> Self {
        let json = match &ty.kind {
            TypeKind::Named(name) if is_open_enum(name, items) => "String",
            _ => ty.json_kind(),
        };
        let (name, doc) = match json {
            "String" => ("Text", " A string."),
            "Number" => ("Number", " A number."),
            "Bool" => ("Bool", " A boolean."),
            "Array" => ("List", " A list."),
            _ => ("Object", " An object."),
        };
        Self {
            name: format_ident!("{name}"),
            json: format_ident!("{json}"),
            doc,
            ty: match &ty.kind {
                // A bare list has no `extra` for mismatched items.
                TypeKind::List(item) if direction == Direction::Response => {
                    let item = item.tokens(modules);
                    quote!(crate::List<#item>)
                }
                _ => ty.tokens(modules),
            },
        }
    }

    fn definition(&self) -> TokenStream {
        let Self { name, doc, ty, .. } = self;
        quote!(#[doc = #doc] #name(#ty))
    }

    fn conversion(&self, union: &Ident) -> TokenStream {
        let Self { name, ty, .. } = self;
        let from_str = (ty.to_string() == "String").then(|| {
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
            impl From<#ty> for #union {
                fn from(value: #ty) -> Self {
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

impl RefinedType {
    fn tokens(&self, modules: &Modules) -> TokenStream {
        match self {
            Self::Struct(structure) if structure.direction == Direction::Request => {
                request_types::struct_definition(structure, modules)
            }
            Self::Struct(structure) => response_struct(structure, modules),
            Self::Enum(open_enum) => open_enum.tokens(),
            Self::Union(union) => union.tokens.clone(),
        }
    }
}

/// Returns a response struct: absent lists and maps are empty, and unknown fields are kept.
fn response_struct(structure: &StructType, modules: &Modules) -> TokenStream {
    let StructType {
        ident,
        docs,
        fields,
        ..
    } = structure;
    let definitions = fields.iter().map(|field| {
        let Field { ident, docs, .. } = field;
        let ty = response_field_type(field).tokens(modules);
        quote!(#(#docs)* pub #ident: #ty)
    });
    let rules = fields.iter().map(|field| {
        let (ident, wire, rule) = (
            &field.ident,
            &field.wire,
            format_ident!("{}", presence_rule(field)),
        );
        quote!(#ident #wire #rule,)
    });
    quote! {
        #(#docs)*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct #ident {
            #(#definitions,)*
            /// Fields that are not part of the schema, and values whose type did not match.
            ///
            /// For lists and maps, only the mismatched items, by index or key.
            pub extra: crate::JsonObject,
        }

        crate::decode::response_object! { #ident { #(#rules)* } }
    }
}

/// Returns the type of a field of a response: an absent list or map is empty.
pub fn response_field_type(field: &Field) -> &RustType {
    match presence_rule(field) {
        "or_default" => field.ty.without_option(),
        _ => &field.ty,
    }
}

/// Returns how an absent field is decoded: as an empty list or map, as `None`, or as an error.
fn presence_rule(field: &Field) -> &'static str {
    match &field.ty.without_option().kind {
        TypeKind::List(_) | TypeKind::Map(_) | TypeKind::JsonObject => "or_default",
        _ if field.ty.is_option() => "optional",
        _ => "required",
    }
}

/// Returns `rename = "…",` if the wire name differs from the Rust name.
pub fn rename(field: &Field) -> TokenStream {
    if field.ident == field.wire {
        return TokenStream::new();
    }
    let wire = &field.wire;
    quote!(rename = #wire,)
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

    fn tokens(&self) -> TokenStream {
        let Self {
            ident,
            docs,
            variants,
        } = self;
        let other = self.unknown_variant();
        let definitions = variants.iter().map(|(name, text)| quote!(#name = #text,));
        quote! {
            crate::open_enum::open_enum! {
                #(#docs)*
                #ident, #other { #(#definitions)* }
            }
        }
    }
}

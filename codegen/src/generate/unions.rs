//! The code of the unions.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::model::{
    RustType, TaggedVariant, Types, UnionKind, UnionType, UnionVariant, builder_path, type_path,
};
use crate::{lower::Direction, modules::Modules};

/// Returns the definition of a union and its conversions.
pub fn definition(union: &UnionType, types: &Types) -> TokenStream {
    let modules = types.modules();
    let definition = match &union.kind {
        UnionKind::JsonKind(variants) => by_json_kind(union, variants, modules),
        UnionKind::Tagged { member, variants } => tagged(union, member, variants, modules),
        UnionKind::Raw { views, response } => raw(union, views, response.as_deref(), modules),
    };
    let from_builders = from_builders(union, types);
    quote!(#definition #from_builders)
}

/// Returns the conversions from the builders of the variants.
fn from_builders(union: &UnionType, types: &Types) -> TokenStream {
    let variants: Vec<&RustType> = match &union.kind {
        UnionKind::JsonKind(variants) => variants.iter().map(|variant| &variant.ty).collect(),
        UnionKind::Tagged { variants, .. } => variants.iter().map(|variant| &variant.ty).collect(),
        UnionKind::Raw { .. } if union.direction != Direction::Request => Vec::new(),
        UnionKind::Raw { views, .. } => views.iter().map(|(_, ty)| ty).collect(),
    };
    let ident = &union.ident;
    let mut names: Vec<&String> = Vec::new();
    for ty in variants {
        match ty {
            RustType::Named(name) if types.is_request_struct(name) && !names.contains(&name) => {
                names.push(name);
            }
            _ => {}
        }
    }
    names
        .into_iter()
        .map(|name| {
            let builder = builder_path(name, types.modules());
            quote! {
                impl TryFrom<#builder> for #ident {
                    type Error = crate::Error;
                    #[inline]
                    fn try_from(builder: #builder) -> Result<Self, crate::Error> {
                        builder.build().map(Into::into)
                    }
                }
            }
        })
        .collect()
}

/// Returns an enum with a variant for each kind of JSON value.
fn by_json_kind(union: &UnionType, variants: &[UnionVariant], modules: &Modules) -> TokenStream {
    let UnionType { ident, docs, .. } = union;
    let comparison = comparison(union);
    let definitions = variants.iter().map(|variant| {
        let UnionVariant {
            ident: name, doc, ..
        } = variant;
        let ty = variant.ty.tokens(modules);
        quote!(#[doc = #doc] #name(#ty))
    });
    let conversions = variants
        .iter()
        .map(|variant| conversion(variant, ident, modules));
    // A request type is never decoded, and its variants do not implement decoding.
    let decode = union.is_decoded().then(|| {
        let rules = variants.iter().map(|variant| {
            let UnionVariant {
                ident: name, json, ..
            } = variant;
            quote!(#name #json,)
        });
        quote!(crate::decode::response_union! { #ident { #(#rules)* } })
    });
    quote! {
        #(#[doc = #docs])*
        #[derive(Clone, Debug, serde::Serialize)]
        #comparison
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum #ident { #(#definitions),* }
        #(#conversions)*
        #decode
    }
}

/// Returns the derive of `PartialEq`, which request types do not implement.
fn comparison(union: &UnionType) -> Option<TokenStream> {
    union.is_decoded().then(|| quote!(#[derive(PartialEq)]))
}

fn conversion(variant: &UnionVariant, union: &Ident, modules: &Modules) -> TokenStream {
    let (name, ty) = (&variant.ident, variant.ty.tokens(modules));
    if matches!(&variant.ty, RustType::List(item) if **item == RustType::String) {
        return from_strings(name, union);
    }
    let from_str = matches!(variant.ty, RustType::String).then(|| {
        quote! {
            impl From<&str> for #union {
                fn from(value: &str) -> Self {
                    Self::#name(value.to_owned())
                }
            }
            impl From<&String> for #union {
                fn from(value: &String) -> Self {
                    Self::#name(value.clone())
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

/// Returns the conversions from lists of strings, owned or not.
fn from_strings(variant: &Ident, union: &Ident) -> TokenStream {
    quote! {
        impl<T: Into<String>> From<Vec<T>> for #union {
            fn from(value: Vec<T>) -> Self {
                Self::#variant(value.into_iter().map(Into::into).collect())
            }
        }
        impl<T: Into<String>, const N: usize> From<[T; N]> for #union {
            fn from(value: [T; N]) -> Self {
                Self::#variant(value.into_iter().map(Into::into).collect())
            }
        }
    }
}

/// Returns an enum with a variant for each value of the discriminator, and `Unknown` for others.
fn tagged(
    union: &UnionType,
    member: &str,
    variants: &[TaggedVariant],
    modules: &Modules,
) -> TokenStream {
    let UnionType { ident, docs, .. } = union;
    let comparison = comparison(union);
    let definitions = variants.iter().map(|variant| {
        let (name, ty) = (&variant.ident, variant.ty.tokens(modules));
        let docs = format!(" The variant whose `{member}` is `{}`.", variant.value);
        quote!(#[doc = #docs] #name(Box<#ty>))
    });
    let conversions = variants.iter().map(|variant| {
        let (name, ty) = (&variant.ident, variant.ty.tokens(modules));
        quote! {
            impl From<#ty> for #ident {
                fn from(value: #ty) -> Self {
                    Self::#name(Box::new(value))
                }
            }
        }
    });
    let decode = union.is_decoded().then(|| {
        let rules = variants
            .iter()
            .map(|TaggedVariant { ident, value, .. }| quote!(#ident #value,));
        quote!(crate::decode::response_tagged_union! { #ident #member { #(#rules)* } })
    });
    quote! {
        #(#[doc = #docs])*
        #[derive(Clone, Debug, serde::Serialize)]
        #comparison
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum #ident {
            #(#definitions,)*
            /// A variant that is not part of the schema.
            Unknown(crate::JsonObject),
        }
        #(#conversions)*
        #decode
    }
}

/// Returns the newtype of raw JSON.
///
/// A response type has a method per variant that decodes it; a request type converts from each
/// variant and from the `response` type of the same schema.
fn raw(
    union: &UnionType,
    views: &[(Ident, RustType)],
    response: Option<&str>,
    modules: &Modules,
) -> TokenStream {
    let UnionType { ident, docs, .. } = union;
    let conversions = match union.direction {
        Direction::Request => from_impls(ident, views, modules),
        _ => view_methods(ident, views, modules),
    };
    let from_response = response.map(|response| {
        let response = type_path(response, modules);
        quote! {
            impl From<#response> for #ident {
                fn from(response: #response) -> Self {
                    Self(response.into_value())
                }
            }
        }
    });
    quote! {
        crate::decode::raw_json! { #(#[doc = #docs])* #ident }
        #conversions
        #from_response
    }
}

fn view_methods(ident: &Ident, views: &[(Ident, RustType)], modules: &Modules) -> TokenStream {
    let methods = views.iter().map(|(name, ty)| {
        // Without modules, only the name of the type remains.
        let shown = compact(&ty.tokens(&Modules::default()));
        let shown = shown.replace("crate::types::", "").replace("crate::", "");
        let docs = format!(" Decodes it as `{shown}`. Fails on a mismatch.");
        let ty = ty.tokens(modules);
        let name = format_ident!("as_{name}");
        quote!(#[doc = #docs] #name #ty,)
    });
    quote!(crate::decode::response_raw_json! { #ident { #(#methods)* } })
}

fn from_impls(ident: &Ident, views: &[(Ident, RustType)], modules: &Modules) -> TokenStream {
    let text = views
        .iter()
        .any(|(_, ty)| matches!(ty, RustType::String))
        .then(|| quote!(&str));
    // Two variants may have the same type, and `raw_json!` already implements `From<Value>`.
    let mut seen = BTreeSet::from(["serde_json::Value".to_owned()]);
    let types = views.iter().map(|(_, ty)| ty.tokens(modules)).chain(text);
    types
        .filter(|ty| seen.insert(compact(ty)))
        .map(|ty| {
            quote! {
                impl From<#ty> for #ident {
                    fn from(value: #ty) -> Self {
                        Self(crate::decode::raw(&value))
                    }
                }
            }
        })
        .collect()
}

fn compact(ty: &TokenStream) -> String {
    ty.to_string().replace(' ', "")
}

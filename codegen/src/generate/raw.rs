//! Unions without a discriminator: raw JSON with a typed view for each variant.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Attribute;

use super::rust_type::{RustType, TypeKind, type_path};
use crate::{lower::Direction, modules::Modules};

/// Returns the newtype for a schema with `x-raw`.
///
/// A response type has a method per variant that decodes it; a request type converts from each
/// variant and from the `response` type of the same schema.
pub fn union(
    ident: &Ident,
    docs: &[Attribute],
    views: &[(Ident, RustType)],
    direction: Direction,
    response: Option<&str>,
    modules: &Modules,
) -> TokenStream {
    let conversions = match direction {
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
        crate::decode::raw_json! { #(#docs)* #ident }
        #conversions
        #from_response
    }
}

/// Returns the variants by name.
pub fn variants(views: &[(Ident, RustType)], modules: &Modules) -> Vec<(Ident, TokenStream)> {
    views
        .iter()
        .map(|(name, ty)| (name.clone(), variant_tokens(ty, modules)))
        .collect()
}

fn view_methods(ident: &Ident, views: &[(Ident, RustType)], modules: &Modules) -> TokenStream {
    let methods = views.iter().map(|(name, ty)| {
        // Without modules, only the name of the type remains.
        let shown = compact(&variant_tokens(ty, &Modules::default()));
        let shown = shown.replace("crate::types::", "").replace("crate::", "");
        let docs = format!(" Decodes it as `{shown}`. Fails on a mismatch.");
        let ty = variant_tokens(ty, modules);
        let name = format_ident!("as_{name}");
        quote!(#[doc = #docs] #name #ty,)
    });
    quote!(crate::decode::response_raw_json! { #ident { #(#methods)* } })
}

fn from_impls(ident: &Ident, views: &[(Ident, RustType)], modules: &Modules) -> TokenStream {
    let text = views
        .iter()
        .any(|(_, ty)| matches!(ty.without_option().kind, TypeKind::String))
        .then(|| quote!(&str));
    // Two variants may have the same type, and `raw_json!` already implements `From<Value>`.
    let mut seen = BTreeSet::from(["serde_json::Value".to_owned()]);
    let kinds = views
        .iter()
        .map(|(_, ty)| variant_tokens(ty, modules))
        .chain(text);
    kinds
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

/// Returns the type of a variant without the `Option` and the `Box` that progenitor adds.
fn variant_tokens(ty: &RustType, modules: &Modules) -> TokenStream {
    match &ty.without_option().kind {
        TypeKind::Box(inner) => inner.tokens(modules),
        _ => ty.without_option().tokens(modules),
    }
}

fn compact(ty: &TokenStream) -> String {
    ty.to_string().replace(' ', "")
}

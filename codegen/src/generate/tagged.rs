//! Unions with a discriminator: a field that has one constant value in each variant.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use serde_json::Value;
use syn::Attribute;

use super::rust_type::type_path;
use crate::{Error, Result, lower::Direction, modules::Modules, rust_names};

/// Returns the enum for a schema with `x-tagged`: a variant for each value, and `Unknown` for
/// others. Returns the variants as well.
pub fn tagged(
    ident: &Ident,
    docs: &[Attribute],
    schema: &Value,
    direction: Direction,
    modules: &Modules,
) -> Result<(TokenStream, Vec<(Ident, TokenStream)>)> {
    let member = schema["member"].as_str().unwrap_or_default();
    let variants = schema["variants"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|variant| Variant::parse(variant, modules))
        .collect::<Result<Vec<_>>>()?;
    let definitions = variants.iter().map(|Variant { name, ty, value }| {
        let docs = format!(" The variant whose `{member}` is `{value}`.");
        quote!(#[doc = #docs] #name(Box<#ty>))
    });
    let conversions = variants.iter().map(|Variant { name, ty, .. }| {
        quote! {
            impl From<#ty> for #ident {
                fn from(value: #ty) -> Self {
                    Self::#name(Box::new(value))
                }
            }
        }
    });
    let decode = (direction != Direction::Request).then(|| {
        let variant_rules = variants
            .iter()
            .map(|Variant { name, value, .. }| quote!(#name #value,));
        quote!(crate::decode::response_tagged_union! { #ident #member { #(#variant_rules)* } })
    });
    let tokens = quote! {
        #(#docs)*
        #[derive(Clone, Debug, serde::Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum #ident {
            #(#definitions,)*
            /// A variant that is not part of the schema.
            Unknown(crate::JsonObject),
        }
        #(#conversions)*
        #decode
    };
    let variants = variants
        .into_iter()
        .map(|Variant { name, ty, .. }| (name, ty));
    Ok((tokens, variants.collect()))
}

struct Variant {
    name: Ident,
    ty: TokenStream,
    value: String,
}

impl Variant {
    fn parse(variant: &Value, modules: &Modules) -> Result<Self> {
        let value = variant["value"].as_str().unwrap_or_default().to_owned();
        let ty = variant["schema"]["$ref"]
            .as_str()
            .and_then(|text| text.rsplit('/').next());
        let ty =
            ty.ok_or_else(|| Error::new(format!("variant `{value}`"), "expected a named schema"))?;
        let name = rust_names::tagged_variant(&value);
        Ok(Self {
            name: syn::parse_str(&name).map_err(|_| {
                Error::new(
                    format!("variant `{value}`"),
                    "cannot be converted to a Rust identifier",
                )
            })?,
            ty: type_path(ty, modules),
            value,
        })
    }
}

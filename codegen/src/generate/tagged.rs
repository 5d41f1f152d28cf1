//! Unions that a member with one value decides.

use heck::ToUpperCamelCase;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::Attribute;

use crate::{Error, Result, shape::Direction};

/// The enum for a schema with `x-tagged`: a variant for each value, and one for values added since.
pub fn tagged(
    ident: &Ident,
    docs: &[Attribute],
    schema: &Value,
    direction: Direction,
) -> Result<TokenStream> {
    let member = schema["member"].as_str().unwrap_or_default();
    let variants = schema["variants"]
        .as_array()
        .into_iter()
        .flatten()
        .map(Variant::read)
        .collect::<Result<Vec<_>>>()?;
    let lines = variants.iter().map(|Variant { name, kind, value }| {
        let docs = format!(" Where `{member}` is `{value}`.");
        quote!(#[doc = #docs] #name(Box<#kind>))
    });
    let conversions = variants.iter().map(|Variant { name, kind, .. }| {
        quote! {
            impl From<#kind> for #ident {
                fn from(value: #kind) -> Self {
                    Self::#name(Box::new(value))
                }
            }
        }
    });
    let decode = (direction != Direction::Sent).then(|| {
        let rules = variants
            .iter()
            .map(|Variant { name, value, .. }| quote!(#name #value,));
        quote!(crate::decode::response_tagged_union! { #ident #member { #(#rules)* } })
    });
    Ok(quote! {
        #(#docs)*
        #[derive(Clone, Debug, serde::Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum #ident {
            #(#lines,)*
            /// A variant that the document does not know.
            Unknown(crate::JsonObject),
        }
        #(#conversions)*
        #decode
    })
}

struct Variant {
    name: Ident,
    kind: Ident,
    value: String,
}

impl Variant {
    fn read(variant: &Value) -> Result<Self> {
        let value = variant["value"].as_str().unwrap_or_default().to_owned();
        let kind = variant["schema"]["$ref"]
            .as_str()
            .and_then(|text| text.rsplit('/').next());
        let kind =
            kind.ok_or_else(|| Error::new(format!("variant `{value}`"), "is no named schema"))?;
        let name = match value.to_upper_camel_case().as_str() {
            "Unknown" => "UnknownValue".to_owned(),
            other => other.to_owned(),
        };
        Ok(Self {
            name: syn::parse_str(&name)
                .map_err(|_| Error::new(format!("variant `{value}`"), "has no Rust name"))?,
            kind: format_ident!("{kind}"),
            value,
        })
    }
}

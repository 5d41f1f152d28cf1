//! Unions between whose variants nothing decides: raw JSON with a view for each variant.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Attribute;

use super::rust_type::{RustType, Shape};
use crate::shape::Direction;

/// The newtype for a schema with `x-raw`: what is received is read as any of its variants, what is
/// sent is made from any of them, or from the `answer` of the same schema.
pub fn union(
    ident: &Ident,
    docs: &[Attribute],
    views: &[(Ident, RustType)],
    direction: Direction,
    answer: Option<&str>,
) -> TokenStream {
    let rest = match direction {
        Direction::Sent => sources(ident, views),
        _ => readers(ident, views),
    };
    let from_answer = answer.map(|answer| {
        let answer = format_ident!("{answer}");
        quote! {
            impl From<#answer> for #ident {
                fn from(answer: #answer) -> Self {
                    Self(answer.into_value())
                }
            }
        }
    });
    quote! {
        crate::decode::raw_json! { #(#docs)* #ident }
        #rest
        #from_answer
    }
}

fn readers(ident: &Ident, views: &[(Ident, RustType)]) -> TokenStream {
    let readers = views.iter().map(|(name, kind)| {
        let kind = written(kind);
        let name = format_ident!("as_{name}");
        let docs = format!(
            " Reads it as `{}`; an error where it cannot be one.",
            plain(&kind).trim_start_matches("crate::")
        );
        quote!(#[doc = #docs] #name #kind,)
    });
    quote!(crate::decode::response_raw_json! { #ident { #(#readers)* } })
}

fn sources(ident: &Ident, views: &[(Ident, RustType)]) -> TokenStream {
    let text = views
        .iter()
        .any(|(_, kind)| matches!(kind.unwrapped().shape, Shape::Text))
        .then(|| quote!(&str));
    // Two variants may be of one type, and `Value` has its conversion already.
    let mut seen = BTreeSet::from(["serde_json::Value".to_owned()]);
    let kinds = views.iter().map(|(_, kind)| written(kind)).chain(text);
    kinds
        .filter(|kind| seen.insert(plain(kind)))
        .map(|kind| {
            quote! {
                impl From<#kind> for #ident {
                    fn from(value: #kind) -> Self {
                        Self(crate::decode::raw(&value))
                    }
                }
            }
        })
        .collect()
}

/// The type of a variant, whatever progenitor wrapped around it.
fn written(kind: &RustType) -> TokenStream {
    match &kind.unwrapped().shape {
        Shape::Boxed(inner) => inner.written(&TokenStream::new()),
        _ => kind.unwrapped().written(&TokenStream::new()),
    }
}

fn plain(kind: &TokenStream) -> String {
    kind.to_string().replace(' ', "")
}

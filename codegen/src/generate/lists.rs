//! The code that makes list responses pageable.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::{ListResponse, ObjectList, type_path};
use crate::modules::Modules;

/// Returns the `crate::pagination::paged!` call for a list response.
pub fn paged_impl(list: &ListResponse, modules: &Modules) -> TokenStream {
    match list {
        ListResponse::Object(list) => object_list(list, modules),
        ListResponse::Union { ident, item, page } => {
            let (item, page) = (item.tokens(modules), type_path(page, modules));
            quote!(crate::pagination::paged! { #ident of #item, List or Object #page })
        }
    }
}

fn object_list(list: &ObjectList, modules: &Modules) -> TokenStream {
    let ObjectList { ident, key, .. } = list;
    let item = list.item.tokens(modules);
    let fields = list.fields.iter().map(|(field, wire)| quote!(#field #wire));
    let total = list.total.iter().map(|field| quote!(, total #field));
    let more = list.more.iter().map(|field| quote!(, more #field));
    quote! {
        crate::pagination::paged! { #ident of #item, by #key, in #(#fields)* #(#total)* #(#more)* }
    }
}

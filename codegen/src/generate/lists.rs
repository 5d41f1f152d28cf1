//! The code that makes list responses pageable.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::model::{
    Definition, ListResponse, Model, NestedField, ObjectList, RustType, StructType, Types,
    type_path,
};
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

/// Returns the items of lists that belong to a module and have a name.
pub fn named_impls(model: &Model<'_>, module: &str) -> TokenStream {
    let types = &model.types;
    let items: BTreeSet<&str> = model
        .lists
        .values()
        .filter_map(|list| match list {
            ListResponse::Object(ObjectList { item, .. }) | ListResponse::Union { item, .. } => {
                match item {
                    RustType::Named(name) => Some(name.as_str()),
                    _ => None,
                }
            }
        })
        .filter(|name| types.modules().home(name) == module)
        .collect();
    items
        .into_iter()
        .filter_map(|name| named_impl(name, types))
        .collect()
}

/// Returns the implementation of `Named` for an item with a field `name`. The service prepends the
/// icon to the name of every resource that has one.
fn named_impl(item: &str, types: &Types) -> Option<TokenStream> {
    let Some(Definition::Struct(structure)) = types.get(item) else {
        return None;
    };
    let ident = &structure.ident;
    let name = string_field(structure, "name")?;
    let icon = string_field(structure, "icon").map(|icon| {
        quote! {
            fn icon(&self) -> Option<&str> {
                crate::pagination::ItemKey::item_key(&self.#icon)
            }
        }
    });
    Some(quote! {
        impl crate::Named for #ident {
            fn name(&self) -> Option<&str> {
                crate::pagination::ItemKey::item_key(&self.#name)
            }
            #icon
        }
    })
}

fn string_field<'a>(structure: &'a StructType, wire: &str) -> Option<&'a Ident> {
    let mut fields = structure.fields.iter();
    let field = fields
        .find(|field| field.wire == wire && matches!(field.ty.without_option(), RustType::String));
    field.map(|field| &field.ident)
}

fn object_list(list: &ObjectList, modules: &Modules) -> TokenStream {
    let ObjectList { ident, key, .. } = list;
    let item = list.item.tokens(modules);
    let fields = list.fields.iter().map(|(field, wire)| quote!(#field #wire));
    let total = list.total.iter().map(|field| quote!(, total #field));
    let more = list.more.iter().map(|field| quote!(, more #field));
    let next = next_cursor(&list.next).map(|cursor| quote!(, next |list| #cursor));
    quote! {
        crate::pagination::paged! {
            #ident of #item, by #key, in #(#fields)* #(#total)* #(#more)* #next
        }
    }
}

/// Returns the expression of type `Option<&str>` that reads the cursor of the next page from `list`.
fn next_cursor(path: &[NestedField]) -> Option<TokenStream> {
    let (last, outer) = path.split_last()?;
    let outer = outer
        .iter()
        .map(|NestedField { ident, optional }| match optional {
            true => quote!(.and_then(|value| value.#ident.as_ref())),
            false => quote!(.map(|value| &value.#ident)),
        });
    let NestedField { ident, optional } = last;
    let last = match optional {
        true => quote!(.and_then(|value| value.#ident.as_deref())),
        false => quote!(.map(|value| value.#ident.as_str())),
    };
    Some(quote!(Some(list) #(#outer)* #last))
}

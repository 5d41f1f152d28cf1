//! Lists: where the response of a list operation has its items, and which field identifies an item.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Item;

use super::{
    rust_type::{RustType, TypeKind, type_path},
    types::{Field, RefinedType, StructType, Types},
};
use crate::{Error, Result, manifest::Paging};

/// Returns the `crate::pagination::paged!` calls for a response type, and for the object variant if it
/// is a union. `items` are the types of progenitor.
pub fn paged_impls(
    name: &str,
    paging: &Paging,
    types: &Types,
    items: &[Item],
) -> Result<Vec<(String, TokenStream)>> {
    match types.get(name) {
        Some(RefinedType::Struct(structure)) => {
            object_list(structure, paging, types).map(|list| vec![list])
        }
        Some(RefinedType::Union(_)) => union_list(name, paging, types, items),
        _ => Err(list_error(
            name,
            "expected an object, or a union of an object and a list",
        )),
    }
}

/// A list response that is an object with the items in one of its fields.
fn object_list(
    structure: &StructType,
    paging: &Paging,
    types: &Types,
) -> Result<(String, TokenStream)> {
    let name = structure.ident.to_string();
    let lists = match &paging.items {
        Some(items) => [Some(items), paging.also.as_ref()]
            .into_iter()
            .flatten()
            .map(|wire| find_field(structure, wire))
            .collect::<Result<Vec<_>>>()?,
        None => structure
            .fields
            .iter()
            .filter(|field| item_type(field).is_some())
            .collect(),
    };
    let Some(item) = lists.first().and_then(|field| item_type(field)) else {
        return Err(list_error(&name, "has no list field"));
    };
    let key = item_key(item, paging, types).map_err(|wire| {
        list_error(
            &name,
            &format!("expected a string field `{wire}` in the items"),
        )
    })?;
    if paging.after.is_some() && !["id", "itself", "encoded"].contains(&key.as_str()) {
        return Err(list_error(
            &name,
            "paginated with `after`, but the items have no `id`",
        ));
    }
    let key = format_ident!("{key}");
    let fields = lists.iter().map(|field| &field.ident);
    let wires = lists.iter().map(|field| &field.wire);
    let total = paging_field(structure, paging.total.as_deref(), |kind| {
        matches!(kind, TypeKind::Integer)
    })?;
    let total = total.map(|ident| quote!(, total #ident));
    let more = paging_field(structure, paging.more.as_deref(), |kind| {
        matches!(kind, TypeKind::Bool)
    })?;
    let more = more.map(|ident| quote!(, more #ident));
    let (ident, item) = (&structure.ident, item.tokens(types.modules()));
    let tokens = quote! {
        crate::pagination::paged! { #ident of #item, by #key, in #(#fields #wires)* #total #more }
    };
    Ok((name, tokens))
}

/// A list response that is a union of a bare list and an object with a list.
fn union_list(
    name: &str,
    paging: &Paging,
    types: &Types,
    items: &[Item],
) -> Result<Vec<(String, TokenStream)>> {
    let variants = variants(name, items);
    let list = variants.iter().find_map(|ty| match &ty.kind {
        TypeKind::List(item) => Some(item),
        _ => None,
    });
    let page = variants.iter().find_map(|ty| match &ty.kind {
        TypeKind::Named(name) => match types.get(name) {
            Some(RefinedType::Struct(structure)) => Some(structure),
            _ => None,
        },
        _ => None,
    });
    let (Some(item), Some(page), 2) = (list, page, variants.len()) else {
        return Err(list_error(name, "expected a union of an object and a list"));
    };
    let (ident, item, page_name) = (
        format_ident!("{name}"),
        item.tokens(types.modules()),
        type_path(&page.ident.to_string(), types.modules()),
    );
    let tokens = quote! {
        crate::pagination::paged! { #ident of #item, List or Object #page_name }
    };
    Ok(vec![
        object_list(page, paging, types)?,
        (name.to_owned(), tokens),
    ])
}

fn variants(name: &str, items: &[Item]) -> Vec<RustType> {
    let variants = items.iter().find_map(|item| match item {
        Item::Enum(item) if item.ident == name => Some(&item.variants),
        _ => None,
    });
    variants
        .into_iter()
        .flatten()
        .filter_map(|variant| Some(RustType::new(&variant.fields.iter().next()?.ty)))
        .collect()
}

/// Returns the item type of a list field.
fn item_type(field: &Field) -> Option<&RustType> {
    match &field.ty.without_option().kind {
        TypeKind::List(item) => Some(item),
        _ => None,
    }
}

/// Returns the field that identifies an item, or a keyword of `paged!` if there is none.
///
/// The error is the field that the manifest names and the item type does not have.
fn item_key(
    item: &RustType,
    paging: &Paging,
    types: &Types,
) -> std::result::Result<String, String> {
    let named = match &item.kind {
        TypeKind::Named(name) => types.get(name),
        _ => None,
    };
    let text = |wire: &str| match named {
        Some(RefinedType::Struct(structure)) => structure.fields.iter().find(|field| {
            field.wire == wire && matches!(field.ty.without_option().kind, TypeKind::String)
        }),
        _ => None,
    };
    let field = match &paging.key {
        Some(wire) => Some(text(wire).ok_or(wire)?),
        None => text("id").or_else(|| text("slug")),
    };
    let keyword = match (&item.kind, named) {
        (TypeKind::JsonValue | TypeKind::JsonObject, _) => "itself",
        (_, Some(RefinedType::Union(_))) => "encoded",
        _ => "none",
    };
    Ok(field.map_or(keyword.to_owned(), |field| field.ident.to_string()))
}

/// Returns the Rust name of a field that the manifest names, if it has the expected type.
fn paging_field(
    structure: &StructType,
    wire: Option<&str>,
    is_expected: impl Fn(&TypeKind) -> bool,
) -> Result<Option<Ident>> {
    let Some(wire) = wire else {
        return Ok(None);
    };
    let field = find_field(structure, wire)?;
    match is_expected(&field.ty.without_option().kind) {
        true => Ok(Some(field.ident.clone())),
        false => Err(list_error(
            &structure.ident.to_string(),
            &format!("field `{wire}` has an unexpected type"),
        )),
    }
}

fn find_field<'a>(structure: &'a StructType, wire: &str) -> Result<&'a Field> {
    structure
        .fields
        .iter()
        .find(|field| field.wire == wire)
        .ok_or_else(|| {
            let problem = format!("missing field `{wire}`, which the manifest names");
            list_error(&structure.ident.to_string(), &problem)
        })
}

fn list_error(name: &str, problem: &str) -> Error {
    Error::new(format!("list `{name}`"), problem)
}

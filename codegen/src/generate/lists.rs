//! Lists: where the answer of a list operation has its items, and how they are told apart.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Item;

use super::{
    rust_type::{RustType, Shape},
    types::{Field, Refined, Struct, Types},
};
use crate::{Error, Result, ledger::Paging};

/// What `crate::pagination::paged!` wants to know of the answer of that name, and of the object inside it
/// where it is a union. `items` are progenitor's types.
pub fn paged(
    name: &str,
    paging: &Paging,
    types: &Types,
    items: &[Item],
) -> Result<Vec<(String, TokenStream)>> {
    match types.get(name) {
        Some(Refined::Struct(one)) => object(one, paging, types).map(|one| vec![one]),
        Some(Refined::Union(_)) => union(name, paging, types, items),
        _ => Err(problem(
            name,
            "is neither an object nor a union of one with a list",
        )),
    }
}

/// An object with the items in one of its members.
fn object(one: &Struct, paging: &Paging, types: &Types) -> Result<(String, TokenStream)> {
    let name = one.ident.to_string();
    let lists = match &paging.items {
        Some(items) => [Some(items), paging.also.as_ref()]
            .into_iter()
            .flatten()
            .map(|wire| field(one, wire))
            .collect::<Result<Vec<_>>>()?,
        None => one
            .fields
            .iter()
            .filter(|field| item(field).is_some())
            .collect(),
    };
    let Some(item) = lists.first().and_then(|field| item(field)) else {
        return Err(problem(&name, "holds no list"));
    };
    let key = key(item, paging, types)
        .map_err(|wire| problem(&name, &format!("has items without a text `{wire}`")))?;
    if paging.after.is_some() && !["id", "itself", "encoded"].contains(&key.as_str()) {
        return Err(problem(&name, "pages by ids, and its items have none"));
    }
    let key = format_ident!("{key}");
    let fields = lists.iter().map(|field| &field.ident);
    let wires = lists.iter().map(|field| &field.wire);
    let total = member(one, paging.total.as_deref(), |shape| {
        matches!(shape, Shape::Integer)
    })?;
    let total = total.map(|ident| quote!(, total #ident));
    let more = member(one, paging.more.as_deref(), |shape| {
        matches!(shape, Shape::Bool)
    })?;
    let more = more.map(|ident| quote!(, more #ident));
    let (ident, item) = (&one.ident, item.written(&TokenStream::new()));
    let tokens = quote! {
        crate::pagination::paged! { #ident of #item, by #key, in #(#fields #wires)* #total #more }
    };
    Ok((name, tokens))
}

/// A bare list, or an object with the list in it.
fn union(
    name: &str,
    paging: &Paging,
    types: &Types,
    items: &[Item],
) -> Result<Vec<(String, TokenStream)>> {
    let variants = variants(name, items);
    let list = variants.iter().find_map(|kind| match &kind.shape {
        Shape::List(item) => Some(item),
        _ => None,
    });
    let page = variants.iter().find_map(|kind| match &kind.shape {
        Shape::Named(name) => match types.get(name) {
            Some(Refined::Struct(one)) => Some(one),
            _ => None,
        },
        _ => None,
    });
    let (Some(item), Some(page), 2) = (list, page, variants.len()) else {
        return Err(problem(name, "is no union of a list and an object"));
    };
    let (ident, item, page_name) = (
        format_ident!("{name}"),
        item.written(&TokenStream::new()),
        &page.ident,
    );
    let tokens = quote! {
        crate::pagination::paged! { #ident of #item, List or Object #page_name }
    };
    Ok(vec![
        object(page, paging, types)?,
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
        .filter_map(|variant| Some(RustType::of(&variant.fields.iter().next()?.ty)))
        .collect()
}

/// The type of a list's items.
fn item(field: &Field) -> Option<&RustType> {
    match &field.kind.unwrapped().shape {
        Shape::List(item) => Some(item),
        _ => None,
    }
}

/// The field that tells items apart, or one of the other words that `paged!` knows. An error is the
/// name that the ledger gives, and no item has.
fn key(item: &RustType, paging: &Paging, types: &Types) -> std::result::Result<String, String> {
    let named = match &item.shape {
        Shape::Named(name) => types.get(name),
        _ => None,
    };
    let text = |wire: &str| match named {
        Some(Refined::Struct(one)) => one.fields.iter().find(|field| {
            field.wire == wire && matches!(field.kind.unwrapped().shape, Shape::Text)
        }),
        _ => None,
    };
    let field = match &paging.key {
        Some(wire) => Some(text(wire).ok_or(wire)?),
        None => text("id").or_else(|| text("slug")),
    };
    let word = match (&item.shape, named) {
        (Shape::Any | Shape::Object, _) => "itself",
        (_, Some(Refined::Union(_))) => "encoded",
        _ => "none",
    };
    Ok(field.map_or(word.to_owned(), |field| field.ident.to_string()))
}

/// The Rust name of a member that the ledger names, if it is of the right kind.
fn member(
    one: &Struct,
    wire: Option<&str>,
    fits: impl Fn(&Shape) -> bool,
) -> Result<Option<Ident>> {
    let Some(wire) = wire else {
        return Ok(None);
    };
    let field = field(one, wire)?;
    match fits(&field.kind.unwrapped().shape) {
        true => Ok(Some(field.ident.clone())),
        false => Err(problem(
            &one.ident.to_string(),
            &format!("has a `{wire}` of another kind"),
        )),
    }
}

fn field<'a>(one: &'a Struct, wire: &str) -> Result<&'a Field> {
    one.fields
        .iter()
        .find(|field| field.wire == wire)
        .ok_or_else(|| {
            let what = format!("has no `{wire}`, where the ledger says that there is one");
            problem(&one.ident.to_string(), &what)
        })
}

fn problem(name: &str, what: &str) -> Error {
    Error::new(format!("list `{name}`"), what)
}

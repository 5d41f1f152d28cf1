//! Reads where the response of a list operation has its items, and which field identifies an item.

use proc_macro2::Ident;
use quote::format_ident;

use crate::{
    Error, Result,
    generate::model::{
        Definition, Field, ListResponse, NestedField, ObjectList, RustType, StructType, Types,
        UnionKind, UnionType,
    },
    manifest::Paging,
};

/// Returns the list with the name of its type; for a union also the list of its object.
pub fn read(name: &str, paging: &Paging, types: &Types) -> Result<Vec<(String, ListResponse)>> {
    match types.get(name) {
        Some(Definition::Struct(structure)) => {
            object_list(structure, paging, types).map(|list| vec![list])
        }
        Some(Definition::Union(union)) => union_list(name, union, paging, types),
        _ => Err(list_error(
            name,
            "expected an object, or a union of an object and a list",
        )),
    }
}

/// Reads a list response that is an object with the items in one of its fields.
fn object_list(
    structure: &StructType,
    paging: &Paging,
    types: &Types,
) -> Result<(String, ListResponse)> {
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
    let has_id = ["id", "itself", "encoded"].contains(&key.as_str());
    if paging.after.is_some() && paging.next.is_none() && !has_id {
        return Err(list_error(
            &name,
            "paginated with `after`, but the items have no `id`",
        ));
    }
    let total = paging_field(structure, paging.total.as_deref(), |ty| {
        matches!(ty, RustType::Integer)
    })?;
    let more = paging_field(structure, paging.more.as_deref(), |ty| {
        matches!(ty, RustType::Bool)
    })?;
    let list = ObjectList {
        ident: structure.ident.clone(),
        item: item.clone(),
        key: format_ident!("{key}"),
        fields: lists
            .iter()
            .map(|field| (field.ident.clone(), field.wire.clone()))
            .collect(),
        total,
        more,
        next: next_cursor(structure, paging.next.as_deref(), types)?,
    };
    Ok((name, ListResponse::Object(list)))
}

/// Returns the fields that lead to the cursor of the next page; empty if the response has none.
fn next_cursor(
    structure: &StructType,
    path: Option<&str>,
    types: &Types,
) -> Result<Vec<NestedField>> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let (mut structure, mut found) = (structure, Vec::new());
    let mut names = path.split('.').peekable();
    while let Some(wire) = names.next() {
        let field = find_field(structure, wire)?;
        let ty = field.ty.without_option();
        found.push(NestedField {
            ident: field.ident.clone(),
            optional: *ty != field.ty,
        });
        let is_last = names.peek().is_none();
        match ty {
            RustType::String if is_last => {}
            RustType::Named(name) if !is_last => match types.get(name) {
                Some(Definition::Struct(inner)) => structure = inner,
                _ => return Err(unexpected_type(structure, wire)),
            },
            _ => return Err(unexpected_type(structure, wire)),
        }
    }
    Ok(found)
}

/// Reads a list response that is a union of a bare list and an object with a list.
fn union_list(
    name: &str,
    union: &UnionType,
    paging: &Paging,
    types: &Types,
) -> Result<Vec<(String, ListResponse)>> {
    let variants = match &union.kind {
        UnionKind::JsonKind(variants) => variants.as_slice(),
        _ => &[],
    };
    let list = variants.iter().find_map(|variant| match &variant.ty {
        RustType::List(item) | RustType::LenientList(item) => Some(item.as_ref()),
        _ => None,
    });
    let page = variants.iter().find_map(|variant| match &variant.ty {
        RustType::Named(name) => match types.get(name) {
            Some(Definition::Struct(structure)) => Some(structure),
            _ => None,
        },
        _ => None,
    });
    let (Some(item), Some(page), 2) = (list, page, variants.len()) else {
        return Err(list_error(name, "expected a union of an object and a list"));
    };
    let list = ListResponse::Union {
        ident: union.ident.clone(),
        item: item.clone(),
        page: page.ident.to_string(),
    };
    Ok(vec![
        object_list(page, paging, types)?,
        (name.to_owned(), list),
    ])
}

/// Returns the item type of a list field.
fn item_type(field: &Field) -> Option<&RustType> {
    match field.ty.without_option() {
        RustType::List(item) => Some(item),
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
    let named = match item {
        RustType::Named(name) => types.get(name),
        _ => None,
    };
    let text = |wire: &str| match named {
        Some(Definition::Struct(structure)) => structure.fields.iter().find(|field| {
            field.wire == wire && matches!(field.ty.without_option(), RustType::String)
        }),
        _ => None,
    };
    let field = match &paging.key {
        Some(wire) => Some(text(wire).ok_or(wire)?),
        None => text("id").or_else(|| text("slug")),
    };
    let keyword = match (item, named) {
        (RustType::JsonValue | RustType::JsonObject | RustType::JsonMap, _) => "itself",
        (_, Some(Definition::Union(_))) => "encoded",
        _ => "none",
    };
    Ok(field.map_or(keyword.to_owned(), |field| field.ident.to_string()))
}

/// Returns the Rust name of a field that the manifest names, if it has the expected type.
fn paging_field(
    structure: &StructType,
    wire: Option<&str>,
    is_expected: impl Fn(&RustType) -> bool,
) -> Result<Option<Ident>> {
    let Some(wire) = wire else {
        return Ok(None);
    };
    let field = find_field(structure, wire)?;
    match is_expected(field.ty.without_option()) {
        true => Ok(Some(field.ident.clone())),
        false => Err(unexpected_type(structure, wire)),
    }
}

fn unexpected_type(structure: &StructType, wire: &str) -> Error {
    let problem = format!("field `{wire}` has an unexpected type");
    list_error(&structure.ident.to_string(), &problem)
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

//! Reads the model from the output of progenitor, the lowered document, the patched document and the
//! manifest.

mod example;
mod lists;
mod operations;
mod types;

use serde_json::Value;
use syn::{Item, ItemMod};

use super::model::{Model, ReservedSegments};
use crate::{Error, Patched, Result, lower::Lowered, modules::Modules};

/// Reads the model of the selected document.
///
/// # Errors
///
/// Fails if progenitor did not generate an expected item, or if a rule of the document or the
/// manifest does not fit the generated types.
pub fn model<'a>(
    generated: &syn::File,
    selected: &'a Lowered,
    patched: &'a Patched,
    modules: &Modules,
    reserved_segments: &'a ReservedSegments,
) -> Result<Model<'a>> {
    let document: &Value = &selected.document;
    let type_items = module(&generated.items, "types")?;
    let types = types::read(type_items, selected, patched, modules)?;
    let builders = module(&generated.items, "builder")?;
    let (operations, lists) = operations::read(builders, document, patched, &types)?;
    Ok(Model {
        types,
        operations,
        lists,
        reserved_segments,
    })
}

fn module<'a>(items: &'a [Item], name: &str) -> Result<&'a [Item]> {
    items
        .iter()
        .find_map(|item| match item {
            Item::Mod(ItemMod {
                ident,
                content: Some((_, items)),
                ..
            }) if ident == name => Some(items.as_slice()),
            _ => None,
        })
        .ok_or_else(|| {
            Error::new(
                "generated code",
                format!("progenitor generated no module `{name}`"),
            )
        })
}

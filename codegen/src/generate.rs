//! Generate: the selected document → progenitor → refinements → formatted Rust.
//!
//! Progenitor supplies the types and the parameters of every operation. What it hard-codes does
//! not fit (one base URL, an error type per operation, builders for types that are never sent), so
//! refinements replace whole items; they never edit statements, and they fail by name when an item
//! that they expect is not there.

mod conversions;
mod docs;
mod example;
mod lists;
mod operations;
mod raw;
mod request_types;
mod rust_type;
mod tagged;
mod trim;
mod types;

use proc_macro2::TokenStream;
use progenitor::{GenerationSettings, Generator, InterfaceStyle};
use quote::quote;
use serde::Deserialize;
use serde_json::Value;
use syn::{Item, ItemMod};

use crate::{
    Error, Manifest, Patched, Result,
    lower::{Lowered, lower},
    reserved_segments::reserved_segments,
    select::{Areas, select},
};
use trim::trim_unused;

/// Generates the client's code for the given areas, formatted.
pub fn generate(patched: &Patched, areas: &Areas) -> Result<String> {
    let tokens = tokens(patched, &lower(patched)?, areas)?;
    Ok(prettyplease::unparse(&parse(tokens)?))
}

/// The same code for a program, which has shaped the document before: formatting it takes longer than
/// all that comes before.
pub fn tokens(patched: &Patched, lowered: &Lowered, areas: &Areas) -> Result<TokenStream> {
    let selected = select(lowered, areas)?;
    let generated = parse(trim_unused(progenitor_tokens(&selected.document)?))?;
    // ReservedSegments come from the whole document: which values are refused does not depend on features.
    let reserved_segments = reserved_segments(&patched.document);
    refine(&generated, &selected, &patched.manifest, &reserved_segments)
}

/// What progenitor alone makes of a document, in builder style.
pub fn progenitor_tokens(document: &Value) -> Result<TokenStream> {
    progenitor_tokens_with_style(document, InterfaceStyle::Builder)
}

/// What progenitor alone makes of a document (for comparison, too).
pub fn progenitor_tokens_with_style(
    document: &Value,
    style: InterfaceStyle,
) -> Result<TokenStream> {
    let document = openapiv3::OpenAPI::deserialize(document)
        .map_err(|error| Error::new("lowered document", error.to_string()))?;
    Generator::new(&settings(style))
        .generate_tokens(&document)
        .map_err(|error| Error::new("progenitor", error.to_string()))
}

fn settings(style: InterfaceStyle) -> GenerationSettings {
    let mut settings = GenerationSettings::default();
    settings.with_interface(style);
    // Sorted keys make what we send, and the generated code's output, reproducible.
    settings.with_map_type("::std::collections::BTreeMap");
    settings
}

fn parse(tokens: TokenStream) -> Result<syn::File> {
    syn::parse2(tokens).map_err(|error| Error::new("generated code", error.to_string()))
}

/// Puts the refined items together: types, their builders, operations, the methods of the client.
fn refine(
    generated: &syn::File,
    selected: &Lowered,
    manifest: &Manifest,
    reserved_segments: &operations::ReservedSegments,
) -> Result<TokenStream> {
    let type_items = module(&generated.items, "types")?;
    let types = types::refine(type_items, &selected.document, &selected.directions)?;
    let operations = operations::refine(
        generated,
        &selected.document,
        manifest,
        &types,
        reserved_segments,
    )?;
    let type_tokens = types.tokens();
    let type_builders = types.builders();
    let operations::RefinedOperations {
        methods,
        builders,
        table,
        round_trips,
        operation_refs,
        handwritten_calls,
        list_impls,
    } = operations;
    Ok(quote! {
        /// What is sent and what is received.
        pub mod types {
            #type_tokens
            #list_impls

            /// Builders of the types that are sent.
            pub mod builder {
                #type_builders
            }
        }

        /// One builder for each operation: set what is optional, then send it.
        pub mod builder {
            use crate::generated::types;
            #builders
        }

        /// What is known about each operation.
        pub mod operations {
            use crate::operation::*;
            #table

            #[cfg(test)]
            pub(crate) static ALL: &[&Operation] = &[#operation_refs];
        }

        impl crate::Client {
            #methods
        }

        #[cfg(test)]
        impl crate::decode::round_trip_tests::Responses {
            /// Decodes a body as the answer of an operation and encodes it again; `null` where the
            /// answer carries nothing, `None` for an operation that is not here.
            #[allow(unused_variables, unreachable_code, reason = "some features have no answer")]
            pub(crate) fn round_trip(
                operation: &str,
                body: &[u8],
            ) -> Option<Result<serde_json::Value, String>> {
                Some(match operation {
                    #round_trips
                    _ => return None,
                })
            }

            /// Each handwritten operation, and what its method returns.
            #[allow(unused_variables, reason = "some features have none")]
            pub(crate) fn by_hand(client: &crate::Client) -> Vec<(&'static str, String)> {
                vec![#handwritten_calls]
            }
        }
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
                format!("progenitor wrote no module `{name}`"),
            )
        })
}

//! Generate: turns the selected document into formatted Rust, by way of progenitor.
//!
//! Progenitor supplies the types and the parameters of every operation. Its client does not fit
//! (one base URL, an error type per operation, builders for types that are never sent), so the
//! refinements replace whole items. They never edit statements, and they fail with the name of an
//! expected item that is missing.

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

/// Generates the formatted code of the client for the given areas.
pub fn generate(patched: &Patched, areas: &Areas) -> Result<String> {
    let tokens = tokens(patched, &lower(patched)?, areas)?;
    Ok(prettyplease::unparse(&parse(tokens)?))
}

/// Generates the same code as tokens, from a document that is already lowered.
///
/// Formatting takes longer than all other stages together, and programs do not need it.
pub fn tokens(patched: &Patched, lowered: &Lowered, areas: &Areas) -> Result<TokenStream> {
    let selected = select(lowered, areas)?;
    let generated = parse(trim_unused(progenitor_tokens(&selected.document)?))?;
    // Computed from the whole document, so that the rejected values do not depend on features.
    let reserved_segments = reserved_segments(&patched.document);
    refine(&generated, &selected, &patched.manifest, &reserved_segments)
}

/// Returns the unrefined output of progenitor in builder style.
pub fn progenitor_tokens(document: &Value) -> Result<TokenStream> {
    progenitor_tokens_with_style(document, InterfaceStyle::Builder)
}

/// Returns the unrefined output of progenitor in the given style.
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
    // Sorted keys make request bodies reproducible.
    settings.with_map_type("::std::collections::BTreeMap");
    settings
}

fn parse(tokens: TokenStream) -> Result<syn::File> {
    syn::parse2(tokens).map_err(|error| Error::new("generated code", error.to_string()))
}

/// Assembles the refined items: types, their builders, operations, and the client's methods.
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
        /// Request and response types.
        pub mod types {
            #type_tokens
            #list_impls

            /// Builders of the request types.
            pub mod builder {
                #type_builders
            }
        }

        /// Operation builders: each sets the parameters of one operation and sends the request.
        pub mod builder {
            use crate::generated::types;
            #builders
        }

        /// Metadata of each operation.
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
            /// Decodes a body as the response of an operation and encodes it again. Returns `null`
            /// for an operation without a response body and `None` for an unknown operation.
            #[allow(unused_variables, unreachable_code, reason = "some features have no responses")]
            pub(crate) fn round_trip(
                operation: &str,
                body: &[u8],
            ) -> Option<Result<serde_json::Value, String>> {
                Some(match operation {
                    #round_trips
                    _ => return None,
                })
            }

            /// Each handwritten operation with the `Debug` output of its builder.
            #[allow(unused_variables, reason = "some features have no handwritten operations")]
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
                format!("progenitor generated no module `{name}`"),
            )
        })
}

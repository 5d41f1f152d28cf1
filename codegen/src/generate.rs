//! Generate: turns the selected document into formatted Rust, by way of progenitor.
//!
//! Progenitor supplies the types and the parameters of every operation. Its client does not fit
//! (one base URL, an error type per operation, builders for types that are never sent), so `read`
//! builds a `model` from its items, and the other modules emit the code of the model. Reading fails
//! with the name of an expected item that is missing.

mod code;
mod constraints;
mod conversions;
mod docs;
mod examples;
#[cfg(feature = "maintenance")]
mod listing;
mod lists;
mod model;
mod operations;
mod read;
mod request_types;
mod trim;
mod types;
mod unions;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proc_macro2::TokenStream;
use progenitor::{GenerationSettings, Generator, InterfaceStyle};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    Error, Patched, Result, document,
    error::Problems,
    lower::{Lowered, collect_components, lower},
    manifest,
    modules::Modules,
    reserved_segments::reserved_segments,
    select::{Areas, select},
};
use code::GeneratedCode;
use model::{Model, ReservedSegments};
use trim::trim_unused;

/// A file of the generated client.
pub struct GeneratedFile {
    /// The name of the file in `OUT_DIR`.
    pub name: String,
    /// The formatted code.
    pub code: String,
}

/// Generates the formatted files of the client for the given areas: one for each area, one for the
/// shared types, one for the metadata of the operations, one with test tables, one with the examples,
/// and `areas.rs`, which declares the modules and includes those that the client consists of.
pub fn generate(patched: &Patched, areas: &Areas) -> Result<Vec<GeneratedFile>> {
    let lowered = lower(patched)?;
    with_model(patched, &lowered, areas, |model| {
        GeneratedCode::new(areas, model)
    })?
    .files()
}

/// Generates the code as tokens, from a document that is already lowered.
///
/// Formatting takes longer than all other stages together, and programs do not need it.
pub fn tokens(patched: &Patched, lowered: &Lowered, areas: &Areas) -> Result<TokenStream> {
    with_model(patched, lowered, areas, |model| {
        GeneratedCode::new(areas, model).tokens()
    })
}

/// Lists the public items of the generated code, from a document that is already lowered: the
/// signature of each item by path.
///
/// A path is relative to the crate: `Client::list_api_keys`, `api_keys::ApiKey::name`. A type is
/// listed in its own module and in each module that re-exports it. Items that every type or
/// builder has, such as `build()`, are left out.
#[cfg(feature = "maintenance")]
pub fn listing(
    patched: &Patched,
    lowered: &Lowered,
    areas: &Areas,
) -> Result<std::collections::BTreeMap<String, String>> {
    with_model(patched, lowered, areas, listing::list)
}

/// Reads the model of the selected areas and passes it to `emit`. If that fails, the error names
/// each operation that fails alone.
fn with_model<T>(
    patched: &Patched,
    lowered: &Lowered,
    areas: &Areas,
    emit: impl Fn(&Model<'_>) -> T,
) -> Result<T> {
    // The modules and the reserved segments are computed from the whole document, so that they do
    // not depend on features.
    let modules = Modules::assign(lowered, &patched.manifest)?;
    let reserved_segments = reserved_segments(&patched.document);
    let generate = |lowered: &Lowered| {
        catch_panic(|| with_selected(patched, lowered, areas, &modules, &reserved_segments, &emit))
    };
    let error = match generate(lowered) {
        Ok(code) => return Ok(code),
        // Each problem is about an operation already.
        Err(error) if error.all_at(is_key) => return Err(error),
        Err(error) => error,
    };
    let mut problems = Problems::default();
    for (path, method, _) in document::operations(&lowered.document) {
        let key = manifest::key(method, path);
        if let Err(error) = generate(&only_operation(patched, lowered, &key)) {
            let is_located = error.location().starts_with(&key);
            problems.push(if is_located {
                error
            } else {
                error.within(&key)
            });
        }
    }
    problems.finish(())?;
    Err(error)
}

/// Returns whether a location starts with the key of an operation (`GET /users: …`).
fn is_key(location: &str) -> bool {
    let key = location.split(": ").next().unwrap_or_default();
    manifest::split_key(key).is_some()
}

/// Returns the document with one operation, the one that its builder reads, and their types.
fn only_operation(patched: &Patched, lowered: &Lowered, key: &str) -> Lowered {
    let entry = |key: &str| {
        let (method, path) = manifest::split_key(key)?;
        patched.manifest.get(method, path)
    };
    let reads = entry(key).and_then(|entry| entry.reads.as_ref());
    let mut paths = json!({});
    for (path, method, operation) in document::operations(&lowered.document) {
        let other = manifest::key(method, path);
        let is_read = reads.is_some() && entry(&other).map(|entry| &entry.id) == reads;
        if other == key || is_read {
            paths[path][method] = operation.clone();
        }
    }
    let mut names = BTreeSet::new();
    collect_components(&lowered.document, &paths, &mut names);
    let schemas = &lowered.document["components"]["schemas"];
    let schemas: Map<String, Value> = names
        .iter()
        .filter_map(|name| Some((name.clone(), schemas.get(name)?.clone())))
        .collect();
    let mut document = json!({"paths": paths, "components": {"schemas": schemas}});
    for key in ["openapi", "info"] {
        document[key] = lowered.document[key].clone();
    }
    let mut directions = lowered.directions.clone();
    directions.retain(|name, _| names.contains(name));
    Lowered {
        document,
        directions,
        derived: Vec::new(),
    }
}

/// Runs code of progenitor, which panics on some documents.
fn catch_panic<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let text = text.unwrap_or_else(|| "panicked".to_owned());
        Err(Error::new("progenitor", text.replace('\n', " ")))
    })
}

fn with_selected<T>(
    patched: &Patched,
    lowered: &Lowered,
    areas: &Areas,
    modules: &Modules,
    reserved_segments: &ReservedSegments,
    emit: impl Fn(&Model<'_>) -> T,
) -> Result<T> {
    let selected = select(lowered, areas)?;
    let generated = parse(trim_unused(progenitor_tokens(&selected.document)?))?;
    let model = read::model(&generated, &selected, patched, modules, reserved_segments)?;
    Ok(emit(&model))
}

/// Returns the output of progenitor.
fn progenitor_tokens(document: &Value) -> Result<TokenStream> {
    let document = openapiv3::OpenAPI::deserialize(document)
        .map_err(|error| Error::new("lowered document", error.to_string()))?;
    Generator::new(&settings())
        .generate_tokens(&document)
        .map_err(|error| Error::new("progenitor", error.to_string()))
}

fn settings() -> GenerationSettings {
    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Builder);
    // Sorted keys make request bodies reproducible.
    settings.with_map_type("::std::collections::BTreeMap");
    settings
}

fn parse(tokens: TokenStream) -> Result<syn::File> {
    syn::parse2(tokens).map_err(|error| Error::new("generated code", error.to_string()))
}

//! The build-time half of `portkey-admin`.
//!
//! Each stage is one module with a pure function from document to document: [`paths`] →
//! [`overlay`], which yields the *patched* document → [`manifest`] check, and with the feature
//! `generate` also `lower` → `select` → `generate`. `build.rs`, `xtask` and the emulator all use
//! these stages, so they cannot disagree about the API.

pub mod distil;
pub mod document;
mod error;
pub mod evidence;
#[cfg(feature = "generate")]
pub mod generate;
pub mod json_schema;
#[cfg(feature = "generate")]
pub mod lower;
pub mod manifest;
#[cfg(feature = "generate")]
pub mod modules;
pub mod overlay;
pub mod override_audit;
pub mod paths;
pub mod reserved_segments;
#[cfg(feature = "generate")]
pub mod select;
mod sources;

pub use error::{Error, Result};
pub use manifest::Manifest;
pub use sources::{Source, Sources};

use serde_json::Value;

/// The document after path rules and overlays, with the manifest of its operations.
#[derive(Debug, Clone)]
pub struct Patched {
    /// The OpenAPI document that the emulator, request checks and reports use.
    pub document: Value,
    /// The operation manifest: one entry for each operation.
    pub manifest: Manifest,
    /// The outcome of each path rule.
    pub path_outcomes: Vec<paths::Outcome>,
}

/// Applies the path rules and the overlays to the vendored OpenAPI document and checks it against
/// the manifest.
pub fn patch(sources: &Sources) -> Result<Patched> {
    let mut document = document::parse(&sources.document.name, &sources.document.text)?;
    let rules = paths::Rules::parse(&sources.paths)?;
    let path_outcomes = rules.apply(&mut document)?;
    for source in &sources.overlays {
        overlay::Overlay::parse(source)?.apply(&mut document)?;
    }
    let manifest = Manifest::parse(&sources.manifest)?;
    manifest.check(&sources.manifest.name, &document)?;
    Ok(Patched {
        document,
        manifest,
        path_outcomes,
    })
}

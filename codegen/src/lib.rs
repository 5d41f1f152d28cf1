//! The build-time half of `portkey-admin`.
//!
//! Each stage is one file and one pure function, document in, document out:
//! [`paths`] → [`overlay`] (here the document is *patched*) → [`manifest`] check, and with the
//! feature `generate` on to `shape` → `select` → `generate`. `build.rs`, `xtask` and the emulator
//! all come through here, so that they can never disagree.

pub mod distil;
pub mod document;
mod error;
#[cfg(feature = "generate")]
pub mod generate;
pub mod json_schema;
#[cfg(feature = "generate")]
pub mod lower;
pub mod manifest;
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

/// The document after path rules and overlays, with the manifest that describes its operations.
#[derive(Debug, Clone)]
pub struct Patched {
    /// The OpenAPI document as the emulator, request checks and reports see it.
    pub document: Value,
    /// One entry for each of its operations.
    pub manifest: Manifest,
    /// What each path rule did.
    pub path_outcomes: Vec<paths::Outcome>,
}

/// Applies the path rules and the overlays to the vendored document and checks it against the manifest.
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

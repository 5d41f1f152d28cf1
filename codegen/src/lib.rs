//! The build-time half of `portkey-admin`.
//!
//! Each stage is one module with a pure function from document to document: [`paths`] →
//! [`overlay`], which yields the *patched* document → [`manifest`] check, and with the feature
//! `generate` also `lower` → `select` → `generate`. `build.rs`, `xtask` and the emulator all use
//! these stages, so they cannot disagree about the API.

pub mod constraints;
#[cfg(feature = "maintenance")]
pub mod distil;
pub mod document;
mod error;
#[cfg(feature = "maintenance")]
pub mod evidence;
#[cfg(feature = "generate")]
pub mod generate;
#[cfg(feature = "json_schema")]
pub mod json_schema;
#[cfg(feature = "generate")]
pub mod lower;
pub mod manifest;
#[cfg(feature = "generate")]
pub mod modules;
pub mod overlay;
#[cfg(feature = "maintenance")]
pub mod override_audit;
#[cfg(feature = "maintenance")]
mod override_status;
pub mod paths;
pub mod reserved_segments;
#[cfg(feature = "generate")]
mod rust_names;
#[cfg(feature = "generate")]
pub mod select;
mod sources;

pub use error::{Error, Result};
pub use manifest::Manifest;
pub use sources::{Source, Sources};

use error::Problems;
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
///
/// # Errors
///
/// Fails with every source that cannot be parsed; if there is none, with every override that does
/// not fit.
pub fn patch(sources: &Sources) -> Result<Patched> {
    let mut problems = Problems::default();
    let document = problems.check(document::parse(
        &sources.document.name,
        &sources.document.text,
    ));
    let rules = problems.check(paths::Rules::parse(&sources.paths));
    let overlays: Vec<_> = sources
        .overlays
        .iter()
        .filter_map(|source| problems.check(overlay::Overlay::parse(source)))
        .collect();
    let manifest = problems.check(Manifest::parse(&sources.manifest));
    problems.finish(())?;
    let (Some(mut document), Some(rules), Some(manifest)) = (document, rules, manifest) else {
        return Err(Error::new("sources", "not all were parsed"));
    };
    let mut problems = Problems::default();
    let path_outcomes = match rules.apply(&mut document) {
        Ok(outcomes) => outcomes,
        // Where the other rules can be applied, the overrides that depend on them are checked.
        Err(error) => match rules.apply_lenient(&mut document) {
            Ok(outcomes) => {
                problems.push(error);
                outcomes
            }
            Err(_) => return Err(error),
        },
    };
    for overlay in &overlays {
        problems.check(overlay.apply(&mut document));
    }
    problems.check(manifest.check(&sources.manifest.name, &document));
    problems.finish(Patched {
        document,
        manifest,
        path_outcomes,
    })
}

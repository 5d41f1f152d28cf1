//! The build-time half of `portkey-admin`.
//!
//! Each stage is one file and one pure function, document in, document out:
//! [`paths`] → [`overlay`] (here the document is *patched*) → [`ledger`] check, and with the
//! feature `generate` on to `shape` → `select` → `generate`. `build.rs`, `xtask` and the emulator
//! all come through here, so that they can never disagree.

pub mod distil;
pub mod document;
mod error;
#[cfg(feature = "generate")]
pub mod generate;
pub mod json_schema;
pub mod ledger;
pub mod overlay;
pub mod paths;
#[cfg(feature = "generate")]
pub mod select;
#[cfg(feature = "generate")]
pub mod shape;
pub mod siblings;
mod sources;
pub mod survey;

pub use error::{Error, Result};
pub use ledger::Ledger;
pub use sources::{Source, Sources};

use serde_json::Value;

/// The document after path rules and overlays, with the ledger that describes its operations.
#[derive(Debug, Clone)]
pub struct Patched {
    /// The OpenAPI document as the emulator, request checks and reports see it.
    pub document: Value,
    /// One entry for each of its operations.
    pub ledger: Ledger,
    /// What each path rule did.
    pub path_outcomes: Vec<paths::Outcome>,
}

/// Applies the path rules and the overlays to the vendored document and checks it against the ledger.
pub fn patch(sources: &Sources) -> Result<Patched> {
    let mut document = document::parse(&sources.document.name, &sources.document.text)?;
    let rules = paths::Rules::parse(&sources.paths)?;
    let path_outcomes = rules.apply(&mut document)?;
    for source in &sources.overlays {
        overlay::Overlay::parse(source)?.apply(&mut document)?;
    }
    let ledger = Ledger::parse(&sources.ledger)?;
    ledger.check(&sources.ledger.name, &document)?;
    Ok(Patched {
        document,
        ledger,
        path_outcomes,
    })
}

//! The page of the operations that the client does not have.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use indexmap::IndexMap;
use portkey_admin_codegen::Manifest;
use portkey_admin_codegen::evidence::{Evidence, Places};
use serde::Deserialize;

use super::{GENERATED, code, links, table_row};

const FILE: &str = "overrides/left-out.yaml";
pub const PAGE: &str = "left-out.md";

const HEAD: &str = "
Operations that a source names and that the client does not have. [All areas](README.md) lists those
that it has. `Client::request` sends a request to any path. `?` is a method that no source names.

| operations | reason | source |
|---|---|---|
";

/// Operations that are left out for the same reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    operations: Vec<String>,
    reason: String,
    source: IndexMap<String, Places>,
}

/// Reads the entries, and fails if one of them is in the manifest or names an unknown source.
pub fn read(root: &Path, manifest: &Manifest, evidence: &Evidence) -> Result<Vec<LeftOut>> {
    let text = fs::read_to_string(root.join(FILE)).context(FILE)?;
    let entries: Vec<LeftOut> = serde_norway::from_str(&text).context(FILE)?;
    for entry in &entries {
        for operation in &entry.operations {
            let found = manifest.iter().find(|(key, _)| key == operation);
            ensure!(
                found.is_none(),
                "{FILE}: `{operation}` is in overrides/operations.yaml"
            );
        }
        for name in entry.source.keys() {
            ensure!(
                evidence.source(name).is_some(),
                "{FILE}: source `{name}` is not listed in overrides/evidence.yaml"
            );
        }
    }
    Ok(entries)
}

/// Returns the page.
pub fn render(entries: &[LeftOut], evidence: &Evidence) -> String {
    let mut text = format!("# Operations that are left out\n\n{GENERATED}\n{HEAD}");
    for entry in entries {
        let operations: Vec<String> = entry.operations.iter().map(|key| code(key)).collect();
        text += &table_row(&[
            operations.join(", "),
            entry.reason.clone(),
            links::sources(evidence, &entry.source),
        ]);
    }
    text
}

//! `openapi/source.yaml`: the origin of the vendored document.

use anyhow::{Context, Result};
use portkey_admin_codegen::document;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const HEADER: &str = "# Where portkey.yaml came from; written by `cargo xtask sync-spec`.\n";

/// The record about the vendored document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRecord {
    /// URL at which upstream publishes the document.
    pub url: String,
    /// The upstream commit, if the maintainer gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Date (`YYYY-MM-DD`, UTC) on which the document was distilled.
    pub retrieved: String,
    /// SHA-256 digest of the distilled document, in lower-case hexadecimal.
    pub sha256: String,
    /// `info.version` of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Number of paths.
    pub paths: usize,
    /// Number of operations.
    pub operations: usize,
}

impl SourceRecord {
    /// Parses the record; `name` is the file name used in errors.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let value = document::parse(name, text)?;
        Self::deserialize(&value).with_context(|| name.to_owned())
    }

    /// Returns the content of the file.
    pub fn to_yaml(&self) -> Result<String> {
        Ok(format!("{HEADER}{}", serde_norway::to_string(self)?))
    }
}

/// Returns the SHA-256 digest of `text`, in lower-case hexadecimal.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_sha_256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest("abc"), expected);
    }

    #[test]
    fn record_round_trips_without_absent_fields() {
        let record = SourceRecord {
            url: "https://example.com/openapi.yaml".into(),
            revision: None,
            retrieved: "2026-01-31".into(),
            sha256: "00".into(),
            version: Some("2.0".into()),
            paths: 1,
            operations: 2,
        };
        let text = record.to_yaml().unwrap();
        assert!(!text.contains("revision"), "{text}");
        assert_eq!(SourceRecord::parse("source.yaml", &text).unwrap(), record);
    }

    #[test]
    fn invalid_record_is_an_error_with_its_location() {
        let problem = |text| {
            format!(
                "{:#}",
                SourceRecord::parse("source.yaml", text).unwrap_err()
            )
        };
        assert!(
            problem("url: [").starts_with("source.yaml:2:"),
            "{}",
            problem("url: [")
        );
        assert!(problem("url: x").starts_with("source.yaml: missing field"));
    }
}

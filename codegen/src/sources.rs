//! The sources of the patched document: the text of `openapi/` and `overrides/`.

use std::path::Path;

use crate::{Error, Result};

/// The text of a file, and its name in error messages (`overrides/paths.yaml`).
#[derive(Debug, Clone)]
pub struct Source {
    /// The name of the file, relative to the project, with forward slashes.
    pub name: String,
    /// The text of the file.
    pub text: String,
}

/// All sources of the patched document.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `openapi/portkey.yaml`.
    pub document: Source,
    /// `overrides/paths.yaml`.
    pub paths: Source,
    /// `overrides/*.overlay.yaml`, sorted by name.
    pub overlays: Vec<Source>,
    /// `overrides/operations.yaml`.
    pub manifest: Source,
}

impl Sources {
    /// Reads the sources below `root`, the folder that contains `openapi/` and `overrides/`.
    pub fn read(root: &Path) -> Result<Self> {
        let mut names = overlay_names(root)?;
        names.sort();
        Ok(Self {
            document: read(root, "openapi/portkey.yaml")?,
            paths: read(root, "overrides/paths.yaml")?,
            overlays: names
                .iter()
                .map(|name| read(root, &format!("overrides/{name}")))
                .collect::<Result<_>>()?,
            manifest: read(root, "overrides/operations.yaml")?,
        })
    }
}

fn overlay_names(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("overrides");
    let problem = |error: std::io::Error| Error::new("overrides/", error.to_string());
    std::fs::read_dir(&folder)
        .map_err(problem)?
        .map(|entry| {
            Ok(entry
                .map_err(problem)?
                .file_name()
                .to_string_lossy()
                .into_owned())
        })
        .filter(|name| !matches!(name, Ok(name) if !name.ends_with(".overlay.yaml")))
        .collect()
}

pub(crate) fn read(root: &Path, name: &str) -> Result<Source> {
    let text = std::fs::read_to_string(root.join(name))
        .map_err(|error| Error::new(name, error.to_string()))?;
    Ok(Source {
        name: name.to_owned(),
        text,
    })
}

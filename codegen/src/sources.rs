//! Where the facts come from: the texts of `openapi/` and `overrides/`, with their names.

use std::path::Path;

use crate::{Error, Result};

/// One text and the name by which errors refer to it (`overrides/paths.yaml`).
#[derive(Debug, Clone)]
pub struct Source {
    /// The name shown in errors, with forward slashes, relative to the project.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Everything that the patched document is made of.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `openapi/portkey.yaml`.
    pub document: Source,
    /// `overrides/paths.yaml`.
    pub paths: Source,
    /// `overrides/*.overlay.yaml`, in the order of their names.
    pub overlays: Vec<Source>,
    /// `overrides/operations.yaml`.
    pub manifest: Source,
}

impl Sources {
    /// Reads the sources below `root`, the folder that holds `openapi/` and `overrides/`.
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

fn read(root: &Path, name: &str) -> Result<Source> {
    let text = std::fs::read_to_string(root.join(name))
        .map_err(|error| Error::new(name, error.to_string()))?;
    Ok(Source {
        name: name.to_owned(),
        text,
    })
}

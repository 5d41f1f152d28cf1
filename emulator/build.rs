//! Finds `openapi/` and `overrides/`, and writes the list of embedded overlays, so that a new file in
//! `overrides/` is picked up automatically.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = root(&variable("CARGO_MANIFEST_DIR")?)?;
    let overrides = root.join("overrides");
    println!("cargo::rustc-env=SPEC_ROOT={}", root.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", overrides.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&overrides)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".overlay.yaml") {
            names.push(name);
        }
    }
    names.sort();
    let entries: String = names.iter().map(|name| include(name)).collect();
    let out = Path::new(&variable("OUT_DIR")?).join("overlays.rs");
    fs::write(out, format!("&[{entries}]"))
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

/// Returns the folder that contains `openapi/` and `overrides/`: the root of the repository, or that of
/// the published package.
fn root(package: &str) -> io::Result<PathBuf> {
    let package = Path::new(package);
    [package.parent(), Some(package)]
        .into_iter()
        .flatten()
        .find(|folder| folder.join("overrides/operations.yaml").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            io::Error::other(format!(
                "expected openapi/ and overrides/ in {} or above it",
                package.display()
            ))
        })
}

/// Returns one list entry: the name shown in errors, and the file's contents.
fn include(name: &str) -> String {
    format!(
        "({:?}, include_str!(concat!(env!(\"SPEC_ROOT\"), {:?}))),",
        format!("overrides/{name}"),
        format!("/overrides/{name}")
    )
}

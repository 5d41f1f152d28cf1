//! Writes the list of embedded overlays, so that a new file in `overrides/` is picked up
//! automatically.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=overrides");
    let variable = |name: &str| env::var(name).map_err(io::Error::other);
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("overrides");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
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

/// Returns one list entry: the name shown in errors, and the file's contents.
fn include(name: &str) -> String {
    format!(
        "({:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?}))),",
        format!("overrides/{name}"),
        format!("/overrides/{name}")
    )
}

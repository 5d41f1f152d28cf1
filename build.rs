//! Generates the client into `OUT_DIR` for the enabled areas. The rules are in
//! `portkey-admin-codegen` and `overrides/`.

use std::{env, error::Error, fs, path::PathBuf};

use portkey_admin_codegen::{Sources, generate, patch, select::Areas};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=openapi/portkey.yaml");
    println!("cargo::rerun-if-changed=overrides");
    if let Err(error) = run() {
        // Not a panic, which would add a backtrace to the message.
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let patched = patch(&Sources::read(&root)?)?;
    let is_enabled =
        |area: &str| env::var_os(format!("CARGO_FEATURE_{}", area.to_uppercase())).is_some();
    let areas: Areas = patched
        .manifest
        .areas()
        .into_iter()
        .filter(|area| is_enabled(area))
        .collect();
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    for file in generate::generate(&patched, &areas)? {
        fs::write(folder.join(file.name), file.code)?;
    }
    Ok(())
}

//! Generates the client into `OUT_DIR`: which areas are on, where the files are, where the code goes.
//! Every rule over the API is in `portkey-admin-codegen` and `overrides/`.

use std::{env, error::Error, fs, path::PathBuf};

use portkey_admin_codegen::{Sources, generate, patch, select::Areas};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=openapi/portkey.yaml");
    println!("cargo::rerun-if-changed=overrides");
    if let Err(error) = run() {
        // A plain message: a panic would bury it under a backtrace.
        println!("cargo::error={error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let patched = patch(&Sources::read(&root)?)?;
    let on = |area: &str| env::var_os(format!("CARGO_FEATURE_{}", area.to_uppercase())).is_some();
    let areas: Areas = patched
        .manifest
        .areas()
        .into_iter()
        .filter(|area| on(area))
        .collect();
    let code = generate::generate(&patched, &areas)?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("portkey.rs"), code)?;
    Ok(())
}

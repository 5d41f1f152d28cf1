//! The crate that progenitor generates from the admin operations without this project's refinement.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use portkey_admin_codegen::select::{Areas, select};
use portkey_admin_codegen::{Sources, document, generate, lower, patch};
use progenitor::InterfaceStyle;
use serde_json::Value;

/// The package's name.
pub const PACKAGE: &str = "plain-generation";

/// The area that is not part of the default features.
const GATEWAY_AREA: &str = "gateway";

/// Crates that generated code may use, with the requirements that a user of progenitor would have.
/// TLS and the features of `chrono` match this project, so that the cold builds are comparable.
const DEPENDENCIES: &[(&str, &str)] = &[
    ("bytes", r#""1""#),
    (
        "chrono",
        r#"{ version = "0.4", default-features = false, features = ["clock", "serde"] }"#,
    ),
    ("futures", r#""0.3""#),
    ("progenitor-client", r#""=0.15.1""#),
    ("regress", r#""0.12""#),
    (
        "reqwest",
        r#"{ version = "0.13", default-features = false, features = ["json", "query", "rustls", "stream"] }"#,
    ),
    ("serde", r#"{ version = "1", features = ["derive"] }"#),
    ("serde_json", r#""1""#),
    ("uuid", r#"{ version = "1", features = ["serde"] }"#),
];

/// Style of the generated operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// A builder for each operation, as in this crate.
    Builder,
    /// A method with all parameters as arguments.
    Positional,
}

impl From<Interface> for InterfaceStyle {
    fn from(interface: Interface) -> Self {
        match interface {
            Interface::Builder => Self::Builder,
            Interface::Positional => Self::Positional,
        }
    }
}

/// Writes the crate into an empty folder.
pub fn write(root: &Path, interface: Interface, folder: &Path) -> Result<()> {
    let tokens = generate::progenitor_tokens_with_style(&admin_document(root)?, interface.into())?;
    let code =
        prettyplease::unparse(&syn::parse2(tokens).context("cannot parse the code of progenitor")?);
    fs::write(folder.join("Cargo.toml"), manifest(&code))?;
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), code)?;
    Ok(())
}

/// Returns the number of operations that the default features generate.
pub fn operations(root: &Path) -> Result<usize> {
    Ok(document::operations(&admin_document(root)?).count())
}

/// Returns the lowered document of all areas in the default features. Progenitor cannot process the
/// document that Portkey publishes.
fn admin_document(root: &Path) -> Result<Value> {
    let patched = patch(&Sources::read(root)?)?;
    let mut areas: Areas = patched.manifest.areas();
    areas.remove(GATEWAY_AREA);
    Ok(select(&lower::lower(&patched)?, &areas)?.document)
}

/// Writes a `Cargo.toml` that depends only on the crates that the code uses.
fn manifest(code: &str) -> String {
    let dependencies: String = DEPENDENCIES
        .iter()
        .filter(|(name, _)| code.contains(&format!("{}::", name.replace('-', "_"))))
        .map(|(name, requirement)| format!("{name} = {requirement}\n"))
        .collect();
    format!(
        "[package]\n\
         name = \"{PACKAGE}\"\n\
         version = \"0.0.0\"\n\
         edition = \"2024\"\n\n\
         [workspace]\n\n\
         [lints.rust]\n\
         warnings = \"allow\"\n\n\
         [dependencies]\n\
         {dependencies}"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn only_crates_used_by_the_code_become_dependencies() {
        let manifest = manifest("use progenitor_client::ClientInfo; type T = ::serde_json::Value;");
        assert!(manifest.contains("\nprogenitor-client = "), "{manifest}");
        assert!(manifest.contains("\nserde_json = "), "{manifest}");
        assert!(!manifest.contains("chrono"), "{manifest}");
    }

    #[test]
    fn document_has_only_admin_operations() {
        let document = admin_document(&root()).unwrap();
        let tags: Vec<&Value> = document::operations(&document)
            .map(|(_, _, operation)| &operation["tags"][0])
            .collect();
        assert!(tags.iter().any(|tag| *tag == "api_keys"));
        assert!(!tags.iter().any(|tag| *tag == GATEWAY_AREA));
    }

    #[test]
    fn only_the_builder_style_has_builders() {
        let code = |interface| {
            let folder = tempfile::tempdir().unwrap();
            write(&root(), interface, folder.path()).unwrap();
            fs::read_to_string(folder.path().join("src/lib.rs")).unwrap()
        };
        let builder = code(Interface::Builder);
        let positional = code(Interface::Positional);
        assert!(builder.contains("pub mod builder"));
        assert!(!positional.contains("pub mod builder"));
        assert!(positional.contains("pub async fn list_api_keys"));
    }
}

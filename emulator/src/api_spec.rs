//! The patched document and its routes, made once per process from the embedded texts.

use std::sync::OnceLock;

use portkey_admin_codegen::paths::Rules;
use portkey_admin_codegen::{Patched, Source, Sources, patch};
use serde_json::Value;

use crate::route::Routes;

/// The overlays, in the order of their names; the list is written by `build.rs`.
const OVERLAYS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/overlays.rs"));

/// What every emulator of this process shares: nothing in it changes.
pub(crate) struct ApiSpec {
    pub(crate) document: Value,
    pub(crate) routes: Routes,
}

/// The model, or what is wrong with the embedded texts.
pub(crate) fn get() -> Result<&'static ApiSpec, &'static str> {
    static SPEC: OnceLock<Result<ApiSpec, String>> = OnceLock::new();
    SPEC.get_or_init(build).as_ref().map_err(String::as_str)
}

fn build() -> Result<ApiSpec, String> {
    let sources = sources();
    let Patched {
        document, manifest, ..
    } = patch(&sources).map_err(|error| error.to_string())?;
    let rules = Rules::parse(&sources.paths).map_err(|error| error.to_string())?;
    let routes = Routes::new(&document, &manifest, &rules);
    Ok(ApiSpec { document, routes })
}

fn sources() -> Sources {
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    Sources {
        document: source(
            "openapi/portkey.yaml",
            include_str!("../openapi/portkey.yaml"),
        ),
        paths: source(
            "overrides/paths.yaml",
            include_str!("../overrides/paths.yaml"),
        ),
        overlays: OVERLAYS
            .iter()
            .map(|(name, text)| source(name, text))
            .collect(),
        manifest: source(
            "overrides/operations.yaml",
            include_str!("../overrides/operations.yaml"),
        ),
    }
}

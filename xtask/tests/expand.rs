//! `cargo xtask expand`: prints the generated code.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::Output;

fn expand(arguments: &[&str]) -> Output {
    support::xtask(&support::repository(), &[&["expand"], arguments].concat())
}

#[test]
fn file_of_an_area_is_printed() {
    let output = expand(&["api_keys"]);
    assert!(output.status.success());
    let code = String::from_utf8(output.stdout).unwrap();
    assert!(code.starts_with("// api_keys.rs\n"), "{}", &code[..100]);
    for line in [
        "    pub fn list_api_keys(&self) -> ListApiKeys {",
        "pub struct ApiKey {",
    ] {
        assert!(code.lines().any(|found| found == line), "{line}");
    }
    assert!(!code.contains("pub fn list_configs"));
}

#[test]
fn unknown_area_is_an_error_that_lists_the_areas() {
    let output = expand(&["keys"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("error: unknown area `keys`; expected one of "),
        "{error}"
    );
    assert!(error.contains("api_keys"), "{error}");
}

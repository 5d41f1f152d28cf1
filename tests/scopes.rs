//! Compares the scope constants with the manifest.

use std::collections::BTreeSet;

use portkey_admin::scopes;

const MANIFEST: &str = include_str!("../overrides/operations.yaml");

/// Returns the scopes in the manifest. Each entry lists its scopes on one line.
fn manifest_scopes() -> BTreeSet<&'static str> {
    let lines = MANIFEST.lines().filter(|line| !line.starts_with('#'));
    let lists = lines.filter_map(|line| line.split_once("scopes: [")?.1.split_once(']'));
    lists.flat_map(|(list, _)| list.split(", ")).collect()
}

#[test]
fn every_scope_of_the_manifest_has_a_constant() {
    let named = manifest_scopes();
    assert!(named.contains("workspaces.list"), "{named:?}");
    let missing: Vec<_> = named
        .iter()
        .filter(|scope| !scopes::ALL.contains(scope))
        .collect();
    assert!(missing.is_empty(), "without a constant: {missing:?}");
}

/// The manifest is parsed line by line; fails if a list of scopes has another format.
#[test]
fn every_list_of_scopes_is_parsed() {
    let keys = MANIFEST.matches(" scopes:").count() + MANIFEST.matches("{scopes:").count();
    assert_eq!(MANIFEST.matches("scopes: [").count(), keys);
}

#[test]
fn constants_are_sorted_and_named_after_their_scope() {
    assert!(scopes::ALL.is_sorted_by(|one, next| one < next));
    assert_eq!(scopes::COMPLETIONS_WRITE, "completions.write");
    assert_eq!(
        scopes::WORKSPACE_USER_API_KEYS_ROTATE,
        "workspace_user_api_keys.rotate"
    );
}

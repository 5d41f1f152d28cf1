//! The constants of scopes against the manifest.

use std::collections::BTreeSet;

use portkey_admin::scopes;

const LEDGER: &str = include_str!("../overrides/operations.yaml");

/// The scopes that the ledger names; each entry has its own in one line.
fn ledger_scopes() -> BTreeSet<&'static str> {
    let lines = LEDGER.lines().filter(|line| !line.starts_with('#'));
    let lists = lines.filter_map(|line| line.split_once("scopes: [")?.1.split_once(']'));
    lists.flat_map(|(list, _)| list.split(", ")).collect()
}

#[test]
fn every_scope_of_the_ledger_has_a_constant() {
    let named = ledger_scopes();
    assert!(named.contains("workspaces.list"), "{named:?}");
    let missing: Vec<_> = named
        .iter()
        .filter(|scope| !scopes::ALL.contains(scope))
        .collect();
    assert!(missing.is_empty(), "without a constant: {missing:?}");
}

/// The ledger is read line by line here; this keeps that honest.
#[test]
fn no_list_of_scopes_is_overlooked() {
    let keys = LEDGER.matches(" scopes:").count() + LEDGER.matches("{scopes:").count();
    assert_eq!(LEDGER.matches("scopes: [").count(), keys);
}

#[test]
fn constants_are_in_order_and_named_like_their_scope() {
    assert!(scopes::ALL.is_sorted_by(|one, next| one < next));
    assert_eq!(scopes::COMPLETIONS_WRITE, "completions.write");
    assert_eq!(
        scopes::WORKSPACE_USER_API_KEYS_ROTATE,
        "workspace_user_api_keys.rotate"
    );
}

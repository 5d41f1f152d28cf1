//! Scopes: the constants agree with the manifest, and the scopes of a list of operations.

#![allow(clippy::unwrap_used)] // a panic fails the test

use std::{collections::BTreeSet, path::Path};

use portkey_admin::scopes;
use portkey_admin_codegen::{Sources, manifest::RequiredScopes, patch};

/// Returns the scopes that an operation in the manifest needs.
fn manifest_scopes() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = patch(&Sources::read(root).unwrap()).unwrap().manifest;
    let scopes = manifest
        .iter()
        .filter_map(|(_, entry)| entry.access.scopes.as_ref());
    scopes.flat_map(RequiredScopes::names).cloned().collect()
}

#[test]
fn every_scope_of_the_manifest_has_a_constant() {
    let named = manifest_scopes();
    assert!(named.contains("workspaces.list"), "{named:?}");
    let missing: Vec<_> = named
        .iter()
        .filter(|scope| !scopes::ALL.contains(&scope.as_str()))
        .collect();
    assert!(missing.is_empty(), "without a constant: {missing:?}");
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

#[cfg(all(feature = "admin", feature = "gateway"))]
mod needed {
    use portkey_admin::{operations::*, scopes::*};

    #[test]
    fn a_single_scope_is_needed_once() {
        let needed = needed_by([&LIST_CONFIGS, &GET_CONFIG, &LIST_CONFIGS]);
        assert_eq!(needed.all_of, [CONFIGS_LIST, CONFIGS_READ]);
        assert!(needed.any_of.is_empty() && needed.unknown.is_empty());
        assert_eq!(needed.keys, ["organisation", "workspace"]);
        assert!(needed.are_granted(&[CONFIGS_READ, CONFIGS_LIST, LOGS_VIEW]));
        assert!(!needed.are_granted(&[CONFIGS_LIST]));
    }

    #[test]
    fn all_scopes_of_an_operation_are_needed() {
        let needed = needed_by([&INSERT_LOG]);
        assert_eq!(needed.all_of, [COMPLETIONS_WRITE, LOGS_WRITE]);
        assert!(!needed.are_granted(&[COMPLETIONS_WRITE]));
        assert!(needed.are_granted(&["logs.write".to_owned(), "completions.write".to_owned()]));
    }

    #[test]
    fn alternatives_remain_unless_another_operation_needs_one_of_them() {
        let alternatives = vec![COMPLETIONS_WRITE, VIRTUAL_KEYS_LIST];
        let needed = needed_by([&LIST_MODELS]);
        assert_eq!(
            (needed.all_of.len(), needed.any_of.clone()),
            (0, vec![alternatives])
        );
        assert!(!needed.are_granted::<&str>(&[]));
        assert!(needed.are_granted(&[VIRTUAL_KEYS_LIST]));
        for other in [&CREATE_CHAT_COMPLETION, &LIST_VIRTUAL_KEYS] {
            for operations in [[&LIST_MODELS, other], [other, &LIST_MODELS]] {
                let needed = needed_by(operations);
                assert!(needed.any_of.is_empty(), "{needed:?}");
                assert_eq!(needed.all_of.len(), 1, "{needed:?}");
            }
        }
        // A list of alternatives that contains another one adds nothing.
        let needed = needed_by([&GET_LOG, &LIST_API_KEYS, &LIST_API_KEYS, &LIST_MODELS]);
        assert_eq!(needed.any_of.len(), 3, "{needed:?}");
    }

    #[test]
    fn operations_for_different_kinds_of_key_have_no_common_kind() {
        let needed = needed_by([&CREATE_WORKSPACE, &CREATE_CHAT_COMPLETION]);
        assert!(needed.keys.is_empty());
        let needed = needed_by([&CREATE_WORKSPACE, &LIST_CONFIGS]);
        assert_eq!(needed.keys, ["organisation"]);
    }

    #[test]
    fn operations_without_known_scopes_are_listed_and_public_ones_need_none() {
        let needed = needed_by([
            &LIST_LABELS,
            &GET_MODEL_PRICING,
            &LIST_CONFIGS,
            &LIST_LABELS,
        ]);
        assert_eq!(needed.unknown, ["list_labels"]);
        assert_eq!(needed.all_of, [CONFIGS_LIST]);
        assert_eq!(needed_by([&GET_MODEL_PRICING]).all_of, [""; 0]);
    }
}

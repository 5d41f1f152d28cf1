//! Removals of paths that are gone.

use portkey_admin_codegen::paths::Effect;
use serde_json::json;

use crate::{applied, apply, effects, removal_rules};

#[test]
fn gone_rule_without_methods_removes_the_path_item() {
    let rules = removal_rules("/a/{id}", "");
    let document =
        json!({"paths": {"/a/{x}": {"get": {}, "put": {}, "parameters": []}, "/a": {"get": {}}}});
    let (after, outcomes) = apply(&rules, document).unwrap();
    assert_eq!(after, json!({"paths": {"/a": {"get": {}}}}));
    assert_eq!(effects(&outcomes), [Effect::Removed; 2]);
    let (after, outcomes) =
        apply(&rules, json!({"paths": {"/a/{x}": {"parameters": []}}})).unwrap();
    assert_eq!(after, json!({"paths": {}}));
    assert_eq!(
        (outcomes[0].effect, outcomes[0].method),
        (Effect::Removed, None)
    );
}

#[test]
fn gone_rule_with_methods_keeps_other_methods_and_shared_fields() {
    let rules = removal_rules("/logs", ", methods: [GET]");
    let document = json!({"paths": {"/logs": {"servers": [], "get": {}, "post": {"x": 1}}}});
    assert_eq!(
        applied(&rules, document),
        json!({"paths": {"/logs": {"servers": [], "post": {"x": 1}}}})
    );
    let document = json!({"paths": {"/logs": {"servers": [], "get": {}}}});
    assert_eq!(applied(&rules, document), json!({"paths": {}}));
}

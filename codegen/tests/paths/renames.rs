//! Renames of documented paths to tested ones.

use portkey_admin_codegen::paths::Effect;
use serde_json::json;

use crate::{
    applied, apply, assert_contains, effects, parse, path_parameter, query_parameter,
    removal_rules, rename_rules, rename_yaml,
};

#[test]
fn paths_match_regardless_of_parameter_names() {
    let rules = rename_rules("/a/{id}/b/{sub}", "/c/{thing}/b/{part}", "");
    let document = json!({"paths": {
        "/a/{x}/b/{y}": {"get": {"parameters": [path_parameter("y"), path_parameter("x")]}},
        "/c/{t}/b/{p}": {"put": {}},
    }});
    let (after, outcomes) = apply(&rules, document).unwrap();
    let moved = json!({"parameters": [path_parameter("p"), path_parameter("t")]});
    assert_eq!(
        after,
        json!({"paths": {"/c/{t}/b/{p}": {"put": {}, "get": moved}}})
    );
    assert_eq!(outcomes[0].documented, "/a/{x}/b/{y}");
    assert_eq!(outcomes[0].tested.as_deref(), Some("/c/{t}/b/{p}"));
}

#[test]
fn literal_segment_does_not_match_a_parameter() {
    let rules = rename_rules("/a/{id}", "/b/{id}", "");
    let error = apply(
        &rules,
        json!({"paths": {"/a/list": {"get": {}}, "/a": {"get": {}}}}),
    )
    .unwrap_err();
    assert_contains(
        &error.to_string(),
        &["rename[0]", "neither `/a/{id}` nor `/b/{id}`"],
    );
}

#[test]
fn parameter_map_can_swap_positions() {
    let rules = rename_rules(
        "/a/{one}/{two}",
        "/b/{x}/{y}",
        ", parameters: {one: y, two: x}",
    );
    let after = applied(
        &rules,
        json!({"paths": {"/a/{one}/{two}": {"get": {"parameters": [path_parameter("one"), path_parameter("two")]}}}}),
    );
    let moved = json!({"parameters": [path_parameter("y"), path_parameter("x")]});
    assert_eq!(after, json!({"paths": {"/b/{x}/{y}": {"get": moved}}}));
}

#[test]
fn parameter_names_can_be_swapped() {
    let rules = rename_rules("/a/{x}/{y}", "/b/{y}/{x}", "");
    let document = json!({"paths": {"/a/{x}/{y}": {"get": {"parameters": [path_parameter("x"), path_parameter("y")]}}}});
    let moved = json!({"parameters": [path_parameter("y"), path_parameter("x")]});
    assert_eq!(
        applied(&rules, document),
        json!({"paths": {"/b/{y}/{x}": {"get": moved}}})
    );
}

#[test]
fn only_path_parameters_are_renamed() {
    let rules = rename_rules("/a/{id}", "/b/{other}", "");
    let document = json!({"paths": {"/a/{id}": {"get": {"parameters": [query_parameter("id"), path_parameter("id")]}}}});
    let moved = json!({"parameters": [query_parameter("id"), path_parameter("other")]});
    assert_eq!(
        applied(&rules, document),
        json!({"paths": {"/b/{other}": {"get": moved}}})
    );
}

#[test]
fn shared_declaration_is_copied_before_it_is_renamed() {
    let components =
        json!({"parameters": {"Id": path_parameter("id"), "Page": query_parameter("page")}});
    let by_reference =
        json!([{"$ref": "#/components/parameters/Id"}, {"$ref": "#/components/parameters/Page"}]);
    let document = |to: &str| {
        let rules = rename_rules("/a/{id}", to, "");
        let document = json!({"paths": {"/a/{id}": {"get": {"parameters": by_reference}}}, "components": components});
        applied(&rules, document)
    };
    let renamed = document("/b/{new}");
    assert_eq!(renamed["components"], components);
    assert_eq!(
        renamed["paths"]["/b/{new}"]["get"]["parameters"],
        json!([path_parameter("new"), {"$ref": "#/components/parameters/Page"}])
    );
    // If the name stays, so does the reference.
    assert_eq!(
        document("/b/{id}")["paths"]["/b/{id}"]["get"]["parameters"],
        by_reference
    );
}

#[test]
fn dangling_reference_is_an_error() {
    let rules = rename_rules("/a/{id}", "/b/{new}", "");
    let document = json!({"paths": {"/a/{id}": {"get": {"parameters": [{"$ref": "#/nowhere"}]}}}});
    assert_contains(
        &apply(&rules, document).unwrap_err().to_string(),
        &["#/nowhere"],
    );
}

#[test]
fn methods_are_moved_separately() {
    let rules = rename_rules("/a", "/b", ", methods: [POST]");
    let after = applied(
        &rules,
        json!({"paths": {"/a": {"get": {"operationId": "g"}, "post": {"operationId": "p"}}}}),
    );
    assert_eq!(
        after,
        json!({"paths": {"/a": {"get": {"operationId": "g"}}, "/b": {"post": {"operationId": "p"}}}})
    );
}

#[test]
fn rule_without_methods_applies_to_all_documented_methods() {
    let rules = rename_rules("/a", "/b", "");
    let document = json!({"paths": {"/a": {"get": {"x": 1}, "post": {"x": 1}}, "/b": {"get": {"x": 2}, "put": {"x": 2}}}});
    let (after, outcomes) = apply(&rules, document).unwrap();
    assert_eq!(
        after,
        json!({"paths": {"/b": {"get": {"x": 2}, "put": {"x": 2}, "post": {"x": 1}}}})
    );
    assert_eq!(effects(&outcomes), [Effect::Superseded, Effect::Applied]);
    let (_, outcomes) = apply(&rules, after).unwrap();
    assert_eq!(effects(&outcomes), [Effect::Satisfied; 3]);
}

#[test]
fn shared_fields_of_a_path_item_are_moved() {
    let shared = |name: &str| json!([path_parameter(name), query_parameter("all")]);
    let servers = json!([{"url": "https://example.com"}]);
    let document = json!({"paths": {"/a/{id}": {
        "servers": servers, "parameters": shared("id"), "get": {"x": 1}, "put": {"x": 2},
    }}});

    let whole = applied(&rename_rules("/a/{id}", "/b/{new}", ""), document.clone());
    let expected = json!({"paths": {"/b/{new}": {
        "servers": servers, "parameters": shared("new"), "get": {"x": 1}, "put": {"x": 2},
    }}});
    assert_eq!(whole, expected);

    let split = applied(
        &rename_rules("/a/{id}", "/b/{new}", ", methods: [PUT]"),
        document,
    );
    let expected = json!({"paths": {
        "/a/{id}": {"servers": servers, "parameters": shared("id"), "get": {"x": 1}},
        "/b/{new}": {"servers": servers, "parameters": shared("new"), "put": {"x": 2}},
    }});
    assert_eq!(split, expected);
}

#[test]
fn operation_moved_to_an_existing_item_keeps_its_shared_fields() {
    let rules = rename_rules("/a/{id}", "/b/{new}", "");
    let old = json!([{"url": "https://old.example.com"}]);
    let own = json!({"name": "own", "in": "query", "schema": {"type": "boolean"}});
    let document = json!({"paths": {
        "/a/{id}": {
            "servers": old,
            "parameters": [path_parameter("id"), query_parameter("all"), query_parameter("own")],
            "get": {"parameters": [own]},
        },
        "/b/{new}": {"servers": [{"url": "https://new.example.com"}], "parameters": [path_parameter("new")], "put": {}},
    }});
    let after = applied(&rules, document);
    let item = &after["paths"]["/b/{new}"];
    assert_eq!(item["servers"], json!([{"url": "https://new.example.com"}]));
    assert_eq!(item["parameters"], json!([path_parameter("new")]));
    assert_eq!(
        item["get"],
        json!({"parameters": [own, query_parameter("all")], "servers": old})
    );
    assert_eq!(item["put"], json!({}));
}

#[test]
fn added_parameters_are_declared_once() {
    let adds = ", methods: [POST], adds: [{name: type, in: path, required: true, schema: {enum: [x, y]}}, {name: dry, in: query, schema: {type: boolean}}]";
    let rules = rename_rules("/keys/{id}", "/keys/{type}/{key}", adds);
    let kind = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"enum": ["x", "y"]}});
    let dry = json!({"name": "dry", "in": "query", "schema": {"type": "boolean"}});

    let stale = json!({"name": "dry", "in": "query", "schema": {"type": "string"}});
    let document =
        json!({"paths": {"/keys/{id}": {"post": {"parameters": [stale, path_parameter("id")]}}}});
    let after = applied(&rules, document);
    assert_eq!(
        after,
        json!({"paths": {"/keys/{type}/{key}": {"post": {"parameters": [path_parameter("key"), kind("type"), dry]}}}})
    );

    // Without declared parameters, and with an item that spells the path differently.
    let document = json!({"paths": {"/keys/{id}": {"post": {}}, "/keys/{t}/{k}": {"get": {}}}});
    let after = applied(&rules, document);
    assert_eq!(
        after["paths"]["/keys/{t}/{k}"]["post"],
        json!({"parameters": [kind("t"), dry]})
    );
}

#[test]
fn several_documented_paths_can_have_one_tested_path() {
    let two = |more: &str| {
        let text = rename_yaml("/old", "/new", more) + &rename_yaml("/older", "/new", more);
        parse(&format!("rename:\n{text}")).unwrap()
    };
    for (from, more) in [
        ("/old", ""),
        ("/older", ""),
        ("/old", ", methods: [GET]"),
        ("/older", ", methods: [GET]"),
    ] {
        let (after, outcomes) =
            apply(&two(more), json!({"paths": {from: {"get": {"x": 1}}}})).unwrap();
        assert_eq!(after, json!({"paths": {"/new": {"get": {"x": 1}}}}));
        // The rule without its documented path finds the operation at the tested path.
        let (applied, satisfied) = if from == "/old" { (0, 1) } else { (1, 0) };
        assert_eq!(outcomes[applied].effect, Effect::Applied, "{from}{more}");
        assert_eq!(
            outcomes[satisfied].effect,
            Effect::Satisfied,
            "{from}{more}"
        );
    }
    let rules = two("");
    let both = json!({"paths": {"/old": {"get": {}}, "/older": {"get": {}}}});
    let error = apply(&rules, both.clone()).unwrap_err();
    assert_contains(
        &error.to_string(),
        &[
            "rename[1]",
            "rename[0]",
            "`/old`",
            "`/older`",
            "both become `GET /new`",
        ],
    );
    let mut with_tested = both;
    with_tested["paths"]["/new"] = json!({"get": {"x": 2}});
    assert_eq!(
        applied(&rules, with_tested),
        json!({"paths": {"/new": {"get": {"x": 2}}}})
    );
}

#[test]
fn two_spellings_of_a_path_conflict_only_for_the_same_method() {
    let rules = rename_rules("/a/{id}", "/b/{id}", "");
    let document = json!({"paths": {"/a/{x}": {"get": {}}, "/a/{y}": {"put": {}}}});
    assert_eq!(
        applied(&rules, document),
        json!({"paths": {"/b/{id}": {"get": {}, "put": {}}}})
    );
    let document = json!({"paths": {"/a/{x}": {"get": {}}, "/a/{y}": {"get": {}}}});
    assert_contains(
        &apply(&rules, document).unwrap_err().to_string(),
        &["rename[0]", "`GET /a/{x}`", "`GET /a/{y}`"],
    );
}

#[test]
fn referenced_path_item_is_rejected() {
    let rules = rename_rules("/a", "/b", ", methods: [GET]");
    let document = json!({"paths": {"/a": {"$ref": "#/components/pathItems/A"}}});
    assert_contains(
        &apply(&rules, document).unwrap_err().to_string(),
        &["rename[0]", "`/a` is a `$ref`"],
    );
}

#[test]
fn document_without_paths_has_neither_path() {
    let rules = rename_rules("/a", "/b", "");
    for document in [
        json!({}),
        json!({"paths": {}}),
        json!({"paths": null}),
        json!("text"),
    ] {
        assert_contains(
            &apply(&rules, document).unwrap_err().to_string(),
            &["neither"],
        );
    }
}

#[test]
fn outcome_display_names_rule_route_and_effect() {
    let (_, outcomes) = apply(
        &rename_rules("/a", "/b", ""),
        json!({"paths": {"/a": {"get": {}, "put": {}}, "/b": {"put": {}}}}),
    )
    .unwrap();
    let lines: Vec<String> = outcomes.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "overrides/paths.yaml: rename[0]: GET /a → /b: renamed",
            "overrides/paths.yaml: rename[0]: PUT /a → /b: documented path removed, the tested path exists",
        ]
    );
    let (_, outcomes) = apply(
        &removal_rules("/a/{id}", ""),
        json!({"paths": {"/a/{x}": {"get": {}}}}),
    )
    .unwrap();
    assert_eq!(
        outcomes[0].to_string(),
        "overrides/paths.yaml: gone[0]: GET /a/{x}: removed"
    );
    let (_, outcomes) = apply(&removal_rules("/a", ""), json!({"paths": {}})).unwrap();
    assert_eq!(
        outcomes[0].to_string(),
        "overrides/paths.yaml: gone[0]: /a: satisfied"
    );
}

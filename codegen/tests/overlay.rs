//! Overlay 1.1 as the standard defines it, and where this implementation is stricter.

#![allow(clippy::unwrap_used)]

use portkey_admin_codegen::overlay::{ActionKind, Overlay};
use portkey_admin_codegen::{Error, Result, Source};
use serde_json::{Value, json};

fn source(text: &str) -> Source {
    Source {
        name: "overrides/t.overlay.yaml".to_owned(),
        text: text.to_owned(),
    }
}

/// Returns an overlay with these actions (JSON is YAML).
fn overlay(actions: Value) -> Source {
    source(
        &json!({"overlay": "1.1.0", "info": {"title": "t", "version": "1"}, "actions": actions})
            .to_string(),
    )
}

fn apply(actions: Value, mut document: Value) -> Result<Value> {
    Overlay::parse(&overlay(actions))?.apply(&mut document)?;
    Ok(document)
}

fn applied(actions: Value, document: Value) -> Value {
    apply(actions, document).unwrap()
}

fn apply_error(actions: Value, document: Value) -> String {
    apply(actions, document).unwrap_err().to_string()
}

fn parse_error(text: &str) -> Error {
    Overlay::parse(&source(text)).unwrap_err()
}

const HEAD: &str = "overlay: 1.1.0\ninfo: {title: t, version: '1'}\n";

#[track_caller]
fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in `{text}`");
    }
}

// --- update ---

#[test]
fn object_is_merged_field_by_field() {
    let before = json!({"a": {"kept": 1, "replaced": 2, "list": [1], "inner": {"x": 1}}});
    let update = json!({"replaced": "two", "list": [2, 3], "inner": {"y": null}, "new": {"z": 1}});
    let after = applied(json!([{"target": "$.a", "update": update}]), before);
    let expected = json!({"a": {
        "kept": 1, "replaced": "two", "list": [1, 2, 3], "inner": {"x": 1, "y": null}, "new": {"z": 1},
    }});
    // Compared as strings, so that the order of the fields counts.
    assert_eq!(after.to_string(), expected.to_string());
}

#[test]
fn null_is_a_primitive_in_both_directions() {
    let after = applied(
        json!([{"target": "$", "update": {"a": null, "b": 5}}, {"target": "$.c", "update": null}]),
        json!({"a": 1, "b": null, "c": "x"}),
    );
    assert_eq!(after, json!({"a": null, "b": 5, "c": null}));
}

#[test]
fn array_concatenates_arrays_and_appends_other_values() {
    let list = |update: Value| {
        applied(
            json!([{"target": "$.a", "update": update}]),
            json!({"a": [1]}),
        )
    };
    assert_eq!(list(json!([2, [3]])), json!({"a": [1, 2, [3]]}));
    assert_eq!(list(json!({"b": 2})), json!({"a": [1, {"b": 2}]}));
    assert_eq!(list(json!("two")), json!({"a": [1, "two"]}));
    assert_eq!(list(json!(null)), json!({"a": [1, null]}));
}

#[test]
fn primitive_is_replaced_by_primitives_only() {
    assert_eq!(
        applied(json!([{"target": "$.a", "update": "x"}]), json!({"a": 1})),
        json!({"a": "x"})
    );
    let error = apply_error(
        json!([{"target": "$.a", "update": {"b": 1}}]),
        json!({"a": 1}),
    );
    assert_contains(
        &error,
        &["an object cannot be merged into a primitive at $['a']"],
    );
    let error = apply_error(json!([{"target": "$.a", "update": [1]}]), json!({"a": 1}));
    assert_contains(
        &error,
        &["an array cannot be merged into a primitive at $['a']"],
    );
}

#[test]
fn object_merges_with_objects_only() {
    for (update, sort) in [
        (json!(1), "a primitive"),
        (json!([1]), "an array"),
        (json!(null), "a primitive"),
    ] {
        let error = apply_error(
            json!([{"target": "$.a", "update": update}]),
            json!({"a": {}}),
        );
        assert_contains(&error, &[sort, "cannot be merged into an object at $['a']"]);
    }
}

#[test]
fn nested_conflict_names_the_json_path() {
    for (inside, update) in [
        (json!([1]), json!(2)),
        (json!([1]), json!({"x": 2})),
        (json!({"x": 1}), json!([2])),
        (json!({"x": 1}), json!(2)),
        (json!(1), json!({"x": 2})),
        (json!(1), json!([2])),
    ] {
        let error = apply_error(
            json!([{"target": "$.paths['/x']", "update": {"get": {"it's": update}}}]),
            json!({"paths": {"/x": {"get": {"it's": inside}}}}),
        );
        assert_contains(
            &error,
            &["actions[0]", r"at $['paths']['/x']['get']['it\'s']"],
        );
    }
}

#[test]
fn several_matches_are_all_updated() {
    let document = json!({"a": [{"k": "x"}, {"k": "y"}, {"k": "x"}]});
    let after = applied(
        json!([{"target": "$.a[?@.k == 'x']", "update": {"seen": true}}]),
        document,
    );
    assert_eq!(
        after,
        json!({"a": [{"k": "x", "seen": true}, {"k": "y"}, {"k": "x", "seen": true}]})
    );
}

#[test]
fn nested_matches_are_all_updated() {
    let document = json!({"s": {"s": {"s": {}}}});
    let after = applied(json!([{"target": "$..s", "update": {"n": 1}}]), document);
    assert_eq!(after, json!({"s": {"n": 1, "s": {"n": 1, "s": {"n": 1}}}}));
}

#[test]
fn node_selected_twice_is_updated_once() {
    let after = applied(
        json!([{"target": "$['a','a']", "update": [2]}]),
        json!({"a": [1]}),
    );
    assert_eq!(after, json!({"a": [1, 2]}));
}

#[test]
fn matches_of_different_kinds_are_rejected() {
    for other in [json!([]), json!(1), json!(null)] {
        let error = apply_error(
            json!([{"target": "$.*", "update": {"x": 1}}]),
            json!({"a": {}, "b": other}),
        );
        assert_contains(
            &error,
            &["different kinds", "an object at $['a']", "at $['b']"],
        );
    }
    let after = applied(
        json!([{"target": "$.*", "update": 0}]),
        json!({"a": 1, "b": "two", "c": null}),
    );
    assert_eq!(after, json!({"a": 0, "b": 0, "c": 0}));
}

#[test]
fn numeric_yaml_keys_are_strings() {
    let text =
        format!("{HEAD}actions:\n- target: $.responses['200']\n  update: {{404: {{x: 1}}}}\n");
    let mut document = json!({"responses": {"200": {}}});
    Overlay::parse(&source(&text))
        .unwrap()
        .apply(&mut document)
        .unwrap();
    assert_eq!(document, json!({"responses": {"200": {"404": {"x": 1}}}}));
}

#[test]
fn all_jsonpath_functions_are_supported() {
    let document = json!({"a": [{"n": "cat", "l": [1, 2]}, {"n": "concat", "l": [1]}]});
    for (filter, hits) in [
        ("length(@.n) == 3", [true, false]),
        ("count(@.l.*) == 1", [false, true]),
        ("value(@.n) == 'cat'", [true, false]),
        ("match(@.n, 'c.t')", [true, false]),
        ("search(@.n, 'c.t')", [true, true]),
    ] {
        let target = format!("$.a[?{filter}]");
        let after = applied(
            json!([{"target": target, "update": {"hit": 1}}]),
            document.clone(),
        );
        assert_eq!(
            [0, 1].map(|i| after["a"][i].get("hit").is_some()),
            hits,
            "{filter}"
        );
    }
}

// --- words about absent nodes ---

/// Returns the paths that an update only describes and that do not exist.
fn absent(target: &str, update: Value) -> Option<String> {
    let document = json!({
        "paths": {"/things": {"get": {"responses": {"200": {"content": {}}}}}},
        "components": {"schemas": {"Thing": {"type": "object", "properties": {"a": {"type": "string"}}}}},
    });
    let error = apply(json!([{"target": target, "update": update}]), document).err()?;
    let text = error.to_string();
    let (_, paths) = text.split_once("does not exist: ").unwrap();
    let (paths, _) = paths.split_once("; the action only describes").unwrap();
    Some(paths.replace("['", "/").replace("']", ""))
}

#[test]
fn update_does_not_bring_back_what_it_only_describes() {
    let thing = "$.components.schemas.Thing";
    let words = json!({"description": "Words."});
    let property = "$/components/schemas/Thing/properties/b";
    for (target, update, expected) in [
        (thing, json!({"properties": {"b": words}}), property),
        (
            thing,
            json!({"properties": {"b": {"nullable": true}}}),
            property,
        ),
        (
            thing,
            json!({"properties": {"b": {"x-clear": "null", "title": "B"}}}),
            property,
        ),
        (
            thing,
            json!({"properties": {"b": {"items": words}}}),
            property,
        ),
        (
            thing,
            json!({"properties": {"b": {"properties": {"title": words}}}}),
            property,
        ),
        // A property named `description` is not a description.
        (
            thing,
            json!({"properties": {"description": words}}),
            "$/components/schemas/Thing/properties/description",
        ),
        (
            "$.components.schemas.Thing.properties",
            json!({"b": words}),
            property,
        ),
        (
            "$.components.schemas.Thing.properties.a",
            json!({"items": {"properties": {"b": words}}}),
            "$/components/schemas/Thing/properties/a/items",
        ),
        (
            "$.components.schemas",
            json!({"Other": words}),
            "$/components/schemas/Other",
        ),
        (
            "$.paths",
            json!({"/others": {"get": {"summary": "S."}}}),
            "$/paths//others",
        ),
        (
            "$.paths['/things']",
            json!({"put": words}),
            "$/paths//things/put",
        ),
        (
            "$.paths['/things'].get",
            json!({"responses": {"404": words}}),
            "$/paths//things/get/responses/404",
        ),
        (
            thing,
            json!({"properties": {"b": words, "c": words, "a": words}}),
            "$/components/schemas/Thing/properties/b, $/components/schemas/Thing/properties/c",
        ),
    ] {
        assert_eq!(
            absent(target, update.clone()).as_deref(),
            Some(expected),
            "{update}"
        );
    }
}

#[test]
fn update_adds_words_to_existing_nodes_and_new_nodes_with_facts() {
    let thing = "$.components.schemas.Thing";
    for (target, update) in [
        (
            thing,
            json!({"description": "Words.", "x-name": "Item", "nullable": true}),
        ),
        (thing, json!({"externalDocs": {"description": "Words."}})),
        (
            thing,
            json!({"properties": {"a": {"description": "Words.", "x-clear": "null"}}}),
        ),
        (
            thing,
            json!({"properties": {"b": {"type": "string", "description": "Words."}}}),
        ),
        // Any value is a fact.
        (thing, json!({"properties": {"b": {}}})),
        (thing, json!({"properties": {"b": {"items": {}}}})),
        (
            "$.paths['/things']",
            json!({"put": {"tags": ["a"], "description": "Words."}}),
        ),
    ] {
        assert_eq!(absent(target, update.clone()), None, "{update}");
    }
}

#[test]
fn every_action_that_does_not_fit_is_reported() {
    let actions = json!([
        {"target": "$.none", "update": {"a": 1}},
        {"target": "$.a", "update": {"b": 1}},
        {"target": "$.a", "update": 1},
    ]);
    let error = apply_error(actions, json!({"a": {}}));
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert_contains(lines[0], &["actions[0]", "matches nothing"]);
    assert_contains(lines[1], &["actions[2]", "cannot be merged"]);
}

#[test]
fn deep_queries_are_rejected() {
    for (open, close) in [("(", ")"), ("@[?", "]"), ("length(", ")"), ("!", "")] {
        let target = format!("$[?{}@.a{}]", open.repeat(20_000), close.repeat(20_000));
        let actions = json!([{"target": target, "remove": true}]);
        let error = Overlay::parse(&overlay(actions)).unwrap_err().to_string();
        let expected = "actions[0]: `target` is nested more than 16 levels deep";
        assert_contains(&error, &[expected]);
    }
}

#[test]
fn documents_do_not_become_deeper_than_the_parser_allows() {
    let actions: Vec<Value> = (0..6)
        .map(|step| json!({"target": "$..*[?@.y == 1]", "copy": "$", "description": step.to_string()}))
        .collect();
    let deep = (0..40).fold(json!({"y": 1}), |inner, _| json!({"x": {"z": inner}}));
    let error = apply_error(json!(actions), deep);
    assert_contains(&error, &["would be nested more than 128 levels deep"]);
}

// --- remove ---

#[test]
fn any_node_except_the_root_can_be_removed() {
    let document = json!({"o": {}, "l": [1], "p": 1, "n": null, "kept": 1});
    let after = applied(
        json!([{"target": "$['o','l','p','n']", "remove": true}]),
        document,
    );
    assert_eq!(after, json!({"kept": 1}));
    let error = apply_error(json!([{"target": "$", "remove": true}]), json!({}));
    assert_contains(&error, &["actions[0]", "cannot remove the document root"]);
}

#[test]
fn removing_several_array_items_removes_the_selected_ones() {
    let document = json!({"a": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]});
    let after = applied(
        json!([{"target": "$.a[2,0,10,11,3]", "remove": true}]),
        document,
    );
    assert_eq!(after, json!({"a": [1, 4, 5, 6, 7, 8, 9]}));
}

#[test]
fn nested_and_repeated_matches_are_removed_once() {
    let document = json!({"x": {"x": [{"x": 1}, {"y": {"x": 2}}]}, "l": [{"x": 1}, {"x": 2}]});
    let after = applied(json!([{"target": "$..x", "remove": true}]), document);
    assert_eq!(after, json!({"l": [{}, {}]}));
    let after = applied(
        json!([{"target": "$.a[0,0,-3]", "remove": true}]),
        json!({"a": [1, 2, 3]}),
    );
    assert_eq!(after, json!({"a": [2, 3]}));
}

#[test]
fn removal_keeps_the_order_of_other_fields() {
    let after = applied(
        json!([{"target": "$.a", "remove": true}]),
        json!({"a": 1, "b": 2, "c": 3, "d": 4}),
    );
    assert_eq!(after.to_string(), r#"{"b":2,"c":3,"d":4}"#);
}

#[test]
fn remove_takes_precedence_over_update_and_copy() {
    let document = json!({"a": {}, "b": {}});
    let after = applied(
        json!([{"target": "$.a", "remove": true, "update": {"x": 1}}]),
        document.clone(),
    );
    assert_eq!(after, json!({"b": {}}));
    let after = applied(
        json!([{"target": "$.a", "remove": true, "copy": "$.b"}]),
        document.clone(),
    );
    assert_eq!(after, json!({"b": {}}));
    let after = applied(
        json!([{"target": "$.a", "remove": false, "update": {"x": 1}}]),
        document,
    );
    assert_eq!(after, json!({"a": {"x": 1}, "b": {}}));
}

// --- copy ---

#[test]
fn copy_merges_like_update() {
    let document = json!({"from": {"x": 1, "l": [2]}, "a": {"l": [1], "k": 0}, "b": {}});
    let after = applied(
        json!([{"target": "$['a','b']", "copy": "$.from"}]),
        document,
    );
    assert_eq!(after["a"], json!({"l": [1, 2], "k": 0, "x": 1}));
    assert_eq!(after["b"], json!({"x": 1, "l": [2]}));
    assert_eq!(after["from"], json!({"x": 1, "l": [2]}));
}

#[test]
fn copy_reads_the_source_before_writing() {
    let after = applied(json!([{"target": "$.a", "copy": "$"}]), json!({"a": {}}));
    assert_eq!(after, json!({"a": {"a": {}}}));
    let after = applied(
        json!([{"target": "$.l", "copy": "$.l"}]),
        json!({"l": [1, 2]}),
    );
    assert_eq!(after, json!({"l": [1, 2, 1, 2]}));
}

#[test]
fn copy_needs_exactly_one_source() {
    let document = json!({"a": {}, "l": [1, 2]});
    let error = apply_error(
        json!([{"target": "$.a", "copy": "$.nowhere"}]),
        document.clone(),
    );
    assert_contains(
        &error,
        &["actions[0]", "$.nowhere", "exactly one node", "selects 0"],
    );
    let error = apply_error(json!([{"target": "$.a", "copy": "$.l[*]"}]), document);
    assert_contains(&error, &["$.l[*]", "selects 2"]);
}

#[test]
fn copy_follows_the_merge_rules() {
    let error = apply_error(
        json!([{"target": "$.a", "copy": "$.b"}]),
        json!({"a": {"x": 1}, "b": {"x": []}}),
    );
    assert_contains(
        &error,
        &["an array cannot be merged into a primitive at $['a']['x']"],
    );
    let error = apply_error(
        json!([{"target": "$['a','b']", "copy": "$.a"}]),
        json!({"a": {}, "b": 1}),
    );
    assert_contains(&error, &["different kinds"]);
    let after = applied(
        json!([{"target": "$.a", "copy": "$.b"}]),
        json!({"a": [1], "b": {"x": 1}}),
    );
    assert_eq!(after["a"], json!([1, {"x": 1}]));
}

#[test]
fn update_copy_and_remove_move_a_node() {
    let actions = json!([
        {"target": "$.paths", "update": {"/new": {}}},
        {"target": "$.paths['/new']", "copy": "$.paths['/old']"},
        {"target": "$.paths['/old']", "remove": true},
    ]);
    let after = applied(actions, json!({"paths": {"/old": {"get": {"id": 1}}}}));
    assert_eq!(after, json!({"paths": {"/new": {"get": {"id": 1}}}}));
}

// --- order and matching ---

#[test]
fn each_action_applies_to_the_result_of_the_previous_one() {
    let actions = json!([
        {"target": "$.a", "remove": true},
        {"target": "$", "update": {"a": {"fresh": 1}}},
        {"target": "$.a.fresh", "update": 2},
    ]);
    assert_eq!(
        applied(actions, json!({"a": {"old": 1}})),
        json!({"a": {"fresh": 2}})
    );
}

#[test]
fn action_that_matches_nothing_is_an_error_with_its_location() {
    let text = format!(
        "{HEAD}# corrections\nactions:\n  - target: $.a\n    update: {{x: 1}}\n\n  # next\n  - description: Widens the limit.\n    target: $.b\n    update:\n      - target: $.c\n  - target: $.d\n    remove: true\n"
    );
    let overlay = Overlay::parse(&source(&text)).unwrap();
    let error = overlay.apply(&mut json!({"a": {}})).unwrap_err();
    assert_eq!(error.location(), "overrides/t.overlay.yaml:9: actions[1]");
    assert_contains(
        &error.to_string(),
        &["target `$.b`", "Widens the limit.", "matches nothing"],
    );
}

#[test]
fn removal_that_matches_nothing_is_an_error() {
    let error = apply_error(
        json!([{"target": "$.a[?@.x]", "remove": true}]),
        json!({"a": [{}]}),
    );
    assert_contains(&error, &["actions[0]", "$.a[?@.x]", "matches nothing"]);
}

// --- parsing ---

#[test]
fn action_accessors_return_the_parsed_values() {
    let text = format!(
        "{HEAD}actions:\n- target: $.a\n  description: Why.\n  x-evidence: {{rows: [M157], on: 2025-12-31}}\n  update: null\n- target: $.b\n  copy: $.a\n- {{target: $.c, remove: true}}\n"
    );
    let overlay = Overlay::parse(&source(&text)).unwrap();
    assert_eq!(overlay.title(), "t");
    let [update, copy, remove] = overlay.actions() else {
        panic!("three actions: {overlay:?}");
    };
    assert_eq!(update.target(), "$.a");
    assert_eq!(update.description(), Some("Why."));
    assert_eq!(
        update.evidence(),
        Some(&json!({"rows": ["M157"], "on": "2025-12-31"}))
    );
    assert!(matches!(update.kind(), ActionKind::Update(Value::Null)));
    assert!(matches!(copy.kind(), ActionKind::Copy(from) if from.to_string() == "$.a"));
    assert_eq!((copy.description(), copy.evidence()), (None, None));
    assert!(matches!(remove.kind(), ActionKind::Remove));
    assert_eq!(
        overlay
            .actions()
            .iter()
            .map(|action| action.line())
            .collect::<Vec<_>>(),
        [Some(4), Some(8), Some(10)]
    );
}

#[test]
fn location_in_flow_style_has_no_line() {
    let overlay = Overlay::parse(&overlay(json!([{"target": "$", "update": {}}]))).unwrap();
    assert_eq!(overlay.actions()[0].line(), None);
    assert_eq!(
        overlay.actions()[0].location(),
        "overrides/t.overlay.yaml: actions[0]"
    );
}

#[test]
fn lines_after_the_action_list_are_ignored() {
    let text = "overlay: 1.1.3\nactions:\n- target: $\n  update:\n    d: |\n      - target: $\n# end\ninfo:\n  title: t\n  version: '1'\n  x-list:\n  - 1\n";
    let overlay = Overlay::parse(&source(text)).unwrap();
    assert_eq!(overlay.actions()[0].line(), Some(3));
}

#[test]
fn extensions_are_allowed_everywhere() {
    let text = "overlay: 1.1.0\nx-a: 1\nextends: ../openapi/portkey.yaml\ninfo: {title: t, version: '1', description: d, x-b: 1}\nactions: [{target: $, update: {}, x-c: 1}]\n";
    assert_eq!(Overlay::parse(&source(text)).unwrap().actions().len(), 1);
}

#[test]
fn other_overlay_versions_are_rejected() {
    for version in [
        "1.0.0",
        "1.1",
        "1.1.",
        "1.1.x",
        "1.10.0",
        "1.2.0",
        "2.0.0",
        "1.1.0-rc1",
        "",
    ] {
        let text = format!(
            "overlay: '{version}'\ninfo: {{title: t, version: '1'}}\nactions: [{{target: $, update: {{}}}}]\n"
        );
        assert_contains(
            &parse_error(&text).to_string(),
            &["overrides/t.overlay.yaml", &format!("`{version}`"), "1.1"],
        );
    }
}

#[test]
fn malformed_overlay_is_rejected_with_its_location() {
    let info = "info: {title: t, version: '1'}";
    let ok = "actions: [{target: $, update: {}}]";
    for (text, parts) in [
        (
            "- 1".to_owned(),
            vec!["overrides/t.overlay.yaml", "expected a map for the overlay"],
        ),
        ("a: [".to_owned(), vec!["overrides/t.overlay.yaml:"]),
        (format!("{info}\n{ok}"), vec!["missing field `overlay`"]),
        (
            format!("overlay: 1.1\n{info}\n{ok}"),
            vec!["expected a string for `overlay`"],
        ),
        (
            format!("overlay: 1.1.0\n{ok}"),
            vec!["missing field `info`"],
        ),
        (
            format!("overlay: 1.1.0\ninfo: {{version: '1'}}\n{ok}"),
            vec![": info", "missing field `title`"],
        ),
        (
            format!("overlay: 1.1.0\ninfo: {{title: t}}\n{ok}"),
            vec![": info", "missing field `version`"],
        ),
        (
            format!("overlay: 1.1.0\ninfo: {{title: t, version: 1}}\n{ok}"),
            vec![": info", "expected a string for `version`"],
        ),
        (
            format!("overlay: 1.1.0\ninfo: {{title: t, version: '1', x: 1}}\n{ok}"),
            vec![": info", "`x`"],
        ),
        (
            format!("{HEAD}{ok}\nextends: 1"),
            vec!["expected a string for `extends`"],
        ),
        (
            format!("{HEAD}{ok}\nextend: x"),
            vec!["unknown field `extend`"],
        ),
        (HEAD.to_owned(), vec!["missing field `actions`"]),
        (
            format!("{HEAD}actions: []"),
            vec!["expected a non-empty list"],
        ),
        (
            format!("{HEAD}actions: {{}}"),
            vec!["expected a non-empty list"],
        ),
    ] {
        assert_contains(&parse_error(&text).to_string(), &parts);
    }
}

#[test]
fn malformed_action_is_rejected_with_file_line_and_index() {
    for (action, part) in [
        ("text", "expected a map for the action"),
        ("{update: {}}", "missing field `target`"),
        ("{target: 1, update: {}}", "expected a string for `target`"),
        (
            "{target: $, update: {}, description: 1}",
            "expected a string for `description`",
        ),
        ("{target: $, updates: {}}", "unknown field `updates`"),
        ("{target: $, update: {}, copy: $.a}", "mutually exclusive"),
        (
            "{target: $, update: {}, copy: $.a, remove: true}",
            "mutually exclusive",
        ),
        (
            "{target: $, remove: 'true'}",
            "expected a boolean for `remove`",
        ),
        ("{target: $, copy: {}}", "expected a string for `copy`"),
        (
            "{target: $, remove: false}",
            "expected `update`, `copy` or `remove: true`",
        ),
        ("{target: $}", "expected `update`, `copy` or `remove: true`"),
        (
            "{target: paths, remove: true}",
            "`target: paths` is not a valid JSONPath query",
        ),
        (
            "{target: '$.a[', remove: true}",
            "`target: $.a[` is not a valid JSONPath query",
        ),
        (
            "{target: '$.a ', remove: true}",
            "is not a valid JSONPath query",
        ),
        (
            "{target: $, copy: a.b}",
            "`copy: a.b` is not a valid JSONPath query",
        ),
    ] {
        let text = format!("{HEAD}actions:\n  - {{target: $, update: {{}}}}\n  - {action}\n");
        let error = parse_error(&text);
        assert_eq!(
            error.location(),
            "overrides/t.overlay.yaml:5: actions[1]",
            "{action}"
        );
        assert_contains(&error.to_string(), &[part]);
    }
}

#[test]
fn duplicate_action_is_rejected() {
    let action = json!({"target": "$.a", "update": [1]});
    let other = json!({"target": "$.a", "update": [2]});
    let error = Overlay::parse(&overlay(json!([action, other, action]))).unwrap_err();
    assert_contains(
        &error.to_string(),
        &["actions[2]", "duplicate of actions[0]"],
    );
    assert!(Overlay::parse(&overlay(json!([action, other]))).is_ok());
}

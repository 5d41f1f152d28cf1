//! Path rules: their effect on small documents, and every rule of `overrides/paths.yaml`.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use portkey_admin_codegen::paths::{Effect, Outcome, Removal, Rename, Rules};
use portkey_admin_codegen::{Error, Result, Source, document};
use serde_json::{Map, Value, json};

const NAME: &str = "overrides/paths.yaml";

fn read_source(name: &str) -> Source {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    Source {
        name: name.to_owned(),
        text: std::fs::read_to_string(root.join(name)).unwrap(),
    }
}

fn project_rules() -> Rules {
    Rules::parse(&read_source(NAME)).unwrap()
}

fn parse(text: &str) -> Result<Rules> {
    Rules::parse(&Source {
        name: NAME.to_owned(),
        text: text.to_owned(),
    })
}

/// Returns the YAML of a rename with evidence; `more` is appended to its fields.
fn rename_yaml(from: &str, to: &str, more: &str) -> String {
    format!("- {{from: '{from}', to: '{to}', evidence: {{note: n}}{more}}}\n")
}

fn rename_rules(from: &str, to: &str, more: &str) -> Rules {
    parse(&format!("rename:\n{}", rename_yaml(from, to, more))).unwrap()
}

fn removal_rules(path: &str, more: &str) -> Rules {
    parse(&format!(
        "gone:\n- {{path: '{path}', evidence: {{note: n}}{more}}}\n"
    ))
    .unwrap()
}

fn parse_error(text: &str) -> Error {
    parse(text).unwrap_err()
}

fn apply(rules: &Rules, mut document: Value) -> Result<(Value, Vec<Outcome>)> {
    let outcomes = rules.apply(&mut document)?;
    Ok((document, outcomes))
}

fn applied(rules: &Rules, document: Value) -> Value {
    apply(rules, document).unwrap().0
}

fn effects(outcomes: &[Outcome]) -> Vec<Effect> {
    outcomes.iter().map(|outcome| outcome.effect).collect()
}

fn path_parameter(name: &str) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
}

fn query_parameter(name: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": "integer"}})
}

#[track_caller]
fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in `{text}`");
    }
}

// --- every rule of the file ---

/// Returns the names in braces.
fn template_names(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap())
        .collect()
}

/// Returns an operation at `path` that declares its path parameters (marked by name) and a query
/// parameter.
fn operation(path: &str) -> Value {
    let mut parameters: Vec<Value> = template_names(path)
        .into_iter()
        .map(|name| {
            let mut parameter = path_parameter(name);
            parameter["x-was"] = json!(name);
            parameter
        })
        .collect();
    parameters.push(query_parameter("page"));
    json!({"operationId": format!("at {path}"), "parameters": parameters, "responses": {"200": {}}})
}

fn path_item(path: &str, methods: &[&str]) -> Value {
    let operations = methods
        .iter()
        .map(|method| ((*method).to_owned(), operation(path)));
    Value::Object(operations.collect::<Map<_, _>>())
}

/// Returns rules with only this rename, so that the test document needs no other paths.
fn rules_with_only_rename(rule: &Rename) -> Rules {
    rules_from_json(json!({"rename": [{
        "from": rule.from(),
        "to": rule.to(),
        "methods": to_uppercase(rule.methods().unwrap()),
        "parameters": rule.parameters().collect::<std::collections::BTreeMap<_, _>>(),
        "adds": rule.adds().collect::<Vec<_>>(),
        "evidence": {"note": "n"},
    }]}))
}

fn rules_with_only_removal(rule: &Removal) -> Rules {
    let methods = to_uppercase(rule.methods().unwrap());
    rules_from_json(
        json!({"gone": [{"path": rule.path(), "methods": methods, "evidence": {"note": "n"}}]}),
    )
}

fn to_uppercase(methods: &[&str]) -> Vec<String> {
    methods.iter().map(|method| method.to_uppercase()).collect()
}

fn rules_from_json(rules: Value) -> Rules {
    parse(&rules.to_string()).unwrap()
}

#[test]
fn every_rename_moves_the_documented_operations() {
    for rule in project_rules().renames() {
        let methods = rule.methods().unwrap();
        let document = json!({"paths": {rule.from(): path_item(rule.from(), methods)}});
        let (after, outcomes) = apply(&rules_with_only_rename(rule), document).unwrap();

        assert_eq!(
            effects(&outcomes),
            vec![Effect::Applied; methods.len()],
            "{}",
            rule.location()
        );
        assert_eq!(
            after["paths"]
                .as_object()
                .unwrap()
                .keys()
                .collect::<Vec<_>>(),
            [rule.to()]
        );
        for method in methods {
            assert_moved(rule, &after["paths"][rule.to()][method]);
        }
    }
}

/// Asserts that this is the documented operation with the parameters of the tested path.
fn assert_moved(rule: &Rename, operation: &Value) {
    assert_eq!(
        operation["operationId"],
        format!("at {}", rule.from()),
        "{}",
        rule.location()
    );
    let declared = operation["parameters"].as_array().unwrap();
    assert!(
        declared.contains(&query_parameter("page")),
        "{}",
        rule.location()
    );

    let in_path: Vec<&Value> = declared
        .iter()
        .filter(|parameter| parameter["in"] == "path")
        .collect();
    let mut names: Vec<&str> = in_path
        .iter()
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect();
    let mut expected = template_names(rule.to());
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected, "{}", rule.location());

    for (from, to) in rule.parameters() {
        let parameter = in_path
            .iter()
            .find(|parameter| parameter["name"] == to)
            .unwrap();
        assert_eq!(parameter["x-was"], from, "{}", rule.location());
    }
    for added in rule.adds() {
        assert!(declared.contains(added), "{}", rule.location());
    }
}

#[test]
fn every_rename_is_satisfied_by_the_tested_path() {
    for rule in project_rules().renames() {
        let methods = rule.methods().unwrap();
        let document = json!({"paths": {rule.to(): path_item(rule.to(), methods)}});
        let (after, outcomes) = apply(&rules_with_only_rename(rule), document.clone()).unwrap();
        assert_eq!(
            after.to_string(),
            document.to_string(),
            "{}",
            rule.location()
        );
        assert_eq!(
            effects(&outcomes),
            vec![Effect::Satisfied; methods.len()],
            "{}",
            rule.location()
        );
    }
}

#[test]
fn every_rename_removes_the_documented_path_if_both_exist() {
    for rule in project_rules().renames() {
        let methods = rule.methods().unwrap();
        let tested = path_item(rule.to(), methods);
        let document =
            json!({"paths": {rule.from(): path_item(rule.from(), methods), rule.to(): tested}});
        let (after, outcomes) = apply(&rules_with_only_rename(rule), document).unwrap();
        assert_eq!(
            after,
            json!({"paths": {rule.to(): tested}}),
            "{}",
            rule.location()
        );
        assert_eq!(
            effects(&outcomes),
            vec![Effect::Superseded; methods.len()],
            "{}",
            rule.location()
        );
    }
}

#[test]
fn every_rename_fails_if_neither_path_exists() {
    for rule in project_rules().renames() {
        for method in rule.methods().unwrap() {
            // All methods of the rule except this one.
            let others: Vec<&str> = rule
                .methods()
                .unwrap()
                .iter()
                .copied()
                .filter(|m| m != method)
                .collect();
            let document = json!({"paths": {rule.to(): path_item(rule.to(), &others)}});
            let error = apply(&rules_with_only_rename(rule), document)
                .unwrap_err()
                .to_string();
            let both =
                [rule.from(), rule.to()].map(|path| format!("`{} {path}`", method.to_uppercase()));
            assert_contains(
                &error,
                &["overrides/paths.yaml: rename[0]", &both[0], &both[1]],
            );
        }
    }
}

#[test]
fn every_gone_rule_removes_only_its_path() {
    for rule in project_rules().removals() {
        let methods = rule.methods().unwrap();
        let rules = rules_with_only_removal(rule);
        let others: Vec<&str> = document::METHODS
            .into_iter()
            .filter(|method| !methods.contains(method))
            .collect();
        let child = format!("{}/child", rule.path());
        let rest = json!({"paths": {rule.path(): path_item("/", &others), &child: path_item("/", methods)}});

        let full = json!({"paths": {rule.path(): path_item("/", &document::METHODS), &child: path_item("/", methods)}});
        let (after, outcomes) = apply(&rules, full).unwrap();
        assert_eq!(after, rest, "{}", rule.location());
        assert_eq!(
            effects(&outcomes),
            vec![Effect::Removed; methods.len()],
            "{}",
            rule.location()
        );

        let (after, outcomes) = apply(&rules, rest.clone()).unwrap();
        assert_eq!(after, rest, "{}", rule.location());
        assert_eq!(
            effects(&outcomes),
            vec![Effect::Satisfied; methods.len()],
            "{}",
            rule.location()
        );
    }
}

#[test]
fn all_rules_together_move_documented_paths_to_tested_paths() {
    let rules = project_rules();
    let mut paths = Map::new();
    for rule in rules.renames() {
        let there = paths.entry(rule.from()).or_insert_with(|| json!({}));
        let added = path_item(rule.from(), rule.methods().unwrap());
        there
            .as_object_mut()
            .unwrap()
            .extend(added.as_object().unwrap().clone());
    }
    let once = applied(&rules, json!({"paths": paths}));
    let mut expected: Vec<&str> = rules.renames().iter().map(Rename::to).collect();
    let mut found: Vec<&str> = once["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);

    let (twice, outcomes) = apply(&rules, once.clone()).unwrap();
    assert_eq!(twice, once);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.effect == Effect::Satisfied)
    );
}

#[test]
fn every_rule_holds_for_the_vendored_document() {
    let source = read_source("openapi/portkey.yaml");
    let document = document::parse(&source.name, &source.text).unwrap();
    let rules = project_rules();
    let (after, outcomes) = apply(&rules, document).unwrap();
    assert!(!outcomes.is_empty());
    let has = |method: &str, path: &str| {
        document::operations(&after).any(|(p, m, _)| p == path && m == method)
    };
    for rule in rules.renames() {
        for method in rule.methods().unwrap() {
            assert!(has(method, rule.to()), "{} {}", rule.location(), rule.to());
            assert!(
                !has(method, rule.from()),
                "{} {}",
                rule.location(),
                rule.from()
            );
        }
    }
    for rule in rules.removals() {
        for method in rule.methods().unwrap() {
            assert!(
                !has(method, rule.path()),
                "{} {}",
                rule.location(),
                rule.path()
            );
        }
        if let Some((method, path)) = rule.instead().and_then(|instead| instead.split_once(' ')) {
            assert!(
                has(&method.to_lowercase(), path),
                "{}: {method} {path} does not exist",
                rule.location()
            );
        }
    }
}

#[test]
fn every_path_known_to_differ_has_a_rule() {
    let rules = project_rules();
    let rename = |method: &str, from: &str| {
        let mut found = rules.renames().iter().filter(|rule| rule.from() == from);
        let found = found.find(|rule| rule.methods().unwrap().contains(&method));
        found.map(|rule| rule.to().to_owned())
    };
    for (methods, from, to) in [
        (&["get"][..], "/users", "/admin/users"),
        (
            &["get", "put", "delete"],
            "/users/{id}",
            "/admin/users/{userId}",
        ),
        (&["get", "post"], "/user-invites", "/admin/users/invites"),
        (
            &["get", "delete"],
            "/user-invites/{id}",
            "/admin/users/invites/{inviteId}",
        ),
        (
            &["post"],
            "/user-invites/{id}/resend",
            "/admin/users/invites/{inviteId}/resend",
        ),
        (&["get", "post"], "/workspaces", "/admin/workspaces"),
        (
            &["get", "put", "delete"],
            "/workspaces/{id}",
            "/admin/workspaces/{workspaceId}",
        ),
        (
            &["get", "post"],
            "/workspaces/{id}/members",
            "/admin/workspaces/{workspaceId}/users",
        ),
        (
            &["get", "put", "delete"],
            "/workspaces/{id}/members/{member_id}",
            "/admin/workspaces/{workspaceId}/users/{userId}",
        ),
        (&["post"], "/api-keys", "/api-keys/{type}/{sub-type}"),
        (
            &["put"],
            "/prompts/{id}/publish",
            "/prompts/{promptId}/makeDefault",
        ),
        (
            &["put"],
            "/prompts/partials/{id}/publish",
            "/prompts/partials/{promptPartialId}/makeDefault",
        ),
        (&["get"], "/admin/integrations", "/integrations"),
        (&["get", "post"], "/log-exports", "/logs/exports"),
        (
            &["get", "put"],
            "/log-exports/{id}",
            "/logs/exports/{exportId}",
        ),
        (
            &["post"],
            "/log-exports/{id}/start",
            "/logs/exports/{exportId}/start",
        ),
        (
            &["post"],
            "/log-exports/{id}/cancel",
            "/logs/exports/{exportId}/cancel",
        ),
        (
            &["get"],
            "/log-exports/{id}/download",
            "/logs/exports/{exportId}/download",
        ),
        (
            &["get"],
            "/analytics/graphs/error-rate",
            "/analytics/graphs/errors/rate",
        ),
        (
            &["get"],
            "/analytics/graphs/cache-hit-latency",
            "/analytics/graphs/cache/latency",
        ),
        (
            &["get"],
            "/analytics/graphs/cache-hit-rate",
            "/analytics/graphs/cache/hit-rate",
        ),
    ] {
        for method in methods {
            assert_eq!(rename(method, from).as_deref(), Some(to), "{method} {from}");
        }
    }
    for (method, path) in [
        ("put", "/prompts/{id}/publish"),
        ("put", "/prompts/partials/{id}/publish"),
        ("put", "/admin/users/invites/{inviteId}"),
        ("get", "/logs"),
        ("delete", "/integrations/{slug}/models/{modelId}"),
        ("get", "/analytics/graphs/feedback"),
        ("get", "/analytics/graphs/feedback-per-models"),
        ("get", "/analytics/graphs/feedback-distribution"),
        ("get", "/analytics/graphs/requests-per-user"),
        ("get", "/analytics/graphs/rescued-requests"),
        ("get", "/analytics/graphs/status-codes"),
        ("get", "/analytics/graphs/unique-status-codes"),
        ("get", "/analytics/graphs/weighted-feedback"),
        ("get", "/analytics/groups/metadata"),
        ("get", "/analytics/groups/models"),
    ] {
        let mut rules = rules.removals().iter();
        let found = rules.any(|rule| rule.path() == path && rule.methods().unwrap() == [method]);
        assert!(found, "{method} {path}");
    }
}

#[test]
fn publish_is_removed_if_make_default_exists() {
    let make_default = path_item("/prompts/{promptId}/makeDefault", &["put"]);
    let rules = rules_from_json(json!({
        "rename": [{"from": "/p/{id}/publish", "to": "/p/{promptId}/makeDefault", "evidence": {"note": "n"}}],
        "gone": [{"path": "/p/{id}/publish", "evidence": {"note": "n"}}],
    }));
    let document = json!({"paths": {"/p/{x}/publish": path_item("/", &["put"]), "/p/{promptId}/makeDefault": make_default}});
    let (after, outcomes) = apply(&rules, document).unwrap();
    assert_eq!(
        after,
        json!({"paths": {"/p/{promptId}/makeDefault": make_default}})
    );
    assert_eq!(effects(&outcomes), [Effect::Superseded, Effect::Satisfied]);
}

// --- renames ---

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

// --- gone ---

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

// --- parsing ---

#[test]
fn rule_accessors_return_the_parsed_values() {
    let rules = parse(
        "rename:\n- from: /a/{id}\n  to: /b/{x}\n  evidence:\n    documented: {status: 400, on: 2025-12-31}\n    tested: {status: 200, on: 2025-12-31}\ngone:\n- path: /c\n  methods: [GET]\n  instead: POST /b/{x}\n  evidence: {answered: {status: 405, on: 2026-04-14}}\n",
    )
    .unwrap();
    let rename = &rules.renames()[0];
    assert_eq!(
        (rename.location(), rename.from(), rename.to()),
        ("overrides/paths.yaml: rename[0]", "/a/{id}", "/b/{x}")
    );
    assert_eq!((rename.methods(), rename.adds().count()), (None, 0));
    assert_eq!(rename.parameters().collect::<Vec<_>>(), [("id", "x")]);
    let evidence = rename.evidence();
    assert_eq!(evidence.documented.as_ref().unwrap().status, 400);
    assert_eq!(
        evidence.tested.as_ref().unwrap().on.as_deref(),
        Some("2025-12-31")
    );
    let gone = &rules.removals()[0];
    assert_eq!(
        (gone.location(), gone.path(), gone.instead()),
        ("overrides/paths.yaml: gone[0]", "/c", Some("POST /b/{x}"))
    );
    assert_eq!(gone.methods(), Some(&["get"][..]));
    assert_eq!(gone.evidence().answered.as_ref().unwrap().status, 405);
}

#[test]
fn malformed_rename_is_rejected_with_its_location() {
    let parameter = |more: &str| format!("methods: [POST], adds: [{{name: t, in: path, {more}}}]");
    for (from, to, more, part) in [
        ("a", "/b", "", "the path `a` does not start with `/`"),
        ("/a", "b", "", "the path `b` does not start with `/`"),
        ("/a/{x", "/b/{x}", "", "unclosed `{`"),
        ("/a/{}", "/b/{x}", "", "an invalid name"),
        (
            "/a/{x}/{x}",
            "/b/{x}/{y}",
            "",
            "two parameters of the same name",
        ),
        ("/a/x}", "/b", "", "unexpected"),
        ("/a?x=1", "/b", "", "unexpected"),
        ("/a/{x}", "/a/{y}", "", "the same path"),
        ("/a", "/b", "surprise: 1", "unknown field `surprise`"),
        (
            "/a",
            "/b",
            "methods: [FETCH]",
            "expected an HTTP method in upper case, found `FETCH`",
        ),
        (
            "/a",
            "/b",
            "methods: [get]",
            "expected an HTTP method in upper case, found `get`",
        ),
        ("/a", "/b", "methods: [GET, GET]", "`GET` twice"),
        ("/a", "/b", "methods: []", "`methods` is empty"),
        ("/a/{x}", "/b/{y}", "parameters: {z: y}", "does not map `x`"),
        (
            "/a/{x}",
            "/b/{y}",
            "parameters: {x: z}",
            "`z`, which is not a parameter of `/b/{y}`",
        ),
        (
            "/a/{x}",
            "/b/{y}",
            "parameters: {x: y, z: y}",
            "`z`, which is not a parameter of `/a/{x}`",
        ),
        (
            "/a/{x}/{y}",
            "/b/{p}/{q}",
            "parameters: {x: p, y: p}",
            "`p` twice",
        ),
        ("/a", "/b/{y}", "", "cannot be matched by position"),
        ("/a/{x}", "/b", "", "cannot be matched by position"),
        (
            "/a",
            "/b/{t}",
            &parameter("schema: {}"),
            "must have `required: true`",
        ),
        (
            "/a",
            "/b/{u}",
            &parameter("required: true, schema: {}"),
            "`t` is not a parameter of `/b/{u}`",
        ),
        (
            "/a",
            "/b/{t}",
            &parameter("required: true"),
            "has no `schema`",
        ),
        (
            "/a",
            "/b",
            "adds: [{name: t, in: body, schema: {}}]",
            "found `body`",
        ),
        (
            "/a",
            "/b",
            "adds: [{name: t, schema: {}}]",
            "expected `name` and `in`",
        ),
        ("/a", "/b", "adds: [text]", "expected `name` and `in`"),
        (
            "/a/{x}",
            "/b/{t}",
            &format!(
                "parameters: {{x: t}}, {}",
                parameter("required: true, schema: {}")
            ),
            "both mapped and added",
        ),
        (
            "/a/{x}",
            "/b/{t}/{u}/{v}",
            &format!(
                "parameters: {{x: u}}, {}",
                parameter("required: true, schema: {}")
            ),
            "the parameter `v` of `/b/{t}/{u}/{v}` is neither mapped nor added",
        ),
    ] {
        let more = if more.is_empty() {
            String::new()
        } else {
            format!(", {more}")
        };
        let text = format!(
            "rename:\n{}{}",
            rename_yaml("/fine", "/finer", ""),
            rename_yaml(from, to, &more)
        );
        let error = parse_error(&text);
        assert_eq!(
            error.location(),
            "overrides/paths.yaml: rename[1]",
            "{from} {to}{more}"
        );
        assert_contains(&error.to_string(), &[part]);
    }
}

#[test]
fn malformed_gone_rule_is_rejected_with_its_location() {
    for (rule, part) in [
        ("{path: a, evidence: {note: n}}", "does not start with `/`"),
        (
            "{path: /a, evidence: {note: n}, to: /b}",
            "unknown field `to`",
        ),
        ("{path: /a}", "missing field `evidence`"),
        ("{evidence: {note: n}}", "missing field `path`"),
        ("{path: /a, evidence: {note: n}, methods: [X]}", "found `X`"),
        (
            "{path: /a, evidence: {note: n}, instead: /b}",
            "expected `METHOD /path`",
        ),
        (
            "{path: /a, evidence: {note: n}, instead: get /b}",
            "expected `METHOD /path`",
        ),
        (
            "{path: /a, evidence: {note: n}, instead: 'GET /{b'}",
            "unclosed `{`",
        ),
        ("text", "invalid type"),
    ] {
        let error = parse_error(&format!("gone:\n- {rule}\n"));
        assert_eq!(error.location(), "overrides/paths.yaml: gone[0]", "{rule}");
        assert_contains(&error.to_string(), &[part]);
    }
}

#[test]
fn incomplete_evidence_needs_a_note() {
    let parse_evidence =
        |evidence: &str| parse(&format!("gone: [{{path: /a, evidence: {evidence}}}]")).map(|_| ());
    assert!(parse_evidence("{answered: {status: 404, on: 2025-12-31}}").is_ok());
    assert!(parse_evidence("{answered: {status: 404}, note: undated}").is_ok());
    assert!(parse_evidence("{note: unknown}").is_ok());
    for (evidence, part) in [
        ("{}", "no `note` that explains why"),
        ("{note: ' '}", "no `note` that explains why"),
        ("{answered: {status: 404}}", "no `note` that explains why"),
        (
            "{answered: {status: 4, on: 2025-12-31}}",
            "expected an HTTP status from 100 to 599, found 4",
        ),
        (
            "{answered: {status: 404, on: yesterday}}",
            "found `yesterday`",
        ),
        (
            "{answered: {status: 404, on: 31-12-2025}}",
            "expected a date",
        ),
        ("{answered: {on: 2025-12-31}}", "missing field `status`"),
        ("{seen: 404}", "unknown field `seen`"),
    ] {
        assert_contains(
            &parse_evidence(evidence).unwrap_err().to_string(),
            &["gone[0]", part],
        );
    }
    let half = "rename: [{from: /a, to: /b, evidence: {tested: {status: 200, on: 2025-12-31}}}]";
    assert_contains(
        &parse_error(half).to_string(),
        &["rename[0]", "no `note` that explains why"],
    );
}

#[test]
fn malformed_file_is_rejected() {
    assert_contains(
        &parse_error("renames: []").to_string(),
        &[NAME, "unknown field `renames`"],
    );
    assert_contains(
        &parse_error("rename: {}").to_string(),
        &[NAME, "invalid type"],
    );
    assert_contains(
        &parse_error("rename: [").to_string(),
        &["overrides/paths.yaml:"],
    );
}

#[test]
fn two_rules_for_the_same_path_and_method_are_rejected() {
    let text = |a: &str, b: &str| {
        format!(
            "rename:\n{}{}",
            rename_yaml("/a/{x}", "/b/{x}", a),
            rename_yaml("/a/{y}", "/c/{y}", b)
        )
    };
    for (a, b) in [
        ("", ""),
        ("", ", methods: [GET]"),
        (", methods: [GET, PUT]", ", methods: [PUT]"),
    ] {
        let error = parse_error(&text(a, b));
        assert_eq!(error.location(), "overrides/paths.yaml: rename[1]");
        assert_contains(
            &error.to_string(),
            &["`/a/{y}`", "overrides/paths.yaml: rename[0]"],
        );
    }
    assert!(parse(&text(", methods: [GET]", ", methods: [PUT]")).is_ok());
    let gone =
        "gone: [{path: '/a/{x}', evidence: {note: n}}, {path: '/a/{y}', evidence: {note: n}}]";
    assert_contains(&parse_error(gone).to_string(), &["gone[1]", "gone[0]"]);
}

#[test]
fn rules_that_change_a_tested_path_are_rejected() {
    let chain = format!(
        "rename:\n{}{}",
        rename_yaml("/a", "/b", ""),
        rename_yaml("/b", "/c", "")
    );
    assert_contains(
        &parse_error(&chain).to_string(),
        &["rename[0]", "`/b`", "rename[1]"],
    );
    let gone = "gone: [{path: '/b/{z}', methods: [PUT], evidence: {note: n}}]";
    let text = |methods: &str| {
        format!(
            "rename:\n{}{gone}",
            rename_yaml("/a/{x}", "/b/{x}", methods)
        )
    };
    assert_contains(
        &parse_error(&text("")).to_string(),
        &["rename[0]", "gone[0]"],
    );
    assert_contains(
        &parse_error(&text(", methods: [PUT]")).to_string(),
        &["rename[0]", "gone[0]"],
    );
    assert!(parse(&text(", methods: [GET]")).is_ok());
}

//! Every rule of `overrides/paths.yaml`.

use std::path::Path;

use portkey_admin_codegen::paths::{Effect, Removal, Rename, Rules};
use portkey_admin_codegen::{Source, document};
use serde_json::{Map, Value, json};

use crate::{
    NAME, applied, apply, assert_contains, effects, parse, path_parameter, query_parameter,
};

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
    let known: Value = serde_norway::from_str(include_str!("known-rules.yaml")).unwrap();
    let list = |key: &str| known[key].as_array().unwrap();
    assert_eq!((list("rename").len(), list("gone").len()), (21, 15));
    for rule in list("rename") {
        let (from, to) = (rule["from"].as_str().unwrap(), rule["to"].as_str());
        for method in rule["methods"].as_array().unwrap() {
            let method = method.as_str().unwrap();
            assert_eq!(rename(method, from).as_deref(), to, "{method} {from}");
        }
    }
    for rule in list("gone") {
        let (method, path) = (rule["method"].as_str().unwrap(), &rule["path"]);
        let mut rules = rules.removals().iter();
        let found = rules.any(|rule| *path == rule.path() && rule.methods().unwrap() == [method]);
        assert!(found, "{rule}");
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

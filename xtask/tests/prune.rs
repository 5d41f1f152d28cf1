//! `cargo xtask sync-spec --prune`: which overrides it removes, and what it leaves as it is.
#![allow(clippy::unwrap_used)]

mod support;

use std::process::Output;

use serde_json::Value;
use support::{Project, stderr, stdout};

const OVERLAY: &str = "overrides/10-bodies.overlay.yaml";
const MANIFEST: &str = "overrides/operations.yaml";

const OLD: &str = "\
openapi: 3.0.3
info: {version: '1'}
paths:
  /things: {get: {operationId: list_things, responses: {'200': {}}}}
  /users: {get: {operationId: list_users, responses: {'200': {}}}}
components:
  schemas:
    Thing: {type: object, properties: {size: {type: string}, old: {type: string}, limit: {type: integer, maximum: 10}}}
    Gone: {type: object, properties: {a: {type: string}}}
";

const NEW: &str = "\
openapi: 3.0.3
info: {version: '1'}
paths:
  /things: {get: {operationId: list_things, responses: {'200': {}}}}
components:
  schemas:
    Thing: {type: object, properties: {size: {type: integer}, color: {type: string}, limit: {type: integer, maximum: 7}}}
";

const ACTIONS: &str = "\
# About this file — \u{201c}words\u{201d}.
overlay: 1.1.0
info: {title: Corrections, version: 1.0.0}
actions:

# ---------------------------------------------------------------- types

# Why the size is a number.
- target: $.components.schemas.Thing.properties.size
  update: {type: integer}

- target: $.components.schemas.Thing
  description: Words about a thing.
  update:
    # Above the properties.
    properties:
      size: {description: The size.}
      old: {description: Something old.}

- target: $.components.schemas.Thing.properties
  update: {color: {type: string}, weight: {type: string}} # in grams
- target: $.components.schemas.Gone
  description: >-
    Words
    - about something
  update: {x-name: Past}

# ---------------------------------------------------------------- limits

- target: $.components.schemas.Thing.properties.limit
  update: {maximum: 5}
";

const PRUNED_ACTIONS: &str = "\
# About this file — \u{201c}words\u{201d}.
overlay: 1.1.0
info: {title: Corrections, version: 1.0.0}
actions:

# ---------------------------------------------------------------- types

- target: $.components.schemas.Thing
  description: Words about a thing.
  update:
    # Above the properties.
    properties:
      size: {description: The size.}

- target: $.components.schemas.Thing.properties
  update: {weight: {type: string}} # in grams

# ---------------------------------------------------------------- limits

- target: $.components.schemas.Thing.properties.limit
  update: {maximum: 5}
";

fn project_with(actions: &str) -> Project {
    let project = Project::with_document(OLD);
    project.write(OVERLAY, actions);
    project
}

fn prune(project: &Project, more: &[&str]) -> Output {
    let mut arguments = vec!["--prune"];
    arguments.extend(more);
    let output = project.sync(NEW, &arguments);
    assert_ne!(output.status.code(), Some(1), "{}", stderr(&output));
    output
}

fn entry(key: &str, id: &str) -> String {
    format!(
        "{key}:\n  id: {id}\n  summary: Words.\n  plane: control\n  area: api_keys\n  retry: safe\n  \
         status: works\n  evidence: {{by: document}}\n"
    )
}

#[test]
fn stale_and_confirmed_overrides_are_removed_and_the_rest_stays_as_it_is() {
    let project = project_with(ACTIONS);
    let (things, users) = (
        entry("GET /things", "list_things"),
        entry("GET /users", "list_users"),
    );
    project.write(
        MANIFEST,
        &format!("# Head.\n\n# Users\n\n{users}\n# Things\n\n{things}"),
    );
    let output = prune(&project, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.read(OVERLAY), PRUNED_ACTIONS);
    let expected = format!("# Head.\n\n# Users\n\n# Things\n\n{things}");
    assert_eq!(project.read(MANIFEST), expected);
    assert!(project.read("openapi/portkey.yaml").contains("maximum: 7"));
    let report = stdout(&output);
    for line in [
        "overrides/10-bodies.overlay.yaml: 4 removed",
        "overrides/10-bodies.overlay.yaml: actions[0]",
        "overrides/10-bodies.overlay.yaml: actions[1].update.properties.old",
        "overrides/10-bodies.overlay.yaml: actions[2].update.color.type",
        "overrides/10-bodies.overlay.yaml: actions[3]",
        "overrides/operations.yaml: 1 removed",
        "overrides/operations.yaml: GET /users",
    ] {
        assert!(
            report.lines().any(|found| found == line),
            "{line}\n{report}"
        );
    }
    assert!(!report.contains("TO DO BEFORE IT BUILDS"), "{report}");
}

#[test]
fn second_run_changes_nothing() {
    let project = project_with(ACTIONS);
    prune(&project, &[]);
    let state = |project: &Project| {
        (
            project.read(OVERLAY),
            project.read(MANIFEST),
            project.state(),
        )
    };
    let before = state(&project);
    let output = prune(&project, &[]);
    assert!(output.status.success());
    assert!(
        stderr(&output).contains("nothing was written"),
        "{}",
        stderr(&output)
    );
    assert_eq!(state(&project), before);
}

#[test]
fn nothing_is_removed_for_the_vendored_document() {
    let project = project_with(ACTIONS);
    let (overlay, manifest) = (project.read(OVERLAY), project.read(MANIFEST));
    let output = project.sync(OLD, &["--prune"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(project.read(OVERLAY), overlay);
    assert_eq!(project.read(MANIFEST), manifest);
}

#[test]
fn check_lists_the_overrides_and_writes_nothing() {
    let project = project_with(ACTIONS);
    let (manifest, state) = (project.read(MANIFEST), project.state());
    let output = prune(&project, &["--check", "--format", "json"]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(project.read(OVERLAY), ACTIONS);
    assert_eq!(project.read(MANIFEST), manifest);
    assert_eq!(project.state(), state);
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let removed = report["pruned"]["removed"].as_array().unwrap();
    assert_eq!(removed.len(), 5, "{removed:#?}");
    assert_eq!(removed[0]["path"], serde_json::json!(["actions", 0]));
}

#[test]
fn conflicts_are_left_and_listed() {
    let project = project_with(ACTIONS);
    let report = stdout(&prune(&project, &[]));
    let (_, left) = report.split_once("OVERRIDES LEFT TO DECIDE\n").unwrap();
    let lines: Vec<&str> = left.lines().take_while(|line| !line.is_empty()).collect();
    let [head, conflict, detail] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    assert!(head.starts_with("conflicting ("), "{head}");
    assert!(
        conflict.ends_with(": $.components.schemas.Thing.properties.limit"),
        "{conflict}"
    );
    assert!(
        detail.contains("changed $.components.schemas.Thing.properties.limit"),
        "{detail}"
    );
}

#[test]
fn overrides_that_do_not_fit_can_be_pruned_later() {
    let project = project_with(ACTIONS);
    assert!(project.sync(NEW, &[]).status.success());
    assert_eq!(project.read(OVERLAY), ACTIONS);
    let output = prune(&project, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("2 files of overrides/ were changed"),
        "{}",
        stderr(&output)
    );
    let pruned = project.read(OVERLAY);
    assert!(!pruned.contains("Gone"), "{pruned}");
    assert!(!pruned.contains("old: "), "{pruned}");
    assert!(!project.read(MANIFEST).contains("/users"));
}

#[test]
fn member_that_another_target_needs_stays() {
    let actions = "\
overlay: 1.1.0
info: {title: Corrections, version: 1.0.0}
actions:
- target: $.components.schemas['Thing', 'Gone'].properties
  update: {a: {type: integer}, color: {type: string}}
- target: $.components.schemas.Thing.properties.*
  update: {x-sample: 1}
";
    let project = project_with(actions);
    prune(&project, &[]);
    // `a` is added to a thing, and `Gone` is no target any more.
    let expected = actions.replace(", color: {type: string}", "");
    assert_eq!(project.read(OVERLAY), expected);
}

#[test]
fn overlay_without_actions_is_removed() {
    let (actions, _) = ACTIONS
        .split_once("- target: $.components.schemas.Thing\n")
        .unwrap();
    let project = project_with(actions);
    let report = stdout(&prune(&project, &[]));
    assert!(!project.path(OVERLAY).exists());
    let line = "overrides/10-bodies.overlay.yaml: 1 removed, the file is empty";
    assert!(report.lines().any(|found| found == line), "{report}");
}

#[test]
fn entry_of_a_moved_operation_stays() {
    let project = Project::with_document(OLD);
    let moved = OLD.replace("/users:", "/people:");
    let output = project.sync(&moved, &["--prune"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(project.read(MANIFEST).contains("GET /users:"));
    assert!(stdout(&output).contains("# moved from GET /users\nGET /people:\n"));
}

#[test]
fn unmatched_path_rules_and_methods_are_removed() {
    let rules = "\
# Rules.
rename:
# Both methods.
- from: /users
  to: /admin/users
  methods: [GET, DELETE]
  evidence: {documented: {status: 404, on: 2025-12-31}, tested: {status: 200, on: 2025-12-31}}
- from: /past
  to: /admin/past
  methods: [GET]
  evidence: {documented: {status: 404, on: 2025-12-31}, tested: {status: 200, on: 2025-12-31}}
gone:
- path: /never
  evidence: {answered: {status: 404, on: 2025-12-31}}
";
    let old = "\
openapi: 3.0.3
info: {version: '1'}
paths:
  /users: {get: {responses: {'200': {}}}, delete: {responses: {'200': {}}}}
  /past: {get: {responses: {'200': {}}}}
";
    let new =
        "openapi: 3.0.3\ninfo: {version: '1'}\npaths:\n  /users: {get: {responses: {'200': {}}}}\n";
    let project = Project::with_document(old);
    project.write("overrides/paths.yaml", rules);
    project.complete_manifest();
    let output = project.sync(new, &["--prune"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let (head, rest) = rules.split_once("- from: /past").unwrap();
    let (_, rest) = rest.split_once("gone:").unwrap();
    let expected = format!("{}gone:{rest}", head.replace("[GET, DELETE]", "[GET]"));
    assert_eq!(project.read("overrides/paths.yaml"), expected);
    assert!(!project.read(MANIFEST).contains("DELETE"));
}

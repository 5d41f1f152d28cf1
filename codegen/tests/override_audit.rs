//! The status of each kind of override for a later revision of the document.
#![allow(clippy::unwrap_used)]

use portkey_admin_codegen::override_audit::{
    Finding, OverrideAudit, OverrideKind, OverrideStatus, audit,
};
use portkey_admin_codegen::{Manifest, Result, Source, Sources, document};

const HEAD: &str = "openapi: 3.0.3\ninfo: {version: '1'}\n";

/// Returns a document with the schema `Thing`, whose only property is `size`.
fn document_with_size(size: &str) -> String {
    format!(
        "paths: {{/things: {{get: {{parameters: [{{name: page, in: query}}], responses: {{'200': {{}}}}}}}}}}\n\
         components: {{schemas: {{Thing: {{type: object, properties: {{size: {size}}}}}}}}}\n"
    )
}

fn run_audit(
    old: &str,
    new: &str,
    paths: &str,
    actions: &str,
    manifest: &str,
) -> Result<OverrideAudit> {
    let source = |name: &str, text: String| Source {
        name: name.to_owned(),
        text,
    };
    let overlay = format!("overlay: 1.1.0\ninfo: {{title: T, version: '1'}}\nactions:\n{actions}");
    let sources = Sources {
        document: source("old.yaml", format!("{HEAD}{old}")),
        paths: source("paths.yaml", paths.to_owned()),
        overlays: match actions.is_empty() {
            true => Vec::new(),
            false => vec![source("a.overlay.yaml", overlay)],
        },
        manifest: source("operations.yaml", manifest.to_owned()),
    };
    let new = document::parse("new.yaml", &format!("{HEAD}{new}")).unwrap();
    let mut report = audit(&sources, new)?;
    let no_entries = Manifest::parse(&source("none.yaml", "{}".to_owned()))?;
    let adjusted = report.old.manifest.adjusted(&report.new, no_entries);
    report.findings.extend(report.audit_entries(&adjusted));
    Ok(report)
}

fn manifest_entry(key: &str, more: &str) -> String {
    let id = key
        .to_lowercase()
        .replace(|letter: char| !letter.is_alphanumeric(), "");
    format!(
        "{key}:\n  id: {id}\n  summary: S.\n  plane: control\n  area: a\n  retry: safe\n  status: works\n  evidence: {{by: document}}\n{more}"
    )
}

fn things_entry() -> String {
    manifest_entry("GET /things", "")
}

/// Returns the status and the detail of the one action, and whether it fails the build.
fn audit_action(old: &str, new: &str, action: &str) -> (OverrideStatus, Option<String>, bool) {
    let report = run_audit(
        &document_with_size(old),
        &document_with_size(new),
        "{}",
        action,
        &things_entry(),
    )
    .unwrap();
    let of_overlay = |finding: &&Finding| finding.kind == OverrideKind::Overlay;
    let finding = report.findings.iter().find(of_overlay).unwrap();
    (finding.status, finding.detail.clone(), finding.fails_build)
}

const SIZE: &str = "- target: $.components.schemas.Thing.properties.size\n";

#[test]
fn update_is_applied_if_upstream_is_unchanged() {
    let update = format!("{SIZE}  update: {{type: integer}}\n");
    for new in ["{type: string}", "{type: string, format: byte}"] {
        assert_eq!(
            audit_action("{type: string}", new, &update),
            (OverrideStatus::Applied, None, false),
            "{new}"
        );
    }
}

#[test]
fn update_is_confirmed_if_upstream_has_the_same_value() {
    let update = format!("{SIZE}  update: {{type: integer, minimum: 1}}\n");
    let found = audit_action(
        "{type: string}",
        "{type: integer, minimum: 1, maximum: 9}",
        &update,
    );
    assert_eq!(found, (OverrideStatus::Confirmed, None, false));
    // Half of it is still needed.
    let found = audit_action("{type: string}", "{type: integer}", &update);
    assert_eq!(found, (OverrideStatus::Applied, None, false));
}

#[test]
fn prose_is_neither_confirmed_nor_contradicted() {
    let update = format!("{SIZE}  update: {{description: Ours., x-name: Size}}\n");
    let found = audit_action(
        "{description: Theirs.}",
        "{description: Others., x-name: Else}",
        &update,
    );
    assert_eq!(found, (OverrideStatus::Applied, None, false));
    let update = format!("{SIZE}  update: {{type: integer, x-name: Size}}\n");
    let (status, detail, _) = audit_action("{type: string}", "{type: integer}", &update);
    assert_eq!(status, OverrideStatus::Confirmed);
    assert_eq!(detail.unwrap(), "only its x-name is still needed");
}

#[test]
fn words_about_a_removed_property_are_stale() {
    let words = "- target: $.components.schemas.Thing\n  update: {properties: {size: {description: Ours.}}}\n";
    let without_size = document_with_size("{}").replace("size: {}", "other: {}");
    let report = run_audit(
        &document_with_size("{type: string}"),
        &without_size,
        "{}",
        words,
        &things_entry(),
    )
    .unwrap();
    let finding = &report.findings[0];
    assert_eq!(
        (finding.status, finding.fails_build),
        (OverrideStatus::Stale, true)
    );
    let detail = finding.detail.as_deref().unwrap();
    assert_eq!(
        detail,
        "does not exist: $['components']['schemas']['Thing']['properties']['size']; \
         the action only describes it"
    );
    let properties = &report.new["components"]["schemas"]["Thing"]["properties"];
    assert_eq!(properties, &serde_json::json!({"other": {}}));
}

#[test]
fn the_rest_of_an_action_with_stale_words_is_applied() {
    let update = "- target: $.components.schemas.Thing\n  update:\n    type: array\n    \
                  properties: {size: {nullable: true}, added: {type: string}}\n";
    let report = run_audit(
        &document_with_size("{type: string}"),
        &document_with_size("{}").replace("size: {}", "other: {}"),
        "{}",
        update,
        &things_entry(),
    )
    .unwrap();
    assert_eq!(report.findings[0].status, OverrideStatus::Stale);
    assert_eq!(
        report.new["components"]["schemas"]["Thing"],
        serde_json::json!({"type": "array", "properties": {"other": {}, "added": {"type": "string"}}})
    );
}

#[test]
fn property_named_description_is_compared() {
    let update = format!("{SIZE}  update: {{properties: {{description: {{type: integer}}}}}}\n");
    let new = "{properties: {description: {type: number}}}";
    let (status, detail, _) = audit_action("{type: object}", new, &update);
    assert_eq!(status, OverrideStatus::Conflicting);
    let location = "$.components.schemas.Thing.properties.size.properties.description.type";
    assert_eq!(
        detail.unwrap(),
        format!("upstream added {location} as \"number\"; the override sets \"integer\"")
    );
}

#[test]
fn update_conflicts_if_upstream_has_another_value() {
    let update = format!("{SIZE}  update: {{type: integer}}\n");
    let (status, detail, fails_build) = audit_action("{type: string}", "{type: number}", &update);
    assert_eq!((status, fails_build), (OverrideStatus::Conflicting, false));
    let detail = detail.unwrap();
    assert!(
        detail.contains("\"number\"") && detail.contains("\"string\""),
        "{detail}"
    );
    let (status, detail, _) = audit_action("{type: string}", "{}", &update);
    assert_eq!(status, OverrideStatus::Conflicting);
    assert!(
        detail
            .unwrap()
            .ends_with("size.type was removed upstream; the override sets \"integer\"")
    );
}

#[test]
fn update_that_cannot_be_merged_conflicts_and_fails_the_build() {
    let update = format!("{SIZE}  update: {{enum: [a]}}\n");
    let (status, detail, fails_build) = audit_action("{type: string}", "{enum: {}}", &update);
    assert_eq!((status, fails_build), (OverrideStatus::Conflicting, true));
    assert!(detail.unwrap().contains("cannot be merged"));
}

#[test]
fn action_without_a_target_is_stale() {
    for change in ["update: {a: 1}", "remove: true"] {
        let text =
            format!("- target: $.components.schemas.Thing.properties.size.items\n  {change}\n");
        let old = document_with_size("{items: {type: string}}");
        let new = "paths: {/things: {get: {responses: {}}}}\n";
        let report = run_audit(&old, new, "{}", &text, &things_entry()).unwrap();
        let found = &report.findings[0];
        assert_eq!(
            (found.status, found.fails_build),
            (OverrideStatus::Stale, true),
            "{change}"
        );
    }
}

#[test]
fn removal_is_confirmed_if_removed_upstream_and_conflicts_if_changed() {
    let remove = "- target: $.components.schemas.Thing.properties.size.format\n  remove: true\n";
    let old = "{type: string, format: uuid}";
    assert_eq!(
        audit_action(old, old, remove),
        (OverrideStatus::Applied, None, false)
    );
    let (status, _, fails_build) = audit_action(old, "{type: string}", remove);
    assert_eq!((status, fails_build), (OverrideStatus::Confirmed, true));
    let (status, detail, fails_build) = audit_action(old, "{type: string, format: date}", remove);
    assert_eq!((status, fails_build), (OverrideStatus::Conflicting, false));
    assert!(detail.unwrap().ends_with("the override removes it"));
}

#[test]
fn copy_without_a_source_is_stale() {
    let copy = "- target: $.components.schemas.Thing.properties.size\n  copy: $.components.schemas.Thing.properties.size.items\n";
    let (status, detail, fails_build) =
        audit_action("{items: {type: string}}", "{type: array}", copy);
    assert_eq!((status, fails_build), (OverrideStatus::Stale, true));
    assert!(detail.unwrap().contains("no longer selects"));
}

#[test]
fn list_items_are_matched_by_name() {
    let paths = |parameters: &str| {
        format!("paths: {{/things: {{get: {{parameters: [{parameters}], responses: {{}}}}}}}}\n")
    };
    let (page, size) = (
        "{name: page, in: query, schema: {type: string}}",
        "{name: size, in: query}",
    );
    let status = |old: &str, new: &str, action: &str| {
        let report = run_audit(&paths(old), &paths(new), "{}", action, &things_entry()).unwrap();
        report.findings[0].status
    };
    let update = "- target: $.paths['/things'].get.parameters[?@.name == 'page'].schema\n  update: {type: integer}\n";
    assert_eq!(
        status(page, &format!("{size}, {page}"), update),
        OverrideStatus::Applied
    );
    let add = "- target: $.paths['/things'].get.parameters\n  update: {name: size, in: query}\n";
    assert_eq!(status(page, page, add), OverrideStatus::Applied);
    assert_eq!(
        status(page, &format!("{page}, {size}"), add),
        OverrideStatus::Confirmed
    );
    let other = "{name: size, in: query, required: true}";
    let add = "- target: $.paths['/things'].get.parameters\n  update: {name: size, in: query, required: false}\n";
    assert_eq!(
        status(page, &format!("{page}, {other}"), add),
        OverrideStatus::Conflicting
    );
}

const RULES: &str = "\
rename:
  - from: /old
    to: /things
    evidence: {documented: {status: 404, on: 2025-12-31}, tested: {status: 200, on: 2025-12-31}}
gone:
  - path: /ghosts
    evidence: {answered: {status: 404, on: 2025-12-31}}
";

#[test]
fn path_rule_status_follows_its_effect() {
    let paths = |names: &[&str]| {
        let items = names
            .iter()
            .map(|name| format!("  {name}: {{get: {{responses: {{}}}}}}\n"));
        format!("paths:\n{}", items.collect::<String>())
    };
    let statuses = |old: &[&str], new: &[&str]| {
        let report = run_audit(&paths(old), &paths(new), RULES, "", &things_entry()).unwrap();
        let rules = report
            .findings
            .into_iter()
            .filter(|finding| finding.kind == OverrideKind::PathRule);
        rules
            .map(|finding| (finding.status, finding.fails_build))
            .collect::<Vec<_>>()
    };
    use OverrideStatus::{Applied, Conflicting, Satisfied, Stale};
    let fits = |rename, gone| vec![(rename, false), (gone, false)];
    let (before, after) = (&["/old", "/ghosts"], &["/things"]);
    assert_eq!(statuses(before, before), fits(Applied, Applied));
    assert_eq!(statuses(before, after), fits(Satisfied, Satisfied));
    assert_eq!(statuses(after, before), fits(Applied, Conflicting));
    assert_eq!(
        statuses(before, &["/old", "/things"]),
        fits(Applied, Satisfied)
    );
    assert_eq!(
        statuses(before, &["/else"]),
        [(Stale, true), (Satisfied, false)]
    );
}

#[test]
fn entry_is_stale_without_an_operation_and_conflicts_if_it_changed() {
    let manifest = manifest_entry("GET /things", "  paging: {page: page, first: 0}\n");
    let paths = |path: &str, name: &str| {
        format!(
            "paths: {{{path}: {{get: {{parameters: [{{name: {name}, in: query}}], responses: {{}}}}}}}}\n"
        )
    };
    let finding = |new: &str| {
        let report = run_audit(&paths("/things", "page"), new, "{}", "", &manifest).unwrap();
        report.findings[0].clone()
    };
    assert_eq!(
        finding(&paths("/things", "page")).status,
        OverrideStatus::Applied
    );
    let stale = finding(&paths("/else", "page"));
    assert_eq!(
        (stale.status, stale.fails_build),
        (OverrideStatus::Stale, true)
    );
    assert_eq!(stale.location, "operations.yaml: GET /things");
    let conflict = finding(&paths("/things", "cursor"));
    assert_eq!(
        (conflict.status, conflict.fails_build),
        (OverrideStatus::Conflicting, true)
    );
    assert_eq!(
        conflict.detail.unwrap(),
        "`paging`: the operation has no query parameter `page`"
    );
}

/// The audit reports what the checks of the manifest reject in a build.
#[test]
fn entry_conflicts_if_a_manifest_check_fails() {
    const THING: &str = "Thing: {type: object}";
    let document = |get: &str, put: &str, schema: &str| {
        format!(
            "paths:\n  /things:\n    get: {{parameters: [{get}], responses: {{}}}}\n    put: {{parameters: \
             [{{name: workspace_id, in: query, required: {put}}}], requestBody: {{content: {{application/json: \
             {{schema: {{properties: {{reset: {{}}, stream: {{}}}}}}}}}}}}, responses: {{}}}}\n\
             components: {{schemas: {{{schema}}}}}\n"
        )
    };
    let old = document("", "false", THING);
    let finding = |fields: &str, new: &str| {
        let put = manifest_entry("PUT /things", &format!("  {fields}\n"));
        let put = put.replace("retry: safe", "retry: idempotent");
        let manifest = things_entry() + &put;
        let report = run_audit(&old, new, "{}", "", &manifest).unwrap();
        let found = report
            .findings
            .into_iter()
            .find(|finding| finding.location == "operations.yaml: PUT /things");
        found.unwrap()
    };
    let without_get = old.replace("    get:", "    head:");
    let without = |field: &str| old.replace(&format!("{field}: {{}}"), "other: {}");
    for (fields, new, problem) in [
        (
            "default_workspace: true",
            document("", "true", THING),
            "`default_workspace`: the operation has no optional query parameter `workspace_id`",
        ),
        (
            "default_workspace: true",
            old.replace("workspace_id", "workspace"),
            "`default_workspace`: the operation has no optional query parameter `workspace_id`",
        ),
        (
            "triggers: [reset]",
            without("reset"),
            "`triggers`: the request body has no field `reset`",
        ),
        (
            "reads: getthings",
            without_get,
            "`reads`: `getthings` is not the id of a GET operation",
        ),
        (
            "reads: getthings",
            document("{name: kind, in: query, required: true}", "false", THING),
            "`reads`: `getthings` has a required query parameter",
        ),
        (
            "stream: {event: Thing}",
            document("", "false", ""),
            "`stream`: schema `Thing` not found",
        ),
        (
            "stream: {event: Thing}",
            without("stream"),
            "`stream`: the request body has no field `stream`",
        ),
    ] {
        let fine = finding(fields, &old);
        assert_eq!(
            (fine.status, fine.fails_build),
            (OverrideStatus::Applied, false)
        );
        let found = finding(fields, &new);
        assert_eq!(
            (found.status, found.fails_build),
            (OverrideStatus::Conflicting, true),
            "{fields}"
        );
        assert_eq!(found.detail.as_deref(), Some(problem));
    }
}

#[test]
fn entry_conflicts_if_the_items_field_is_renamed() {
    let manifest = manifest_entry(
        "GET /things",
        "  paging: {page: page, first: 0, items: data}\n",
    );
    let paths = |field: &str| {
        format!(
            "paths: {{/things: {{get: {{parameters: [{{name: page, in: query}}], responses: {{'200': \
             {{content: {{application/json: {{schema: {{allOf: [{{properties: {{{field}: {{type: array}}}}}}]}}}}}}}}}}}}}}}}\n"
        )
    };
    let finding = |new: &str| {
        let report = run_audit(&paths("data"), &paths(new), "{}", "", &manifest).unwrap();
        report.findings[0].clone()
    };
    assert_eq!(finding("data").status, OverrideStatus::Applied);
    let conflict = finding("items");
    assert_eq!(conflict.status, OverrideStatus::Conflicting);
    assert!(conflict.detail.unwrap().contains("`data`"));
}

#[test]
fn handwritten_entry_conflicts_if_its_body_kind_is_removed() {
    let manifest = manifest_entry("GET /things", "  handwritten: binary\n");
    let paths = |media: &str| {
        format!(
            "paths: {{/things: {{get: {{responses: {{'200': {{content: {{{media}: {{}}}}}}}}}}}}}}\n"
        )
    };
    let status = |new: &str| {
        let old = paths("application/octet-stream");
        run_audit(&old, &paths(new), "{}", "", &manifest)
            .unwrap()
            .findings[0]
            .status
    };
    assert_eq!(status("text/csv"), OverrideStatus::Applied);
    assert_eq!(status("application/json"), OverrideStatus::Conflicting);
}

#[test]
fn overrides_that_do_not_fit_their_own_document_are_rejected() {
    let audit_error = |paths: &str, action: &str, manifest: &str| {
        let document = document_with_size("{}");
        run_audit(&document, &document, paths, action, manifest)
            .unwrap_err()
            .to_string()
    };
    let action = "- target: $.none\n  remove: true\n";
    assert!(
        audit_error("{}", action, &things_entry()).starts_with("a.overlay.yaml:4: actions[0]: ")
    );
    let rule = RULES.replace("/things", "/nowhere");
    assert!(audit_error(&rule, "", &things_entry()).starts_with("paths.yaml: rename[0]: "));
    assert!(audit_error("{}", "", "{}").contains("no entry for `GET /things`"));
    let more = things_entry() + &manifest_entry("GET /none", "");
    assert!(audit_error("{}", "", &more).contains("`GET /none` is not an operation"));
}

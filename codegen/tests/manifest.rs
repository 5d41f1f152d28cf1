//! Manifest entries are checked against the document, and their values reach the generated code.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, path::Path, sync::LazyLock};

use portkey_admin_codegen::{
    Manifest, Patched, Source, Sources, document, generate, lower,
    manifest::{Access, Idempotency, Paging, RequiredScopes},
    patch,
    select::Areas,
};
use quote::ToTokens;
use serde_json::{Value, json};
use syn::{Expr, ImplItem, Item};

// --- checks ---

/// Returns the error of a manifest with these fields in the entry of `PUT /things/{id}`.
fn check_error(fields: &str) -> Option<String> {
    check_error_with(fields, "paging: {items: data}")
}

/// Returns the error of a manifest with these fields in the entries of `PUT` and `GET
/// /things/{id}`.
fn check_error_with(put: &str, get: &str) -> Option<String> {
    let parameter = |name: &str, required: bool| json!({"name": name, "in": "query", "required": required, "schema": {"type": "string"}});
    let document = json!({
        "paths": {
            "/things/{id}": {
                "parameters": [parameter("workspace_id", false)],
                "get": {},
                "put": {"requestBody": {"$ref": "#/components/requestBodies/Thing"}},
                "delete": {"parameters": [{"$ref": "#/components/parameters/workspace"}]},
            },
            "/things/{other}/parts": {"get": {}},
            "/others": {"get": {"parameters": [parameter("kind", true), parameter("page", false)]}},
        },
        "components": {
            "parameters": {"workspace": parameter("workspace_id", true)},
            "requestBodies": {"Thing": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
            "schemas": {"Thing": {"properties": {"parts": {"items": {"allOf": [
                {"$ref": "#/components/schemas/Thing"},
                {"properties": {"reset": {"type": "boolean"}, "stream": {"type": "boolean"}}},
            ]}}}}},
        },
    });
    let entry = |key: &str, id: &str, fields: &str| {
        format!(
            "{key}: {{id: {id}, summary: S., plane: control, area: {}, retry: {}, status: works, \
             evidence: {{by: document}}, {fields}}}\n",
            if key == "GET /others" {
                "others"
            } else {
                "things"
            },
            if key.starts_with("PUT") {
                "idempotent"
            } else {
                "safe"
            },
        )
    };
    let text = [
        entry("PUT /things/{id}", "update_thing", put),
        entry("GET /things/{id}", "get_thing", get),
        entry("DELETE /things/{id}", "delete_thing", ""),
        entry("GET /things/{other}/parts", "list_parts", ""),
        entry("GET /others", "list_others", ""),
    ];
    let name = "operations.yaml".to_owned();
    let text = text.concat();
    let manifest = Manifest::parse(&Source { name, text }).unwrap();
    let checked = manifest.check("operations.yaml", &document);
    checked.err().map(|error| error.to_string())
}

#[test]
fn only_planes_with_a_version_in_the_base_url_have_v2() {
    let document = json!({"openapi": "3.0.3", "paths": {"/things": {"get": {}}}});
    let problem = |plane: &str| {
        let text = format!(
            "GET /things: {{id: list_things, summary: S., plane: {plane}, base: v2, area: things, \
             retry: safe, status: works, evidence: {{by: document}}}}\n"
        );
        let name = "operations.yaml".to_owned();
        let manifest = Manifest::parse(&Source { name, text }).unwrap();
        let checked = manifest.check("operations.yaml", &document);
        checked.err().map(|error| error.to_string())
    };
    for plane in ["control", "gateway"] {
        assert_eq!(problem(plane), None);
    }
    for plane in ["public", "mcp", "prices"] {
        let problem = problem(plane).unwrap();
        let expected = format!("`base`: the base URL of the plane `{plane}` has no API version");
        assert!(problem.contains(&expected), "{problem}");
    }
}

#[test]
fn valid_entry_is_accepted() {
    let fits = "default_workspace: true, triggers: [reset], reads: get_thing, \
                stream: {event: Thing, named: true}, access: {keys: [workspace], \
                scopes: {all_of: [a.read, b.read]}, plan: any, roles: [workspace admin]}";
    assert_eq!(check_error(fits), None);
}

#[test]
fn invalid_entry_is_rejected_with_operation_and_field() {
    let table = [
        (
            "triggers: [rest]",
            "`triggers`: the request body has no field `rest`",
        ),
        (
            "stream: {event: Other}",
            "`stream`: schema `Other` not found",
        ),
        (
            "stream: {event: Thing}, paging: {items: data}",
            "`stream`: not allowed with `paging`",
        ),
        (
            "paging: {items: data, next: cursor}",
            "`paging`: `next` requires `after`",
        ),
        (
            "success_is_result: true",
            "`success_is_result`: the response has no field `success`",
        ),
        (
            "reads: get_other",
            "`get_other` is not the id of a GET operation",
        ),
        (
            "reads: delete_thing",
            "`delete_thing` is not the id of a GET operation",
        ),
        (
            "reads: list_parts",
            "`list_parts` does not take the same path parameters",
        ),
        ("reads: list_others", "`list_others` is in another area"),
        (
            "paging: {page: p, first: 0}",
            "`paging`: the operation has no query parameter `p`",
        ),
        (
            "paging: {page: workspace_id}",
            "`first` and `page` must be set together",
        ),
        (
            "paging: {first: 1}",
            "`first` and `page` must be set together",
        ),
        ("paging: {also: data}", "`also` requires `items`"),
        (
            "paging: {page: a, first: 0, after: b}",
            "`page` and `after` are mutually exclusive",
        ),
        (
            "access: {keys: [admin]}",
            "`access.keys`: expected one of `organisation`, `workspace`, found `admin`",
        ),
        (
            "access: {roles: [workspace admin, owner]}",
            "`access.roles`: expected one of `organisation owner`,",
        ),
        (
            "access: {plan: pro}",
            "`access.plan`: expected one of `any`, `enterprise`, found `pro`",
        ),
        (
            "access: {scopes: []}",
            "`access.scopes`: expected at least one scope",
        ),
        (
            "access: {scopes: {all_of: [a.read, b.read, a.read]}}",
            "`access.scopes`: `a.read` is listed twice",
        ),
    ];
    for (fields, expected) in table {
        let problem = check_error(fields).unwrap_or_default();
        assert!(problem.contains("PUT /things/{id}"), "{fields}: {problem}");
        assert!(problem.contains(expected), "{fields}: {problem}");
    }
    let paged =
        check_error_with("reads: get_thing", "paging: {after: workspace_id}").unwrap_or_default();
    assert!(paged.contains("returns only one page"), "{paged}");
    let triggers = check_error_with("", "triggers: [reset]").unwrap_or_default();
    assert!(triggers.contains("GET /things/{id}"), "{triggers}");
    let stream = check_error_with("", "stream: {event: Thing}").unwrap_or_default();
    assert!(
        stream.contains("the request body has no field `stream`"),
        "{stream}"
    );
    assert!(
        triggers.contains("only allowed with `retry: idempotent`"),
        "{triggers}"
    );
}

#[test]
fn scopes_are_alternatives_unless_all_are_needed() {
    let scopes = |text: &str| {
        let text = format!(
            "GET /things: {{id: list_things, summary: S., plane: control, area: things, retry: safe, \
             status: works, evidence: {{by: document}}, access: {{{text}}}}}"
        );
        let name = "operations.yaml".to_owned();
        let manifest = Manifest::parse(&Source { name, text })?;
        Ok(manifest
            .get("GET", "/things")
            .unwrap()
            .access
            .scopes
            .clone())
    };
    let names = || vec!["a.read".to_owned(), "b.read".to_owned()];
    for (text, expected) in [
        ("keys: [workspace]", None),
        (
            "scopes: [a.read, b.read]",
            Some(RequiredScopes::AnyOf(names())),
        ),
        (
            "scopes: {all_of: [a.read, b.read]}",
            Some(RequiredScopes::AllOf(names())),
        ),
    ] {
        assert_eq!(scopes(text).unwrap(), expected, "{text}");
    }
    let error: portkey_admin_codegen::Error = scopes("scopes: {one_of: [a.read]}").unwrap_err();
    assert!(
        error.to_string().contains("expected a list of scopes"),
        "{error}"
    );
}

#[test]
fn access_is_described_in_words() {
    let requirements = |(method, path)| {
        let entry = PATCHED.manifest.get(method, path).unwrap();
        entry.access.requirements().join("; ")
    };
    assert_eq!(
        requirements(("POST", "/logs")),
        "workspace keys; scopes `completions.write` and `logs.write`"
    );
    assert_eq!(
        requirements(("GET", "/audit-logs")),
        "organisation keys; scope `audit_logs.list`; enterprise plan; role organisation owner or \
         organisation admin"
    );
    assert_eq!(
        requirements(("GET", "/models")),
        "workspace keys; scope `completions.write` or `virtual_keys.list`; role workspace admin or \
         workspace manager or workspace member"
    );
}

#[test]
fn default_workspace_needs_an_optional_query_parameter() {
    let document = |required: bool| {
        json!({"paths": {"/things": {"get": {"parameters": [
            {"name": "workspace_id", "in": "query", "required": required},
        ]}}}})
    };
    let manifest = Manifest::parse(&Source {
        name: "operations.yaml".into(),
        text: "GET /things: {id: list_things, summary: S., plane: control, area: things, retry: safe, \
               status: works, evidence: {by: document}, default_workspace: true}"
            .into(),
    })
    .unwrap();
    manifest.check("operations.yaml", &document(false)).unwrap();
    let error = manifest
        .check("operations.yaml", &document(true))
        .unwrap_err();
    assert!(
        error.to_string().contains("no optional query parameter"),
        "{error}"
    );
}

// --- generated code ---

static PATCHED: LazyLock<Patched> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    patch(&Sources::read(&root).unwrap()).unwrap()
});

static CODE: LazyLock<String> = LazyLock::new(|| formatted_code(&PATCHED.manifest.areas()));

/// Generates the code of these areas as one formatted file with nested modules.
fn formatted_code(areas: &Areas) -> String {
    let tokens = generate::tokens(&PATCHED, &lower::lower(&PATCHED).unwrap(), areas).unwrap();
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

fn module_items(name: &str) -> Vec<Item> {
    let items = syn::parse_file(&CODE).unwrap().items.into_iter();
    let found = items.filter_map(|item| match item {
        Item::Mod(module) if module.ident == name => Some(module.content.unwrap().1),
        _ => None,
    });
    found.flatten().collect()
}

/// Returns the fields of the static of every operation, by id.
fn operation_statics() -> BTreeMap<String, BTreeMap<String, String>> {
    let statics = module_items("operations")
        .into_iter()
        .filter_map(|item| match item {
            Item::Static(item) => Some(*item.expr),
            _ => None,
        });
    // One static is a list of the others.
    statics
        .filter_map(|expression| match expression {
            Expr::Struct(expression) => Some(expression),
            _ => None,
        })
        .map(|expression| {
            let fields: BTreeMap<String, String> = expression
                .fields
                .iter()
                .map(|field| {
                    let text = |tokens: &dyn ToTokens| {
                        tokens
                            .to_token_stream()
                            .to_string()
                            .replace([' ', '\n'], "")
                    };
                    (text(&field.member), text(&field.expr).replace(",}", "}"))
                })
                .collect();
            (fields["id"].trim_matches('"').to_owned(), fields)
        })
        .collect()
}

/// Returns the items of all modules.
fn all_items(items: Vec<Item>) -> Vec<Item> {
    let inner = |item| match item {
        Item::Mod(module) => all_items(module.content.unwrap().1),
        other => vec![other],
    };
    items.into_iter().flat_map(inner).collect()
}

/// Returns the methods of every builder.
fn builder_methods() -> BTreeMap<String, Vec<String>> {
    let impls = all_items(syn::parse_file(&CODE).unwrap().items)
        .into_iter()
        .filter_map(|item| match item {
            Item::Impl(item) if item.trait_.is_none() => Some(item),
            _ => None,
        });
    impls
        .map(|item| {
            let methods = item.items.iter().filter_map(|member| match member {
                ImplItem::Fn(function) => Some(function.sig.ident.to_string()),
                _ => None,
            });
            (
                item.self_ty.to_token_stream().to_string(),
                methods.collect(),
            )
        })
        .collect()
}

fn expected_paging(paging: &Paging) -> String {
    let text = |name: &Option<String>| match name {
        Some(name) => format!("Some({name:?})"),
        None => "None".to_owned(),
    };
    format!(
        "Some(Paging{{page:{},size:{},first:{}u32,after:{},next:{}}})",
        text(&paging.page),
        text(&paging.size),
        paging.first.unwrap_or(0),
        text(&paging.after),
        text(&paging.next)
    )
}

fn expected_access(access: &Access) -> String {
    let list = |names: &[String]| {
        let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
        format!("&[{}]", names.join(",")).replace(' ', "")
    };
    let scopes = match &access.scopes {
        None => "None".to_owned(),
        Some(RequiredScopes::AnyOf(names)) => {
            format!("Some(RequiredScopes::AnyOf({}))", list(names))
        }
        Some(RequiredScopes::AllOf(names)) => {
            format!("Some(RequiredScopes::AllOf({}))", list(names))
        }
    };
    let plan = match &access.plan {
        Some(plan) => format!("Some({plan:?})"),
        None => "None".to_owned(),
    };
    format!(
        "Access{{keys:{},scopes:{scopes},plan:{plan},roles:{}}}",
        list(&access.keys),
        list(&access.roles)
    )
}

#[test]
fn operation_statics_match_the_manifest() {
    let statics = operation_statics();
    for (key, entry) in PATCHED
        .manifest
        .iter()
        .filter(|(_, entry)| entry.handwritten.is_none())
    {
        let fields = &statics[&entry.id];
        let paging = entry
            .paging
            .as_ref()
            .map_or("None".to_owned(), expected_paging);
        assert_eq!(fields["paging"], paging, "{key}");
        let retry = match entry.retry {
            Idempotency::Safe => "Idempotency::Safe",
            Idempotency::Idempotent => "Idempotency::Idempotent",
            Idempotency::NonIdempotent => "Idempotency::NonIdempotent",
        };
        assert_eq!(fields["idempotency"], retry, "{key}");
        assert_eq!(
            fields["success_is_result"],
            entry.success_is_result.to_string(),
            "{key}"
        );
        assert_eq!(
            fields["default_workspace"],
            entry.default_workspace.to_string(),
            "{key}"
        );
        let access = fields["access"].replace(",]", "]").replace(",)", ")");
        assert_eq!(access, expected_access(&entry.access), "{key}");
        let triggers: Vec<String> = entry
            .triggers
            .iter()
            .map(|name| format!("{name:?}"))
            .collect();
        assert_eq!(
            fields["non_idempotent_fields"],
            format!("&[{}]", triggers.join(",")),
            "{key}"
        );
    }
}

/// What the field `success` of a response means if it is false.
#[derive(Debug, PartialEq)]
enum Success {
    /// The call failed.
    Failure,
    /// The operation has a negative result.
    Result,
}

/// The meaning of `success` in every response schema that has it.
const SUCCESS_FIELDS: [(&str, Success); 12] = [
    ("render_prompt", Success::Failure),
    ("sync_mcp_integration", Success::Result),
    ("test_mcp_integration", Success::Result),
    ("test_mcp_server", Success::Result),
    ("update_mcp_integration_capabilities", Success::Failure),
    ("update_mcp_server_capabilities", Success::Failure),
    ("update_mcp_server_user_access", Success::Failure),
    ("create_virtual_key", Success::Failure),
    ("create_plugin", Success::Failure),
    ("list_ai_providers", Success::Failure),
    ("list_plugins", Success::Failure),
    ("test_agent_server", Success::Result),
];

#[test]
fn the_meaning_of_success_is_known_for_every_response() {
    let mut found = BTreeMap::new();
    for (path, method, operation) in document::operations(&PATCHED.document) {
        let entry = PATCHED.manifest.get(method, path).unwrap();
        let responses = operation["responses"].as_object().unwrap();
        let successes = responses
            .iter()
            .filter(|(status, _)| status.starts_with('2'));
        let has_success = successes
            .map(|(_, response)| &response["content"]["application/json"]["schema"])
            .any(|schema| has_field(schema, "success"));
        if has_success {
            let meaning = match entry.success_is_result {
                true => Success::Result,
                false => Success::Failure,
            };
            found.insert(entry.id.as_str(), meaning);
        }
    }
    assert_eq!(found, BTreeMap::from(SUCCESS_FIELDS));
}

/// Whether the objects that a schema describes have this field.
fn has_field(schema: &Value, name: &str) -> bool {
    let schema = document::resolve(&PATCHED.document, schema).unwrap();
    let parts = ["allOf", "anyOf", "oneOf"].map(|key| schema[key].as_array());
    schema["properties"].get(name).is_some()
        || parts
            .into_iter()
            .flatten()
            .flatten()
            .any(|part| has_field(part, name))
}

/// Each `PUT` that must not be repeated; every other one replaces.
const NOT_REPLACING: [&str; 8] = [
    "PUT /configs/{slug}",
    "PUT /deployments/{deploymentId}",
    "PUT /guardrails/{guardrailId}",
    // A repetition has an outdated version and gets 409.
    "PUT /policies/access/{accessPolicyId}",
    "PUT /policies/usage-limits/{policyUsageLimitsId}/entities/{entityId}/reset",
    "PUT /prompts/partials/{promptPartialId}",
    "PUT /prompts/{promptId}",
    "PUT /tools/{toolId}",
];

/// Each `POST` that only reads.
const READING: [&str; 1] = ["POST /agent-integrations/fetch-agent-card"];

/// Stated twice, because a wrong `retry` value could create two keys instead of one.
#[test]
fn retry_follows_from_the_method() {
    for (key, entry) in PATCHED.manifest.iter() {
        let expected = match key.split(' ').next().unwrap() {
            "GET" => Idempotency::Safe,
            "DELETE" => Idempotency::Idempotent,
            "PUT" if !NOT_REPLACING.contains(&key) => Idempotency::Idempotent,
            "POST" if READING.contains(&key) => Idempotency::Safe,
            "PUT" | "POST" => Idempotency::NonIdempotent,
            other => panic!("{key}: what of {other}?"),
        };
        assert_eq!(entry.retry, expected, "{key}");
    }
}

/// T24, V201 and M103: operations that need a workspace in the query if the key is of an organisation.
#[test]
fn default_workspace_applies_to_lists_and_providers() {
    let takes = PATCHED
        .manifest
        .iter()
        .filter(|(_, entry)| entry.default_workspace);
    let takes: Vec<&str> = takes.map(|(key, _)| key).collect();
    assert_eq!(
        takes,
        [
            "GET /providers",
            "GET /providers/{slug}",
            "PUT /providers/{slug}",
            "DELETE /providers/{slug}",
            "GET /virtual-keys",
            "GET /guardrails",
            "GET /policies/usage-limits",
            "GET /policies/rate-limits",
            "GET /policies/access",
            "GET /mcp-servers",
            "GET /agent-servers",
        ]
    );
}

#[test]
fn lists_have_streams_and_updates_without_response_data_have_a_read() {
    use heck::ToUpperCamelCase;
    let builders = builder_methods();
    let (mut lists, mut reads) = (0, 0);
    for (key, entry) in PATCHED
        .manifest
        .iter()
        .filter(|(_, entry)| entry.handwritten.is_none())
    {
        let methods = &builders[&entry.id.to_upper_camel_case()];
        let has = |name: &str| methods.iter().any(|method| method == name);
        let is_list = entry.paging.is_some();
        let streams = is_list || entry.stream.is_some();
        assert_eq!((has("stream"), has("pages")), (streams, is_list), "{key}");
        assert_eq!(has("update_and_get"), entry.reads.is_some(), "{key}");
        lists += usize::from(is_list);
        reads += usize::from(entry.reads.is_some());
    }
    assert_eq!((lists, reads), (68, 23));
}

#[test]
fn event_streams_need_the_gateway_area() {
    let generated = |areas: &[&str]| {
        let areas = areas.iter().map(|area| (*area).to_owned()).collect();
        formatted_code(&areas)
    };
    let (alone, both) = (generated(&["prompts"]), generated(&["prompts", "gateway"]));
    for text in ["OpenStream<", "struct ChatCompletionChunk "] {
        assert!(!alone.contains(text) && both.contains(text), "{text}");
    }
    let entries = PATCHED.manifest.iter().map(|(_, entry)| entry);
    let streams = entries.filter(|entry| entry.stream.is_some()).count();
    assert_eq!(both.matches("OpenStream<").count(), streams);
}

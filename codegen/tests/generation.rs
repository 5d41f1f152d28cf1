//! Runs the vendored document through every stage and checks the generated code.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, path::Path, sync::LazyLock};

use portkey_admin_codegen::{
    Patched, Sources, document, evidence, generate,
    lower::{self, Direction, Lowered},
    patch, reserved_segments,
    select::Areas,
};

static PATCHED: LazyLock<Patched> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    patch(&Sources::read(&root).unwrap()).unwrap()
});

static LOWERED: LazyLock<Lowered> = LazyLock::new(|| lower::lower(&PATCHED).unwrap());

fn admin_areas() -> Areas {
    PATCHED
        .manifest
        .areas()
        .into_iter()
        .filter(|area| area != "gateway")
        .collect()
}

/// Generates the code of these areas as one formatted file with nested modules.
fn generate_code(areas: &Areas) -> String {
    let tokens = generate::tokens(&PATCHED, &LOWERED, areas).unwrap();
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

/// Returns every public item of the generated code by path: types with their fields, methods,
/// statics.
fn public_items(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect_items(&syn::parse_file(code).unwrap().items, "", &mut found);
    found
}

fn collect_items(items: &[syn::Item], prefix: &str, found: &mut BTreeSet<String>) {
    use quote::ToTokens;
    for item in items {
        match item {
            syn::Item::Mod(module) => {
                let inner = module
                    .content
                    .as_ref()
                    .map(|(_, items)| items.as_slice())
                    .unwrap_or_default();
                collect_items(inner, &format!("{prefix}{}::", module.ident), found);
            }
            syn::Item::Impl(item) => {
                let target = item.self_ty.to_token_stream().to_string();
                for member in &item.items {
                    if let syn::ImplItem::Fn(function) = member {
                        found.insert(format!(
                            "{prefix}{target}: {}",
                            function.sig.to_token_stream()
                        ));
                    }
                }
            }
            // Its value is the list of the enabled operations.
            syn::Item::Static(item) if item.ident == "ALL" => {}
            other => {
                let mut other = other.clone();
                strip_docs(&mut other);
                found.insert(format!("{prefix}{}", other.to_token_stream()));
            }
        }
    }
}

fn strip_docs(item: &mut syn::Item) {
    let attributes = match item {
        syn::Item::Struct(item) => &mut item.attrs,
        syn::Item::Static(item) => &mut item.attrs,
        _ => return,
    };
    attributes.retain(|attribute| !attribute.path().is_ident("doc"));
}

#[test]
fn every_admin_operation_is_generated() {
    let code = generate_code(&admin_areas());
    let expected: Vec<&str> = PATCHED
        .manifest
        .iter()
        .filter(|(_, entry)| entry.area != "gateway")
        .map(|(_, entry)| entry.id.as_str())
        .collect();
    assert_eq!(expected.len(), 260);
    for id in expected {
        assert!(code.contains(&format!("pub fn {id}(")), "no method `{id}`");
    }
}

#[test]
fn every_json_operation_of_the_gateway_is_generated() {
    let code = generate_code(&PATCHED.manifest.areas());
    let (by_hand, generated): (Vec<_>, Vec<_>) = PATCHED
        .manifest
        .iter()
        .filter(|(_, entry)| entry.area == "gateway")
        .partition(|(_, entry)| entry.handwritten.is_some());
    assert_eq!(by_hand.len() + generated.len(), 72);
    for (_, entry) in generated {
        assert!(
            code.contains(&format!("pub fn {}(", entry.id)),
            "no method `{}`",
            entry.id
        );
    }
    for (_, entry) in by_hand {
        assert!(
            !code.contains(&format!("pub fn {}(", entry.id)),
            "`{}` must be handwritten",
            entry.id
        );
    }
}

#[test]
fn rustdoc_of_an_operation_names_its_sources_and_has_no_evidence_ids() {
    let code = generate_code(&PATCHED.manifest.areas());
    let docs: Vec<&str> = code
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with("///"))
        .collect();
    let sources = " Sources: `docs/endpoints/api_keys.md#rotate_api_key`.";
    assert!(docs.iter().any(|line| line.ends_with(sources)));
    let with_ids: Vec<_> = docs
        .iter()
        .filter(|line| evidence::ids(line).next().is_some())
        .collect();
    assert!(with_ids.is_empty(), "{with_ids:#?}");
}

#[test]
fn no_type_name_is_derived_from_its_position() {
    assert!(LOWERED.derived.is_empty(), "{:#?}", LOWERED.derived);
    lower::check_type_names(&LOWERED).unwrap();
}

#[test]
fn no_admin_type_name_has_a_mechanical_suffix() {
    let admin = portkey_admin_codegen::select::select(&LOWERED, &admin_areas()).unwrap();
    let endings = [
        "Item", "Variant0", "Variant1", "Subtype0", "Subtype1", "Value", "Inner",
    ];
    let bad: Vec<_> = admin
        .directions
        .keys()
        .filter(|name| {
            endings.iter().any(|ending| name.ends_with(ending))
                || name.chars().last().is_some_and(char::is_numeric)
        })
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn generation_is_deterministic() {
    let areas = PATCHED.manifest.areas();
    assert_eq!(generate_code(&areas), generate_code(&areas));
}

#[test]
fn public_items_of_an_area_are_a_subset_of_all() {
    let whole = public_items(&generate_code(&PATCHED.manifest.areas()));
    let admin_items = public_items(&generate_code(&admin_areas()));
    assert!(
        admin_items.is_subset(&whole),
        "{:#?}",
        admin_items.difference(&whole).next()
    );
    for area in PATCHED.manifest.areas() {
        let area_items = public_items(&generate_code(&Areas::from([area.clone()])));
        assert!(!area_items.is_empty());
        let whole = if area == "gateway" {
            &whole
        } else {
            &admin_items
        };
        assert!(
            area_items.is_subset(whole),
            "{area}: {:#?}",
            area_items.difference(whole).next()
        );
    }
}

/// A pair is a path of the vendored document and a literal; methods of the same path may share it.
#[test]
fn sixteen_path_arguments_are_reserved() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let vendored = Sources::read(&root).unwrap().document;
    let vendored = document::parse(&vendored.name, &vendored.text).unwrap();
    let reserved_segments = reserved_segments::reserved_segments(&vendored);
    let pairs: BTreeSet<(&str, &str)> = reserved_segments
        .iter()
        .flat_map(|((_, path, _), literals)| {
            literals
                .iter()
                .map(|literal| (path.as_str(), literal.as_str()))
        })
        .collect();
    assert_eq!(pairs.len(), 16, "{pairs:#?}");
    for (method, path, index, literal) in [
        ("get", "/admin/users/{userId}", 2, "invites"),
        ("delete", "/prompts/{promptId}", 1, "partials"),
        ("get", "/logs/{logId}", 1, "exports"),
    ] {
        let position = (method.to_owned(), path.to_owned(), index);
        assert!(
            reserved_segments[&position].contains(literal),
            "{method} {path} {literal}"
        );
    }
}

/// The generator describes other fields by their type, so this looks at the document.
#[test]
fn every_admin_field_has_a_description() {
    let admin = portkey_admin_codegen::select::select(&LOWERED, &admin_areas()).unwrap();
    let schemas = admin.document["components"]["schemas"].as_object().unwrap();
    let mut missing = Vec::new();
    for (name, schema) in schemas {
        if schema.get("x-raw").is_some() {
            continue;
        }
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            if property["description"].as_str().is_none_or(str::is_empty) {
                missing.push(format!("{name}.{field}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn requests_and_responses_with_the_same_schema_have_different_types() {
    assert_eq!(LOWERED.directions["RateLimit"], Direction::Response);
    assert_eq!(LOWERED.directions["RateLimitInput"], Direction::Request);
    assert_eq!(LOWERED.directions["RateLimitUnit"], Direction::Both);
    let schemas = &LOWERED.document["components"]["schemas"];
    assert_eq!(schemas["RateLimit"]["required"], serde_json::json!([]));
    assert_ne!(schemas["RateLimitInput"]["required"], serde_json::json!([]));
}

/// The unions without a discriminator. For a new one, consider an overlay that adds a
/// discriminator.
#[test]
fn unions_without_discriminator_are_known_and_have_views() {
    let schemas = LOWERED.document["components"]["schemas"].as_object();
    let raw: Vec<_> = schemas
        .unwrap()
        .iter()
        .filter(|(_, schema)| schema.get("x-raw").is_some())
        .map(|(name, schema)| (name.as_str(), schema["properties"].as_object().unwrap()))
        .collect();
    let names: BTreeSet<_> = raw.iter().map(|(name, _)| *name).collect();
    let expected = [
        "BatchProviderOptions",
        "CombinedFilter",
        "CombinedFilterInput",
        "CompletionPrompt",
        "CreateBatchRequest",
        "CreateFineTuningJobRequest",
        "CreateTranscriptionResponse",
        "CreateTranslationResponse",
        "EmbeddingSource",
        "FileSearchFilter",
        "FileSearchFilterInput",
        "InputItem",
        "ResponseItem",
        "ItemResource",
        "ResponseToolChoice",
        "ResponseToolChoiceInput",
        "Tool",
        "ToolInput",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    for (name, views) in raw {
        assert!(views.len() > 1, "{name}");
        assert!(
            !views.contains_key("value"),
            "{name}: a variant has no type"
        );
    }
    let admin = portkey_admin_codegen::select::select(&LOWERED, &admin_areas()).unwrap();
    let in_admin = names
        .iter()
        .find(|name| admin.directions.contains_key(**name));
    assert_eq!(in_admin, None);
}

#[test]
fn list_items_are_identified_by_the_key_of_the_manifest() {
    let code = |key: &str| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = Sources::read(&root).unwrap();
        let named = "key: prompt_partial_version_id";
        assert!(sources.manifest.text.contains(named));
        sources.manifest.text = sources.manifest.text.replace(named, key);
        let patched = patch(&sources).unwrap();
        let lowered = lower::lower(&patched).unwrap();
        let code = generate::tokens(&patched, &lowered, &Areas::from(["prompts".to_owned()]));
        code.map(|code| code.to_string())
    };
    let own = code("key: prompt_partial_version_id").unwrap();
    assert!(own.contains("PromptPartialVersion , by prompt_partial_version_id ,"));
    let none = code("key: nothing").unwrap_err().to_string();
    assert!(
        none.contains("PromptPartialVersion") && none.contains("`nothing`"),
        "{none}"
    );
}

#[test]
fn responses_convert_into_requests_unless_something_is_masked() {
    let code = generate_code(&admin_areas());
    let converts = |response: &str, request: &str| {
        code.contains(&format!("impl TryFrom<{response}> for {request} {{"))
    };
    for (module, response, object) in [
        ("configs", "Config", "Config"),
        ("guardrails", "Guardrail", "Guardrail"),
        ("policies", "AccessPolicy", "AccessPolicy"),
        ("policies", "RateLimitsPolicy", "RateLimitsPolicy"),
        ("policies", "UsageLimitsPolicy", "UsageLimitsPolicy"),
        ("prompts", "Prompt", "Prompt"),
        ("prompts", "PromptPartial", "PromptPartial"),
        ("workspaces", "Workspace", "Workspace"),
    ] {
        for verb in ["Create", "Update"] {
            let (response, request) = (
                format!("crate::{module}::{response}"),
                format!("{verb}{object}Request"),
            );
            assert!(converts(&response, &request), "{response} to {request}");
        }
    }
    // The bodies of the first two contain a key, and the third response masks its values.
    for (response, request) in [
        (
            "crate::integrations::Integration",
            "CreateIntegrationRequest",
        ),
        ("crate::providers::VirtualKey", "UpdateVirtualKeyRequest"),
        (
            "crate::secrets::SecretReference",
            "UpdateSecretReferenceRequest",
        ),
    ] {
        assert!(!converts(response, request), "{response} to {request}");
    }
}

/// Returns the signatures of the fields and setters whose name fulfils a condition, by path.
fn values(is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let items = generate::listing(&PATCHED, &LOWERED, &PATCHED.manifest.areas()).unwrap();
    let values = items.into_iter().filter(|(path, signature)| {
        let name = path.rsplit("::").next().unwrap();
        let is_value =
            signature.starts_with("field: ") || signature.starts_with("fn(self, value: ");
        is_value && is_wanted(name)
    });
    values.collect()
}

#[test]
fn page_numbers_and_page_sizes_are_u32() {
    let found = values(|name| ["page", "current_page", "page_size"].contains(&name));
    assert!(found.len() > 60, "{}", found.len());
    for (path, signature) in found {
        assert!(signature.contains("u32"), "{path}: {signature}");
    }
}

#[test]
fn times_are_not_strings() {
    let is_time = |name: &str| {
        name.ends_with("_at") || ["timestamp", "start_time", "end_time"].contains(&name)
    };
    let strings = values(is_time)
        .into_iter()
        .filter(|(_, signature)| signature.contains("String"));
    let strings: Vec<_> = strings.map(|(path, _)| path).collect();
    // In the service's own format.
    assert_eq!(strings, ["mcp::McpServerTokens::expires_at"]);
}

#[test]
fn every_optional_id_of_a_response_has_a_method() {
    let items = generate::listing(&PATCHED, &LOWERED, &PATCHED.manifest.areas()).unwrap();
    let mut count = 0;
    for (path, signature) in &items {
        let Some((structure, "id")) = path.rsplit_once("::") else {
            continue;
        };
        let is_response = items.contains_key(&format!("{structure}::extra"))
            && !items.contains_key(&format!("{structure}Builder"));
        if is_response && signature == "field: Option<String>" {
            count += 1;
            let method = items.get(&format!("{path}()"));
            assert_eq!(
                method.map(String::as_str),
                Some("fn(&self) -> Result<&str>"),
                "{path}"
            );
        }
    }
    assert!(count > 90, "{count}");
}

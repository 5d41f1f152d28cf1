//! The listing of the public items: independent of the selected areas, and stable when a type
//! becomes shared.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, path::Path};

use portkey_admin_codegen::{
    Manifest, Patched, Source, Sources, generate, lower::lower, patch, select::Areas,
};
use serde_json::{Value, json};

type Listing = BTreeMap<String, String>;

fn listing(patched: &Patched, areas: &Areas) -> Listing {
    generate::listing(patched, &lower(patched).unwrap(), areas).unwrap()
}

#[test]
fn items_of_one_area_are_a_subset_of_all_items() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let patched = patch(&Sources::read(&root).unwrap()).unwrap();
    let areas = patched.manifest.areas();
    let all = listing(&patched, &areas);
    assert!(areas.len() > 10, "{areas:?}");
    for area in areas {
        let items = listing(&patched, &Areas::from([area.clone()]));
        assert!(items.len() > 10, "{area}: {}", items.len());
        for (path, signature) in items {
            assert_eq!(all.get(&path), Some(&signature), "{area}: {path}");
        }
    }
}

/// Returns a small document in which `/things` has an operation in the area `things`, and `/makers`,
/// if `is_shared`, one in the area `makers` with the same types.
fn small_document(is_shared: bool) -> Patched {
    let operation = json!({
        "requestBody": {"required": true, "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/CreateThingRequest"}}}},
        "responses": {"200": {"content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Thing"}}}}},
    });
    let entry = |path: &str, id: &str, area: &str| {
        format!(
            "POST {path}: {{id: {id}, summary: Makes a thing., plane: control, area: {area}, \
             retry: never, status: works, evidence: {{by: document}}}}\n"
        )
    };
    let mut paths = json!({"/things": {"post": operation}});
    let mut manifest = entry("/things", "create_thing", "things");
    if is_shared {
        paths["/makers"] = json!({"post": operation});
        manifest += &entry("/makers", "order_thing", "makers");
    }
    let document: Value = json!({
        "openapi": "3.0.3",
        "info": {"version": "1"},
        "paths": paths,
        "components": {"schemas": {
            "Thing": {"type": "object", "properties": {
                "size": {"type": "integer"},
                "kind": {"$ref": "#/components/schemas/ThingKind"},
            }},
            "ThingKind": {"type": "string", "enum": ["round", "square"]},
            "CreateThingRequest": {"type": "object", "required": ["name"], "properties": {
                "name": {"type": "string"},
                "tags": {"type": "array", "items": {"type": "string"}},
            }},
        }},
    });
    let manifest = Manifest::parse(&Source {
        name: "operations.yaml".into(),
        text: manifest,
    });
    Patched {
        document,
        manifest: manifest.unwrap(),
        path_outcomes: Vec::new(),
    }
}

fn all_items(patched: &Patched) -> Listing {
    listing(patched, &patched.manifest.areas())
}

#[test]
fn type_that_becomes_shared_keeps_its_paths() {
    let before = all_items(&small_document(false));
    let after = all_items(&small_document(true));
    for (path, signature) in &before {
        assert_eq!(after.get(path), Some(signature), "{path}");
    }
    assert!(!before.contains_key("types::Thing"));
    for module in ["types", "things", "makers"] {
        let field = after.get(&format!("{module}::Thing::kind"));
        assert_eq!(field.unwrap(), "field: Option<ThingKind>", "{module}");
    }
}

#[test]
fn types_builders_methods_and_statics_are_listed() {
    let items: Vec<String> = all_items(&small_document(false))
        .iter()
        .map(|(path, signature)| format!("{path}  {signature}"))
        .collect();
    let expected = [
        "Client::create_thing  fn(&self) -> things::CreateThing",
        "operations::CREATE_THING  static: Operation",
        "things  mod",
        "things::CreateThing  builder",
        "things::CreateThing::body  fn(self, value: CreateThingRequest) -> Self",
        "things::CreateThing::send  async fn(self) -> Result<Thing>",
        "things::CreateThingRequest  struct",
        "things::CreateThingRequest::name  field: String",
        "things::CreateThingRequest::tags  field: Option<Vec<String>>",
        "things::CreateThingRequestBuilder  builder",
        "things::CreateThingRequestBuilder::maybe_tags  fn(self, value: Option<Vec<String>>) -> Self",
        "things::CreateThingRequestBuilder::name  fn(self, value: String) -> Self",
        "things::CreateThingRequestBuilder::tags  fn(self, value: Vec<String>) -> Self",
        "things::Thing  struct",
        "things::Thing::extra  field: JsonObject",
        "things::Thing::kind  field: Option<ThingKind>",
        "things::Thing::size  field: Option<i64>",
        "things::ThingKind  enum",
        "things::ThingKind::Round  variant",
        "things::ThingKind::Square  variant",
        "things::ThingKind::Unknown  variant(String)",
        "types  mod",
    ];
    assert_eq!(items, expected);
}

#[test]
fn every_analytics_operation_takes_the_same_filters() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let patched = patch(&Sources::read(&root).unwrap()).unwrap();
    let items = listing(&patched, &Areas::from(["analytics".to_owned()]));
    let operations = patched.manifest.iter().map(|(_, entry)| entry);
    let mut operations: Vec<_> = operations
        .filter(|entry| entry.area == "analytics")
        .collect();
    operations.retain(|entry| entry.id.starts_with("get_"));
    assert!(operations.len() >= 24, "{}", operations.len());
    for entry in operations {
        let builder = items[&format!("Client::{}", entry.id)]
            .rsplit(' ')
            .next()
            .unwrap();
        let setter = items.get(&format!("{builder}::filters"));
        assert_eq!(
            setter.unwrap(),
            "fn(self, value: AnalyticsFilters) -> Self",
            "{builder}"
        );
        assert!(
            !items.contains_key(&format!("{builder}::cost_min")),
            "{builder}"
        );
    }
    assert!(items.contains_key("analytics::AnalyticsFilters::cost_min"));
    assert!(items.contains_key("analytics::AnalyticsFilters::maybe_status_code"));
}

/// Returns a document whose operation references these of the components of a parameter group.
fn document_with_group(referenced: &[&str], members: &[&str]) -> Patched {
    let mut patched = small_document(false);
    let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    patched.document["components"]["parameters"] =
        json!({"Colour": parameter("colour"), "Weight": parameter("weight")});
    patched.document["components"]["x-parameter-groups"] =
        json!({"ThingFilters": {"description": "Selects things.", "parameters": members}});
    let reference = |name: &&str| json!({"$ref": format!("#/components/parameters/{name}")});
    patched.document["paths"]["/things"]["post"]["parameters"] =
        referenced.iter().map(reference).collect();
    patched
}

#[test]
fn an_operation_with_all_parameters_of_a_group_takes_it_as_one_value() {
    let areas = Areas::from(["things".to_owned()]);
    let group = ["Colour", "Weight"];
    let all = listing(&document_with_group(&group, &group), &areas);
    let builder = "things::CreateThing";
    assert!(all.contains_key("things::ThingFilters::colour"), "{all:#?}");
    assert!(all.contains_key(&format!("{builder}::filters")), "{all:#?}");
    assert!(!all.contains_key(&format!("{builder}::colour")), "{all:#?}");

    let some = listing(&document_with_group(&["Colour"], &group), &areas);
    assert!(!some.contains_key("things::ThingFilters"), "{some:#?}");
    assert!(
        some.contains_key(&format!("{builder}::colour")),
        "{some:#?}"
    );
}

#[test]
fn a_parameter_group_must_list_existing_components() {
    for (members, problem) in [
        (
            &["Colour", "Size"][..],
            "`Size` is not in components.parameters",
        ),
        (&[], "expected a list `parameters`"),
    ] {
        let error = lower(&document_with_group(&["Colour"], members))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("components.x-parameter-groups.ThingFilters"),
            "{error}"
        );
        assert!(error.contains(problem), "{error}");
    }
}

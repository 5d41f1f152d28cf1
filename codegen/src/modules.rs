//! Modules: the public module of each generated type and operation.
//!
//! An operation belongs to the module of its area; the gateway has a submodule for each group of
//! paths. A type belongs to the only module that uses it, or to a shared module. The assignment is
//! computed over the whole document, so that the path of a type does not depend on the areas that
//! are generated.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::Problems;
use crate::{
    Error, Manifest, Result, document,
    lower::{EVENT_KEY, Lowered, PARAMETER_GROUP_KEY, collect_components},
    manifest::Entry,
    reserved_segments::{has_parameter, segments},
    rust_names,
    select::also_in,
};

/// The module of the types that several areas share.
pub const SHARED: &str = "types";

/// The module of the metadata of the operations.
const OPERATIONS: &str = "operations";

/// The area that is divided into submodules.
const GATEWAY: &str = "gateway";

/// The public module of every type.
#[derive(Debug, Clone, Default)]
pub struct Modules {
    homes: BTreeMap<String, String>,
    used: BTreeMap<String, BTreeSet<String>>,
    usages: BTreeMap<String, Usage>,
}

/// The operations that use a type, by id.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Operations that take it as the request body.
    pub bodies: Vec<String>,
    /// Operations that return it.
    pub responses: Vec<String>,
    /// Operations that stream it.
    pub events: Vec<String>,
    /// Operations that use it as a part of their request or response.
    pub parts: Vec<String>,
}

impl Modules {
    /// Assigns every component of the whole lowered document to a module.
    ///
    /// # Errors
    ///
    /// Fails if an operation is not in the manifest or its module has no valid name.
    pub fn assign(lowered: &Lowered, manifest: &Manifest) -> Result<Self> {
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut usages: BTreeMap<String, Usage> = BTreeMap::new();
        let mut problems = Problems::default();
        for (path, method, operation) in document::operations(&lowered.document) {
            let entry = manifest.get(method, path).ok_or_else(|| {
                Error::new(crate::manifest::key(method, path), "not in the manifest")
            })?;
            let module = module_of(entry, path);
            if let Some(part) = invalid_part(&module) {
                problems.push(Error::new(
                    crate::manifest::key(method, path),
                    format!("`{part}` is not a valid name of a module"),
                ));
            }
            for name in reachable(&lowered.document, operation) {
                users
                    .entry(name.clone())
                    .or_default()
                    .insert(module.clone());
                usages
                    .entry(name.clone())
                    .or_default()
                    .add(&name, &entry.id, operation);
                used.entry(module.clone()).or_default().insert(name);
            }
        }
        for area in manifest.areas() {
            for name in also_in(&lowered.document, |other| other == area) {
                let schema = &lowered.document["components"]["schemas"][name];
                let mut names = BTreeSet::from([name.to_owned()]);
                collect_components(&lowered.document, schema, &mut names);
                for name in names {
                    let modules = users.entry(name.clone()).or_default();
                    modules.insert(area.clone());
                    used.entry(area.clone()).or_default().insert(name);
                }
            }
        }
        let homes = users
            .into_iter()
            .map(|(name, modules)| (name, home(&modules)))
            .collect();
        problems.finish(Self {
            homes,
            used,
            usages,
        })
    }

    /// Returns the operations that use a type.
    pub fn usage(&self, name: &str) -> Option<&Usage> {
        self.usages.get(name)
    }

    /// Returns the module of a type, such as `api_keys` or `gateway::chat`.
    pub fn home(&self, name: &str) -> &str {
        self.homes.get(name).map_or(SHARED, String::as_str)
    }

    /// Returns the types that the operations of a module use and that belong to another module.
    pub fn reexports(&self, module: &str) -> impl Iterator<Item = &str> {
        self.used
            .get(module)
            .into_iter()
            .flatten()
            .map(String::as_str)
            .filter(move |name| self.home(name) != module)
    }
}

impl Usage {
    fn add(&mut self, name: &str, id: &str, operation: &Value) {
        let media = "/content/application~1json/schema/$ref";
        let is = |pointer: &str| {
            let reference = operation.pointer(pointer).and_then(Value::as_str);
            reference.and_then(|text| text.rsplit('/').next()) == Some(name)
        };
        let list = if is(&format!("/requestBody{media}")) {
            &mut self.bodies
        } else if is(&format!("/responses/200{media}")) {
            &mut self.responses
        } else if is(&format!("/{EVENT_KEY}/$ref")) {
            &mut self.events
        } else {
            &mut self.parts
        };
        list.push(id.to_owned());
    }
}

/// Returns the module of an operation: its area, and for the gateway its first path segment.
pub fn module_of(entry: &Entry, path: &str) -> String {
    if entry.area != GATEWAY {
        return entry.area.clone();
    }
    let group = segments(path).find(|segment| !has_parameter(segment));
    format!("{GATEWAY}::{}", group.unwrap_or_default().replace('-', "_"))
}

/// Returns the part of a module that is not a valid name.
fn invalid_part(module: &str) -> Option<&str> {
    let is_invalid = |part: &&str| {
        !rust_names::is_identifier(part)
            || [SHARED, OPERATIONS].contains(part)
            || *part == "test_tables"
    };
    module.split("::").find(is_invalid)
}

/// Returns the components and the parameter groups that an operation uses.
fn reachable(document: &Value, operation: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect_components(document, operation, &mut found);
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let groups = parameters.filter_map(|parameter| parameter[PARAMETER_GROUP_KEY].as_str());
    found.extend(groups.map(str::to_owned));
    found
}

/// Returns the only module, the gateway if all are below it, or the shared module.
fn home(modules: &BTreeSet<String>) -> String {
    let mut all = modules.iter();
    match (all.next(), all.next()) {
        (Some(only), None) => only.clone(),
        _ if modules.iter().all(|module| area_of(module) == GATEWAY) => GATEWAY.to_owned(),
        _ => SHARED.to_owned(),
    }
}

/// Returns the area, and so the Cargo feature, of a module.
pub fn area_of(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

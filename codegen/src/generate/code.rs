//! The generated code, divided into modules and files.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{
    GeneratedFile, conversions, docs, examples, lists,
    model::{Model, ParameterGroup, Types, builder_path, type_path},
    operations::{self, ModuleOperations, OperationsCode},
    parse, types,
};
use crate::{
    Result,
    modules::{SHARED, area_of},
    select::Areas,
};

/// The generated code of the client.
pub struct GeneratedCode {
    areas: Vec<Module>,
    operations: TokenStream,
    tests: TokenStream,
    examples: String,
}

/// A public module with its submodules.
struct Module {
    name: String,
    docs: Vec<String>,
    /// The Cargo feature; `None` for the shared types.
    feature: Option<String>,
    items: TokenStream,
    submodules: Vec<Module>,
}

impl GeneratedCode {
    /// Divides the code of the types and operations into modules.
    pub fn new(areas: &Areas, model: &Model<'_>) -> Self {
        let OperationsCode {
            mut modules,
            table,
            round_trips,
            operation_refs,
            handwritten_calls,
        } = operations::code(model);
        for (module, code) in conversions::code(model) {
            modules.entry(module).or_default().conversions = code;
        }
        let mut found: Vec<Module> = areas
            .iter()
            .map(|area| {
                let is_below = |module: &str| module != area && area_of(module) == area;
                let submodules = modules.keys().filter(|module| is_below(module));
                let submodules: Vec<String> = submodules.cloned().collect();
                let mut area = Module::new(area, &mut modules, model);
                area.submodules = submodules
                    .iter()
                    .map(|name| Module::new(name, &mut modules, model))
                    .collect();
                area
            })
            .collect();
        found.push(Module::new(SHARED, &mut modules, model));
        Self {
            areas: found,
            operations: quote! {
                use std::borrow::Cow;
                use portkey_admin_constraints::{self as constraint, Condition, ConditionValue, Constraint, Rule};
                use crate::operation::*;
                #table

                /// Every operation of the enabled features.
                pub static ALL: &[&Operation] = &[#operation_refs];
            },
            tests: test_tables(&round_trips, &handwritten_calls),
            examples: examples::code(&model.operations),
        }
    }

    /// Returns all modules with their items, as one stream of tokens.
    pub fn tokens(&self) -> TokenStream {
        let areas = self
            .areas
            .iter()
            .map(|area| area.declaration(area.content()));
        let operations = operations_module(self.operations.clone());
        quote!(#(#areas)* #operations)
    }

    /// Returns the formatted files.
    pub fn files(&self) -> Result<Vec<GeneratedFile>> {
        let mut files = Vec::new();
        for area in &self.areas {
            files.push(file(&area.name, area.content())?);
        }
        files.push(file("operations", self.operations.clone())?);
        files.push(file("tests", self.tests.clone())?);
        files.push(GeneratedFile {
            name: "examples.rs".to_owned(),
            code: self.examples.clone(),
        });
        let areas = self
            .areas
            .iter()
            .map(|area| area.declaration(include(&area.name)));
        let operations = operations_module(include("operations"));
        files.push(file("areas", quote!(#(#areas)* #operations))?);
        Ok(files)
    }
}

impl Module {
    fn new(
        name: &str,
        operations: &mut BTreeMap<String, ModuleOperations>,
        model: &Model<'_>,
    ) -> Self {
        let Model { types, lists, .. } = model;
        let ModuleOperations {
            methods,
            builders,
            handwritten,
            conversions,
            rows,
        } = operations.remove(name).unwrap_or_default();
        let feature = (name != SHARED).then(|| area_of(name).to_owned());
        let groups = model.groups();
        let reexports = reexports(name, types, &groups);
        let groups = groups
            .iter()
            .filter(|(group, _)| types.modules().home(group) == name)
            .map(|(_, group)| group.definition(types));
        let handwritten = (!handwritten.is_empty())
            .then(|| quote!(pub use crate::gateway::handwritten::{#(#handwritten),*};));
        let type_tokens = types::tokens(types, name);
        let list_impls = lists
            .iter()
            .filter(|(list, _)| types.modules().home(list) == name)
            .map(|(_, list)| lists::paged_impl(list, types.modules()));
        let named_impls = lists::named_impls(model, name);
        let response_bodies = operations::response_bodies(model, name);
        let client = (!methods.is_empty()).then(|| {
            let heading = format!(" # `{name}`");
            let docs = feature_docs(feature.as_deref());
            let cfg = doc_cfg(feature.as_deref());
            quote! {
                #[doc = #heading]
                #(#[doc = #docs])*
                #cfg
                impl crate::Client { #methods }
            }
        });
        Self {
            name: name.rsplit("::").next().unwrap_or(name).to_owned(),
            docs: module_docs(name, feature.as_deref(), &rows),
            feature,
            items: quote!(#reexports #handwritten #client #builders #(#groups)* #type_tokens #conversions #response_bodies #(#list_impls)* #named_impls),
            submodules: Vec::new(),
        }
    }

    /// Returns the items, with the submodules inline.
    fn content(&self) -> TokenStream {
        let items = &self.items;
        let submodules = self
            .submodules
            .iter()
            .map(|module| module.declaration(module.content()));
        quote!(#items #(#submodules)*)
    }

    fn declaration(&self, content: TokenStream) -> TokenStream {
        let (name, docs) = (format_ident!("{}", self.name), &self.docs);
        let cfg = doc_cfg(self.feature.as_deref());
        quote! {
            #(#[doc = #docs])*
            #cfg
            pub mod #name { #content }
        }
    }
}

/// Returns the re-exports of the types that the operations of a module use and that are shared.
fn reexports(module: &str, types: &Types, groups: &BTreeMap<&str, &ParameterGroup>) -> TokenStream {
    let modules = types.modules();
    let exists = |name: &&str| types.get(name).is_some() || groups.contains_key(name);
    modules
        .reexports(module)
        .filter(exists)
        .map(|name| {
            let path = type_path(name, modules);
            let builder = types.is_request_struct(name).then(|| {
                let builder = builder_path(name, modules);
                quote!(pub use #builder;)
            });
            quote!(pub use #path; #builder)
        })
        .collect()
}

fn operations_module(content: TokenStream) -> TokenStream {
    quote! {
        /// Metadata of each operation.
        pub mod operations { #content }
    }
}

fn test_tables(round_trips: &TokenStream, handwritten_calls: &TokenStream) -> TokenStream {
    quote! {
        impl crate::decode::round_trip_tests::Responses {
            /// Decodes a body as the response of an operation and encodes it again. Returns `null`
            /// for an operation without a response body and `None` for an unknown operation.
            #[allow(unused_variables, unreachable_code, reason = "some features have no responses")]
            pub(crate) fn round_trip(
                operation: &str,
                body: &[u8],
            ) -> Option<Result<serde_json::Value, String>> {
                Some(match operation {
                    #round_trips
                    _ => return None,
                })
            }

            /// Each handwritten operation with the `Debug` output of its builder.
            #[allow(unused_variables, reason = "some features have no handwritten operations")]
            pub(crate) fn by_hand(client: &crate::Client) -> Vec<(&'static str, String)> {
                vec![#handwritten_calls]
            }
        }
    }
}

fn module_docs(name: &str, feature: Option<&str>, rows: &[String]) -> Vec<String> {
    let summary = match feature {
        None => {
            " Types that several areas share. Each area re-exports those that it uses.".to_owned()
        }
        Some(_) => format!(" Operations and types of `{name}`."),
    };
    let mut lines = vec![summary];
    lines.extend(feature_docs(feature));
    if !rows.is_empty() {
        lines.push(String::new());
        lines.extend(docs::TABLE_HEAD.map(str::to_owned));
        lines.extend(rows.iter().cloned());
    }
    lines
}

fn feature_docs(feature: Option<&str>) -> Vec<String> {
    feature
        .map(|feature| vec![String::new(), format!(" Requires the feature `{feature}`.")])
        .unwrap_or_default()
}

fn doc_cfg(feature: Option<&str>) -> Option<TokenStream> {
    feature.map(|feature| quote!(#[cfg_attr(docsrs, doc(cfg(feature = #feature)))]))
}

fn include(name: &str) -> TokenStream {
    let path = format!("/{name}.rs");
    quote!(include!(concat!(env!("OUT_DIR"), #path));)
}

fn file(name: &str, tokens: TokenStream) -> Result<GeneratedFile> {
    Ok(GeneratedFile {
        name: format!("{name}.rs"),
        code: prettyplease::unparse(&parse(tokens)?),
    })
}

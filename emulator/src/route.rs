//! Routing: path templates from the patched OpenAPI document, operation ids from the manifest.

use std::collections::HashMap;
use std::sync::OnceLock;

use matchit::Router;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use portkey_admin_codegen::document::METHODS;
use portkey_admin_codegen::manifest::{ApiVersion, Entry, Plane};
use portkey_admin_codegen::paths::{ObservedResponse, Rules};
use portkey_admin_codegen::{Manifest, document, manifest};
use serde_json::Value;

use crate::handlers;
use crate::handlers::resource::{Handler, Rule};
use crate::validate::Check;

/// All operations of the patched OpenAPI document, and the documented paths that do not exist.
pub(crate) struct Routes {
    operations: Vec<Operation>,
    removed: Vec<RemovedPath>,
    /// The routes of each method (upper case), and under [`OTHER_METHODS`] those of all others.
    routers: HashMap<String, Router<Target>>,
}

/// What a route leads to: an index into `operations` or `removed`.
#[derive(Clone, Copy)]
enum Target {
    Operation(usize),
    Removed(usize),
}

const OTHER_METHODS: &str = "*";

/// The path of the MCP gateway, which has an origin of its own in the service.
pub(crate) const MCP_PATH: &str = "/mcp/v0.1";

/// The path of the price files, which have an origin of their own in the service.
pub(crate) const PRICES_PATH: &str = "/prices";

/// A documented path that does not exist in the service.
pub(crate) struct RemovedPath {
    /// The methods, in lower case; `None` for all.
    methods: Option<Vec<&'static str>>,
    path: String,
    /// The status observed from the service: 400, 404 or 405.
    pub(crate) status: u16,
    /// The path or operation to use instead, if any.
    pub(crate) replacement: Option<String>,
}

/// One operation.
pub(crate) struct Operation {
    pub(crate) method: String,
    /// The path template from the OpenAPI document.
    pub(crate) path: String,
    pub(crate) entry: Entry,
    pub(crate) handler: Option<Handler>,
    pub(crate) guards: Vec<Rule>,
    pub(crate) quirks: Vec<Rule>,
    /// Whether the body is a multipart form.
    pub(crate) takes_form: bool,
    check: OnceLock<Result<Check, String>>,
}

/// The result of routing a method and a path.
pub(crate) enum Routing {
    Operation(Matched),
    /// A link from an earlier response.
    Link(Link),
    /// The path exists with other methods only; contains one of its operations.
    OtherMethod(&'static Operation),
    /// A documented path that does not exist in the service.
    Removed(&'static RemovedPath),
    /// No operation has such a path.
    NotFound,
}

/// An operation, and the names and values of its path parameters, in order.
pub(crate) struct Matched {
    pub(crate) operation: &'static Operation,
    pub(crate) arguments: Vec<(&'static str, String)>,
}

/// `/emulator/{organisation}/{name}/…`.
pub(crate) struct Link {
    pub(crate) organisation: String,
    pub(crate) name: String,
    pub(crate) rest: Vec<String>,
}

impl Routing {
    /// Returns the operation id.
    pub(crate) fn operation_id(&self) -> Option<&'static str> {
        match self {
            Self::Operation(matched) => Some(&matched.operation.entry.id),
            _ => None,
        }
    }

    /// Returns whether the operation is one of the gateway.
    pub(crate) fn is_gateway(&self) -> bool {
        matches!(self, Self::Operation(matched) if matched.operation.entry.plane == Plane::Gateway)
    }
}

impl Routes {
    /// Builds the routes of an OpenAPI document that was checked against the manifest.
    pub(crate) fn new(
        document: &Value,
        manifest: &Manifest,
        rules: &Rules,
    ) -> Result<Self, matchit::InsertError> {
        let operations = document::operations(document).filter_map(|(path, method, operation)| {
            let entry = manifest.get(method, path)?;
            Some(Operation::new(document, path, method, operation, entry))
        });
        let mut routes = Self {
            operations: operations.collect(),
            removed: removed_paths(rules),
            routers: HashMap::new(),
        };
        for (index, operation) in routes.operations.iter().enumerate() {
            let router = routes.routers.entry(operation.method.clone()).or_default();
            router.insert(operation.route(), Target::Operation(index))?;
        }
        for (index, removed) in routes.removed.iter().enumerate() {
            let methods = removed.methods.as_deref().unwrap_or(&METHODS);
            let other = removed.methods.is_none().then_some(OTHER_METHODS);
            for method in methods.iter().copied().chain(other) {
                let router = routes.routers.entry(method.to_ascii_uppercase());
                // An operation with the same path takes precedence.
                let _ = router
                    .or_default()
                    .insert(format!("/v1{}", removed.path), Target::Removed(index));
            }
        }
        Ok(routes)
    }

    /// Routes a method (upper case) and a raw path.
    pub(crate) fn find(&'static self, method: &str, path: &str) -> Routing {
        let segments = decode_path(path);
        if let [first, organisation, name, rest @ ..] = segments.as_slice()
            && first == "emulator"
        {
            return Routing::Link(Link {
                organisation: organisation.clone(),
                name: name.clone(),
                rest: rest.to_vec(),
            });
        }
        let path: String = segments.iter().map(|part| encode_segment(part)).collect();
        let router = self.routers.get(method);
        let found = router
            .or_else(|| self.routers.get(OTHER_METHODS))
            .and_then(|router| router.at(&path).ok());
        let Some(found) = found else {
            let other_methods =
                self.routers
                    .values()
                    .filter_map(|router| match router.at(&path).ok()?.value {
                        Target::Operation(index) => Some(*index),
                        Target::Removed(_) => None,
                    });
            return other_methods.min().map_or(Routing::NotFound, |index| {
                Routing::OtherMethod(&self.operations[index])
            });
        };
        match *found.value {
            Target::Removed(index) => Routing::Removed(&self.removed[index]),
            Target::Operation(index) => {
                let arguments = found.params.iter();
                Routing::Operation(Matched {
                    operation: &self.operations[index],
                    arguments: arguments
                        .map(|(name, value)| (name, decode(value)))
                        .collect(),
                })
            }
        }
    }

    /// Returns whether an operation with this id exists.
    pub(crate) fn has_operation(&self, id: &str) -> bool {
        let mut operations = self.operations.iter();
        operations.any(|operation| operation.entry.id == id)
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter()
    }
}

impl Operation {
    fn new(document: &Value, path: &str, method: &str, operation: &Value, entry: &Entry) -> Self {
        let (guards, quirks) = handlers::rules(&entry.id);
        let body = document::resolve(document, &operation["requestBody"]);
        let content = body.map_or(&Value::Null, |body| &body["content"]);
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            entry: entry.clone(),
            handler: handlers::handler(&entry.id),
            guards,
            quirks,
            takes_form: content.get("multipart/form-data").is_some()
                && content.get("application/json").is_none(),
            check: OnceLock::new(),
        }
    }

    /// Returns the path template below the origin of the emulator.
    fn route(&self) -> String {
        let base = match (self.entry.plane, self.entry.base) {
            (Plane::Public, _) => "",
            (Plane::Mcp, _) => MCP_PATH,
            (Plane::Prices, _) => PRICES_PATH,
            (Plane::Control | Plane::Gateway, ApiVersion::V1) => "/v1",
            (Plane::Control | Plane::Gateway, ApiVersion::V2) => "/v2",
        };
        format!("{base}{}", self.path)
    }

    /// Returns method and path: `GET /api-keys`.
    pub(crate) fn key(&self) -> String {
        manifest::key(&self.method, &self.path)
    }

    /// Returns the request validation of this operation, compiled on first use.
    pub(crate) fn check(&self, document: &Value) -> Result<&Check, &str> {
        self.check
            .get_or_init(|| {
                let method = self.method.to_ascii_lowercase();
                Check::new(document, &method, &self.path, &self.entry)
            })
            .as_ref()
            .map_err(String::as_str)
    }
}

/// Collects the documented paths that do not exist. Only 400, 404 and 405 show that; a 403 does
/// not.
fn removed_paths(rules: &Rules) -> Vec<RemovedPath> {
    let removed = |methods: Option<&[&'static str]>,
                   path: &str,
                   observed: &ObservedResponse,
                   replacement| RemovedPath {
        methods: methods.map(<[_]>::to_vec),
        path: path.to_owned(),
        status: observed.status,
        replacement,
    };
    let gone = rules.removals().iter().filter_map(|rule| {
        let observed = rule.evidence().answered.as_ref()?;
        let replacement = rule.instead().map(str::to_owned);
        Some(removed(rule.methods(), rule.path(), observed, replacement))
    });
    let renamed = rules.renames().iter().filter_map(|rule| {
        let observed = rule.evidence().documented.as_ref()?;
        let replacement = Some(rule.to().to_owned());
        Some(removed(rule.methods(), rule.from(), observed, replacement))
    });
    gone.chain(renamed)
        .filter(|removed| matches!(removed.status, 400 | 404 | 405))
        .collect()
}

/// Splits a raw path into segments, each percent-decoded exactly once.
pub(crate) fn decode_path(path: &str) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').map(decode).collect()
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// Returns a decoded segment in the form that routes are matched with: only `/` and `%` are
/// encoded.
fn encode_segment(segment: &str) -> String {
    const ENCODED: &AsciiSet = &CONTROLS.add(b'/').add(b'%');
    format!("/{}", utf8_percent_encode(segment, ENCODED))
}
#[cfg(test)]
mod tests {
    use portkey_admin_codegen::paths::Rules;
    use portkey_admin_codegen::{Manifest, Source, document};

    use super::{Routes, Routing};

    /// Builds the routes of operations with these ids and paths.
    fn routes(operations: &[(&str, &str)]) -> &'static Routes {
        let mut document = String::from("openapi: 3.0.3\npaths:\n");
        let mut manifest = String::new();
        for (id, path) in operations {
            document += &format!("  '{path}': {{get: {{responses: {{}}}}}}\n");
            manifest += &format!(
                "GET {path}: {{id: {id}, summary: Words., plane: control, area: api_keys, \
                 retry: safe, status: works, evidence: {{by: document}}}}\n"
            );
        }
        let source = |text: &str| Source {
            name: "test".to_owned(),
            text: text.to_owned(),
        };
        let routes = Routes::new(
            &document::parse("test", &document).unwrap(),
            &Manifest::parse(&source(&manifest)).unwrap(),
            &Rules::parse(&source("{}")).unwrap(),
        );
        Box::leak(Box::new(routes.unwrap()))
    }

    #[test]
    fn parameter_inside_a_segment_is_routed() {
        let routes = routes(&[
            ("get_odd_item", "/odd/items/{id}.json"),
            ("get_odd_note", "/odd/notes/note-{id}"),
            ("copy_odd_page", "/odd/pages/{id}:copy"),
            ("get_odd_page", "/odd/pages/{id}"),
        ]);
        for (path, id, value) in [
            ("/v1/odd/items/a1.json", "get_odd_item", "a1"),
            ("/v1/odd/items/a%20b.c.json", "get_odd_item", "a b.c"),
            ("/v1/odd/notes/note-7", "get_odd_note", "7"),
            ("/v1/odd/pages/p:copy", "copy_odd_page", "p"),
            ("/v1/odd/pages/p", "get_odd_page", "p"),
        ] {
            let Routing::Operation(matched) = routes.find("GET", path) else {
                panic!("{path} is not routed");
            };
            assert_eq!(matched.operation.entry.id, id, "{path}");
            assert_eq!(matched.arguments, [("id", value.to_owned())], "{path}");
        }
        for path in [
            "/v1/odd/items/a1",
            "/v1/odd/notes/a1",
            "/v1/odd/items/.json",
        ] {
            assert!(
                !matches!(routes.find("GET", path), Routing::Operation(_)),
                "{path}"
            );
        }
    }

    fn find(method: &str, path: &str) -> (Option<String>, Vec<String>) {
        match crate::api_spec::get().unwrap().routes.find(method, path) {
            Routing::Operation(matched) => {
                let values = matched.arguments.into_iter().map(|(_, value)| value);
                (Some(matched.operation.entry.id.clone()), values.collect())
            }
            _ => (None, Vec::new()),
        }
    }

    #[test]
    fn every_request_check_compiles() {
        let spec = crate::api_spec::get().unwrap();
        for operation in spec.routes.iter() {
            if let Err(error) = operation.check(&spec.document) {
                panic!("{}: {error}", operation.key());
            }
        }
    }

    #[test]
    fn literal_segments_take_precedence() {
        assert_eq!(
            find("GET", "/v1/admin/users/invites").0.as_deref(),
            Some("list_user_invites")
        );
        assert_eq!(
            find("GET", "/v1/admin/users/abc").0.as_deref(),
            Some("get_user")
        );
        assert_eq!(
            find("POST", "/v1/api-keys/x/rotate").0.as_deref(),
            Some("rotate_api_key")
        );
        assert_eq!(
            find("POST", "/v1/api-keys/workspace/service").0.as_deref(),
            Some("create_api_key")
        );
    }

    #[test]
    fn segments_are_decoded_exactly_once() {
        assert_eq!(find("GET", "/v1/configs/a%2Fb%2520c").1, ["a/b%20c"]);
        assert_eq!(find("GET", "/v1/configs/").0, None);
        assert_eq!(find("GET", "/configs/a").0, None);
    }

    #[test]
    fn public_operations_have_no_version() {
        assert_eq!(
            find("GET", "/model-configs/pricing/a/b").0.as_deref(),
            Some("get_model_pricing")
        );
    }
}

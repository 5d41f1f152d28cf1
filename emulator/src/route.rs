//! Routing: path templates from the patched OpenAPI document, operation ids from the manifest.

use std::sync::OnceLock;

use percent_encoding::percent_decode_str;
use portkey_admin_codegen::manifest::{ApiVersion, Entry, Plane};
use portkey_admin_codegen::paths::{ObservedResponse, Rules};
use portkey_admin_codegen::{Manifest, manifest, reserved_segments};
use serde_json::Value;

use crate::check::Check;
use crate::handlers::{self, Handler, Rule};

/// All operations of the patched OpenAPI document, and the documented paths that do not exist.
pub(crate) struct Routes {
    operations: Vec<Route>,
    removed: Vec<RemovedPath>,
}

/// A documented path that does not exist in the service.
pub(crate) struct RemovedPath {
    methods: Option<Vec<String>>,
    segments: Vec<Segment>,
    /// The status observed from the service: 400, 404 or 405.
    pub(crate) status: u16,
    /// The path or operation to use instead, if any.
    pub(crate) replacement: Option<String>,
}

/// One operation.
pub(crate) struct Route {
    pub(crate) method: String,
    /// The path template from the OpenAPI document.
    pub(crate) path: String,
    pub(crate) entry: Entry,
    pub(crate) handler: Option<Handler>,
    pub(crate) guards: Vec<Rule>,
    pub(crate) quirks: Vec<Rule>,
    segments: Vec<Segment>,
    check: OnceLock<Result<Check, String>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// Parameters and literal text, such as `{id}.json`.
    Template(Vec<Part>),
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Parameter(String),
}

/// The result of routing a method and a path.
pub(crate) enum RouteMatch<'a> {
    /// An operation and the values of its path parameters.
    Operation(&'a Route, Vec<String>),
    /// The path exists with other methods only; contains one of its operations.
    OtherMethod(&'a Route),
    /// A documented path that does not exist in the service.
    Removed(&'a RemovedPath),
    /// No operation has such a path.
    NotFound,
}

impl Routes {
    /// Builds the routes of an OpenAPI document that was checked against the manifest.
    pub(crate) fn new(document: &Value, manifest: &Manifest, rules: &Rules) -> Self {
        let operations = portkey_admin_codegen::document::operations(document)
            .filter_map(|(path, method, _)| Some((path, method, manifest.get(method, path)?)))
            .map(|(path, method, entry)| Route::new(path, method, entry))
            .collect();
        Self {
            operations,
            removed: removed_paths(rules),
        }
    }

    /// Finds the route for a method (upper case) and decoded path segments, including the version.
    pub(crate) fn find(&self, method: &str, segments: &[String]) -> RouteMatch<'_> {
        let matching = || {
            self.operations
                .iter()
                .filter(|route| segments_match(&route.segments, segments))
        };
        let operation = matching()
            .filter(|route| route.method == method)
            .max_by_key(|route| specificity(&route.segments));
        let mut removed = self.removed.iter();
        let removed = removed.find(|removed| removed.matches(method, segments));
        match (operation, removed) {
            // For example, `/analytics/groups/models` must not match `/analytics/groups/{groupBy}`.
            (Some(route), Some(removed))
                if specificity(&removed.segments) > specificity(&route.segments) =>
            {
                RouteMatch::Removed(removed)
            }
            (Some(route), _) => RouteMatch::Operation(route, route.parameter_values(segments)),
            (None, Some(removed)) => RouteMatch::Removed(removed),
            (None, None) => matching()
                .next()
                .map_or(RouteMatch::NotFound, RouteMatch::OtherMethod),
        }
    }

    /// Returns whether an operation with this id exists.
    pub(crate) fn has_operation(&self, id: &str) -> bool {
        self.operations.iter().any(|route| route.entry.id == id)
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.operations.iter()
    }
}

impl Route {
    fn new(path: &str, method: &str, entry: &Entry) -> Self {
        let version = match (entry.plane, entry.base) {
            (Plane::Public, _) => None,
            (_, ApiVersion::V1) => Some("v1"),
            (_, ApiVersion::V2) => Some("v2"),
        };
        let (guards, quirks) = handlers::rules(&entry.id);
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            entry: entry.clone(),
            handler: handlers::handler(&entry.id),
            guards,
            quirks,
            segments: path_segments(version, path),
            check: OnceLock::new(),
        }
    }

    /// Returns method and path: `GET /api-keys`.
    pub(crate) fn key(&self) -> String {
        manifest::key(&self.method, &self.path)
    }

    /// Returns the request validation of this operation, compiled on first use.
    pub(crate) fn check(&self, document: &Value) -> Result<&Check, &str> {
        self.check
            .get_or_init(|| Check::new(document, &self.method.to_ascii_lowercase(), &self.path))
            .as_ref()
            .map_err(String::as_str)
    }

    /// Returns the names of the path parameters, in order.
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flat_map(Segment::parameter_names)
    }

    fn parameter_values(&self, segments: &[String]) -> Vec<String> {
        let pairs = self.segments.iter().zip(segments);
        pairs
            .filter_map(|(segment, value)| segment.values(value))
            .flatten()
            .collect()
    }
}

impl RemovedPath {
    fn new(
        methods: Option<&[&'static str]>,
        path: &str,
        observed: &ObservedResponse,
        replacement: Option<String>,
    ) -> Self {
        Self {
            methods: methods.map(|methods| {
                methods
                    .iter()
                    .map(|method| method.to_ascii_uppercase())
                    .collect()
            }),
            segments: path_segments(Some("v1"), path),
            status: observed.status,
            replacement,
        }
    }

    fn matches(&self, method: &str, segments: &[String]) -> bool {
        self.methods
            .as_ref()
            .is_none_or(|methods| methods.iter().any(|name| name == method))
            && segments_match(&self.segments, segments)
    }
}

/// Collects the documented paths that do not exist. Only 400, 404 and 405 show that; a 403 does
/// not.
fn removed_paths(rules: &Rules) -> Vec<RemovedPath> {
    let gone = rules.removals().iter().filter_map(|rule| {
        let observed = rule.evidence().answered.as_ref()?;
        Some(RemovedPath::new(
            rule.methods(),
            rule.path(),
            observed,
            rule.instead().map(str::to_owned),
        ))
    });
    let renamed = rules.renames().iter().filter_map(|rule| {
        let observed = rule.evidence().documented.as_ref()?;
        Some(RemovedPath::new(
            rule.methods(),
            rule.from(),
            observed,
            Some(rule.to().to_owned()),
        ))
    });
    gone.chain(renamed)
        .filter(|removed| matches!(removed.status, 400 | 404 | 405))
        .collect()
}

/// Returns the segments of a path template, with the version first.
fn path_segments(version: Option<&str>, path: &str) -> Vec<Segment> {
    let version = version.map(|version| Segment::Literal(version.to_owned()));
    version
        .into_iter()
        .chain(path.trim_start_matches('/').split('/').map(Segment::parse))
        .collect()
}

/// Ranks a template: literals outrank parameters with literal text, which outrank parameters, and
/// earlier segments outrank later ones.
fn specificity(segments: &[Segment]) -> Vec<usize> {
    let rank = |segment: &Segment| match segment {
        Segment::Literal(_) => 2,
        Segment::Template(_) => 1,
        Segment::Parameter(_) => 0,
    };
    segments.iter().map(rank).collect()
}

/// Returns whether a path matches a template; a parameter does not match an empty segment.
fn segments_match(template: &[Segment], segments: &[String]) -> bool {
    template.len() == segments.len()
        && template
            .iter()
            .zip(segments)
            .all(|(segment, value)| segment.values(value).is_some())
}

impl Segment {
    fn parse(segment: &str) -> Self {
        let mut parts: Vec<Part> = reserved_segments::parts(segment)
            .into_iter()
            .map(|part| match part {
                reserved_segments::Part::Literal(text) => Part::Literal(text.to_owned()),
                reserved_segments::Part::Parameter(name) => Part::Parameter(name.to_owned()),
            })
            .collect();
        match parts.pop() {
            Some(Part::Parameter(name)) if parts.is_empty() => Self::Parameter(name),
            Some(last) if !parts.is_empty() => {
                parts.push(last);
                Self::Template(parts)
            }
            _ => Self::Literal(segment.to_owned()),
        }
    }

    fn parameter_names(&self) -> Vec<&str> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Parameter(name) => vec![name],
            Self::Template(parts) => {
                let names = parts.iter().filter_map(|part| match part {
                    Part::Parameter(name) => Some(name.as_str()),
                    Part::Literal(_) => None,
                });
                names.collect()
            }
        }
    }

    /// Returns the values of the parameters, or `None` if the segment does not match.
    fn values(&self, value: &str) -> Option<Vec<String>> {
        match self {
            Self::Literal(literal) => (literal == value).then(Vec::new),
            Self::Parameter(_) => (!value.is_empty()).then(|| vec![value.to_owned()]),
            Self::Template(parts) => part_values(parts, value),
        }
    }
}

/// Returns the values of the parameters in a segment; earlier ones are as long as possible.
fn part_values(parts: &[Part], value: &str) -> Option<Vec<String>> {
    let Some((first, rest)) = parts.split_first() else {
        return value.is_empty().then(Vec::new);
    };
    if let Part::Literal(literal) = first {
        return part_values(rest, value.strip_prefix(literal.as_str())?);
    }
    let ends = value.char_indices().skip(1).map(|(end, _)| end);
    let ends: Vec<usize> = ends.chain([value.len()]).filter(|end| *end > 0).collect();
    ends.into_iter().rev().find_map(|end| {
        let mut values = part_values(rest, &value[end..])?;
        values.insert(0, value[..end].to_owned());
        Some(values)
    })
}

/// Splits a raw path into segments, each percent-decoded exactly once.
pub(crate) fn decode_path(path: &str) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{RouteMatch, Segment, decode_path, specificity};

    fn find(method: &str, path: &str) -> (Option<String>, Vec<String>) {
        match crate::api_spec::get()
            .unwrap()
            .routes
            .find(method, &decode_path(path))
        {
            RouteMatch::Operation(route, values) => (Some(route.entry.id.clone()), values),
            RouteMatch::OtherMethod(_) | RouteMatch::Removed(_) | RouteMatch::NotFound => {
                (None, Vec::new())
            }
        }
    }

    #[test]
    fn every_request_check_compiles() {
        let spec = crate::api_spec::get().unwrap();
        for route in spec.routes.iter() {
            if let Err(error) = route.check(&spec.document) {
                panic!("{}: {error}", route.key());
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
    fn parameters_can_be_parts_of_a_segment() {
        let values = |template: &str, value: &str| Segment::parse(template).values(value);
        let found =
            |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect());
        assert_eq!(values("{id}.json", "a.json.json"), found(&["a.json"]));
        assert_eq!(values("{id}.json", ".json"), None);
        assert_eq!(values("{id}.json", "a.xml"), None);
        assert_eq!(values("v{a}:{b}", "vx:y:z"), found(&["x:y", "z"]));
        assert_eq!(values("{id}:copy", "é:copy"), found(&["é"]));
        let names = Segment::parse("v{a}:{b}");
        assert_eq!(names.parameter_names(), ["a", "b"]);
        let rank = |template: &str| specificity(&[Segment::parse(template)]);
        assert!(rank("all") > rank("{id}.json") && rank("{id}.json") > rank("{id}"));
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

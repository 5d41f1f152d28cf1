//! Literal reserved_segments: values of a path parameter that would reach another route.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document;

/// A path parameter: method (lower case), path, position of its segment.
pub type Position = (String, String, usize);

/// For every path parameter, the literal segments that stand at its position under the same
/// method (`GET /admin/users/{userId}` and `GET /admin/users/invites`).
pub fn reserved_segments(document: &Value) -> BTreeMap<Position, BTreeSet<String>> {
    let routes: Vec<(&str, &str, Vec<&str>)> = document::operations(document)
        .map(|(path, method, _)| (method, path, segments(path).collect()))
        .collect();
    let mut found: BTreeMap<Position, BTreeSet<String>> = BTreeMap::new();
    for (method, path, route) in &routes {
        for (index, _) in route
            .iter()
            .enumerate()
            .filter(|(_, segment)| is_parameter(segment))
        {
            let literals: BTreeSet<String> = routes
                .iter()
                .filter(|(other_method, _, other)| {
                    other_method == method && same_prefix(route, other, index)
                })
                .filter_map(|(_, _, other)| {
                    other.get(index).filter(|segment| !is_parameter(segment))
                })
                .map(|segment| (*segment).to_owned())
                .collect();
            if !literals.is_empty() {
                found.insert(((*method).to_owned(), (*path).to_owned(), index), literals);
            }
        }
    }
    found
}

/// The segments of a path, without its leading slash.
pub fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_start_matches('/').split('/')
}

/// Whether a segment is a `{parameter}`.
pub fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

/// Whether two routes agree before `index`; a parameter agrees with a parameter of any name.
fn same_prefix(route: &[&str], other: &[&str], index: usize) -> bool {
    other.len() > index
        && route[..index].iter().zip(other).all(|(segment, other)| {
            segment == other || (is_parameter(segment) && is_parameter(other))
        })
}

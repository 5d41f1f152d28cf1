//! Reserved segments: values of a path parameter that would match another route.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document;

/// A path parameter: method (lower case), path, index of its segment.
pub type Position = (String, String, usize);

/// Returns, for every path parameter, the literal segments at the same index of other routes with
/// the same method and prefix (`GET /admin/users/{userId}` and `GET /admin/users/invites`).
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

/// Returns the segments of a path, without the leading slash.
pub fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_start_matches('/').split('/')
}

/// Returns whether a segment is a `{parameter}`.
pub fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

/// Returns whether two routes are equal before `index`; parameter names do not matter.
fn same_prefix(route: &[&str], other: &[&str], index: usize) -> bool {
    other.len() > index
        && route[..index].iter().zip(other).all(|(segment, other)| {
            segment == other || (is_parameter(segment) && is_parameter(other))
        })
}

//! Reserved segments: values of a path parameter that would match another route.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document;

/// A path parameter: method (lower case), path, index of its segment.
pub type Position = (String, String, usize);

/// Returns, for every segment with parameters, the segments at the same index of other routes with
/// the same method and prefix that a value can match (`GET /admin/users/{userId}` and `GET
/// /admin/users/invites`). In those, `{}` stands for any text, as in `{}.json`.
pub fn reserved_segments(document: &Value) -> BTreeMap<Position, BTreeSet<String>> {
    let routes: Vec<(&str, &str, Vec<&str>)> = document::operations(document)
        .map(|(path, method, _)| (method, path, segments(path).collect()))
        .collect();
    let mut found: BTreeMap<Position, BTreeSet<String>> = BTreeMap::new();
    for (method, path, route) in &routes {
        for (index, segment) in route
            .iter()
            .enumerate()
            .filter(|(_, segment)| has_parameter(segment))
        {
            let reserved: BTreeSet<String> = routes
                .iter()
                .filter(|(other_method, _, other)| {
                    other_method == method && same_prefix(route, other, index)
                })
                .filter_map(|(_, _, other)| other.get(index))
                .filter(|other| is_within(other, segment))
                .map(|other| shape(other))
                .collect();
            if !reserved.is_empty() {
                found.insert(((*method).to_owned(), (*path).to_owned(), index), reserved);
            }
        }
    }
    found
}

/// Returns the segments of a path, without the leading slash.
pub fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.trim_start_matches('/').split('/')
}

/// A part of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Literal text.
    Literal(&'a str),
    /// The name of a parameter.
    Parameter(&'a str),
}

/// Returns the parts of a segment: `{id}.json` is the parameter `id` and the literal `.json`.
pub fn parts(segment: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = segment;
    while let Some((literal, (name, after))) = rest
        .split_once('{')
        .and_then(|(literal, after)| Some((literal, after.split_once('}')?)))
    {
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        parts.push(Part::Parameter(name));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest));
    }
    parts
}

/// Returns the names of the parameters of a path, in order.
pub fn parameters(path: &str) -> impl Iterator<Item = &str> {
    segments(path)
        .flat_map(parts)
        .filter_map(|part| match part {
            Part::Parameter(name) => Some(name),
            Part::Literal(_) => None,
        })
}

/// Returns whether a segment is a `{parameter}`.
pub fn is_parameter(segment: &str) -> bool {
    matches!(parts(segment).as_slice(), [Part::Parameter(_)])
}

/// Returns whether a segment is or contains a `{parameter}`.
pub fn has_parameter(segment: &str) -> bool {
    parts(segment)
        .iter()
        .any(|part| matches!(part, Part::Parameter(_)))
}

/// Returns a segment without the names of its parameters: `{}.json`.
fn shape(segment: &str) -> String {
    parts(segment)
        .into_iter()
        .map(|part| match part {
            Part::Literal(literal) => literal,
            Part::Parameter(_) => "{}",
        })
        .collect()
}

/// Returns whether every text that matches `inner` also matches `outer`, but not vice versa.
fn is_within(inner: &str, outer: &str) -> bool {
    let (inner, outer) = (shape(inner), shape(outer));
    let Some((prefix, rest)) = outer.split_once("{}") else {
        return false;
    };
    let suffix = rest.rsplit("{}").next().unwrap_or(rest);
    inner != outer
        && inner.len() > prefix.len() + suffix.len()
        && inner.starts_with(prefix)
        && inner.ends_with(suffix)
}

/// Returns whether two routes are equal before `index`; parameter names do not matter.
fn same_prefix(route: &[&str], other: &[&str], index: usize) -> bool {
    other.len() > index
        && route[..index]
            .iter()
            .zip(other)
            .all(|(segment, other)| shape(segment) == shape(other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn segments_have_parts() {
        use Part::{Literal, Parameter};
        for (segment, expected) in [
            ("things", vec![Literal("things")]),
            ("{id}", vec![Parameter("id")]),
            ("{id}.json", vec![Parameter("id"), Literal(".json")]),
            (
                "v{a}-{b}",
                vec![Literal("v"), Parameter("a"), Literal("-"), Parameter("b")],
            ),
            ("{open", vec![Literal("{open")]),
            ("", vec![]),
        ] {
            assert_eq!(parts(segment), expected, "{segment}");
        }
        assert!(is_parameter("{id}") && !is_parameter("{a}-{b}") && !is_parameter("{id}.json"));
        assert!(has_parameter("{id}.json") && !has_parameter("things"));
        let found: Vec<_> = parameters("/a/{b}/{c}:copy").collect();
        assert_eq!(found, ["b", "c"]);
    }

    #[test]
    fn segments_that_a_value_can_match_are_reserved() {
        let paths = [
            "/a/{id}",
            "/a/{id}.json",
            "/a/all",
            "/a/all.json",
            "/a/v{x}-{y}",
            "/b/{id}",
            "/a/{other}/c",
        ];
        let items = paths.map(|path| (path.to_owned(), json!({"get": {}})));
        let document = json!({"paths": serde_json::Map::from_iter(items)});
        let reserved = reserved_segments(&document);
        let at = |path: &str| {
            let position = ("get".to_owned(), path.to_owned(), 1);
            let found = reserved.get(&position).into_iter().flatten();
            found.map(String::as_str).collect::<Vec<_>>()
        };
        assert_eq!(at("/a/{id}"), ["all", "all.json", "v{}-{}", "{}.json"]);
        assert_eq!(at("/a/{id}.json"), ["all.json"]);
        assert_eq!(at("/a/v{x}-{y}"), Vec::<&str>::new());
        assert_eq!(at("/b/{id}"), Vec::<&str>::new());
    }
}

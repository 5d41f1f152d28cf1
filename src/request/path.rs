//! Request paths. Every argument becomes one segment, or a part of it, of the operation's own route.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::{
    Error,
    operation::{Operation, Part, Segment},
};

/// Everything except the unreserved characters of RFC 3986.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Builds the path of an operation below `root` from the arguments for its parameters.
///
/// # Errors
///
/// If an argument is empty, `.` or `..`, or selects another route (`get_user("invites")`).
pub(crate) fn path(
    root: &str,
    operation: &Operation,
    arguments: &[String],
) -> Result<String, Error> {
    let mut arguments = arguments.iter().map(String::as_str);
    let mut path = String::with_capacity(root.len() + operation.path.len() + 32);
    path.push_str(root);
    for segment in operation.segments {
        path.push('/');
        match segment {
            Segment::Literal(literal) => path.push_str(literal),
            Segment::Parameter { name, reserved } => {
                let value = arguments.next().unwrap_or_default();
                check_not_empty(name, value)?;
                check_segment(name, value, reserved)?;
                path.extend(utf8_percent_encode(value, ENCODED));
            }
            Segment::Template { parts, reserved } => {
                push_template(&mut path, parts, reserved, &mut arguments)?;
            }
        }
    }
    Ok(path)
}

/// Returns the arguments by the names of their parameters.
pub(crate) fn named_arguments(operation: &Operation, arguments: &[String]) -> Map<String, Value> {
    let names = operation.segments.iter().flat_map(Segment::parameter_names);
    names
        .zip(arguments)
        .map(|(name, value)| (name.to_owned(), value.as_str().into()))
        .collect()
}

/// Appends a segment with parameters and literal text. The arguments alone are not checked: the
/// service matches the whole segment.
fn push_template<'a>(
    path: &mut String,
    parts: &[Part],
    reserved: &[&str],
    arguments: &mut impl Iterator<Item = &'a str>,
) -> Result<(), Error> {
    let mut segment = String::new();
    let mut last = "";
    for part in parts {
        match part {
            Part::Literal(literal) => {
                segment.push_str(literal);
                path.push_str(literal);
            }
            Part::Parameter(name) => {
                let value = arguments.next().unwrap_or_default();
                check_not_empty(name, value)?;
                segment.push_str(value);
                path.extend(utf8_percent_encode(value, ENCODED));
                last = name;
            }
        }
    }
    check_segment(last, &segment, reserved)
}

fn check_not_empty(name: &str, value: &str) -> Result<(), Error> {
    match value {
        "" => Err(invalid_argument(name, "is empty")),
        _ => Ok(()),
    }
}

/// Checks a whole segment, which `name` completes.
fn check_segment(name: &str, segment: &str, reserved: &[&str]) -> Result<(), Error> {
    let problem = match segment {
        "." | ".." => format!("is `{segment}`, which would change the path"),
        _ if reserved.iter().any(|pattern| matches(pattern, segment)) => {
            format!("is `{segment}`, which selects another route")
        }
        _ => return Ok(()),
    };
    Err(invalid_argument(name, &problem))
}

/// Returns whether a segment matches a pattern, in which `{}` stands for any text.
fn matches(pattern: &str, segment: &str) -> bool {
    let Some((literal, pattern)) = pattern.split_once("{}") else {
        return pattern == segment;
    };
    let Some(rest) = segment.strip_prefix(literal) else {
        return false;
    };
    let ends = rest.char_indices().skip(1).map(|(end, _)| end);
    ends.chain([rest.len()])
        .filter(|end| *end > 0)
        .any(|end| matches(pattern, &rest[end..]))
}

fn invalid_argument(name: &str, problem: &str) -> Error {
    Error::invalid_request(format!("path argument `{name}` {problem}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PARAMETER: Segment = Segment::Parameter {
        name: "id",
        reserved: &["all", "{}.json"],
    };
    const JSON: Segment = Segment::Template {
        parts: &[Part::Parameter("id"), Part::Literal(".json")],
        reserved: &["all.json"],
    };
    const COPY: Segment = Segment::Template {
        parts: &[
            Part::Parameter("a"),
            Part::Literal(":"),
            Part::Parameter("b"),
        ],
        reserved: &[],
    };
    const DOTS: Segment = Segment::Template {
        parts: &[Part::Parameter("id"), Part::Literal(".")],
        reserved: &[],
    };

    fn segment_of(segment: &Segment, arguments: &[&str]) -> Result<String, String> {
        let mut path = String::new();
        let mut arguments = arguments.iter().copied();
        let result = match segment {
            Segment::Template { parts, reserved } => {
                push_template(&mut path, parts, reserved, &mut arguments)
            }
            Segment::Parameter { name, reserved } => {
                let value = arguments.next().unwrap_or_default();
                path.push_str(value);
                check_segment(name, value, reserved)
            }
            Segment::Literal(_) => Ok(()),
        };
        result.map(|()| path).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_encoded_within_a_segment() {
        assert_eq!(segment_of(&JSON, &["open ai"]).unwrap(), "open%20ai.json");
        assert_eq!(segment_of(&JSON, &["a/../b"]).unwrap(), "a%2F..%2Fb.json");
        assert_eq!(segment_of(&COPY, &["x:y", "z"]).unwrap(), "x%3Ay:z");
        assert_eq!(segment_of(&DOTS, &["a"]).unwrap(), "a.");
    }

    #[test]
    fn whole_segments_are_checked() {
        for (segment, arguments, expected) in [
            (
                &JSON,
                &["all"][..],
                "`id` is `all.json`, which selects another route",
            ),
            (&JSON, &[""][..], "`id` is empty"),
            (&COPY, &["a", ""][..], "`b` is empty"),
            (
                &DOTS,
                &["."][..],
                "`id` is `..`, which would change the path",
            ),
            (
                &PARAMETER,
                &["x.json"][..],
                "`id` is `x.json`, which selects another route",
            ),
        ] {
            let error = segment_of(segment, arguments).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        for value in ["all.json", ".json", "json"] {
            let is_other_route = segment_of(&PARAMETER, &[value]).is_err();
            assert_eq!(is_other_route, value == "all.json", "{value}");
        }
    }

    #[cfg(feature = "users")]
    #[test]
    fn argument_that_selects_another_route_is_rejected() {
        let operation = &crate::operations::GET_USER;
        let error = path("", operation, &["invites".to_owned()]).unwrap_err();
        assert!(
            error.to_string().contains("selects another route"),
            "{error}"
        );
        assert_eq!(
            path("", operation, &["one".to_owned()]).unwrap(),
            "/admin/users/one"
        );
    }

    #[test]
    fn patterns_match_any_text() {
        assert!(matches("v{}-{}", "v1-2") && matches("{}", "é") && matches("{}é", "éé"));
        assert!(!matches("v{}-{}", "v-2") && !matches("{}.json", ".json") && !matches("a", "ab"));
    }
}

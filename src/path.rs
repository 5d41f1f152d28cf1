//! Paths: every argument is exactly one segment, and reaches the route that it was meant for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    Error,
    operation::{Operation, Segment},
};

/// Everything but RFC 3986's unreserved characters.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The path of an operation below `root`, with `arguments` in the place of its parameters.
///
/// An argument that is empty, `.` or `..`, or that names another route (`get_user("invites")`), is
/// refused.
pub(crate) fn path(
    root: &str,
    operation: &Operation,
    arguments: &[String],
) -> Result<String, Error> {
    let mut arguments = arguments.iter();
    let mut path = String::with_capacity(root.len() + operation.path.len() + 32);
    path.push_str(root);
    for segment in operation.segments {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::Parameter { name, reserved } => {
                let value = arguments.next().map_or("", String::as_str);
                check(name, value, reserved)?;
                path.extend(utf8_percent_encode(value, ENCODED));
            }
        }
    }
    Ok(path)
}

fn check(name: &str, value: &str, reserved: &[&str]) -> Result<(), Error> {
    let problem = match value {
        "" => "is empty".to_owned(),
        "." | ".." => format!("is `{value}`, which would change the path"),
        _ if reserved.contains(&value) => format!("is `{value}`, which names another route"),
        _ => return Ok(()),
    };
    Err(Error::invalid_request(format!(
        "path argument `{name}` {problem}"
    )))
}

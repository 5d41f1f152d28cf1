//! Request paths. Every argument becomes exactly one segment of the operation's own route.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    Error,
    operation::{Operation, Segment},
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
    let mut arguments = arguments.iter();
    let mut path = String::with_capacity(root.len() + operation.path.len() + 32);
    path.push_str(root);
    for segment in operation.segments {
        path.push('/');
        match segment {
            Segment::Literal(literal) => path.push_str(literal),
            Segment::Parameter { name, reserved } => {
                let value = arguments.next().map_or("", String::as_str);
                check_argument(name, value, reserved)?;
                path.extend(utf8_percent_encode(value, ENCODED));
            }
        }
    }
    Ok(path)
}

fn check_argument(name: &str, value: &str, reserved: &[&str]) -> Result<(), Error> {
    let problem = match value {
        "" => "is empty".to_owned(),
        "." | ".." => format!("is `{value}`, which would change the path"),
        _ if reserved.contains(&value) => format!("is `{value}`, which selects another route"),
        _ => return Ok(()),
    };
    Err(Error::invalid_request(format!(
        "path argument `{name}` {problem}"
    )))
}

//! What the generated builders share.

use std::convert::Infallible;

use crate::{Error, answer::Answer};

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The value of a member that must be set.
pub(crate) fn required<T>(value: Option<T>, name: &str, member: &str) -> Result<T, Error> {
    value.ok_or_else(|| Error::invalid_request(format!("`{member}` of {name} is required")))
}

/// A list or map that was received, unless it is empty: an answer cannot tell that from absent.
#[allow(dead_code, reason = "not every set of features has such a member")]
pub(crate) fn unless_empty<T: Answer>(value: T) -> Option<T> {
    (!value.is_absent()).then_some(value)
}

/// The first problem that a setter met.
pub(crate) fn no_problem(problem: Option<Error>) -> Result<(), Error> {
    problem.map_or(Ok(()), Err)
}

/// A nested value or its builder; a problem is kept, with the member's name, until the end.
pub(crate) fn converted<T, V: TryInto<T, Error: Into<Error>>>(
    problem: &mut Option<Error>,
    member: &str,
    value: V,
) -> Option<T> {
    match value.try_into() {
        Ok(value) => Some(value),
        Err(error) => {
            problem.get_or_insert_with(|| error.into().inside(member));
            None
        }
    }
}

/// A list of nested values or builders.
pub(crate) fn converted_list<T, V: TryInto<T, Error: Into<Error>>>(
    problem: &mut Option<Error>,
    member: &str,
    values: impl IntoIterator<Item = V>,
) -> Option<Vec<T>> {
    values
        .into_iter()
        .enumerate()
        .map(|(index, value)| converted(problem, &format!("{member}[{index}]"), value))
        .collect()
}

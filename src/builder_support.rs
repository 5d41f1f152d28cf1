//! What the generated builders share.

use std::{collections::BTreeMap, convert::Infallible};

use crate::{Error, decode::LenientDecode};

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
pub(crate) fn non_empty<T: LenientDecode>(value: T) -> Option<T> {
    (!value.is_absent()).then_some(value)
}

/// What is wrong with a member, until it is set anew.
#[derive(Clone, Debug)]
pub(crate) struct BuildError {
    member: &'static str,
    error: Error,
}

/// The problem that is left.
pub(crate) fn finish(problem: Option<BuildError>) -> Result<(), Error> {
    problem.map_or(Ok(()), |problem| Err(problem.error))
}

/// Keeps the first problem, and forgets that of a member that is set anew.
fn settle<T>(
    problem: &mut Option<BuildError>,
    member: &'static str,
    result: Result<T, Error>,
) -> Option<T> {
    if problem
        .as_ref()
        .is_some_and(|problem| problem.member == member)
    {
        *problem = None;
    }
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            problem.get_or_insert(BuildError { member, error });
            None
        }
    }
}

/// A nested value or its builder; a problem is kept, with the member's name, until the end.
pub(crate) fn converted<T, V: TryInto<T, Error: Into<Error>>>(
    problem: &mut Option<BuildError>,
    member: &'static str,
    value: V,
) -> Option<T> {
    settle(
        problem,
        member,
        value
            .try_into()
            .map_err(|error| error.into().inside(member)),
    )
}

/// A number; JSON has no infinity and would send `null`, which may mean something.
pub(crate) fn finite(
    problem: &mut Option<BuildError>,
    member: &'static str,
    value: f64,
) -> Option<f64> {
    settle(problem, member, check_finite(member, value))
}

/// Refuses what JSON cannot hold.
pub(crate) fn check_finite(member: &str, value: f64) -> Result<f64, Error> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::invalid_request(format!(
            "`{member}` is {value}, which is no number that can be sent"
        )))
    }
}

/// A body that is a list of values or builders.
pub(crate) fn list<T, V: TryInto<T, Error: Into<Error>>>(
    values: impl IntoIterator<Item = V>,
) -> Result<Vec<T>, Error> {
    let item = |(index, value): (usize, V)| {
        value
            .try_into()
            .map_err(|error| error.into().inside(&format!("[{index}]")))
    };
    values.into_iter().enumerate().map(item).collect()
}

/// A list of nested values or builders.
pub(crate) fn converted_list<T, V: TryInto<T, Error: Into<Error>>>(
    problem: &mut Option<BuildError>,
    member: &'static str,
    values: impl IntoIterator<Item = V>,
) -> Option<Vec<T>> {
    let items = values.into_iter().enumerate().map(|(index, value)| {
        value
            .try_into()
            .map_err(|error| error.into().inside(&format!("{member}[{index}]")))
    });
    let items = items.collect();
    settle(problem, member, items)
}

/// A map of nested values or builders.
pub(crate) fn converted_map<K: Into<String>, T, V: TryInto<T, Error: Into<Error>>>(
    problem: &mut Option<BuildError>,
    member: &'static str,
    values: impl IntoIterator<Item = (K, V)>,
) -> Option<BTreeMap<String, T>> {
    let entries = values.into_iter().map(|(name, value)| {
        let name = name.into();
        match value.try_into() {
            Ok(value) => Ok((name, value)),
            Err(error) => Err(error.into().inside(&format!("{member}.{name}"))),
        }
    });
    let entries = entries.collect();
    settle(problem, member, entries)
}

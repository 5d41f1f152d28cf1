//! Functions that the generated builders share.

use std::{collections::BTreeMap, convert::Infallible};

use serde::Serialize;
use serde_json::Value;

use super::arguments::{self, IntoOptional};
use crate::{Error, JsonObject, Patch, decode::LenientDecode};

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A field of a builder.
pub(crate) trait Slot<T> {
    /// Sets the value.
    fn set(&mut self, value: T);
}

impl<T> Slot<T> for Option<T> {
    fn set(&mut self, value: T) {
        *self = Some(value);
    }
}

impl<T> Slot<T> for Patch<T> {
    fn set(&mut self, value: T) {
        *self = Self::Set(value);
    }
}

/// Sets a field; `None` changes nothing.
pub(crate) fn assign<T>(slot: &mut impl Slot<T>, value: Option<T>) {
    if let Some(value) = value {
        slot.set(value);
    }
}

/// Returns the value of a required field.
pub(crate) fn required<T>(value: Option<T>, type_name: &str, field: &str) -> Result<T, Error> {
    value.ok_or_else(|| arguments::required_field(type_name, field))
}

/// Returns a list or map of a response unless it is empty. Responses do not distinguish empty and
/// absent.
pub(crate) fn non_empty<T: LenientDecode>(value: T) -> Option<T> {
    (!value.is_absent()).then_some(value)
}

/// The first error of a builder and the field that caused it.
#[derive(Clone, Debug)]
pub(crate) struct BuildError {
    field: &'static str,
    error: Error,
}

/// Returns the recorded error, if there is one.
pub(crate) fn finish(error: Option<BuildError>) -> Result<(), Error> {
    error.map_or(Ok(()), |recorded| Err(recorded.error))
}

/// Records the error of setting a field, unless there is one. Setting a field again removes its
/// error.
fn record<T>(
    recorded: &mut Option<BuildError>,
    field: &'static str,
    result: Result<T, Error>,
) -> Option<T> {
    if recorded
        .as_ref()
        .is_some_and(|recorded| recorded.field == field)
    {
        *recorded = None;
    }
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            recorded.get_or_insert(BuildError { field, error });
            None
        }
    }
}

/// Converts a value; an error is recorded with the path of the field. Returns `None` if the value
/// is `None` or after an error.
pub(crate) fn optional<T, M>(
    recorded: &mut Option<BuildError>,
    field: &'static str,
    value: impl IntoOptional<T, M>,
) -> Option<T> {
    match value.into_optional() {
        Ok(None) => None,
        Ok(Some(value)) => record(recorded, field, Ok(value)),
        Err(error) => record(recorded, field, Err(error.with_field_path(field))),
    }
}

/// Converts a value to a JSON object; an error is recorded with the path of the field.
pub(crate) fn object(
    recorded: &mut Option<BuildError>,
    field: &'static str,
    value: &impl Serialize,
) -> Option<JsonObject> {
    let object = arguments::json_object(value);
    record(
        recorded,
        field,
        object.map_err(|error| error.with_field_path(field)),
    )
}

/// Returns the JSON object of a field of a response, which may be a string of JSON.
pub(crate) fn object_in(value: Value, field: &str) -> Result<JsonObject, Error> {
    let value = match value {
        Value::String(json) => serde_json::from_str(&json).unwrap_or(Value::String(json)),
        value => value,
    };
    arguments::object_of(value).map_err(|error| error.with_field_path(field))
}

/// Converts a list of values to JSON objects.
pub(crate) fn object_list(
    recorded: &mut Option<BuildError>,
    field: &'static str,
    values: impl IntoIterator<Item = impl Serialize>,
) -> Option<Vec<JsonObject>> {
    let items = each(field, values, |value| arguments::json_object(&value));
    record(recorded, field, items)
}

/// Converts the items of a list; an error names the field and the index.
fn each<T, V>(
    field: &str,
    values: impl IntoIterator<Item = V>,
    convert: impl Fn(V) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let values = values.into_iter().enumerate();
    values
        .map(|(index, value)| {
            convert(value).map_err(|error| error.with_field_path(&format!("{field}[{index}]")))
        })
        .collect()
}

/// Copies a list of strings.
pub(crate) fn strings(values: impl IntoIterator<Item: AsRef<str>>) -> Vec<String> {
    let values = values.into_iter();
    values.map(|value| value.as_ref().to_owned()).collect()
}

/// Checks that a number is finite: JSON would encode NaN and infinity as `null`, which may have a
/// meaning.
pub(crate) fn finite(
    recorded: &mut Option<BuildError>,
    field: &'static str,
    value: Option<f64>,
) -> Option<f64> {
    record(recorded, field, check_finite(field, value?))
}

/// Returns an error if a number is NaN or infinite.
pub(crate) fn check_finite(name: &str, value: f64) -> Result<f64, Error> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::invalid_request(format!(
            "`{name}` must be finite, got {value}"
        )))
    }
}

/// Converts a body that is a list of values or builders.
pub(crate) fn list<T, V: TryInto<T, Error: Into<Error>>>(
    values: impl IntoIterator<Item = V>,
) -> Result<Vec<T>, Error> {
    each("", values, |value| value.try_into().map_err(Into::into))
}

/// Converts a list of nested values or builders.
pub(crate) fn converted_list<T, V: TryInto<T, Error: Into<Error>>>(
    recorded: &mut Option<BuildError>,
    field: &'static str,
    values: impl IntoIterator<Item = V>,
) -> Option<Vec<T>> {
    let items = each(field, values, |value| value.try_into().map_err(Into::into));
    record(recorded, field, items)
}

/// Converts a map of nested values or builders.
pub(crate) fn converted_map<K: Into<String>, T, V: TryInto<T, Error: Into<Error>>>(
    recorded: &mut Option<BuildError>,
    field: &'static str,
    values: impl IntoIterator<Item = (K, V)>,
) -> Option<BTreeMap<String, T>> {
    let entries = values.into_iter().map(|(key, value)| {
        let key = key.into();
        match value.try_into() {
            Ok(value) => Ok((key, value)),
            Err(error) => Err(error.into().with_field_path(&format!("{field}.{key}"))),
        }
    });
    let entries = entries.collect();
    record(recorded, field, entries)
}

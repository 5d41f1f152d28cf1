//! The parameters of a request, under construction.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    arguments::{self, IntoOptional},
    builder_support,
    query::{Query, QueryValue},
};
use crate::Error;

/// The query and header parameters of a request, with the first error of a setter.
#[derive(Clone, Default)]
pub(crate) struct Parameters {
    query: Query,
    headers: Vec<(&'static str, String)>,
    error: Option<Error>,
}

/// Formats a time as the service expects it: RFC 3339, UTC, milliseconds.
pub(crate) fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl Parameters {
    /// Sets a query parameter, replacing an earlier value.
    pub(crate) fn query(&mut self, name: &'static str, value: impl Into<QueryValue>) {
        self.query.set(name, value);
    }

    /// Sets a query parameter that is a list: joined by commas if `joined`, else repeated.
    pub(crate) fn query_list(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = String>,
        joined: bool,
    ) {
        if joined {
            return self.query(name, values.collect::<Vec<_>>().join(","));
        }
        self.query.remove(name);
        values.for_each(|value| self.query.append(name, value));
    }

    /// Sets a numeric query parameter.
    pub(crate) fn number(&mut self, name: &'static str, value: f64) {
        self.check_number(name, value);
        self.query(name, value);
    }

    /// Records an error if the value is NaN or infinite.
    pub(crate) fn check_number(&mut self, name: &'static str, value: f64) {
        self.record(builder_support::check_finite(name, value));
    }

    /// Sets a header that the operation declares.
    pub(crate) fn header(&mut self, name: &'static str, value: String) {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
    }

    /// Converts the argument of a setter. Returns `None` if it is `None` or after an error, which is
    /// recorded.
    pub(crate) fn argument<T, M>(
        &mut self,
        name: &'static str,
        value: impl IntoOptional<T, M>,
    ) -> Option<T> {
        let value = value.into_optional();
        self.record(value.map_err(|error| error.with_field_path(name)))
            .flatten()
    }

    /// Converts the argument of a setter to a JSON object. Returns `None` after an error, which is
    /// recorded.
    pub(crate) fn json_object(
        &mut self,
        name: &'static str,
        value: &impl Serialize,
    ) -> Option<String> {
        let object = arguments::json_object(value);
        self.record(object.map_err(|error| error.with_field_path(name)))
            .map(|object| Value::from(object).to_string())
    }

    /// Records the error of a setter, unless there is one.
    pub(crate) fn record<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }

    /// Sets the query parameters of `other`, replacing earlier values; its error is recorded.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.query.extend(&other.query);
        self.record(other.check());
    }

    /// Returns the recorded error, if there is one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.error.clone().map_or(Ok(()), Err)
    }

    /// Returns whether a parameter is set.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.query.get(name).is_some() || self.headers.iter().any(|(other, _)| *other == name)
    }

    pub(crate) fn query_parameters(&self) -> &Query {
        &self.query
    }

    pub(crate) fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }
}

/// Shows the query; headers may be secrets.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.query.fmt(f)
    }
}

//! The query of a request.

use std::{borrow::Cow, fmt};

use percent_encoding::utf8_percent_encode;
use reqwest::Url;
use serde_json::{Map, Value};

use super::path::ENCODED;

/// The parameters of a query, in the order in which they were set.
#[derive(Clone, Default)]
pub(crate) struct Query(Vec<(Cow<'static, str>, QueryValue)>);

/// The value of a query parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum QueryValue {
    Integer(i64),
    Number(f64),
    String(String),
}

impl Query {
    /// Sets a parameter, replacing earlier values.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<QueryValue>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Adds a parameter, which may be repeated.
    pub(crate) fn append(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<QueryValue>,
    ) {
        self.0.push((name.into(), value.into()));
    }

    /// Sets the parameters of another query, replacing earlier values.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.retain(|(name, _)| other.get(name).is_none());
        self.0.extend_from_slice(&other.0);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| other != name);
    }

    /// Returns the first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&QueryValue> {
        let mut parameters = self.0.iter();
        let parameter = parameters.find(|(other, _)| other == name);
        parameter.map(|(_, value)| value)
    }

    /// Returns the parameters as a JSON object, with the first value of a repeated name.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (name, value) in &self.0 {
            object
                .entry(name.to_string())
                .or_insert_with(|| value.to_json());
        }
        Value::Object(object)
    }

    /// Sets the query of a URL, percent-encoded.
    pub(crate) fn render(&self, url: &mut Url) {
        let mut query = String::new();
        for (name, value) in &self.0 {
            if !query.is_empty() {
                query.push('&');
            }
            query.extend(utf8_percent_encode(name, ENCODED));
            query.push('=');
            query.extend(utf8_percent_encode(&value.to_string(), ENCODED));
        }
        if !query.is_empty() {
            url.set_query(Some(&query));
        }
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = self.0.iter();
        f.debug_map()
            .entries(parameters.map(|(name, value)| (name, value.to_string())))
            .finish()
    }
}

impl QueryValue {
    fn to_json(&self) -> Value {
        match self {
            Self::Integer(value) => (*value).into(),
            Self::Number(value) => (*value).into(),
            Self::String(value) => value.as_str().into(),
        }
    }

    /// Returns the value if it is an integer from 0 to `u32::MAX`.
    pub(crate) fn as_u32(&self) -> Option<u32> {
        match self {
            Self::Integer(value) => u32::try_from(*value).ok(),
            Self::Number(value) if value.fract() == 0.0 => u32::try_from(*value as i64).ok(),
            Self::Number(_) | Self::String(_) => None,
        }
    }
}

impl From<i64> for QueryValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for QueryValue {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<f64> for QueryValue {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<String> for QueryValue {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<&str> for QueryValue {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl fmt::Display for QueryValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::String(value) => f.write_str(value),
        }
    }
}

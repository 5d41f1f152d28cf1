//! The arguments of setters.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::call::{encode_body, encode_json};
use crate::{Error, JsonObject, decode::json_type};

/// A value of a setter: a `T`, a value that converts to `T`, or an `Option` of either.
///
/// `None` changes nothing: the field keeps the value that was set before, and it is not cleared. In
/// updates, `clear_…` clears a field.
///
/// The parameter `M` distinguishes the implementations and is always inferred. This trait cannot be
/// implemented outside of this crate.
#[diagnostic::on_unimplemented(
    message = "expected a value that converts to `{T}`, or an `Option` of one, found `{Self}`"
)]
pub trait IntoOptional<T, M>: sealed::Argument<M> {
    /// Converts the value.
    ///
    /// # Errors
    ///
    /// Fails if the conversion fails, for example if a builder lacks a required field.
    fn into_optional(self) -> Result<Option<T>, Error>;
}

/// A request body of type `T`: a value or builder that converts to it, or a JSON object.
///
/// A JSON object is sent as it is, after a check that it contains the required fields.
///
/// The parameter `M` distinguishes the implementations and is always inferred. This trait cannot be
/// implemented outside of this crate.
#[diagnostic::on_unimplemented(
    message = "expected a request body that converts to `{T}`, or a JSON object, found `{Self}`"
)]
pub trait IntoBody<T, M>: sealed::Argument<M> {
    /// Converts the body to JSON.
    #[doc(hidden)]
    fn into_body(self) -> Result<Bytes, Error>;
}

/// The required fields of a request type.
pub trait RequestObject {
    /// The name of the type.
    #[doc(hidden)]
    const NAME: &'static str;
    /// The wire names of the required fields.
    #[doc(hidden)]
    const REQUIRED: &'static [&'static str];
}

/// Marks implementations for values that convert.
#[derive(Debug)]
pub enum Converted {}

/// Marks implementations for an `Option` of values that convert.
#[derive(Debug)]
pub enum OptionOfConverted {}

/// Marks implementations for JSON objects.
#[derive(Debug)]
pub enum Json {}

mod sealed {
    pub trait Argument<M> {}

    impl<V> Argument<super::Converted> for V {}
    impl<V> Argument<super::OptionOfConverted> for Option<V> {}
    impl Argument<super::Json> for super::Value {}
    impl Argument<super::Json> for super::JsonObject {}
}

impl<T, V: TryInto<T, Error: Into<Error>>> IntoOptional<T, Converted> for V {
    fn into_optional(self) -> Result<Option<T>, Error> {
        self.try_into().map(Some).map_err(Into::into)
    }
}

impl<T, V: TryInto<T, Error: Into<Error>>> IntoOptional<T, OptionOfConverted> for Option<V> {
    fn into_optional(self) -> Result<Option<T>, Error> {
        self.map(TryInto::try_into).transpose().map_err(Into::into)
    }
}

impl<T: Serialize, V: TryInto<T, Error: Into<Error>>> IntoBody<T, Converted> for V {
    fn into_body(self) -> Result<Bytes, Error> {
        encode_body::<T, V>(self)
    }
}

impl<T: RequestObject> IntoBody<T, Json> for Value {
    fn into_body(self) -> Result<Bytes, Error> {
        let object = object_of(self).map_err(|error| error.with_field_path("body"))?;
        IntoBody::<T, Json>::into_body(object)
    }
}

impl<T: RequestObject> IntoBody<T, Json> for JsonObject {
    fn into_body(self) -> Result<Bytes, Error> {
        match T::REQUIRED.iter().find(|name| !self.contains_key(**name)) {
            Some(name) => Err(required_field(T::NAME, name)),
            None => encode_json(&self),
        }
    }
}

/// Returns the error of a missing required field.
pub(crate) fn required_field(type_name: &str, field: &str) -> Error {
    Error::invalid_request(format!("`{field}` of {type_name} is required"))
}

/// Serializes a value to a JSON object.
pub(crate) fn json_object(value: &impl Serialize) -> Result<JsonObject, Error> {
    let value = serde_json::to_value(value).map_err(|error| {
        Error::invalid_request(format!("the value cannot be encoded as JSON: {error}"))
    })?;
    object_of(value)
}

/// Returns the object of a JSON value.
pub(crate) fn object_of(value: Value) -> Result<JsonObject, Error> {
    match value {
        Value::Object(object) => Ok(object.into()),
        other => {
            let found = json_type(&other);
            Err(Error::invalid_request(format!(
                "expected a JSON object, got {found}"
            )))
        }
    }
}

//! The future of a call.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use serde::Serialize;
use serde_json::Value;

use super::call::{Call, decode_body, decode_error};
use crate::{
    Error, JsonObject, List, Map, Operation, Response,
    decode::LenientDecode,
    error::{DecodeError, Label},
    transport::RawResponse,
};

/// The future of a call: sends the request and decodes the response. Its output is a
/// [`Result<T, Error>`](Error).
///
/// `send` and `send_with_response` of an operation builder return it, and awaiting the builder creates
/// it. Nothing is sent before it is polled.
///
/// ```no_run
/// # #[cfg(feature = "workspaces")]
/// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
/// let workspace = client.get_workspace("my-workspace").await?;
/// # let _ = workspace;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent before it is awaited"]
pub struct ResponseFuture<T> {
    operation: &'static Operation,
    strict_items: bool,
    /// Yields the raw response; `poll` decodes it (see [`crate::decode`]).
    response: Pin<Box<dyn Future<Output = Result<RawResponse, Error>> + Send>>,
    value: PhantomData<fn() -> T>,
}

impl<T> ResponseFuture<T> {
    pub(crate) fn new(call: Call) -> Self {
        Self {
            operation: call.operation(),
            strict_items: call.strict_items(),
            response: Box::pin(call.execute()),
            value: PhantomData,
        }
    }
}

impl<T: FromResponse> Future for ResponseFuture<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.response.as_mut().poll(context))?;
        Poll::Ready(T::from_response(
            self.operation,
            self.strict_items,
            response,
        ))
    }
}

impl<T> fmt::Debug for ResponseFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("operation", &self.operation.id)
            .finish_non_exhaustive()
    }
}

/// The body of a success, as its type.
pub trait ResponseBody: LenientDecode {
    /// Checks the decoded body. If `strict_items`, an item of a list that cannot be decoded is an error.
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "the trait is not public")]
    fn check(&self, _strict_items: bool) -> Result<(), DecodeError> {
        Ok(())
    }
}

impl ResponseBody for JsonObject {}
impl ResponseBody for Value {}
impl<T: LenientDecode + Serialize> ResponseBody for List<T> {}
impl<T: LenientDecode + Serialize> ResponseBody for Map<T> {}

/// The output of a [`ResponseFuture`]: the body, with or without its [`Response`]; `()` ignores the body.
pub trait FromResponse: Sized {
    /// Decodes the body of a success.
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "the trait is not public")]
    fn from_response(
        operation: &'static Operation,
        strict_items: bool,
        response: RawResponse,
    ) -> Result<Self, Error>;
}

#[allow(private_interfaces, reason = "the trait is not public")]
impl<T: ResponseBody> FromResponse for Response<T> {
    fn from_response(
        operation: &'static Operation,
        strict_items: bool,
        response: RawResponse,
    ) -> Result<Self, Error> {
        let body = decode_body(&response.body);
        let body = body.and_then(|body: T| body.check(strict_items).map(|()| body));
        match body {
            Ok(body) => Ok(Response::new(body, response)),
            Err(error) => Err(decode_error(error, response, &Label::Operation(operation))),
        }
    }
}

#[allow(private_interfaces, reason = "the trait is not public")]
impl<T: ResponseBody> FromResponse for T {
    fn from_response(
        operation: &'static Operation,
        strict_items: bool,
        response: RawResponse,
    ) -> Result<Self, Error> {
        Response::from_response(operation, strict_items, response).map(Response::into_inner)
    }
}

#[allow(private_interfaces, reason = "the trait is not public")]
impl FromResponse for Response<()> {
    fn from_response(_: &'static Operation, _: bool, response: RawResponse) -> Result<Self, Error> {
        Ok(Response::new((), response))
    }
}

#[allow(private_interfaces, reason = "the trait is not public")]
impl FromResponse for () {
    fn from_response(_: &'static Operation, _: bool, _: RawResponse) -> Result<Self, Error> {
        Ok(())
    }
}

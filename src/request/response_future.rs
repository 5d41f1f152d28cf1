//! The future of a call.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::call::{Call, decode_response};
use crate::{
    Error, Operation, Response,
    decode::LenientDecode,
    pagination::{self, Paged},
    transport::RawResponse,
};

/// The future of a call: sends the request and decodes the response. Its output is a `Result<T, Error>`.
///
/// `send` and `send_with_response` of an operation builder return it; awaiting the builder creates it. Nothing is sent before it is polled.
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
pub struct ResponseFuture<T, B = JsonBody> {
    operation: &'static Operation,
    strict_items: bool,
    /// Yields the raw response; `poll` decodes it (see [`crate::decode`]).
    response: Pin<Box<dyn Future<Output = Result<RawResponse, Error>> + Send>>,
    value: PhantomData<fn() -> (T, B)>,
}

impl<T, B> ResponseFuture<T, B> {
    pub(crate) fn new(call: Call) -> Self {
        Self {
            operation: call.operation(),
            strict_items: call.strict_items(),
            response: Box::pin(call.execute()),
            value: PhantomData,
        }
    }
}

impl<T, B: ResponseBody<T>> Future for ResponseFuture<T, B> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.response.as_mut().poll(context))?;
        Poll::Ready(B::decode(self.operation, self.strict_items, response))
    }
}

impl<T, B> fmt::Debug for ResponseFuture<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("operation", &self.operation.id)
            .finish_non_exhaustive()
    }
}

/// The kind of a response body, which determines how it is decoded.
pub trait ResponseBody<T>: Sized {
    /// Decodes a success. If `strict_items`, an item of a list that cannot be decoded is an error.
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "the trait is not public")]
    fn decode(
        operation: &'static Operation,
        strict_items: bool,
        response: RawResponse,
    ) -> Result<T, Error>;
}

/// A JSON body.
#[derive(Debug)]
pub enum JsonBody {}

/// A page of a list.
#[derive(Debug)]
pub enum ListBody {}

/// A body that is ignored.
#[derive(Debug)]
pub enum NoBody {}

#[allow(private_interfaces, reason = "the trait is not public")]
impl<T: LenientDecode> ResponseBody<Response<T>> for JsonBody {
    fn decode(
        operation: &'static Operation,
        _: bool,
        response: RawResponse,
    ) -> Result<Response<T>, Error> {
        decode_response(operation, response, |_| Ok(()))
    }
}

#[allow(private_interfaces, reason = "the trait is not public")]
impl<T: Paged> ResponseBody<Response<T>> for ListBody {
    fn decode(
        operation: &'static Operation,
        strict_items: bool,
        response: RawResponse,
    ) -> Result<Response<T>, Error> {
        pagination::decode_page(operation, strict_items, response)
    }
}

#[allow(private_interfaces, reason = "the trait is not public")]
impl ResponseBody<Response<()>> for NoBody {
    fn decode(
        _: &'static Operation,
        _: bool,
        response: RawResponse,
    ) -> Result<Response<()>, Error> {
        Ok(Response::new((), response))
    }
}

/// Implements [`ResponseBody`] for the value without its response.
macro_rules! value_without_response {
    ($kind:ty, $value:ty $(, $bound:ident)?) => {
        #[allow(private_interfaces, reason = "the trait is not public")]
        impl$(<T: $bound>)? ResponseBody<$value> for $kind {
            fn decode(
                operation: &'static Operation,
                strict_items: bool,
                response: RawResponse,
            ) -> Result<$value, Error> {
                let response: Response<$value> = Self::decode(operation, strict_items, response)?;
                Ok(response.into_inner())
            }
        }
    };
}

value_without_response!(JsonBody, T, LenientDecode);
value_without_response!(ListBody, T, Paged);
value_without_response!(NoBody, ());

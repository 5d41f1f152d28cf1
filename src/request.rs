//! Requests: what the generated builders share, raw requests, and their validation.
//!
//! How a call runs, from the method to the connection:
//!
//! | function | result |
//! |---|---|
//! | `Client::list_api_keys` (generated) | the operation builder, which contains a [`Call`] |
//! | `Items::poll_item`, `Pages::poll_page` | for a list: the call for the next page |
//! | `ResponseFuture::new`, `Call::execute` | validates; a [`PreparedRequest`](crate::transport::PreparedRequest) |
//! | `transport::send`, `retry::run` | span, retries; an [`Attempt`](crate::transport::Attempt) |
//! | `Attempt::send_buffered`, `Attempt::send` | deadline; a request of `reqwest` |
//!
//! The response returns through the same functions: `Attempt::send` checks the status,
//! `Attempt::send_buffered` reads the body into a [`RawResponse`](crate::transport::RawResponse),
//! `retry::run` and `transport::send` repeat or record the attempt, [`ResponseFuture`] decodes the value.
//! For a list, `Pages` decodes the page and asks `next_page` which page follows.

pub(crate) mod arguments;
pub(crate) mod builder_support;
pub(crate) mod call;
pub(crate) mod parameters;
mod path;
mod query;
mod raw;
pub(crate) mod response_future;
pub(crate) mod update_and_get;
pub(crate) mod validation;

pub(crate) use arguments::object_of;
pub use arguments::{IntoBody, IntoOptional, RequestObject};
pub(crate) use call::Call;
pub use raw::Request;
pub use response_future::ResponseFuture;

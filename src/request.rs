//! Requests: the generated builders, raw requests, and their conversion into prepared requests.

pub(crate) mod builder_support;
pub(crate) mod call;
mod path;
mod query;
mod raw;
pub(crate) mod update_and_get;
pub(crate) mod validation;

pub(crate) use call::{Call, decode_response};
pub use raw::Request;

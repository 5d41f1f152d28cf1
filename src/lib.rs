#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
// One area does not need all that the areas share; dead code shows when everything is on.
#![cfg_attr(
    not(all(feature = "admin", feature = "gateway")),
    allow(dead_code, unused_imports, unused_macros)
)]

mod answer;
mod base_url;
mod building;
mod call;
mod checks;
mod client;
mod error;
mod exchange;
mod ext;
mod generated;
mod members;
mod open_enum;
mod operation;
mod options;
mod patch;
mod path;
mod request;
mod response;
mod retry;
pub mod scopes;
mod secret;
mod url;

pub use answer::List;
pub use client::{Client, ClientBuilder};
pub use error::Error;
pub use generated::{builder, operations, types};
pub use members::Members;
pub use operation::{Access, Base, Operation, Paging, Plane, Retry};
pub use options::Options;
pub use patch::Patch;
pub use request::Request;
pub use response::Response;
pub use retry::RetryPolicy;
pub use secret::Secret;

#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
// One area does not need all that the areas share; dead code shows when everything is on.
#![cfg_attr(
    not(all(feature = "admin", feature = "gateway")),
    allow(dead_code, unused_imports, unused_macros)
)]

mod answer;
mod base_url;
pub mod builder;
mod building;
mod byte_stream;
mod call;
mod checks;
mod client;
mod error;
mod exchange;
mod ext;
#[cfg(feature = "gateway")]
mod gateway;
mod generated;
mod link;
mod members;
mod open_enum;
mod operation;
mod options;
mod paging;
mod patch;
mod path;
mod request;
mod response;
mod retry;
pub mod scopes;
mod secret;
mod update;
mod url;
mod wait;

pub use answer::List;
pub use byte_stream::{ByteStream, Progress};
pub use client::{Client, ClientBuilder};
pub use error::Error;
#[cfg(feature = "prompts")]
pub use ext::PromotedVersion;
#[cfg(feature = "gateway")]
pub use gateway::{
    ClientEvent, ConnectRealtime, EventStream, FilePart, Gateway, OpenStream, Realtime,
    RealtimeClose, RealtimeReceiver, RealtimeSender, ServerEvent, StreamEvent, UploadProgress,
};
pub use generated::{operations, types};
pub use members::Members;
pub use operation::{Access, Base, Operation, Paging, Plane, Retry};
pub use options::Options;
pub use paging::{Cursor, Items, Page, Paged, Pages};
pub use patch::Patch;
pub use request::Request;
pub use response::Response;
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use wait::Wait;

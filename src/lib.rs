#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
// A single area does not use all shared code; dead code is detected with all areas enabled.
#![cfg_attr(
    not(all(feature = "admin", feature = "gateway")),
    allow(dead_code, unused_imports, unused_macros)
)]

mod base_url;
pub mod builder;
mod builder_support;
mod byte_stream;
mod call;
mod client;
mod decode;
mod error;
#[cfg(feature = "gateway")]
mod gateway;
mod generated;
mod helpers;
mod json_object;
mod open_enum;
mod operation;
mod options;
mod pagination;
mod patch;
mod path;
mod request;
mod response;
mod retry;
pub mod scopes;
mod secret;
mod signed_url;
mod transport;
mod update_and_get;
mod url;
mod validation;
mod waiter;

pub use byte_stream::{ByteStream, Progress};
pub use client::{Client, ClientBuilder};
pub use decode::List;
pub use error::Error;
#[cfg(feature = "gateway")]
pub use gateway::{
    ClientEvent, ConnectRealtime, EventStream, FilePart, GatewayOptions, OpenStream, Realtime,
    RealtimeClose, RealtimeReceiver, RealtimeSender, ServerEvent, StreamEvent, UploadProgress,
};
pub use generated::{operations, types};
#[cfg(feature = "prompts")]
pub use helpers::PromotedVersion;
pub use json_object::JsonObject;
pub use operation::{Access, ApiVersion, Idempotency, Operation, Paging, Plane};
pub use options::RequestOptions;
pub use pagination::{Cursor, Items, Page, Paged, Pages};
pub use patch::Patch;
pub use request::Request;
pub use response::Response;
pub use retry::RetryPolicy;
pub use secret::Secret;
pub use waiter::Waiter;

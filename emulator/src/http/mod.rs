//! HTTP: connections, request bodies, and the responses of handlers on the wire.
//!
//! `server.rs` reads a request and routes it once, `multipart.rs` reads forms, and `response.rs`
//! sends what a handler returned: JSON, an event stream or binary content in chunks (`events.rs`),
//! or a WebSocket session (`websocket.rs`).

mod body;
pub(crate) mod content;
pub(crate) mod delivery;
pub(crate) mod events;
mod malformed_request;
pub(crate) mod multipart;
mod range;
mod response;
pub(crate) mod server;
mod socket;
pub(crate) mod uploads;
pub(crate) mod websocket;

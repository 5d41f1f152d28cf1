//! HTTP: connections, request bodies, and the responses of handlers on the wire.
//!
//! `server.rs` reads a request and routes it once, `multipart.rs` reads forms, and `response.rs`
//! sends what a handler returned: JSON, an event stream or binary content in chunks (`events.rs`),
//! or a WebSocket session (`websocket.rs`).

mod body;
pub(crate) mod content;
pub(crate) mod delivery;
pub(crate) mod events;
pub(crate) mod form;
mod malformed_request;
mod multipart;
mod range;
mod resetter;
mod response;
pub(crate) mod server;
mod socket;
pub(crate) mod uploads;
mod websocket;

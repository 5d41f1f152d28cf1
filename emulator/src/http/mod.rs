//! HTTP: connections, request bodies, and the responses of handlers on the wire.
//!
//! `server.rs` routes a request once, `request_body.rs` and `multipart.rs` read its body, and `response.rs`
//! sends what a handler returned: JSON, an event stream or binary content in chunks (`events.rs`),
//! or a WebSocket session (`websocket.rs`).

mod body;
mod connection_end;
pub(crate) mod content;
pub(crate) mod delivery;
pub(crate) mod events;
pub(crate) mod form;
mod malformed_request;
mod multipart;
mod range;
mod request_body;
mod response;
pub(crate) mod server;
mod socket;
pub(crate) mod uploads;
mod websocket;

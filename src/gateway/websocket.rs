//! Realtime sessions over a WebSocket: the session after the handshake and the events sent over it.

mod event;
mod session;

pub use event::{ClientEvent, ServerEvent};
pub(crate) use session::Limits;
pub use session::{Realtime, RealtimeClose, RealtimeReceiver, RealtimeSender};

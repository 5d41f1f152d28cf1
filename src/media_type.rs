//! Media types.

pub(crate) const JSON: &str = "application/json";

#[cfg(feature = "gateway")]
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

pub(crate) const ANY: &str = "*/*";

//! The handshake of a realtime session, a regular request (`transport/upgrade.rs`) with the same key,
//! headers, proxy, retries and errors.

use std::time::Duration;

use crate::{
    Client, Error, JsonObject,
    gateway::websocket::{Limits, Realtime},
    operations,
    request::Call,
};

/// # `gateway::realtime`
///
/// Requires the feature `gateway`.
impl Client {
    /// Opens a bidirectional realtime session with a model.
    ///
    /// `GET /realtime`, upgraded to a WebSocket. The handshake is retried; an established session
    /// is not reconnected.
    ///
    /// ```no_run
    #[doc = include_str!("examples/connect_realtime.rs")]
    /// ```
    pub fn connect_realtime(&self) -> ConnectRealtime {
        ConnectRealtime {
            call: Call::new(self, &operations::CONNECT_REALTIME, Vec::new()),
            limits: Limits::default(),
        }
    }
}

/// Builder of [`Client::connect_realtime`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `connect`"]
pub struct ConnectRealtime {
    call: Call,
    limits: Limits,
}

impl ConnectRealtime {
    /// Sets the query parameter `model`.
    pub fn model(mut self, value: impl Into<String>) -> Self {
        self.call.query("model", value.into());
        self
    }

    /// Sets the header parameter `x-portkey-trace-id`.
    pub fn trace_id(self, value: impl Into<String>) -> Self {
        self.header("x-portkey-trace-id", value.into())
    }

    /// Sets the header parameter `x-portkey-span-id`.
    pub fn span_id(self, value: impl Into<String>) -> Self {
        self.header("x-portkey-span-id", value.into())
    }

    /// Sets the header parameter `x-portkey-parent-span-id`.
    pub fn parent_span_id(self, value: impl Into<String>) -> Self {
        self.header("x-portkey-parent-span-id", value.into())
    }

    /// Sets the header parameter `x-portkey-span-name`.
    pub fn span_name(self, value: impl Into<String>) -> Self {
        self.header("x-portkey-span-name", value.into())
    }

    /// Sets the header parameter `x-portkey-metadata`.
    pub fn metadata(self, value: JsonObject) -> Self {
        let value = serde_json::Value::Object(value.into_map());
        self.header("x-portkey-metadata", value.to_string())
    }

    /// Sets the header parameter `x-portkey-cache-namespace`.
    pub fn cache_namespace(self, value: impl Into<String>) -> Self {
        self.header("x-portkey-cache-namespace", value.into())
    }

    /// Sets the header parameter `x-portkey-cache-force-refresh`.
    pub fn cache_force_refresh(self, value: bool) -> Self {
        self.header("x-portkey-cache-force-refresh", value.to_string())
    }

    /// Sets the maximum size of a received message in bytes. A larger message ends the session.
    /// Default: 16 MiB.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.limits.max_message_size = bytes;
        self
    }

    /// Sets how long to wait for a message while receiving (pings count as messages), and for the
    /// connection to accept data while sending. Default: no limit, because a session is idle while
    /// its user is. [`RealtimeSender::ping`] makes the service send a message.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.idle_timeout = Some(timeout);
        self
    }

    /// Sends the request and waits until the session is established.
    ///
    /// [`RequestOptions::timeout`](crate::RequestOptions::timeout) limits each attempt.
    ///
    /// # Errors
    ///
    /// The errors of any request: an error response has status, code and message. A response that
    /// is neither an error nor a valid WebSocket handshake is also an error.
    pub async fn connect(self) -> Result<Realtime, Error> {
        let Self { call, limits } = self;
        let redactor = call.client().redactor().clone();
        let upgraded = call.upgrade().await?;
        Ok(Realtime::new(redactor, upgraded, limits))
    }

    fn header(mut self, name: &'static str, value: String) -> Self {
        self.call.header(name, value);
        self
    }
}

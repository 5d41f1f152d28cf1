//! The handshake of a realtime session, a regular request (`transport/upgrade.rs`) with the same key,
//! headers, proxy, retries and errors.

use std::time::Duration;

use serde::Serialize;

use crate::{
    Client, Error, IntoOptional,
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
    pub fn model<M>(mut self, value: impl IntoOptional<String, M>) -> Self {
        if let Some(value) = self.call.parameters.argument("model", value) {
            self.call.parameters.query("model", value);
        }
        self
    }

    /// Sets the header parameter `x-portkey-trace-id`.
    pub fn trace_id<M>(self, value: impl IntoOptional<String, M>) -> Self {
        self.header("x-portkey-trace-id", value)
    }

    /// Sets the header parameter `x-portkey-span-id`.
    pub fn span_id<M>(self, value: impl IntoOptional<String, M>) -> Self {
        self.header("x-portkey-span-id", value)
    }

    /// Sets the header parameter `x-portkey-parent-span-id`.
    pub fn parent_span_id<M>(self, value: impl IntoOptional<String, M>) -> Self {
        self.header("x-portkey-parent-span-id", value)
    }

    /// Sets the header parameter `x-portkey-span-name`.
    pub fn span_name<M>(self, value: impl IntoOptional<String, M>) -> Self {
        self.header("x-portkey-span-name", value)
    }

    /// Sets the header parameter `x-portkey-metadata`, a JSON object.
    pub fn metadata(mut self, value: impl Serialize) -> Self {
        if let Some(json) = self
            .call
            .parameters
            .json_object("x-portkey-metadata", &value)
        {
            self.call.parameters.header("x-portkey-metadata", json);
        }
        self
    }

    /// Calls [`metadata`](Self::metadata) with the value; `None` changes nothing.
    pub fn maybe_metadata(self, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.metadata(value),
            None => self,
        }
    }

    /// Sets the header parameter `x-portkey-cache-namespace`.
    pub fn cache_namespace<M>(self, value: impl IntoOptional<String, M>) -> Self {
        self.header("x-portkey-cache-namespace", value)
    }

    /// Sets the header parameter `x-portkey-cache-force-refresh`.
    pub fn cache_force_refresh(self, value: impl Into<Option<bool>>) -> Self {
        let value = value.into().map(|value| value.to_string());
        self.header("x-portkey-cache-force-refresh", value)
    }

    /// Sets the maximum size of a received message in bytes. A larger message ends the session.
    /// Default: 16 MiB.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.limits.max_message_size = bytes;
        self
    }

    /// Sets how long to wait for a message while receiving (pings count as messages), and for the
    /// connection to accept data while sending. Default: no limit, because a session is idle while
    /// its user is. [`RealtimeSender::ping`](crate::gateway::RealtimeSender::ping) makes the service send a message.
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

    fn header<M>(mut self, name: &'static str, value: impl IntoOptional<String, M>) -> Self {
        if let Some(value) = self.call.parameters.argument(name, value) {
            self.call.parameters.header(name, value);
        }
        self
    }
}

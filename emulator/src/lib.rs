//! An in-process Portkey control plane on a loopback port, for tests and examples.
//!
//! [`Emulator::start`] serves the operations of the patched OpenAPI document from memory. Requests
//! are validated against that document, responses have the structure observed from the real
//! service, and every request is recorded for assertions. Nothing leaves the machine.
//!
//! [`Emulator::builder`] sets the initial data, the clock and the delay after which reads see
//! writes; [`Emulator::add_fault`] injects faults.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let emulator = portkey_admin_emulator::Emulator::start().await?;
//! // Point any client at `base_url()` and give it `api_key()`.
//! assert!(emulator.base_url().starts_with("http://127.0.0.1:"));
//! assert!(emulator.requests().is_empty());
//! emulator.shutdown().await;
//! # Ok(())
//! # })
//! # }
//! ```

// `clippy::unwrap_used` applies to non-test code only.
#![cfg_attr(test, allow(clippy::unwrap_used))]

/// Compiles the README's code samples as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod access;
mod api_spec;
mod apply;
mod audit;
mod builder;
mod call;
mod clock;
mod control;
mod dispatch;
mod error;
mod faults;
mod gateway;
mod handlers;
mod http;
mod ids;
mod json;
mod not_implemented;
mod page;
mod redact;
mod request_log;
mod response;
mod route;
mod scripts;
mod seed;
mod state;
mod store;
mod sync;
mod template;
mod validate;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};

use crate::control::Control;

pub use builder::EmulatorBuilder;
pub use clock::Clock;
pub use control::{InviteError, Snapshot};
pub use faults::{Fault, FaultError};
pub use http::content::Content;
pub use http::delivery::LineEnding;
pub use http::form::UploadPart;
pub use http::uploads::Upload;
pub use not_implemented::NOT_IMPLEMENTED;
pub use request_log::{AccessLogEntry, RecordedRequest};
pub use scripts::{Script, ScriptError};
pub use seed::{Key, Organisation, Role, Seed, StartError, WorkspaceRole};
pub use state::organisation::Plan;

/// How long [`Emulator::shutdown`] waits for responses in progress.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// A running emulator; it stops when it is dropped.
///
/// The server runs as a task on the Tokio runtime that called [`Emulator::start`]. Each emulator
/// has its own state. By default, that is one organisation with three users, one workspace, one
/// collection, one prompt, one config and one virtual key.
pub struct Emulator {
    address: SocketAddr,
    api_key: String,
    control: Control,
    control_server: Option<ControlServer>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// The running server of the control interface.
pub(crate) struct ControlServer {
    pub(crate) address: SocketAddr,
    pub(crate) task: AbortHandle,
}

impl Emulator {
    /// Starts an emulator on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// Fails if no port is free.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Creates a builder for an emulator with its own initial data, clock or consistency delay.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::new()
    }

    pub(crate) fn from_parts(
        address: SocketAddr,
        control: Control,
        control_server: Option<ControlServer>,
        stop: oneshot::Sender<()>,
        task: JoinHandle<()>,
    ) -> Self {
        Self {
            address,
            api_key: control.key(seed::ADMIN_KEY).unwrap_or_default(),
            control,
            control_server,
            stop: Some(stop),
            task: Some(task),
        }
    }

    /// Returns the base URL of the control plane and the gateway: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Returns the base URL of the public operations: `http://127.0.0.1:PORT`.
    pub fn public_base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the base URL of the MCP gateway: `http://127.0.0.1:PORT/mcp/v0.1`.
    pub fn mcp_base_url(&self) -> String {
        format!("http://{}{}", self.address, route::MCP_PATH)
    }

    /// Returns the base URL of the price files: `http://127.0.0.1:PORT/prices`.
    pub fn prices_base_url(&self) -> String {
        format!("http://{}{}", self.address, route::PRICES_PATH)
    }

    /// Returns the base URL of the control interface, if
    /// [`EmulatorBuilder::control_port`] enables it: `http://127.0.0.1:PORT`.
    pub fn control_url(&self) -> Option<String> {
        let server = self.control_server.as_ref()?;
        Some(format!("http://{}", server.address))
    }

    /// Returns the first organisation's key `Emulator`, which has all permissions. It is valid for
    /// this emulator only.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Returns the value of the first key with this name in any organisation.
    ///
    /// Every organisation has a key `Emulator`; see also [`Emulator::key_in_organisation`].
    pub fn key(&self, name: &str) -> Option<String> {
        self.control.key(name)
    }

    /// Returns the value of the first key with this name in the named organisation.
    pub fn key_in_organisation(&self, organisation: &str, name: &str) -> Option<String> {
        self.control
            .find_in_organisation(organisation, |state| state.api_keys.secret(name))
    }

    /// Returns the UUID of the named organisation.
    pub fn organisation_id(&self, organisation: &str) -> Option<String> {
        let id = |state: &state::State| Some(state.organisation.id.clone());
        self.control.find_in_organisation(organisation, id)
    }

    /// Accepts the invitation with this id and returns the id of the new user. A POST to the
    /// invitation's link does the same.
    ///
    /// The user gets the invitation's role and becomes a member of its workspaces. If the
    /// invitation has scopes for keys, the user also gets a key in each workspace, with a name such
    /// as `new@example.com (Platform)` for [`Emulator::key`].
    ///
    /// # Errors
    ///
    /// Fails if the invitation does not exist or is no longer pending, if a user with its address
    /// exists already, or if the state file could not be written.
    pub fn accept_invite(&self, invite_id: &str) -> Result<String, InviteError> {
        self.control.accept_invite(invite_id)
    }

    /// Returns the requests received so far, in order of arrival, including rejected requests.
    ///
    /// The log holds 64 MiB; the oldest requests are dropped first. Bodies of uploads are not kept:
    /// see [`uploads`](Self::uploads).
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.control.requests()
    }

    /// Returns the multipart bodies received so far (files, images, recordings), in order of
    /// arrival, with the size and checksum of each part. Rejected bodies are included if they were
    /// valid forms.
    ///
    /// Names and strings of up to 16 MiB in total are kept; the oldest uploads are dropped first.
    pub fn uploads(&self) -> Vec<Upload> {
        self.control.uploads()
    }

    /// Adds a script that sets the gateway's responses and their delivery; see [`Script`].
    ///
    /// # Errors
    ///
    /// Fails if the operation is unknown or does not support scripts.
    pub fn add_script(&self, script: Script) -> Result<(), ScriptError> {
        self.control.add_script(script)
    }

    /// Removes all scripts.
    pub fn clear_scripts(&self) {
        self.control.clear_scripts();
    }

    /// Adds a fault; see [`Fault`].
    ///
    /// If several faults apply to a request, the one that was added first takes effect.
    ///
    /// # Errors
    ///
    /// Fails if the operation is unknown or a value of the fault is out of range.
    pub fn add_fault(&self, fault: Fault) -> Result<(), FaultError> {
        self.control.add_fault(fault)
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.control.clear_faults();
    }

    /// Returns the current time of the emulator's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.control.now()
    }

    /// Advances the emulator's clock.
    pub fn advance(&self, by: Duration) {
        self.control.advance(by);
    }

    /// Returns a copy of the emulator's state and clock, without the recorded requests.
    pub fn snapshot(&self) -> Snapshot {
        self.control.snapshot()
    }

    /// Restores the state and the clock from a snapshot. Recorded requests are kept.
    ///
    /// A snapshot of another emulator replaces the organisations and keys of this one.
    ///
    /// # Errors
    ///
    /// Fails if a state file is configured and could not be written.
    pub fn restore(&self, snapshot: &Snapshot) -> std::io::Result<()> {
        self.control.restore(snapshot)
    }

    /// Returns all keys as `(organisation name, key name, value)`.
    pub fn keys(&self) -> Vec<(String, String, String)> {
        self.control.keys()
    }

    /// Stops the server and waits until its port is free.
    pub async fn shutdown(mut self) {
        self.signal_stop();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(SHUTDOWN_TIMEOUT, &mut task)
                .await
                .is_err()
        {
            task.abort();
        }
    }

    fn signal_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error means that the server has already stopped.
            let _ = stop.send(());
        }
        if let Some(server) = &self.control_server {
            server.task.abort();
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.signal_stop();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}

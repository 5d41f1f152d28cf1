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
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::server::Server;
use crate::response::ResponseBody;
use crate::state::State;
use crate::state::organisations::Organisations;

pub use builder::EmulatorBuilder;
pub use clock::Clock;
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
    server: Arc<Server>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// The error of [`Emulator::accept_invite`].
#[derive(Debug)]
pub struct InviteError(String);

/// A copy of an emulator's state; see [`Emulator::snapshot`].
///
/// It can be written to a file with `serde`. It contains the values of keys and the contents of
/// files.
#[derive(Clone, Serialize, Deserialize)]
pub struct Snapshot {
    organisations: Organisations,
    /// How far the clock was advanced, in milliseconds.
    clock_offset_ms: i64,
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
        server: Arc<Server>,
        stop: oneshot::Sender<()>,
        task: JoinHandle<()>,
    ) -> Self {
        let organisations = server.dispatcher.read();
        let first = organisations.all.first();
        let api_key =
            first.and_then(|organisation| organisation.state.api_keys.secret(seed::ADMIN_KEY));
        drop(organisations);
        Self {
            address,
            api_key: api_key.unwrap_or_default(),
            server,
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

    /// Returns the first organisation's key `Emulator`, which has all permissions. It is valid for
    /// this emulator only.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Returns the value of the first key with this name in any organisation.
    ///
    /// Every organisation has a key `Emulator`; see also [`Emulator::key_in_organisation`].
    pub fn key(&self, name: &str) -> Option<String> {
        let organisations = self.server.dispatcher.read();
        let mut all = organisations.all.iter();
        all.find_map(|organisation| organisation.state.api_keys.secret(name))
    }

    /// Returns the value of the first key with this name in the named organisation.
    pub fn key_in_organisation(&self, organisation: &str, name: &str) -> Option<String> {
        self.find_in_organisation(organisation, |state| state.api_keys.secret(name))
    }

    /// Returns the UUID of the named organisation.
    pub fn organisation_id(&self, organisation: &str) -> Option<String> {
        self.find_in_organisation(organisation, |state| Some(state.organisation.id.clone()))
    }

    fn find_in_organisation<R>(&self, name: &str, find: impl Fn(&State) -> Option<R>) -> Option<R> {
        let organisations = self.server.dispatcher.read();
        let mut states = organisations
            .all
            .iter()
            .map(|organisation| &organisation.state);
        find(states.find(|state| state.organisation.name == name)?)
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
        let response = self.server.dispatcher.accept_invite(invite_id);
        let user = match response.map_err(|error| InviteError(error.message().to_owned()))? {
            ResponseBody::Json(user) => user["id"].as_str().map(str::to_owned),
            _ => None,
        };
        user.ok_or_else(|| InviteError("expected a string for `id` in the response".to_owned()))
    }

    /// Returns the requests received so far, in order of arrival, including rejected requests.
    ///
    /// The log holds 64 MiB; the oldest requests are dropped first. Bodies of uploads are not kept:
    /// see [`uploads`](Self::uploads).
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.server.request_log.all()
    }

    /// Returns the multipart bodies received so far (files, images, recordings), in order of
    /// arrival, with the size and checksum of each part. Rejected bodies are included if they were
    /// valid forms.
    ///
    /// Names and strings of up to 16 MiB in total are kept; the oldest uploads are dropped first.
    pub fn uploads(&self) -> Vec<Upload> {
        self.server.uploads.all()
    }

    /// Adds a script that sets the gateway's responses and their delivery; see [`Script`].
    ///
    /// # Errors
    ///
    /// Fails if the operation is unknown or does not support scripts.
    pub fn add_script(&self, script: Script) -> Result<(), ScriptError> {
        ScriptError::check(&script)?;
        self.server.scripts.add(script);
        Ok(())
    }

    /// Removes all scripts.
    pub fn clear_scripts(&self) {
        self.server.scripts.clear();
    }

    /// Adds a fault; see [`Fault`].
    ///
    /// If several faults apply to a request, the one that was added first takes effect.
    ///
    /// # Errors
    ///
    /// Fails if the operation is unknown or a value of the fault is out of range.
    pub fn add_fault(&self, fault: Fault) -> Result<(), FaultError> {
        FaultError::check(&fault, |id| {
            self.server.dispatcher.spec.routes.has_operation(id)
        })?;
        self.server.faults.add(fault);
        Ok(())
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.server.faults.clear();
    }

    /// Returns the current time of the emulator's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.server.dispatcher.clock.now()
    }

    /// Advances the emulator's clock.
    pub fn advance(&self, by: Duration) {
        self.server.dispatcher.clock.advance(by);
    }

    /// Returns a copy of the emulator's state and clock, without the recorded requests.
    pub fn snapshot(&self) -> Snapshot {
        let organisations = self.server.dispatcher.read();
        Snapshot {
            organisations: organisations.clone(),
            clock_offset_ms: self.server.dispatcher.clock.offset().num_milliseconds(),
        }
    }

    /// Restores the state and the clock from a snapshot. Recorded requests are kept.
    ///
    /// A snapshot of another emulator replaces the organisations and keys of this one.
    ///
    /// # Errors
    ///
    /// Fails if a state file is configured and could not be written.
    pub fn restore(&self, snapshot: &Snapshot) -> std::io::Result<()> {
        self.server
            .dispatcher
            .replace(snapshot.organisations.clone())?;
        let offset = TimeDelta::try_milliseconds(snapshot.clock_offset_ms).unwrap_or_default();
        self.server.dispatcher.clock.set_offset(offset);
        Ok(())
    }

    /// Returns all keys as `(organisation name, key name, value)`.
    pub fn keys(&self) -> Vec<(String, String, String)> {
        let organisations = self.server.dispatcher.read();
        let states = organisations
            .all
            .iter()
            .map(|organisation| &organisation.state);
        states
            .flat_map(|state| {
                let organisation = state.organisation.name.clone();
                let keys = state.api_keys.secrets();
                keys.map(move |(name, value)| (organisation.clone(), name, value))
            })
            .collect()
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

impl fmt::Display for InviteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to accept the invitation: {}", self.0)
    }
}

impl std::error::Error for InviteError {}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("organisations", &self.organisations.all.len())
            .finish_non_exhaustive()
    }
}

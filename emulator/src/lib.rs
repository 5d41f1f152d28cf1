//! An in-process Portkey control plane on a loopback port, for tests and examples.
//!
//! [`Emulator::start`] serves the operations of the patched OpenAPI document from memory. Requests
//! are checked against that document, answers have the shapes that the real service was seen to
//! send, and every request is kept for assertions. Nothing leaves the machine.
//!
//! [`Emulator::builder`] sets what there is at the start, the clock, and how late reads see writes;
//! [`Emulator::add_fault`] lets things go wrong.
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

// Tests may unwrap; `clippy::unwrap_used` still guards everything else.
#![cfg_attr(test, allow(clippy::unwrap_used))]

/// The samples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod access;
mod api_spec;
mod audit;
mod builder;
mod call;
mod check;
mod clock;
mod dispatch;
mod faults;
mod gateway;
mod handlers;
mod http_response;
mod ids;
mod journal;
mod malformed_request;
mod redact;
mod request_log;
mod response;
mod route;
mod seed;
mod server;
mod socket;
mod state;
mod table;
mod template;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::handlers::State;
use crate::response::ResponseBody;
use crate::server::Server;
use crate::state::Organisations;

pub use builder::{EmulatorBuilder, StartError};
pub use clock::Clock;
pub use faults::{Fault, FaultError};
pub use gateway::{Content, LineEnding, Script, ScriptError, Upload, UploadPart};
pub use request_log::{AccessLogEntry, RecordedRequest};
pub use seed::{Key, Organisation, Plan, Role, Seed, WorkspaceRole};

/// How long [`Emulator::shutdown`] waits for answers that are still being written.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// A running emulator; it stops when it is dropped.
///
/// The server is a task of the Tokio runtime that called [`Emulator::start`]. Each emulator has its
/// own state. Where the builder is not told otherwise, that is one organisation with three users,
/// one workspace, and one each of collection, prompt, config and virtual key.
pub struct Emulator {
    address: SocketAddr,
    api_key: String,
    server: Arc<Server>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

/// Why an invitation was not accepted; see [`Emulator::accept_invite`].
#[derive(Debug)]
pub struct InviteError(String);

/// Everything that an emulator remembers, at one moment; see [`Emulator::snapshot`].
///
/// It can be written to a file with `serde`. It holds the values of keys.
#[derive(Clone, Serialize, Deserialize)]
pub struct Snapshot {
    organisations: Organisations,
    /// How far the clock was ahead, in milliseconds.
    clock_offset_ms: i64,
}

impl Emulator {
    /// Starts an emulator on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// Settings for an emulator: what it starts with, its clock, its delay.
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

    /// The base URL of the control plane and the gateway: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL of the public operations: `http://127.0.0.1:PORT`.
    pub fn public_base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A key of the first organisation that may do everything; worthless elsewhere.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The value of the first key with this name, in any organisation.
    ///
    /// Every organisation has a key `Emulator`; see also [`Emulator::key_in_organisation`].
    pub fn key(&self, name: &str) -> Option<String> {
        let organisations = self.server.dispatcher.read();
        let mut all = organisations.all.iter();
        all.find_map(|organisation| organisation.state.api_keys.secret(name))
    }

    /// The value of the first key with this name in an organisation, by the organisation's name.
    pub fn key_in_organisation(&self, organisation: &str, name: &str) -> Option<String> {
        self.find_in_organisation(organisation, |state| state.api_keys.secret(name))
    }

    /// The UUID of an organisation, by its name.
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

    /// Accepts an invitation, by its id, as the person would who has its link; the id of the user
    /// they become.
    ///
    /// The user has the role of the invitation, is in its workspaces and, if the invitation says
    /// what keys may do, has a key in each: `new@example.com (Platform)` for [`Emulator::key`]. A
    /// POST to the link does the same.
    ///
    /// # Errors
    ///
    /// There is no such invitation, or it is not pending any more, or there is a user with the
    /// address already, or the state file could not be written.
    pub fn accept_invite(&self, invite_id: &str) -> Result<String, InviteError> {
        let response = self.server.dispatcher.accept_invite(invite_id);
        let user = match response.map_err(|error| InviteError(error.message().to_owned()))? {
            ResponseBody::Json(user) => user["id"].as_str().map(str::to_owned),
            _ => None,
        };
        user.ok_or_else(|| InviteError("the answer does not name the user".to_owned()))
    }

    /// The requests seen so far, in order of arrival, refused ones included.
    ///
    /// Beyond 64 MiB the oldest are forgotten. Bodies of uploads are not kept: see
    /// [`uploads`](Self::uploads).
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.server.request_log.all()
    }

    /// The forms that were uploaded so far (files, images, recordings), in order of arrival, with the
    /// size and checksum of each part; refused ones are included as far as they could be read.
    ///
    /// Beyond 16 MiB of names and texts the oldest are forgotten.
    pub fn uploads(&self) -> Vec<Upload> {
        self.server.uploads.all()
    }

    /// Says what the gateway answers from now on, and how it arrives; see [`Script`].
    ///
    /// # Errors
    ///
    /// There is no such operation, or none that a script can be for.
    pub fn add_script(&self, script: Script) -> Result<(), ScriptError> {
        ScriptError::check(&script)?;
        self.server.scripts.add(script);
        Ok(())
    }

    /// Ends all scripts.
    pub fn clear_scripts(&self) {
        self.server.scripts.clear();
    }

    /// Lets something go wrong from now on; see [`Fault`].
    ///
    /// Of several faults that are about a request, the one that was added first strikes.
    ///
    /// # Errors
    ///
    /// There is no such operation, or a value of the fault is out of range.
    pub fn add_fault(&self, fault: Fault) -> Result<(), FaultError> {
        FaultError::check(&fault, |id| {
            self.server.dispatcher.spec.routes.has_operation(id)
        })?;
        self.server.faults.add(fault);
        Ok(())
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.server.faults.clear();
    }

    /// The time by the emulator's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.server.dispatcher.clock.now()
    }

    /// Puts the emulator's clock forward.
    pub fn advance(&self, by: Duration) {
        self.server.dispatcher.clock.advance(by);
    }

    /// Everything that the emulator remembers, except the requests it saw.
    pub fn snapshot(&self) -> Snapshot {
        let organisations = self.server.dispatcher.read();
        Snapshot {
            organisations: organisations.clone(),
            clock_offset_ms: self.server.dispatcher.clock.offset().num_milliseconds(),
        }
    }

    /// Puts everything back to what it was, the clock included. Requests stay on record.
    ///
    /// A snapshot of another emulator brings its organisations and keys along.
    ///
    /// # Errors
    ///
    /// There is a state file, and it could not be written.
    pub fn restore(&self, snapshot: &Snapshot) -> std::io::Result<()> {
        self.server
            .dispatcher
            .replace(snapshot.organisations.clone())?;
        let offset = TimeDelta::try_milliseconds(snapshot.clock_offset_ms).unwrap_or_default();
        self.server.dispatcher.clock.set_offset(offset);
        Ok(())
    }

    /// The keys that there are: name of the organisation, name, value.
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
            // An error only says that the server has already stopped.
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
        write!(f, "the invitation was not accepted: {}", self.0)
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

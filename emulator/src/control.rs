//! What a test can do with a running emulator, in process or over HTTP.

mod bodies;
mod routes;
pub(crate) mod server;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::faults::{Fault, FaultError};
use crate::http::server::Server;
use crate::http::uploads::Upload;
use crate::request_log::RecordedRequest;
use crate::response::ResponseBody;
use crate::scripts::{Script, ScriptError};
use crate::state::State;
use crate::state::organisations::Organisations;

/// The abilities of [`Emulator`](crate::Emulator), which documents them.
#[derive(Clone)]
pub(crate) struct Control {
    server: Arc<Server>,
}

/// The error of [`Emulator::accept_invite`](crate::Emulator::accept_invite).
#[derive(Debug)]
pub struct InviteError(String);

/// A copy of an emulator's state; see [`Emulator::snapshot`](crate::Emulator::snapshot).
///
/// It can be written to a file with `serde`. It contains the values of keys and the contents of
/// files.
#[derive(Clone, Serialize, Deserialize)]
pub struct Snapshot {
    organisations: Organisations,
    /// How far the clock was advanced, in milliseconds.
    clock_offset_ms: i64,
}

impl Control {
    pub(crate) fn new(server: Arc<Server>) -> Self {
        Self { server }
    }

    /// Returns the value of the first key with this name.
    pub(crate) fn key(&self, name: &str) -> Option<String> {
        let organisations = self.server.dispatcher.read();
        let mut all = organisations.all.iter();
        all.find_map(|organisation| organisation.state.api_keys.secret(name))
    }

    /// Finds something in the named organisation.
    pub(crate) fn find_in_organisation<R>(
        &self,
        name: &str,
        find: impl Fn(&State) -> Option<R>,
    ) -> Option<R> {
        let organisations = self.server.dispatcher.read();
        let mut states = states(&organisations);
        find(states.find(|state| state.organisation.name == name)?)
    }

    /// Returns all keys as `(organisation name, key name, value)`.
    pub(crate) fn keys(&self) -> Vec<(String, String, String)> {
        let organisations = self.server.dispatcher.read();
        states(&organisations)
            .flat_map(|state| {
                let organisation = state.organisation.name.clone();
                let keys = state.api_keys.secrets();
                keys.map(move |(name, value)| (organisation.clone(), name, value))
            })
            .collect()
    }

    pub(crate) fn accept_invite(&self, invite_id: &str) -> Result<String, InviteError> {
        let response = self.server.dispatcher.accept_invite(invite_id);
        let user = match response.map_err(|error| InviteError(error.message().to_owned()))? {
            ResponseBody::Json(user) => user["id"].as_str().map(str::to_owned),
            _ => None,
        };
        user.ok_or_else(|| InviteError("expected a string for `id` in the response".to_owned()))
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.server.request_log.all()
    }

    pub(crate) fn uploads(&self) -> Vec<Upload> {
        self.server.uploads.all()
    }

    pub(crate) fn add_script(&self, script: Script) -> Result<(), ScriptError> {
        ScriptError::check(&script)?;
        self.server.scripts.add(script);
        Ok(())
    }

    pub(crate) fn clear_scripts(&self) {
        self.server.scripts.clear();
    }

    pub(crate) fn add_fault(&self, fault: Fault) -> Result<(), FaultError> {
        FaultError::check(&fault, |id| {
            self.server.dispatcher.spec.routes.has_operation(id)
        })?;
        self.server.faults.add(fault);
        Ok(())
    }

    pub(crate) fn clear_faults(&self) {
        self.server.faults.clear();
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.server.dispatcher.clock.now()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.server.dispatcher.clock.advance(by);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let organisations = self.server.dispatcher.read();
        Snapshot {
            organisations: organisations.clone(),
            clock_offset_ms: self.server.dispatcher.clock.offset().num_milliseconds(),
        }
    }

    pub(crate) fn restore(&self, snapshot: &Snapshot) -> std::io::Result<()> {
        let dispatcher = &self.server.dispatcher;
        dispatcher.replace(snapshot.organisations.clone())?;
        let offset = TimeDelta::try_milliseconds(snapshot.clock_offset_ms).unwrap_or_default();
        dispatcher.clock.set_offset(offset);
        Ok(())
    }
}

fn states(organisations: &Organisations) -> impl Iterator<Item = &State> {
    organisations
        .all
        .iter()
        .map(|organisation| &organisation.state)
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

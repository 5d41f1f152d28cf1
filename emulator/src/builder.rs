//! The builder of an emulator.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::Emulator;
use crate::api_spec::{self, ApiSpec};
use crate::clock::{AdjustableClock, Clock};
use crate::dispatch::Dispatcher;
use crate::error::ApiError;
use crate::faults::Faults;
use crate::http::server::{self, Server};
use crate::ids::Ids;
use crate::request_log::AccessLogEntry;
use crate::seed::{self, Organisation, Seed, SeedRequest, StartError};
use crate::state::organisations::Organisations;
use crate::store::StateFile;

/// Builder for an [`Emulator`]; see [`Emulator::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct EmulatorBuilder {
    organisations: Vec<Organisation>,
    clock: Clock,
    random_seed: Option<u64>,
    consistency_delay: Duration,
    address: SocketAddr,
    log: Option<fn(&AccessLogEntry)>,
    state_file: Option<PathBuf>,
    requests: Vec<SeedRequest>,
}

impl EmulatorBuilder {
    pub(crate) fn new() -> Self {
        Self {
            organisations: Vec::new(),
            clock: Clock::System,
            random_seed: None,
            consistency_delay: Duration::ZERO,
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            log: None,
            state_file: None,
            requests: Vec::new(),
        }
    }

    /// Adds an organisation. If none is added, the emulator has the default organisation that
    /// [`Emulator`] describes.
    pub fn organisation(mut self, organisation: Organisation) -> Self {
        self.organisations.push(organisation);
        self
    }

    /// Sets the time source; the default is the system clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the seed of ids, keys and fault probabilities, to make them reproducible. The default
    /// is random.
    pub fn random_seed(mut self, seed: u64) -> Self {
        self.random_seed = Some(seed);
        self
    }

    /// Sets how long, by the emulator's clock, writes stay invisible to reads. The default is zero.
    ///
    /// The emulator keeps a copy of the organisation's indices for every write within this time.
    pub fn consistency_delay(mut self, delay: Duration) -> Self {
        self.consistency_delay = delay;
        self
    }

    /// Sets the address to listen on. The default is a free port of 127.0.0.1.
    ///
    /// The emulator's keys provide no security: an address other than loopback gives everyone who
    /// can reach it access.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Sets a function that is called after each request. By default, nothing is logged.
    pub fn log(mut self, log: fn(&AccessLogEntry)) -> Self {
        self.log = Some(log);
        self
    }

    /// Loads the state from a file, if it exists, and saves every change to it.
    ///
    /// The response to a write is sent once the write is on disk. `path.journal` and `path.lock`
    /// are created beside `path`. The files contain the values of keys and the contents of files.
    /// Seeds are used only if the file does not exist. Damaged files, and files of which one is
    /// missing, are an error when the emulator starts.
    ///
    /// A write that cannot be persisted is rolled back, and its response is a 500.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Adds the organisations and requests of a seed; see [`Seed::parse`].
    pub fn seed_data(mut self, seed: Seed) -> Self {
        self.organisations.extend(seed.organisations);
        self.requests.extend(seed.requests);
        self
    }

    /// Starts the emulator on the current Tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails if the address cannot be bound, a seeded organisation refers to an unknown user or
    /// workspace, a seeded request fails, or the state file cannot be read or written.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let spec = api_spec::get().map_err(|error| StartError(error.to_owned()))?;
        let listener = server::listen(self.address).map_err(|error| {
            StartError(format!("failed to listen on {}: {error}", self.address))
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError(format!("failed to read the local address: {error}")))?;
        let clock = AdjustableClock::new(self.clock);
        let mut ids = Ids::new(self.random_seed.unwrap_or_else(|| fastrand::u64(..)));
        let faults = Faults::new(Ids::new(ids.next_seed()));
        let origin = format!("http://{address}");
        let initial = || self.initial_organisations(spec, &origin, &clock, &ids);
        let (state_file, organisations) = match &self.state_file {
            Some(path) => {
                let (file, organisations) = StateFile::open(path, initial).map_err(StartError)?;
                // The same seed must not repeat the ids of an earlier start.
                ids = Ids::new(ids.next_seed().wrapping_add(file.generation()));
                (Some(file), organisations)
            }
            None => (None, initial().map_err(StartError)?),
        };
        let mut dispatcher = Dispatcher::new(spec, origin, organisations, state_file, ids);
        dispatcher.clock = clock;
        dispatcher.delay = TimeDelta::from_std(self.consistency_delay).unwrap_or(TimeDelta::MAX);
        let server = Arc::new(Server::new(dispatcher, faults, self.log));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server::serve(listener, Arc::clone(&server), stopped));
        Ok(Emulator::from_parts(address, server, stop, task))
    }

    /// Builds the organisations of the first start and sends the seed requests.
    fn initial_organisations(
        &self,
        spec: &'static ApiSpec,
        origin: &str,
        clock: &AdjustableClock,
        ids: &Ids,
    ) -> Result<Organisations, String> {
        let default = [Organisation::with_defaults()];
        let organisations = match self.organisations.as_slice() {
            [] => &default,
            configured => configured,
        };
        let mut states = Vec::new();
        for organisation in organisations {
            let state = seed::state(organisation, clock.now(), &Ids::new(ids.next_seed()));
            let context = |error| format!("organisation `{}`: {error}", organisation.name());
            states.push(state.map_err(context)?);
        }
        let organisations = Organisations::new(states);
        let ids = Ids::new(ids.next_seed());
        let mut dispatcher = Dispatcher::new(spec, origin.to_owned(), organisations, None, ids);
        dispatcher.clock = AdjustableClock::new(Clock::fixed(clock.now()));
        for (index, request) in self.requests.iter().enumerate() {
            let context = |error| format!("seed request {}: {error}", index + 1);
            send(request, &dispatcher).map_err(context)?;
        }
        Ok(dispatcher.into_organisations())
    }
}

/// Sends a seed request; any response other than a success is an error.
fn send(request: &SeedRequest, dispatcher: &Dispatcher) -> Result<(), String> {
    let SeedRequest {
        key,
        method,
        path,
        body,
    } = request;
    let name = key.as_deref().unwrap_or(seed::ADMIN_KEY);
    let organisations = dispatcher.read();
    let mut all = organisations.all.iter();
    let key = all.find_map(|organisation| organisation.state.api_keys.secret(name));
    drop(organisations);
    let key = key.ok_or_else(|| format!("unknown key `{name}`"))?;
    let body = match body {
        Value::Null => Vec::new(),
        body => body.to_string().into_bytes(),
    };
    match dispatcher.send(method, path, Some(&key), body) {
        Ok(_) => Ok(()),
        Err(error) => {
            let ApiError { status, body } = error;
            Err(format!("{method} {path} returned {status}: {body}"))
        }
    }
}

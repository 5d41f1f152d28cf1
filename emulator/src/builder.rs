//! Starting an emulator the way a test wants it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::oneshot;

use crate::Emulator;
use crate::clock::{Clock, Time};
use crate::faults::Faults;
use crate::ids::Ids;
use crate::journal::Journal;
use crate::model::{self, Model};
use crate::plane::ControlPlane;
use crate::requests::RequestLine;
use crate::seed::{self, Organisation, Seed, SeedRequest};
use crate::server::{self, Server};
use crate::world::World;

/// Settings of an emulator that is to be started; see [`Emulator::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    organisations: Vec<Organisation>,
    clock: Clock,
    seed: Option<u64>,
    delay: Duration,
    address: SocketAddr,
    log: Option<fn(&RequestLine)>,
    state_file: Option<PathBuf>,
    requests: Vec<SeedRequest>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            organisations: Vec::new(),
            clock: Clock::System,
            seed: None,
            delay: Duration::ZERO,
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            log: None,
            state_file: None,
            requests: Vec::new(),
        }
    }

    /// Adds an organisation. Without any, there is the one that [`Emulator`] describes.
    pub fn organisation(mut self, organisation: Organisation) -> Self {
        self.organisations.push(organisation);
        self
    }

    /// Where the time comes from: the machine's clock by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Makes ids, keys and the dice of faults the same in every run; random by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long reads do not see a write, by the emulator's clock: not at all by default.
    ///
    /// Every write of the last `delay` costs a copy of the organisation's indices.
    pub fn consistency_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Where to listen: a free port of 127.0.0.1 by default.
    ///
    /// The emulator's keys protect nothing. Other addresses than loopback let others in.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// What is done with each request that was answered: nothing by default.
    pub fn log(mut self, log: fn(&RequestLine)) -> Self {
        self.log = Some(log);
        self
    }

    /// Keeps the state in a file, and continues with what the file holds if it is there.
    ///
    /// Writes are answered once they are on disk: beside `path` there are `path.journal` and
    /// `path.lock`. The files hold the values of keys. Seeds are for the first start only.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// Adds the organisations and requests of a seed, such as was read from a file.
    pub fn seeded(mut self, seed: Seed) -> Self {
        self.organisations.extend(seed.organisations);
        self.requests.extend(seed.requests);
        self
    }

    /// Starts the emulator on the Tokio runtime that this is called from.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, a seeded organisation names a user or workspace that it does not
    /// have, a seeded request is refused, or the state file cannot be read or written.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let model = model::get().map_err(|problem| StartError(problem.to_owned()))?;
        let listener = server::listen(self.address)
            .map_err(|error| StartError(format!("no port at {}: {error}", self.address)))?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError(format!("no address: {error}")))?;
        let time = Time::new(self.clock);
        let mut ids = Ids::new(self.seed.unwrap_or_else(|| fastrand::u64(..)));
        let faults = Faults::new(Ids::new(ids.seed()));
        let origin = format!("http://{address}");
        let fresh = || self.world(model, &origin, &time, &ids);
        let (journal, world) = match &self.state_file {
            Some(path) => {
                let (journal, world) = Journal::open(path, fresh).map_err(StartError)?;
                // A seed must not make the ids of an earlier start again.
                ids = Ids::new(ids.seed().wrapping_add(journal.generation()));
                (Some(journal), world)
            }
            None => (None, fresh().map_err(StartError)?),
        };
        let mut plane = ControlPlane::new(model, origin, world, journal, ids);
        plane.time = time;
        plane.delay = TimeDelta::from_std(self.delay).unwrap_or(TimeDelta::MAX);
        let server = Arc::new(Server::new(plane, faults, self.log));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server::serve(listener, Arc::clone(&server), stopped));
        Ok(Emulator::running(address, server, stop, task))
    }

    /// What there is at the first start.
    fn world(
        &self,
        model: &'static Model,
        origin: &str,
        time: &Time,
        ids: &Ids,
    ) -> Result<World, String> {
        let standard = [Organisation::furnished()];
        let organisations = match self.organisations.as_slice() {
            [] => &standard,
            given => given,
        };
        let mut states = Vec::new();
        for organisation in organisations {
            let state = seed::state(organisation, time.now(), &Ids::new(ids.seed()));
            let context = |problem| format!("organisation `{}`: {problem}", organisation.name());
            states.push(state.map_err(context)?);
        }
        let world = World::new(states);
        let ids = Ids::new(ids.seed());
        let mut plane = ControlPlane::new(model, origin.to_owned(), world, None, ids);
        plane.time = Time::new(Clock::fixed(time.now()));
        for (index, request) in self.requests.iter().enumerate() {
            let context = |problem| format!("request {} of the seed: {problem}", index + 1);
            request.send(&plane).map_err(context)?;
        }
        Ok(plane.into_world())
    }
}

/// Why an emulator did not start.
#[derive(Debug)]
pub struct StartError(pub(crate) String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the emulator cannot start: {}", self.0)
    }
}

impl std::error::Error for StartError {}

//! An in-process Portkey control plane on a loopback port, for tests and examples.
//!
//! [`Emulator::start`] serves the operations of the patched OpenAPI document from memory. Requests
//! are checked against that document, answers have the shapes that the real service was seen to
//! send, and every request is kept for assertions. Nothing leaves the machine.
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

mod analytics;
mod api_keys;
mod call;
mod check;
mod collections;
mod configs;
mod model;
mod pricing;
mod prompts;
mod reply;
mod requests;
mod route;
mod server;
mod state;
mod users;
mod virtual_keys;
mod workspaces;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use requests::SeenRequest;

/// How long [`Emulator::shutdown`] waits for answers that are still being written.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running emulator; it stops when it is dropped.
///
/// The server is a task of the Tokio runtime that called [`Emulator::start`]. Each emulator has its
/// own state: one organisation with three users, one workspace, and one each of collection,
/// prompt, config and virtual key.
pub struct Emulator {
    address: SocketAddr,
    api_key: String,
    shared: Arc<server::Shared>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts an emulator on a free port of 127.0.0.1.
    pub async fn start() -> Result<Self, StartError> {
        let model = model::get().map_err(|problem| StartError(problem.to_owned()))?;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(StartError::from)?;
        let address = listener.local_addr().map_err(StartError::from)?;
        let (shared, api_key) = server::Shared::new(model, format!("http://{address}"));
        let shared = Arc::new(shared);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server::serve(listener, Arc::clone(&shared), stopped));
        Ok(Self {
            address,
            api_key,
            shared,
            stop: Some(stop),
            task: Some(task),
        })
    }

    /// The base URL of the control plane and the gateway: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL of the public operations: `http://127.0.0.1:PORT`.
    pub fn public_base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An organisation key that may call everything; generated at start, worthless elsewhere.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Every request seen so far, in order of arrival, refused ones included.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.seen()
    }

    /// Stops the server and waits until its port is free.
    pub async fn shutdown(mut self) {
        self.signal();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(PATIENCE, &mut task).await.is_err()
        {
            task.abort();
        }
    }

    fn signal(&mut self) {
        if let Some(stop) = self.stop.take() {
            // An error only says that the server has already stopped.
            let _ = stop.send(());
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.signal();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}

/// Why an emulator did not start.
#[derive(Debug)]
pub struct StartError(String);

impl From<std::io::Error> for StartError {
    fn from(error: std::io::Error) -> Self {
        Self(format!("no loopback port: {error}"))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the emulator cannot start: {}", self.0)
    }
}

impl std::error::Error for StartError {}

//! What moves while an answer is waited for.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// When something last moved. Clones tell each other.
#[derive(Clone)]
pub(crate) struct Heartbeat(Arc<Mutex<Instant>>);

impl Heartbeat {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Something moves.
    pub(crate) fn mark(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

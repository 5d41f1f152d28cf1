//! A flag that resets a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that makes a connection end with a reset; shared with its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resetter(Arc<AtomicBool>);

impl Resetter {
    /// Makes the connection reset when it is closed.
    pub(crate) fn reset(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

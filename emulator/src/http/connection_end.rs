//! How a connection ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const CLOSE: u8 = 0;
const LINGER: u8 = 1;
const RESET: u8 = 2;

/// How a connection ends once the server has nothing more to send; shared with its requests. By
/// default, it is closed.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectionEnd(Arc<AtomicU8>);

impl ConnectionEnd {
    /// Makes the connection end with a reset.
    pub(crate) fn reset(&self) {
        self.0.fetch_max(RESET, Ordering::Relaxed);
    }

    /// Makes the server read what the client still sends, up to a limit. Closing a connection with
    /// unread data resets it, and the client could lose the response.
    pub(super) fn linger(&self) {
        self.0.fetch_max(LINGER, Ordering::Relaxed);
    }

    pub(super) fn is_reset(&self) -> bool {
        self.0.load(Ordering::Relaxed) == RESET
    }

    pub(super) fn lingers(&self) -> bool {
        self.0.load(Ordering::Relaxed) != CLOSE
    }
}

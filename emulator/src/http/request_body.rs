//! Request bodies that are read as a whole, within limits on their size, their time and the memory of
//! all of them together.
//!
//! Written by hand: `http_body_util` limits the size of one body only.

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ApiError;

/// The maximum size of a body, far above what any control plane operation needs.
pub(super) const MAX_SIZE: usize = 16 * 1024 * 1024;

/// Bodies up to this size are not counted.
pub(super) const SMALL_SIZE: usize = 64 * 1024;

/// The timeout for receiving a body. Time that the server makes the client wait does not count.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The memory of all bodies, in units of [`SMALL_SIZE`]: 256 MiB.
const MEMORY_UNITS: usize = 4096;

/// The memory for the bodies of all requests.
///
/// A body takes memory as its bytes arrive, so that a client that sends nothing holds nothing. If all
/// memory is taken, one body at a time may exceed it, so that bodies that wait for each other's memory
/// come to an end.
#[derive(Debug)]
pub(super) struct BodyMemory {
    units: Semaphore,
    excess: Semaphore,
}

impl Default for BodyMemory {
    fn default() -> Self {
        Self {
            units: Semaphore::new(MEMORY_UNITS),
            excess: Semaphore::new(1),
        }
    }
}

/// A received body. Its memory is released on drop.
pub(super) struct ReceivedBody<'a> {
    pub(super) bytes: Vec<u8>,
    memory: &'a BodyMemory,
    units: Option<SemaphorePermit<'a>>,
    excess: Option<SemaphorePermit<'a>>,
}

impl<'a> ReceivedBody<'a> {
    pub(super) fn empty(memory: &'a BodyMemory) -> Self {
        Self {
            bytes: Vec::new(),
            memory,
            units: None,
            excess: None,
        }
    }

    /// Reads a complete body.
    pub(super) async fn read(memory: &'a BodyMemory, mut body: Incoming) -> Result<Self, ApiError> {
        if body.size_hint().lower() > MAX_SIZE as u64 {
            return Err(too_large());
        }
        let mut received = Self::empty(memory);
        let mut remaining = TIMEOUT;
        loop {
            let started = Instant::now();
            let frame = match tokio::time::timeout(remaining, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => return Ok(received),
                Ok(Some(Err(_))) => {
                    let message = "body: truncated or malformed chunked encoding";
                    return Err(ApiError::bad_request(message));
                }
                Err(_) => return Err(ApiError::new(408, None, "body: timed out")),
            };
            remaining = remaining.saturating_sub(started.elapsed());
            // Trailers are skipped.
            if let Ok(bytes) = frame.into_data() {
                received.push(&bytes).await?;
            }
        }
    }

    async fn push(&mut self, bytes: &Bytes) -> Result<(), ApiError> {
        let size = self.bytes.len() + bytes.len();
        if size > MAX_SIZE {
            return Err(too_large());
        }
        while size > SMALL_SIZE && size > self.counted() && self.excess.is_none() {
            tokio::select! {
                biased;
                unit = self.memory.units.acquire() => self.add_unit(unit.ok()),
                excess = self.memory.excess.acquire() => self.excess = excess.ok(),
            }
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn counted(&self) -> usize {
        let units = self.units.as_ref();
        units.map_or(0, SemaphorePermit::num_permits) * SMALL_SIZE
    }

    fn add_unit(&mut self, unit: Option<SemaphorePermit<'a>>) {
        match (&mut self.units, unit) {
            (Some(units), Some(unit)) => units.merge(unit),
            (units, unit) => *units = unit,
        }
    }
}

fn too_large() -> ApiError {
    let message = format!("body: exceeds the limit of {MAX_SIZE} bytes");
    ApiError::new(413, None, message)
}

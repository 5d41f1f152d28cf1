//! The retry budget, which all clones of a client share to prevent retry storms.

use std::sync::atomic::{AtomicU32, Ordering};

const CAPACITY: u32 = 500;
const RETRY_COST: u32 = 5;
const TIMEOUT_COST: u32 = 10;
const SUCCESS_REFUND: u32 = 1;

/// A token bucket: a retry takes tokens, a success returns one. Without enough tokens nothing is
/// retried.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(CAPACITY))
    }
}

impl Budget {
    /// Takes the tokens for a retry; a retry after a timeout costs more, because the service was
    /// busy for longer. Returns `false` if there are not enough.
    pub(crate) fn take(&self, timeout: bool) -> bool {
        let cost = if timeout { TIMEOUT_COST } else { RETRY_COST };
        self.update(|tokens| tokens.checked_sub(cost))
    }

    /// Returns a token after a successful call.
    pub(crate) fn record_success(&self) {
        self.update(|tokens| (tokens < CAPACITY).then(|| tokens + SUCCESS_REFUND));
    }

    fn update(&self, change: impl Fn(u32) -> Option<u32>) -> bool {
        // Relaxed: no other memory is synchronised through the tokens.
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_allows_one_hundred_retries() {
        let budget = Budget::default();
        assert_eq!((0..1000).filter(|_| budget.take(false)).count(), 100);
        for _ in 0..4 {
            budget.record_success();
        }
        assert!(!budget.take(false));
        budget.record_success();
        assert!(budget.take(false));
    }

    #[test]
    fn retry_after_a_timeout_costs_twice_as_much() {
        let budget = Budget::default();
        assert_eq!((0..1000).filter(|_| budget.take(true)).count(), 50);
    }

    #[test]
    fn success_does_not_exceed_the_capacity() {
        let budget = Budget::default();
        budget.record_success();
        assert_eq!((0..1000).filter(|_| budget.take(false)).count(), 100);
    }
}

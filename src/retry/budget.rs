//! What stops a storm of retries: a budget that all clones of a client share.

use std::sync::atomic::{AtomicU32, Ordering};

const FULL: u32 = 500;
const RETRY: u32 = 5;
const TIMEOUT: u32 = 10;
const SUCCESS: u32 = 1;

/// Tokens: a retry takes some, a success brings one back. Without enough of them nothing is repeated.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(FULL))
    }
}

impl Budget {
    /// Takes what a retry costs; more after a timeout, which has kept the service busy for longer.
    pub(crate) fn take(&self, timeout: bool) -> bool {
        let cost = if timeout { TIMEOUT } else { RETRY };
        self.change(|tokens| tokens.checked_sub(cost))
    }

    /// A call has succeeded.
    pub(crate) fn success(&self) {
        self.change(|tokens| (tokens < FULL).then(|| tokens + SUCCESS));
    }

    fn change(&self, change: impl Fn(u32) -> Option<u32>) -> bool {
        // Nothing else is published through the tokens, so no order is needed.
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_retries_and_no_more() {
        let budget = Budget::default();
        assert_eq!((0..1000).filter(|_| budget.take(false)).count(), 100);
        for _ in 0..4 {
            budget.success();
        }
        assert!(!budget.take(false));
        budget.success();
        assert!(budget.take(false));
    }

    #[test]
    fn a_timeout_costs_twice_as_much() {
        let budget = Budget::default();
        assert_eq!((0..1000).filter(|_| budget.take(true)).count(), 50);
    }

    #[test]
    fn it_never_holds_more_than_at_first() {
        let budget = Budget::default();
        budget.success();
        assert_eq!((0..1000).filter(|_| budget.take(false)).count(), 100);
    }
}

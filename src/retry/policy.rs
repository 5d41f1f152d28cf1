//! The numbers of retrying.

use std::time::Duration;

/// How often and how long a call is tried.
///
/// By default three attempts in all within 120 seconds, after 408, 429, 500, 502, 503, 504 and failed
/// connections; before the next attempt a random part of a wait that starts at 0.5 seconds and
/// doubles up to 8 seconds, or what `Retry-After` asks for, if that is longer and at most 60 seconds.
///
/// What is repeated depends on the operation ([`Operation::retry`](crate::Operation)): one that reads,
/// deletes or replaces is; one that leaves something behind with each execution only where the
/// service cannot have executed it: no connection, or 429 or 503 with `Retry-After`.
/// [`RequestOptions::idempotent`](crate::RequestOptions::idempotent) says otherwise for a call.
///
/// All clones of a client share a budget: of 500 tokens a retry takes 5, one after a timeout 10, and a
/// success brings back 1. Nothing is repeated without enough of them.
///
/// ```
/// use portkey_admin::{Client, RequestOptions, RetryPolicy};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), portkey_admin::Error> {
/// let patient = RetryPolicy::default().max_attempts(6).deadline(Duration::from_secs(600));
/// let client = Client::builder().api_key("key").options(RequestOptions::new().retry(patient)).build()?;
/// let once = client.with_options(RequestOptions::new().retry(RetryPolicy::none()));
/// # let _ = once;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) deadline: Duration,
    initial_backoff: Duration,
    max_backoff: Duration,
    pub(crate) max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl RetryPolicy {
    pub(crate) const DEFAULT: Self = Self {
        max_attempts: 3,
        deadline: Duration::from_secs(120),
        initial_backoff: Duration::from_millis(500),
        max_backoff: Duration::from_secs(8),
        max_retry_after: Duration::from_secs(60),
    };

    /// A single attempt.
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// How many attempts there are in all; 0 counts as 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// How long a call may take with all its attempts and waits. An attempt is cut off there, and no
    /// wait is begun that would end later. What is streamed (uploads of files, downloads, events) is
    /// not cut off once it flows: there, only silence is limited.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The longest wait before the second attempt, and the longest of all; it doubles in between.
    /// Each wait is a random part of it.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.initial_backoff = first;
        self.max_backoff = longest;
        self
    }

    /// The longest `Retry-After` that is waited for. Asked to wait longer, a call fails at once, and
    /// the error has the value.
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after = longest;
        self
    }

    /// The wait after so many attempts: `random` (0 to 1) times a power of two ("full jitter").
    pub(crate) fn wait(&self, attempts: u32, random: f64) -> Duration {
        let doublings = 1_u32
            .checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let ceiling = self
            .initial_backoff
            .saturating_mul(doublings)
            .min(self.max_backoff);
        ceiling.mul_f64(random.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let waits: Vec<f64> = [1, 2, 3, 4, 5, 6, 31, 32, 33, u32::MAX]
            .map(|attempts| policy.wait(attempts, 1.0).as_secs_f64())
            .into();
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0]);
        assert_eq!(policy.wait(1, 0.0), Duration::ZERO);
        assert_eq!(policy.wait(1, 0.5), Duration::from_millis(250));
    }
}

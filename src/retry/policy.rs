//! The retry policy.

use std::time::Duration;

use crate::operation::Plane;

const DEADLINE: Duration = Duration::from_secs(120);
/// Three attempts of the default timeout.
const GATEWAY_DEADLINE: Duration = Duration::from_secs(30 * 60);

/// Limits on the attempts of a call and the delays between them.
///
/// The default is three attempts within 120 seconds, or within 30 minutes for calls to the gateway.
/// A call is retried after a failed connection and the statuses 408, 429, 500, 502, 503, 504, 520 to
/// 524 and 529. The delay is a random part of a backoff that starts at 0.5 seconds and doubles up to
/// 8 seconds, or the delay in `Retry-After`, if that is longer and at most 60 seconds.
///
/// Which failures are retried depends on [`Operation::idempotency`](crate::Operation::idempotency):
/// operations that read, delete or replace are retried after each of them. Operations that are not
/// idempotent are retried only if the service cannot have executed them: if the connection failed,
/// or after 429 or 503 with `Retry-After`.
/// [`RequestOptions::idempotent`](crate::RequestOptions::idempotent) overrides this for a call.
///
/// All clones of a client share a retry budget of 500 tokens. A retry takes 5 tokens, a retry after
/// a timeout 10, and a success returns 1. Without enough tokens nothing is retried.
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
///
/// See the guide: [retries](crate::guide::retries).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    /// `None` for the default, which depends on the plane.
    deadline: Option<Duration>,
    initial_backoff: Duration,
    max_backoff: Duration,
    pub(crate) max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            deadline: None,
            initial_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(8),
            max_retry_after: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Creates a policy with a single attempt.
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// Sets the maximum number of attempts, including the first; 0 counts as 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the maximum duration of a call with all its attempts and delays. The default is 120
    /// seconds, or 30 minutes for calls to the gateway.
    ///
    /// An attempt times out at the deadline, and a retry whose delay would exceed it is skipped.
    /// Streams (uploads of files, downloads, events) are not limited once data flows; only the time
    /// without data is.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the backoff before the second attempt and the maximum backoff; it doubles in between.
    /// Each delay is a random part of the backoff.
    pub fn backoff(mut self, initial: Duration, max: Duration) -> Self {
        self.initial_backoff = initial;
        self.max_backoff = max;
        self
    }

    /// Sets the maximum `Retry-After` that is respected. If the service asks for a longer delay,
    /// the call fails immediately and [`Error::retry_after`](crate::Error::retry_after) returns the
    /// delay.
    pub fn max_retry_after(mut self, max: Duration) -> Self {
        self.max_retry_after = max;
        self
    }

    /// Returns the deadline, or the default of the control plane.
    pub(crate) fn effective_deadline(&self) -> Duration {
        self.deadline.unwrap_or(DEADLINE)
    }

    /// Sets the deadline that applies if none is set.
    pub(crate) fn with_default_deadline(mut self, plane: Option<Plane>) -> Self {
        let default = match plane {
            Some(Plane::Gateway) => GATEWAY_DEADLINE,
            Some(Plane::Control | Plane::Public | Plane::Mcp | Plane::Prices) | None => DEADLINE,
        };
        self.deadline.get_or_insert(default);
        self
    }

    /// Returns the delay after `attempts` attempts: `random` (0 to 1) times the backoff ("full
    /// jitter").
    pub(crate) fn delay(&self, attempts: u32, random: f64) -> Duration {
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
    fn delays_double_up_to_the_maximum() {
        let policy = RetryPolicy::default();
        let delays: Vec<f64> = [1, 2, 3, 4, 5, 6, 31, 32, 33, u32::MAX]
            .map(|attempts| policy.delay(attempts, 1.0).as_secs_f64())
            .into();
        assert_eq!(delays, [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0]);
        assert_eq!(policy.delay(1, 0.0), Duration::ZERO);
        assert_eq!(policy.delay(1, 0.5), Duration::from_millis(250));
    }
}

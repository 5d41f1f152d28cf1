//! When a call is sent again: the policy, and the loop that follows it.
//!
//! The loop knows no socket and no clock: what sends, what sleeps and what time it is are given to
//! it, so that tests script them. A backoff crate would hold one line of this (`random × the power of
//! two`); what matters here, `Retry-After`, idempotency, the deadline and the budget, is in none.

mod after;
mod budget;
mod policy;
mod run;

pub(crate) use after::retry_after;
pub(crate) use budget::Budget;
pub use policy::RetryPolicy;
pub(crate) use run::{Attempt, Failure, History, Tokio, Trouble, World, run};

//! When a call is sent again: the policy, and the loop that follows it.
//!
//! The loop knows no socket and no clock: what sends, what sleeps and what time it is are given to
//! it, so that tests script them. A backoff crate would hold one line of this (`random × the power of
//! two`); what matters current, `Retry-After`, idempotency, the deadline and the budget, is in none.

mod budget;
mod policy;
mod retry_after;
mod retry_loop;

pub(crate) use budget::Budget;
pub use policy::RetryPolicy;
pub(crate) use retry_after::retry_after;
pub(crate) use retry_loop::{
    Attempt, AttemptSummary, Clock, Failure, FailureKind, TokioClock, run,
};

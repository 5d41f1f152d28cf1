//! Retries: the policy, and the loop that applies it.
//!
//! The loop receives the function that sends and the clock as parameters, so that tests can script
//! both. No backoff crate is used: it would cover only the delay, but not `Retry-After`,
//! idempotency, the deadline and the budget.

mod budget;
mod policy;
mod retry_after;
mod retry_loop;

pub(crate) use budget::Budget;
pub use policy::RetryPolicy;
pub(crate) use retry_after::retry_after;
pub(crate) use retry_loop::{
    AttemptSummary, Clock, Failure, FailureKind, TokioClock, is_transient_status, run,
};

//! Drift: what changed from the vendored document to another one, whom it breaks, and what it does
//! to the overrides.
//!
//! `walk` finds every fact that differs, `compatibility` asks the `drift` crate what it means on the
//! wire; `code` generates the client of both documents, and `judge` says by it what the fact means for
//! the users of the crate; `survey` (in the codegen crate) tries the overrides on the new document.
//! `render` writes all of that down.

mod code;
mod compatibility;
mod difference;
pub mod guard;
mod judge;
mod node;
mod pairing;
mod proposal;
mod reach;
pub mod render;
mod report;
mod subject;
mod walk;

pub use report::{Input, Report, report};

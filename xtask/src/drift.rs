//! Drift: what changed between the vendored OpenAPI document and another one, how that affects
//! users of the crate, and which overrides still fit.
//!
//! `diff` finds every fact that differs, and `compatibility` asks the `drift` crate what a
//! difference means on the wire. `generated_code` generates the client for both documents, and
//! `impact` derives from it what a difference means for users of the crate. The override audit (in
//! the codegen crate) tries the overrides on the new document. `render` writes the report.

mod compatibility;
mod diff;
mod difference;
mod effective_object;
mod generated_code;
mod impact;
mod matching;
mod mentions;
mod proposal;
mod public_api;
pub mod render;
mod report;
mod resolved_node;
mod schema_node;
mod target;
mod usage;

pub use report::{Input, Report, report};

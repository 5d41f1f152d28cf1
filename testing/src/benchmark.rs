//! The harness of the benchmarks: candidates, measurements and a server in a separate process.

pub mod bodies;
pub mod compare;
pub mod cpu;
pub mod isolated_process;
pub mod memory;
pub mod reqwest_baseline;
pub mod server;
pub mod statistics;

/// The result of a benchmark; any error ends the run.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

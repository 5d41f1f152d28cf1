//! How much CPU this process has used.

use std::time::Duration;

use cpu_time::ProcessTime;

/// The CPU time of this process so far, all threads, user and system.
pub fn cpu_time() -> Duration {
    ProcessTime::now().as_duration()
}

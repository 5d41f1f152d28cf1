//! CPU time of this process.

use std::time::Duration;

use cpu_time::ProcessTime;

/// Returns the user and system CPU time of all threads of this process.
pub fn cpu_time() -> Duration {
    ProcessTime::now().as_duration()
}

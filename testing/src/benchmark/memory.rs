//! Memory usage of this process.

use std::fs;

/// Memory in KB, if the system reports it.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    /// The current usage.
    pub now: Option<u64>,
    /// The peak usage.
    pub peak: Option<u64>,
}

/// Returns the memory usage of this process (Linux only).
pub fn memory() -> Memory {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line?.split_whitespace().next()?.parse().ok()
    };
    Memory {
        now: field("VmRSS:"),
        peak: field("VmHWM:"),
    }
}

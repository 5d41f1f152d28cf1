//! How much memory this process uses.

use std::fs;

/// Memory in KB, where the system tells.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    /// What is used now.
    pub now: Option<u64>,
    /// The most that was ever used.
    pub peak: Option<u64>,
}

/// The memory of this process, which Linux tells.
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

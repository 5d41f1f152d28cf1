//! The machine on which the figures were measured.

use std::fmt;

use anyhow::{Context, Result};

use super::cargo;

/// The properties that determine build times.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Number of crates built in parallel.
    pub cores: usize,
    /// First line of `rustc -vV`.
    pub rustc: String,
    /// The host target of the compiler.
    pub host: String,
    /// Load average of the last minute, if known.
    pub load: Option<String>,
}

impl Machine {
    /// Detects the current machine.
    pub fn detect() -> Result<Self> {
        let about = cargo::rustc_version()?;
        let mut lines = about.lines();
        let rustc = lines.next().unwrap_or_default().to_owned();
        let host = lines
            .find_map(|line| line.strip_prefix("host: "))
            .context("`rustc -vV` printed no host")?;
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            rustc,
            host: host.to_owned(),
            load: load_average(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} cores, {}, {}", self.cores, self.rustc, self.host)?;
        match &self.load {
            Some(load) => write!(out, ", load average before the start {load}"),
            None => Ok(()),
        }
    }
}

/// Only Linux provides this file.
fn load_average() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_is_formatted_as_one_line() {
        let machine = Machine {
            cores: 2,
            rustc: "rustc 1.95.0".into(),
            host: "x86_64-unknown-linux-gnu".into(),
            load: Some("0.10".into()),
        };
        assert_eq!(
            machine.to_string(),
            "2 cores, rustc 1.95.0, x86_64-unknown-linux-gnu, load average before the start 0.10"
        );
    }
}

//! The machine that the figures were measured on; they mean nothing without it.

use std::fmt;

use anyhow::{Context, Result};

use super::cargo;

/// What decides how long a build takes.
#[derive(Debug, Clone)]
pub struct Machine {
    /// How many builds of crates run at once.
    pub cores: usize,
    /// The compiler, as it names itself.
    pub rustc: String,
    /// The target that the compiler builds for.
    pub host: String,
    /// How many processes were running on average during the last minute, where that is known.
    pub load: Option<String>,
}

impl Machine {
    /// The machine that this runs on.
    pub fn here() -> Result<Self> {
        let about = cargo::about_rustc()?;
        let mut lines = about.lines();
        let rustc = lines.next().unwrap_or_default().to_owned();
        let host = lines
            .find_map(|line| line.strip_prefix("host: "))
            .context("rustc does not name its host")?;
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            rustc,
            host: host.to_owned(),
            load: load(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} cores, {}, {}", self.cores, self.rustc, self.host)?;
        match &self.load {
            Some(load) => write!(out, ", load before the start {load}"),
            None => Ok(()),
        }
    }
}

/// Linux alone tells it in a file.
fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_one_line() {
        let machine = Machine {
            cores: 2,
            rustc: "rustc 1.95.0".into(),
            host: "x86_64-unknown-linux-gnu".into(),
            load: Some("0.10".into()),
        };
        assert_eq!(
            machine.to_string(),
            "2 cores, rustc 1.95.0, x86_64-unknown-linux-gnu, load before the start 0.10"
        );
    }
}

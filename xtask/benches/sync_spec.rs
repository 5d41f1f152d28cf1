//! Measures the duration of `cargo xtask sync-spec`: the whole command, on the vendored document
//! and on another revision of it.
//!
//! `cargo bench --package xtask` prints the results. The target is 3 s; missing it is not a
//! failure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const RUNS: usize = 5;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/revisions");
    let older = data.join("2025-12-22.yaml");
    let vendored = root.join("openapi/portkey.yaml");
    for (label, from) in [("another revision", older), ("the same document", vendored)] {
        let mut times: Vec<Duration> = (0..RUNS).map(|_| run(&root, &from)).collect();
        times.sort();
        let median = times[RUNS / 2].as_secs_f64();
        println!("sync-spec --check, {label}: {median:.2} s (median of {RUNS}; target: 3 s)");
    }
}

/// Runs the command once and returns its duration. The report is discarded.
fn run(root: &Path, from: &PathBuf) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("--root").arg(root);
    command.args(["sync-spec", "--check", "--from"]).arg(from);
    let started = Instant::now();
    let output = command.output();
    let time = started.elapsed();
    match output {
        Ok(output) if matches!(output.status.code(), Some(0 | 4)) => time,
        Ok(output) => fail(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(problem: &str) -> ! {
    eprintln!("{problem}");
    std::process::exit(1);
}

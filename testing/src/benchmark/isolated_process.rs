//! Candidates that run in separate processes, so that the peak memory of each can be measured.
//!
//! [`compare_processes`] starts this program again for each run; a `main` that uses it must first call
//! [`run_if_requested`].

use std::{hint::black_box, process::Command, time::Instant};

use super::{
    Result,
    cpu::cpu_time,
    memory::{Memory, memory},
    statistics::{median, ratio},
};

/// The argument that makes this program run a candidate.
const RUN_ARGUMENT: &str = "--run";

/// Keeps glibc from returning memory to the system and requesting it again for every page. Whether it does
/// so depends on the end of the heap, and doubles the cost of a page.
const MALLOC_SETTINGS: [(&str, &str); 2] = [
    ("MALLOC_TRIM_THRESHOLD_", "100000000"),
    ("MALLOC_MMAP_THRESHOLD_", "100000000"),
];

/// The size of an allocation at the start of the heap, plus one [`ALIGNMENT`] per round. The speed of copies
/// by the kernel depends on the alignment of the buffer to cache lines, and so on earlier allocations. With
/// the padding, each candidate runs with each alignment.
const HEAP_PADDING: usize = 1 << 16;

/// The alignment of glibc allocations.
const ALIGNMENT: usize = 16;

/// A run of one candidate.
pub struct Task {
    /// The index of the candidate.
    pub candidate: usize,
    /// Further arguments.
    pub details: Vec<String>,
}

/// Time and memory at the start of a run.
pub struct Meter {
    start: Instant,
    cpu: f64,
    memory: Memory,
}

/// The time in seconds and the memory in KB that a run used.
#[derive(Clone, Copy)]
pub struct Usage {
    wall: f64,
    cpu: f64,
    peak: f64,
    /// The increase of the peak over the memory at the start.
    growth: f64,
}

impl Meter {
    /// Starts measuring.
    pub fn start() -> Self {
        Self {
            memory: memory(),
            cpu: cpu_time().as_secs_f64(),
            start: Instant::now(),
        }
    }

    /// Stops measuring.
    pub fn stop(self) -> Usage {
        let kilobytes = |memory: Option<u64>| memory.map_or(f64::NAN, |memory| memory as f64);
        let peak = kilobytes(memory().peak);
        Usage {
            wall: self.start.elapsed().as_secs_f64(),
            cpu: cpu_time().as_secs_f64() - self.cpu,
            peak,
            growth: peak - kilobytes(self.memory.now),
        }
    }
}

/// Runs a candidate and exits, if this process was started for that.
pub fn run_if_requested(run_task: impl FnOnce(Task) -> Result<Usage>) -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(RUN_ARGUMENT) {
        return Ok(());
    }
    let candidate = arguments.next().ok_or("missing candidate index")?.parse()?;
    let round: usize = arguments.next().ok_or("missing round number")?.parse()?;
    let padding = Vec::<u8>::with_capacity(HEAP_PADDING + round * ALIGNMENT);
    std::mem::forget(black_box(padding));
    let details = arguments.collect();
    let Usage {
        wall,
        cpu,
        peak,
        growth,
    } = run_task(Task { candidate, details })?;
    println!("{wall} {cpu} {peak} {growth}");
    std::process::exit(0)
}

/// Runs the candidates in turn, and prints their usage and its ratio to the first candidate. `rate` formats
/// seconds as a rate.
pub fn compare_processes(
    names: &[&str],
    details: &[&str],
    rounds: usize,
    rate: impl Fn(f64) -> String,
) -> Result<()> {
    let mut all = Vec::new();
    for round in 0..rounds {
        let mut usage = vec![None; names.len()];
        for turn in 0..names.len() {
            // Rotates the order, so that no candidate is always first.
            let candidate = (round + turn) % names.len();
            usage[candidate] = Some(run(candidate, round, details)?);
        }
        all.push(usage.into_iter().flatten().collect());
    }
    println!(
        "{:15} {:>15}  {:21} {:>6}  {:21} {:>8} {:>9}",
        "", "rate", "×", "CPU s", "×", "peak MB", "growth MB"
    );
    for (name, index) in names.iter().zip(0..) {
        print_row(name, &all, index, &rate);
    }
    Ok(())
}

fn run(candidate: usize, round: usize, details: &[&str]) -> Result<Usage> {
    let output = Command::new(std::env::current_exe()?)
        .args([RUN_ARGUMENT, &candidate.to_string(), &round.to_string()])
        .args(details)
        .envs(MALLOC_SETTINGS)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let usage: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    match usage[..] {
        [wall, cpu, peak, growth] if output.status.success() => Ok(Usage {
            wall,
            cpu,
            peak,
            growth,
        }),
        _ => Err(String::from_utf8(output.stderr)?.into()),
    }
}

fn print_row(name: &str, rounds: &[Vec<Usage>], index: usize, rate: impl Fn(f64) -> String) {
    let median_of =
        |figure: fn(&Usage) -> f64| median(rounds.iter().map(|all| figure(&all[index])));
    // Both ratios are relative to the first candidate; for speed, higher is better, for CPU, lower.
    let speed_ratio = rounds.iter().map(|all| all[0].wall / all[index].wall);
    let cpu_ratio = rounds.iter().map(|all| all[index].cpu / all[0].cpu);
    println!(
        "{name:15} {:>15}  {:21} {:6.2}  {:21} {:8.1} {:9.1}",
        rate(median_of(|usage| usage.wall)),
        ratio(speed_ratio),
        median_of(|usage| usage.cpu),
        ratio(cpu_ratio),
        median_of(|usage| usage.peak) / 1e3,
        median_of(|usage| usage.growth) / 1e3,
    );
}

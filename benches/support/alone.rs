//! Contenders that run alone, each in a process of its own: its peak memory is theirs.
//!
//! The process is this program again, started by [`compare`]; a `main` that uses it begins with
//! [`run_if_asked`].

use std::{hint::black_box, process::Command, time::Instant};

use super::{
    Result,
    cpu::cpu_time,
    figures::{median, ratio},
    memory::{Memory, memory},
};

/// The argument that makes this program a contender.
const RUN: &str = "--run";

/// Keeps glibc from giving memory back and taking it again for every page: whether it does depends on
/// what happens to lie at the end of the heap, and doubles what a page costs.
const STEADY: [(&str, &str); 2] = [
    ("MALLOC_TRIM_THRESHOLD_", "100000000"),
    ("MALLOC_MMAP_THRESHOLD_", "100000000"),
];

/// How much lies at the bottom of the heap, beside a [`STEP`] for each round. How fast the kernel copies
/// from a buffer depends on where the buffer begins in a line of the cache, and so on everything that was
/// allocated before; by turns each contender has each beginning.
const BOTTOM: usize = 1 << 16;

/// What glibc aligns to.
const STEP: usize = 16;

/// What a contender has to do.
pub struct Task {
    /// Which contender it is.
    pub who: usize,
    /// Whatever else it was told.
    pub details: Vec<String>,
}

/// The start of the work.
pub struct Meter {
    start: Instant,
    cpu: f64,
    memory: Memory,
}

/// What the work took: seconds, and KB.
#[derive(Clone, Copy)]
pub struct Figures {
    wall: f64,
    cpu: f64,
    peak: f64,
    /// The peak beyond what was used before the work began.
    grown: f64,
}

impl Meter {
    /// The work begins.
    pub fn start() -> Self {
        Self {
            memory: memory(),
            cpu: cpu_time().as_secs_f64(),
            start: Instant::now(),
        }
    }

    /// The work has ended.
    pub fn stop(self) -> Figures {
        let kilobytes = |memory: Option<u64>| memory.map_or(f64::NAN, |memory| memory as f64);
        let peak = kilobytes(memory().peak);
        Figures {
            wall: self.start.elapsed().as_secs_f64(),
            cpu: cpu_time().as_secs_f64() - self.cpu,
            peak,
            grown: peak - kilobytes(self.memory.now),
        }
    }
}

/// Does the task and ends the process, if it was started for one.
pub fn run_if_asked(work: impl FnOnce(Task) -> Result<Figures>) -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(RUN) {
        return Ok(());
    }
    let who = arguments.next().ok_or("which contender?")?.parse()?;
    let round: usize = arguments.next().ok_or("which round?")?.parse()?;
    let bottom = Vec::<u8>::with_capacity(BOTTOM + round * STEP);
    std::mem::forget(black_box(bottom));
    let details = arguments.collect();
    let Figures {
        wall,
        cpu,
        peak,
        grown,
    } = work(Task { who, details })?;
    println!("{wall} {cpu} {peak} {grown}");
    std::process::exit(0)
}

/// Lets the contenders do the same by turns, and prints what it took; the others are compared with
/// the first. `rate` says of seconds how fast that is.
pub fn compare(
    names: &[&str],
    details: &[&str],
    rounds: usize,
    rate: impl Fn(f64) -> String,
) -> Result<()> {
    let mut all = Vec::new();
    for round in 0..rounds {
        let mut figures = vec![None; names.len()];
        for turn in 0..names.len() {
            // Nobody is always first.
            let who = (round + turn) % names.len();
            figures[who] = Some(run(who, round, details)?);
        }
        all.push(figures.into_iter().flatten().collect());
    }
    println!(
        "{:15} {:>15}  {:21} {:>6}  {:21} {:>8} {:>9}",
        "", "rate", "×", "CPU s", "×", "peak MB", "grown MB"
    );
    for (name, of) in names.iter().zip(0..) {
        print_row(name, &all, of, &rate);
    }
    Ok(())
}

fn run(who: usize, round: usize, details: &[&str]) -> Result<Figures> {
    let output = Command::new(std::env::current_exe()?)
        .args([RUN, &who.to_string(), &round.to_string()])
        .args(details)
        .envs(STEADY)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    match figures[..] {
        [wall, cpu, peak, grown] if output.status.success() => Ok(Figures {
            wall,
            cpu,
            peak,
            grown,
        }),
        _ => Err(String::from_utf8(output.stderr)?.into()),
    }
}

fn print_row(name: &str, rounds: &[Vec<Figures>], of: usize, rate: impl Fn(f64) -> String) {
    let typical = |figure: fn(&Figures) -> f64| median(rounds.iter().map(|all| figure(&all[of])));
    // More speed is better, more CPU is worse: the one ratio is the other way round.
    let faster = rounds.iter().map(|all| all[0].wall / all[of].wall);
    let dearer = rounds.iter().map(|all| all[of].cpu / all[0].cpu);
    println!(
        "{name:15} {:>15}  {:21} {:6.2}  {:21} {:8.1} {:9.1}",
        rate(typical(|figures| figures.wall)),
        ratio(faster),
        typical(|figures| figures.cpu),
        ratio(dearer),
        typical(|figures| figures.peak) / 1e3,
        typical(|figures| figures.grown) / 1e3,
    );
}

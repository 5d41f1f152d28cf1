//! Candidates that take turns in one process, so that other load on the machine affects all of them.
//!
//! Each round gives each candidate a short turn. Ratios are computed within a round; the output contains
//! the medians over all rounds.

use std::{
    hint::black_box,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;

use super::{
    Result,
    cpu::cpu_time,
    reqwest_baseline,
    statistics::{median, ratio},
};

type BoxedCall = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// One way to make a call.
pub struct Candidate {
    name: &'static str,
    call: Arc<dyn Fn() -> BoxedCall + Send + Sync>,
}

/// The cost of a call in one turn, in seconds.
#[derive(Clone, Copy)]
struct Cost {
    wall: f64,
    cpu: f64,
}

/// The number and length of the turns.
#[derive(Clone, Copy)]
pub struct Sampling {
    rounds: usize,
    turn: Duration,
}

impl Sampling {
    /// Returns the settings of a benchmark, or the minimum that checks that everything works.
    pub fn new(is_benchmark: bool) -> Self {
        match is_benchmark {
            true => Self {
                rounds: 240,
                turn: Duration::from_millis(25),
            },
            false => Self {
                rounds: 1,
                turn: Duration::ZERO,
            },
        }
    }
}

impl Candidate {
    /// Creates a candidate that makes a call with `call`.
    pub fn new<F: Future<Output = Result<()>> + Send + 'static>(
        name: &'static str,
        call: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            call: Arc::new(move || Box::pin(call())),
        }
    }

    /// Creates a candidate that gets a `T` with plain `reqwest`.
    pub fn reqwest_baseline<T: DeserializeOwned + 'static>(url: String) -> Result<Self> {
        let http = reqwest_baseline::client()?;
        Ok(Self::new("bare reqwest", move || {
            let (http, url) = (http.clone(), url.clone());
            async move {
                black_box(reqwest_baseline::get::<T>(&http, &url).await?);
                Ok(())
            }
        }))
    }

    /// Makes `calls` calls, `in_flight` at a time.
    async fn turn(&self, calls: usize, in_flight: usize) -> Result<Cost> {
        let started = Arc::new(AtomicUsize::new(0));
        let (start, cpu) = (Instant::now(), cpu_time());
        let workers: Vec<_> = (0..in_flight)
            .map(|_| {
                let (started, call) = (started.clone(), self.call.clone());
                tokio::spawn(async move {
                    while started.fetch_add(1, Relaxed) < calls {
                        call().await?;
                    }
                    Result::Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker.await??;
        }
        let each = |time: Duration| time.as_secs_f64() / calls as f64;
        Ok(Cost {
            wall: each(start.elapsed()),
            cpu: each(cpu_time() - cpu),
        })
    }
}

/// Compares the candidates for each number of calls in flight, and prints their cost and its ratio to the
/// first candidate.
pub async fn compare(
    sampling: Sampling,
    candidates: &[Candidate],
    in_flight: &[usize],
) -> Result<()> {
    println!(
        "{:15} {:>9} {:>9}  {:21} {:>11}  ×",
        "", "in flight", "calls/s", "×", "CPU µs/call"
    );
    for &in_flight in in_flight {
        let costs = rounds(sampling, candidates, in_flight).await?;
        for (candidate, index) in candidates.iter().zip(0..) {
            print_row(candidate.name, in_flight, &costs, index);
        }
    }
    Ok(())
}

/// Returns the costs of each round, in the order of the candidates.
async fn rounds(
    sampling: Sampling,
    candidates: &[Candidate],
    in_flight: usize,
) -> Result<Vec<Vec<Cost>>> {
    let calls = calls_per_turn(sampling, &candidates[0], in_flight).await?;
    for candidate in candidates {
        candidate.turn(calls, in_flight).await?;
    }
    let mut rounds = Vec::new();
    for round in 0..sampling.rounds {
        let mut costs = vec![None; candidates.len()];
        for turn in 0..candidates.len() {
            // Rotates the order, so that no candidate is always first.
            let candidate_index = (round + turn) % candidates.len();
            costs[candidate_index] =
                Some(candidates[candidate_index].turn(calls, in_flight).await?);
        }
        rounds.push(costs.into_iter().flatten().collect());
    }
    Ok(rounds)
}

/// Returns the number of calls that take about one turn.
async fn calls_per_turn(
    sampling: Sampling,
    candidate: &Candidate,
    in_flight: usize,
) -> Result<usize> {
    let mut calls = in_flight;
    loop {
        let seconds = candidate.turn(calls, in_flight).await?.wall * calls as f64;
        if seconds >= sampling.turn.as_secs_f64() {
            return Ok(calls);
        }
        calls *= 2;
    }
}

fn print_row(name: &str, in_flight: usize, rounds: &[Vec<Cost>], index: usize) {
    let median_of = |cost: fn(&Cost) -> f64| median(rounds.iter().map(|costs| cost(&costs[index])));
    // Both ratios are relative to the first candidate; for speed, higher is better, for CPU, lower.
    let speed_ratio = rounds.iter().map(|costs| costs[0].wall / costs[index].wall);
    let cpu_ratio = rounds.iter().map(|costs| costs[index].cpu / costs[0].cpu);
    println!(
        "{name:15} {in_flight:9} {:9.0}  {:21} {:11.1}  {}",
        1.0 / median_of(|cost| cost.wall),
        ratio(speed_ratio),
        median_of(|cost| cost.cpu) * 1e6,
        ratio(cpu_ratio),
    );
}
